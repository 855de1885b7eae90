// How fast does the text codec alone make files of ready batches, and batches of files?
//
//   text_ceiling write FOLDER csv|postgres DELIMITER ROWS DIM WRITERS
//   text_ceiling read FOLDER csv|postgres DELIMITER DIM READERS
//
// `write` makes the rows first, then formats them into one file a writer and syncs it, having the system write it out
// as it grows, as godwit does. `read` parses files that `write` made, a thread a file at a time, and discards the rows.
// Prints rows a second.
#include <arrow/record_batch.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "formats/text_reader.h"
#include "formats/text_writer.h"
#include "synthetic_rows.h"

namespace {

using godwit::TextFormat;
using godwit::bench::Get;

constexpr int64_t kBatchBytes = 8 << 20;
constexpr int64_t kSliceRows = 1024;
constexpr size_t kBlockBytes = 1 << 20;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void Check(bool good, const std::string& what) {
  if (!good) Fail(what + ": " + std::strerror(errno));
}

/// Has what was written since `*written_out` written to the disk, every 8 MiB.
void WriteOut(int file, off64_t* written_out) {
  constexpr off64_t kBytes = 8 << 20;
  const off64_t end = ::lseek64(file, 0, SEEK_CUR);
  if (end - *written_out < kBytes) return;
  (void)::sync_file_range(file, *written_out, end - *written_out, SYNC_FILE_RANGE_WRITE);  // only a hint
  *written_out = end;
}

void WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    Check(count > 0, "write");
    text.remove_prefix(static_cast<size_t>(count));
  }
}

/// Every `step`th batch.
void Write(const std::string& path, const TextFormat& format, const godwit::bench::Rows& rows, size_t first,
           size_t step) {
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  Check(file >= 0, path);
  godwit::TextWriter writer(rows.schema, format);
  writer.WriteHeader();
  off64_t written_out = 0;
  for (size_t i = first; i < rows.batches.size(); i += step) {
    for (int64_t row = 0; row < rows.batches[i]->num_rows(); row += kSliceRows) {
      if (auto status = writer.Write(*rows.batches[i]->Slice(row, kSliceRows)); !status.ok()) Fail(status.ToString());
      if (writer.text().size() < kBlockBytes) continue;
      WriteAll(file, writer.text());
      WriteOut(file, &written_out);
      writer.Clear();
    }
  }
  WriteAll(file, writer.text());
  Check(::fsync(file) == 0 && ::close(file) == 0, path);
}

/// Its rows.
int64_t Read(const std::string& path, const TextFormat& format, const godwit::CollectionSchema& schema) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Check(file >= 0, path);
  godwit::TextReader reader(schema, {.format = format});
  std::vector<char> buffer(4 * kBlockBytes);
  size_t begin = 0;
  size_t end = 0;
  int64_t rows = 0;
  for (bool last = false; !last;) {
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    const ssize_t count = ::read(file, buffer.data() + end, buffer.size() - end);
    Check(count >= 0, path);
    last = count == 0;
    end += static_cast<size_t>(count);
    for (begin = 0;;) {
      const size_t taken = Get(reader.Read({buffer.data() + begin, end - begin}, last, kBatchBytes));
      begin += taken;
      if (reader.bytes() >= kBatchBytes || (last && reader.rows() > 0)) rows += Get(reader.Finish())->num_rows();
      if (taken == 0 || begin == end) break;
    }
  }
  ::close(file);
  return rows;
}

template <typename Work>
double SecondsOf(size_t threads, Work work) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (size_t i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : running) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TextFormat FormatOf(const char* kind, const char* delimiter) {
  return {.kind = Get(godwit::ParseTextKind(kind)), .delimiter = delimiter[0]};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "write" && argc == 8) {
    const TextFormat format = FormatOf(argv[3], argv[4]);
    const godwit::bench::Rows rows = godwit::bench::MakeRows(argv[5], argv[6], kBatchBytes);
    const auto writers = static_cast<size_t>(std::atoi(argv[7]));
    const std::string folder = argv[2];
    const double seconds = SecondsOf(
        writers, [&](size_t i) { Write(folder + "/" + std::to_string(i) + ".csv", format, rows, i, writers); });
    std::printf("%.0f rows/s\n", std::atof(argv[5]) / seconds);
    return 0;
  }
  if (verb == "read" && argc == 7) {
    const TextFormat format = FormatOf(argv[3], argv[4]);
    const godwit::CollectionSchema schema = godwit::bench::MakeRows("1", argv[5], kBatchBytes).schema;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
      if (entry.path().extension() == ".csv") files.push_back(entry.path());
    }
    std::atomic<size_t> next = 0;
    std::atomic<int64_t> rows = 0;
    const double seconds = SecondsOf(static_cast<size_t>(std::atoi(argv[6])), [&](size_t) {
      for (size_t i = next++; i < files.size(); i = next++) rows += Read(files[i], format, schema);
    });
    std::printf("%.0f rows/s\n", static_cast<double>(rows) / seconds);
    return 0;
  }
  std::fprintf(stderr,
               "usage: text_ceiling write FOLDER csv|postgres DELIMITER ROWS DIM WRITERS\n"
               "       text_ceiling read FOLDER csv|postgres DELIMITER DIM READERS\n");
  return 2;
}
