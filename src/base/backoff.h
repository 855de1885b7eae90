// Pauses between attempts at one request: exponential with full jitter, so that clients which failed together don't
// come back together. Not thread-safe; one object a request. (Patience is for a piece of work that fails and goes on
// for hours.)
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <utility>

#include "godwit/error.h"
#include "godwit/stop_token.h"

namespace godwit {

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::chrono::milliseconds first{100};  // the longest first pause; doubles with each failure
    std::chrono::milliseconds cap{5000};   // the longest pause, unless the peer asks for a longer one
    Clock::time_point deadline;            // no pause ends later
  };

  /// Equal seeds give equal pauses.
  Backoff(const Limits& limits, StopToken stop, uint32_t seed)
      : limits_(limits), stop_(std::move(stop)), random_(seed) {}

  /// OK after a pause: send the request again. Else, without a pause, `failure` itself when it is not retryable or the
  /// pause would end after the deadline; kCancelled when a stop was requested before or during the pause.
  arrow::Status Pause(const arrow::Status& failure) {
    if (stop_.stop_requested()) return Stopped();
    if (!IsRetryable(failure)) return failure;
    std::chrono::milliseconds pause = NextPause(failure);
    if (limits_.deadline - Clock::now() < pause) return WithContext(failure, "gave up");
    return stop_.WaitFor(pause) ? Stopped() : arrow::Status::OK();
  }

  /// How long Pause would wait after one more failure: what the peer asked for, and a random time up to the limit of
  /// this attempt on top, so that a peer that told all its clients the same isn't met by all of them at once.
  std::chrono::milliseconds NextPause(const arrow::Status& failure) {
    auto longest = std::min<int64_t>(limits_.cap.count(), limits_.first.count() << std::min(failures_, kMostDoublings));
    ++failures_;
    return RetryAfter(failure) + std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(0, longest)(random_));
  }

 private:
  static constexpr int kMostDoublings = 20;
  static arrow::Status Stopped() { return MakeError(ErrorKind::kCancelled, "stopped"); }

  Limits limits_;
  StopToken stop_;
  std::minstd_rand random_;
  int failures_ = 0;
};

}  // namespace godwit
