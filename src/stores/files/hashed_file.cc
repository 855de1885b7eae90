#include "stores/files/hashed_file.h"

#include <fcntl.h>

#include <chrono>

#include <arrow/buffer.h>
#include <arrow/filesystem/localfs.h>
#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include "base/durable_file.h"

namespace godwit::files {
namespace {

constexpr int64_t kReadBytes = 1 << 20;
constexpr int64_t kWriteOutBytes = 8 << 20;

arrow::Result<Hash128> HashFile(const std::string& path, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(kReadBytes));
  RunningHash hash;
  while (true) {
    if (stop.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", path);
    ARROW_ASSIGN_OR_RAISE(int64_t count, file->Read(kReadBytes, buffer->mutable_data()));
    if (count == 0) return hash.Value();
    hash.Update(buffer->data(), count);
  }
}

}  // namespace

arrow::Result<std::shared_ptr<HashingOutputStream>> HashingOutputStream::Create(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::FileOutputStream::Open(path));
  return std::shared_ptr<HashingOutputStream>(new HashingOutputStream(std::move(out)));
}

arrow::Status HashingOutputStream::Write(const void* data, int64_t bytes) {
  if (arrow::Status status = out_->Write(data, bytes); !status.ok()) {
    const int error = arrow::internal::ErrnoFromStatus(status);
    failure_ = error != 0 ? ErrnoStatus(error, "write") : status;
    return failure_;
  }
  hash_.Update(data, bytes);
  bytes_ += bytes;
  if (bytes_ - handed_to_disk_ >= kWriteOutBytes) {
    // Only a hint, whose failure means nothing: what is on the disk already need not be waited for at the end.
    (void)::sync_file_range(out_->file_descriptor(), handed_to_disk_, bytes_ - handed_to_disk_, SYNC_FILE_RANGE_WRITE);
    handed_to_disk_ = bytes_;
  }
  return arrow::Status::OK();
}

arrow::Result<FileStamp> CheckStamp(const std::string& path, const DataFile& expected) {
  ARROW_ASSIGN_OR_RAISE(auto stamp, StampOf(path));
  if (!stamp)
    return MakeError(ErrorKind::kCorruptData, "the file is missing; restore it, or copy the collection anew", path);
  if (!expected.hash) {
    if (stamp->bytes == expected.bytes && stamp->modified_ns == expected.modified_ns) return *stamp;
    return MakeError(ErrorKind::kSourceChanging, "the file was changed after the job listed it; run it with --restart",
                     path);
  }
  if (stamp->bytes == expected.bytes) return *stamp;
  return MakeError(ErrorKind::kCorruptData,
                   fmt::format("the file has {} bytes where {} were written; restore it, or copy the collection anew",
                               stamp->bytes, expected.bytes),
                   path);
}

arrow::Status FileChecker::Check(const std::string& path, const DataFile& expected) {
  ARROW_ASSIGN_OR_RAISE(FileStamp stamp, CheckStamp(path, expected));
  if (!expected.hash) return arrow::Status::OK();
  const Whole whole{stamp.bytes, stamp.modified_ns, *expected.hash};
  {
    std::lock_guard lock(mutex_);
    auto found = whole_.find(path);
    if (found != whole_.end() && found->second == whole) return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(Hash128 hash, HashFile(path, stop_));
  if (hash != *expected.hash) {
    return MakeError(ErrorKind::kCorruptData,
                     fmt::format("the file's bytes hash to {} where {} was written: it is damaged; restore it, or copy "
                                 "the collection anew",
                                 ToHex(hash), ToHex(*expected.hash)),
                     path);
  }
  std::lock_guard lock(mutex_);
  whole_[path] = whole;
  return arrow::Status::OK();
}

arrow::Result<std::optional<FileStamp>> StampOf(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto info, arrow::fs::LocalFileSystem().GetFileInfo(path));
  if (!info.IsFile()) return std::nullopt;
  return FileStamp{.bytes = info.size(), .modified_ns = info.mtime().time_since_epoch().count()};
}

}  // namespace godwit::files
