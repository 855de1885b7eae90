#include "base/rate_limit.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace godwit {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

class RateLimitTest : public testing::Test {
 protected:
  /// Takes and lets the time pass that it takes.
  void Pass(int64_t amount) { now_ += limit_.Take(amount); }
  double Seconds() const { return std::chrono::duration<double>(now_).count(); }

  nanoseconds now_{0};
  RateLimit limit_{1000, [this] { return now_; }};
};

TEST_F(RateLimitTest, KeepsTheRate) {
  for (int i = 0; i < 1000; ++i) Pass(10);
  EXPECT_NEAR(Seconds(), 10, 0.01);
}

TEST_F(RateLimitTest, AmountsOfAnySizePass) {
  Pass(5000);
  EXPECT_NEAR(Seconds(), 5, 0.01);
  Pass(1);
  EXPECT_NEAR(Seconds(), 5.001, 0.01);
}

TEST_F(RateLimitTest, TheTimeOfTheWorkItselfCounts) {
  for (int i = 0; i < 100; ++i) {
    now_ += 60ms;  // reading
    Pass(100);     // 100 ms
  }
  EXPECT_NEAR(Seconds(), 10.06, 0.05);
}

TEST_F(RateLimitTest, APauseIsGivenBackInPart) {
  Pass(100);
  now_ += 60s;
  const nanoseconds before = now_;
  int64_t at_once = 0;
  while (limit_.Take(10) == 0ns) at_once += 10;
  EXPECT_EQ(now_, before);
  EXPECT_EQ(at_once, 500);
}

TEST_F(RateLimitTest, NeverMoreThanTheRateFromTheBeginning) {
  std::minstd_rand random(7);
  int64_t amount = 0;
  limit_.SetRate(0);
  limit_.SetRate(1000);
  now_ += 5s;  // before the first amount
  const nanoseconds begin = now_;
  for (int i = 0; i < 2000; ++i) {
    now_ += std::chrono::milliseconds(random() % 40);
    const auto next = static_cast<int64_t>(random() % 50);
    Pass(next);
    amount += next;
    EXPECT_LE(static_cast<double>(amount), 1 + 1000 * std::chrono::duration<double>(now_ - begin).count());
  }
}

TEST_F(RateLimitTest, AChangeHoldsAtOnce) {
  EXPECT_GT(limit_.Take(1'000'000), 900s);
  limit_.SetRate(100);
  EXPECT_EQ(limit_.Debt(), 0ns);
  Pass(100);
  EXPECT_NEAR(Seconds(), 1, 0.01);
  limit_.SetRate(0);
  EXPECT_EQ(limit_.Take(1'000'000), 0ns);
}

TEST(RateLimitWaitTest, AStopAndAChangeEndAWait) {
  RateLimit limit(1);
  StopToken stop;
  std::thread changer([&] { limit.SetRate(0); });
  EXPECT_TRUE(limit.Pass(1'000'000, stop));
  changer.join();
  limit.SetRate(1);
  stop.RequestStop();
  EXPECT_FALSE(limit.Pass(1'000'000, stop));
}

}  // namespace
}  // namespace godwit
