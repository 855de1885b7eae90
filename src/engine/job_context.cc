#include "engine/job_context.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include <fmt/chrono.h>

namespace godwit {

arrow::Status RetryStep(const WorkLimits& limits, const std::function<arrow::Status()>& step) {
  // A try that takes so long has done much between its calls, each of which ends within its own timeout.
  const auto long_try = std::max(std::chrono::milliseconds(limits.retry_for_ms), std::chrono::milliseconds(300'000));
  Patience patience = limits.MakePatience();
  while (true) {
    const auto begin = std::chrono::steady_clock::now();
    arrow::Status status = step();
    if (status.ok()) return status;
    if (std::chrono::steady_clock::now() - begin > long_try) patience.Renew();
    ARROW_RETURN_NOT_OK(patience.Wait(status));
  }
}

std::string NowUtc() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

uint64_t SampleLimit(const SampleSize& size, int64_t rows) {
  if (size.rows == 0) return SampleLimit(size.share);
  return rows <= size.rows ? kWholeCollection : SampleLimit(static_cast<double>(size.rows) / static_cast<double>(rows));
}

}  // namespace godwit
