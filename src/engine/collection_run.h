// One collection from plan to done: every step is journaled when it is complete, so a later process goes on at the
// next.
#pragma once

#include <memory>
#include <vector>

#include "engine/job_context.h"
#include "engine/split_copier.h"
#include "verify/compare.h"

namespace godwit {

class CollectionRun {
 public:
  /// `journaled` must have been added to the journal; one to be repaired in the stage kCopied, without splits.
  CollectionRun(JobContext* job, JournaledCollection journaled);

  /// Runs to the end or to the first failure; never writes a row when the collection is done already.
  CollectionReport Run();

 private:
  arrow::Status RunSteps();
  /// Of a collection that is done: whether the target still is what was proven, as far as that shows without reading
  /// its rows.
  arrow::Status CheckStillThere();
  /// What the target is now; kNotFound or kConflict where it is not the collection that the job wrote.
  arrow::Result<TargetState> CheckTargetIdentity();
  arrow::Status Create();
  arrow::Status Prepare();
  arrow::Status CheckKeys();
  arrow::Status MakeSplits();
  arrow::Status CopySplits();
  arrow::Status Verify();
  arrow::Status Publish();
  arrow::Status RestoreSource();

  arrow::Status Advance(Stage stage);
  arrow::Status PrepareReadBack(Source* read_back);
  arrow::Status RestoreReadBack(Source* read_back);
  /// True when a sample was asked for and is equal.
  arrow::Result<bool> CompareSample(Source* read_back);
  arrow::Status CompareAndCorrect(std::unique_ptr<Source>* read_back);
  arrow::Status LoadLeftOut();
  arrow::Status PrepareTarget();
  // Take out of `rows` those that were reported, and those that must not be corrected; both return how many.
  arrow::Result<int64_t> LeaveOutListed(std::vector<DifferingRow>* rows);
  arrow::Result<int64_t> LeaveForeign(const ScanSide& source, const ScanSide& target, std::vector<DifferingRow>* rows);
  arrow::Status ListForRepair(const ScanSide& source, const ScanSide& target, const std::vector<DifferingRow>& rows);
  arrow::Status NameSample(const ScanSide& source, const ScanSide& target, const std::vector<DifferingRow>& rows);
  arrow::Status CheckSourceSchema();
  bool MayCorrect(const std::vector<DifferingRow>& rows) const;
  arrow::Status Correct(const ScanSide& source, const ScanSide& target, const std::vector<DifferingRow>& rows);
  arrow::Status DeleteAtTarget(const ScanSide& target, const std::vector<DifferingRow>& rows,
                               std::vector<Receipt>* receipts);
  arrow::Result<Receipt> WriteCorrection(const ScanSide& source, const std::vector<DifferingRow>& rows);
  ScanSide SourceSide() const;
  ScanSide TargetSide(Source* read_back) const;
  void Fail(const arrow::Status& status);
  /// After a failure; the journal still knows the preparation, so the next run prepares again.
  void ReleaseSource();

  JobContext& job_;
  JournaledCollection collection_;
  CollectionReport& report_;  // inside collection_, so that it is journaled with it
  WriteTarget target_;
  CommitMode commit_mode_;
  RowHasher::Identity identity_;
  ProgressLine* line_;
  Digest proven_;  // of the target, known after Verify
};

}  // namespace godwit
