#include "stores/milvus/expression.h"

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <limits>

namespace godwit::milvus {
namespace {

TEST(StringLiteral, EscapesFourBytesAndNothingElse) {
  EXPECT_EQ(StringLiteral(""), "\"\"");
  EXPECT_EQ(StringLiteral("plain 'text'"), "\"plain 'text'\"");
  EXPECT_EQ(StringLiteral("a\"b\\c\nd\re"), "\"a\\\"b\\\\c\\nd\\re\"");
  EXPECT_EQ(StringLiteral("\\\\"), "\"\\\\\\\\\"");
  EXPECT_EQ(StringLiteral(std::string_view("\0\t\x7f", 3)), std::string("\"\0\t\x7f\"", 5));
  EXPECT_EQ(StringLiteral("é中😀"), "\"é中😀\"");
}

TEST(Int64Literal, WritesTheSmallestAsASum) {
  EXPECT_EQ(Int64Literal(0), "0");
  EXPECT_EQ(Int64Literal(-1), "-1");
  EXPECT_EQ(Int64Literal(std::numeric_limits<int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(Int64Literal(std::numeric_limits<int64_t>::min() + 1), "-9223372036854775807");
  EXPECT_EQ(Int64Literal(std::numeric_limits<int64_t>::min()), "-9223372036854775807 - 1");
}

TEST(KeyIn, ListsARangeOfRows) {
  arrow::Int64Builder numbers;
  ASSERT_TRUE(numbers.AppendValues({1, 2, 3, 4}).ok());
  auto array = numbers.Finish().ValueOrDie();
  EXPECT_EQ(KeyIn("id", *array, 1, 3).ValueOrDie(), "id in [2,3]");
  EXPECT_EQ(KeyIn("id", *array->Slice(2), 0, 2).ValueOrDie(), "id in [3,4]");
  arrow::StringBuilder strings;
  ASSERT_TRUE(strings.AppendValues({"a", "b\"c"}).ok());
  EXPECT_EQ(KeyIn("k", *strings.Finish().ValueOrDie(), 0, 2).ValueOrDie(), "k in [\"a\",\"b\\\"c\"]");
  EXPECT_FALSE(KeyIn("k", *arrow::MakeArrayOfNull(arrow::float32(), 1).ValueOrDie(), 0, 1).ok());
}

}  // namespace
}  // namespace godwit::milvus
