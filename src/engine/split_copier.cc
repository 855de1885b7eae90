#include "engine/split_copier.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <limits>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include "base/failpoint.h"
#include "engine/left_out.h"
#include "engine/report.h"

namespace godwit {
namespace {

using Clock = std::chrono::steady_clock;

Failpoint before_write("engine.write.before");
Failpoint before_commit("engine.commit.before");
Failpoint after_commit("engine.commit.after");

/// A batch on its way from the reading to the writing thread, with the memory that it holds.
struct ReadBatch {
  Batch batch;
  HashedRows hashes;
  int64_t bytes = 0;
  Reservation memory;
};

/// At most kLength batches wait; both ends block. Either end may close it.
class BatchQueue {
 public:
  /// False when the queue was closed by the other end.
  bool Push(ReadBatch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || batches_.size() < kLength; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }

  /// The next batch; nullopt after the reader ended well; its error after what it had read before.
  arrow::Result<std::optional<ReadBatch>> Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !batches_.empty(); });
    if (batches_.empty()) {
      ARROW_RETURN_NOT_OK(status_);
      return std::nullopt;
    }
    ReadBatch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }

  void Close(arrow::Status status) {
    std::lock_guard lock(mutex_);
    if (!closed_) status_ = std::move(status);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  static constexpr size_t kLength = 2;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ReadBatch> batches_;
  bool closed_ = false;
  arrow::Status status_;
};

/// One try at a split, from a recovery to the end or to a failure.
class Attempt {
 public:
  Attempt(CopyRoute* route, const JournaledSplit& split, Patience* patience)
      : route_(*route), split_(split), patience_(*patience), duplicates_(split.duplicates) {}

  arrow::Status Run(const Recovery& recovery) {
    if (recovery.receipt) progress_ = recovery.receipt->progress;
    journaled_rejects_ = split_.receipt ? split_.receipt->progress.rejects : 0;
    Sink& sink = *route_.job.target.sink();
    ARROW_ASSIGN_OR_RAISE(auto writer, sink.Open(route_.target, split_.split, recovery));
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          route_.job.source.source()->Open(route_.mapper.read_schema(), split_.split,
                                                           route_.collection.snapshot, progress_.position));
    BatchQueue queue;
    std::thread reading([&] { queue.Close(Read(reader.get(), &queue)); });
    arrow::Status status = Write(writer.get(), &queue);
    queue.Close(arrow::Status::OK());
    reading.join();
    if (!status.ok()) writer->Abort();
    return status;
  }

 private:
  arrow::Status Read(Reader* reader, BatchQueue* queue) {
    const WorkLimits& limits = route_.job.limits;
    RowHasher hasher(route_.target.schema, route_.identity);
    int64_t row_bytes = route_.mapper.read_schema().EstimatedRowBytes();
    while (true) {
      // Twice: a reader may have the next batch under way.
      Reservation memory = Reservation::Acquire(limits.memory, 2 * limits.batch_bytes, limits.stop);
      if (!memory) return MakeError(ErrorKind::kCancelled, "stopped");
      Reservation reading = Reservation::Acquire(limits.readers, 1, limits.stop);
      if (!reading) return MakeError(ErrorKind::kCancelled, "stopped");
      ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(limits.PacedBatchBytes(row_bytes)));
      reading.Reset();
      if (!batch) return arrow::Status::OK();
      ARROW_RETURN_NOT_OK(NoteDuplicates(*reader, batch->surplus_rows));
      ReadBatch item;
      ARROW_ASSIGN_OR_RAISE(item.batch, route_.mapper.Map(std::move(*batch)));
      ARROW_RETURN_NOT_OK(hasher.Hash(item.batch, &item.hashes));
      ARROW_ASSIGN_OR_RAISE(item.bytes, arrow::util::ReferencedBufferSize(*item.batch.rows));
      memory.ShrinkTo(item.bytes);
      item.memory = std::move(memory);
      const int64_t rows = item.batch.rows->num_rows();
      row_bytes = item.bytes / std::max<int64_t>(1, rows);
      if (!limits.Pace(rows, item.bytes)) return MakeError(ErrorKind::kCancelled, "stopped");
      if (!queue->Push(std::move(item))) return arrow::Status::OK();
    }
  }

  /// Applies the job's policy to keys that repeat, and keeps a sample of them.
  arrow::Status NoteDuplicates(const Reader& reader, int64_t surplus_rows) {
    if (surplus_rows == 0) return arrow::Status::OK();
    Duplicates duplicates = reader.duplicates();
    if (route_.job.spec.duplicate_policy == DuplicatePolicy::kStop) {
      std::string example = duplicates.sample.empty() ? "" : ", for example " + duplicates.sample.front();
      return MakeError(ErrorKind::kConflict, "keys repeat at the source: " + std::to_string(duplicates.surplus_rows) +
                                                 " rows beyond one a key in this split so far" + example +
                                                 ". Remove them, or choose `duplicates: any` to copy one row a key");
    }
    std::lock_guard lock(route_.mutex);
    for (std::string& key : duplicates.sample) {
      if (route_.duplicate_sample.size() >= kMaxSample) break;
      if (noted_.insert(key).second) route_.duplicate_sample.push_back(std::move(key));
    }
    return arrow::Status::OK();
  }

  arrow::Status Write(Writer* writer, BatchQueue* queue) {
    committed_at_ = Clock::now();
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto item, queue->Pop());
      if (!item) break;
      ARROW_RETURN_NOT_OK(before_write.Hit());
      Reservation writing = Reservation::Acquire(route_.job.limits.writers, 1, route_.job.limits.stop);
      if (!writing) return MakeError(ErrorKind::kCancelled, "stopped");
      ARROW_ASSIGN_OR_RAISE(WriteResult result, writer->Write(item->batch, item->hashes));
      writing.Reset();
      ARROW_RETURN_NOT_OK(Account(*item, std::move(result)));
      // The rows that end the job are to be in its list.
      const bool refused = !CheckRejects(route_.job, route_.collection, Rejects()).ok();
      if (refused || CommitDue()) ARROW_RETURN_NOT_OK(Commit(writer));
      if (refused) return CheckRejects(route_.job, route_.collection, Rejects());
    }
    progress_.complete = true;
    return Commit(writer);
  }

  arrow::Status Account(const ReadBatch& item, WriteResult result) {
    const WrittenSplit split{route_.collection, split_.split.id, route_.identity};
    ARROW_RETURN_NOT_OK(AccountBatch(&route_.job, split, item.batch, item.hashes, std::move(result), &progress_));
    progress_.bytes += item.bytes;
    progress_.position = item.batch.position;
    duplicates_ += item.batch.surplus_rows;
    uncommitted_bytes_ += item.bytes;
    route_.line->Add(item.batch.rows->num_rows(), item.bytes);
    patience_.Renew();
    return arrow::Status::OK();
  }

  /// Of the collection so far, as this split sees it.
  int64_t Rejects() const { return route_.rejects + progress_.rejects - journaled_rejects_; }

  bool CommitDue() const {
    const Tuning& tuning = route_.job.spec.tuning;
    return uncommitted_bytes_ >= tuning.commit_bytes ||
           Clock::now() - committed_at_ >= std::chrono::milliseconds(tuning.commit_interval_ms);
  }

  arrow::Status Commit(Writer* writer) {
    ARROW_RETURN_NOT_OK(before_commit.Hit());
    Reservation writing = Reservation::Acquire(route_.job.limits.writers, 1, route_.job.limits.stop);
    if (!writing) return MakeError(ErrorKind::kCancelled, "stopped");
    ARROW_ASSIGN_OR_RAISE(Receipt receipt, writer->Commit(progress_));
    writing.Reset();
    ARROW_RETURN_NOT_OK(after_commit.Hit());
    ARROW_RETURN_NOT_OK(route_.job.journal.SaveReceipt(route_.collection.id, receipt, duplicates_));
    route_.rejects += progress_.rejects - std::exchange(journaled_rejects_, progress_.rejects);
    uncommitted_bytes_ = 0;
    committed_at_ = Clock::now();
    return arrow::Status::OK();
  }

  CopyRoute& route_;
  const JournaledSplit& split_;
  Patience& patience_;
  Progress progress_;
  int64_t duplicates_;           // surplus rows of the batches written
  std::set<std::string> noted_;  // of the reading thread
  int64_t journaled_rejects_ = 0;
  int64_t uncommitted_bytes_ = 0;
  Clock::time_point committed_at_;
};

/// Brings the split as the journal has it up to date with what the target confirmed.
arrow::Result<Recovery> Recover(CopyRoute* route, JournaledSplit* split) {
  Journal& journal = route->job.journal;
  ARROW_ASSIGN_OR_RAISE(Recovery recovery, route->job.target.sink()->Recover(route->target, split->split,
                                                                             split->receipt, split->attempted));
  if (recovery.receipt && recovery.receipt->progress.complete) {
    ARROW_RETURN_NOT_OK(journal.SaveReceipt(route->collection.id, *recovery.receipt, split->duplicates));
  } else if (!split->attempted) {
    ARROW_RETURN_NOT_OK(journal.MarkAttempted(route->collection.id, split->split.id));
    split->attempted = true;
  }
  return recovery;
}

arrow::Status RefreshReceipt(CopyRoute* route, JournaledSplit* split) {
  ARROW_ASSIGN_OR_RAISE(auto splits, route->job.journal.Splits(route->collection.id));
  for (JournaledSplit& known : splits) {
    if (known.split.id == split->split.id) *split = std::move(known);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Status CheckRejects(const JobContext& job, const JournaledCollection& collection, int64_t rejects) {
  const bool stops = job.spec.reject_policy == RejectPolicy::kStop;
  const int64_t allowed = stops ? 0 : job.spec.max_rejects.value_or(std::numeric_limits<int64_t>::max());
  if (rejects <= allowed) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto first, job.journal.LeftOutRows(collection.id, LeftOutRow::Kind::kRejected, 1));
  std::string message = "the target refused " + std::to_string(rejects) + (rejects == 1 ? " row" : " rows");
  if (!first.empty()) message += ", the first: " + first[0].key + ": " + first[0].reason;
  return MakeError(ErrorKind::kRejected,
                   message + (stops ? ". Mend them at the source, or go on without them (on_reject: continue)"
                                    : "; the job allows " + std::to_string(allowed) + " (max_rejects)"));
}

arrow::Status CopySplit(CopyRoute* route, const JournaledSplit& planned) {
  JournaledSplit split = planned;
  const WorkLimits& limits = route->job.limits;
  Patience patience = limits.MakePatience();
  while (true) {
    auto recovery = Recover(route, &split);
    arrow::Status status = recovery.status();
    if (status.ok()) {
      if (recovery->receipt && recovery->receipt->progress.complete) return status;
      status = Attempt(route, split, &patience).Run(*recovery);
      if (status.ok()) return status;
    }
    ARROW_RETURN_NOT_OK(patience.Wait(status));
    ARROW_RETURN_NOT_OK(RefreshReceipt(route, &split));
  }
}

}  // namespace godwit
