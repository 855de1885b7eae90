// Where a job may write files of its own: never over what is not godwit's, never among what it reads or writes.
//
// Reads the file system, writes nothing. All failures are kInvalidConfig, and say what to do.
#pragma once

#include <string>
#include <vector>

#include "godwit/job.h"

namespace godwit {

/// Of `rejects_file` and `conflicts_file`, where the job names them. An earlier list is replaced.
arrow::Status CheckListFiles(const StoreRegistry& stores, const JobSpec& spec, const std::string& state_dir);

/// Of a file for differences. One that is there and not empty is refused, whatever it is.
arrow::Status CheckDifferencesFile(const StoreRegistry& stores, const JobSpec& spec, const std::string& state_dir,
                                   const std::string& path);

/// A target, or its staging folder, inside the folder of a collection that is read would spoil it.
arrow::Status CheckOutsideSource(const StoreRegistry& stores, const JobSpec& spec,
                                 const std::vector<CollectionRule>& rules, Catalog* source);

}  // namespace godwit
