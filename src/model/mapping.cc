#include "godwit/mapping.h"

#include <set>

#include <nlohmann/json.hpp>

namespace godwit {
namespace {

using nlohmann::json;

json ToObject(const AddedField& field) {
  json object = {{"name", field.name}, {"type", ToString(field.type.kind)}};
  if (field.max_length) object["max_length"] = *field.max_length;
  if (field.value_json) object["value"] = *field.value_json;
  return object;
}

json ToObject(const Index& index) {
  return {{"name", index.name},
          {"field", index.field},
          {"type", index.type},
          {"metric", index.metric},
          {"params", index.params}};
}

arrow::Result<AddedField> AddedFromObject(const json& object) {
  AddedField field{.name = object.at("name"), .type = {}};
  ARROW_ASSIGN_OR_RAISE(field.type.kind, ParseTypeKind(object.at("type").get<std::string>()));
  if (object.contains("max_length")) field.max_length = object["max_length"].get<int64_t>();
  if (object.contains("value")) field.value_json = object["value"].get<std::string>();
  return field;
}

template <typename T>
json ToArray(const std::vector<T>& values) {
  json array = json::array();
  for (const T& value : values) array.push_back(ToObject(value));
  return array;
}

arrow::Result<Mapping> FromObject(const json& object) {
  static const std::set<std::string> kKeys = {"filter", "include", "exclude",          "fields",    "partitions",
                                              "spread", "drop",    "leave_mismatches", "constants", "indexes"};
  for (const auto& [key, value] : object.items()) {
    if (!kKeys.contains(key)) return MakeError(ErrorKind::kCorruptData, "a mapping has the unknown key '" + key + "'");
  }
  Mapping mapping;
  mapping.filter = object.value("filter", "");
  mapping.include_fields = object.value("include", std::vector<std::string>());
  mapping.exclude_fields = object.value("exclude", std::vector<std::string>());
  mapping.fields = object.value("fields", std::map<std::string, std::string>());
  mapping.partitions = object.value("partitions", std::map<std::string, std::string>());
  mapping.drop_meta = object.value("drop", false);
  mapping.leave_mismatches = object.value("leave_mismatches", false);
  for (auto [key, added] : {std::pair{"spread", &mapping.spread}, std::pair{"constants", &mapping.constants}}) {
    for (const json& entry : object.value(key, json::array())) {
      ARROW_ASSIGN_OR_RAISE(AddedField field, AddedFromObject(entry));
      added->push_back(std::move(field));
    }
  }
  for (const json& entry : object.value("indexes", json::array())) {
    mapping.indexes.push_back({.name = entry.at("name"),
                               .field = entry.at("field"),
                               .type = entry.at("type"),
                               .metric = entry.at("metric"),
                               .params = entry.at("params")});
  }
  return mapping;
}

}  // namespace

std::string ToJson(const Mapping& mapping) {
  json object = json::object();
  if (!mapping.filter.empty()) object["filter"] = mapping.filter;
  if (!mapping.include_fields.empty()) object["include"] = mapping.include_fields;
  if (!mapping.exclude_fields.empty()) object["exclude"] = mapping.exclude_fields;
  if (!mapping.fields.empty()) object["fields"] = mapping.fields;
  if (!mapping.partitions.empty()) object["partitions"] = mapping.partitions;
  if (mapping.drop_meta) object["drop"] = true;
  if (mapping.leave_mismatches) object["leave_mismatches"] = true;
  if (!mapping.spread.empty()) object["spread"] = ToArray(mapping.spread);
  if (!mapping.constants.empty()) object["constants"] = ToArray(mapping.constants);
  if (!mapping.indexes.empty()) object["indexes"] = ToArray(mapping.indexes);
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

arrow::Result<Mapping> MappingFromJson(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return MakeError(ErrorKind::kCorruptData, "a mapping is not a JSON object");
  try {
    return FromObject(object);
  } catch (const json::exception& error) {
    return MakeError(ErrorKind::kCorruptData, std::string("a mapping is damaged: ") + error.what());
  }
}

}  // namespace godwit
