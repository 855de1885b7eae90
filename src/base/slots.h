// Work on threads, as many at once as a budget has slots; the budget may change meanwhile.
#pragma once

#include <cstddef>
#include <functional>

#include "base/memory_budget.h"
#include "godwit/stop_token.h"

namespace godwit {

/// Calls `work(i)` for i = 0 .. count - 1 in that order, each on a thread that holds one slot, and returns when all
/// that began have ended. No further one begins after `work` gave false, or a stop was requested.
void RunInSlots(Budget* slots, size_t count, const StopToken& stop, const std::function<bool(size_t)>& work);

}  // namespace godwit
