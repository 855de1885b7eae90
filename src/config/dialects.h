// The dialects: each turns a document into a JobSpec and adds what is wrong to `problems`.
#pragma once

#include "config/document.h"
#include "config/load.h"
#include "godwit/job.h"

namespace godwit {

JobSpec ReadNative(const Node& root, const StoreRegistry& stores, Problems* problems);
JobSpec ReadSeaTunnel(const Node& root, const StoreRegistry& stores, Problems* problems);

/// Letters, digits, '_', '.' and '-', at most 100, the first one not '.' or '-': what a job may be called.
bool IsJobName(std::string_view name);

}  // namespace godwit
