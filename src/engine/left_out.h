// Source rows that do not go to the target: refused by it, or in conflict with rows that were there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/job_context.h"
#include "model/canonical.h"
#include "verify/compare.h"

namespace godwit {

/// What a batch becomes a part of.
struct WrittenSplit {
  const JournaledCollection& collection;
  const std::string& id;
  RowHasher::Identity identity = RowHasher::Identity::kKey;
};

/// Adds a batch that was written to `progress`: the rows that are at the target now to its digest; those that are not
/// are journaled in full and counted. A row that the target holds already, equal to the source's, is at the target,
/// whether an earlier try wrote it or somebody else. kConflict where the job's policy refuses a key that is there.
arrow::Status AccountBatch(JobContext* job, const WrittenSplit& split, const Batch& batch, const HashedRows& hashes,
                           WriteResult result, Progress* progress);

/// Takes out of `rows` those whose key is in `listed` (Journal::LeftOutKeys): they are not at the target, or are there
/// as they were before the job, and that was reported. Returns how many.
int64_t LeaveOutListed(const std::vector<Hash128>& listed, std::vector<DifferingRow>* rows);

/// Writes the lists of all rows that were left out, whole or not at all: JSON lines. `report` gets the paths of those
/// that are not empty.
arrow::Status WriteLeftOutFiles(const JobSpec& spec, const std::string& state_dir, Journal* journal, Report* report);

}  // namespace godwit
