// VerifyJob: compares the collections of a job, one after another.
#include <memory>
#include <utility>

#include "engine/comparison.h"
#include "engine/file_places.h"
#include "engine/limits.h"
#include "engine/open_job.h"
#include "engine/repair.h"
#include "engine/report.h"
#include "plan/planner.h"

namespace godwit {

arrow::Result<Report> VerifyJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                const VerifyOptions& verify) {
  const JobTimer timer;
  ARROW_ASSIGN_OR_RAISE(OpenJob job, OpenJob::Open(stores, spec, options));
  ARROW_RETURN_NOT_OK(CheckDifferencesFile(stores, spec, options.state_dir, verify.differences_file));
  if (verify.repair) return RepairJob(job, verify);
  if (job.target->source() == nullptr) {
    return MakeError(ErrorKind::kUnsupported, "store '" + spec.target.store + "' can't be read back");
  }
  Report report = BeginReport(spec);
  Budgets budgets(spec.tuning, options);
  ARROW_ASSIGN_OR_RAISE(const auto rules, RulesToCompare(job, verify));
  ARROW_ASSIGN_OR_RAISE(auto file, CreateDifferenceFile(verify));
  for (const CollectionRule& rule : rules) {
    CollectionReport collection{.source = rule.source, .target = TargetRef(spec, rule, *job.target)};
    arrow::Status status = CompareCollection(job, rule, verify, budgets.limits, file.get(), &collection);
    if (!status.ok()) collection = FailedReport(spec, rule, *job.target, status);
    report.collections.push_back(std::move(collection));
  }
  SumUp(&report);
  if (file != nullptr && report.verdict != Verdict::kStopped) ARROW_RETURN_NOT_OK(file->Finish());
  timer.Stop(&report);
  return report;
}

}  // namespace godwit
