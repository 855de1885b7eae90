// The XXH3-128 hash of a file's bytes: taken while it is written, compared before it is read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <arrow/io/file.h>

#include "base/hash.h"
#include "godwit/stop_token.h"
#include "stores/files/manifest.h"

namespace godwit::files {

/// Writes to a new file and hashes what goes by. Belongs to one thread at a time. Close makes nothing durable.
class HashingOutputStream : public arrow::io::OutputStream {
 public:
  static arrow::Result<std::shared_ptr<HashingOutputStream>> Create(const std::string& path);

  arrow::Status Write(const void* data, int64_t bytes) override;
  using arrow::io::Writable::Write;
  arrow::Result<int64_t> Tell() const override { return bytes_; }
  arrow::Status Close() override { return out_->Close(); }
  bool closed() const override { return out_->closed(); }

  int64_t bytes() const { return bytes_; }
  /// The first write that failed, with its reason, which Parquet's own errors leave out.
  const arrow::Status& failure() const { return failure_; }
  /// Of everything written so far.
  Hash128 hash() const { return hash_.Value(); }

 private:
  explicit HashingOutputStream(std::shared_ptr<arrow::io::FileOutputStream> out) : out_(std::move(out)) {}

  const std::shared_ptr<arrow::io::FileOutputStream> out_;
  RunningHash hash_;
  int64_t bytes_ = 0;
  int64_t handed_to_disk_ = 0;  // bytes that the system was asked to write out
  arrow::Status failure_;
};

/// Compares files with what is known of them. A file that was found whole is not hashed again while its size and time
/// stay. Thread-safe.
class FileChecker {
 public:
  explicit FileChecker(StopToken stop) : stop_(std::move(stop)) {}

  /// `path` is the file of `expected`. kCorruptData when it is missing, or its size or hash is wrong;
  /// kSourceChanging when a file without hash is not the one that was listed.
  arrow::Status Check(const std::string& path, const DataFile& expected);

 private:
  /// What a file was like when its hash was found right.
  struct Whole {
    int64_t bytes = 0;
    int64_t modified_ns = 0;
    Hash128 hash;
    bool operator==(const Whole&) const = default;
  };

  const StopToken stop_;
  std::mutex mutex_;
  std::map<std::string, Whole> whole_;  // by path
};

struct FileStamp {
  int64_t bytes = 0;
  int64_t modified_ns = 0;
};
/// As FileChecker::Check, without reading the file.
arrow::Result<FileStamp> CheckStamp(const std::string& path, const DataFile& expected);
/// Nothing when there is no such file.
arrow::Result<std::optional<FileStamp>> StampOf(const std::string& path);

}  // namespace godwit::files
