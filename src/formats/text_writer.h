// Record batches -> text. See text_format.h for what it looks like. Pure; no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "formats/text_format.h"
#include "godwit/schema.h"

namespace godwit {

/// Appends rows to one growing buffer. Not thread-safe.
class TextWriter {
 public:
  TextWriter(const CollectionSchema& schema, const TextFormat& format);
  ~TextWriter();

  /// The line that names the columns; nothing where the format has none.
  void WriteHeader();
  /// Columns in the storage types of the schema. kCorruptData names the field of a value that is no text at all (JSON
  /// that is not JSON). What was there before stays then, and a part of the rows with it.
  arrow::Status Write(const arrow::RecordBatch& rows);

  /// Everything since the last Clear. Valid until the next call.
  std::string_view text() const;
  void Clear();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct UnwritableRow {
  int64_t row = 0;
  std::string reason;  // names the field
};

/// The rows of a batch that the readers of a format can't take, ascending: what PostgreSQL refuses in text. The other
/// formats take everything.
std::vector<UnwritableRow> FindUnwritable(const CollectionSchema& schema, TextKind kind,
                                          const arrow::RecordBatch& rows);

}  // namespace godwit
