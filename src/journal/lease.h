// One live runner a job: an exclusive OS lock on a file beside the journal, released by the kernel when the process
// ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "godwit/error.h"

namespace godwit {

class Lease {
 public:
  /// kConflict, naming the runner's pid, while another process holds it.
  static arrow::Result<std::unique_ptr<Lease>> Take(const std::string& path);
  /// The pid of the process that holds the lease now; none when it is free.
  static arrow::Result<std::optional<pid_t>> Holder(const std::string& path);
  ~Lease();
  Lease(const Lease&) = delete;

 private:
  explicit Lease(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace godwit
