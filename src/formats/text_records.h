// Where rows and fields begin and end in text. Pure; see text_format.h for the formats, text_reader.h for what is
// strict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/text_format.h"

namespace godwit {

/// A field of csv or postgres as it stands in the text, without the quotes around it.
struct RawField {
  std::string_view text;
  bool quoted = false;
  bool escaped = false;  // holds doubled quotes, or backslashes
};

/// Goes through a text that comes in pieces, record by record. Not thread-safe.
class TextRecords {
 public:
  /// `own` as in TextSource.
  TextRecords(const TextFormat& format, bool own) : format_(format), own_(own) {}

  /// Bytes of the record at the beginning of `text`, its line end among them; 0 when it does not end there. `last`:
  /// nothing comes after `text`. What follows is valid until the next call, as long as `text` is.
  arrow::Result<size_t> Next(std::string_view text, bool last);
  /// Of csv and postgres.
  const std::vector<RawField>& fields() const { return fields_; }
  /// The line of jsonl, without its end.
  std::string_view line_text() const { return line_text_; }

  bool IsNull(const RawField& field) const;
  /// The value of a field that is not null; `text` is in the record, or in here. If it is none, `why` says so.
  bool Unescape(const RawField& field, std::string_view* text, std::string* why);
  /// The names in a header; kCorruptData where one comes twice.
  arrow::Result<std::vector<std::string>> Names();

  /// The line that the record begins in, from 1.
  int64_t line() const { return line_; }
  arrow::Status Error(const std::string& what) const;
  arrow::Status FieldError(const std::string& name, const std::string& what) const;

 private:
  arrow::Result<size_t> ScanCsv(std::string_view text, bool last);
  arrow::Result<size_t> ScanCopy(std::string_view text, bool last);
  arrow::Result<size_t> ScanLine(std::string_view text, bool last);
  arrow::Status CheckCutLine() const;
  bool UnescapeCopy(std::string_view text, std::string* why);

  TextFormat format_;
  bool own_;
  bool began_ = false;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
  int64_t inner_lines_ = 0;  // line ends inside the record
  std::vector<RawField> fields_;
  std::string_view line_text_;
  std::string scratch_;
};

}  // namespace godwit
