#include "stores/files/parquet_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "stores/files/parquet_columns.h"

namespace godwit::files {
namespace {

std::shared_ptr<arrow::Array> FromText(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

class ParquetFileTest : public testing::Test {
 protected:
  ParquetFileTest()
      : path_((std::filesystem::temp_directory_path() /
               ("godwit-parquet-" + std::to_string(::getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name() + ".parquet"))
                  .string()) {}
  ~ParquetFileTest() override { std::filesystem::remove(path_); }

  /// One field, its rows as JSON.
  static CollectionSchema OneField(Field field) {
    CollectionSchema schema;
    schema.ref.name = "c";
    schema.fields = {std::move(field)};
    return schema;
  }

  void Write(const CollectionSchema& schema, const arrow::RecordBatch& rows, const ParquetOptions& options = {}) {
    auto writer = ParquetWriter::Create(path_, schema, options).ValueOrDie();
    ASSERT_TRUE(writer->Write(rows).ok());
    auto written = writer->Close();
    ASSERT_TRUE(written.ok()) << Describe(written.status());
    EXPECT_EQ(written->rows, rows.num_rows());
    EXPECT_EQ(written->bytes, static_cast<int64_t>(std::filesystem::file_size(path_)));
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Read(const CollectionSchema& schema, int64_t max_bytes = 1 << 20) {
    ARROW_ASSIGN_OR_RAISE(auto file, ParquetFile::Open(path_));
    arrow::RecordBatchVector batches;
    for (int group = 0; group < file->row_groups(); ++group) {
      ARROW_ASSIGN_OR_RAISE(auto reader, file->Read(group, schema, max_bytes));
      ARROW_ASSIGN_OR_RAISE(auto of_group, reader->ToRecordBatches());
      batches.insert(batches.end(), of_group.begin(), of_group.end());
    }
    return arrow::Table::FromRecordBatches(schema.ArrowSchema(), batches);
  }

  void ExpectComesBack(const Field& field, const std::string& json) {
    const CollectionSchema schema = OneField(field);
    auto column = FromText(field.type.Storage(), json);
    for (auto rows : {column, column->Slice(1), column->Slice(1, column->length() - 2), column->Slice(0, 0)}) {
      Write(schema, *arrow::RecordBatch::Make(schema.ArrowSchema(), rows->length(), {rows}));
      auto table = Read(schema);
      ASSERT_TRUE(table.ok()) << field.name << ": " << Describe(table.status());
      ASSERT_TRUE((*table)->ValidateFull().ok());
      EXPECT_TRUE((*table)->column(0)->Equals(arrow::ChunkedArray(rows)))
          << field.type.Name() << "\n"
          << (*table)->column(0)->ToString() << "\nwanted\n"
          << rows->ToString();
      auto file = ParquetFile::Open(path_).ValueOrDie();
      ASSERT_TRUE(file->stored_schema().has_value()) << field.type.Name();
      EXPECT_EQ(*file->stored_schema(), schema);
    }
  }

  /// As another program would write it.
  void WriteForeign(const std::shared_ptr<arrow::Array>& column, bool nullable = true) {
    auto table = arrow::Table::Make(arrow::schema({arrow::field("f", column->type(), nullable)}), {column});
    auto out = arrow::io::FileOutputStream::Open(path_).ValueOrDie();
    auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    auto status = parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 1 << 20,
                                             parquet::default_writer_properties(), properties);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_TRUE(out->Close().ok());
  }

  arrow::Result<Field> Infer(const std::map<std::string, int32_t>& vectors = {}) {
    ARROW_ASSIGN_OR_RAISE(auto file, ParquetFile::Open(path_));
    EXPECT_FALSE(file->stored_schema().has_value());
    return InferField(*file->schema()->field(0), vectors);
  }

  void ExpectForeign(const std::shared_ptr<arrow::DataType>& type, const std::string& json, const Type& want_type,
                     const std::string& want_json, const std::map<std::string, int32_t>& vectors = {}) {
    WriteForeign(FromText(type, json));
    auto field = Infer(vectors);
    ASSERT_TRUE(field.ok()) << Describe(field.status());
    EXPECT_EQ(field->type.Name(), want_type.Name()) << type->ToString();
    auto table = Read(OneField(*field));
    ASSERT_TRUE(table.ok()) << Describe(table.status());
    auto want = FromText(want_type.Storage(), want_json);
    EXPECT_TRUE((*table)->column(0)->Equals(arrow::ChunkedArray(want)))
        << type->ToString() << "\n"
        << (*table)->column(0)->ToString() << "\nwanted\n"
        << want->ToString();
  }

  const std::string path_;
};

TEST_F(ParquetFileTest, EveryTypeComesBackFromSlices) {
  auto field = [](Type type) { return Field{.name = "f", .type = type}; };
  ExpectComesBack(field(Type::Of(TypeKind::kBool)), "[true, false, true]");
  ExpectComesBack(field(Type::Of(TypeKind::kInt8)), "[-128, 0, 127]");
  ExpectComesBack(field(Type::Of(TypeKind::kInt16)), "[-32768, 0, 32767]");
  ExpectComesBack(field(Type::Of(TypeKind::kInt64)), "[-9223372036854775808, 0, 9223372036854775807]");
  ExpectComesBack(field(Type::Of(TypeKind::kString)), R"(["", "a", "ä\u0000"])");
  ExpectComesBack(field(Type::Of(TypeKind::kJson)), R"(["{}", "[1, 2]", "null"])");
  ExpectComesBack(field(Type::Of(TypeKind::kDate)), "[0, -1, 20000]");
  ExpectComesBack(field({.kind = TypeKind::kTimestamp, .utc = true}), "[0, -1, 1700000000000000]");
  ExpectComesBack(field({.kind = TypeKind::kDecimal, .precision = 38, .scale = 2}), R"(["1.00", "-0.01", "9.99"])");
  ExpectComesBack(field(Type::Array(TypeKind::kString)), R"([["a", null], [], ["b"]])");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloatVector, 2)), "[[1, 2], [3.5, -0.0], [5, 6]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloat16Vector, 2)), "[[1, 2], [3, 4], [5, 6]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kInt8Vector, 2)), "[[1, -128], [3, 4], [5, 127]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kBFloat16Vector, 1)), R"(["ab", "cd", "ef"])");
  ExpectComesBack(field(Type::Vector(TypeKind::kBinaryVector, 16)), R"(["ab", "cd", "ef"])");
  ExpectComesBack(field(Type::Of(TypeKind::kSparseVector)), "[[[1, 0.5], [4294967295, 2]], [], [[3, 1]]]");
}

TEST_F(ParquetFileTest, NullsComeBackFromSlices) {
  auto field = [](Type type) { return Field{.name = "f", .type = type, .nullable = true}; };
  ExpectComesBack(field(Type::Of(TypeKind::kInt64)), "[1, null, 3, null]");
  ExpectComesBack(field(Type::Of(TypeKind::kJson)), R"(["{}", null, "1", "2"])");
  ExpectComesBack(field(Type::Array(TypeKind::kInt32)), "[[1], null, [], [2, null]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloatVector, 2)), "[[1, 2], null, [3, 4], [5, 6]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloatVector, 2)), "[null, null, null, null]");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloatVector, 2)), "[[1, 2], [1, 2], [3, 4], [5, 6]]");
  ExpectComesBack(field(Type::Vector(TypeKind::kFloat16Vector, 1)), "[[1], null, [3], null]");
  ExpectComesBack(field(Type::Vector(TypeKind::kInt8Vector, 1)), "[[1], null, [3], null]");
  ExpectComesBack(field(Type::Vector(TypeKind::kBFloat16Vector, 1)), R"(["ab", null, "ef", "gh"])");
  ExpectComesBack(field(Type::Of(TypeKind::kSparseVector)), "[[[1, 0.5]], null, [], null]");
}

TEST_F(ParquetFileTest, ForeignTypesBecomeTheSmallestOfOurs) {
  auto ts = [](arrow::TimeUnit::type unit, const char* zone) { return arrow::timestamp(unit, zone); };
  ExpectForeign(arrow::uint8(), "[255, null]", Type::Of(TypeKind::kInt16), "[255, null]");
  ExpectForeign(arrow::uint32(), "[4294967295]", Type::Of(TypeKind::kInt64), "[4294967295]");
  ExpectForeign(arrow::uint64(), "[5]", Type::Of(TypeKind::kInt64), "[5]");
  ExpectForeign(arrow::float16(), "[1.5]", Type::Of(TypeKind::kFloat), "[1.5]");
  ExpectForeign(arrow::large_utf8(), R"(["a", null])", Type::Of(TypeKind::kString), R"(["a", null])");
  ExpectForeign(arrow::fixed_size_binary(2), R"(["ab"])", Type::Of(TypeKind::kBytes), R"(["ab"])");
  ExpectForeign(ts(arrow::TimeUnit::NANO, ""), "[1000]", Type::Of(TypeKind::kTimestamp), "[1]");
  ExpectForeign(ts(arrow::TimeUnit::MILLI, "Europe/Berlin"), "[1]", {.kind = TypeKind::kTimestamp, .utc = true},
                "[1000]");
  ExpectForeign(arrow::decimal256(20, 3), R"(["1.500"])", {.kind = TypeKind::kDecimal, .precision = 20, .scale = 3},
                R"(["1.500"])");
  ExpectForeign(arrow::dictionary(arrow::int32(), arrow::utf8()), R"(["x", "y", "x", null])",
                Type::Of(TypeKind::kString), R"(["x", "y", "x", null])");
  ExpectForeign(arrow::large_list(arrow::int64()), "[[1], null, []]", Type::Array(TypeKind::kInt64), "[[1], null, []]");
  ExpectForeign(arrow::fixed_size_list(arrow::float32(), 2), "[[1, 2]]", Type::Vector(TypeKind::kFloatVector, 2),
                "[[1, 2]]");
  ExpectForeign(arrow::fixed_size_list(arrow::float64(), 2), "[[1, 2]]", Type::Array(TypeKind::kDouble), "[[1, 2]]");
  ExpectForeign(arrow::list(arrow::float32()), "[[1, 2], [3]]", Type::Array(TypeKind::kFloat), "[[1, 2], [3]]");
}

TEST_F(ParquetFileTest, ListsThatTheUserCallsVectorsAreVectors) {
  const Type vector = Type::Vector(TypeKind::kFloatVector, 2);
  ExpectForeign(arrow::list(arrow::float32()), "[[1, 2], null, [3, 4]]", vector, "[[1, 2], null, [3, 4]]", {{"f", 2}});
  ExpectForeign(arrow::large_list(arrow::float64()), "[[1, 0.1]]", vector, "[[1, 0.1]]", {{"f", 2}});
  ExpectForeign(arrow::fixed_size_list(arrow::float64(), 2), "[[1, 2]]", vector, "[[1, 2]]", {{"f", 2}});
}

TEST_F(ParquetFileTest, ValuesThatDoNotFitAreNamed) {
  auto message = [&](const Type& type, bool nullable) {
    auto table = Read(OneField({.name = "f", .type = type, .nullable = nullable}));
    if (table.ok()) return std::string("ok");
    EXPECT_EQ(KindOf(table.status()), ErrorKind::kCorruptData);
    EXPECT_TRUE(Describe(table.status()).starts_with(path_)) << Describe(table.status());
    return table.status().message();
  };
  WriteForeign(FromText(arrow::list(arrow::float32()), "[[1, 2], [1, 2, 3]]"));
  EXPECT_EQ(message(Type::Vector(TypeKind::kFloatVector, 2), true),
            "field 'f' holds a vector of 3 values where its dimension is 2");
  WriteForeign(FromText(arrow::list(arrow::float32()), "[[1, null]]"));
  EXPECT_EQ(message(Type::Vector(TypeKind::kFloatVector, 2), true), "field 'f' holds a vector with a null inside");
  WriteForeign(FromText(arrow::int64(), "[1, null]"));
  EXPECT_EQ(message(Type::Of(TypeKind::kInt64), false), "field 'f' is declared not null and holds 1 nulls");
  WriteForeign(FromText(arrow::uint64(), "[18446744073709551615]"));
  EXPECT_NE(message(Type::Of(TypeKind::kInt64), true).find("field 'f' can't be read as int64"), std::string::npos);
  WriteForeign(FromText(arrow::timestamp(arrow::TimeUnit::NANO), "[1001]"));
  EXPECT_NE(message(Type::Of(TypeKind::kTimestamp), true).find("would lose data"), std::string::npos);
}

TEST_F(ParquetFileTest, TypesWithoutAnyOfOursAreRefused) {
  for (const auto& [type, json] : std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::string>>{
           {arrow::struct_({arrow::field("a", arrow::int32())}), R"([{"a": 1}])"},
           {arrow::map(arrow::utf8(), arrow::int32()), R"([[["a", 1]]])"},
           {arrow::time64(arrow::TimeUnit::MICRO), "[1]"},
           {arrow::list(arrow::list(arrow::int32())), "[[[1]]]"},
           {arrow::decimal256(60, 0), R"(["1"])"}}) {
    WriteForeign(FromText(type, json));
    const arrow::Status status = Infer().status();
    EXPECT_EQ(KindOf(status), ErrorKind::kUnsupported) << type->ToString();
    EXPECT_TRUE(status.message().starts_with("field 'f' is ")) << status.message();
  }
}

TEST_F(ParquetFileTest, StatisticsProveThatThereAreNoNulls) {
  auto no_nulls = [&](const std::shared_ptr<arrow::Array>& column) {
    WriteForeign(column);
    return ParquetFile::Open(path_).ValueOrDie()->HasNoNulls(0);
  };
  EXPECT_TRUE(no_nulls(FromText(arrow::int64(), "[1, 2]")));
  EXPECT_FALSE(no_nulls(FromText(arrow::int64(), "[1, null]")));
  EXPECT_TRUE(no_nulls(FromText(arrow::list(arrow::float32()), "[[1], [2]]")));
  EXPECT_FALSE(no_nulls(FromText(arrow::list(arrow::float32()), "[[1], null]")));
  EXPECT_FALSE(no_nulls(FromText(arrow::list(arrow::float32()), "[[1], [null]]")));
}

TEST_F(ParquetFileTest, AWriterHoldsOneRowGroup) {
  CollectionSchema schema = OneField({.name = "f", .type = Type::Vector(TypeKind::kFloatVector, 64)});
  const int64_t row_bytes = 64 * 4;
  auto values = arrow::MakeArrayOfNull(arrow::float32(), 64 * 16384).ValueOrDie();
  values = arrow::MakeArray(
      arrow::ArrayData::Make(arrow::float32(), values->length(), {nullptr, values->data()->buffers[1]}, 0));
  auto column = std::make_shared<arrow::FixedSizeListArray>(schema.fields[0].type.Storage(), 16384, values);
  auto rows = arrow::RecordBatch::Make(schema.ArrowSchema(), 16384, {column});
  Write(schema, *rows, {.row_group_bytes = 1 << 20});
  auto file = ParquetFile::Open(path_).ValueOrDie();
  EXPECT_EQ(file->row_groups(), 4);
  for (int group = 0; group < file->row_groups(); ++group) {
    EXPECT_NEAR(static_cast<double>(file->rows_of(group) * row_bytes), 1 << 20, 1 << 17);
    EXPECT_NEAR(static_cast<double>(file->bytes_of(group)), 1 << 20, 1 << 17);
  }
  EXPECT_EQ(Read(schema, 64 << 10).ValueOrDie()->num_rows(), 16384);
}

TEST_F(ParquetFileTest, BatchesOfLongStringsStayInBounds) {
  CollectionSchema schema = OneField({.name = "f", .type = Type::Of(TypeKind::kString)});
  // One string again and again: the dictionary makes the file small, the rows stay large.
  std::string json = "[";
  for (int i = 0; i < 1000; ++i) json += (i > 0 ? ",\"" : "\"") + std::string(1000, 'x') + "\"";
  auto column = FromText(arrow::utf8(), json + "]");
  Write(schema, *arrow::RecordBatch::Make(schema.ArrowSchema(), 1000, {column}));
  auto file = ParquetFile::Open(path_).ValueOrDie();
  EXPECT_LT(file->bytes_of(0), 10'000);
  auto reader = file->Read(0, schema, 50'000).ValueOrDie();
  EXPECT_LE(reader->Next().ValueOrDie()->num_rows(), 50);
}

TEST_F(ParquetFileTest, NoPrefixOfAFileIsAFile) {
  CollectionSchema schema = OneField({.name = "f", .type = Type::Of(TypeKind::kInt64)});
  Write(schema, *arrow::RecordBatch::Make(schema.ArrowSchema(), 3, {FromText(arrow::int64(), "[1, 2, 3]")}));
  const auto size = std::filesystem::file_size(path_);
  for (auto cut = size; cut-- > 0;) {
    std::filesystem::resize_file(path_, cut);
    EXPECT_EQ(KindOf(Read(schema).status()), ErrorKind::kCorruptData) << cut;
  }
}

TEST_F(ParquetFileTest, AFullDiskIsTold) {
  CollectionSchema schema = OneField({.name = "f", .type = Type::Of(TypeKind::kInt64)});
  auto rows = arrow::RecordBatch::Make(schema.ArrowSchema(), 3, {FromText(arrow::int64(), "[1, 2, 3]")});
  auto writer = ParquetWriter::Create("/dev/full", schema, {});
  arrow::Status status = writer.status();
  if (status.ok()) status = (*writer)->Write(*rows);
  if (status.ok()) status = (*writer)->Close().status();
  EXPECT_EQ(KindOf(status), ErrorKind::kNoSpace) << Describe(status);
}

TEST_F(ParquetFileTest, SomethingElseIsNoParquet) {
  std::ofstream(path_) << "id,name\n1,a\n";
  const arrow::Status status = ParquetFile::Open(path_).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData);
  EXPECT_TRUE(Describe(status).starts_with(path_ + ": it can't be read as Parquet")) << Describe(status);
}

}  // namespace
}  // namespace godwit::files
