#include "verify/format_value.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

namespace godwit {
namespace {

std::string Format(Type type, const std::string& json, size_t max_bytes = 0) {
  auto array = arrow::json::ArrayFromJSONString(type.Storage(), "[" + json + "]").ValueOrDie();
  return FormatValue({.name = "f", .type = type}, *array, 0, max_bytes);
}

TEST(FormatValueTest, ShowsEveryKind) {
  EXPECT_EQ(Format(Type::Of(TypeKind::kInt64), "-7"), "-7");
  EXPECT_EQ(Format(Type::Of(TypeKind::kInt64), "null"), "null");
  EXPECT_EQ(Format(Type::Of(TypeKind::kBool), "true"), "true");
  EXPECT_EQ(Format(Type::Of(TypeKind::kDouble), "0.1"), "0.1");
  EXPECT_EQ(Format(Type::Of(TypeKind::kString), R"("a\"b\\c\nd")"), R"("a\"b\\c\nd")");
  EXPECT_EQ(Format(Type::Of(TypeKind::kString), R"("null")"), R"("null")");
  EXPECT_EQ(Format(Type::Of(TypeKind::kJson), R"("{\"a\": 1}")"), R"({"a": 1})");
  EXPECT_EQ(Format(Type::Array(TypeKind::kInt32), "[1, null, 3]"), "[1, null, 3]");
  EXPECT_EQ(Format(Type::Array(TypeKind::kString), R"(["a", "b"])"), R"(["a", "b"])");
  EXPECT_EQ(Format(Type::Vector(TypeKind::kFloatVector, 3), "[0.5, -1, 1e30]"), "[0.5, -1, 1e+30]");
  EXPECT_EQ(Format(Type::Vector(TypeKind::kInt8Vector, 2), "[-128, 127]"), "[-128, 127]");
  EXPECT_EQ(Format(Type::Vector(TypeKind::kFloatVector, 3), "[0.5, 0.25, 0.125]", 8), "[0.5, 0....");
}

TEST(FormatValueTest, BytesThatAreNoTextAreUnmistakable) {
  EXPECT_EQ(Quote("a\xff\x00z"), "\"a\\xff\"");  // a C string ends at the zero
  EXPECT_EQ(Quote(std::string_view("\0\xc3(", 3)), "\"\\x00\\xc3(\"");
  EXPECT_EQ(Quote("\\xff"), "\"\\\\xff\"");  // the four characters, and not the byte
  EXPECT_EQ(Quote("\xc2\x9b"
                  "31m"),
            "\"\\xc2\\x9b31m\"");  // a terminal would take it for a command
  EXPECT_EQ(Quote("\xf0\x9f\x90\xa6 \xc3\xa4"), "\"\xf0\x9f\x90\xa6 \xc3\xa4\"");
  EXPECT_EQ(Printable("plain"), "plain");
  EXPECT_EQ(Printable("not\xfe"), "\"not\\xfe\"");
}

}  // namespace
}  // namespace godwit
