// Cooperative cancellation, shared by everything that a job started.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace godwit {

/// A handle to one shared flag; copies refer to the same flag. All members are thread-safe.
class StopToken {
 public:
  StopToken() : state_(std::make_shared<State>()) {}
  void RequestStop() {
    {
      std::lock_guard lock(state_->mutex);
      state_->stopped = true;
    }
    state_->wake.notify_all();
  }
  bool stop_requested() const { return state_->stopped; }
  /// Sleeps until the time is over or a stop is requested; true when it was stopped.
  bool WaitFor(std::chrono::milliseconds time) const {
    std::unique_lock lock(state_->mutex);
    return state_->wake.wait_for(lock, time, [this] { return state_->stopped.load(); });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<bool> stopped = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace godwit
