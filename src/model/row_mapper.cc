#include "model/row_mapper.h"

#include <algorithm>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "model/json_value.h"
#include "model/meta_spreader.h"

namespace godwit {
namespace {

/// The source's name of a field that the mapping may have renamed.
std::string SourceName(const Mapping& mapping, const std::string& target) {
  for (const auto& [from, to] : mapping.fields) {
    if (to == target) return from;
  }
  return target;
}

std::optional<size_t> Find(const std::vector<AddedField>& added, const std::string& name) {
  auto found = std::find_if(added.begin(), added.end(), [&](const AddedField& field) { return field.name == name; });
  if (found == added.end()) return std::nullopt;
  return static_cast<size_t>(found - added.begin());
}

}  // namespace

arrow::Result<RowMapper::Column> RowMapper::FindColumn(const CollectionSchema& source, const Field& field) {
  auto check = [&](const Type& type) -> arrow::Status {
    if (type.Storage()->Equals(*field.type.Storage())) return arrow::Status::OK();
    return MakeError(ErrorKind::kUnsupported, "field '" + field.name + "' is " + type.Name() + " at the source and " +
                                                  field.type.Name() + " at the target");
  };
  if (auto constant = Find(mapping_.constants, field.name)) {
    ARROW_RETURN_NOT_OK(check(mapping_.constants[*constant].type));
    return Column{Column::From::kConstant, *constant};
  }
  if (auto spread = Find(mapping_.spread, field.name)) {
    ARROW_RETURN_NOT_OK(check(mapping_.spread[*spread].type));
    return Column{Column::From::kSpread, *spread};
  }
  const std::string name = SourceName(mapping_, field.name);
  const auto& fields = source.fields;
  auto read = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  if (read == fields.end() || (field.name == name && mapping_.fields.contains(name) && !read->dynamic)) {
    return MakeError(ErrorKind::kUnsupported, "the target has a field '" + field.name + "' that the source lacks");
  }
  ARROW_RETURN_NOT_OK(check(read->type));
  if (read->dynamic && !mapping_.spread.empty()) return Column{Column::From::kMetaRest, 0};
  return Column{Column::From::kField, static_cast<size_t>(read - fields.begin())};
}

arrow::Result<RowMapper> RowMapper::Make(const CollectionSchema& source, const CollectionSchema& target,
                                         const Mapping& mapping) {
  RowMapper mapper;
  mapper.mapping_ = mapping;
  mapper.target_schema_ = target.ArrowSchema();
  for (const AddedField& constant : mapping.constants) {
    ARROW_ASSIGN_OR_RAISE(auto value, JsonScalar(constant.type, constant.value_json.value_or("null")));
    mapper.constants_.push_back(std::move(value));
  }
  std::vector<bool> wanted(source.fields.size(), false);
  for (const Field& field : target.fields) {
    ARROW_ASSIGN_OR_RAISE(Column column, mapper.FindColumn(source, field));
    mapper.columns_.push_back(column);
    if (column.from == Column::From::kField) wanted[column.index] = true;
    const bool meta = column.from == Column::From::kSpread || column.from == Column::From::kMetaRest;
    for (size_t i = 0; meta && i < source.fields.size(); ++i) {
      if (source.fields[i].dynamic) wanted[i] = true;
    }
  }
  mapper.read_schema_ = source;
  mapper.read_schema_.fields.clear();
  std::vector<size_t> place(source.fields.size(), 0);  // in what is read
  for (size_t i = 0; i < source.fields.size(); ++i) {
    if (!wanted[i]) continue;
    place[i] = mapper.read_schema_.fields.size();
    if (source.fields[i].dynamic) mapper.meta_column_ = static_cast<int>(place[i]);
    mapper.read_schema_.fields.push_back(source.fields[i]);
  }
  for (Column& column : mapper.columns_) {
    if (column.from == Column::From::kField) column.index = place[column.index];
  }
  return mapper;
}

arrow::Result<Batch> RowMapper::Map(Batch batch) const {
  const int64_t rows = batch.rows->num_rows();
  SpreadColumns spread;
  if (!mapping_.spread.empty() && meta_column_ >= 0) {
    const int key = read_schema_.key_index();
    const arrow::Array* keys = key < 0 ? nullptr : batch.rows->column(key).get();
    ARROW_ASSIGN_OR_RAISE(spread, SpreadMeta(*batch.rows->column(meta_column_), mapping_, keys));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(columns_.size());
  for (const Column& column : columns_) {
    switch (column.from) {
      case Column::From::kField:
        columns.push_back(batch.rows->column(static_cast<int>(column.index)));
        break;
      case Column::From::kConstant: {
        ARROW_ASSIGN_OR_RAISE(auto repeated, arrow::MakeArrayFromScalar(*constants_[column.index], rows));
        columns.push_back(std::move(repeated));
        break;
      }
      case Column::From::kSpread:
        columns.push_back(spread.columns[column.index]);
        break;
      case Column::From::kMetaRest:
        columns.push_back(spread.rest);
        break;
    }
  }
  batch.rows = arrow::RecordBatch::Make(target_schema_, rows, std::move(columns));
  if (auto renamed = mapping_.partitions.find(batch.partition); renamed != mapping_.partitions.end()) {
    batch.partition = renamed->second;
  }
  return batch;
}

std::string RowMapper::SourcePartition(const std::string& target) const {
  for (const auto& [from, to] : mapping_.partitions) {
    if (to == target) return from;
  }
  return target;
}

}  // namespace godwit
