// Reads a whole collection once, in parallel, and hashes every row as the target shows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory_budget.h"
#include "base/patience.h"
#include "base/rate_limit.h"
#include "godwit/digest.h"
#include "godwit/stop_token.h"
#include "godwit/store.h"
#include "model/canonical.h"
#include "model/row_mapper.h"

namespace godwit {

/// What all workers of a job share.
struct WorkLimits {
  Budget* memory = nullptr;  // bytes
  Budget* splits = nullptr;  // splits in work at once
  // Of copying: batches being read and being written at once, and how fast the source is read.
  Budget* readers = nullptr;
  Budget* writers = nullptr;
  RateLimit* rows_rate = nullptr;
  RateLimit* bytes_rate = nullptr;
  bool limit_verify = false;  // the rates hold for Scan, too
  int64_t batch_bytes = 8LL << 20;
  int64_t split_bytes = 256LL << 20;
  int64_t retry_for_ms = 600'000;
  std::string scratch_dir;  // for what does not fit the memory; empty = the system's
  StopToken stop;
  std::function<void(std::string_view)> note;  // one sentence for the user; may be empty; thread-safe

  /// How much to read at once, so that the rates are kept evenly. `row_bytes`: of a usual row.
  int64_t PacedBatchBytes(int64_t row_bytes) const;
  /// Waits as long as the rates ask for after a batch of so many; false when stopped.
  bool Pace(int64_t rows, int64_t bytes) const { return rows_rate->Pass(rows, stop) && bytes_rate->Pass(bytes, stop); }

  Patience MakePatience() const { return {std::chrono::milliseconds(retry_for_ms), stop, note}; }
};

/// ScanSide::sample of every row.
inline constexpr uint64_t kWholeCollection = std::numeric_limits<uint64_t>::max();

/// One collection to be read: the job's source (mapped), or the target read back. Prepared by the caller.
struct ScanSide {
  Source* source = nullptr;
  RowMapper mapper;         // from the store's own schema to `schema`
  CollectionSchema schema;  // the target's: what is hashed
  RowHasher::Identity identity = RowHasher::Identity::kKey;
  // Which rows are visited. Those left out are known by their keys alone: nothing else of them is hashed.
  uint64_t sample = kWholeCollection;          // key hashes that are at most this in their lower half
  const std::vector<Hash128>* keys = nullptr;  // and are among these, sorted; null = any
};

/// What ScanSide::sample is for that share of the rows.
uint64_t SampleLimit(double share);

/// About how many rows the side has, by the counts with which the store plans its splits; none is read to be counted.
arrow::Result<int64_t> EstimateRows(const ScanSide& side, const WorkLimits& limits);

/// Called for every batch, mapped and hashed, from several threads, one call at a time; it may have no row where rows
/// are left out.
using BatchVisitor = std::function<arrow::Status(const Batch& batch, const HashedRows& hashes)>;

/// Called for a row that can't be mapped or hashed, with why; not at the same time as a BatchVisitor.
using UnfitVisitor = std::function<void(const arrow::Status& why)>;

/// Opens a snapshot, plans splits and reads each once; goes on after failures that pass, at the position reached. A row
/// that can't be mapped or hashed ends it, or is left out where `unfit` is given.
arrow::Status Scan(const ScanSide& side, const WorkLimits& limits, const BatchVisitor& visit,
                   const UnfitVisitor& unfit = {});

}  // namespace godwit
