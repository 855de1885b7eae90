#include "godwit/schema.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace godwit {
namespace {

Field Named(std::string name, Type type) {
  Field field;
  field.name = std::move(name);
  field.type = type;
  return field;
}

// Every member has a value that is not its default.
CollectionSchema FullSchema() {
  CollectionSchema schema;
  schema.ref = {.database = "db", .name = "docs"};
  schema.description = "line\n\"quoted\" \xc3\xa9";
  Field id = Named("id", Type::Of(TypeKind::kInt64));
  id.primary_key = true;
  id.auto_id = true;
  Field tenant = Named("tenant", Type::Of(TypeKind::kString));
  tenant.partition_key = true;
  tenant.clustering_key = true;
  tenant.nullable = true;
  tenant.max_length = 65535;
  tenant.description = "who";
  tenant.default_json = "\"nobody\"";
  tenant.properties = {{"mmap.enabled", "true"}};
  Field tags = Named("tags", Type::Array(TypeKind::kString));
  tags.max_capacity = 100;
  tags.max_length = 0;
  Field price = Named("price", {.kind = TypeKind::kDecimal, .precision = 20, .scale = 4});
  Field at = Named("at", {.kind = TypeKind::kTimestamp, .utc = true});
  Field meta = Named(std::string(kDynamicFieldName), Type::Of(TypeKind::kJson));
  meta.dynamic = true;
  schema.fields = {id,
                   tenant,
                   tags,
                   price,
                   at,
                   Named("v", Type::Vector(TypeKind::kFloatVector, 128)),
                   Named("s", Type::Of(TypeKind::kSparseVector)),
                   meta};
  schema.dynamic_fields = true;
  schema.partitions = {"p1", "p2"};
  schema.num_partitions = 16;
  schema.shards = 2;
  schema.consistency_level = "Strong";
  schema.properties = {{"collection.ttl.seconds", "60"}, {"a", ""}};
  schema.aliases = {"d"};
  schema.indexes = {{.name = "i", .field = "v", .type = "HNSW", .metric = "L2", .params = {{"M", "16"}}},
                    {.field = "tenant"}};
  schema.loaded = true;
  return schema;
}

std::string ErrorOf(std::string_view json) {
  auto schema = SchemaFromJson(json);
  if (schema.ok()) return "";
  EXPECT_EQ(KindOf(schema.status()), ErrorKind::kCorruptData);
  return schema.status().message();
}

TEST(Schema, JsonRoundTrip) {
  CollectionSchema full = FullSchema();
  std::string json = ToJson(full);
  auto parsed = SchemaFromJson(json);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, full);
  EXPECT_EQ(ToJson(*parsed), json);

  CollectionSchema least;
  least.ref.name = "x";
  EXPECT_EQ(ToJson(least), R"({"ref":{"name":"x"},"fields":[]})");
  EXPECT_EQ(SchemaFromJson(ToJson(least)).ValueOrDie(), least);
}

TEST(Schema, JsonOfEveryType) {
  for (int i = 0; i <= static_cast<int>(TypeKind::kSparseVector); ++i) {
    auto kind = static_cast<TypeKind>(i);
    Type type = Type::Of(kind);
    if (type.is_vector() && kind != TypeKind::kSparseVector) type.dim = 16;
    if (kind == TypeKind::kDecimal) type.precision = 10;
    CollectionSchema schema;
    schema.fields = {Named("f", type)};
    EXPECT_EQ(SchemaFromJson(ToJson(schema)).ValueOrDie(), schema) << ToString(kind);
    EXPECT_EQ(ParseTypeKind(ToString(kind)).ValueOrDie(), kind);
  }
  EXPECT_EQ(ParseTypeKind("flaot_vector").status().message(),
            "'flaot_vector' is not a type; did you mean 'float_vector'?");
}

TEST(Schema, TextThatIsNotUtf8StillGivesJson) {
  CollectionSchema schema;
  schema.description = "\xff";
  EXPECT_EQ(SchemaFromJson(ToJson(schema)).ValueOrDie().description, "\xef\xbf\xbd");
}

TEST(Schema, DamagedJsonIsNamed) {
  const std::string damaged = "a collection schema is damaged: ";
  EXPECT_EQ(ErrorOf("{"), "a collection schema is not valid JSON");
  EXPECT_EQ(ErrorOf("[]"), damaged + " is not an object");
  EXPECT_EQ(ErrorOf("{}"), damaged + "ref is missing");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"}})"), damaged + "fields is missing");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"},"fields":[],"colour":1})"), damaged + "colour is an unknown key");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":7},"fields":[]})"), damaged + "ref.name is not a string");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"},"fields":[],"shards":2147483648})"), damaged + "shards is too large");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"},"fields":[],"shards":1.5})"), damaged + "shards is not a whole number");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"},"fields":[],"properties":{"a":1}})"),
            damaged + "properties.a is not a string");
  EXPECT_EQ(ErrorOf(R"({"ref":{"name":"x"},"fields":[{"name":"f"}]})"), damaged + "fields.0.type is missing");
  auto with_type = [&](const std::string& type) {
    return ErrorOf(R"({"ref":{"name":"x"},"fields":[{"name":"f","type":)" + type + "}]}");
  };
  EXPECT_EQ(with_type(R"({"kind":"text"})"), damaged + "fields.0.type.kind is no known type: 'text'");
  EXPECT_EQ(with_type(R"({"kind":"float_vector"})"), damaged + "fields.0.type has no dimension");
  EXPECT_EQ(with_type(R"({"kind":"binary_vector","dim":12})"),
            damaged + "fields.0.type has a dimension that is no multiple of 8");
  EXPECT_EQ(with_type(R"({"kind":"decimal","precision":39})"),
            damaged + "fields.0.type has a precision that is not within 1 and 38");
  EXPECT_EQ(with_type(R"({"kind":"array","element":"array"})"), damaged + "fields.0.type is an array of array");
  EXPECT_EQ(with_type(R"({"kind":"array","element":"json"})"), "");
}

TEST(Schema, StorageTypes) {
  EXPECT_EQ(Type::Of(TypeKind::kJson).Storage()->ToString(), "string");
  EXPECT_EQ(Type::Of(TypeKind::kTimestamp).Storage()->ToString(), "timestamp[us]");
  EXPECT_EQ((Type{.kind = TypeKind::kTimestamp, .utc = true}).Storage()->ToString(), "timestamp[us, tz=UTC]");
  EXPECT_EQ(Type::Array(TypeKind::kInt8).Storage()->ToString(), "list<item: int8>");
  EXPECT_EQ(Type::Vector(TypeKind::kFloatVector, 4).Storage()->ToString(), "fixed_size_list<item: float not null>[4]");
  EXPECT_EQ(Type::Vector(TypeKind::kFloat16Vector, 4).Storage()->ToString(),
            "fixed_size_list<item: halffloat not null>[4]");
  EXPECT_EQ(Type::Vector(TypeKind::kBFloat16Vector, 4).Storage()->ToString(), "fixed_size_binary[8]");
  EXPECT_EQ(Type::Vector(TypeKind::kBinaryVector, 16).Storage()->ToString(), "fixed_size_binary[2]");
  EXPECT_EQ(Type::Of(TypeKind::kSparseVector).Storage()->ToString(),
            "list<item: struct<index: uint32 not null, value: float not null> not null>");
  auto schema = FullSchema().ArrowSchema();
  EXPECT_EQ(schema->num_fields(), 8);
  EXPECT_TRUE(schema->field(1)->nullable());
  EXPECT_FALSE(schema->field(0)->nullable());
}

TEST(Schema, NamesForPeople) {
  EXPECT_EQ(Type::Vector(TypeKind::kFloatVector, 128).Name(), "float_vector(128)");
  EXPECT_EQ(Type::Array(TypeKind::kInt64).Name(), "array<int64>");
  EXPECT_EQ((Type{.kind = TypeKind::kDecimal, .precision = 20, .scale = 4}).Name(), "decimal(20, 4)");
  EXPECT_EQ(Type::Of(TypeKind::kSparseVector).Name(), "sparse_vector");
}

TEST(Schema, EstimatesAreNearWhatAVectorRowTakes) {
  CollectionSchema schema;
  schema.fields = {Named("id", Type::Of(TypeKind::kInt64)), Named("v", Type::Vector(TypeKind::kFloatVector, 128))};
  EXPECT_EQ(schema.EstimatedRowBytes(), 8 + 512);
  Field code = Named("code", Type::Of(TypeKind::kString));
  code.max_length = 2;
  schema.fields = {code};
  EXPECT_EQ(schema.EstimatedRowBytes(), 4 + 2);
  schema.fields = {Named("b", Type::Vector(TypeKind::kBinaryVector, 80))};
  EXPECT_EQ(schema.EstimatedRowBytes(), 10);
}

TEST(Schema, KeysAndFields) {
  CollectionSchema schema = FullSchema();
  EXPECT_EQ(schema.key_index(), 0);
  EXPECT_TRUE(schema.has_partition_key());
  EXPECT_FALSE(schema.key_is_per_partition());
  EXPECT_EQ(schema.FindField("at")->type.kind, TypeKind::kTimestamp);
  EXPECT_EQ(schema.FindField("nothing"), nullptr);
  EXPECT_EQ(CollectionSchema().key_index(), -1);
  EXPECT_TRUE(CollectionSchema().key_is_per_partition());
}

TEST(Schema, FirstDifferenceSeesWhatMattersForTheRows) {
  const CollectionSchema want = FullSchema();
  CollectionSchema have = want;
  have.description.clear();
  have.indexes.clear();
  have.aliases.clear();
  have.loaded = false;
  have.properties.clear();
  have.fields[1].properties.clear();
  have.fields[1].description.clear();
  EXPECT_EQ(FirstDifference(want, have), "");

  auto difference = [&](auto change) {
    CollectionSchema changed = want;
    change(changed.fields);
    return FirstDifference(want, changed);
  };
  EXPECT_EQ(difference([](auto& fields) { fields[5].type.dim = 64; }),
            "the field 'v' is float_vector(64) instead of float_vector(128)");
  EXPECT_EQ(difference([](auto& fields) { fields.erase(fields.begin() + 3); }),
            "the field 'price' (decimal(20, 4)) is missing");
  EXPECT_EQ(difference([](auto& fields) { fields.push_back(Named("more", Type::Of(TypeKind::kBool))); }),
            "there is a field 'more' (bool) that is not wanted");
  EXPECT_EQ(difference([](auto& fields) { fields[2].max_capacity = 50; }),
            "the field 'tags' is array<string>, max_length 0, max_capacity 50 instead of array<string>, max_length 0, "
            "max_capacity 100");
  EXPECT_EQ(difference([](auto& fields) { fields[0].auto_id = false; }),
            "the field 'id' is int64, primary key instead of int64, primary key, auto id");
  EXPECT_NE(difference([](auto& fields) { fields[1].nullable = false; }), "");
  EXPECT_NE(difference([](auto& fields) { fields[4].type.utc = false; }), "");
  EXPECT_EQ(difference([](auto& fields) { std::swap(fields[1], fields[2]); }), "") << "fields go by name";
}

}  // namespace
}  // namespace godwit
