#include "godwit/digest.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace godwit {
namespace {

template <typename Integer>
std::optional<Integer> ParseWhole(std::string_view text, int base) {
  Integer value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Hash128> ParseHash(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  auto high = ParseWhole<uint64_t>(text.substr(0, 16), 16);
  auto low = ParseWhole<uint64_t>(text.substr(16), 16);
  if (!high || !low) return std::nullopt;
  return Hash128{.high = *high, .low = *low};
}

}  // namespace

Digest& Digest::operator+=(const Digest& other) {
  rows += other.rows;
  key_sum += other.key_sum;
  row_sum += other.row_sum;
  return *this;
}

Digest& Digest::operator-=(const Digest& other) {
  rows -= other.rows;
  key_sum -= other.key_sum;
  row_sum -= other.row_sum;
  return *this;
}

std::string Digest::ToString() const {
  return fmt::format("{}:{:016x}{:016x}:{:016x}{:016x}", rows, key_sum.high, key_sum.low, row_sum.high, row_sum.low);
}

arrow::Result<Digest> Digest::Parse(std::string_view text) {
  size_t first = text.find(':');
  size_t second = first == text.npos ? text.npos : text.find(':', first + 1);
  if (second != text.npos) {
    auto rows = ParseWhole<int64_t>(text.substr(0, first), 10);
    auto key_sum = ParseHash(text.substr(first + 1, second - first - 1));
    auto row_sum = ParseHash(text.substr(second + 1));
    if (rows && key_sum && row_sum) return Digest{.rows = *rows, .key_sum = *key_sum, .row_sum = *row_sum};
  }
  return MakeError(ErrorKind::kCorruptData, fmt::format("'{}' is not a digest (rows:key_sum:row_sum)", text));
}

BucketedDigest& BucketedDigest::operator+=(const BucketedDigest& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  return *this;
}

Digest BucketedDigest::Total() const {
  Digest total;
  for (const Digest& bucket : buckets_) total += bucket;
  return total;
}

std::vector<uint16_t> BucketedDigest::Differences(const BucketedDigest& other) const {
  std::vector<uint16_t> differences;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (buckets_[i] != other.buckets_[i]) differences.push_back(static_cast<uint16_t>(i));
  }
  return differences;
}

}  // namespace godwit
