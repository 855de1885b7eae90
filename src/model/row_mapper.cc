#include "model/row_mapper.h"

#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace godwit {

arrow::Result<RowMapper> RowMapper::Make(const CollectionSchema& source, const CollectionSchema& target) {
  RowMapper mapper;
  mapper.read_schema_ = source;
  mapper.read_schema_.fields.clear();
  for (const Field& field : source.fields) {
    if (target.FindField(field.name) != nullptr) mapper.read_schema_.fields.push_back(field);
  }
  for (const Field& field : target.fields) {
    int column = 0;
    const auto& read = mapper.read_schema_.fields;
    while (column < static_cast<int>(read.size()) && read[column].name != field.name) ++column;
    if (column == static_cast<int>(read.size())) {
      return MakeError(ErrorKind::kUnsupported, "the target has a field '" + field.name + "' that the source lacks");
    }
    if (!read[column].type.Storage()->Equals(*field.type.Storage())) {
      return MakeError(ErrorKind::kUnsupported, "field '" + field.name + "' is " + read[column].type.Name() +
                                                    " at the source and " + field.type.Name() + " at the target");
    }
    mapper.columns_.push_back(column);
  }
  mapper.target_schema_ = target.ArrowSchema();
  return mapper;
}

Batch RowMapper::Map(Batch batch) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(columns_.size());
  for (int column : columns_) columns.push_back(batch.rows->column(column));
  batch.rows = arrow::RecordBatch::Make(target_schema_, batch.rows->num_rows(), std::move(columns));
  return batch;
}

}  // namespace godwit
