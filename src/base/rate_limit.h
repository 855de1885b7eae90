// A rate that all workers of a job share: a token bucket that may be overdrawn, so that an amount of any size passes
// and the time after it pays. Smooth: what a pause left unused is given back within half a second, no more.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "godwit/stop_token.h"

namespace godwit {

class RateLimit {
 public:
  using Clock = std::function<std::chrono::nanoseconds()>;  // monotonic

  /// Without a clock: the steady one. A rate begins with the first amount after it was set.
  explicit RateLimit(int64_t per_second = 0, Clock clock = {});
  RateLimit(const RateLimit&) = delete;

  /// 0 = no limit. Holds at once, for amounts on which somebody waits as well.
  void SetRate(int64_t per_second);
  int64_t rate() const;

  /// Books an amount. It may pass after the time that is returned, unless the rate changes meanwhile.
  std::chrono::nanoseconds Take(int64_t amount);
  /// How long until all that was taken is paid.
  std::chrono::nanoseconds Debt();
  /// Takes, and waits. False when stopped.
  bool Pass(int64_t amount, const StopToken& stop);

 private:
  void Refill();
  std::chrono::nanoseconds DebtNow() const;

  const Clock clock_;
  mutable std::mutex mutex_;
  int64_t rate_;      // a second
  double level_ = 0;  // below 0: to be paid
  std::optional<std::chrono::nanoseconds> filled_at_;
};

}  // namespace godwit
