#include "base/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

Backoff::Limits LimitsOf(milliseconds first, milliseconds cap) {
  return {.first = first, .cap = cap, .deadline = Backoff::Clock::now() + hours(1)};
}

TEST(Backoff, GrowsToTheCap) {
  Backoff backoff(LimitsOf(milliseconds(100), milliseconds(1000)), StopToken(), 1);
  arrow::Status failure = MakeError(ErrorKind::kUnavailable, "down");
  milliseconds longest(0);
  for (int attempt = 0; attempt < 200; ++attempt) {
    milliseconds pause = backoff.NextPause(failure);
    EXPECT_GE(pause.count(), 0);
    EXPECT_LE(pause.count(), attempt < 4 ? 100 << attempt : 1000);
    longest = std::max(longest, pause);
  }
  EXPECT_GT(longest.count(), 900);
}

TEST(Backoff, EqualSeedsGiveEqualPauses) {
  arrow::Status failure = MakeError(ErrorKind::kUnavailable, "down");
  Backoff a(LimitsOf(milliseconds(1 << 20), milliseconds(1 << 20)), StopToken(), 7);
  Backoff b(LimitsOf(milliseconds(1 << 20), milliseconds(1 << 20)), StopToken(), 7);
  Backoff c(LimitsOf(milliseconds(1 << 20), milliseconds(1 << 20)), StopToken(), 8);
  milliseconds pause = a.NextPause(failure);
  EXPECT_EQ(pause, b.NextPause(failure));
  EXPECT_NE(pause, c.NextPause(failure));
}

TEST(Backoff, HonoursRetryAfterBeyondTheCap) {
  Backoff backoff(LimitsOf(milliseconds(10), milliseconds(20)), StopToken(), 1);
  milliseconds pause = backoff.NextPause(MakeError(ErrorKind::kThrottled, "slow", {}, milliseconds(700)));
  EXPECT_GE(pause.count(), 700);
  EXPECT_LE(pause.count(), 710);
}

TEST(Backoff, PausesThenLetsTryAgain) {
  Backoff backoff(LimitsOf(milliseconds(1), milliseconds(1)), StopToken(), 1);
  EXPECT_TRUE(backoff.Pause(MakeError(ErrorKind::kUnavailable, "down")).ok());
}

TEST(Backoff, GivesBackWhatCantBeRetried) {
  Backoff backoff(LimitsOf(milliseconds(1), milliseconds(1)), StopToken(), 1);
  for (ErrorKind kind : {ErrorKind::kOutcomeUnknown, ErrorKind::kCorruptData, ErrorKind::kTooLarge}) {
    EXPECT_EQ(KindOf(backoff.Pause(MakeError(kind, "no"))), kind);
  }
}

TEST(Backoff, NeverWaitsPastTheDeadline) {
  Backoff backoff(LimitsOf(milliseconds(1), milliseconds(1)), StopToken(), 1);
  arrow::Status status = backoff.Pause(MakeError(ErrorKind::kThrottled, "quota", {}, hours(2)));
  EXPECT_EQ(KindOf(status), ErrorKind::kThrottled);
  EXPECT_EQ(status.message(), "gave up: quota");
}

TEST(Backoff, EndsWhenStopped) {
  StopToken stop;
  stop.RequestStop();
  Backoff backoff(LimitsOf(hours(1), hours(1)), stop, 1);
  EXPECT_EQ(KindOf(backoff.Pause(MakeError(ErrorKind::kUnavailable, "down"))), ErrorKind::kCancelled);
}

}  // namespace
}  // namespace godwit
