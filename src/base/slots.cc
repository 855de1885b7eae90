#include "base/slots.h"

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace godwit {

void RunInSlots(Budget* slots, size_t count, const StopToken& stop, const std::function<bool(size_t)>& work) {
  std::map<size_t, std::thread> threads;
  std::mutex mutex;           // guards ended
  std::vector<size_t> ended;  // to be joined: a thread keeps its stack until then
  std::atomic<bool> going = true;
  for (size_t i = 0; i < count && going; ++i) {
    Reservation slot = Reservation::Acquire(slots, 1, stop);
    if (!slot || !going) break;
    std::vector<size_t> joinable;
    {
      std::lock_guard lock(mutex);
      joinable.swap(ended);
    }
    for (size_t index : joinable) {
      threads.at(index).join();
      threads.erase(index);
    }
    threads.emplace(i, [&, i, held = std::move(slot)]() mutable {
      if (!work(i)) going = false;
      held.Reset();
      std::lock_guard lock(mutex);
      ended.push_back(i);
    });
  }
  for (auto& [index, thread] : threads) thread.join();
}

}  // namespace godwit
