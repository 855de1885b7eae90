#include "godwit/schema.h"

#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>
#include <utility>

#include "godwit/options.h"

namespace godwit {
namespace {

using Json = nlohmann::ordered_json;

struct KindName {
  TypeKind kind;
  std::string_view name;
};

constexpr auto kKindNames = std::to_array<KindName>({{TypeKind::kBool, "bool"},
                                                     {TypeKind::kInt8, "int8"},
                                                     {TypeKind::kInt16, "int16"},
                                                     {TypeKind::kInt32, "int32"},
                                                     {TypeKind::kInt64, "int64"},
                                                     {TypeKind::kFloat, "float"},
                                                     {TypeKind::kDouble, "double"},
                                                     {TypeKind::kString, "string"},
                                                     {TypeKind::kJson, "json"},
                                                     {TypeKind::kBytes, "bytes"},
                                                     {TypeKind::kTimestamp, "timestamp"},
                                                     {TypeKind::kDate, "date"},
                                                     {TypeKind::kDecimal, "decimal"},
                                                     {TypeKind::kArray, "array"},
                                                     {TypeKind::kFloatVector, "float_vector"},
                                                     {TypeKind::kFloat16Vector, "float16_vector"},
                                                     {TypeKind::kBFloat16Vector, "bfloat16_vector"},
                                                     {TypeKind::kInt8Vector, "int8_vector"},
                                                     {TypeKind::kBinaryVector, "binary_vector"},
                                                     {TypeKind::kSparseVector, "sparse_vector"}});

constexpr int32_t kMaxDecimalPrecision = 38;  // of decimal128

std::shared_ptr<arrow::Field> Item(std::shared_ptr<arrow::DataType> type) {
  return arrow::field("item", std::move(type), /*nullable=*/false);
}

// What can't be a type, as the end of a sentence; empty when it can.
std::string Defect(const Type& type) {
  if (type.is_vector() && type.kind != TypeKind::kSparseVector && type.dim <= 0) return "has no dimension";
  if (type.kind == TypeKind::kBinaryVector && type.dim % 8 != 0) return "has a dimension that is no multiple of 8";
  if (type.kind == TypeKind::kDecimal && (type.precision < 1 || type.precision > kMaxDecimalPrecision)) {
    return fmt::format("has a precision that is not within 1 and {}", kMaxDecimalPrecision);
  }
  if (type.kind == TypeKind::kArray && type.element >= TypeKind::kDecimal) {
    return fmt::format("is an array of {}", ToString(type.element));
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// JSON. One list of members a struct serves both directions; a member that has its default value is left out, unless it
// is what the struct can't be without.

enum class Presence { kOptional, kRequired };

template <typename Visitor>
void VisitMembers(std::type_identity<Type>, Visitor&& visit) {
  visit("kind", &Type::kind, Presence::kRequired);
  visit("element", &Type::element);
  visit("dim", &Type::dim);
  visit("precision", &Type::precision);
  visit("scale", &Type::scale);
  visit("utc", &Type::utc);
}

template <typename Visitor>
void VisitMembers(std::type_identity<Field>, Visitor&& visit) {
  visit("name", &Field::name, Presence::kRequired);
  visit("type", &Field::type, Presence::kRequired);
  visit("nullable", &Field::nullable);
  visit("primary_key", &Field::primary_key);
  visit("auto_id", &Field::auto_id);
  visit("partition_key", &Field::partition_key);
  visit("clustering_key", &Field::clustering_key);
  visit("dynamic", &Field::dynamic);
  visit("max_length", &Field::max_length);
  visit("max_capacity", &Field::max_capacity);
  visit("description", &Field::description);
  visit("default_json", &Field::default_json);
  visit("properties", &Field::properties);
}

template <typename Visitor>
void VisitMembers(std::type_identity<Index>, Visitor&& visit) {
  visit("name", &Index::name);
  visit("field", &Index::field, Presence::kRequired);
  visit("type", &Index::type);
  visit("metric", &Index::metric);
  visit("params", &Index::params);
}

template <typename Visitor>
void VisitMembers(std::type_identity<CollectionRef>, Visitor&& visit) {
  visit("database", &CollectionRef::database);
  visit("name", &CollectionRef::name, Presence::kRequired);
}

template <typename Visitor>
void VisitMembers(std::type_identity<CollectionSchema>, Visitor&& visit) {
  visit("ref", &CollectionSchema::ref, Presence::kRequired);
  visit("description", &CollectionSchema::description);
  visit("fields", &CollectionSchema::fields, Presence::kRequired);
  visit("dynamic_fields", &CollectionSchema::dynamic_fields);
  visit("partitions", &CollectionSchema::partitions);
  visit("num_partitions", &CollectionSchema::num_partitions);
  visit("shards", &CollectionSchema::shards);
  visit("consistency_level", &CollectionSchema::consistency_level);
  visit("properties", &CollectionSchema::properties);
  visit("aliases", &CollectionSchema::aliases);
  visit("indexes", &CollectionSchema::indexes);
  visit("loaded", &CollectionSchema::loaded);
}

class Writer {
 public:
  static Json Write(bool value) { return value; }
  static Json Write(int32_t value) { return value; }
  static Json Write(int64_t value) { return value; }
  static Json Write(const std::string& value) { return value; }
  static Json Write(TypeKind value) { return ToString(value); }
  static Json Write(const std::map<std::string, std::string>& value) { return value; }
  template <typename T>
  static Json Write(const std::optional<T>& value) {
    return value ? Write(*value) : Json();
  }
  template <typename T>
  static Json Write(const std::vector<T>& values) {
    Json json = Json::array();
    for (const T& value : values) json.push_back(Write(value));
    return json;
  }
  template <typename Struct>
  static Json Write(const Struct& value) {
    const Struct defaults{};
    Json json = Json::object();
    VisitMembers(std::type_identity<Struct>(), [&](const char* key, auto member, Presence presence = {}) {
      if (presence == Presence::kRequired || value.*member != defaults.*member) json[key] = Write(value.*member);
    });
    return json;
  }
};

// Each Read returns false at the first value that is not what it should be; error() then says where.
class Reader {
 public:
  const std::string& error() const { return error_; }

  bool Read(const Json& json, bool* value) {
    if (!json.is_boolean()) return Fail("is not true or false");
    *value = json.get<bool>();
    return true;
  }
  bool Read(const Json& json, int64_t* value) {
    if (!json.is_number_integer()) return Fail("is not a whole number");
    *value = json.get<int64_t>();
    return !json.is_number_unsigned() || std::in_range<int64_t>(json.get<uint64_t>()) || Fail("is too large");
  }
  bool Read(const Json& json, int32_t* value) {
    int64_t wide = 0;
    if (!Read(json, &wide)) return false;
    *value = static_cast<int32_t>(wide);
    return std::in_range<int32_t>(wide) || Fail("is too large");
  }
  bool Read(const Json& json, std::string* value) {
    if (!json.is_string()) return Fail("is not a string");
    *value = json.get<std::string>();
    return true;
  }
  bool Read(const Json& json, TypeKind* value) {
    std::string name;
    if (!Read(json, &name)) return false;
    arrow::Result<TypeKind> kind = ParseTypeKind(name);
    if (!kind.ok()) return Fail("is no known type: '" + name + "'");
    *value = *kind;
    return true;
  }
  bool Read(const Json& json, std::map<std::string, std::string>* value) {
    if (!json.is_object()) return Fail("is not an object");
    for (const auto& [key, text] : json.items()) {
      if (!Read(text, &(*value)[key])) return InMember(key);
    }
    return true;
  }
  template <typename T>
  bool Read(const Json& json, std::optional<T>* value) {
    return Read(json, &value->emplace());
  }
  template <typename T>
  bool Read(const Json& json, std::vector<T>* values) {
    if (!json.is_array()) return Fail("is not an array");
    for (const Json& element : json) {
      if (!Read(element, &values->emplace_back())) return InMember(std::to_string(values->size() - 1));
    }
    return true;
  }
  template <typename Struct>
  bool Read(const Json& json, Struct* value) {
    if (!json.is_object()) return Fail("is not an object");
    bool ok = true;
    std::set<std::string_view> known;
    VisitMembers(std::type_identity<Struct>(), [&](const char* key, auto member, Presence presence = {}) {
      known.insert(key);
      auto found = json.find(key);
      if (!ok) return;
      if (found != json.end()) {
        ok = Read(*found, &(value->*member)) || InMember(key);
      } else if (presence == Presence::kRequired) {
        ok = Fail("is missing") || InMember(key);
      }
    });
    for (auto item = json.begin(); ok && item != json.end(); ++item) {
      if (!known.contains(item.key())) ok = Fail("is an unknown key") || InMember(item.key());
    }
    return ok && Check(*value);
  }

 private:
  template <typename Struct>
  bool Check(const Struct&) {
    return true;
  }
  bool Check(const Type& type) {
    std::string defect = Defect(type);
    return defect.empty() || Fail(defect);
  }

  bool Fail(std::string_view why) {
    error_ = " " + std::string(why);
    return false;
  }
  bool InMember(std::string_view key) {
    error_ = (error_.starts_with(' ') ? std::string(key) : std::string(key) + ".") + error_;
    return false;
  }

  std::string error_;
};

// ---------------------------------------------------------------------------------------------------------------------

// The lengths and keys of a field, as a sentence would list them.
std::string Traits(const Field& field) {
  std::string text = field.type.Name();
  if (field.max_length) text += fmt::format(", max_length {}", *field.max_length);
  if (field.max_capacity) text += fmt::format(", max_capacity {}", *field.max_capacity);
  if (field.nullable) text += ", nullable";
  if (field.primary_key) text += ", primary key";
  if (field.auto_id) text += ", auto id";
  if (field.partition_key) text += ", partition key";
  if (field.dynamic) text += ", dynamic";
  return text;
}

// Strings in the wild are much shorter than their limits, which are often the largest that the store takes.
constexpr int64_t kTypicalStringBytes = 64;
constexpr int64_t kTypicalJsonBytes = 256;
constexpr int64_t kTypicalArrayElements = 16;
constexpr int64_t kTypicalSparseElements = 64;
constexpr int64_t kOffsetBytes = 4;

int64_t EstimatedElementBytes(TypeKind kind, const std::optional<int64_t>& max_length) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kInt8:
      return 1;
    case TypeKind::kInt16:
      return 2;
    case TypeKind::kInt32:
    case TypeKind::kFloat:
    case TypeKind::kDate:
      return 4;
    case TypeKind::kDecimal:
      return 16;
    case TypeKind::kString:
    case TypeKind::kBytes:
      return kOffsetBytes + std::min(kTypicalStringBytes, max_length.value_or(kTypicalStringBytes));
    case TypeKind::kJson:
      return kOffsetBytes + kTypicalJsonBytes;
    default:
      return 8;
  }
}

int64_t EstimatedFieldBytes(const Field& field) {
  if (field.type.kind != TypeKind::kArray) {
    return field.type.kind == TypeKind::kString ? EstimatedElementBytes(TypeKind::kString, field.max_length)
                                                : field.type.EstimatedBytes();
  }
  int64_t elements = std::min(kTypicalArrayElements, field.max_capacity.value_or(kTypicalArrayElements));
  return kOffsetBytes + elements * EstimatedElementBytes(field.type.element, field.max_length);
}

std::shared_ptr<arrow::DataType> ScalarStorage(const Type& type, TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
      return arrow::boolean();
    case TypeKind::kInt8:
      return arrow::int8();
    case TypeKind::kInt16:
      return arrow::int16();
    case TypeKind::kInt32:
      return arrow::int32();
    case TypeKind::kInt64:
      return arrow::int64();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kString:
    case TypeKind::kJson:
      return arrow::utf8();
    case TypeKind::kBytes:
      return arrow::binary();
    case TypeKind::kTimestamp:
      return type.utc ? arrow::timestamp(arrow::TimeUnit::MICRO, "UTC") : arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    default:
      std::abort();  // the caller has handled arrays and vectors
  }
}

}  // namespace

std::string_view ToString(TypeKind kind) {
  auto found = std::find_if(kKindNames.begin(), kKindNames.end(), [&](const KindName& k) { return k.kind == kind; });
  return found == kKindNames.end() ? "unknown" : found->name;
}

arrow::Result<TypeKind> ParseTypeKind(std::string_view name) {
  auto found = std::find_if(kKindNames.begin(), kKindNames.end(), [&](const KindName& k) { return k.name == name; });
  if (found != kKindNames.end()) return found->kind;
  std::vector<std::string> names;
  for (const KindName& known : kKindNames) names.emplace_back(known.name);
  std::string near = NearestName(name, names);
  return MakeError(ErrorKind::kInvalidConfig,
                   fmt::format("'{}' is not a type; {}", name,
                               near.empty() ? fmt::format("use one of: {}", fmt::join(names, ", "))
                                            : "did you mean '" + near + "'?"));
}

std::shared_ptr<arrow::DataType> Type::Storage() const {
  switch (kind) {
    case TypeKind::kArray:
      return arrow::list(arrow::field("item", ScalarStorage(*this, element)));
    case TypeKind::kFloatVector:
      return arrow::fixed_size_list(Item(arrow::float32()), dim);
    case TypeKind::kFloat16Vector:
      return arrow::fixed_size_list(Item(arrow::float16()), dim);
    case TypeKind::kInt8Vector:
      return arrow::fixed_size_list(Item(arrow::int8()), dim);
    case TypeKind::kBFloat16Vector:
      return arrow::fixed_size_binary(2 * dim);
    case TypeKind::kBinaryVector:
      return arrow::fixed_size_binary(dim / 8);
    case TypeKind::kSparseVector:
      return arrow::list(Item(arrow::struct_({arrow::field("index", arrow::uint32(), /*nullable=*/false),
                                              arrow::field("value", arrow::float32(), /*nullable=*/false)})));
    default:
      return ScalarStorage(*this, kind);
  }
}

int64_t Type::EstimatedBytes() const {
  switch (kind) {
    case TypeKind::kArray:
      return kOffsetBytes + kTypicalArrayElements * EstimatedElementBytes(element, std::nullopt);
    case TypeKind::kFloatVector:
      return 4LL * dim;
    case TypeKind::kFloat16Vector:
    case TypeKind::kBFloat16Vector:
      return 2LL * dim;
    case TypeKind::kInt8Vector:
      return dim;
    case TypeKind::kBinaryVector:
      return dim / 8;
    case TypeKind::kSparseVector:
      return kOffsetBytes + kTypicalSparseElements * 8;
    default:
      return EstimatedElementBytes(kind, std::nullopt);
  }
}

std::string Type::Name() const {
  if (kind == TypeKind::kArray) return fmt::format("array<{}>", Type{.kind = element, .utc = utc}.Name());
  if (kind == TypeKind::kDecimal) return fmt::format("decimal({}, {})", precision, scale);
  if (kind == TypeKind::kTimestamp && utc) return "timestamp(utc)";
  if (is_vector() && kind != TypeKind::kSparseVector) return fmt::format("{}({})", ToString(kind), dim);
  return std::string(ToString(kind));
}

int CollectionSchema::key_index() const {
  auto found = std::find_if(fields.begin(), fields.end(), [](const Field& field) { return field.primary_key; });
  return found == fields.end() ? -1 : static_cast<int>(found - fields.begin());
}

const Field* CollectionSchema::FindField(std::string_view name) const {
  auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool CollectionSchema::has_partition_key() const {
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) { return field.partition_key; });
}

std::shared_ptr<arrow::Schema> CollectionSchema::ArrowSchema() const {
  arrow::FieldVector columns;
  for (const Field& field : fields) columns.push_back(arrow::field(field.name, field.type.Storage(), field.nullable));
  return arrow::schema(std::move(columns));
}

int64_t CollectionSchema::EstimatedRowBytes() const {
  int64_t bytes = 0;
  for (const Field& field : fields) bytes += EstimatedFieldBytes(field);
  return bytes;
}

std::string ToJson(const CollectionSchema& schema) {
  // Text of a store that is not UTF-8 is shown with replacement characters: a description is no reason to fail a job.
  return Writer::Write(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
}

arrow::Result<CollectionSchema> SchemaFromJson(std::string_view json) {
  Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return MakeError(ErrorKind::kCorruptData, "a collection schema is not valid JSON");
  CollectionSchema schema;
  Reader reader;
  if (!reader.Read(parsed, &schema)) {
    return MakeError(ErrorKind::kCorruptData, "a collection schema is damaged: " + reader.error());
  }
  return schema;
}

std::vector<std::string> AllDifferences(const CollectionSchema& want, const CollectionSchema& have) {
  std::vector<std::string> differences;
  for (const Field& field : want.fields) {
    const Field* other = have.FindField(field.name);
    if (other == nullptr) {
      differences.push_back(fmt::format("the field '{}' ({}) is missing", field.name, Traits(field)));
      continue;
    }
    std::string wanted = Traits(field);
    std::string found = Traits(*other);
    if (wanted != found) {
      differences.push_back(fmt::format("the field '{}' is {} instead of {}", field.name, found, wanted));
    }
  }
  for (const Field& field : have.fields) {
    if (want.FindField(field.name) == nullptr) {
      differences.push_back(fmt::format("there is a field '{}' ({}) that is not wanted", field.name, Traits(field)));
    }
  }
  return differences;
}

std::string FirstDifference(const CollectionSchema& want, const CollectionSchema& have) {
  const std::vector<std::string> differences = AllDifferences(want, have);
  return differences.empty() ? std::string() : differences.front();
}

}  // namespace godwit
