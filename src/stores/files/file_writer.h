// Writes one new data file of any format.
#pragma once

#include <cstdint>

#include <arrow/type_fwd.h>

#include "godwit/digest.h"
#include "godwit/error.h"

namespace godwit::files {

/// Belongs to one thread at a time.
class FileWriter {
 public:
  virtual ~FileWriter() = default;

  /// Columns in the storage types of the schema.
  virtual arrow::Status Write(const arrow::RecordBatch& rows) = 0;
  /// In the file, and what is held in memory.
  virtual int64_t bytes() const = 0;

  struct Written {
    int64_t rows = 0;
    int64_t bytes = 0;
    Hash128 hash;
  };
  /// Writes what is held and closes the file, without making it durable. Nothing may be written after it.
  virtual arrow::Result<Written> Close() = 0;
};

}  // namespace godwit::files
