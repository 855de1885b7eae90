// Ctrl-C, SIGTERM and SIGHUP end a job cleanly; a second one ends the process at once.
#pragma once

#include "godwit/stop_token.h"

namespace godwit {

/// Blocks the signals in this and all later threads and starts a thread that turns them into a stop request. A SIGHUP
/// that is ignored (nohup) stays ignored. Called once, before any other thread.
void StopOnSignals(StopToken stop);

}  // namespace godwit
