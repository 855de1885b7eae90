#include "engine/job_context.h"

#include <chrono>

namespace godwit {

arrow::Status RetryStep(const WorkLimits& limits, const std::function<arrow::Status()>& step) {
  Patience patience = limits.MakePatience();
  while (true) {
    arrow::Status status = step();
    if (status.ok()) return status;
    ARROW_RETURN_NOT_OK(patience.Wait(status));
  }
}

}  // namespace godwit
