// Rows of the source -> rows of the target: which columns, in which order, under which names, from which partition to
// which. Immutable, thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "godwit/mapping.h"
#include "godwit/schema.h"
#include "godwit/store.h"

namespace godwit {

class RowMapper {
 public:
  /// kUnsupported when a field of the target comes from nowhere, or from a field of another storage type. `target` is
  /// MapSchema(source, mapping) as the sink adapted it; it may have fewer fields.
  static arrow::Result<RowMapper> Make(const CollectionSchema& source, const CollectionSchema& target,
                                       const Mapping& mapping);

  /// The source's schema, with only the fields that the target takes: what to read.
  const CollectionSchema& read_schema() const { return read_schema_; }
  const Mapping& mapping() const { return mapping_; }
  /// Which rows of the source to read, see SplitPolicy::filter.
  const std::string& filter() const { return mapping_.filter; }
  /// Rows of a batch read with read_schema(), with the columns of the target's fields. Copies only what comes out of
  /// `$meta`. kCorruptData names the row and the key of `$meta` whose value has another type than its column.
  arrow::Result<Batch> Map(Batch batch) const;
  /// The source's name of a partition of the target.
  std::string SourcePartition(const std::string& target) const;

 private:
  struct Column {
    enum class From { kField, kConstant, kSpread, kMetaRest };
    From from = From::kField;
    size_t index = 0;  // of the read field, the constant or the spread key
  };

  arrow::Result<Column> FindColumn(const CollectionSchema& source, const Field& field);

  Mapping mapping_;
  CollectionSchema read_schema_;
  std::shared_ptr<arrow::Schema> target_schema_;
  std::vector<Column> columns_;  // of the target's fields
  std::vector<std::shared_ptr<arrow::Scalar>> constants_;
  int meta_column_ = -1;  // of `$meta` in what is read
};

}  // namespace godwit
