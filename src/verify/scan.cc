#include "verify/scan.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

namespace godwit {
namespace {

struct ScanPlan {
  Snapshot snapshot;
  std::vector<Split> splits;
};

arrow::Result<ScanPlan> TryPlan(const ScanSide& side, const SplitPolicy& policy) {
  const CollectionSchema& schema = side.mapper.read_schema();
  ScanPlan plan;
  ARROW_ASSIGN_OR_RAISE(plan.snapshot, side.source->OpenSnapshot(schema.ref));
  ARROW_ASSIGN_OR_RAISE(plan.splits, side.source->PlanSplits(schema, plan.snapshot, policy));
  return plan;
}

arrow::Result<ScanPlan> PlanScan(const ScanSide& side, const WorkLimits& limits) {
  Patience patience = limits.MakePatience();
  const SplitPolicy policy{.target_bytes = limits.split_bytes,
                           .min_splits = static_cast<int32_t>(limits.splits->capacity()),
                           .filter = side.mapper.filter()};
  while (true) {
    auto plan = TryPlan(side, policy);
    if (plan.ok()) return plan;
    ARROW_RETURN_NOT_OK(patience.Wait(plan.status()));
  }
}

/// Of one batch.
arrow::Result<Batch> SelectRows(const Batch& batch, const std::vector<int64_t>& rows) {
  arrow::Int64Builder indexes;
  ARROW_RETURN_NOT_OK(indexes.AppendValues(rows));
  ARROW_ASSIGN_OR_RAISE(auto selection, indexes.Finish());
  ARROW_ASSIGN_OR_RAISE(arrow::Datum taken, arrow::compute::Take(arrow::Datum(batch.rows), arrow::Datum(selection)));
  return Batch{taken.record_batch(), batch.partition, batch.position, batch.surplus_rows};
}

class Scanner {
 public:
  Scanner(const ScanSide& side, const WorkLimits& limits, const BatchVisitor& visit, const UnfitVisitor& unfit)
      : side_(side), limits_(limits), visit_(visit), unfit_(unfit) {}

  arrow::Status Run() {
    ARROW_ASSIGN_OR_RAISE(plan_, PlanScan(side_, limits_));
    size_t count = std::min<size_t>(plan_.splits.size(), static_cast<size_t>(limits_.splits->capacity()));
    std::vector<std::thread> workers;
    for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    return status_;
  }

 private:
  void Work() {
    for (size_t i = next_++; i < plan_.splits.size() && !failed_; i = next_++) {
      Reservation slot = Reservation::Acquire(limits_.splits, 1, limits_.stop);
      arrow::Status status = slot ? ReadSplit(plan_.splits[i]) : MakeError(ErrorKind::kCancelled, "stopped");
      if (!status.ok()) (void)Fail(status);
    }
  }

  /// Keeps the first failure and stops the other workers.
  arrow::Status Fail(arrow::Status status) {
    std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) status_ = status;
    return status;
  }

  arrow::Status ReadSplit(const Split& split) {
    Patience patience = limits_.MakePatience();
    RowHasher hasher(side_.schema, side_.identity);
    std::string position;
    while (true) {
      arrow::Status status = ReadFrom(split, &hasher, &position, &patience);
      if (status.ok() || failed_) return status;
      ARROW_RETURN_NOT_OK(patience.Wait(status));
    }
  }

  arrow::Status ReadFrom(const Split& split, RowHasher* hasher, std::string* position, Patience* patience) {
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          side_.source->Open(side_.mapper.read_schema(), split, plan_.snapshot, *position));
    HashedRows hashes;
    while (!failed_) {
      // Twice: a reader may have the next batch under way.
      Reservation memory = Reservation::Acquire(limits_.memory, 2 * limits_.batch_bytes, limits_.stop);
      if (!memory) return MakeError(ErrorKind::kCancelled, "stopped");
      const int64_t row_bytes = side_.schema.EstimatedRowBytes();
      const int64_t most = limits_.limit_verify ? limits_.PacedBatchBytes(row_bytes) : limits_.batch_bytes;
      ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(most));
      if (!batch) return arrow::Status::OK();
      if (limits_.limit_verify) {
        ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(*batch->rows));
        if (!limits_.Pace(batch->rows->num_rows(), bytes)) return MakeError(ErrorKind::kCancelled, "stopped");
      }
      ARROW_RETURN_NOT_OK(Visit(*batch, hasher, &hashes));
      *position = batch->position;
      patience->Renew();
    }
    return arrow::Status::OK();
  }

  arrow::Status Visit(const Batch& batch, RowHasher* hasher, HashedRows* hashes) {
    Batch mapped;
    arrow::Status fits = MapAndHash(batch, hasher, &mapped, hashes);
    if (!fits.ok() && unfit_ && KindOf(fits) == ErrorKind::kCorruptData)
      return VisitHalves(batch, hasher, hashes, fits);
    ARROW_RETURN_NOT_OK(fits);
    std::lock_guard lock(visit_mutex_);
    arrow::Status status = visit_(mapped, *hashes);
    // The visitor's failure is not the reader's: reading again would not mend it.
    return status.ok() ? status : Fail(status);
  }

  /// One row spoils its batch: halves lead to it, and to any others.
  arrow::Status VisitHalves(const Batch& batch, RowHasher* hasher, HashedRows* hashes, const arrow::Status& why) {
    const int64_t rows = batch.rows->num_rows();
    if (rows == 1) {
      std::lock_guard lock(visit_mutex_);
      unfit_(why);
      return arrow::Status::OK();
    }
    Batch half = batch;
    half.rows = batch.rows->Slice(0, rows / 2);
    ARROW_RETURN_NOT_OK(Visit(half, hasher, hashes));
    half.rows = batch.rows->Slice(rows / 2);
    half.surplus_rows = 0;  // counted with the first half
    return Visit(half, hasher, hashes);
  }

  arrow::Status MapAndHash(const Batch& batch, RowHasher* hasher, Batch* mapped, HashedRows* hashes) const {
    ARROW_ASSIGN_OR_RAISE(*mapped, side_.mapper.Map(batch));
    ARROW_RETURN_NOT_OK(LeaveOut(hasher, hashes, mapped));
    return hasher->Hash(*mapped, hashes);
  }

  /// Keeps the rows that are asked for.
  arrow::Status LeaveOut(RowHasher* hasher, HashedRows* hashes, Batch* batch) const {
    if (side_.sample == kWholeCollection && side_.keys == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(hasher->HashKeys(*batch, hashes));
    std::vector<int64_t> chosen;
    for (size_t i = 0; i < hashes->keys.size(); ++i) {
      const Hash128& key = hashes->keys[i];
      if (key.low > side_.sample) continue;
      if (side_.keys != nullptr && !std::binary_search(side_.keys->begin(), side_.keys->end(), key)) continue;
      chosen.push_back(static_cast<int64_t>(i));
    }
    if (chosen.size() == hashes->keys.size()) return arrow::Status::OK();
    return SelectRows(*batch, chosen).Value(batch);
  }

  const ScanSide& side_;
  const WorkLimits& limits_;
  const BatchVisitor& visit_;
  const UnfitVisitor& unfit_;
  ScanPlan plan_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards status_
  std::mutex visit_mutex_;
  arrow::Status status_;
};

}  // namespace

int64_t WorkLimits::PacedBatchBytes(int64_t row_bytes) const {
  constexpr int64_t kPartsOfASecond = 10;
  int64_t bytes = batch_bytes;
  const int64_t parts = kPartsOfASecond * readers->capacity();
  if (int64_t rate = rows_rate->rate(); rate > 0) {
    bytes = std::min(bytes, std::max<int64_t>(1, rate / parts) * std::max<int64_t>(1, row_bytes));
  }
  if (int64_t rate = bytes_rate->rate(); rate > 0) bytes = std::min(bytes, std::max<int64_t>(1, rate / parts));
  return bytes;
}

uint64_t SampleLimit(double share) {
  constexpr double kAll = 18446744073709551616.0;  // 2^64
  return share >= 1 ? kWholeCollection : static_cast<uint64_t>(share * kAll);
}

arrow::Result<int64_t> EstimateRows(const ScanSide& side, const WorkLimits& limits) {
  ARROW_ASSIGN_OR_RAISE(const ScanPlan plan, PlanScan(side, limits));
  int64_t rows = 0;
  for (const Split& split : plan.splits) rows += split.estimated_rows;
  return rows;
}

arrow::Status Scan(const ScanSide& side, const WorkLimits& limits, const BatchVisitor& visit,
                   const UnfitVisitor& unfit) {
  return Scanner(side, limits, visit, unfit).Run();
}

}  // namespace godwit
