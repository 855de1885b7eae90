#include "model/mapped_schema.h"

#include <algorithm>
#include <set>

#include "base/name_pattern.h"
#include "godwit/options.h"
#include "model/json_value.h"

namespace godwit {
namespace {

std::vector<std::string> NamesOf(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

class SchemaMapper {
 public:
  SchemaMapper(const CollectionSchema& source, const Mapping& mapping)
      : source_(source), mapping_(mapping), mapped_(source) {}

  arrow::Result<CollectionSchema> Map() {
    ARROW_RETURN_NOT_OK(CheckNames());
    MapFields();
    for (const AddedField& spread : mapping_.spread) ARROW_RETURN_NOT_OK(AddSpread(spread));
    for (const AddedField& constant : mapping_.constants) ARROW_RETURN_NOT_OK(AddConstant(constant));
    PlaceMeta();
    ARROW_RETURN_NOT_OK(CheckResult());
    ARROW_RETURN_NOT_OK(MapPartitions());
    ARROW_RETURN_NOT_OK(MapIndexes());
    return std::move(mapped_);
  }

 private:
  arrow::Status Error(const std::string& message) const {
    return MakeError(ErrorKind::kInvalidConfig, message, source_.ref.ToString());
  }

  arrow::Status Unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known) const {
    const std::string near = NearestName(name, known);
    return Error(what + ": there is no '" + name + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }

  arrow::Status CheckNames() const {
    const std::vector<std::string> names = NamesOf(source_.fields);
    auto check = [&](const std::string& what, const std::string& pattern) -> arrow::Status {
      if (pattern == kDynamicFieldName) return Error(what + ": what becomes of $meta is said by `meta`");
      const bool found = std::any_of(names.begin(), names.end(),
                                     [&](const std::string& name) { return MatchPattern(pattern, name).has_value(); });
      return found ? arrow::Status::OK() : Unknown(what, pattern, names);
    };
    for (const std::string& pattern : mapping_.include_fields) ARROW_RETURN_NOT_OK(check("fields.include", pattern));
    for (const std::string& pattern : mapping_.exclude_fields) ARROW_RETURN_NOT_OK(check("fields.exclude", pattern));
    for (const auto& [from, to] : mapping_.fields) {
      if (std::find(names.begin(), names.end(), from) == names.end()) return Unknown("fields.rename", from, names);
      if (from == kDynamicFieldName) return Error("fields.rename: $meta keeps its name");
      if (!Takes(from)) return Error("fields.rename: '" + from + "' is not among the fields to move");
    }
    return arrow::Status::OK();
  }

  bool Takes(const std::string& name) const {
    auto matches = [&](const std::string& pattern) { return MatchPattern(pattern, name).has_value(); };
    const auto& include = mapping_.include_fields;
    if (std::any_of(mapping_.exclude_fields.begin(), mapping_.exclude_fields.end(), matches)) return false;
    const Field* field = source_.FindField(name);
    return include.empty() || field->primary_key || std::any_of(include.begin(), include.end(), matches);
  }

  std::string NewName(const std::string& name) const {
    auto renamed = mapping_.fields.find(name);
    return renamed == mapping_.fields.end() ? name : renamed->second;
  }

  void MapFields() {
    mapped_.fields.clear();
    for (const Field& field : source_.fields) {
      if (field.dynamic || !Takes(field.name)) continue;
      mapped_.fields.push_back(field);
      mapped_.fields.back().name = NewName(field.name);
    }
  }

  arrow::Status AddSpread(const AddedField& spread) {
    const bool has_meta = std::any_of(source_.fields.begin(), source_.fields.end(), [](auto& f) { return f.dynamic; });
    if (!has_meta) return Error("meta: the collection has no dynamic fields to take '" + spread.name + "' from");
    if (spread.value_json) {
      auto value = JsonScalar(spread.type, *spread.value_json);
      if (!value.ok()) return Error("meta: the default of '" + spread.name + "' " + value.status().message());
    }
    mapped_.fields.push_back({.name = spread.name,
                              .type = spread.type,
                              .nullable = !spread.value_json.has_value(),
                              .max_length = spread.max_length});
    return arrow::Status::OK();
  }

  arrow::Status AddConstant(const AddedField& constant) {
    auto value = JsonScalar(constant.type, constant.value_json.value_or("null"));
    if (!value.ok()) return Error("constants: the value of '" + constant.name + "' " + value.status().message());
    mapped_.fields.push_back({.name = constant.name, .type = constant.type, .max_length = constant.max_length});
    return arrow::Status::OK();
  }

  void PlaceMeta() {
    if (mapping_.drop_meta) mapped_.dynamic_fields = false;
    for (const Field& field : source_.fields) {
      if (field.dynamic && !mapping_.drop_meta) mapped_.fields.push_back(field);
    }
  }

  arrow::Status CheckResult() const {
    std::set<std::string> names;
    for (const Field& field : mapped_.fields) {
      if (field.name.empty()) return Error("a field of the target would have no name");
      if (!names.insert(field.name).second) {
        return Error("two fields of the target would be named '" + field.name + "'; rename one of them");
      }
    }
    for (const Field& field : source_.fields) {
      if (field.dynamic || Takes(field.name)) continue;
      if (field.primary_key) return Error("the key '" + field.name + "' can't be left out");
      if (field.partition_key) return Error("the partition key '" + field.name + "' can't be left out");
    }
    if (mapping_.leave_mismatches && mapping_.drop_meta) {
      return Error("meta: values of another type can't stay in $meta, which is dropped");
    }
    return arrow::Status::OK();
  }

  /// A row is known by its partition and its key: rows of two partitions may have one key.
  arrow::Status MapPartitions() {
    std::set<std::string> taken;
    std::vector<std::string> known = source_.partitions;
    known.emplace_back();
    for (const auto& [from, to] : mapping_.partitions) {
      if (source_.has_partition_key()) return Error("partitions: a collection with a partition key has no named ones");
      if (std::find(known.begin(), known.end(), from) == known.end()) return Unknown("partitions", from, known);
    }
    mapped_.partitions.clear();
    for (const std::string& partition : known) {
      auto renamed = mapping_.partitions.find(partition);
      const std::string& name = renamed == mapping_.partitions.end() ? partition : renamed->second;
      if (!taken.insert(name).second) {
        return Error("partitions: rows of two partitions would come together in '" + name +
                     "', where their keys may be the same; give one of them another name");
      }
      if (!name.empty()) mapped_.partitions.push_back(name);
    }
    std::sort(mapped_.partitions.begin(), mapped_.partitions.end());
    return arrow::Status::OK();
  }

  arrow::Status MapIndexes() {
    std::erase_if(mapped_.indexes,
                  [&](const Index& index) { return source_.FindField(index.field) != nullptr && !Takes(index.field); });
    for (Index& index : mapped_.indexes) index.field = NewName(index.field);
    for (const Index& index : mapping_.indexes) ARROW_RETURN_NOT_OK(SetIndex(index));
    return arrow::Status::OK();
  }

  arrow::Status SetIndex(Index index) {
    if (mapped_.FindField(index.field) == nullptr) return Unknown("indexes", index.field, NamesOf(mapped_.fields));
    auto same_field = [&](const Index& other) { return other.field == index.field; };
    auto replaced = std::find_if(mapped_.indexes.begin(), mapped_.indexes.end(), same_field);
    if (index.name.empty()) index.name = replaced == mapped_.indexes.end() ? index.field : replaced->name;
    std::erase_if(mapped_.indexes, same_field);
    mapped_.indexes.push_back(std::move(index));
    return arrow::Status::OK();
  }

  const CollectionSchema& source_;
  const Mapping& mapping_;
  CollectionSchema mapped_;
};

}  // namespace

arrow::Result<CollectionSchema> MapSchema(const CollectionSchema& source, const Mapping& mapping) {
  if (mapping == Mapping{}) return source;
  return SchemaMapper(source, mapping).Map();
}

}  // namespace godwit
