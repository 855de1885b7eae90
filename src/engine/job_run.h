// The collections of a job, a few at a time: those that the journal knows from where they are, the others from their
// beginning.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "engine/job_context.h"

namespace godwit {

/// As a plan enters the journal.
JournaledCollection ToJournal(CollectionPlan plan);

class JobRun {
 public:
  /// How a collection begins that the journal does not know. It is tried again while a store is away.
  using Begin = std::function<arrow::Result<JournaledCollection>(const CollectionRule&)>;

  JobRun(JobContext* job, std::vector<CollectionRule> rules, Begin begin);

  arrow::Result<std::vector<CollectionReport>> Run();

 private:
  /// A collection that was begun and is gone from the source's list fails by name; its half copy is not forgotten.
  void KeepBegun();
  void Work();
  CollectionReport RunOne(const CollectionRule& rule);
  arrow::Result<JournaledCollection> FindOrBegin(const CollectionRule& rule);

  JobContext& job_;
  std::vector<CollectionRule> rules_;
  const Begin begin_;
  std::vector<JournaledCollection> known_;
  std::vector<CollectionReport> reports_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
};

}  // namespace godwit
