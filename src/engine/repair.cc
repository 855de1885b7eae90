#include "engine/repair.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "base/durable_file.h"
#include "engine/comparison.h"
#include "engine/earlier_run.h"
#include "engine/job_context.h"
#include "engine/job_run.h"
#include "engine/limits.h"
#include "engine/progress_board.h"
#include "engine/report.h"
#include "journal/lease.h"
#include "plan/planner.h"

namespace godwit {
namespace {

arrow::Status CheckWholeComparison(const VerifyOptions& verify) {
  for (const auto& [asked, option] :
       {std::pair(verify.sample.has_value(), "--sample"), std::pair(!verify.filter.empty(), "--filter")}) {
    if (!asked) continue;
    return MakeError(ErrorKind::kInvalidConfig,
                     std::string("a repair compares every row; leave out ") + option + " or --repair");
  }
  return arrow::Status::OK();
}

/// The job has to be the one that was begun.
arrow::Status CheckBegunJob(const OpenJob& job) {
  if (!std::filesystem::exists(job.JournalPath())) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(job.JournalPath()));
  ARROW_ASSIGN_OR_RAISE(const auto collections, journal->Collections());
  return collections.empty() ? arrow::Status::OK() : CheckSameJob(journal->header(), job.JournalHeader());
}

/// Begins the repair of a collection. The job has to have ended: what it did not finish is its own to finish.
arrow::Result<JournaledCollection> BeginRepair(const OpenJob& job, const JobSpec& spec, const CollectionRule& rule,
                                               const std::vector<JournaledCollection>& copied) {
  if (const JournaledCollection* begun = FindBegun(copied, rule); begun != nullptr && begun->stage != Stage::kDone) {
    return MakeError(ErrorKind::kConflict, "the job has not ended with '" + rule.source.ToString() +
                                               "'; run it again, which goes on, compares and corrects");
  }
  ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanRepair(spec, rule, job.source.get(), job.target.get()));
  const std::string identity = plan.state.identity;
  JournaledCollection collection = ToJournal(std::move(plan));
  collection.exclusive = false;  // it is never dropped
  collection.target_identity = identity;
  collection.stage = Stage::kCopied;
  return collection;
}

/// What can't be mended need not be where nothing differs. `report` is of the refusal.
void LookWhetherEqual(const OpenJob& job, const CollectionRule& rule, const WorkLimits& limits, DifferenceFile* file,
                      CollectionReport* report) {
  CollectionReport compared{.source = report->source, .target = report->target};
  arrow::Status status = CompareCollection(job, rule, {}, limits, file, &compared);
  if (!status.ok()) {  // but for a stop, that says no more than the refusal
    if (KindOf(status) == ErrorKind::kCancelled) *report = FailedReport(job.spec, rule, *job.target, status);
    return;
  }
  if (compared.verdict != Verdict::kVerified) {
    compared.verdict = report->verdict;
    compared.error = report->error;
    compared.error_kind = report->error_kind;
  }
  *report = std::move(compared);
}

}  // namespace

arrow::Result<Report> RepairJob(const OpenJob& job, const VerifyOptions& verify) {
  const JobSpec& spec = job.spec;
  const RunOptions& options = job.options;
  const JobTimer timer;
  ARROW_RETURN_NOT_OK(CheckWholeComparison(verify));
  ARROW_RETURN_NOT_OK(MakeFolder(options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto lease, Lease::Take(LockPath(options.state_dir, spec.name)));
  ARROW_RETURN_NOT_OK(CheckBegunJob(job));
  ARROW_ASSIGN_OR_RAISE(const auto copied, BegunCollections(job));
  Report report = BeginReport(spec);
  Budgets budgets(spec.tuning, options);
  ARROW_ASSIGN_OR_RAISE(const auto rules, RulesToCompare(job, verify));
  ARROW_ASSIGN_OR_RAISE(auto file, CreateDifferenceFile(verify));
  auto may_delete = [&](const JournaledCollection& repaired) {
    return std::ranges::any_of(copied, [&](const JournaledCollection& c) {
      return c.target.ref == repaired.target.ref && c.existing == ExistingRows::kNone &&
             c.target_identity == repaired.target_identity;
    });
  };
  const Repair repair{
      .keeps_rows = spec.data_policy == DataPolicy::kOverwrite, .may_delete = may_delete, .file = file.get()};
  JobSpec whole = spec;
  whole.verify = true;
  whole.sample.reset();
  const std::string path = RepairPath(options.state_dir, spec.name);
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::Open(path, job.JournalHeader()));
  report.resumed = journal->resumed();
  {
    ProgressBoard board(options.on_progress);
    JobContext context{whole, *journal, *job.source, *job.target, board, budgets.limits, &repair};
    auto begin = [&](const CollectionRule& rule) { return BeginRepair(job, whole, rule, copied); };
    ARROW_ASSIGN_OR_RAISE(report.collections, JobRun(&context, rules, begin).Run());
  }
  journal.reset();
  for (CollectionReport& collection : report.collections) {
    if (collection.error_kind != ErrorKind::kUnsupported) continue;
    auto rule = std::ranges::find_if(rules, [&](const CollectionRule& r) {
      return r.source == collection.source && TargetRef(spec, r, *job.target) == collection.target;
    });
    if (rule != rules.end()) LookWhetherEqual(job, *rule, budgets.limits, file.get(), &collection);
  }
  SumUp(&report);
  if (report.verdict != Verdict::kStopped) {
    if (file != nullptr) ARROW_RETURN_NOT_OK(file->Finish());
    // The next repair compares everything again.
    ARROW_RETURN_NOT_OK(Forget(job, path));
  }
  timer.Stop(&report);
  return report;
}

}  // namespace godwit
