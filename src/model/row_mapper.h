// Rows of the source -> rows of the target: which columns, in which order, under which names. Immutable, thread-safe.
#pragma once

#include <vector>

#include "godwit/schema.h"
#include "godwit/store.h"

namespace godwit {

class RowMapper {
 public:
  /// kUnsupported when a field of the target has no counterpart of the same storage type at the source.
  static arrow::Result<RowMapper> Make(const CollectionSchema& source, const CollectionSchema& target);

  /// The source's schema, with only the fields that the target takes: what to read.
  const CollectionSchema& read_schema() const { return read_schema_; }
  /// Columns of a batch read with read_schema(), in the order of the target's fields. No copy.
  Batch Map(Batch batch) const;

 private:
  CollectionSchema read_schema_;
  std::shared_ptr<arrow::Schema> target_schema_;
  std::vector<int> columns_;  // of the target's fields, in the batch
};

}  // namespace godwit
