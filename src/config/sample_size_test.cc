#include <gtest/gtest.h>

#include "godwit/job.h"

namespace godwit {
namespace {

TEST(SampleSizeTest, IsAShareOrANumber) {
  EXPECT_DOUBLE_EQ(SampleSize::Parse("1%").ValueOrDie().share, 0.01);
  EXPECT_DOUBLE_EQ(SampleSize::Parse("0.25%").ValueOrDie().share, 0.0025);
  EXPECT_EQ(SampleSize::Parse("10000").ValueOrDie().rows, 10'000);
  for (const char* wrong : {"", "%", "0", "0%", "100%", "-1", "-1%", "1 %", "ten", "1.5", "nan%", "1%%", "1k"}) {
    arrow::Status status = SampleSize::Parse(wrong).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig) << wrong;
    EXPECT_NE(Describe(status).find("1%"), std::string::npos) << wrong;
  }
}

}  // namespace
}  // namespace godwit
