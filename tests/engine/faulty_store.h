// A store around a real one whose calls fail where a test wants them to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "godwit/store.h"

namespace godwit {

/// Called before every call that moves rows, with its name: "next", "write", "commit", "after_commit", "recover",
/// "finalize"; and before "create" and "publish". A failure is what the engine sees instead of the call's result.
/// Thread-safe if the test's workers are several.
using Fault = std::function<arrow::Status(const std::string& call)>;

/// Why the target refuses a row; empty when it takes it.
using Refusal = std::function<std::string(const arrow::RecordBatch& rows, int64_t row)>;

/// A factory of the same name whose stores ask `fault`, and whose writers refuse rows.
StoreFactory WithFaults(const StoreFactory& real, Fault fault, Refusal refusal = {});

}  // namespace godwit
