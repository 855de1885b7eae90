#include "stores/milvus/key_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace godwit::milvus {
namespace {

// A collection that is only its keys, sorted; counts the questions.
class Keys {
 public:
  explicit Keys(std::vector<Key> keys) : keys_(std::move(keys)) { std::sort(keys_.begin(), keys_.end()); }

  int64_t Count(const std::optional<Key>& after, const std::optional<Key>& upto) const {
    auto begin = after ? std::upper_bound(keys_.begin(), keys_.end(), *after) : keys_.begin();
    auto end = upto ? std::upper_bound(keys_.begin(), keys_.end(), *upto) : keys_.end();
    return std::max<int64_t>(0, end - begin);
  }
  KeyCounter Counter() {
    return {.count =
                [this](const auto& after, const auto& upto) {
                  ++questions_;
                  return arrow::Result<int64_t>(Count(after, upto));
                },
            .first = [this](const auto& after) -> arrow::Result<std::optional<Key>> {
              ++questions_;
              auto at = after ? std::upper_bound(keys_.begin(), keys_.end(), *after) : keys_.begin();
              if (at == keys_.end()) return std::nullopt;
              return *at;
            }};
  }
  const std::vector<Key>& all() const { return keys_; }
  int questions() const { return questions_; }

 private:
  std::vector<Key> keys_;
  int questions_ = 0;
};

KeyRange Whole(int64_t rows) { return {.after = std::nullopt, .upto = std::nullopt, .rows = rows}; }

struct Outcome {
  std::vector<KeyRange> ranges;
  int64_t largest = 0;
  int questions = 0;
};

// Cuts, and proves that the ranges follow each other from one open end to the other.
Outcome CutAll(std::vector<Key> list, int64_t pieces, int64_t max_rows = std::numeric_limits<int64_t>::max()) {
  Keys keys(std::move(list));
  auto total = static_cast<int64_t>(keys.all().size());
  RangeSizes sizes{.rows = std::max<int64_t>(1, total / pieces), .max_rows = max_rows};
  auto ranges = CutKeyRange(Whole(total), sizes, keys.Counter()).ValueOrDie();
  Outcome outcome{.ranges = ranges, .questions = keys.questions()};
  EXPECT_FALSE(ranges.empty());
  EXPECT_FALSE(ranges.front().after);
  EXPECT_FALSE(ranges.back().upto);
  int64_t rows = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i > 0) {
      EXPECT_EQ(ranges[i].after, ranges[i - 1].upto);
      EXPECT_TRUE(ranges[i].after.has_value());
    }
    if (ranges[i].after && ranges[i].upto) {
      EXPECT_LT(*ranges[i].after, *ranges[i].upto);
    }
    int64_t here = keys.Count(ranges[i].after, ranges[i].upto);
    EXPECT_EQ(here, ranges[i].rows);
    rows += here;
    outcome.largest = std::max(outcome.largest, here);
  }
  EXPECT_EQ(rows, total);
  return outcome;
}

void ExpectEven(const Outcome& outcome, int64_t total, int64_t pieces, int questions_a_piece = 20) {
  EXPECT_GE(static_cast<int64_t>(outcome.ranges.size()), pieces);
  EXPECT_LE(static_cast<int64_t>(outcome.ranges.size()), 2 * pieces);
  EXPECT_LE(outcome.largest, total / pieces * 3 / 2 + 1);
  EXPECT_LE(outcome.questions, questions_a_piece * pieces);
}

std::vector<Key> Integers(int64_t count, auto at) {
  std::vector<Key> keys;
  for (int64_t i = 0; i < count; ++i) keys.emplace_back(static_cast<int64_t>(at(i)));
  return keys;
}

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(KeyRanges, DenseIntegers) {
  for (int64_t start : {int64_t{0}, int64_t{-50'000}, int64_t{447'000'000'000'000'000}, kMin, kMax - 99'999}) {
    auto outcome = CutAll(Integers(100'000, [&](int64_t i) { return start + i; }), 8);
    ExpectEven(outcome, 100'000, 8, 6);
  }
}

TEST(KeyRanges, RandomIntegersOfTheWholeRange) {
  std::mt19937_64 random(1);
  ExpectEven(CutAll(Integers(100'000, [&](int64_t) { return random(); }), 8), 100'000, 8, 10);
}

TEST(KeyRanges, AutoIdsInBursts) {
  // Ids of 2,000 rows an insert; the next insert comes 50 to 150 ms later (18 bits are the logical clock).
  std::mt19937_64 random(2);
  int64_t id = 447'000'000'000'000'000;
  auto keys = Integers(100'000, [&](int64_t i) {
    if (i % 2000 == 0) id += static_cast<int64_t>(50 + random() % 100) << 18;
    return ++id;
  });
  ExpectEven(CutAll(keys, 8), 100'000, 8, 12);
}

TEST(KeyRanges, SkewedIntegers) {
  // Most keys lie at the bottom, the others at distances that double.
  auto keys = Integers(100'000, [](int64_t i) { return i < 99'940 ? i : int64_t{1} << (i - 99'940 + 2); });
  auto outcome = CutAll(keys, 8);
  ExpectEven(outcome, 100'000, 8, 12);
}

TEST(KeyRanges, SmallestAndGreatestInteger) {
  EXPECT_EQ(CutAll({kMin, kMax}, 2).ranges.size(), 2u);
  EXPECT_EQ(CutAll({kMin, kMin + 1, -1, 0, 1, kMax - 1, kMax}, 7).ranges.size(), 6u);
  CutAll({kMax}, 1);
  CutAll({}, 1);
}

TEST(KeyRanges, RepeatedKeysAreNeverTornApart) {
  auto keys = Integers(10'000, [](int64_t i) { return i < 9'000 ? 7 : i; });
  auto outcome = CutAll(keys, 10, /*max_rows=*/2'000);
  EXPECT_EQ(outcome.largest, 9'000);
  EXPECT_LE(outcome.questions, 600);
}

TEST(KeyRanges, RowsBeyondTheLimitAreCutAtAnyCost) {
  // Two clusters at the far ends: no probe by fraction lands inside one.
  auto keys = Integers(100'000, [](int64_t i) { return i % 2 == 0 ? kMin + i : kMax - i; });
  auto outcome = CutAll(keys, 8, /*max_rows=*/20'000);
  EXPECT_LE(outcome.largest, 20'000);
}

std::vector<Key> Strings(int64_t count, auto at) {
  std::vector<Key> keys;
  for (int64_t i = 0; i < count; ++i) keys.emplace_back(std::string(at(i)));
  return keys;
}

std::string Padded(int64_t number) {
  std::string digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits;
}

TEST(KeyRanges, NumbersAsStrings) {
  ExpectEven(CutAll(Strings(100'000, Padded), 8), 100'000, 8);
  ExpectEven(CutAll(Strings(100'000, [](int64_t i) { return std::to_string(i); }), 8), 100'000, 8);
}

TEST(KeyRanges, LongCommonBeginning) {
  std::string path = "https://example.org/a/rather/long/path/to/every/single/document?id=";
  ExpectEven(CutAll(Strings(100'000, [&](int64_t i) { return path + Padded(i); }), 8), 100'000, 8);
}

TEST(KeyRanges, HexadecimalAndUnicode) {
  std::mt19937_64 random(3);
  auto hex = [&](int64_t) {
    std::string text;
    for (int i = 0; i < 16; ++i) text += "0123456789abcdef"[random() % 16];
    return text;
  };
  ExpectEven(CutAll(Strings(100'000, hex), 8), 100'000, 8);
  // CJK, surrogates' neighbours and emoji, after an emoji that all share.
  auto wide = [&](int64_t) {
    static const std::vector<std::string> kLetters = {"中", "文", "é", "Z", "\xED\x9F\xBF", "\xEE\x80\x80", "😀", "😂"};
    std::string text = "🚀";
    for (int i = 0; i < 8; ++i) text += kLetters[random() % kLetters.size()];
    return text;
  };
  auto outcome = CutAll(Strings(50'000, wide), 8);
  EXPECT_GE(outcome.ranges.size(), 6u);
  EXPECT_LE(outcome.questions, 400);
}

TEST(KeyRanges, AwkwardStrings) {
  std::vector<std::string> strings = {"",
                                      std::string(1, '\0'),
                                      std::string(2, '\0'),
                                      "\"",
                                      "\\",
                                      "\\\\",
                                      "'",
                                      "\n",
                                      "\r",
                                      "\x7F",
                                      "\xF4\x8F\xBF\xBF",
                                      "\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF",
                                      "a",
                                      "aa",
                                      "ab"};
  std::vector<Key> keys(strings.begin(), strings.end());
  EXPECT_GE(CutAll(keys, static_cast<int64_t>(keys.size()), 1).ranges.size(), 10u);
  CutAll({Key("")}, 1);
  CutAll({Key(""), Key(std::string(65'535, 'x')), Key(std::string(65'534, 'x') + "y")}, 3, 1);
}

TEST(KeyRanges, AnyKeysAreCoveredOnce) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    auto count = static_cast<int64_t>(random() % 500);
    int bits = 1 + static_cast<int>(random() % 64);
    auto number = [&](int64_t) { return random() >> (64 - bits); };
    auto text = [&](int64_t) {
      std::string out;
      for (uint64_t n = random() % 6; n > 0; --n) {
        static const std::vector<std::string> kLetters = {"a", "b", "\x7F", "é", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
        out += kLetters[random() % kLetters.size()];
      }
      return out;
    };
    auto pieces = static_cast<int64_t>(1 + random() % 20);
    auto max_rows = static_cast<int64_t>(1 + random() % 500);
    CutAll(round % 2 == 0 ? Integers(count, number) : Strings(count, text), pieces, max_rows);
  }
}

TEST(KeyRanges, InsideGivenEnds) {
  Keys keys(Integers(1'000, [](int64_t i) { return i; }));
  auto ranges = CutKeyRange({.after = Key(int64_t{99}), .upto = Key(int64_t{499}), .rows = 400},
                            {.rows = 100, .max_rows = 1'000}, keys.Counter())
                    .ValueOrDie();
  EXPECT_EQ(ranges.front().after, Key(int64_t{99}));
  EXPECT_EQ(ranges.back().upto, Key(int64_t{499}));
  EXPECT_EQ(ranges.size(), 4u);
}

TEST(KeyRanges, WrongCountsStillCover) {
  // The collection changes while it is counted.
  std::mt19937_64 random(5);
  KeyCounter counter{.count = [&](const auto&, const auto&) { return arrow::Result<int64_t>(random() % 100'000); },
                     .first = [](const auto& after) -> arrow::Result<std::optional<Key>> {
                       return Key(after ? std::get<int64_t>(*after) + 1 : 0);
                     }};
  auto ranges = CutKeyRange(Whole(100'000), {.rows = 10'000, .max_rows = 50'000}, counter).ValueOrDie();
  for (size_t i = 1; i < ranges.size(); ++i) EXPECT_EQ(ranges[i].after, ranges[i - 1].upto);
  EXPECT_FALSE(ranges.back().upto);
}

TEST(KeyRanges, FailuresAreHandedOn) {
  KeyCounter counter{.count = [](const auto&, const auto&) -> arrow::Result<int64_t> {
                       return MakeError(ErrorKind::kUnavailable, "gone");
                     },
                     .first = [](const auto&) -> arrow::Result<std::optional<Key>> { return Key(int64_t{1}); }};
  auto ranges = CutKeyRange(Whole(100), {.rows = 10, .max_rows = 100}, counter);
  ASSERT_FALSE(ranges.ok());
  EXPECT_EQ(KindOf(ranges.status()), ErrorKind::kUnavailable);
}

TEST(KeyRanges, BetweenIsStrictlyBetween) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 20'000; ++i) {
    Key low(static_cast<int64_t>(random() >> random() % 64));
    Key high(static_cast<int64_t>(random() >> random() % 64));
    if (high < low) std::swap(low, high);
    auto between = KeyBetween(low, high, 0.3);
    EXPECT_TRUE(!between || (low < *between && *between < high));
  }
  EXPECT_EQ(KeyBetween(Key("a"), Key("b"), 0.5), Key("a\x7F"));
  EXPECT_FALSE(KeyBetween(Key("a"), Key(std::string("a\0", 2)), 0.5));
  EXPECT_EQ(KeyBetween(Key("a"), Key("bz"), 0.5), Key("b"));
  EXPECT_FALSE(KeyBetween(Key(int64_t{5}), Key(int64_t{6}), 0.5));
}

}  // namespace
}  // namespace godwit::milvus
