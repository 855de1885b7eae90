// What all collections of one running job share. Outlives every worker.
#pragma once

#include <functional>
#include <string_view>

#include "engine/progress_board.h"
#include "godwit/job.h"
#include "journal/journal.h"
#include "verify/scan.h"

namespace godwit {

struct JobContext {
  const JobSpec& spec;
  Journal& journal;
  Store& source;
  Store& target;
  ProgressBoard& board;
  WorkLimits limits;
};

/// ScanSide::sample of a collection that has about so many rows.
uint64_t SampleLimit(const SampleSize& size, int64_t rows);

/// Repeats an idempotent step until it succeeds, fails for good, or the peer was away for longer than the job allows.
arrow::Status RetryStep(const WorkLimits& limits, const std::function<arrow::Status()>& step);

}  // namespace godwit
