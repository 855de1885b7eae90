// Which collections a job moves, and to where: its rules applied to what the source holds. Reads the source's catalog,
// and no more of it than the rules need.
#pragma once

#include <string>
#include <vector>

#include "godwit/job.h"
#include "godwit/store.h"

namespace godwit {

/// One rule a collection, every name filled in, patterns replaced; all collections of the source database when the job
/// names none. kInvalidConfig where a rule or an exclusion fits nothing, or two collections would be written to one.
arrow::Result<std::vector<CollectionRule>> ResolveCollections(const JobSpec& spec, Store* source,
                                                              const Capabilities& target);

}  // namespace godwit
