// Copies one split: a reading thread and the caller's writing thread with a short queue between them, a commit every
// few seconds, and a fresh start from the newest receipt after a failure that passes.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "engine/job_context.h"
#include "model/canonical.h"
#include "model/row_mapper.h"

namespace godwit {

/// What the splits of one collection share.
struct CopyRoute {
  JobContext& job;
  const JournaledCollection& collection;
  WriteTarget target;
  RowMapper mapper;
  RowHasher::Identity identity = RowHasher::Identity::kKey;
  ProgressLine* line = nullptr;

  std::atomic<int64_t> rejects = 0;           // of all splits, as journaled
  std::mutex mutex;                           // guards duplicate_sample
  std::vector<std::string> duplicate_sample;  // at most kMaxSample
};

/// kRejected when the target refused more rows than the job allows.
arrow::Status CheckRejects(const JobContext& job, const JournaledCollection& collection, int64_t rejects);

/// OK: the journal holds the complete receipt. Thread-safe for different splits.
arrow::Status CopySplit(CopyRoute* route, const JournaledSplit& split);

}  // namespace godwit
