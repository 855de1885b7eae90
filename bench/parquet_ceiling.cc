// How fast does Arrow's Parquet writer alone write ready batches?
//
//   parquet_ceiling FOLDER ROWS DIM WRITERS
//
// Makes the rows first, then writes one file a writer, in row groups as large as godwit's, with the settings that suit
// vectors (no dictionary, no compression), and syncs it. Prints rows a second.
#include <fcntl.h>
#include <unistd.h>

#include <arrow/io/file.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "godwit/store.h"

namespace {

template <typename T>
T Get(arrow::Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}

std::vector<std::shared_ptr<arrow::RecordBatch>> MakeRows(const char* rows, const char* dim) {
  const godwit::StoreFactory* factory = godwit::FindStore(godwit::AllStores(), "synthetic");
  godwit::OptionValues values;
  for (const godwit::Option& option : factory->options) {
    if (option.name == "rows") values.Set("rows", Get(godwit::ParseOption(option, rows)));
    if (option.name == "dim") values.Set("dim", Get(godwit::ParseOption(option, dim)));
  }
  if (!godwit::FillDefaults(factory->options, godwit::OptionScope::kSource, &values).ok()) std::exit(1);
  auto store = Get(factory->open(values, {}));
  godwit::CollectionSchema schema = Get(store->catalog()->Describe({"", "synthetic"}));
  godwit::Snapshot snapshot = Get(store->source()->OpenSnapshot(schema.ref));
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (const godwit::Split& split : Get(store->source()->PlanSplits(schema, snapshot, {}))) {
    auto reader = Get(store->source()->Open(schema, split, snapshot, ""));
    while (auto batch = Get(reader->Next(16 << 20))) batches.push_back(batch->rows);
  }
  return batches;
}

void Write(const std::string& path, const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches, size_t first,
           size_t step) {
  auto properties = parquet::WriterProperties::Builder().disable_dictionary()->disable_statistics()->build();
  auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  auto file = Get(arrow::io::FileOutputStream::Open(path));
  auto writer = Get(parquet::arrow::FileWriter::Open(*batches[0]->schema(), arrow::default_memory_pool(), file,
                                                     properties, arrow_properties));
  for (size_t i = first; i < batches.size(); i += step) {
    // A batch is one row group. Whole tables go column by column, faster than WriteRecordBatch, which buffers.
    auto table = Get(arrow::Table::FromRecordBatches({batches[i]}));
    if (!writer->WriteTable(*table, table->num_rows()).ok()) std::exit(1);
  }
  if (!writer->Close().ok() || ::fsync(file->file_descriptor()) != 0 || !file->Close().ok()) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: parquet_ceiling FOLDER ROWS DIM WRITERS\n");
    return 2;
  }
  const auto batches = MakeRows(argv[2], argv[3]);
  const size_t writers = static_cast<size_t>(std::atoi(argv[4]));
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < writers; ++i) {
    threads.emplace_back(
        [&, i] { Write(std::string(argv[1]) + "/" + std::to_string(i) + ".parquet", batches, i, writers); });
  }
  for (std::thread& thread : threads) thread.join();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f rows/s\n", std::atof(argv[2]) / seconds.count());
  return 0;
}
