#include "formats/condition.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

using enum ConditionLanguage;

TEST(ConditionTest, OneClosedConditionPasses) {
  for (const char* text : {"a > 1", "(a > 1) or (b in (1, 2))", "name = 'it''s; -- (' and \"a(\" > 1", "[a)] = `b(`"}) {
    EXPECT_TRUE(CheckCondition(text, kSql).ok()) << text;
  }
  for (const char* text : {"a > 1", R"x(name == "a\")" and tags[0] == 1)x", R"x(meta["k"] like 'x(%')x"}) {
    EXPECT_TRUE(CheckCondition(text, kMilvus).ok()) << text;
  }
}

TEST(ConditionTest, WhatWouldReachOutIsRefused) {
  for (const char* text : {"", "  ", "a > 1) or (b", "(a", "a = 'x", "a = 1; DROP TABLE t", "a -- b", "a = ?", "a = :b",
                           "a /* b", "a = 'x\\' or b = 'y'')"}) {
    EXPECT_EQ(KindOf(CheckCondition(text, kSql)), ErrorKind::kInvalidConfig) << text;
  }
  for (const char* text : {"", "a > 1) or (b", "(a", R"x(a == "x\")x", "a; b"}) {
    EXPECT_EQ(KindOf(CheckCondition(text, kMilvus)), ErrorKind::kInvalidConfig) << text;
  }
  EXPECT_FALSE(CheckCondition(std::string_view("a\0b", 3), kSql).ok());
}

}  // namespace
}  // namespace godwit
