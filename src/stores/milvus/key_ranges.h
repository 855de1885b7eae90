// Cuts the keys of a collection into ranges of about equal size, knowing nothing but how many rows a range holds.
//
// Pure: what is counted, and where, is the caller's. Strings compare by the bytes of their UTF-8, as in Milvus.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "godwit/error.h"

namespace godwit::milvus {

using Key = std::variant<int64_t, std::string>;

/// The keys greater than `after` and not greater than `upto`; an absent end is open.
struct KeyRange {
  std::optional<Key> after;
  std::optional<Key> upto;
  int64_t rows = 0;  // when it was counted

  bool operator==(const KeyRange&) const = default;
};

/// What is asked of a collection. Answers may be a little wrong (the collection changes, keys repeat): ranges then are
/// less even, but still cover every key exactly once.
struct KeyCounter {
  /// Rows with after < key <= upto.
  std::function<arrow::Result<int64_t>(const std::optional<Key>& after, const std::optional<Key>& upto)> count;
  /// The smallest key > after; none when there is none.
  std::function<arrow::Result<std::optional<Key>>(const std::optional<Key>& after)> first;
};

struct RangeSizes {
  int64_t rows = 0;      // aimed at, at least 1
  int64_t max_rows = 0;  // more rows than this are cut at any cost in questions, unless they have one key
};

/// Ranges that follow each other without gap or overlap from `whole.after` to `whole.upto`; at least one. whole.rows is
/// its number of rows. Asks some ten questions a range.
arrow::Result<std::vector<KeyRange>> CutKeyRange(const KeyRange& whole, const RangeSizes& sizes,
                                                 const KeyCounter& counter);

/// A key k with low < k < high at about `fraction` of the way; none when there is no such key. Without a `high`
/// there is no end.
std::optional<Key> KeyBetween(const Key& low, const std::optional<Key>& high, double fraction);

}  // namespace godwit::milvus
