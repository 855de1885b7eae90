// RunJob and PlanJob. What else is done with a job has a file each: check.cc, verify.cc, repair.cc, job_control.cc.
#include "godwit/job.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/durable_file.h"
#include "engine/earlier_run.h"
#include "engine/file_places.h"
#include "engine/job_context.h"
#include "engine/job_run.h"
#include "engine/left_out.h"
#include "engine/limits.h"
#include "engine/open_job.h"
#include "engine/progress_board.h"
#include "engine/report.h"
#include "journal/lease.h"
#include "plan/planner.h"
#include "plan/precheck.h"

namespace godwit {
namespace {

/// Failures of the peers that can be seen before anything is done.
std::string PrecheckFailures(const OpenJob& job) {
  ItemList items(job.options.skip);
  CheckStores(job.spec, job.source.get(), job.target.get(), job.options.state_dir, &items);
  std::string failures;
  for (const CheckItem& item : items.Take()) {
    if (item.verdict != CheckItem::Verdict::kFailed) continue;
    failures += (failures.empty() ? "" : "\n") + item.subject + " " + item.name + ": " + item.message;
  }
  return failures;
}

arrow::Status WriteReport(const RunOptions& options, Journal* journal, Report* report) {
  report->report_file = ReportPath(options.state_dir, report->job);
  std::string text = ToJson(*report);
  ARROW_RETURN_NOT_OK(WriteFileDurably(report->report_file, text + "\n"));
  return journal->SaveReport(*report, text);
}

/// As PlanCollection, or what the journal says.
arrow::Result<CollectionPlan> PlanOrResume(const OpenJob& job, const CollectionRule& rule,
                                           const std::vector<JournaledCollection>& begun) {
  if (const JournaledCollection* known = FindBegun(begun, rule)) return PlanOf(*known);
  return PlanCollection(job.spec, rule, job.source.get(), job.target.get());
}

}  // namespace

arrow::Result<Report> RunJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options) {
  if (spec.stages == Stages{.schema = false, .full = false, .indexes = false}) return VerifyJob(stores, spec, options);
  const JobTimer timer;
  ARROW_RETURN_NOT_OK(CheckItemNames(options.skip));
  ARROW_ASSIGN_OR_RAISE(OpenJob job, OpenJob::Open(stores, spec, options));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ARROW_RETURN_NOT_OK(MakeFolder(options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto lease, Lease::Take(LockPath(options.state_dir, spec.name)));

  Report report = BeginReport(spec);
  report.error = PrecheckFailures(job);
  if (!report.error.empty()) {
    report.verdict = options.stop.stop_requested() ? Verdict::kStopped : Verdict::kPrecheckFailed;
    report.exit_code = ExitCode(report.verdict);
    timer.Stop(&report);
    return report;
  }

  if (options.restart) {
    ARROW_RETURN_NOT_OK(Forget(job, RepairPath(options.state_dir, spec.name)));
    ARROW_RETURN_NOT_OK(Forget(job, job.JournalPath()));
  }
  ARROW_ASSIGN_OR_RAISE(auto journal, OpenJournal(job));
  report.resumed = journal->resumed();

  Budgets budgets(spec.tuning, options);
  std::vector<CollectionRule> rules;
  ARROW_RETURN_NOT_OK(RetryStep(budgets.limits, [&] { return job.Rules().Value(&rules); }));
  ARROW_RETURN_NOT_OK(RetryStep(budgets.limits, [&] { return job.CheckTargets(rules); }));
  {
    ARROW_ASSIGN_OR_RAISE(auto watch, LimitWatch::Start(journal.get(), spec.tuning, &budgets));
    ProgressBoard board(options.on_progress);
    JobContext context{spec, *journal, *job.source, *job.target, board, budgets.limits};
    auto begin = [&](const CollectionRule& rule) -> arrow::Result<JournaledCollection> {
      ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanCollection(spec, rule, job.source.get(), job.target.get()));
      if (plan.drop_target && plan.state.exists) {
        plan.notes.push_back("replaces what was at the target, " + std::to_string(plan.state.rows) + " rows");
      }
      return ToJournal(std::move(plan));
    };
    ARROW_ASSIGN_OR_RAISE(report.collections, JobRun(&context, std::move(rules), begin).Run());
  }
  SumUp(&report);
  timer.Stop(&report);
  ARROW_RETURN_NOT_OK(WriteLeftOutFiles(spec, options.state_dir, journal.get(), &report));
  ARROW_RETURN_NOT_OK(WriteReport(options, journal.get(), &report));
  return report;
}

arrow::Result<Plan> PlanJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(OpenJob job, OpenJob::Open(stores, spec, options));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto rules, job.Rules());
  ARROW_RETURN_NOT_OK(job.CheckTargets(rules));
  ARROW_ASSIGN_OR_RAISE(auto begun, BegunCollections(job));
  Plan plan;
  std::optional<ErrorKind> refused;  // why the first one was
  std::string refusals;
  for (const CollectionRule& rule : rules) {
    auto collection = PlanOrResume(job, rule, begun);
    if (!collection.ok()) {
      if (!refused) refused = KindOf(collection.status());
      if (refused == ErrorKind::kCancelled) return collection.status();
      refusals += (refusals.empty() ? "" : "\n") + rule.source.ToString() + ": " + Describe(collection.status());
      continue;
    }
    collection->snapshot_life = job.SourceCapabilities().snapshot_life;
    plan.collections.push_back(std::move(*collection));
  }
  if (refused) return MakeError(*refused, refusals);
  return plan;
}

arrow::Result<std::string> TargetDdl(const StoreRegistry& stores, const JobSpec& spec, const CollectionPlan& plan) {
  ARROW_ASSIGN_OR_RAISE(auto target, OpenStore(stores, spec.target, StopToken()));
  return target->catalog()->Ddl(plan.target);
}

}  // namespace godwit
