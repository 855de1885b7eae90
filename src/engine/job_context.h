// What all collections of one running job share. Outlives every worker.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/progress_board.h"
#include "godwit/job.h"
#include "journal/journal.h"
#include "verify/difference_file.h"
#include "verify/scan.h"

namespace godwit {

/// Of a job that brings a target up to date which it (or another) filled before.
struct Repair {
  bool keeps_rows = false;  // the target may hold rows that the source lacks
  /// Whether those are deleted, where they may not be there.
  std::function<bool(const JournaledCollection&)> may_delete;
  DifferenceFile* file = nullptr;  // gets what differs before it is written; may be null
};

struct JobContext {
  const JobSpec& spec;
  Journal& journal;
  Store& source;
  Store& target;
  ProgressBoard& board;
  WorkLimits limits;
  const Repair* repair = nullptr;  // null = a copy
};

/// As CollectionReport::verified_at.
std::string NowUtc();

/// ScanSide::sample of a collection that has about so many rows.
uint64_t SampleLimit(const SampleSize& size, int64_t rows);

/// Repeats an idempotent step until it succeeds, fails for good, or the peer was away for longer than the job allows.
arrow::Status RetryStep(const WorkLimits& limits, const std::function<arrow::Status()>& step);

}  // namespace godwit
