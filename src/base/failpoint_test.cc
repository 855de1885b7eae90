#include "base/failpoint.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

namespace godwit {
namespace {

Failpoint first_point("test.first");
Failpoint second_point("test.second");

arrow::Status Arm(const char* failpoints) {
  ::setenv("GODWIT_FAILPOINTS", failpoints, 1);
  arrow::Status status = Failpoint::ArmFromEnvironment();
  ::unsetenv("GODWIT_FAILPOINTS");
  return status;
}

TEST(Failpoint, UnarmedDoesNothing) {
  ::unsetenv("GODWIT_FAILPOINTS");
  ASSERT_TRUE(Failpoint::ArmFromEnvironment().ok());
  ASSERT_TRUE(Arm("").ok());
  EXPECT_TRUE(first_point.Hit().ok());
}

TEST(Failpoint, ActsOnceAtTheGivenHit) {
  ASSERT_TRUE(Arm("test.first=error@3;test.second=nospace").ok());
  EXPECT_EQ(KindOf(second_point.Hit()), ErrorKind::kNoSpace);
  EXPECT_TRUE(second_point.Hit().ok());
  EXPECT_TRUE(first_point.Hit().ok());
  EXPECT_TRUE(first_point.Hit().ok());
  arrow::Status status = first_point.Hit();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnavailable);
  EXPECT_EQ(status.message(), "failpoint test.first");
  EXPECT_TRUE(first_point.Hit().ok());
  ASSERT_TRUE(Arm("test.first=unknown").ok());
  EXPECT_EQ(KindOf(first_point.Hit()), ErrorKind::kOutcomeUnknown);
}

TEST(FailpointDeathTest, CrashKills) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        (void)Arm("test.first=crash@2");
        (void)first_point.Hit();
        (void)first_point.Hit();
        std::exit(0);
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST(Failpoint, ListsItsNamesSorted) {
  std::vector<std::string> names = Failpoint::Names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "test.first"));
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "test.second"));
}

TEST(Failpoint, RefusesWhatItDoesNotKnow) {
  for (const char* bad : {"test.first", "test.third=error", "test.first=explode", "test.first=error@",
                          "test.first=error@0", "test.first=error@2x", "test.first=error@-1"}) {
    EXPECT_EQ(KindOf(Arm(bad)), ErrorKind::kInvalidConfig) << bad;
  }
  EXPECT_TRUE(first_point.Hit().ok());
}

}  // namespace
}  // namespace godwit
