#include "stores/files/numbered_files.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <fmt/format.h>

#include "base/durable_file.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "stores/files/collection.h"
#include "stores/files/hashed_file.h"
#include "stores/files/layout.h"
#include "stores/files/text_file.h"

namespace godwit::files {
namespace {

Failpoint before_build("files.numbered.before_build");
Failpoint after_file("files.numbered.after_file");
Failpoint before_list("files.numbered.before_list");
Failpoint after_list("files.numbered.after_list");

constexpr std::string_view kListName = ".godwit-numbered.json";
constexpr int64_t kReadBytes = 1 << 20;

/// Finds the ends of rows in text that godwit wrote, as it goes by.
class RowEnds {
 public:
  explicit RowEnds(TextKind kind) : quotes_(kind == TextKind::kCsv) {}

  /// The first byte after the next row that ends in `text`; npos = none does. The text before it counts as gone by.
  size_t Next(std::string_view text) {
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      // Only csv has line ends inside of rows, and there between quotes; a quote inside is two, which changes nothing.
      if (quotes_) odd_ ^= std::count(text.begin() + begin, text.begin() + end, '"') % 2 != 0;
      if (end == text.size()) return std::string_view::npos;
      if (!odd_) return end + 1;
      begin = end + 1;
    }
    return std::string_view::npos;
  }

 private:
  const bool quotes_;
  bool odd_ = false;
};

class NumberedWriter {
 public:
  NumberedWriter(const Options& options, const WriteTarget& target, std::string folder)
      : options_(options), read_back_(target.read_back), folder_(std::move(folder)) {
    TextWriter header(target.schema, *options.text);
    header.WriteHeader();
    header_ = header.text();
  }

  /// A part that is a whole numbered file gets its name as well. Before anything is appended.
  arrow::Status Link(const std::string& path, const DataFile& part, const StopToken& stop) {
    ARROW_RETURN_NOT_OK(CheckStamp(path, part));
    const std::string name = NextName();
    std::error_code error;
    std::filesystem::create_hard_link(path, folder_ + "/" + name, error);
    if (error) return Append(path, part, stop);  // a file system without links
    ARROW_RETURN_NOT_OK(after_file.Hit());
    files_.push_back(part);
    files_.back().path = name;
    files_.back().ranges = {{part.partition, part.rows}};
    return arrow::Status::OK();
  }

  /// All rows of a part.
  arrow::Status Append(const std::string& path, const DataFile& part, const StopToken& stop) {
    ARROW_ASSIGN_OR_RAISE(auto in, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(kReadBytes));
    RunningHash hash;
    RowEnds ends(options_.text->kind);
    int64_t rows = 0;
    bool row_is_open = false;
    size_t header_left = header_.size();  // of the part's own
    while (true) {
      if (stop.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", path);
      ARROW_ASSIGN_OR_RAISE(int64_t count, in->Read(kReadBytes, buffer->mutable_data()));
      if (count == 0) break;
      hash.Update(buffer->data(), count);
      std::string_view text(reinterpret_cast<const char*>(buffer->data()), static_cast<size_t>(count));
      const size_t of_header = std::min(header_left, text.size());
      text.remove_prefix(of_header);
      header_left -= of_header;
      while (!text.empty()) {
        if (out_ == nullptr) ARROW_RETURN_NOT_OK(Begin());
        // As many rows as go into this file are written at once.
        size_t size = 0;
        int64_t ended = 0;
        while (file_.rows + ended < options_.rows_per_file) {
          const size_t end = ends.Next(text.substr(size));
          if (end == text.npos) {
            row_is_open = true;
            size = text.size();
            break;
          }
          size += end;
          ++ended;
          row_is_open = false;
          if (size == text.size()) break;
        }
        ARROW_RETURN_NOT_OK(out_->Write(text.substr(0, size)));
        text.remove_prefix(size);
        Count(part.partition, ended);
        rows += ended;
        if (file_.rows == options_.rows_per_file) ARROW_RETURN_NOT_OK(Finish());
      }
    }
    if (hash.Value() == part.hash && rows == part.rows && !row_is_open) return arrow::Status::OK();
    return MakeError(ErrorKind::kCorruptData,
                     "the staged file is not what was written: it is damaged; run the job with --restart", path);
  }

  /// Closes the last file. A collection without rows gets one file as well: readers learn the columns from it.
  arrow::Result<std::vector<DataFile>> Close() {
    if (out_ == nullptr && files_.empty()) ARROW_RETURN_NOT_OK(Begin());
    if (out_ != nullptr) ARROW_RETURN_NOT_OK(Finish());
    ARROW_RETURN_NOT_OK(SyncFolder(folder_));
    return std::move(files_);
  }

 private:
  std::string NextName() const {
    return NumberedName(static_cast<int64_t>(files_.size()), SuffixOf(options_.text->kind, options_.compression));
  }

  arrow::Status Begin() {
    file_ = {.path = NextName()};
    ARROW_ASSIGN_OR_RAISE(out_, TextOutput::Create(folder_ + "/" + file_.path, options_.compression));
    return out_->Write(header_);
  }

  void Count(const std::string& partition, int64_t rows) {
    file_.rows += rows;
    if (rows == 0) return;
    if (file_.ranges.empty() || file_.ranges.back().partition != partition) file_.ranges.push_back({partition, 0});
    file_.ranges.back().rows += rows;
  }

  arrow::Status Finish() {
    ARROW_ASSIGN_OR_RAISE(auto written, out_->Close(file_.rows));
    out_ = nullptr;
    ARROW_RETURN_NOT_OK(SyncFile(folder_ + "/" + file_.path));
    if (!read_back_) DropFromCache(folder_ + "/" + file_.path);
    ARROW_RETURN_NOT_OK(after_file.Hit());
    file_.bytes = written.bytes;
    file_.hash = written.hash;
    files_.push_back(std::move(file_));
    return arrow::Status::OK();
  }

  const Options& options_;
  const bool read_back_;
  const std::string folder_;
  std::string header_;
  std::unique_ptr<TextOutput> out_;  // of the open file
  DataFile file_;
  std::vector<DataFile> files_;
};

/// What the files were made of, and how.
std::string FingerprintOf(const Options& options, const std::vector<DataFile>& parts) {
  return ToHex(HashOf(
      fmt::format("{}\n{}\n{}", EvidenceToJson(parts), options.rows_per_file, static_cast<int>(options.compression))));
}

/// The files that a list in the stage names, when it was made of the same parts and all of them are there.
std::optional<std::vector<DataFile>> FilesThere(const std::string& list, const std::string& fingerprint,
                                                const std::string& folder) {
  if (!Exists(list)) return std::nullopt;
  auto text = ReadFile(list);
  if (!text.ok() || !text->starts_with(fingerprint + "\n")) return std::nullopt;
  auto files = EvidenceFromJson(std::string_view(*text).substr(fingerprint.size() + 1));
  if (!files.ok()) return std::nullopt;
  for (const DataFile& file : *files) {
    auto stamp = StampOf(folder + "/" + file.path);
    if (!stamp.ok() || !*stamp || (*stamp)->bytes != file.bytes) return std::nullopt;
  }
  return *std::move(files);
}

}  // namespace

std::optional<std::vector<DataFile>> FindNumberedFiles(const Options& options, const std::string& stage,
                                                       const std::vector<DataFile>& parts, const std::string& folder) {
  return FilesThere(stage + "/" + std::string(kListName), FingerprintOf(options, parts), folder);
}

arrow::Result<std::vector<DataFile>> MakeNumberedFiles(const Options& options, const WriteTarget& target,
                                                       const std::string& stage, const std::vector<DataFile>& parts,
                                                       const std::string& folder, const StopToken& stop) {
  if (auto files = FindNumberedFiles(options, stage, parts, folder)) return *std::move(files);
  std::vector<DataFile> in_order = parts;
  std::sort(in_order.begin(), in_order.end(), [](const DataFile& a, const DataFile& b) {
    return std::tie(a.partition, a.path) < std::tie(b.partition, b.path);
  });

  ARROW_RETURN_NOT_OK(before_build.Hit());
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) return ErrnoStatus(error.value(), "can't remove " + folder);
  ARROW_RETURN_NOT_OK(MakeFolder(folder));
  const auto rest = std::stable_partition(in_order.begin(), in_order.end(), [&](const DataFile& part) {
    return part.rows == options.rows_per_file && options.compression == arrow::Compression::UNCOMPRESSED;
  });
  NumberedWriter writer(options, target, folder);
  for (auto part = in_order.begin(); part != in_order.end(); ++part) {
    const std::string path = stage + "/" + part->path;
    ARROW_RETURN_NOT_OK(part < rest ? writer.Link(path, *part, stop) : writer.Append(path, *part, stop));
  }
  ARROW_ASSIGN_OR_RAISE(auto files, writer.Close());
  ARROW_RETURN_NOT_OK(before_list.Hit());
  ARROW_RETURN_NOT_OK(WriteFileDurably(stage + "/" + std::string(kListName),
                                       FingerprintOf(options, parts) + "\n" + EvidenceToJson(files)));
  ARROW_RETURN_NOT_OK(after_list.Hit());
  return files;
}

}  // namespace godwit::files
