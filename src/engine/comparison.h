// What `verify` and `verify --repair` share: which collections are compared, and how one is.
#pragma once

#include <memory>
#include <vector>

#include "engine/open_job.h"
#include "verify/difference_file.h"
#include "verify/scan.h"

namespace godwit {

/// Of the job's collections those that are asked for; every name and pattern has to fit one.
arrow::Result<std::vector<CollectionRule>> RulesToCompare(const OpenJob& job, const VerifyOptions& options);

/// The file for all differences; null where none is asked for.
arrow::Result<std::unique_ptr<DifferenceFile>> CreateDifferenceFile(const VerifyOptions& options);

/// Reads both sides and compares them, for `report`, which has the names. Rows that the run listed as refused or in
/// conflict are not counted. `file` may be null.
arrow::Status CompareCollection(const OpenJob& job, const CollectionRule& rule, const VerifyOptions& options,
                                const WorkLimits& limits, DifferenceFile* file, CollectionReport* report);

}  // namespace godwit
