// Are two collections equal, and if not, which rows differ.
//
// One scan of each side gives its digest a bucket; a second scan, only of buckets that differ, gives the keys; a third,
// only for the rows to be named, gives the fields. Memory is bounded by WorkLimits, whatever the size of the data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "godwit/job.h"
#include "verify/scan.h"

namespace godwit {

struct SideDigest {
  BucketedDigest buckets;
  int64_t surplus_rows = 0;  // rows beyond one a key, that the store hides behind another row of the key
  /// Keys of the batches that had surplus rows: one of them repeats. Sorted.
  std::vector<Hash128> suspects;
};

arrow::Result<SideDigest> DigestSide(const ScanSide& side, const WorkLimits& limits);

struct DifferingRow {
  Hash128 key;
  Difference::Side side = Difference::Side::kDifferent;

  auto operator<=>(const DifferingRow& other) const { return key <=> other.key; }
};

enum class CompareMode {
  kEqual,     // both sides hold the same rows
  kContains,  // the target may hold others as well
};

struct Differences {
  std::vector<DifferingRow> rows;  // sorted by key; at most kMaxDifferences
  bool truncated = false;
};

inline constexpr size_t kMaxDifferences = 2'000'000;

/// kConflict when keys repeat.
arrow::Status CheckKeysDiffer(const SideDigest& digest);

/// The rows in which the two differ. Rows whose key repeats at the source are not counted where both sides have one:
/// the store shows any one of the copies. The target's suspects always are.
arrow::Result<Differences> FindDifferences(const ScanSide& source, const SideDigest& source_digest,
                                           const ScanSide& target, const SideDigest& target_digest, CompareMode mode,
                                           const WorkLimits& limits);

/// Names up to `limit` of the rows: key, first field that differs, both values.
arrow::Result<std::vector<Difference>> NameDifferences(const ScanSide& source, const ScanSide& target,
                                                       const Differences& differences, size_t limit,
                                                       const WorkLimits& limits);

/// Visits the rows of `side` whose key is among `keys` (sorted), as batches of just those rows, one call at a time.
arrow::Status ScanRows(const ScanSide& side, const std::vector<Hash128>& keys, const WorkLimits& limits,
                       const BatchVisitor& visit);

/// A value for people, at most 80 bytes: 42, "abc", [0.5, 1, ... 128 values].
std::string FormatValue(const Field& field, const arrow::Array& column, int64_t row);

}  // namespace godwit
