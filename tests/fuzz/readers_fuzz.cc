// No input, however damaged, may crash a reader, and what a reader takes is written and read again as the same.
#include "fuzz/fuzz.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/hash.h"
#include "formats/text_inference.h"
#include "formats/text_reader.h"
#include "formats/text_writer.h"
#include "godwit/store.h"
#include "stores/files/manifest.h"
#include "stores/files/parquet_file.h"

namespace godwit::fuzz {
namespace {

namespace fs = std::filesystem;

struct Rows {
  CollectionSchema schema;
  std::shared_ptr<arrow::RecordBatch> batch;
};

/// Rows of every type, nulls and hostile values among them.
Rows SampleRows() {
  const StoreFactory* factory = FindStore(AllStores(), "synthetic");
  OptionValues values;
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"rows", "12"}, {"dim", "4"}, {"fields", "all"}, {"nulls", "true"}, {"hostile", "true"}}) {
    for (const Option& option : factory->options) {
      if (option.name == name) values.Set(name, ParseOption(option, text).ValueOrDie());
    }
  }
  EXPECT_TRUE(FillDefaults(factory->options, OptionScope::kSource, &values).ok());
  auto store = factory->open(values, {}).ValueOrDie();
  Rows rows;
  rows.schema = store->catalog()->Describe({"", "synthetic"}).ValueOrDie();
  const Snapshot snapshot = store->source()->OpenSnapshot(rows.schema.ref).ValueOrDie();
  const auto splits = store->source()->PlanSplits(rows.schema, snapshot, {}).ValueOrDie();
  auto reader = store->source()->Open(rows.schema, splits.front(), snapshot, "").ValueOrDie();
  rows.batch = reader->Next(1 << 20).ValueOrDie()->rows;
  return rows;
}

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

TEST(Fuzz, Parquet) {
  const fs::path folder = fs::temp_directory_path() / ("godwit-fuzz-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const Rows rows = SampleRows();
  const std::string path = (folder / "sample.parquet").string();
  auto writer = files::ParquetWriter::Create(path, rows.schema, {}).ValueOrDie();
  ASSERT_TRUE(writer->Write(*rows.batch).ok());
  ASSERT_TRUE(writer->Close().ok());
  const std::string sample = ReadFile(path).ValueOrDie();
  Fuzz({sample}, [&](const std::string& input, Random&) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << input;
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
  fs::remove_all(folder);
}

}  // namespace
}  // namespace godwit::fuzz
