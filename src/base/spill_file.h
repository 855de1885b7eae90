// Bytes put aside on the disk in parts, each of which is read back whole: for work that is larger than memory.
//
// The file has no name, so that a crash leaves nothing behind. Belongs to one thread at a time. Errors are kNoSpace or
// kInternal, with the folder in the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/error.h"

namespace godwit {

class SpillFile {
 public:
  /// In `folder`, made where it is absent; empty = the system's for temporary files. Holds up to kBufferBytes of memory
  /// for each part.
  static arrow::Result<std::unique_ptr<SpillFile>> Make(const std::string& folder, size_t parts);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;

  size_t parts() const { return parts_.size(); }
  arrow::Status Append(size_t part, std::string_view bytes);
  /// Everything that was appended to the part, in order.
  arrow::Result<std::string> Read(size_t part) const;

  static constexpr size_t kBufferBytes = 16 << 10;

 private:
  struct Extent {
    int64_t offset;
    int64_t bytes;
  };
  struct Part {
    std::vector<Extent> extents;
    std::string buffer;  // not written yet
  };

  SpillFile(int file, std::string folder, size_t parts) : file_(file), folder_(std::move(folder)), parts_(parts) {}
  arrow::Status Flush(Part* part);

  const int file_;
  const std::string folder_;
  std::vector<Part> parts_;
  int64_t end_ = 0;
};

}  // namespace godwit
