#include "stores/sqlite/codec.h"

#include <cmath>
#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

namespace godwit::sqlite {
namespace {

/// One value of a type, as SQLite gives it for an expression.
arrow::Result<std::shared_ptr<arrow::Array>> Decode(const Type& type, const std::string& expression) {
  ARROW_ASSIGN_OR_RAISE(auto db, SqliteDatabase::Open(":memory:", SqliteDatabase::Mode::kCreate, 0));
  ARROW_ASSIGN_OR_RAISE(auto statement, db->Prepare("SELECT " + expression));
  CollectionSchema schema;
  schema.fields.push_back({.name = "f", .type = type});
  ARROW_ASSIGN_OR_RAISE(RowDecoder decoder, RowDecoder::Make(schema));
  ARROW_RETURN_NOT_OK(statement.Step());
  ARROW_RETURN_NOT_OK(decoder.Append(statement, 0));
  ARROW_ASSIGN_OR_RAISE(auto batch, decoder.Finish());
  return batch->column(0);
}

std::string Refusal(const Type& type, const std::string& expression) {
  const arrow::Status status = Decode(type, expression).status();
  if (status.ok()) return "none";
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData) << expression;
  return Describe(status);
}

const Type kFloats = Type::Array(TypeKind::kFloat);
const Type kIntegers = Type::Array(TypeKind::kInt64);

TEST(SqliteCodec, RefusesValuesOfAnotherType) {
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kInt64), "'7'"), "field 'f': holds a text instead of an integer");
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kInt8), "128"), "field 'f': holds 128, out of range -128 to 127");
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kBool), "2"), "field 'f': holds 2, out of range 0 to 1");
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kString), "x'41'"), "field 'f': holds a blob instead of a text");
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kString), "CAST(x'ff' AS TEXT)"), "field 'f': holds text that is not UTF-8");
  EXPECT_EQ(Refusal(Type::Of(TypeKind::kDouble), "NULL"), "field 'f': holds NULL, which the schema does not allow");
  EXPECT_NE(Refusal(Type::Of(TypeKind::kDouble), "9007199254740993"), "none");
  EXPECT_NE(Refusal(Type::Of(TypeKind::kFloat), "0.1"), "none");
  EXPECT_NE(Refusal(Type::Vector(TypeKind::kFloatVector, 2), "zeroblob(7)"), "none");
  EXPECT_NE(Refusal(Type::Of(TypeKind::kSparseVector), "zeroblob(4)"), "none");
  EXPECT_NE(Refusal(Type::Of(TypeKind::kSparseVector), "zeroblob(16)"), "none");  // the index 0 twice
  EXPECT_NE(Refusal(Type{.kind = TypeKind::kDecimal, .precision = 3, .scale = 1}, "'1000.0'"), "none");
  EXPECT_NE(Refusal(Type{.kind = TypeKind::kDecimal, .precision = 3, .scale = 1}, "'1.25'"), "none");
}

TEST(SqliteCodec, ReadsIntegersAsDoublesWhereThatIsExact) {
  auto column = Decode(Type::Of(TypeKind::kDouble), "9007199254740991").ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*column).Value(0), 9007199254740991.0);
}

TEST(SqliteCodec, ArraysAreStrictJson) {
  for (const char* text : {"",
                           "[",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[1]]",
                           "[1] 2",
                           "{}",
                           "{\"a\":1}",
                           "1",
                           "null",
                           "[[1]]",
                           "[1.5]",
                           "[1e2]",
                           "[\"1\"]",
                           "[true]",
                           "[9223372036854775808]",
                           "[0x10]",
                           "[+1]"}) {
    EXPECT_NE(Refusal(kIntegers, "'" + std::string(text) + "'"), "none") << text;
  }
  auto column = Decode(kIntegers, "' [ 1 , -9223372036854775808 ,\t9223372036854775807 ] '").ValueOrDie();
  const auto& items = static_cast<const arrow::Int64Array&>(*static_cast<const arrow::ListArray&>(*column).values());
  ASSERT_EQ(items.length(), 3);
  EXPECT_EQ(items.Value(1), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(items.Value(2), std::numeric_limits<int64_t>::max());
}

TEST(SqliteCodec, ArraysOfFloatsAreExact) {
  auto column = Decode(kFloats, "'[-0.0,\"NaN\",\"-Infinity\",1e-45,3.4028235e38,null]'").ValueOrDie();
  const auto& items = static_cast<const arrow::FloatArray&>(*static_cast<const arrow::ListArray&>(*column).values());
  EXPECT_TRUE(std::signbit(items.Value(0)));
  EXPECT_TRUE(std::isnan(items.Value(1)));
  EXPECT_EQ(items.Value(2), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(items.Value(3), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(items.Value(4), std::numeric_limits<float>::max());
  EXPECT_TRUE(items.IsNull(5));
  EXPECT_NE(Refusal(kFloats, "'[1e39]'"), "none");
  EXPECT_NE(Refusal(kFloats, "'[NaN]'"), "none");
}

TEST(SqliteCodec, InfersOnlyWhatIsCertain) {
  EXPECT_EQ(InferType("BIGINT").ValueOrDie().kind, TypeKind::kInt64);
  EXPECT_EQ(InferType("varchar(20)").ValueOrDie().kind, TypeKind::kString);
  EXPECT_EQ(InferType("blob").ValueOrDie().kind, TypeKind::kBytes);
  EXPECT_EQ(InferType("double precision").ValueOrDie().kind, TypeKind::kDouble);
  EXPECT_EQ(InferType("boolean").ValueOrDie().kind, TypeKind::kBool);
  EXPECT_EQ(InferType("JSON").ValueOrDie().kind, TypeKind::kJson);
  for (const char* declared : {"", "DATETIME", "NUMERIC(10,2)", "DATE", "ANY"}) {
    EXPECT_EQ(KindOf(InferType(declared).status()), ErrorKind::kUnsupported) << declared;
  }
}

}  // namespace
}  // namespace godwit::sqlite
