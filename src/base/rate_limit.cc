#include "base/rate_limit.h"

#include <algorithm>
#include <utility>

namespace godwit {
namespace {

using std::chrono::nanoseconds;

constexpr double kNanosPerSecond = 1e9;
constexpr double kCreditSeconds = 0.5;
// How soon somebody who waits sees that the rate has changed, or that the job stops.
constexpr std::chrono::milliseconds kLookAgain{100};

nanoseconds SteadyNow() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

RateLimit::RateLimit(int64_t per_second, Clock clock)
    : clock_(clock ? std::move(clock) : Clock(SteadyNow)), rate_(per_second) {}

void RateLimit::SetRate(int64_t per_second) {
  std::lock_guard lock(mutex_);
  if (per_second == rate_) return;
  rate_ = per_second;
  // What was taken at the old rate is not paid at the new one, and what was not taken is not given.
  level_ = 0;
  filled_at_.reset();
}

int64_t RateLimit::rate() const {
  std::lock_guard lock(mutex_);
  return rate_;
}

nanoseconds RateLimit::Take(int64_t amount) {
  std::lock_guard lock(mutex_);
  if (rate_ == 0) return nanoseconds(0);
  Refill();
  level_ -= static_cast<double>(amount);
  return DebtNow();
}

nanoseconds RateLimit::Debt() {
  std::lock_guard lock(mutex_);
  if (rate_ == 0) return nanoseconds(0);
  Refill();
  return DebtNow();
}

bool RateLimit::Pass(int64_t amount, const StopToken& stop) {
  for (nanoseconds wait = Take(amount); wait.count() > 0; wait = Debt()) {
    const auto pause = std::min(std::chrono::ceil<std::chrono::milliseconds>(wait), kLookAgain);
    if (stop.WaitFor(pause)) return false;
  }
  return !stop.stop_requested();
}

void RateLimit::Refill() {
  const nanoseconds now = clock_();
  if (filled_at_) {
    const double seconds = static_cast<double>((now - *filled_at_).count()) / kNanosPerSecond;
    const auto rate = static_cast<double>(rate_);
    level_ = std::min(level_ + seconds * rate, kCreditSeconds * rate);
  }
  filled_at_ = now;
}

nanoseconds RateLimit::DebtNow() const {
  if (level_ >= 0) return nanoseconds(0);
  return nanoseconds(1 + static_cast<int64_t>(-level_ / static_cast<double>(rate_) * kNanosPerSecond));
}

}  // namespace godwit
