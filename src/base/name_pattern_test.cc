#include "base/name_pattern.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

using Texts = std::optional<std::vector<std::string>>;

TEST(NamePatternTest, AStarStandsForAnyCharacters) {
  EXPECT_EQ(MatchPattern("a", "a"), Texts(std::vector<std::string>()));
  EXPECT_EQ(MatchPattern("a", "ab"), std::nullopt);
  EXPECT_EQ(MatchPattern("*", ""), Texts({""}));
  EXPECT_EQ(MatchPattern("*", "a.b"), Texts({"a.b"}));
  EXPECT_EQ(MatchPattern("log_*", "log_2024"), Texts({"2024"}));
  EXPECT_EQ(MatchPattern("log_*", "dialog_2024"), std::nullopt);
  EXPECT_EQ(MatchPattern("*_old", "a_old"), Texts({"a"}));
  EXPECT_EQ(MatchPattern("*_*", "a_b_c"), Texts({"a", "b_c"}));
  EXPECT_EQ(MatchPattern("a*a", "a"), std::nullopt);
  EXPECT_EQ(MatchPattern("a*b*c", "abbc"), Texts({"", "b"}));
  EXPECT_EQ(MatchPattern("a*b*c", "ac"), std::nullopt);
  EXPECT_EQ(MatchPattern("a?[b]", "axb"), std::nullopt);
}

TEST(NamePatternTest, TheTextsFillAnotherPattern) {
  EXPECT_EQ(FillPattern("new_*", {"2024"}), "new_2024");
  EXPECT_EQ(FillPattern("*-*", {"a", "*"}), "a-*");
  EXPECT_EQ(FillPattern("plain", {"a"}), "plain");
  EXPECT_EQ(FillPattern("*_*", {"a"}), "a_*");
}

}  // namespace
}  // namespace godwit
