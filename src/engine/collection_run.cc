#include "engine/collection_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <span>
#include <thread>
#include <utility>

#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/slots.h"
#include "engine/left_out.h"
#include "engine/report.h"
#include "verify/format_value.h"
#include "verify/repeated_keys.h"

namespace godwit {
namespace {

using Clock = std::chrono::steady_clock;

Failpoint after_drop("engine.drop.after");
Failpoint after_create("engine.create.after");
Failpoint after_prepare("engine.prepare.after");
Failpoint after_finalize("engine.finalize.after");
Failpoint after_delete("engine.correction.after_delete");
Failpoint after_correction("engine.correction.after_write");
Failpoint after_compare("engine.compare.after");
Failpoint after_publish("engine.publish.after");
Failpoint after_restore("engine.restore.after");

RowMapper MakeMapper(const CollectionSchema& source, const CollectionSchema& target, const Mapping& mapping) {
  // The planner made this mapper once already; it can't fail for the same schemas.
  return RowMapper::Make(source, target, mapping).ValueOrDie();
}

}  // namespace

CollectionRun::CollectionRun(JobContext* job, JournaledCollection journaled)
    : job_(*job),
      collection_(std::move(journaled)),
      report_(collection_.report),
      target_{.schema = collection_.target,
              .job = job->journal.job_id(),
              .epoch = job->journal.epoch(),
              .existing = collection_.existing,
              .exclusive = collection_.exclusive,
              .read_back = job->spec.verify},
      commit_mode_(job->target.sink()->commit_mode(collection_.target)),
      identity_(commit_mode_ == CommitMode::kAppendOnly || collection_.target.key_index() < 0
                    ? RowHasher::Identity::kWholeRow
                    : RowHasher::Identity::kKey),
      line_(job->board.AddLine(collection_.source.ref, collection_.target.ref)) {
  report_.source = collection_.source.ref;
  report_.target = collection_.target.ref;
}

CollectionReport CollectionRun::Run() {
  arrow::Status status = RunSteps();
  if (!status.ok()) {
    Fail(status);
    ReleaseSource();
  }
  if (arrow::Status listed = LoadLeftOut(); !listed.ok()) report_.notes.push_back(Describe(listed));
  line_->SetStage(status.ok() ? "done" : report_.verdict == Verdict::kStopped ? "stopped" : "failed");
  return report_;
}

void CollectionRun::ReleaseSource() {
  if (collection_.preparation.empty() || collection_.stage == Stage::kDone) return;
  if (job_.limits.stop.stop_requested()) {
    report_.notes.push_back("the source collection was left loaded; the next run or --restart takes that back");
    return;
  }
  arrow::Status status = job_.source.source()->Restore(collection_.source.ref, collection_.preparation);
  if (!status.ok()) report_.notes.push_back("the source collection could not be released: " + Describe(status));
}

void CollectionRun::Fail(const arrow::Status& status) {
  ErrorKind kind = KindOf(status);
  report_.error = Describe(status);
  report_.error_kind = kind;
  report_.verdict = Verdict::kFailed;
  if (kind == ErrorKind::kCancelled || job_.limits.stop.stop_requested()) report_.verdict = Verdict::kStopped;
  if (kind == ErrorKind::kSourceChanging) report_.verdict = Verdict::kDifferent;
}

arrow::Status CollectionRun::RunSteps() {
  if (collection_.stage == Stage::kDone) return CheckStillThere();
  if (collection_.stage != Stage::kPlanned) ARROW_RETURN_NOT_OK(CheckTargetIdentity().status());
  if (collection_.stage < Stage::kCreated) ARROW_RETURN_NOT_OK(Create());
  if (collection_.stage < Stage::kVerified && !job_.spec.stages.structure_only()) ARROW_RETURN_NOT_OK(Prepare());
  if (collection_.stage < Stage::kSplit) ARROW_RETURN_NOT_OK(MakeSplits());
  if (collection_.stage < Stage::kCopied) ARROW_RETURN_NOT_OK(PrepareTarget());
  if (collection_.stage < Stage::kCopied) ARROW_RETURN_NOT_OK(CopySplits());
  if (collection_.stage < Stage::kVerified) ARROW_RETURN_NOT_OK(Verify());
  proven_ = report_.digest;
  if (collection_.stage < Stage::kPublished) ARROW_RETURN_NOT_OK(Publish());
  if (collection_.stage < Stage::kDone) ARROW_RETURN_NOT_OK(RestoreSource());
  return arrow::Status::OK();
}

arrow::Status CollectionRun::Advance(Stage stage) {
  collection_.stage = stage;
  return job_.journal.SaveCollection(collection_);
}

arrow::Status CollectionRun::CheckStillThere() {
  report_.done_earlier = true;
  ARROW_ASSIGN_OR_RAISE(TargetState state, CheckTargetIdentity());
  auto changed = [&](const std::string& what) {
    return MakeError(ErrorKind::kSourceChanging,
                     "the target collection '" + collection_.target.ref.ToString() +
                         "' is not any more what this job left" +
                         (report_.verified_at.empty() ? "" : " on " + report_.verified_at) + ": " + what +
                         ". `godwit verify` names what differs, `verify --repair` mends rows where the target takes "
                         "them one by one, `run --restart` copies anew");
  };
  const bool rows_known = report_.verdict == Verdict::kVerified && state.rows_exact;
  if (rows_known) {
    // Where the target held other rows, or may get some, there are at least those of the source.
    const bool alone = collection_.existing == ExistingRows::kNone;
    const int64_t want = alone ? report_.digest.rows : report_.rows;
    if (alone ? state.rows != want : state.rows < want) {
      return changed("it holds " + std::to_string(state.rows) + " rows, and " + std::to_string(want) +
                     " were proven to be there");
    }
  }
  if (Source* target = job_.target.source(); target != nullptr && report_.verdict != Verdict::kStructureOnly) {
    arrow::Status files = RetryStep(job_.limits, [&] { return target->OpenSnapshot(collection_.target.ref).status(); });
    if (KindOf(files) == ErrorKind::kCorruptData) return changed(Describe(files));
    ARROW_RETURN_NOT_OK(files);
  }
  report_.notes.push_back("done by an earlier run, whose result this is" +
                          (report_.verified_at.empty() ? "" : "; verified on " + report_.verified_at) +
                          (rows_known ? "; the target still has its rows by number" : "") +
                          "; they were not compared again, which `godwit verify` does");
  return arrow::Status::OK();
}

arrow::Result<TargetState> CollectionRun::CheckTargetIdentity() {
  TargetState state;
  // Publish may have put a staged target in its place without the journal knowing yet; it looks for itself.
  if (collection_.stage == Stage::kVerified && commit_mode_ == CommitMode::kStagedPublish) return state;
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&]() -> arrow::Status {
    return job_.target.catalog()->State(collection_.target.ref).Value(&state);
  }));
  if (state.identity == collection_.target_identity) return state;
  if (!state.exists) {
    return MakeError(ErrorKind::kNotFound, "the target collection '" + collection_.target.ref.ToString() +
                                               "' is gone: it was dropped or removed since this job wrote it. Use "
                                               "`run --restart` to copy it anew");
  }
  return MakeError(ErrorKind::kConflict, "the target collection '" + collection_.target.ref.ToString() +
                                             "' is not the one that this job wrote: it was dropped, made again or "
                                             "replaced since. Use `run --restart` to copy it anew");
}

arrow::Status CollectionRun::Create() {
  line_->SetStage("creating");
  Catalog& catalog = *job_.target.catalog();
  if (collection_.drop_target) {
    ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return catalog.Drop(collection_.target.ref); }));
    ARROW_RETURN_NOT_OK(after_drop.Hit());
  }
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return catalog.Create(collection_.target); }));
  ARROW_RETURN_NOT_OK(after_create.Hit());
  TargetState state;
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return catalog.State(collection_.target.ref).Value(&state); }));
  if (collection_.existing == ExistingRows::kNone && !job_.spec.stages.structure_only() &&
      (state.rows > 0 || !state.rows_exact)) {
    return MakeError(ErrorKind::kConflict, "the target collection '" + collection_.target.ref.ToString() +
                                               "' was filled by somebody else since the job was planned. Use --restart "
                                               "to plan it anew");
  }
  collection_.target_identity = state.identity;
  return Advance(Stage::kCreated);
}

arrow::Status CollectionRun::Prepare() {
  if (collection_.preparation.empty() && job_.spec.source_load != LoadPolicy::kNever) {
    // Whoever had it loaded when the job was planned may have released it since.
    ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] {
      return job_.source.source()
          ->Preparation(collection_.source.ref, ReadPurpose::kCopy)
          .Value(&collection_.preparation);
    }));
    if (!collection_.preparation.empty()) ARROW_RETURN_NOT_OK(job_.journal.SaveCollection(collection_));
  }
  if (collection_.preparation.empty()) return arrow::Status::OK();
  line_->SetStage("loading the source");
  ARROW_RETURN_NOT_OK(RetryStep(
      job_.limits, [&] { return job_.source.source()->Prepare(collection_.source.ref, collection_.preparation); }));
  return after_prepare.Hit();
}

/// Before a row is written: what a target with unique keys refuses, or one without them doubles.
arrow::Status CollectionRun::CheckKeys() {
  Source& source = *job_.source.source();
  bool may_repeat = false;
  if (identity_ == RowHasher::Identity::kKey) {
    ARROW_RETURN_NOT_OK(
        RetryStep(job_.limits, [&] { return source.KeysMayRepeat(collection_.source).Value(&may_repeat); }));
  }
  if (!may_repeat) return arrow::Status::OK();
  line_->SetStage("reading keys");
  TargetState state;
  ARROW_RETURN_NOT_OK(
      RetryStep(job_.limits, [&] { return job_.source.catalog()->State(collection_.source.ref).Value(&state); }));
  ARROW_ASSIGN_OR_RAISE(Duplicates duplicates, FindRepeatedKeys(SourceSide(), state.rows, job_.limits));
  report_.duplicates = duplicates.surplus_rows;
  report_.duplicate_sample = duplicates.sample;
  return RefuseRepeatedKeys(duplicates);
}

arrow::Status CollectionRun::MakeSplits() {
  ARROW_RETURN_NOT_OK(CheckKeys());
  line_->SetStage("planning");
  Source& source = *job_.source.source();
  RowMapper mapper = MakeMapper(collection_.source, collection_.target, collection_.mapping);
  SplitPolicy policy{.target_bytes = job_.limits.split_bytes,
                     .min_splits = static_cast<int32_t>(job_.limits.splits->capacity()),
                     .filter = collection_.mapping.filter};
  std::vector<Split> splits;
  auto plan = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(collection_.snapshot, source.OpenSnapshot(collection_.source.ref));
    return source.PlanSplits(mapper.read_schema(), collection_.snapshot, policy).Value(&splits);
  };
  if (!job_.spec.stages.structure_only()) ARROW_RETURN_NOT_OK(RetryStep(job_.limits, plan));
  ARROW_RETURN_NOT_OK(job_.journal.SaveSplits(collection_, splits));
  collection_.stage = Stage::kSplit;
  return arrow::Status::OK();
}

arrow::Status CollectionRun::CopySplits() {
  line_->SetStage("copying");
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(auto splits, job_.journal.Splits(collection_.id));
  CopyRoute route{.job = job_,
                  .collection = collection_,
                  .target = target_,
                  .mapper = MakeMapper(collection_.source, collection_.target, collection_.mapping),
                  .identity = identity_,
                  .line = line_,
                  .rejects = 0,
                  .mutex = {},
                  .duplicate_sample = report_.duplicate_sample};
  int64_t expected_rows = 0;
  for (const JournaledSplit& split : splits) {
    expected_rows += split.split.estimated_rows;
    if (!split.receipt) continue;
    route.rejects += split.receipt->progress.rejects;
    line_->AddEarlier(split.receipt->progress.digest.rows, split.receipt->progress.bytes);
  }
  ARROW_RETURN_NOT_OK(CheckRejects(job_, collection_, route.rejects));
  line_->SetExpectedRows(expected_rows);

  std::erase_if(splits, [](const JournaledSplit& split) { return split.receipt && split.receipt->progress.complete; });
  std::atomic<size_t> done = 0;
  arrow::Status first_failure;
  std::mutex mutex;
  RunInSlots(job_.limits.splits, splits.size(), job_.limits.stop, [&](size_t i) {
    arrow::Status status = CopySplit(&route, splits[i]);
    if (status.ok()) return ++done > 0;
    std::lock_guard lock(mutex);
    if (first_failure.ok()) first_failure = std::move(status);
    return false;
  });
  if (done < splits.size() && first_failure.ok()) first_failure = MakeError(ErrorKind::kCancelled, "stopped");

  report_.copy_seconds += SecondsSince(start);
  report_.duplicate_sample = std::move(route.duplicate_sample);
  ARROW_ASSIGN_OR_RAISE(splits, job_.journal.Splits(collection_.id));
  report_.rows = report_.bytes = report_.duplicates = report_.rejects = report_.conflicts = 0;
  for (const JournaledSplit& split : splits) {
    if (!split.receipt) continue;  // only after a failure
    report_.rows += split.receipt->progress.digest.rows;
    report_.bytes += split.receipt->progress.bytes;
    report_.rejects += split.receipt->progress.rejects;
    report_.conflicts += split.receipt->progress.conflicts;
    report_.duplicates += split.duplicates;
  }
  ARROW_RETURN_NOT_OK(job_.journal.SaveCollection(collection_));
  ARROW_RETURN_NOT_OK(first_failure);
  return Advance(Stage::kCopied);
}

ScanSide CollectionRun::SourceSide() const {
  return {job_.source.source(), MakeMapper(collection_.source, collection_.target, collection_.mapping),
          collection_.target, identity_};
}

ScanSide CollectionRun::TargetSide(Source* read_back) const {
  return {read_back, MakeMapper(collection_.target, collection_.target, Mapping{}), collection_.target, identity_};
}

arrow::Status CollectionRun::Verify() {
  auto start = Clock::now();
  line_->SetStage("finishing");
  Sink& sink = *job_.target.sink();
  ARROW_ASSIGN_OR_RAISE(auto receipts, job_.journal.Receipts(collection_.id));
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return sink.Finalize(target_, receipts); }));
  ARROW_RETURN_NOT_OK(after_finalize.Hit());
  if (job_.spec.stages.structure_only()) {
    report_.verdict = Verdict::kStructureOnly;
    return Advance(Stage::kVerified);
  }
  ARROW_RETURN_NOT_OK(CheckRejects(job_, collection_, report_.rejects));
  report_.digest = Digest{};
  for (const Receipt& receipt : receipts) report_.digest += receipt.progress.digest;

  ARROW_ASSIGN_OR_RAISE(auto read_back, sink.ReadBack(target_, receipts));
  if (job_.spec.verify && read_back != nullptr) {
    line_->SetStage("verifying");
    ARROW_RETURN_NOT_OK(PrepareReadBack(read_back.get()));
    arrow::Result<bool> sampled = CompareSample(read_back.get());
    arrow::Status status = sampled.status();
    if (status.ok() && !*sampled) status = CompareAndCorrect(&read_back);
    ARROW_RETURN_NOT_OK(RestoreReadBack(read_back.get()));
    report_.verify_seconds += SecondsSince(start);
    ARROW_RETURN_NOT_OK(status);
    report_.verdict = *sampled ? Verdict::kCopiedNotVerified : Verdict::kVerified;
    if (!*sampled) report_.verified_at = NowUtc();
  } else {
    if (read_back != nullptr) ARROW_RETURN_NOT_OK(RestoreReadBack(read_back.get()));
    report_.verdict = Verdict::kCopiedNotVerified;
  }
  return Advance(Stage::kVerified);
}

arrow::Status CollectionRun::LoadLeftOut() {
  ARROW_ASSIGN_OR_RAISE(report_.rejected_sample,
                        job_.journal.LeftOutRows(collection_.id, LeftOutRow::Kind::kRejected, kMaxSample));
  ARROW_ASSIGN_OR_RAISE(report_.conflict_sample,
                        job_.journal.LeftOutRows(collection_.id, LeftOutRow::Kind::kConflict, kMaxSample));
  return arrow::Status::OK();
}

/// A target that is asked for keys while it is written has to be readable.
arrow::Status CollectionRun::PrepareTarget() {
  if (collection_.existing != ExistingRows::kReport) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto read_back, job_.target.sink()->ReadBack(target_, {}));
  return PrepareReadBack(read_back.get());
}

arrow::Status CollectionRun::PrepareReadBack(Source* read_back) {
  if (collection_.verify_preparation.empty()) {
    ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] {
      return read_back->Preparation(collection_.target.ref, ReadPurpose::kVerify)
          .Value(&collection_.verify_preparation);
    }));
    // Journaled first: whoever comes after a crash knows what to take back.
    ARROW_RETURN_NOT_OK(job_.journal.SaveCollection(collection_));
  }
  if (collection_.verify_preparation.empty()) return arrow::Status::OK();
  return RetryStep(job_.limits,
                   [&] { return read_back->Prepare(collection_.target.ref, collection_.verify_preparation); });
}

arrow::Status CollectionRun::RestoreReadBack(Source* read_back) {
  if (collection_.verify_preparation.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(RetryStep(
      job_.limits, [&] { return read_back->Restore(collection_.target.ref, collection_.verify_preparation); }));
  collection_.verify_preparation.clear();
  return job_.journal.SaveCollection(collection_);
}

arrow::Result<bool> CollectionRun::CompareSample(Source* read_back) {
  if (!job_.spec.sample) return false;
  ScanSide source = SourceSide();
  ScanSide target = TargetSide(read_back);
  source.sample = target.sample = SampleLimit(*job_.spec.sample, report_.digest.rows);
  if (source.sample == kWholeCollection) return false;
  ARROW_ASSIGN_OR_RAISE(SideDigest want, DigestSide(source, job_.limits));
  ARROW_ASSIGN_OR_RAISE(SideDigest have, DigestSide(target, job_.limits));
  // Whatever it is that differs, the comparison of every row finds and mends it.
  if (want.buckets.Total() != have.buckets.Total() || have.surplus_rows > 0) return false;
  report_.sample_rows = have.buckets.Total().rows;
  report_.notes.push_back("a sample of " + std::to_string(report_.sample_rows) +
                          " rows was read back and is equal; the other rows were not compared");
  return true;
}

arrow::Status CollectionRun::CompareAndCorrect(std::unique_ptr<Source>* read_back) {
  const bool snapshot_lasts = collection_.snapshot.life == SnapshotLife::kDurable;
  const bool keeps_rows =
      job_.repair == nullptr ? collection_.existing != ExistingRows::kNone : job_.repair->keeps_rows;
  const CompareMode mode = keeps_rows ? CompareMode::kContains : CompareMode::kEqual;
  const ScanSide source = SourceSide();
  for (int32_t round = 0;; ++round) {
    ScanSide target = TargetSide(read_back->get());
    arrow::Result<SideDigest> source_digest = SideDigest{};
    std::thread reading_source;
    bool read_source = !snapshot_lasts || round > 0 || mode == CompareMode::kContains;
    if (read_source) reading_source = std::thread([&] { source_digest = DigestSide(source, job_.limits); });
    arrow::Result<SideDigest> target_digest = DigestSide(target, job_.limits);
    if (reading_source.joinable()) reading_source.join();
    ARROW_RETURN_NOT_OK(after_compare.Hit());
    ARROW_RETURN_NOT_OK(target_digest.status());
    ARROW_RETURN_NOT_OK(source_digest.status());
    if (!snapshot_lasts) ARROW_RETURN_NOT_OK(CheckSourceSchema());
    if (job_.spec.duplicate_policy == DuplicatePolicy::kStop) ARROW_RETURN_NOT_OK(CheckKeysDiffer(*source_digest));

    Digest have = target_digest->buckets.Total();
    Digest want = read_source ? source_digest->buckets.Total() : report_.digest;
    if (mode == CompareMode::kEqual && have == want && target_digest->surplus_rows == 0) {
      report_.digest = have;
      report_.rows = have.rows;
      return arrow::Status::OK();
    }
    if (!read_source) {
      source_digest = DigestSide(source, job_.limits);
      ARROW_RETURN_NOT_OK(source_digest.status());
    }
    const bool can_correct = commit_mode_ != CommitMode::kAppendOnly && identity_ == RowHasher::Identity::kKey &&
                             (!snapshot_lasts || commit_mode_ == CommitMode::kUpsertByKey) &&
                             round < job_.spec.tuning.max_rounds;
    bool stuck = !can_correct;
    int64_t listed = 0;
    report_.differences = 0;
    report_.difference_sample.clear();
    int64_t left = 0;  // of the differences
    auto visit = [&](std::vector<DifferingRow> rows) -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(const int64_t left_out, LeaveOutListed(&rows));
      listed += left_out;
      report_.differences += static_cast<int64_t>(rows.size());
      if (rows.empty()) return arrow::Status::OK();
      stuck = stuck || !MayCorrect(rows);
      if (stuck) return NameSample(source, target, rows);
      if (round == 0) ARROW_RETURN_NOT_OK(ListForRepair(source, target, rows));
      ARROW_ASSIGN_OR_RAISE(int64_t foreign, LeaveForeign(source, target, &rows));
      left += foreign;
      if (rows.empty()) return arrow::Status::OK();
      ARROW_RETURN_NOT_OK(CheckTargetIdentity().status());  // a correction deletes
      ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return Correct(source, target, rows); }));
      // The parts to read are others now.
      ARROW_ASSIGN_OR_RAISE(auto receipts, job_.journal.Receipts(collection_.id));
      ARROW_ASSIGN_OR_RAISE(*read_back, job_.target.sink()->ReadBack(target_, receipts));
      target = TargetSide(read_back->get());
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(FindDifferences(source, *source_digest, target, *target_digest, mode, job_.limits, visit));
    if (report_.differences == 0) {
      const bool contains = mode == CompareMode::kContains;
      report_.digest = contains ? source_digest->buckets.Total() : have;
      report_.rows = report_.digest.rows - (contains ? listed : 0);
      return arrow::Status::OK();
    }
    if (left > 0 && left == report_.differences) {
      return MakeError(ErrorKind::kSourceChanging,
                       std::to_string(left) +
                           " rows are only at the target, and were left there: no journal of this "
                           "job says that it made the collection '" +
                           collection_.target.ref.ToString() +
                           "'. Delete them yourself, or take them for others' (if_not_empty: overwrite)");
    }
    if (stuck) {
      return MakeError(ErrorKind::kSourceChanging,
                       std::to_string(report_.differences) + " rows differ between source and target after " +
                           std::to_string(round) + " corrections" +
                           (snapshot_lasts ? std::string("; see the list")
                                           : "; the source is changing: stop the writes to it, or run the job again"));
    }
    report_.rounds = round + 1;
    if (job_.repair == nullptr) {
      report_.notes.push_back("correction " + std::to_string(round + 1) + ": " + std::to_string(report_.differences) +
                              " rows that changed at the source or arrived twice were written again");
    }
    report_.differences = 0;
  }
}

arrow::Result<int64_t> CollectionRun::LeaveForeign(const ScanSide& source, const ScanSide& target,
                                                   std::vector<DifferingRow>* rows) {
  if (job_.repair == nullptr || job_.repair->may_delete(collection_)) return 0;
  auto foreign = std::stable_partition(
      rows->begin(), rows->end(), [](const DifferingRow& row) { return row.side != Difference::Side::kOnlyTarget; });
  const std::vector<DifferingRow> left(foreign, rows->end());
  rows->erase(foreign, rows->end());
  ARROW_RETURN_NOT_OK(NameSample(source, target, left));
  return static_cast<int64_t>(left.size());
}

arrow::Status CollectionRun::ListForRepair(const ScanSide& source, const ScanSide& target,
                                           const std::vector<DifferingRow>& rows) {
  if (job_.repair == nullptr || job_.repair->file == nullptr) return arrow::Status::OK();
  return NameDifferences(source, target, rows, /*max_value_bytes=*/0, job_.limits, [&](const Difference& difference) {
    return job_.repair->file->Add(collection_.source.ref, collection_.target.ref, difference);
  });
}

arrow::Status CollectionRun::NameSample(const ScanSide& source, const ScanSide& target,
                                        const std::vector<DifferingRow>& rows) {
  const size_t count = std::min(rows.size(), kMaxSample - std::min(kMaxSample, report_.difference_sample.size()));
  return NameDifferences(source, target, std::span(rows).first(count), kShortValue, job_.limits,
                         [&](const Difference& difference) {
                           report_.difference_sample.push_back(difference);
                           return arrow::Status::OK();
                         });
}

/// What was added to the source meanwhile is in no split: a comparison of what the splits cover would not see it.
arrow::Status CollectionRun::CheckSourceSchema() {
  const CollectionSchema& planned = collection_.source;
  CollectionSchema now;
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return job_.source.catalog()->Describe(planned.ref).Value(&now); }));
  std::string difference = FirstDifference(planned, now);
  if (difference.empty() && now.partitions != planned.partitions) {
    difference = fmt::format("its partitions are [{}] instead of [{}]", fmt::join(now.partitions, ", "),
                             fmt::join(planned.partitions, ", "));
  }
  if (difference.empty()) return arrow::Status::OK();
  return MakeError(ErrorKind::kSourceChanging, "the source collection '" + planned.ref.ToString() +
                                                   "' changed its schema during the copy: " + difference +
                                                   ". Use --restart to copy it anew");
}

arrow::Result<int64_t> CollectionRun::LeaveOutListed(std::vector<DifferingRow>* rows) {
  if (report_.rejects + report_.conflicts == 0) return 0;
  ARROW_ASSIGN_OR_RAISE(const auto listed, job_.journal.LeftOutKeys(collection_.id));
  return godwit::LeaveOutListed(listed, rows);
}

bool CollectionRun::MayCorrect(const std::vector<DifferingRow>& rows) const {
  // A row that differs may be the user's own, which stays; only what the target lacks can be added.
  return collection_.existing != ExistingRows::kReport ||
         std::ranges::all_of(rows, [](const DifferingRow& row) { return row.side == Difference::Side::kOnlySource; });
}

arrow::Status CollectionRun::Correct(const ScanSide& source, const ScanSide& target,
                                     const std::vector<DifferingRow>& rows) {
  ARROW_ASSIGN_OR_RAISE(auto receipts, job_.journal.Receipts(collection_.id));
  ARROW_RETURN_NOT_OK(DeleteAtTarget(target, rows, &receipts));
  ARROW_RETURN_NOT_OK(after_delete.Hit());
  ARROW_ASSIGN_OR_RAISE(Receipt written, WriteCorrection(source, rows));
  ARROW_RETURN_NOT_OK(after_correction.Hit());
  report_.written += written.progress.digest.rows;
  report_.deleted += std::ranges::count(rows, Difference::Side::kOnlyTarget, &DifferingRow::side);
  receipts.push_back(std::move(written));
  ARROW_RETURN_NOT_OK(job_.journal.SaveReceipts(collection_.id, receipts));
  report_.rejects = report_.conflicts = 0;
  for (const Receipt& receipt : receipts) {
    report_.rejects += receipt.progress.rejects;
    report_.conflicts += receipt.progress.conflicts;
  }
  ARROW_RETURN_NOT_OK(job_.journal.SaveCollection(collection_));
  ARROW_RETURN_NOT_OK(CheckRejects(job_, collection_, report_.rejects));
  return RetryStep(job_.limits, [&] { return job_.target.sink()->Finalize(target_, receipts); });
}

arrow::Status CollectionRun::DeleteAtTarget(const ScanSide& target, const std::vector<DifferingRow>& rows,
                                            std::vector<Receipt>* receipts) {
  std::vector<Hash128> keys;
  for (const DifferingRow& row : rows) {
    if (row.side != Difference::Side::kOnlySource) keys.push_back(row.key);
  }
  if (keys.empty()) return arrow::Status::OK();
  std::map<std::string, arrow::ArrayVector> found;  // by partition
  int key_column = collection_.target.key_index();
  ARROW_RETURN_NOT_OK(ScanRows(target, keys, job_.limits, [&](const Batch& batch, const HashedRows&) {
    found[batch.partition].push_back(batch.rows->column(key_column));
    return arrow::Status::OK();
  }));
  for (const auto& [partition, arrays] : found) {
    ARROW_ASSIGN_OR_RAISE(auto array, arrow::Concatenate(arrays));
    ARROW_RETURN_NOT_OK(
        RetryStep(job_.limits, [&] { return job_.target.sink()->DeleteKeys(target_, partition, array, receipts); }));
  }
  return arrow::Status::OK();
}

arrow::Result<Receipt> CollectionRun::WriteCorrection(const ScanSide& source, const std::vector<DifferingRow>& rows) {
  std::vector<Hash128> keys;
  for (const DifferingRow& row : rows) {
    if (row.side != Difference::Side::kOnlyTarget) keys.push_back(row.key);
  }
  ARROW_ASSIGN_OR_RAISE(auto receipts, job_.journal.Receipts(collection_.id));
  Sink& sink = *job_.target.sink();
  Split split{.id = "correction-" + std::to_string(receipts.size()), .spec = "{}"};
  ARROW_ASSIGN_OR_RAISE(Recovery recovery, sink.Recover(target_, split, std::nullopt, /*attempted=*/true));
  recovery.receipt.reset();
  recovery.replay = true;
  ARROW_ASSIGN_OR_RAISE(auto writer, sink.Open(target_, split, recovery));
  Progress progress;
  progress.complete = true;
  arrow::Status status = ScanRows(source, keys, job_.limits, [&](const Batch& batch, const HashedRows& hashes) {
    ARROW_ASSIGN_OR_RAISE(WriteResult result, writer->Write(batch, hashes));
    return AccountBatch(&job_, {collection_, split.id, identity_}, batch, hashes, std::move(result), &progress);
  });
  arrow::Result<Receipt> receipt = status.ok() ? writer->Commit(progress) : arrow::Result<Receipt>(status);
  if (!receipt.ok()) writer->Abort();
  return receipt;
}

arrow::Status CollectionRun::Publish() {
  line_->SetStage("publishing");
  ARROW_RETURN_NOT_OK(CheckTargetIdentity().status());
  ARROW_ASSIGN_OR_RAISE(auto receipts, job_.journal.Receipts(collection_.id));
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return job_.target.sink()->Publish(target_, receipts, proven_); }));
  ARROW_RETURN_NOT_OK(after_publish.Hit());
  ARROW_RETURN_NOT_OK(CheckTargetIdentity().status());
  TargetState state;
  ARROW_RETURN_NOT_OK(
      RetryStep(job_.limits, [&] { return job_.target.catalog()->State(collection_.target.ref).Value(&state); }));
  collection_.target_identity = state.identity;
  return Advance(Stage::kPublished);
}

arrow::Status CollectionRun::RestoreSource() {
  if (!collection_.preparation.empty()) {
    ARROW_RETURN_NOT_OK(RetryStep(
        job_.limits, [&] { return job_.source.source()->Restore(collection_.source.ref, collection_.preparation); }));
    ARROW_RETURN_NOT_OK(after_restore.Hit());
  }
  return Advance(Stage::kDone);
}

}  // namespace godwit
