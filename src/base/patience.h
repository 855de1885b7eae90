// How long a peer may be away. One Patience guards one repeated piece of work: every success renews it; a failure that
// may pass (IsRetryable, or an unknown outcome that the caller settles before it tries again) costs a pause that grows
// with each failure in a row. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string_view>

#include "godwit/error.h"
#include "godwit/stop_token.h"

namespace godwit {

class Patience {
 public:
  using Note = std::function<void(std::string_view)>;

  /// `note`, where given, is told when the waiting becomes long, and then now and again.
  Patience(std::chrono::milliseconds limit, StopToken stop, Note note = {});

  /// Something went forward.
  void Renew();
  /// OK after a pause: try again. Else `failure` itself, or kCancelled when stopped.
  arrow::Status Wait(const arrow::Status& failure);

 private:
  std::chrono::milliseconds limit_;
  StopToken stop_;
  Note note_;
  std::chrono::steady_clock::time_point renewed_;
  int64_t failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace godwit
