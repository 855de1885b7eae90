// Are two collections equal, and if not, which rows differ.
//
// One scan of each side gives its digest a bucket; a second scan, only of buckets that differ, gives the keys; a third,
// only for the rows to be named, gives the fields. Memory is bounded by WorkLimits, whatever the size of the data: what
// does not fit is put aside in WorkLimits::scratch_dir.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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

/// `keys` gets those of all rows, sorted, or nothing where they would take more than an eighth of the memory.
arrow::Result<SideDigest> DigestSide(const ScanSide& side, const WorkLimits& limits,
                                     std::optional<std::vector<Hash128>>* keys = nullptr);

struct DifferingRow {
  Hash128 key;
  Difference::Side side = Difference::Side::kDifferent;

  auto operator<=>(const DifferingRow& other) const { return key <=> other.key; }
};

enum class CompareMode {
  kEqual,     // both sides hold the same rows
  kContains,  // the target may hold others as well
};

/// kConflict when keys repeat.
arrow::Status CheckKeysDiffer(const SideDigest& digest);

/// Gets rows that differ, sorted by key. Every call but the last has at least kDifferencesAtOnce.
using DifferencesVisitor = std::function<arrow::Status(const std::vector<DifferingRow>&)>;

inline constexpr size_t kDifferencesAtOnce = 1'000'000;

/// Finds the rows in which the two differ; no call when there is none. Rows whose key repeats at the source are not
/// counted where both sides have one: the store shows any one of the copies. The target's suspects always are. The
/// visitor may write to the target: only rows that it was given.
arrow::Status FindDifferences(const ScanSide& source, const SideDigest& source_digest, const ScanSide& target,
                              const SideDigest& target_digest, CompareMode mode, const WorkLimits& limits,
                              const DifferencesVisitor& visit);

using DifferenceVisitor = std::function<arrow::Status(const Difference&)>;

/// Reads the rows again and calls `visit` for each, in the order of `rows`: key, fields that differ, both values, each
/// of at most `max_value_bytes` (0 = whole).
arrow::Status NameDifferences(const ScanSide& source, const ScanSide& target, std::span<const DifferingRow> rows,
                              size_t max_value_bytes, const WorkLimits& limits, const DifferenceVisitor& visit);

/// In which fields two rows differ, values shortened; each batch is one row, in the columns of the schema.
Difference CompareRows(const CollectionSchema& schema, RowHasher::Identity identity, const arrow::RecordBatch& source,
                       const arrow::RecordBatch& target);

/// Visits the rows of `side` whose key is among `keys` (sorted), as batches of just those rows, one call at a time.
arrow::Status ScanRows(const ScanSide& side, const std::vector<Hash128>& keys, const WorkLimits& limits,
                       const BatchVisitor& visit);

}  // namespace godwit
