#include "base/patience.h"

#include <algorithm>
#include <utility>

namespace godwit {

Patience::Patience(std::chrono::milliseconds limit, StopToken stop, Note note)
    : limit_(limit),
      stop_(std::move(stop)),
      note_(std::move(note)),
      renewed_(std::chrono::steady_clock::now()),
      random_(static_cast<uint32_t>(renewed_.time_since_epoch().count())) {}

void Patience::Renew() {
  renewed_ = std::chrono::steady_clock::now();
  failures_ = 0;
}

arrow::Status Patience::Wait(const arrow::Status& failure) {
  if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped");
  if (!IsRetryable(failure) && KindOf(failure) != ErrorKind::kOutcomeUnknown) return failure;
  // What counts is how long it fails, not how long it went well before.
  if (failures_ == 0) renewed_ = std::chrono::steady_clock::now();
  auto waited = std::chrono::steady_clock::now() - renewed_;
  if (waited > limit_) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited).count();
    return WithContext(failure, "gave up after " + std::to_string(seconds) + " s");
  }
  // The fourth failure in a row is about a second after the first.
  if (note_ && failures_ % 10 == 3) note_("waiting: " + Describe(failure));
  // Between half and all of 100 ms, 200 ms, ... 5 s, so that workers that failed together don't come back together.
  int64_t cap_ms = std::min<int64_t>(5000, 100LL << std::min<int64_t>(failures_++, 6));
  int64_t pause_ms = std::uniform_int_distribution<int64_t>(cap_ms / 2, cap_ms)(random_);
  pause_ms = std::max<int64_t>(pause_ms, RetryAfter(failure).count());
  if (stop_.WaitFor(std::chrono::milliseconds(pause_ms))) return MakeError(ErrorKind::kCancelled, "stopped");
  return arrow::Status::OK();
}

}  // namespace godwit
