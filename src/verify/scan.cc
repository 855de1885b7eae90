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

class Scanner {
 public:
  Scanner(const ScanSide& side, const WorkLimits& limits, const BatchVisitor& visit)
      : side_(side), limits_(limits), visit_(visit) {}

  arrow::Status Run() {
    ARROW_RETURN_NOT_OK(Plan());
    size_t count = std::min<size_t>(splits_.size(), static_cast<size_t>(limits_.splits->capacity()));
    std::vector<std::thread> workers;
    for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    return status_;
  }

 private:
  arrow::Status Plan() {
    Patience patience = limits_.MakePatience();
    SplitPolicy policy{.target_bytes = limits_.split_bytes,
                       .min_splits = static_cast<int32_t>(limits_.splits->capacity()),
                       .filter = side_.mapper.filter()};
    while (true) {
      arrow::Status status = TryPlan(policy);
      if (status.ok()) return status;
      ARROW_RETURN_NOT_OK(patience.Wait(status));
    }
  }

  arrow::Status TryPlan(const SplitPolicy& policy) {
    const CollectionSchema& schema = side_.mapper.read_schema();
    ARROW_ASSIGN_OR_RAISE(snapshot_, side_.source->OpenSnapshot(schema.ref));
    ARROW_ASSIGN_OR_RAISE(splits_, side_.source->PlanSplits(schema, snapshot_, policy));
    return arrow::Status::OK();
  }

  void Work() {
    for (size_t i = next_++; i < splits_.size() && !failed_; i = next_++) {
      Reservation slot = Reservation::Acquire(limits_.splits, 1, limits_.stop);
      arrow::Status status = slot ? ReadSplit(splits_[i]) : MakeError(ErrorKind::kCancelled, "stopped");
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
    ARROW_ASSIGN_OR_RAISE(auto reader, side_.source->Open(side_.mapper.read_schema(), split, snapshot_, *position));
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
      ARROW_ASSIGN_OR_RAISE(Batch mapped, side_.mapper.Map(std::move(*batch)));
      if (side_.sample != kWholeCollection) ARROW_RETURN_NOT_OK(LeaveOut(hasher, &hashes, &mapped));
      ARROW_RETURN_NOT_OK(hasher->Hash(mapped, &hashes));
      {
        std::lock_guard lock(visit_mutex_);
        arrow::Status status = visit_(mapped, hashes);
        // The visitor's failure is not the reader's: reading again would not mend it.
        if (!status.ok()) return Fail(status);
      }
      *position = mapped.position;
      patience->Renew();
    }
    return arrow::Status::OK();
  }

  /// Keeps the rows of the sample.
  arrow::Status LeaveOut(RowHasher* hasher, HashedRows* hashes, Batch* batch) const {
    ARROW_RETURN_NOT_OK(hasher->HashKeys(*batch, hashes));
    std::vector<int64_t> chosen;
    for (size_t i = 0; i < hashes->keys.size(); ++i) {
      if (hashes->keys[i].low <= side_.sample) chosen.push_back(static_cast<int64_t>(i));
    }
    return SelectRows(*batch, chosen, hashes).Value(batch);
  }

  const ScanSide& side_;
  const WorkLimits& limits_;
  const BatchVisitor& visit_;
  Snapshot snapshot_;
  std::vector<Split> splits_;
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

arrow::Result<Batch> SelectRows(const Batch& batch, const std::vector<int64_t>& rows, HashedRows* hashes) {
  HashedRows kept;
  arrow::Int64Builder indexes;
  ARROW_RETURN_NOT_OK(indexes.AppendValues(rows));
  for (int64_t row : rows) {
    kept.keys.push_back(hashes->keys[static_cast<size_t>(row)]);
    if (!hashes->rows.empty()) kept.rows.push_back(hashes->rows[static_cast<size_t>(row)]);
  }
  *hashes = std::move(kept);
  ARROW_ASSIGN_OR_RAISE(auto selection, indexes.Finish());
  ARROW_ASSIGN_OR_RAISE(arrow::Datum taken, arrow::compute::Take(arrow::Datum(batch.rows), arrow::Datum(selection)));
  return Batch{taken.record_batch(), batch.partition, batch.position, batch.surplus_rows};
}

arrow::Status Scan(const ScanSide& side, const WorkLimits& limits, const BatchVisitor& visit) {
  return Scanner(side, limits, visit).Run();
}

}  // namespace godwit
