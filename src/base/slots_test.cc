#include "base/slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace godwit {
namespace {

TEST(Slots, AllWorkIsDoneAndNeverMoreAtOnce) {
  Budget slots(3);
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  RunInSlots(&slots, 200, {}, [&](size_t) {
    const int now = ++at_once;
    int seen = most;
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    --at_once;
    ++done;
    return true;
  });
  EXPECT_EQ(done, 200);
  EXPECT_LE(most, 3);
}

TEST(Slots, MoreSlotsAreUsedAtOnce) {
  Budget slots(1);
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  RunInSlots(&slots, 4, {}, [&](size_t i) {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    if (i == 0) slots.SetCapacity(4);
    changed.wait(lock, [&] { return inside == 4; });  // hangs unless all four are inside
    return true;
  });
  EXPECT_EQ(inside, 4);
}

TEST(Slots, AFailureAndAStopBeginNothingMore) {
  Budget slots(1);
  int calls = 0;
  RunInSlots(&slots, 10, {}, [&](size_t) { return ++calls < 3; });
  EXPECT_EQ(calls, 3);
  StopToken stop;
  calls = 0;
  RunInSlots(&slots, 10, stop, [&](size_t) {
    if (++calls == 2) stop.RequestStop();
    return true;
  });
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace godwit
