#include "godwit/digest.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit {
namespace {

constexpr uint64_t kMax = UINT64_MAX;

TEST(Digest, SumsCarryAndWrapAround) {
  Hash128 sum{.high = 1, .low = kMax};
  sum += {.high = 0, .low = 1};
  EXPECT_EQ(sum, (Hash128{.high = 2, .low = 0}));
  sum -= {.high = 0, .low = 1};
  EXPECT_EQ(sum, (Hash128{.high = 1, .low = kMax}));
  sum += {.high = kMax, .low = kMax};  // minus one
  EXPECT_EQ(sum, (Hash128{.high = 1, .low = kMax - 1}));
}

TEST(Digest, AddsAndSubtractsInAnyOrder) {
  const Hash128 a{.high = kMax, .low = 5}, b{.high = 7, .low = kMax};
  Digest ab, ba, only_a;
  ab.Add(a, b);
  ab.Add(b, a);
  ba.Add(b, a);
  ba.Add(a, b);
  only_a.Add(a, b);
  EXPECT_EQ(ab, ba);
  EXPECT_NE(ab, only_a);
  Digest only_b;
  only_b.Add(b, a);
  ab -= only_b;
  EXPECT_EQ(ab, only_a);
  ab += only_b;
  EXPECT_EQ(ab, ba);
}

TEST(Digest, TextRoundTrip) {
  Digest digest{.rows = 42, .key_sum = {.high = 1, .low = 0xabc}, .row_sum = {.high = kMax, .low = 0}};
  EXPECT_EQ(digest.ToString(), "42:00000000000000010000000000000abc:ffffffffffffffff0000000000000000");
  EXPECT_EQ(Digest::Parse(digest.ToString()).ValueOrDie(), digest);
  EXPECT_EQ(Digest::Parse(Digest().ToString()).ValueOrDie(), Digest());
  const std::string good = digest.ToString();
  for (const std::string& bad : {std::string(), std::string("42"), std::string("42:1:2"), good + "0", " " + good,
                                 good.substr(1, 10), "x" + good, good.substr(0, good.size() - 1) + "g"}) {
    EXPECT_EQ(KindOf(Digest::Parse(bad).status()), ErrorKind::kCorruptData) << bad;
  }
}

TEST(BucketedDigest, BucketIsTheFirstTenBits) {
  EXPECT_EQ(BucketedDigest::BucketOf({.high = kMax, .low = 0}), 1023u);
  EXPECT_EQ(BucketedDigest::BucketOf({.high = uint64_t{1} << 54, .low = 0}), 1u);
  EXPECT_EQ(BucketedDigest::BucketOf({.high = (uint64_t{1} << 54) - 1, .low = kMax}), 0u);
}

TEST(BucketedDigest, FindsWhereTheDifferenceIs) {
  BucketedDigest a, b;
  for (uint64_t i = 0; i < 5000; ++i) {
    Hash128 key{.high = i * 0x9e3779b97f4a7c15, .low = i};
    a.Add(key, key);
    b.Add(key, i == 17 || i == 4711 ? Hash128{.high = 1, .low = 1} : key);
  }
  std::vector<uint16_t> want;
  for (uint64_t i : {17, 4711}) want.push_back(static_cast<uint16_t>((i * 0x9e3779b97f4a7c15) >> 54));
  std::sort(want.begin(), want.end());
  EXPECT_EQ(a.Differences(b), want);
  EXPECT_TRUE(a.Differences(a).empty());
  EXPECT_EQ(a.Total().rows, 5000);
  EXPECT_EQ(a.Total().key_sum, b.Total().key_sum);
  BucketedDigest sum = a;
  sum += b;
  EXPECT_EQ(sum.Total().rows, 10000);
  EXPECT_EQ(sum.bucket(want[0]).rows, a.bucket(want[0]).rows + b.bucket(want[0]).rows);
}

}  // namespace
}  // namespace godwit
