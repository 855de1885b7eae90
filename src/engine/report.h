// What became of a job: how a report begins and ends.
#pragma once

#include <chrono>

#include "godwit/job.h"
#include "godwit/store.h"
#include "model/canonical.h"

namespace godwit {

/// Entries of each list in a report.
inline constexpr size_t kMaxSample = 1000;

double SecondsSince(std::chrono::steady_clock::time_point start);

/// Takes the time of one run, from here on.
class JobTimer {
 public:
  void Stop(Report* report) const;

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds hashing_ = RowHasher::TimeSpent();
};

Report BeginReport(const JobSpec& spec);
CollectionReport FailedReport(const JobSpec& spec, const CollectionRule& rule, const Store& target,
                              const arrow::Status& status);
/// The worst verdict of the collections; an invalid job is told by its exit code.
void SumUp(Report* report);

}  // namespace godwit
