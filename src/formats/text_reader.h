// Text -> record batches, strictly: what is not exactly one of the forms of text_format.h is kCorruptData that names
// line and field. Pure; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "formats/text_format.h"
#include "godwit/schema.h"

namespace godwit {

/// What is known of a file before it is read.
struct TextSource {
  TextFormat format;
  /// Fields of a line, in order (jsonl: the keys that may occur). A header that does not name exactly these is an
  /// error. Empty: the header names them; without one they are those of the schema (own), or column1, column2 and so
  /// on; jsonl may have any keys then.
  std::vector<std::string> columns = {};
  /// The file was written by TextWriter. Others may end without a line end, have \r\n for one and a byte order mark; a
  /// null of their json fields is `null` in jsonl.
  bool own = true;
};

/// Reads rows out of text that comes in pieces. Not thread-safe.
class TextReader {
 public:
  /// `schema` may have fewer fields than the file.
  TextReader(const CollectionSchema& schema, TextSource source);
  ~TextReader();

  /// Takes the whole rows at the beginning of `text`, until about `max_bytes` of columns are built, and returns how
  /// many bytes that were; the rest has to be given again, with more behind it. `last`: nothing comes after `text`. 0 =
  /// a row does not end in `text`.
  arrow::Result<size_t> Read(std::string_view text, bool last, int64_t max_bytes);
  /// The next `rows` rows are passed over without a look at their values.
  void Skip(int64_t rows);
  /// Rows passed over by Skip so far.
  int64_t skipped() const;
  /// Rows taken since the last Finish.
  int64_t rows() const;
  /// About what these rows take in columns.
  int64_t bytes() const;
  /// These rows, in the storage types of the schema.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit
