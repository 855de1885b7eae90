#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "stores/milvus/codec.h"

namespace godwit::milvus {
namespace {

namespace pb = ::milvus::proto::milvus;
namespace schema_pb = ::milvus::proto::schema;
namespace common_pb = ::milvus::proto::common;

struct KindAndType {
  TypeKind kind;
  schema_pb::DataType type;
};

constexpr auto kTypes = std::to_array<KindAndType>({
    {TypeKind::kBool, schema_pb::Bool},
    {TypeKind::kInt8, schema_pb::Int8},
    {TypeKind::kInt16, schema_pb::Int16},
    {TypeKind::kInt32, schema_pb::Int32},
    {TypeKind::kInt64, schema_pb::Int64},
    {TypeKind::kFloat, schema_pb::Float},
    {TypeKind::kDouble, schema_pb::Double},
    {TypeKind::kString, schema_pb::VarChar},
    {TypeKind::kJson, schema_pb::JSON},
    {TypeKind::kArray, schema_pb::Array},
    {TypeKind::kFloatVector, schema_pb::FloatVector},
    {TypeKind::kFloat16Vector, schema_pb::Float16Vector},
    {TypeKind::kBFloat16Vector, schema_pb::BFloat16Vector},
    {TypeKind::kInt8Vector, schema_pb::Int8Vector},
    {TypeKind::kBinaryVector, schema_pb::BinaryVector},
    {TypeKind::kSparseVector, schema_pb::SparseFloatVector},
});

template <typename Number>
bool ParseNumber(std::string_view text, Number* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

arrow::Status FieldError(ErrorKind kind, std::string_view field, std::string message) {
  return MakeError(kind, fmt::format("field {}: {}", field, message));
}

// ---------------------------------------------------------------------------------------------------------------------
// From Milvus

arrow::Result<TypeKind> KindOfField(const std::string& field, schema_pb::DataType type) {
  if (auto kind = TypeKindOf(type)) return *kind;
  std::string name = schema_pb::DataType_Name(type);
  return FieldError(
      ErrorKind::kUnsupported, field,
      fmt::format("the Milvus type {} can't be carried", name.empty() ? std::to_string(static_cast<int>(type)) : name));
}

arrow::Status ReadTypeParam(const common_pb::KeyValuePair& param, Field* field) {
  int64_t number = 0;
  bool known = param.key() == "dim" || param.key() == "max_length" || param.key() == "max_capacity";
  if (!known) {
    field->properties[param.key()] = param.value();
    return arrow::Status::OK();
  }
  if (!ParseNumber(param.value(), &number) || number <= 0 || number > INT32_MAX) {
    return FieldError(ErrorKind::kCorruptData, field->name,
                      fmt::format("{} is {}, not a positive number", param.key(), param.value()));
  }
  if (param.key() == "dim") field->type.dim = static_cast<int32_t>(number);
  if (param.key() == "max_length") field->max_length = number;
  if (param.key() == "max_capacity") field->max_capacity = number;
  return arrow::Status::OK();
}

template <typename Float>
arrow::Result<std::string> FloatAsJson(const std::string& field, Float value) {
  if (!std::isfinite(value)) {
    return FieldError(ErrorKind::kUnsupported, field, "its default value is not a finite number");
  }
  return fmt::format("{}", value);  // shortest that reads back as the same bits
}

arrow::Result<std::string> DefaultAsJson(const std::string& field, const schema_pb::ValueField& value) {
  switch (value.data_case()) {
    case schema_pb::ValueField::kBoolData:
      return std::string(value.bool_data() ? "true" : "false");
    case schema_pb::ValueField::kIntData:
      return std::to_string(value.int_data());
    case schema_pb::ValueField::kLongData:
      return std::to_string(value.long_data());
    case schema_pb::ValueField::kFloatData:
      return FloatAsJson(field, value.float_data());
    case schema_pb::ValueField::kDoubleData:
      return FloatAsJson(field, value.double_data());
    case schema_pb::ValueField::kStringData:
      return nlohmann::json(value.string_data()).dump();
    case schema_pb::ValueField::kBytesData:  // of a JSON field
      return value.bytes_data();
    default:
      return FieldError(ErrorKind::kUnsupported, field, "its default value is of an unknown type");
  }
}

arrow::Result<Field> FieldFromProto(const schema_pb::FieldSchema& proto) {
  Field field;
  field.name = proto.name();
  ARROW_ASSIGN_OR_RAISE(field.type.kind, KindOfField(field.name, proto.data_type()));
  if (field.type.kind == TypeKind::kArray) {
    ARROW_ASSIGN_OR_RAISE(field.type.element, KindOfField(field.name, proto.element_type()));
    if (field.type.element == TypeKind::kArray || Type::Of(field.type.element).is_vector()) {
      return FieldError(ErrorKind::kUnsupported, field.name,
                        fmt::format("an array of {} can't be carried", ToString(field.type.element)));
    }
  }
  field.nullable = proto.nullable();
  field.primary_key = proto.is_primary_key();
  field.auto_id = proto.autoid();
  field.partition_key = proto.is_partition_key();
  field.clustering_key = proto.is_clustering_key();
  field.dynamic = proto.is_dynamic();
  field.description = proto.description();
  for (const auto& param : proto.type_params()) ARROW_RETURN_NOT_OK(ReadTypeParam(param, &field));
  if (field.type.is_vector() && field.type.kind != TypeKind::kSparseVector && field.type.dim == 0) {
    return FieldError(ErrorKind::kCorruptData, field.name, "a vector without dim");
  }
  if (field.type.kind == TypeKind::kBinaryVector && field.type.dim % 8 != 0) {
    return FieldError(ErrorKind::kCorruptData, field.name, "a binary vector whose dim is no multiple of 8");
  }
  if (proto.has_default_value() && proto.default_value().data_case() != schema_pb::ValueField::DATA_NOT_SET) {
    ARROW_ASSIGN_OR_RAISE(field.default_json, DefaultAsJson(field.name, proto.default_value()));
  }
  return field;
}

// ---------------------------------------------------------------------------------------------------------------------
// To Milvus

arrow::Result<schema_pb::DataType> DataTypeOfField(const std::string& field, TypeKind kind) {
  if (auto type = DataTypeOf(kind)) return *type;
  return FieldError(ErrorKind::kUnsupported, field, fmt::format("Milvus has no type {}", ToString(kind)));
}

bool SetDefault(TypeKind kind, const std::string& json, schema_pb::ValueField* value) {
  switch (kind) {
    case TypeKind::kBool:
      value->set_bool_data(json == "true");
      return json == "true" || json == "false";
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32: {
      int32_t number = 0;
      if (!ParseNumber(json, &number)) return false;
      value->set_int_data(number);
      return true;
    }
    case TypeKind::kInt64: {
      int64_t number = 0;
      if (!ParseNumber(json, &number)) return false;
      value->set_long_data(number);
      return true;
    }
    case TypeKind::kFloat: {
      float number = 0;
      if (!ParseNumber(json, &number)) return false;
      value->set_float_data(number);
      return true;
    }
    case TypeKind::kDouble: {
      double number = 0;
      if (!ParseNumber(json, &number)) return false;
      value->set_double_data(number);
      return true;
    }
    case TypeKind::kString: {
      auto text = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
      if (!text.is_string()) return false;
      value->set_string_data(text.get<std::string>());
      return true;
    }
    case TypeKind::kJson:
      value->set_bytes_data(json);
      return true;
    default:
      return false;
  }
}

void AddParam(schema_pb::FieldSchema* proto, const std::string& key, const std::string& value) {
  auto* param = proto->add_type_params();
  param->set_key(key);
  param->set_value(value);
}

arrow::Status FieldToProto(const Field& field, schema_pb::FieldSchema* proto) {
  proto->set_name(field.name);
  ARROW_ASSIGN_OR_RAISE(auto type, DataTypeOfField(field.name, field.type.kind));
  proto->set_data_type(type);
  if (field.type.kind == TypeKind::kArray) {
    ARROW_ASSIGN_OR_RAISE(auto element, DataTypeOfField(field.name, field.type.element));
    proto->set_element_type(element);
  }
  proto->set_nullable(field.nullable);
  proto->set_is_primary_key(field.primary_key);
  proto->set_autoid(field.auto_id);
  proto->set_is_partition_key(field.partition_key);
  proto->set_is_clustering_key(field.clustering_key);
  proto->set_description(field.description);
  if (field.type.dim > 0) AddParam(proto, "dim", std::to_string(field.type.dim));
  if (field.max_length) AddParam(proto, "max_length", std::to_string(*field.max_length));
  if (field.max_capacity) AddParam(proto, "max_capacity", std::to_string(*field.max_capacity));
  for (const auto& [key, value] : field.properties) AddParam(proto, key, value);
  if (field.default_json && !SetDefault(field.type.kind, *field.default_json, proto->mutable_default_value())) {
    return FieldError(ErrorKind::kUnsupported, field.name,
                      fmt::format("{} can't be the default value of a {}", *field.default_json, field.type.Name()));
  }
  return arrow::Status::OK();
}

}  // namespace

std::optional<schema_pb::DataType> DataTypeOf(TypeKind kind) {
  for (const auto& pair : kTypes) {
    if (pair.kind == kind) return pair.type;
  }
  return std::nullopt;
}

std::optional<TypeKind> TypeKindOf(schema_pb::DataType type) {
  for (const auto& pair : kTypes) {
    if (pair.type == type) return pair.kind;
  }
  return std::nullopt;
}

arrow::Result<CollectionSchema> SchemaFromProto(const pb::DescribeCollectionResponse& reply) {
  const schema_pb::CollectionSchema& proto = reply.schema();
  CollectionSchema schema;
  schema.ref = {reply.db_name(), reply.collection_name().empty() ? proto.name() : reply.collection_name()};
  schema.description = proto.description();
  if (proto.functions_size() > 0) {
    return MakeError(ErrorKind::kUnsupported,
                     fmt::format("collection {} has the function {}: fields that Milvus computes can't be carried",
                                 schema.ref.ToString(), proto.functions(0).name()));
  }
  if (proto.struct_array_fields_size() > 0) {
    return FieldError(ErrorKind::kUnsupported, proto.struct_array_fields(0).name(),
                      "the Milvus type array of struct can't be carried");
  }
  for (const auto& field_proto : proto.fields()) {
    if (field_proto.is_dynamic()) continue;  // newer servers show it, older ones don't: added below for both
    ARROW_ASSIGN_OR_RAISE(auto field, FieldFromProto(field_proto));
    schema.fields.push_back(std::move(field));
  }
  if (proto.enable_dynamic_field()) {
    schema.dynamic_fields = true;
    schema.fields.push_back(
        {.name = std::string(kDynamicFieldName), .type = Type::Of(TypeKind::kJson), .dynamic = true});
  }
  schema.shards = reply.shards_num();
  if (schema.has_partition_key()) schema.num_partitions = static_cast<int32_t>(reply.num_partitions());
  schema.consistency_level = common_pb::ConsistencyLevel_Name(reply.consistency_level());
  for (const auto& property : reply.properties()) schema.properties[property.key()] = property.value();
  schema.aliases.assign(reply.aliases().begin(), reply.aliases().end());
  return schema;
}

arrow::Result<schema_pb::CollectionSchema> SchemaToProto(const CollectionSchema& schema) {
  schema_pb::CollectionSchema proto;
  proto.set_name(schema.ref.name);
  proto.set_description(schema.description);
  proto.set_enable_dynamic_field(schema.dynamic_fields);
  for (const Field& field : schema.fields) {
    if (!field.dynamic) ARROW_RETURN_NOT_OK(FieldToProto(field, proto.add_fields()));
  }
  return proto;
}

}  // namespace godwit::milvus
