#include "model/row_mapper.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "model/mapped_schema.h"

namespace godwit {
namespace {

CollectionSchema Schema() {
  CollectionSchema schema;
  schema.ref = {"db", "c"};
  schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                   {.name = "text", .type = Type::Of(TypeKind::kString), .max_length = 10},
                   {.name = "score", .type = Type::Of(TypeKind::kDouble), .nullable = true},
                   {.name = "$meta", .type = Type::Of(TypeKind::kJson), .dynamic = true}};
  schema.dynamic_fields = true;
  schema.partitions = {"p", "q"};
  schema.indexes = {{.name = "on_text", .field = "text", .type = "Trie", .metric = {}, .params = {}},
                    {.name = "on_score", .field = "score", .type = "STL_SORT", .metric = {}, .params = {}}};
  return schema;
}

std::shared_ptr<arrow::Array> Strings(const std::vector<const char*>& texts) {
  arrow::StringBuilder builder;
  for (const char* text : texts) EXPECT_TRUE((text == nullptr ? builder.AppendNull() : builder.Append(text)).ok());
  return builder.Finish().ValueOrDie();
}

Batch Rows(const RowMapper& mapper, const std::vector<const char*>& metas) {
  arrow::Int64Builder ids;
  arrow::DoubleBuilder scores;
  std::vector<const char*> texts(metas.size(), "t");
  for (size_t i = 0; i < metas.size(); ++i) {
    EXPECT_TRUE(ids.Append(static_cast<int64_t>(i)).ok());
    EXPECT_TRUE(scores.Append(0.5).ok());
  }
  std::map<std::string, std::shared_ptr<arrow::Array>> all = {{"id", ids.Finish().ValueOrDie()},
                                                              {"text", Strings(texts)},
                                                              {"score", scores.Finish().ValueOrDie()},
                                                              {"$meta", Strings(metas)}};
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const Field& field : mapper.read_schema().fields) columns.push_back(all.at(field.name));
  return {
      .rows = arrow::RecordBatch::Make(mapper.read_schema().ArrowSchema(), static_cast<int64_t>(metas.size()), columns),
      .partition = "p",
      .position = {}};
}

/// The target's schema and the mapper of it.
std::pair<CollectionSchema, RowMapper> Make(const Mapping& mapping) {
  CollectionSchema target = MapSchema(Schema(), mapping).ValueOrDie();
  RowMapper mapper = RowMapper::Make(Schema(), target, mapping).ValueOrDie();
  return {std::move(target), std::move(mapper)};
}

std::string Names(const CollectionSchema& schema) {
  std::string names;
  for (const Field& field : schema.fields) names += (names.empty() ? "" : " ") + field.name;
  return names;
}

std::string ErrorOf(const Mapping& mapping) {
  auto schema = MapSchema(Schema(), mapping);
  if (schema.ok()) return "";
  EXPECT_EQ(KindOf(schema.status()), ErrorKind::kInvalidConfig);
  return schema.status().message();
}

TEST(MapSchema, LeavesOutRenamesAndAdds) {
  Mapping mapping;
  mapping.exclude_fields = {"sc*"};
  mapping.fields = {{"text", "body"}};
  mapping.partitions = {{"p", "r"}, {"", "rest"}};
  mapping.constants = {{.name = "tenant", .type = Type::Of(TypeKind::kString), .value_json = "\"a\""}};
  mapping.spread = {{.name = "color", .type = Type::Of(TypeKind::kString)},
                    {.name = "size", .type = Type::Of(TypeKind::kInt64), .value_json = "7"}};
  mapping.indexes = {{.name = "", .field = "body", .type = "INVERTED", .metric = {}, .params = {}}};
  auto [target, mapper] = Make(mapping);
  EXPECT_EQ(Names(target), "id body color size tenant $meta");
  EXPECT_TRUE(target.FindField("color")->nullable);
  EXPECT_FALSE(target.FindField("size")->nullable);
  EXPECT_EQ(target.partitions, (std::vector<std::string>{"q", "r", "rest"}));
  ASSERT_EQ(target.indexes.size(), 1);
  EXPECT_EQ(target.indexes[0].name, "on_text");
  EXPECT_EQ(target.indexes[0].type, "INVERTED");
  EXPECT_EQ(Names(mapper.read_schema()), "id text $meta");
  EXPECT_EQ(mapper.SourcePartition("r"), "p");
  EXPECT_EQ(mapper.SourcePartition("rest"), "");

  mapping = {.include_fields = {"score"}, .drop_meta = true};
  EXPECT_EQ(Names(Make(mapping).first), "id score");
  EXPECT_FALSE(Make(mapping).first.dynamic_fields);
}

TEST(MapSchema, NamesWhatIsWrong) {
  EXPECT_NE(ErrorOf({.include_fields = {"scor"}}).find("did you mean 'score'"), std::string::npos);
  EXPECT_NE(ErrorOf({.exclude_fields = {"id"}}).find("the key 'id' can't be left out"), std::string::npos);
  EXPECT_NE(ErrorOf({.exclude_fields = {"$meta"}}).find("`meta`"), std::string::npos);
  EXPECT_NE(ErrorOf({.fields = {{"text", "score"}}}).find("two fields"), std::string::npos);
  EXPECT_NE(ErrorOf({.exclude_fields = {"text"}, .fields = {{"text", "b"}}}).find("not among"), std::string::npos);
  EXPECT_NE(ErrorOf({.partitions = {{"x", "y"}}}).find("there is no 'x'"), std::string::npos);
  EXPECT_NE(ErrorOf({.partitions = {{"p", "q"}}}).find("come together in 'q'"), std::string::npos);
  EXPECT_NE(ErrorOf({.partitions = {{"p", ""}}}).find("come together"), std::string::npos);
  EXPECT_EQ(ErrorOf({.partitions = {{"p", "q"}, {"q", "p"}}}), "");
  EXPECT_NE(ErrorOf({.constants = {{.name = "n", .type = Type::Of(TypeKind::kInt64), .value_json = "1.5"}}})
                .find("is not a value of type int64: 1.5"),
            std::string::npos);
  EXPECT_NE(ErrorOf({.indexes = {{.name = {}, .field = "nope", .type = {}, .metric = {}, .params = {}}}}).find("nope"),
            std::string::npos);
}

TEST(RowMapper, NothingToMapIsNoCopy) {
  auto [target, mapper] = Make({});
  Batch batch = Rows(mapper, {"{}"});
  const arrow::Array* meta = batch.rows->column(3).get();
  Batch mapped = mapper.Map(batch).ValueOrDie();
  EXPECT_EQ(mapped.rows->column(3).get(), meta);
  EXPECT_EQ(mapped.partition, "p");
}

TEST(RowMapper, ConstantsAndPartitions) {
  auto [target, mapper] =
      Make({.fields = {{"text", "score"}, {"score", "text"}},
            .partitions = {{"p", "r"}},
            .constants = {{.name = "flag", .type = Type::Of(TypeKind::kBool), .value_json = "true"},
                          {.name = "doc", .type = Type::Of(TypeKind::kJson), .value_json = R"({"a":[1]})"}}});
  Batch mapped = mapper.Map(Rows(mapper, {"{}", "{}"})).ValueOrDie();
  EXPECT_EQ(mapped.partition, "r");
  EXPECT_TRUE(mapped.rows->GetColumnByName("score")->Equals(Strings({"t", "t"})));
  EXPECT_EQ(mapped.rows->GetColumnByName("flag")->ToString(), "[\n  true,\n  true\n]");
  EXPECT_TRUE(mapped.rows->GetColumnByName("doc")->Equals(Strings({R"({"a":[1]})", R"({"a":[1]})"})));
}

TEST(RowMapper, SpreadsMeta) {
  auto [target, mapper] = Make({.spread = {{.name = "color", .type = Type::Of(TypeKind::kString)},
                                           {.name = "size", .type = Type::Of(TypeKind::kInt8), .value_json = "7"},
                                           {.name = "any", .type = Type::Of(TypeKind::kJson)},
                                           {.name = "ratio", .type = Type::Of(TypeKind::kDouble)}}});
  Batch mapped =
      mapper
          .Map(Rows(mapper, {R"({ "x" : 1.50, "color":"r\u0065d" , "y" : [ 1 ] })", R"({"x":  1.50})",
                             R"({"size":-128,"any":{"a": 1},"ratio":5})", R"({"color":null,"any":null})", nullptr}))
          .ValueOrDie();
  EXPECT_TRUE(mapped.rows->GetColumnByName("color")->Equals(Strings({"red", nullptr, nullptr, nullptr, nullptr})));
  EXPECT_TRUE(mapped.rows->GetColumnByName("any")->Equals(Strings({nullptr, nullptr, R"({"a": 1})", "null", nullptr})));
  EXPECT_TRUE(mapped.rows->GetColumnByName("$meta")->Equals(
      Strings({R"({"x" : 1.50,"y" : [ 1 ]})", R"({"x":  1.50})", "{}", "{}", nullptr})));
  const auto& sizes = static_cast<const arrow::Int8Array&>(*mapped.rows->GetColumnByName("size"));
  EXPECT_EQ(sizes.Value(0), 7);
  EXPECT_EQ(sizes.Value(2), -128);
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*mapped.rows->GetColumnByName("ratio")).Value(2), 5.0);
}

TEST(RowMapper, AnotherTypeIsNamedOrLeft) {
  Mapping mapping{.spread = {{.name = "size", .type = Type::Of(TypeKind::kInt8)}}};
  for (const char* meta :
       {R"({"size":128})", R"({"size":1.0})", R"({"size":"1"})", R"({"size":[1]})", R"({"size":true})"}) {
    auto [target, mapper] = Make(mapping);
    arrow::Status status = mapper.Map(Rows(mapper, {"{}", meta})).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData) << meta;
    EXPECT_NE(status.message().find("key 1: $meta has "), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("'size', which is no int8"), std::string::npos) << status.message();
  }
  mapping.leave_mismatches = true;
  auto [target, mapper] = Make(mapping);
  Batch mapped = mapper.Map(Rows(mapper, {R"({"size": [1], "b":2})"})).ValueOrDie();
  EXPECT_TRUE(mapped.rows->GetColumnByName("$meta")->Equals(Strings({R"({"size": [1], "b":2})"})));
  EXPECT_TRUE(mapped.rows->GetColumnByName("size")->IsNull(0));
  for (const char* meta : {"[]", "{", R"({"size":1,"size":2})", R"({"size":1} x)"}) {
    EXPECT_EQ(KindOf(mapper.Map(Rows(mapper, {meta})).status()), ErrorKind::kCorruptData) << meta;
  }
}

TEST(MappingJson, KeepsEverything) {
  Mapping mapping{
      .filter = "a > 1",
      .include_fields = {"a"},
      .exclude_fields = {"b*"},
      .fields = {{"a", "b"}},
      .partitions = {{"", "p"}},
      .drop_meta = true,
      .spread = {{.name = "s", .type = Type::Of(TypeKind::kString), .max_length = 5, .value_json = "\"x\""}},
      .leave_mismatches = true,
      .constants = {{.name = "k", .type = Type::Of(TypeKind::kInt16), .value_json = "1"}},
      .indexes = {{.name = "i", .field = "f", .type = "HNSW", .metric = "L2", .params = {{"M", "8"}}}}};
  EXPECT_EQ(MappingFromJson(ToJson(mapping)).ValueOrDie(), mapping);
  EXPECT_EQ(ToJson(Mapping{}), "{}");
  EXPECT_EQ(MappingFromJson("{}").ValueOrDie(), Mapping{});
  EXPECT_FALSE(MappingFromJson(R"({"other":1})").ok());
  EXPECT_FALSE(MappingFromJson(R"({"filter":1})").ok());
  EXPECT_FALSE(MappingFromJson("[]").ok());
}

}  // namespace
}  // namespace godwit
