// `verify --repair`: compares and corrects, journaled like the end of a copy, so that a repair that was killed goes on.
#pragma once

#include "engine/open_job.h"

namespace godwit {

/// As VerifyJob with `verify.repair`.
arrow::Result<Report> RepairJob(const OpenJob& job, const VerifyOptions& verify);

}  // namespace godwit
