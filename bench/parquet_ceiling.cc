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

#include "synthetic_rows.h"

namespace {

using godwit::bench::Get;

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
  const auto batches = godwit::bench::MakeRows(argv[2], argv[3], 16 << 20).batches;
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
