// Named places at which a test may make the process die or a call fail.
//
// A failpoint is a namespace-scope object; its constructor puts it on the list that `godwit failpoints` prints, so that
// a sweep can enumerate them. Armed by the environment, GODWIT_FAILPOINTS="name=action[@n][;...]", n = the n-th hit
// (1 by default), action = crash (SIGKILL to the process), error (Hit fails with kUnavailable, which is tried again),
// fail (kInternal, which is not: a broken disk), unknown (kOutcomeUnknown), nospace (kNoSpace). Unarmed it costs one
// relaxed load. Thread-safe.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "godwit/error.h"

namespace godwit {

class Failpoint {
 public:
  explicit Failpoint(const char* name);
  Failpoint(const Failpoint&) = delete;

  arrow::Status Hit() { return armed_.load(std::memory_order_relaxed) ? HitArmed() : arrow::Status::OK(); }
  const char* name() const { return name_; }

  /// Names of all failpoints in this process, sorted.
  static std::vector<std::string> Names();
  /// Reads GODWIT_FAILPOINTS; kInvalidConfig when it names an unknown point or action. Called once, by main.
  static arrow::Status ArmFromEnvironment();

 private:
  arrow::Status HitArmed();

  const char* name_;
  std::atomic<bool> armed_ = false;
  std::atomic<int64_t> hits_until_action_ = 0;
  int action_ = 0;
};

}  // namespace godwit
