// The three text formats: what a value looks like, that it comes back, and what is refused.
#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/calendar.h"
#include "formats/text_reader.h"
#include "formats/text_writer.h"

namespace godwit {
namespace {

using testing::HasSubstr;

TextFormat Csv() { return {.kind = TextKind::kCsv}; }
TextFormat Postgres() { return {.kind = TextKind::kPostgres, .delimiter = '|'}; }
TextFormat Jsonl() { return {.kind = TextKind::kJsonl}; }

CollectionSchema SchemaOf(const Type& type, bool nullable = true) {
  CollectionSchema schema;
  schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                   {.name = "v", .type = type, .nullable = nullable}};
  return schema;
}

/// Row i has the key i and the i-th value.
std::shared_ptr<arrow::RecordBatch> BatchOf(const CollectionSchema& schema, const std::shared_ptr<arrow::Array>& v) {
  arrow::Int64Builder ids;
  for (int64_t i = 0; i < v->length(); ++i) EXPECT_TRUE(ids.Append(i).ok());
  return arrow::RecordBatch::Make(schema.ArrowSchema(), v->length(), {ids.Finish().ValueOrDie(), v});
}

std::shared_ptr<arrow::RecordBatch> FromJson(const CollectionSchema& schema, const std::string& values) {
  return BatchOf(schema, arrow::json::ArrayFromJSONString(schema.fields[1].type.Storage(), values).ValueOrDie());
}

std::shared_ptr<arrow::RecordBatch> Strings(const CollectionSchema& schema, const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  for (const std::string& value : values) EXPECT_TRUE(builder.Append(value).ok());
  return BatchOf(schema, builder.Finish().ValueOrDie());
}

std::string Text(const CollectionSchema& schema, TextFormat format, const arrow::RecordBatch& rows) {
  TextWriter writer(schema, format);
  writer.WriteHeader();
  arrow::Status status = writer.Write(rows);
  EXPECT_TRUE(status.ok()) << Describe(status);
  return std::string(writer.text());
}

/// Reads a whole text that comes in pieces of `piece` bytes.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(const CollectionSchema& schema, TextSource source,
                                                        std::string_view text, size_t piece = 1 << 20) {
  TextReader reader(schema, std::move(source));
  size_t begin = 0;
  size_t end = 0;
  do {
    end = std::min(text.size(), end + piece);
    const bool last = end == text.size();
    while (true) {
      ARROW_ASSIGN_OR_RAISE(size_t taken, reader.Read(text.substr(begin, end - begin), last, 1 << 20));
      begin += taken;
      if (taken == 0 || begin == end) break;
    }
  } while (end < text.size());
  EXPECT_EQ(begin, text.size());
  return reader.Finish();
}

std::string ErrorOf(const CollectionSchema& schema, TextSource source, std::string_view text) {
  auto result = Read(schema, std::move(source), text);
  if (result.ok()) return "it was read: " + (*result)->ToString();
  EXPECT_EQ(KindOf(result.status()), ErrorKind::kCorruptData);
  return result.status().message();
}

void ExpectSame(const arrow::RecordBatch& want, const arrow::RecordBatch& have) {
  const auto exact = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
  EXPECT_TRUE(want.Equals(have, /*check_metadata=*/false, exact)) << want.ToString() << have.ToString();
  EXPECT_TRUE(have.ValidateFull().ok());
}

void ExpectRoundTrip(const CollectionSchema& schema, const arrow::RecordBatch& rows) {
  TextFormat commas = Postgres();
  commas.delimiter = ',';
  TextFormat tabs = Csv();
  tabs.delimiter = '\t';
  tabs.header = false;
  for (const TextFormat& format : {Csv(), Postgres(), Jsonl(), commas, tabs}) {
    const std::string text = Text(schema, format, rows);
    SCOPED_TRACE(text);
    for (size_t piece : {size_t{1}, size_t{7}, text.size()}) {
      auto back = Read(schema, {.format = format}, text, piece);
      ASSERT_TRUE(back.ok()) << Describe(back.status());
      ExpectSame(rows, **back);
    }
    // A slice is written as what it shows.
    const auto slice = rows.Slice(1);
    auto back = Read(schema, {.format = format}, Text(schema, format, *slice));
    ASSERT_TRUE(back.ok()) << Describe(back.status());
    ExpectSame(*slice, **back);
  }
}

const std::vector<std::string> kHostile = {"",
                                           "plain",
                                           "a|b",
                                           "\"quoted\"",
                                           "C:\\new",
                                           "\\N",
                                           "\\.",
                                           "ends with \\",
                                           "\r",
                                           "\n",
                                           "a\r\nb",
                                           "\t",
                                           "a,b;c",
                                           "{a,b}",
                                           "NULL",
                                           "null",
                                           " ",
                                           "\xf0\x9f\x90\xa6",
                                           "\b\f\v\x01\x7f",
                                           "'",
                                           "[1]",
                                           std::string("nul\0", 4)};

TEST(TextCodec, HostileStringsComeBack) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  ExpectRoundTrip(schema, *Strings(schema, kHostile));
  std::vector<std::string> many;
  for (const std::string& a : kHostile) {
    for (const std::string& b : kHostile) many.push_back(a + b);
  }
  ExpectRoundTrip(schema, *Strings(schema, many));
}

TEST(TextCodec, HostileStringsInArraysComeBack) {
  const CollectionSchema schema = SchemaOf(Type::Array(TypeKind::kString));
  auto strings = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), strings, schema.fields[1].type.Storage());
  for (const std::string& a : kHostile) {
    ASSERT_TRUE(lists.Append().ok());
    ASSERT_TRUE(strings->Append(a).ok());
    ASSERT_TRUE(strings->AppendNull().ok());
    for (const std::string& b : kHostile) ASSERT_TRUE(strings->Append(b + a).ok());
  }
  ASSERT_TRUE(lists.AppendNull().ok());
  ASSERT_TRUE(lists.Append().ok());
  ExpectRoundTrip(schema, *BatchOf(schema, lists.Finish().ValueOrDie()));
}

TEST(TextCodec, Strings) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  const auto rows = Strings(schema, {"C:\\new", "a|b,\"c\"", "x\ny", "", "\\N"});
  EXPECT_EQ(Text(schema, Csv(), *rows), "id,v\n0,C:\\new\n1,\"a|b,\"\"c\"\"\"\n2,\"x\ny\"\n3,\"\"\n4,\\N\n");
  EXPECT_EQ(Text(schema, Postgres(), *rows), "id|v\n0|C:\\\\new\n1|a\\|b,\"c\"\n2|x\\ny\n3|\n4|\\\\N\n");
  EXPECT_EQ(Text(schema, Jsonl(), *rows),
            "{\"id\":0,\"v\":\"C:\\\\new\"}\n{\"id\":1,\"v\":\"a|b,\\\"c\\\"\"}\n{\"id\":2,\"v\":\"x\\ny\"}\n"
            "{\"id\":3,\"v\":\"\"}\n{\"id\":4,\"v\":\"\\\\N\"}\n");
  const auto nulls = FromJson(schema, R"([null, ""])");
  EXPECT_EQ(Text(schema, Csv(), *nulls), "id,v\n0,\n1,\"\"\n");
  EXPECT_EQ(Text(schema, Postgres(), *nulls), "id|v\n0|\\N\n1|\n");
  EXPECT_EQ(Text(schema, Jsonl(), *nulls), "{\"id\":0,\"v\":null}\n{\"id\":1,\"v\":\"\"}\n");
  ExpectRoundTrip(schema, *nulls);
}

/// The text of one value in each format.
void ExpectText(const Type& type, const std::string& json, const std::string& csv, const std::string& postgres,
                const std::string& jsonl) {
  const CollectionSchema schema = SchemaOf(type);
  SCOPED_TRACE(type.Name() + " " + json);
  const auto rows = FromJson(schema, "[" + json + "," + json + ",null]");
  ExpectRoundTrip(schema, *rows);
  const auto one = rows->Slice(1, 1);
  EXPECT_EQ(Text(schema, Csv(), *one), "id,v\n1," + csv + "\n");
  EXPECT_EQ(Text(schema, Postgres(), *one), "id|v\n1|" + postgres + "\n");
  EXPECT_EQ(Text(schema, Jsonl(), *one), "{\"id\":1,\"v\":" + jsonl + "}\n");
}

TEST(TextCodec, Scalars) {
  ExpectText(Type::Of(TypeKind::kBool), "true", "true", "1", "true");
  ExpectText(Type::Of(TypeKind::kInt8), "-128", "-128", "-128", "-128");
  ExpectText(Type::Of(TypeKind::kInt64), "-9223372036854775808", "-9223372036854775808", "-9223372036854775808",
             "-9223372036854775808");
  ExpectText(Type::Of(TypeKind::kFloat), "0.1", "0.1", "0.1", "0.1");
  ExpectText(Type::Of(TypeKind::kFloat), "-0.0", "-0.0", "-0.0", "-0.0");
  ExpectText(Type::Of(TypeKind::kFloat), "1e-45", "1e-45", "1e-45", "1e-45");
  ExpectText(Type::Of(TypeKind::kFloat), "3.4028235e+38", "3.4028235e+38", "3.4028235e+38", "3.4028235e+38");
  ExpectText(Type::Of(TypeKind::kDouble), "NaN", "NaN", "NaN", "\"NaN\"");
  ExpectText(Type::Of(TypeKind::kDouble), "-Inf", "-Infinity", "-Infinity", "\"-Infinity\"");
  ExpectText(Type::Of(TypeKind::kDouble), "0.1", "0.1", "0.1", "0.1");
  ExpectText(Type::Of(TypeKind::kDouble), "5e-324", "5e-324", "5e-324", "5e-324");
  ExpectText(Type::Of(TypeKind::kBytes), "\"a\\n\"", "YQo=", "\\\\x610a", "\"YQo=\"");
  ExpectText(Type::Of(TypeKind::kBytes), "\"\"", "\"\"", "\\\\x", "\"\"");
  ExpectText(Type{.kind = TypeKind::kDecimal, .precision = 10, .scale = 3}, "\"-0.001\"", "-0.001", "-0.001",
             "\"-0.001\"");
  ExpectText(Type{.kind = TypeKind::kDecimal, .precision = 38, .scale = 0}, "\"12345678901234567890\"",
             "12345678901234567890", "12345678901234567890", "\"12345678901234567890\"");
  ExpectText(Type::Of(TypeKind::kDate), "-1", "1969-12-31", "1969-12-31", "\"1969-12-31\"");
  ExpectText(Type::Of(TypeKind::kTimestamp), "1", "1970-01-01T00:00:00.000001", "1970-01-01 00:00:00.000001",
             "\"1970-01-01T00:00:00.000001\"");
  ExpectText(Type{.kind = TypeKind::kTimestamp, .utc = true}, "-1", "1969-12-31T23:59:59.999999Z",
             "1969-12-31 23:59:59.999999+00", "\"1969-12-31T23:59:59.999999Z\"");
  ExpectText(Type::Of(TypeKind::kJson), R"("{\"a\":[1.0,\"x y\"]}")", R"("{""a"":[1.0,""x y""]}")",
             R"({"a":[1.0,"x y"]})", R"({"a":[1.0,"x y"]})");
}

TEST(TextCodec, ListsAndVectors) {
  ExpectText(Type::Array(TypeKind::kInt64), "[1,null,9223372036854775807]", "\"[1,null,9223372036854775807]\"",
             "{1,NULL,9223372036854775807}", "[1,null,9223372036854775807]");
  ExpectText(Type::Array(TypeKind::kBool), "[true,false]", "\"[true,false]\"", "{1,0}", "[true,false]");
  ExpectText(Type::Array(TypeKind::kDouble), "[NaN,-0.0]", "\"[\"\"NaN\"\",-0.0]\"", "{NaN,-0.0}", "[\"NaN\",-0.0]");
  ExpectText(Type::Array(TypeKind::kString), R"(["a","","\\"])", R"("[""a"","""",""\\""]")", R"({"a","","\\\\"})",
             R"(["a","","\\"])");
  ExpectText(Type::Array(TypeKind::kString), "[]", "\"[]\"", "{}", "[]");
  ExpectText(Type::Array(TypeKind::kDate), "[0]", "\"[\"\"1970-01-01\"\"]\"", "{\"1970-01-01\"}", "[\"1970-01-01\"]");
  ExpectText(Type::Array(TypeKind::kBytes), "[\"a\"]", "\"[\"\"YQ==\"\"]\"", R"({"\\\\x61"})", "[\"YQ==\"]");
  ExpectText(Type::Vector(TypeKind::kFloatVector, 2), "[0.5,-Inf]", "\"[0.5,\"\"-Infinity\"\"]\"", "{0.5,-Infinity}",
             "[0.5,\"-Infinity\"]");
  ExpectText(Type::Vector(TypeKind::kFloat16Vector, 2), "[0.5,65504]", "\"[0.5,65504]\"", "{0.5,65504}", "[0.5,65504]");
  ExpectText(Type::Vector(TypeKind::kInt8Vector, 2), "[-128,127]", "\"[-128,127]\"", "{-128,127}", "[-128,127]");
  ExpectText(Type::Of(TypeKind::kSparseVector), R"([{"index":3,"value":0.5},{"index":4294967295,"value":-1}])",
             R"("{""3"":0.5,""4294967295"":-1}")", R"({"3":0.5,"4294967295":-1})", R"({"3":0.5,"4294967295":-1})");
  ExpectText(Type::Of(TypeKind::kSparseVector), "[]", "\"{}\"", "{}", "{}");
  // 1.0 and -2.0, and 0xff 0x01
  const CollectionSchema bfloat = SchemaOf(Type::Vector(TypeKind::kBFloat16Vector, 2));
  arrow::FixedSizeBinaryBuilder values(arrow::fixed_size_binary(4));
  ASSERT_TRUE(values.Append(std::string("\x80\x3f\x00\xc0", 4)).ok());
  ASSERT_TRUE(values.AppendNull().ok());
  auto rows = BatchOf(bfloat, values.Finish().ValueOrDie());
  EXPECT_EQ(Text(bfloat, Postgres(), *rows), "id|v\n0|{1,-2}\n1|\\N\n");
  ExpectRoundTrip(bfloat, *rows);
  const CollectionSchema binary = SchemaOf(Type::Vector(TypeKind::kBinaryVector, 16));
  arrow::FixedSizeBinaryBuilder bits(arrow::fixed_size_binary(2));
  ASSERT_TRUE(bits.Append(std::string("\xff\x01")).ok());
  ASSERT_TRUE(bits.AppendNull().ok());
  rows = BatchOf(binary, bits.Finish().ValueOrDie());
  EXPECT_EQ(Text(binary, Csv(), *rows), "id,v\n0,\"[255,1]\"\n1,\n");
  EXPECT_EQ(Text(binary, Postgres(), *rows), "id|v\n0|{1,1,1,1,1,1,1,1,0,0,0,0,0,0,0,1}\n1|\\N\n");
  ExpectRoundTrip(binary, *rows);
}

TEST(TextCodec, EveryHalfPrecisionNumberComesBack) {
  const CollectionSchema halves = SchemaOf(Type::Vector(TypeKind::kFloat16Vector, 256), /*nullable=*/false);
  const CollectionSchema bfloats = SchemaOf(Type::Vector(TypeKind::kBFloat16Vector, 256), /*nullable=*/false);
  auto items = std::make_shared<arrow::HalfFloatBuilder>();
  arrow::FixedSizeListBuilder lists(arrow::default_memory_pool(), items, halves.fields[1].type.Storage());
  arrow::FixedSizeBinaryBuilder bytes(arrow::fixed_size_binary(512));
  auto nan = [](uint32_t bits, uint32_t infinity) { return (bits & 0x7fff) > infinity; };
  for (uint32_t row = 0; row < 256; ++row) {
    std::string text;
    for (uint32_t i = 0; i < 256; ++i) {
      const uint32_t bits = row * 256 + i;
      ASSERT_TRUE(items->Append(static_cast<uint16_t>(nan(bits, 0x7c00) ? 0x7e00 : bits)).ok());
      const uint32_t brain = nan(bits, 0x7f80) ? 0x7fc0 : bits;
      text += static_cast<char>(brain & 0xff);
      text += static_cast<char>(brain >> 8);
    }
    ASSERT_TRUE(lists.Append().ok());
    ASSERT_TRUE(bytes.Append(text).ok());
  }
  for (const auto& [schema, rows] : {std::pair{halves, BatchOf(halves, lists.Finish().ValueOrDie())},
                                     {bfloats, BatchOf(bfloats, bytes.Finish().ValueOrDie())}}) {
    for (const TextFormat& format : {Csv(), Postgres(), Jsonl()}) {
      auto back = Read(schema, {.format = format}, Text(schema, format, *rows));
      ASSERT_TRUE(back.ok()) << Describe(back.status());
      ExpectSame(*rows, **back);
    }
  }
}

TEST(TextCodec, JsonNullIsNotNull) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kJson));
  const auto rows = FromJson(schema, R"([null, "null"])");
  EXPECT_EQ(Text(schema, Csv(), *rows), "id,v\n0,\n1,null\n");
  EXPECT_EQ(Text(schema, Postgres(), *rows), "id|v\n0|\\N\n1|null\n");
  EXPECT_EQ(Text(schema, Jsonl(), *rows), "{\"id\":0}\n{\"id\":1,\"v\":null}\n");
  ExpectRoundTrip(schema, *rows);
}

TEST(TextCodec, JsonKeepsItsNumbers) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kJson));
  const std::string json = "{\"n\": 12345678901234567890.12345678901234567890, \"e\": 1e400, \"s\": \"a \\\" b\\n\"}";
  EXPECT_EQ(Text(schema, Jsonl(), *Strings(schema, {json})),
            "{\"id\":0,\"v\":{\"n\":12345678901234567890.12345678901234567890,\"e\":1e400,\"s\":\"a \\\" b\\n\"}}\n");
}

TEST(TextCodec, NamesOfFieldsAreEscaped) {
  CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  schema.fields[1].name = "a|b,\"\\\n";
  const auto rows = Strings(schema, {"x", "y"});
  EXPECT_EQ(Text(schema, Postgres(), *rows).substr(0, 17), "id|a\\|b,\"\\\\\\n\n0|x");
  ExpectRoundTrip(schema, *rows);
}

TEST(TextCodec, OnlyTheWantedFields) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  CollectionSchema only_key = schema;
  only_key.fields.pop_back();
  const auto rows = Strings(schema, kHostile);
  for (const TextFormat& format : {Csv(), Postgres(), Jsonl()}) {
    auto back = Read(only_key, {.format = format, .columns = {"id", "v"}}, Text(schema, format, *rows));
    ASSERT_TRUE(back.ok()) << Describe(back.status());
    EXPECT_TRUE((*back)->column(0)->Equals(rows->column(0)));
  }
}

TEST(TextCodec, SkippedRows) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  for (const TextFormat& format : {Csv(), Postgres(), Jsonl()}) {
    const std::string text = Text(schema, format, *Strings(schema, kHostile));
    TextReader reader(schema, {.format = format});
    reader.Skip(5);
    EXPECT_EQ(reader.Read(text, true, 1 << 20).ValueOrDie(), text.size());
    EXPECT_EQ(reader.skipped(), 5);
    EXPECT_EQ(reader.rows(), static_cast<int64_t>(kHostile.size()) - 5);
  }
}

TEST(TextCodec, BatchesAreBounded) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  const std::string text = Text(schema, Csv(), *Strings(schema, std::vector<std::string>(1000, "0123456789")));
  TextReader reader(schema, {.format = Csv()});
  const size_t taken = reader.Read(text, true, 1000).ValueOrDie();
  EXPECT_LT(taken, text.size());
  EXPECT_GT(reader.rows(), 10);
  EXPECT_LT(reader.rows(), 100);
}

// ---------------------------------------------------------------------------------------------------------------------
// What is refused

TEST(TextReader, RefusesWhatIsNotExact) {
  const CollectionSchema strings = SchemaOf(Type::Of(TypeKind::kString), /*nullable=*/false);
  const CollectionSchema bytes = SchemaOf(Type::Of(TypeKind::kInt8), /*nullable=*/false);
  const CollectionSchema floats = SchemaOf(Type::Vector(TypeKind::kFloatVector, 2), /*nullable=*/false);
  struct Case {
    CollectionSchema schema;
    TextFormat format;
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {strings, Csv(), "id,v\n1,a\n2\n", "line 3: 1 fields where there should be 2"},
      {strings, Csv(), "id,v\n1,\"a\nb\",c\n", "line 2: 3 fields"},
      {strings, Csv(), "id,v\n1,\"a\nb\"\n2,x,y\n", "line 4: 3 fields"},
      {strings, Csv(), "id,v\n1,a", "line 2: the last line has no end"},
      {strings, Csv(), "id,v\n1,\"a\n", "line 2: the final quote"},
      {strings, Csv(), "id,v\n1,\"a\"b\n", "text after the final quote"},
      {strings, Csv(), "id,v\n1,a\"b\n", "a quote inside a field"},
      {strings, Csv(), "id,v\n1,a\r\n", "a carriage return"},
      {strings, Csv(), "id,v\n1,\n", "line 2, field 'v': is null"},
      {strings, Csv(), "id,v\nx,a\n", "line 2, field 'id': 'x' is not a whole number"},
      {strings, Csv(), "id,v\n1.0,a\n", "'1.0' is not a whole number"},
      {strings, Csv(), "id,v\n9223372036854775808,a\n", "out of the range"},
      {strings, Csv(), "id,v\n1,\xff\n", "line 2: the text is not UTF-8"},
      {strings, Csv(), "id\n1\n", "line 1: the header has no field 'v'"},
      {strings, Csv(), "id,id\n1,2\n", "twice"},
      {strings, Csv(), "", "the header is missing"},
      {bytes, Csv(), "id,v\n1,128\n", "'128' is out of the range -128 to 127"},
      {floats, Csv(), "id,v\n1,\"[1,2,3]\"\n", "line 2, field 'v': holds 3 values where there should be 2"},
      {floats, Csv(), "id,v\n1,\"[1]\"\n", "holds 1 values"},
      {floats, Csv(), "id,v\n1,\"[1,1e39]\"\n", "out of the range"},
      {floats, Csv(), "id,v\n1,\"[1,null]\"\n", "a number is expected"},
      {floats, Csv(), "id,v\n1,\"[1,2] \"x\n", "text after the final quote"},
      {strings, Postgres(), "id|v\n1|a\\qb\n", "an unknown escape"},
      {strings, Postgres(), "id|v\n1|a\\\n", "a backslash at the end"},
      {strings, Postgres(), "id|v\n1|\\N\n", "is null"},
      {strings, Postgres(), "id|v\n\\.\n", "remove it"},
      {strings, Postgres(), "id|v\n1|a|b\n", "3 fields"},
      {strings, Postgres(), "id|v\n1|a", "no end"},
      {floats, Postgres(), "id|v\n1|{1,}\n", "'' is not a number"},
      {floats, Postgres(), "id|v\n1|{1,2\n", "the end of the list"},
      {floats, Postgres(), "id|v\n1|{1,2}}\n", "after its end"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"a\"", "no end"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"a\"\n", "a comma or }"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"a\"}}\n", "text after the object"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"a\",\"v\":\"b\"}\n", "twice"},
      {strings, Jsonl(), "{\"id\":1,\"w\":\"a\"}\n", "line 1: there is no field 'w'"},
      {strings, Jsonl(), "{\"id\":1}\n", "line 1, field 'v': is missing"},
      {strings, Jsonl(), "{\"id\":1,\"v\":2}\n", "a string is expected"},
      {strings, Jsonl(), "{\"id\":01,\"v\":\"a\"}\n", "begins with 0"},
      {strings, Jsonl(), "{\"id\":1e3,\"v\":\"a\"}\n", "not a whole number"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"\\ud800\"}\n", "half of a character"},
      {strings, Jsonl(), "{\"id\":1,\"v\":\"a\"}\n\n", "line 2: a line has to be one JSON object"},
      {floats, Jsonl(), "{\"id\":1,\"v\":[1,\"2\"]}\n", "instead of a string"},
  };
  for (const Case& each : cases) {
    EXPECT_THAT(ErrorOf(each.schema, {.format = each.format}, each.text), HasSubstr(each.error)) << each.text;
  }
}

TEST(TextReader, FilesOfOthers) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  for (const std::string& text : std::vector<std::string>{"\xef\xbb\xbfv,id\r\na,1\r\n,2", "v,extra,id\na,x,1\n,y,2\n",
                                                          "\"v\",\"id\"\n\"a\",\"1\"\n,2"}) {
    for (size_t piece : {size_t{1}, size_t{100}}) {
      auto rows = Read(schema, {.format = Csv(), .own = false}, text, piece);
      ASSERT_TRUE(rows.ok()) << Describe(rows.status());
      ASSERT_EQ((*rows)->num_rows(), 2);
      EXPECT_EQ(static_cast<const arrow::Int64Array&>(*(*rows)->column(0)).Value(1), 2);
      EXPECT_TRUE((*rows)->column(1)->IsNull(1));
    }
  }
  const CollectionSchema json = SchemaOf(Type::Of(TypeKind::kJson));
  auto rows = Read(json, {.format = Jsonl(), .own = false}, "{\"v\": null, \"id\": 1 }\r\n{\"id\":2}");
  ASSERT_TRUE(rows.ok()) << Describe(rows.status());
  EXPECT_EQ((*rows)->column(1)->null_count(), 2);
}

TEST(TextReader, NoPrefixOfAFileIsWhole) {
  CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  schema.fields.push_back({.name = "f", .type = Type::Vector(TypeKind::kFloatVector, 2)});
  const std::vector<std::pair<TextFormat, std::string>> files = {
      {Csv(), "id,v,f\n1,\"a\nb\",\"[1.5,2]\"\n2,,\"[3,4]\"\n"},
      {Postgres(), "id|v|f\n1|a\\nb|{1.5,2}\n2|\\N|{3,4}\n"},
      {Jsonl(), "{\"id\":1,\"v\":\"a\\nb\",\"f\":[1.5,2]}\n{\"id\":2,\"v\":null,\"f\":[3,4]}\n"}};
  for (const auto& [format, text] : files) {
    ASSERT_TRUE(Read(schema, {.format = format}, text).ok());
    for (size_t size = 0; size < text.size(); ++size) {
      auto rows = Read(schema, {.format = format}, text.substr(0, size));
      // A cut between two lines can't be seen in the text; the manifest has size and hash.
      const bool between_lines = rows.ok() && size > 0 && text[size - 1] == '\n' && (*rows)->num_rows() < 2;
      const bool empty = size == 0 && format.kind == TextKind::kJsonl;
      EXPECT_TRUE(!rows.ok() || between_lines || empty) << text.substr(0, size);
    }
  }
}

TEST(Calendar, EveryDayComesBack) {
  using Days = std::numeric_limits<int32_t>;
  for (int64_t day : {int64_t{Days::min()}, int64_t{-719528}, int64_t{-719162}, int64_t{-1}, int64_t{0}, int64_t{11016},
                      int64_t{2932896}, int64_t{2932897}, int64_t{Days::max()}}) {
    for (CalendarStyle style : {CalendarStyle::kIso, CalendarStyle::kPostgres}) {
      char text[kCalendarTextSize];
      const char* end = FormatDate(static_cast<int32_t>(day), style, text);
      const std::string shown(text, static_cast<size_t>(end - text));
      EXPECT_EQ(ParseDate(shown), day) << shown;
    }
  }
  using Micros = std::numeric_limits<int64_t>;
  for (int64_t micros : {Micros::min(), Micros::min() + 1, int64_t{-1}, int64_t{0}, Micros::max()}) {
    for (CalendarStyle style : {CalendarStyle::kIso, CalendarStyle::kPostgres}) {
      for (bool utc : {false, true}) {
        char text[kCalendarTextSize];
        const char* end = FormatTimestamp(micros, utc, style, text);
        const std::string shown(text, static_cast<size_t>(end - text));
        EXPECT_EQ(ParseTimestamp(shown, utc), micros) << shown;
      }
    }
  }
}

TEST(Calendar, TextsOfOthers) {
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:01.5", false), 1'500'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01T05:30:00+05:30", true), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00+00", true), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00.1234567", false), std::nullopt);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00", true), std::nullopt);
  EXPECT_EQ(ParseTimestamp("1970-01-01T24:00:00", false), std::nullopt);
  EXPECT_EQ(ParseDate("2025-02-29"), std::nullopt);
  EXPECT_EQ(ParseDate("2024-02-29"), 19782);
  EXPECT_EQ(ParseDate("2024-2-29"), std::nullopt);
  EXPECT_EQ(ParseDate("0001-01-01 BC"), -719528);
}

TEST(FindUnwritable, PostgresTakesNoNul) {
  const CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kString));
  const auto rows = Strings(schema, {"a", std::string("\0", 1), "b"});
  EXPECT_TRUE(FindUnwritable(schema, TextKind::kCsv, *rows).empty());
  const auto found = FindUnwritable(schema, TextKind::kPostgres, *rows);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].row, 1);
  EXPECT_THAT(found[0].reason, HasSubstr("'v'"));
}

}  // namespace
}  // namespace godwit
