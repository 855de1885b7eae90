// No input, however damaged, may crash a reader, and what a reader takes is written and read again as the same.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/hash.h"
#include "base/sqlite.h"
#include "formats/text_inference.h"
#include "formats/text_reader.h"
#include "formats/text_writer.h"
#include "fuzz/fuzz.h"
#include "fuzz/sample.h"
#include "model/canonical.h"
#include "stores/files/manifest.h"
#include "stores/files/parquet_file.h"
#include "stores/milvus/codec.h"

namespace godwit::fuzz {
namespace {

namespace fs = std::filesystem;

/// What can be read of a text, given in pieces as `random` says.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(const CollectionSchema& schema, const TextSource& source,
                                                        const std::string& text, Random& random) {
  TextReader reader(schema, source);
  size_t begin = 0;
  size_t end = 0;
  while (true) {
    end = std::min(text.size(), end + 1 + random() % 512);
    const bool last = end == text.size();
    ARROW_ASSIGN_OR_RAISE(size_t taken,
                          reader.Read(std::string_view(text).substr(begin, end - begin), last, int64_t{1} << 40));
    begin += taken;
    EXPECT_LE(begin, end);
    if (last && begin == end) return reader.Finish();
    if (last && taken == 0) return MakeError(ErrorKind::kInternal, "the end was not taken");
  }
}

std::string Write(const CollectionSchema& schema, const TextFormat& format, const arrow::RecordBatch& rows) {
  TextWriter writer(schema, format);
  writer.WriteHeader();
  EXPECT_TRUE(writer.Write(rows).ok());
  return std::string(writer.text());
}

void FuzzText(const TextFormat& format) {
  const Rows rows = SampleRows();
  std::vector<std::string> samples = {Write(rows.schema, format, *rows.batch)};
  for (int64_t i = 0; i < rows.batch->num_rows(); ++i) {
    samples.push_back(Write(rows.schema, format, *rows.batch->Slice(i, 1)));
  }
  Fuzz(samples, [&](const std::string& input, Random& random) {
    for (bool own : {true, false}) {
      auto read = Read(rows.schema, {.format = format, .columns = {}, .own = own}, input, random);
      if (!read.ok()) {
        EXPECT_EQ(KindOf(read.status()), ErrorKind::kCorruptData) << Describe(read.status());
        continue;
      }
      EXPECT_TRUE((*read)->ValidateFull().ok());
      const std::string written = Write(rows.schema, format, **read);
      auto again = Read(rows.schema, {.format = format}, written, random);
      ASSERT_TRUE(again.ok()) << Describe(again.status()) << "\n" << written;
      EXPECT_EQ(Write(rows.schema, format, **again), written);
    }
    TextInference inference(format, {});
    inference.BeginFile();
    (void)inference.Read(input, /*last=*/true);
    (void)inference.Fields();
  });
}

TEST(Fuzz, Csv) { FuzzText({.kind = TextKind::kCsv}); }
TEST(Fuzz, Postgres) { FuzzText({.kind = TextKind::kPostgres, .delimiter = '|'}); }
TEST(Fuzz, Jsonl) { FuzzText({.kind = TextKind::kJsonl}); }

TEST(Fuzz, Manifest) {
  files::Manifest manifest{
      .schema = SampleRows().schema, .job = "job", .created = "now", .digest = {.rows = 3}, .files = {}};
  manifest.text = TextFormat{};
  manifest.files = {
      {.path = "0000000000.csv", .rows = 3, .bytes = 9, .hash = Hash128{1, 2}, .ranges = {{"", 1}, {"p", 2}}},
      {.path = "part-a.1.0.csv", .partition = "p", .rows = 2, .bytes = 20, .hash = Hash128{0, 1}}};
  const std::string sample = files::ToJson(manifest);
  Fuzz({sample}, [&](std::string input, Random& random) {
    // Behind the checksum there has to be something to find as well.
    auto json = nlohmann::json::parse(input, nullptr, /*allow_exceptions=*/false);
    if (random() % 4 != 0 && json.is_object()) {
      json.erase("checksum");
      json["checksum"] = ToHex(HashOf(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
      input = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    auto read = files::ManifestFromJson(input);
    if (!read.ok()) return;
    EXPECT_TRUE(files::ManifestFromJson(files::ToJson(*read)).ok());
  });
}

/// A folder for the damaged files, removed at the end.
class FuzzFiles : public testing::Test {
 protected:
  FuzzFiles() : folder_(fs::temp_directory_path() / ("godwit-fuzz-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~FuzzFiles() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static void Put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  fs::path folder_;
};

TEST_F(FuzzFiles, Parquet) {
  const Rows rows = SampleRows();
  const std::string path = Path("sample.parquet");
  auto writer = files::ParquetWriter::Create(path, rows.schema, {}).ValueOrDie();
  ASSERT_TRUE(writer->Write(*rows.batch).ok());
  ASSERT_TRUE(writer->Close().ok());
  const std::string sample = ReadFile(path).ValueOrDie();
  Fuzz({sample}, [&](const std::string& input, Random&) {
    Put(path, input);
    auto file = files::ParquetFile::Open(path);
    if (!file.ok()) return;
    const CollectionSchema schema = (*file)->stored_schema().value_or(rows.schema);
    for (int group = 0; group < (*file)->row_groups(); ++group) {
      auto batches = (*file)->Read(group, schema, 1 << 20);
      if (!batches.ok()) return;
      std::shared_ptr<arrow::RecordBatch> batch;
      while ((*batches)->ReadNext(&batch).ok() && batch != nullptr) {
        if (!batch->ValidateFull().ok()) return;
      }
    }
  });
}

TEST_F(FuzzFiles, CompressedText) {
  const Rows rows = SampleRows();
  const std::string text = Write(rows.schema, {.kind = TextKind::kCsv}, *rows.batch);
  for (auto [compression, name] :
       {std::pair{arrow::Compression::GZIP, "rows.csv.gz"}, {arrow::Compression::ZSTD, "rows.csv.zst"}}) {
    auto codec = arrow::util::Codec::Create(compression).ValueOrDie();
    const auto* begin = reinterpret_cast<const uint8_t*>(text.data());
    const auto size = static_cast<int64_t>(text.size());
    std::string sample(static_cast<size_t>(codec->MaxCompressedLen(size, begin)), '\0');
    sample.resize(static_cast<size_t>(
        codec->Compress(size, begin, static_cast<int64_t>(sample.size()), reinterpret_cast<uint8_t*>(sample.data()))
            .ValueOrDie()));
    Fuzz({sample}, [&, path = Path(name)](const std::string& input, Random&) {
      Put(path, input);
      (void)ReadAll(OpenSource("files", {{"path", folder_.string()}, {"format", "csv"}}).ValueOrDie().get());
    });
    fs::remove(Path(name));
  }
}

TEST_F(FuzzFiles, Sqlite) {
  const std::string path = Path("sample.db");
  auto db = SqliteDatabase::Open(path, SqliteDatabase::Mode::kCreate, 0).ValueOrDie();
  ASSERT_TRUE(
      db->Execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL, vector BLOB, list TEXT);"
                  "INSERT INTO t VALUES (1, 'a', 0.5, x'0000803f0000003f', '[1,2]'), (-9, 'é', -0.0, x'', '[]'),"
                  " (7, NULL, NULL, NULL, NULL);"
                  "CREATE TABLE \"a b\" (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;"
                  "INSERT INTO \"a b\" VALUES ('x', x'00'), ('y', x'ff')")
          .ok());
  db.reset();
  const std::string sample = ReadFile(path).ValueOrDie();
  Fuzz({sample}, [&](const std::string& input, Random&) {
    Put(path, input);
    (void)ReadAll(OpenSource("sqlite", {{"path", path}}).ValueOrDie().get());
  });
}

TEST(Fuzz, MilvusRows) {
  const google::protobuf::LogSilencer silence;
  const Rows all = SampleRows();
  CollectionSchema schema = all.schema;
  // Milvus has no nulls inside of arrays.
  std::erase_if(schema.fields, [](const Field& field) {
    return !milvus::DataTypeOf(field.type.kind) || field.type.kind == TypeKind::kArray;
  });
  arrow::ArrayVector columns;
  for (const Field& field : schema.fields) columns.push_back(all.batch->GetColumnByName(field.name));
  const auto rows = arrow::RecordBatch::Make(schema.ArrowSchema(), all.batch->num_rows(), columns);
  ::milvus::proto::milvus::QueryResults reply;
  const arrow::Status encoded = milvus::EncodeRows(*rows, 0, rows->num_rows(), schema, reply.mutable_fields_data());
  ASSERT_TRUE(encoded.ok()) << Describe(encoded);
  RowHasher hasher(schema, RowHasher::Identity::kKey);
  Fuzz({reply.SerializeAsString()}, [&](const std::string& input, Random&) {
    auto damaged = std::make_shared<::milvus::proto::milvus::QueryResults>();
    if (!damaged->ParseFromString(input)) return;
    auto decoded = milvus::DecodeRows(damaged, schema);
    if (!decoded.ok()) {
      EXPECT_EQ(KindOf(decoded.status()), ErrorKind::kCorruptData) << Describe(decoded.status());
      return;
    }
    // JSON is bytes on the wire, and looked into when it is hashed.
    HashedRows hashes;
    if (!hasher.Hash({.rows = *decoded, .partition = "", .position = ""}, &hashes).ok()) return;
    const arrow::Status valid = (*decoded)->ValidateFull();
    EXPECT_TRUE(valid.ok()) << valid;
  });
}

TEST(Fuzz, MilvusSchema) {
  const google::protobuf::LogSilencer silence;
  CollectionSchema schema = SampleRows().schema;
  std::erase_if(schema.fields, [](const Field& field) { return !milvus::DataTypeOf(field.type.kind); });
  ::milvus::proto::milvus::DescribeCollectionResponse reply;
  *reply.mutable_schema() = milvus::SchemaToProto(schema).ValueOrDie();
  Fuzz({reply.SerializeAsString()}, [&](const std::string& input, Random&) {
    ::milvus::proto::milvus::DescribeCollectionResponse damaged;
    if (!damaged.ParseFromString(input)) return;
    auto read = milvus::SchemaFromProto(damaged);
    if (!read.ok()) return;
    EXPECT_EQ(SchemaFromJson(ToJson(*read)).ValueOrDie(), *read);
  });
}

}  // namespace
}  // namespace godwit::fuzz
