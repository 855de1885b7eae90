// The limits of a running job: budgets and rates that all its workers share, and how they change on the way.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/memory_budget.h"
#include "base/rate_limit.h"
#include "godwit/job.h"
#include "journal/journal.h"
#include "verify/scan.h"

namespace godwit {

/// What a job file says.
Limits LimitsOf(const Tuning& tuning);
/// With the numbers that 0 stands for.
Limits InForce(const JournaledLimits& journaled);
/// For people: "500 rows/s, parallelism 4 (reading 2)".
std::string DescribeLimits(const Limits& limits);

/// Outlives every worker.
struct Budgets {
  Budgets(const Tuning& tuning, const RunOptions& options);

  /// Numbers as of InForce. Rates hold at once, fewer splits as those in work end.
  void Set(const Limits& now);

  Budget memory;
  Budget splits;
  Budget readers;
  Budget writers;
  RateLimit rows_rate;
  RateLimit bytes_rate;
  WorkLimits limits;
};

/// Puts the journaled limits in force, and those that LimitJob journals from another process, until it goes.
class LimitWatch {
 public:
  /// Forgets what LimitJob changed before the job file changed. Tells the user what differs from the file.
  static arrow::Result<std::unique_ptr<LimitWatch>> Start(Journal* journal, const Tuning& tuning, Budgets* budgets);
  ~LimitWatch();

 private:
  LimitWatch(Journal* journal, Budgets* budgets, Limits now) : journal_(*journal), budgets_(*budgets), now_(now) {}
  void Run();
  arrow::Status Look();

  Journal& journal_;
  Budgets& budgets_;
  Limits now_;
  int64_t version_ = -1;
  StopToken ended_;
  std::thread thread_;
};

}  // namespace godwit
