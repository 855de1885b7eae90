// The digest of a set of rows: equal sets have equal digests, whatever their order, splits or batches.
//
// A row is hashed (XXH3, 128 bits) over its canonical bytes, see model/canonical.h; a digest is the number of rows and
// the sums modulo 2^128 of the key hashes and of the row hashes. Digests add and subtract. Plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/error.h"

namespace godwit {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;

  Hash128& operator+=(const Hash128& other) {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
    return *this;
  }
  Hash128& operator-=(const Hash128& other) {
    high -= other.high + (low < other.low ? 1 : 0);
    low -= other.low;
    return *this;
  }
  bool operator==(const Hash128&) const = default;
  auto operator<=>(const Hash128&) const = default;
};

/// The hashes of each row of a batch.
struct HashedRows {
  std::vector<Hash128> keys;
  std::vector<Hash128> rows;
};

struct Digest {
  int64_t rows = 0;
  Hash128 key_sum;
  Hash128 row_sum;

  void Add(const Hash128& key, const Hash128& row) {
    ++rows;
    key_sum += key;
    row_sum += row;
  }
  Digest& operator+=(const Digest& other);
  Digest& operator-=(const Digest& other);
  /// "rows:key_sum:row_sum", the sums as 32 hex digits; used in journals, manifests and reports.
  std::string ToString() const;
  static arrow::Result<Digest> Parse(std::string_view text);

  bool operator==(const Digest&) const = default;
};

/// One digest a bucket, chosen by the first 10 bits of the key hash.
class BucketedDigest {
 public:
  static constexpr size_t kBuckets = 1024;
  static size_t BucketOf(const Hash128& key) { return key.high >> 54; }

  BucketedDigest() : buckets_(kBuckets) {}
  void Add(const Hash128& key, const Hash128& row) { buckets_[BucketOf(key)].Add(key, row); }
  BucketedDigest& operator+=(const BucketedDigest& other);
  Digest Total() const;
  const Digest& bucket(size_t i) const { return buckets_[i]; }
  /// The buckets in which the two differ, ascending.
  std::vector<uint16_t> Differences(const BucketedDigest& other) const;

 private:
  std::vector<Digest> buckets_;
};

}  // namespace godwit
