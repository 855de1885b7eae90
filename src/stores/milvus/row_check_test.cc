#include "stores/milvus/row_check.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace godwit::milvus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(JsonProblem, PassesWhatGoTakes) {
  for (std::string_view json :
       {R"({})", R"(null)", " { } ", R"({"a":1})", R"({"a":[1,2,{"b":null}],"c":true,"d":false})", R"({"":1})",
        R"({"a":-0.0,"b":1e5,"c":0.1000,"d":123456789012345678901234567890})", R"({"a":"\ud83d","b":"\u0000"})",
        "\t{\n\"a\" : [ ] ,\r\"b\" : { } }\n", R"({"a":1,"a":2})", R"({"a":1e-400})", "{\"a\":\"\xff\"}",
        R"({"a":"\"\\\/\b\f\n\r\t"})"}) {
    EXPECT_EQ(JsonProblem(json, /*objects_only=*/true), "") << json;
  }
}

TEST(JsonProblem, FindsWhatGoRefuses) {
  for (std::string_view json : {"",
                                " ",
                                "{",
                                "}",
                                "{\"a\"}",
                                "{\"a\":}",
                                "{\"a\":1,}",
                                "{,}",
                                "{\"a\":1 \"b\":2}",
                                "{\"a\":[1,]}",
                                "{\"a\":[1}",
                                "{'a':1}",
                                "{a:1}",
                                "{\"a\":01}",
                                "{\"a\":.5}",
                                "{\"a\":5.}",
                                "{\"a\":+1}",
                                "{\"a\":1e}",
                                "{\"a\":NaN}",
                                "{\"a\":Infinity}",
                                "{\"a\":tru}",
                                "{\"a\":\"\n\"}",
                                "{\"a\":\"\\q\"}",
                                "{\"a\":\"\\u12\"}",
                                "{\"a\":\"x}",
                                "{}x",
                                "{}{}",
                                "\xef\xbb\xbf{}",
                                "nul",
                                "nullx"}) {
    EXPECT_NE(JsonProblem(json, /*objects_only=*/true), "") << json;
  }
  EXPECT_THAT(JsonProblem("{\"a\":1e400}", true), HasSubstr("double"));
  EXPECT_THAT(JsonProblem("{\"a\":" + std::string(400, '9') + "}", true), HasSubstr("double"));
}

TEST(JsonProblem, TopLevelScalarsDependOnTheServer) {
  for (std::string_view json : {"1", "1.5", "\"text\"", "true", "[]", "[1,2]"}) {
    EXPECT_THAT(JsonProblem(json, true), HasSubstr("neither a JSON object nor null")) << json;
    EXPECT_EQ(JsonProblem(json, false), "") << json;
  }
}

TEST(JsonProblem, DepthIsLimitedWithoutRecursion) {
  auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(JsonProblem(nested(10'000), true), "");
  EXPECT_THAT(JsonProblem(nested(10'001), true), HasSubstr("levels"));
  EXPECT_NE(JsonProblem(std::string(1'000'000, '['), false), "");
}

Field Named(const char* name, Type type) {
  Field field;
  field.name = name;
  field.type = type;
  return field;
}

/// Rows that are refused when a collection has this one column.
std::vector<int64_t> RefusedRows(const Field& field, const std::shared_ptr<arrow::Array>& column) {
  CollectionSchema schema;
  schema.fields = {field};
  auto rows = arrow::RecordBatch::Make(schema.ArrowSchema(), column->length(), {column});
  std::vector<int64_t> refused;
  for (const RowRefusal& refusal : CheckRows(*rows, schema, {})) {
    EXPECT_THAT(refusal.reason, HasSubstr("'" + field.name + "'"));
    refused.push_back(refusal.row);
  }
  return refused;
}

template <class Builder, class Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

TEST(CheckRows, MeasuresStringsInBytes) {
  Field field = Named("s", Type::Of(TypeKind::kString));
  field.max_length = 4;
  auto column = ArrayOf<arrow::StringBuilder, std::string>({"", "abcd", "abcde", "éé", "ééé", "\xff", "ab"});
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(2, 4, 5));
  EXPECT_THAT(RefusedRows(field, column->Slice(2, 3)), ElementsAre(0, 2));
}

TEST(CheckRows, ChecksJson) {
  Field field = Named("j", Type::Of(TypeKind::kJson));
  std::string longest = "{\"a\":\"" + std::string(65'536 - 8, 'x') + "\"}";
  auto column = ArrayOf<arrow::StringBuilder, std::string>(
      {longest, longest + " ", "[]", "{\"$meta\":1}", "{\"a\":{\"$meta\":1}}"});
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(1, 2));
  field.dynamic = true;
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(1, 2, 3));
}

TEST(CheckRows, ChecksArrays) {
  Field field = Named("a", Type::Array(TypeKind::kString));
  field.max_capacity = 2;
  field.max_length = 3;
  auto values = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), values);
  auto add = [&](const std::vector<const char*>& elements) {
    ASSERT_TRUE(builder.Append().ok());
    for (const char* element : elements) {
      ASSERT_TRUE((element != nullptr ? values->Append(element) : values->AppendNull()).ok());
    }
  };
  add({});
  add({"abc", "abc"});
  add({"a", "b", "c"});
  add({"abcd"});
  add({nullptr});
  auto column = builder.Finish().ValueOrDie();
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(2, 3, 4));
  EXPECT_THAT(RefusedRows(field, column->Slice(1, 2)), ElementsAre(1));
}

TEST(CheckRows, FindsWhatIsNotFinite) {
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const float kInfinity = std::numeric_limits<float>::infinity();
  const float kMax = std::numeric_limits<float>::max();
  Field field = Named("v", Type::Vector(TypeKind::kFloatVector, 2));
  auto floats = ArrayOf<arrow::FloatBuilder, float>({1, -0.0f, 1, kNan, kMax, 1e-45f, -kInfinity, 0});
  auto column = arrow::FixedSizeListArray::FromArrays(floats, field.type.Storage()).ValueOrDie();
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(1, 3));
  EXPECT_THAT(RefusedRows(field, column->Slice(1, 2)), ElementsAre(0));
}

TEST(CheckRows, RefusesNullsAndTheGreatestKey) {
  Field field = Named("n", Type::Of(TypeKind::kInt64));
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues({1, 2, std::numeric_limits<int64_t>::max()}, {true, false, true}).ok());
  auto column = builder.Finish().ValueOrDie();
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(1));
  field.nullable = true;
  EXPECT_THAT(RefusedRows(field, column), ElementsAre());
  field.nullable = false;
  field.primary_key = true;
  EXPECT_THAT(RefusedRows(field, column), ElementsAre(1, 2));
}

TEST(CheckRows, RefusesNullsThatTheServerWouldReplace) {
  Field field = Named("n", Type::Of(TypeKind::kInt64));
  field.nullable = true;
  field.default_json = "7";
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues({1, 2}, {true, false}).ok());
  EXPECT_THAT(RefusedRows(field, builder.Finish().ValueOrDie()), ElementsAre(1));
}

TEST(CheckRows, RefusesEmptySparseVectorsWhereTheServerHasNone) {
  CollectionSchema schema;
  schema.fields = {Named("s", Type::Of(TypeKind::kSparseVector))};
  auto builder = arrow::MakeBuilder(schema.fields[0].type.Storage()).ValueOrDie();
  ASSERT_TRUE(builder->AppendEmptyValues(2).ok());
  auto rows = arrow::RecordBatch::Make(schema.ArrowSchema(), 2, {builder->Finish().ValueOrDie()});
  EXPECT_TRUE(CheckRows(*rows, schema, {}).empty());
  auto refusals = CheckRows(*rows, schema, {.empty_sparse_vectors = false});
  ASSERT_EQ(refusals.size(), 2u);
  EXPECT_THAT(refusals[0].reason, HasSubstr("'s' is an empty sparse vector"));
}

TEST(CheckRows, SkipsKeysThatTheServerMakes) {
  Field field = Named("id", Type::Of(TypeKind::kInt64));
  field.primary_key = true;
  field.auto_id = true;
  EXPECT_THAT(RefusedRows(field, arrow::MakeArrayOfNull(arrow::int64(), 2).ValueOrDie()), ElementsAre());
}

TEST(CheckRows, GivesTheFirstReasonOfARow) {
  CollectionSchema schema;
  schema.fields = {Named("a", Type::Of(TypeKind::kString)), Named("b", Type::Of(TypeKind::kString))};
  schema.fields[0].max_length = schema.fields[1].max_length = 1;
  auto column = ArrayOf<arrow::StringBuilder, std::string>({"xx", "x"});
  auto other = ArrayOf<arrow::StringBuilder, std::string>({"xx", "xx"});
  auto refusals = CheckRows(*arrow::RecordBatch::Make(schema.ArrowSchema(), 2, {column, other}), schema, {});
  ASSERT_EQ(refusals.size(), 2u);
  EXPECT_THAT(refusals[0].reason, HasSubstr("'a'"));
  EXPECT_THAT(refusals[1].reason, HasSubstr("'b'"));
}

}  // namespace
}  // namespace godwit::milvus
