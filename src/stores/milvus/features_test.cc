#include "stores/milvus/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::milvus {
namespace {

using testing::HasSubstr;

TEST(FeaturesOf, ReadsTheVersionWhereverItStands) {
  EXPECT_EQ(FeaturesOf("v2.3.5-lite").version, (Version{2, 3, 5}));
  EXPECT_EQ(FeaturesOf("2.4.1").version, (Version{2, 4, 1}));
  EXPECT_EQ(FeaturesOf("Zilliz Cloud (compatible with Milvus 2.5)").version, (Version{2, 5, 0}));
  EXPECT_EQ(FeaturesOf("nightly 20240101-abcdef").version, Version{});
}

TEST(FeaturesOf, GrowWithTheVersion) {
  EXPECT_FALSE(FeaturesOf("v2.3.5").sparse_vectors);
  EXPECT_EQ(FeaturesOf("v2.3.5").max_vector_fields, 1);
  EXPECT_TRUE(FeaturesOf("v2.4.0").sparse_vectors);
  EXPECT_FALSE(FeaturesOf("v2.4.9").nullable);
  EXPECT_TRUE(FeaturesOf("v2.5.0").nullable);
  EXPECT_FALSE(FeaturesOf("v2.5.0").int8_vectors);
  EXPECT_TRUE(FeaturesOf("v2.6.0").int8_vectors);
}

TEST(FeaturesOf, MilvusLite3IsAProgramOfItsOwn) {
  const Features features = FeaturesOf("milvus_lite-3.2.2");
  EXPECT_EQ(features.server, "Milvus Lite 3.2.2");
  EXPECT_TRUE(features.lite && features.nullable && features.default_values && features.partitions);
  EXPECT_FALSE(features.half_vectors || features.binary_vectors || features.int8_vectors);
}

Field Named(const char* name, Type type) {
  Field field;
  field.name = name;
  field.type = type;
  return field;
}

CollectionSchema Books() {
  CollectionSchema schema;
  schema.ref = {"default", "books"};
  schema.fields = {Named("id", Type::Of(TypeKind::kInt64)), Named("title", Type::Of(TypeKind::kString)),
                   Named("v", Type::Vector(TypeKind::kFloatVector, 8))};
  schema.fields[0].primary_key = true;
  schema.fields[1].max_length = 200;
  return schema;
}

std::string Refusal(const CollectionSchema& schema, const Features& features) {
  auto adapted = AdaptSchema(schema, features);
  if (adapted.ok()) return {};
  EXPECT_EQ(godwit::KindOf(adapted.status()), ErrorKind::kUnsupported);
  return adapted.status().message();
}

const Features kOld = FeaturesOf("v2.3.5");

TEST(AdaptSchema, KeepsWhatFits) {
  CollectionSchema schema = Books();
  schema.partitions = {"a", "b"};
  schema.indexes = {
      {.name = "i", .field = "v", .type = "HNSW", .metric = "L2", .params = {{"M", "16"}, {"efConstruction", "64"}}}};
  schema.loaded = true;
  auto adapted = AdaptSchema(schema, kOld);
  ASSERT_TRUE(adapted.ok()) << adapted.status().ToString();
  EXPECT_EQ(*adapted, schema);
}

TEST(AdaptSchema, FillsInTheLimitsThatMilvusNeeds) {
  CollectionSchema schema = Books();
  schema.fields[1].max_length.reset();
  schema.fields.push_back(Named("tags", Type::Array(TypeKind::kString)));
  auto adapted = AdaptSchema(schema, kOld);
  ASSERT_TRUE(adapted.ok()) << adapted.status().ToString();
  EXPECT_EQ(adapted->fields[1].max_length, kMaxLength);
  EXPECT_EQ(adapted->fields[3].max_length, kMaxLength);
  EXPECT_EQ(adapted->fields[3].max_capacity, kMaxCapacity);
}

TEST(AdaptSchema, NamesEveryFeatureThatIsMissing) {
  CollectionSchema schema = Books();
  schema.fields[1].nullable = true;
  schema.fields[1].default_json = "\"none\"";
  schema.fields[1].clustering_key = true;
  schema.fields[1].properties["enable_analyzer"] = "true";
  schema.fields.push_back(Named("s", Type::Of(TypeKind::kSparseVector)));
  schema.fields.push_back(Named("h", Type::Vector(TypeKind::kFloat16Vector, 8)));
  schema.fields.push_back(Named("when", Type::Of(TypeKind::kTimestamp)));
  std::string refusal = Refusal(schema, kOld);
  for (const char* part : {"v2.3.5", "default.books", "'title': it has no nullable fields",
                           "'s': it has no sparse_vector", "'h': it has no float16_vector",
                           "'when': it has no type timestamp", "1 vector field(s), the collection has 3"}) {
    EXPECT_THAT(refusal, HasSubstr(part));
  }
  schema.fields.pop_back();
  EXPECT_EQ(Refusal(schema, FeaturesOf("v2.5.4")), "");
}

TEST(AdaptSchema, LeavesOutWhatTheServerDoesNotKnow) {
  CollectionSchema schema = Books();
  schema.fields[1].default_json = "\"none\"";
  schema.fields[1].clustering_key = true;
  schema.fields[1].properties["enable_analyzer"] = "true";
  std::vector<Loss> losses = LossesOf(schema, kOld);
  ASSERT_EQ(losses.size(), 3);
  EXPECT_EQ(losses[0].field, schema.fields[1].name);
  EXPECT_EQ(losses[0].what, "its default value \"none\"");
  EXPECT_TRUE(LossesOf(schema, FeaturesOf("v2.6.0")).empty());
  Field kept = AdaptSchema(schema, kOld).ValueOrDie().fields[1];
  EXPECT_FALSE(kept.default_json);
  EXPECT_FALSE(kept.clustering_key);
  EXPECT_TRUE(kept.properties.empty());
}

TEST(AdaptSchema, NeedsAKeyOfTheRightTypeAndAVector) {
  CollectionSchema schema = Books();
  schema.fields[0].type = Type::Of(TypeKind::kInt32);
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("'id': a primary key is int64 or string, not int32"));
  schema = Books();
  schema.fields[0].primary_key = false;
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("exactly one primary key"));
  schema = Books();
  schema.fields.pop_back();
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("needs a vector field"));
  schema = Books();
  schema.fields[0].name = "EXISTS";
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("'EXISTS': a key can't be named by a word of Milvus' filter language"));
}

TEST(AdaptSchema, ChecksNamesAndNumbers) {
  CollectionSchema schema = Books();
  schema.ref.name = "2 books";
  schema.fields[1].name = "title!";
  schema.fields[1].max_length = 70'000;
  schema.fields[2].type.dim = 40'000;
  schema.partitions = {"p-1"};
  schema.shards = 17;
  std::string refusal = Refusal(schema, kOld);
  for (const char* part : {"'2 books'", "'title!'", "max_length is 70000", "dim is 40000", "'p-1'", "16 shards"}) {
    EXPECT_THAT(refusal, HasSubstr(part));
  }
  schema = Books();
  schema.fields[2].type = Type::Vector(TypeKind::kBinaryVector, 12);
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("not a multiple of 8"));
  schema = Books();
  schema.fields[1].name = "Timestamp";
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("reserved"));
}

TEST(AdaptSchema, TranslatesIndexesOfOtherStores) {
  CollectionSchema schema = Books();
  schema.indexes = {
      {.name = "i", .field = "v", .type = "hnsw", .metric = "L2", .params = {{"m", "16"}, {"ef_construction", "64"}}}};
  auto adapted = AdaptSchema(schema, kOld);
  ASSERT_TRUE(adapted.ok()) << adapted.status().ToString();
  EXPECT_EQ(adapted->indexes[0].type, "HNSW");
  EXPECT_EQ(adapted->indexes[0].params, (std::map<std::string, std::string>{{"M", "16"}, {"efConstruction", "64"}}));
  schema.indexes[0] = {.name = "i", .field = "v", .type = "ivfflat", .metric = "L2", .params = {{"lists", "10"}}};
  adapted = AdaptSchema(schema, kOld);
  ASSERT_TRUE(adapted.ok()) << adapted.status().ToString();
  EXPECT_EQ(adapted->indexes[0].type, "IVF_FLAT");
  EXPECT_EQ(adapted->indexes[0].params, (std::map<std::string, std::string>{{"nlist", "10"}}));
}

TEST(AdaptSchema, RefusesIndexesThatAreNotThere) {
  CollectionSchema schema = Books();
  schema.indexes = {{.name = "i", .field = "v", .type = "GPU_CAGRA", .metric = "L2", .params = {}}};
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("no index of type GPU_CAGRA on float_vector(8)"));
  EXPECT_EQ(Refusal(schema, FeaturesOf("v2.4.0")), "");
  schema.indexes[0] = {.name = "i", .field = "title", .type = "HNSW", .metric = "", .params = {}};
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("no index of type HNSW on string"));
  schema.indexes[0] = {.name = "i", .field = "gone", .type = "HNSW", .metric = "L2", .params = {}};
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("'gone'"));
}

/// What 2.3.5 says to CreateIndex, which it is asked only when the rows are there.
TEST(AdaptSchema, RefusesIndexesThatTheServerWouldRefuse) {
  auto refusal = [](const char* type, const char* metric, std::map<std::string, std::string> params,
                    const char* version = "v2.3.5") {
    CollectionSchema schema = Books();
    schema.indexes = {{.name = "i", .field = "v", .type = type, .metric = metric, .params = std::move(params)}};
    return Refusal(schema, FeaturesOf(version));
  };
  const std::map<std::string, std::string> hnsw = {{"M", "16"}, {"efConstruction", "64"}};
  EXPECT_THAT(refusal("FLAT", "XX", {}), HasSubstr("the metric 'XX'; its metrics are L2, IP, COSINE"));
  EXPECT_THAT(refusal("FLAT", "HAMMING", {}), HasSubstr("its metrics are"));
  EXPECT_THAT(refusal("FLAT", "", {}), HasSubstr("has no metric"));
  EXPECT_THAT(refusal("HNSW", "L2", {{"M", "16"}}), HasSubstr("needs the parameter efConstruction"));
  EXPECT_THAT(refusal("HNSW", "L2", {{"M", "2049"}, {"efConstruction", "64"}}),
              HasSubstr("M is '2049', Milvus takes 1"));
  EXPECT_THAT(refusal("HNSW", "L2", {{"M", "16.5"}, {"efConstruction", "0"}}), HasSubstr("efConstruction is '0'"));
  EXPECT_THAT(refusal("IVF_FLAT", "L2", {{"nlist", "65537"}}), HasSubstr("nlist is '65537'"));
  EXPECT_THAT(refusal("IVF_PQ", "L2", {{"nlist", "8"}, {"m", "3"}}),
              HasSubstr("m is 3, which does not divide the dim 8"));
  for (const char* metric : {"L2", "IP", "COSINE", "cosine"}) EXPECT_EQ(refusal("HNSW", metric, hnsw), "");
  EXPECT_EQ(refusal("AUTOINDEX", "", {}), "");
  EXPECT_EQ(refusal("DISKANN", "IP", {{"search_list", "5"}}), "");
  EXPECT_EQ(refusal("IVF_PQ", "L2", {{"nlist", "8"}, {"m", "4"}}), "");
  EXPECT_EQ(refusal("HNSW", "", {}, "v2.5.0"), "") << "it has defaults";
  CollectionSchema schema = Books();
  schema.indexes = {{.name = "i", .field = "title", .type = "STL_SORT", .metric = "", .params = {}}};
  EXPECT_THAT(Refusal(schema, kOld), HasSubstr("Trie, not STL_SORT"));
  schema.indexes[0].type = "Trie";
  EXPECT_EQ(Refusal(schema, kOld), "");
}

TEST(CheckNames, NamesEveryBadName) {
  CollectionSchema schema = Books();
  EXPECT_TRUE(CheckNames(schema).ok());
  schema.ref = {"bad-db!", std::string(256, 'x')};
  schema.fields[1].name = "1st";
  arrow::Status status = CheckNames(schema);
  EXPECT_EQ(godwit::KindOf(status), ErrorKind::kInvalidConfig);
  for (const char* part : {"the database name 'bad-db!'", "the collection name 'xxx", "the field name '1st'"}) {
    EXPECT_THAT(status.message(), HasSubstr(part));
  }
}

TEST(AdaptSchema, LoadsOnlyWhatHasAnIndex) {
  CollectionSchema schema = Books();
  schema.loaded = true;
  EXPECT_FALSE(AdaptSchema(schema, kOld).ValueOrDie().loaded);
  EXPECT_TRUE(AdaptSchema(schema, LiteFeatures()).ValueOrDie().loaded);
}

TEST(AdaptSchema, ForMilvusLiteHasNoPartitionsAndDatabases) {
  CollectionSchema schema = Books();
  schema.ref.database = "other";
  schema.partitions = {"a"};
  schema.aliases = {"volumes"};
  std::string refusal = Refusal(schema, LiteFeatures());
  for (const char* part : {"no partitions", "no databases", "no aliases"}) EXPECT_THAT(refusal, HasSubstr(part));
}

TEST(AdaptSchema, ForMilvusLiteHasFewIndexTypes) {
  CollectionSchema schema = Books();
  schema.indexes = {{.name = "i", .field = "v", .type = "HNSW", .metric = "L2", .params = {}}};
  EXPECT_THAT(Refusal(schema, LiteFeatures()), HasSubstr("no index of type HNSW on float_vector(8)"));
  EXPECT_EQ(Refusal(schema, FeaturesOf("milvus_lite-3.2.2")), "");
  schema.indexes[0].type = "IVF_FLAT";
  EXPECT_EQ(Refusal(schema, LiteFeatures()), "");
}

TEST(LossesOf, MilvusLiteHasNoDefaultValueOfSomeTypes) {
  CollectionSchema schema = Books();
  schema.fields[1].default_json = "\"none\"";
  schema.fields.push_back(Named("n", Type::Of(TypeKind::kInt32)));
  schema.fields.back().default_json = "1";
  std::vector<Loss> losses = LossesOf(schema, LiteFeatures());
  ASSERT_EQ(losses.size(), 1);
  EXPECT_EQ(losses[0].field, "n");
  EXPECT_TRUE(LossesOf(schema, FeaturesOf("milvus_lite-3.2.2")).empty());
}

TEST(AdaptSchema, ForgetsTheLengthOfStringsInArraysWhereTheServerDoes) {
  CollectionSchema schema = Books();
  schema.fields.push_back(Named("tags", Type::Array(TypeKind::kString)));
  schema.fields.back().max_length = 100;
  EXPECT_EQ(AdaptSchema(schema, LiteFeatures()).ValueOrDie().fields[3].max_length, 100);
  EXPECT_EQ(AdaptSchema(schema, FeaturesOf("milvus_lite-3.2.2")).ValueOrDie().fields[3].max_length, std::nullopt);
}

}  // namespace
}  // namespace godwit::milvus
