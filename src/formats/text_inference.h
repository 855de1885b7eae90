// Types of the fields of text that nothing is known of, by one look at every row. Pure.
//
// A field is what all of its values are: int64, double, bool, json (objects and lists), else string. jsonl says itself
// what is a string; fields of several kinds are json there. A number that a double would not give back digit by digit
// makes its field a string (jsonl: json, which keeps it), so that nothing is ever lost. Null says nothing but that the
// field is nullable; a field of nulls only is a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/json_cursor.h"
#include "formats/text_records.h"
#include "godwit/schema.h"

namespace godwit {

/// Takes files one after the other. Not thread-safe.
class TextInference {
 public:
  /// Fields in `known` have those types; only their nulls are looked for.
  TextInference(const TextFormat& format, std::map<std::string, Type> known)
      : format_(format), known_(std::move(known)), records_(format, /*own=*/false) {}

  /// Before the text of each file.
  void BeginFile();
  /// As TextReader::Read. Errors are those of TextReader.
  arrow::Result<size_t> Read(std::string_view text, bool last);
  int64_t rows() const { return rows_; }
  /// In the order of the first header (jsonl: of their first appearance).
  std::vector<Field> Fields() const;

 private:
  struct Column {
    std::string name;
    bool known = false;
    int64_t last_row = 0;  // jsonl: that has it, from 1
    int64_t values = 0;    // not null
    bool int64 = true;     // what all values may be
    bool number = true;
    bool boolean = true;
    bool json = true;
    bool text = true;     // jsonl: all are strings
    bool digits = false;  // one at least is no NaN and no infinity
  };

  arrow::Status ReadHeader();
  arrow::Status ReadFields();
  arrow::Status ReadObject();
  static void Look(std::string_view text, Column* column);
  static bool LookJson(JsonCursor* json, Column* column);
  Type TypeOf(const Column& column) const;

  const TextFormat format_;
  const std::map<std::string, Type> known_;
  TextRecords records_;
  bool header_done_ = false;
  std::vector<Column> columns_;
  std::vector<size_t> places_;  // of the columns of the file
  int64_t rows_ = 0;
  std::string scratch_;
};

/// True when a double gives back every digit of a decimal number that has no needless zeros in front.
bool IsExactDouble(std::string_view number);

}  // namespace godwit
