// A store around a real one whose calls fail where a test wants them to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "godwit/store.h"

namespace godwit {

/// Called before every call that moves rows, with its name: "next", "write", "commit", "after_commit", "recover",
/// "finalize". A
/// failure is what the engine sees instead of the call's result. Thread-safe if the test's workers are several.
using Fault = std::function<arrow::Status(const std::string& call)>;

/// A factory of the same name whose stores ask `fault`.
StoreFactory WithFaults(const StoreFactory& real, Fault fault);

}  // namespace godwit
