// CheckJob: everything that can be known before a run.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/earlier_run.h"
#include "engine/file_places.h"
#include "engine/limits.h"
#include "engine/open_job.h"
#include "engine/prepared_side.h"
#include "plan/planner.h"
#include "plan/precheck.h"
#include "verify/refused_rows.h"
#include "verify/repeated_keys.h"

namespace godwit {

bool CheckReport::passed() const {
  return std::none_of(items.begin(), items.end(),
                      [](const CheckItem& item) { return item.verdict == CheckItem::Verdict::kFailed; });
}

namespace {

bool HasKeysToCopy(const CollectionPlan& plan) {
  return plan.target.key_index() >= 0 && plan.commit_mode != CommitMode::kAppendOnly;
}

/// Reads every key of a collection that can be copied.
CheckItem CheckKeys(const OpenJob& job, const CollectionPlan& plan, const WorkLimits& limits) {
  CheckItem item{.name = "keys", .verdict = CheckItem::Verdict::kPassed, .message = "every key is in one row"};
  auto check = [&]() -> arrow::Status {
    if (!HasKeysToCopy(plan)) {
      item.message = "there is no key that could repeat";
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(ScanSide side,
                          SideOf(job.source.get(), plan.source, plan.target, plan.mapping, RowHasher::Identity::kKey));
    ARROW_ASSIGN_OR_RAISE(auto ready, PreparedSide::Make(side, plan.source.ref, ReadPurpose::kCopy, limits));
    ARROW_ASSIGN_OR_RAISE(auto rows, CountOf(job.source.get(), plan.source.ref));
    ARROW_ASSIGN_OR_RAISE(Duplicates duplicates, FindRepeatedKeys(side, rows.value_or(0), limits));
    ARROW_ASSIGN_OR_RAISE(const bool all_shown, side.source->KeysMayRepeat(plan.source));
    if (all_shown) return RefuseRepeatedKeys(duplicates);
    if (duplicates.surplus_rows == 0) return arrow::Status::OK();
    const std::string surplus = std::to_string(duplicates.surplus_rows) + " rows repeat a key";
    if (job.spec.duplicate_policy == DuplicatePolicy::kAny) {
      item.verdict = CheckItem::Verdict::kWarning;
      item.message = surplus + " and will be left out (duplicates: any)";
      return arrow::Status::OK();
    }
    return MakeError(ErrorKind::kConflict,
                     surplus + ". Remove them, or choose `duplicates: any` to copy one row a key");
  };
  if (arrow::Status status = check(); !status.ok()) {
    item.verdict = CheckItem::Verdict::kFailed;
    item.message = Describe(status);
  }
  return item;
}

/// Whether a run looks for repeated keys before it copies.
bool CopiesKeysThatMayRepeat(const OpenJob& job, const CollectionPlan& plan) {
  if (job.spec.stages.structure_only() || !HasKeysToCopy(plan)) return false;
  return job.source->source()->KeysMayRepeat(plan.source).ValueOr(false);
}

/// ", for example 1: why; 2: why"
std::string ExamplesOf(const CountedRows& rows) {
  constexpr size_t kNamed = 5;
  std::string text;
  for (size_t i = 0; i < std::min(kNamed, rows.sample.size()); ++i) {
    text += (i == 0 ? ", for example " : "; ") + rows.sample[i];
  }
  return text;
}

std::string RowCount(int64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

/// What a run does with rows that the target refuses.
std::string FateOfRejected(const JobSpec& spec, bool too_many) {
  if (spec.reject_policy == RejectPolicy::kStop) {
    return "Mend them at the source, or go on without them (on_reject: continue)";
  }
  if (!too_many) return "They will be left out and listed (on_reject: continue)";
  return "The job allows " + std::to_string(*spec.max_rejects) + " (max_rejects): mend them, or allow more";
}

CheckItem ItemOf(const JobSpec& spec, const RefusedRows& found) {
  CheckItem item{.name = "rows"};
  if (found.unfit.count + found.rejected.count == 0) {
    item.message = RowCount(found.read) + " of the source can be copied";
    return item;
  }
  item.message = "of " + RowCount(found.read) + ":";
  if (found.rejected.count > 0) {
    const bool too_many = spec.max_rejects && found.rejected.count > *spec.max_rejects;
    const bool goes_on = spec.reject_policy == RejectPolicy::kContinue && !too_many;
    item.verdict = goes_on ? CheckItem::Verdict::kWarning : CheckItem::Verdict::kFailed;
    item.message += " " + std::to_string(found.rejected.count) + " the target refuses" + ExamplesOf(found.rejected) +
                    ". " + FateOfRejected(spec, too_many);
  }
  if (found.unfit.count > 0) {
    item.verdict = CheckItem::Verdict::kFailed;
    item.message += std::string(found.rejected.count > 0 ? "; and " : " ") + std::to_string(found.unfit.count) +
                    " can't be mapped" + ExamplesOf(found.unfit) +
                    ". Mend them at the source, or leave their fields out";
  }
  return item;
}

/// Reads every row of a collection that can be copied.
CheckItem CheckRows(const OpenJob& job, const CollectionPlan& plan, const WorkLimits& limits) {
  if (job.spec.stages.structure_only()) return {.name = "rows", .message = "no rows are copied"};
  const auto identity = HasKeysToCopy(plan) ? RowHasher::Identity::kKey : RowHasher::Identity::kWholeRow;
  auto find = [&]() -> arrow::Result<RefusedRows> {
    ARROW_ASSIGN_OR_RAISE(ScanSide side, SideOf(job.source.get(), plan.source, plan.target, plan.mapping, identity));
    ARROW_ASSIGN_OR_RAISE(auto ready, PreparedSide::Make(side, plan.source.ref, ReadPurpose::kCopy, limits));
    return FindRefusedRows(side, job.target->sink(), limits);
  };
  const auto found = find();
  if (found.ok()) return ItemOf(job.spec, *found);
  return {.name = "rows", .verdict = CheckItem::Verdict::kFailed, .message = Describe(found.status())};
}

void CheckCollections(const OpenJob& job, const std::vector<CollectionRule>& rules,
                      const std::vector<JournaledCollection>& begun, const WorkLimits& limits,
                      const CheckOptions& check, ItemList* items) {
  std::vector<CollectionPlan> plans;
  for (const CollectionRule& rule : rules) {
    const std::string subject = rule.source.ToString() + " -> " + TargetRef(job.spec, rule, *job.target).ToString();
    if (const JournaledCollection* known = FindBegun(begun, rule)) {
      items->Add(subject, {.name = "target", .message = PlanOf(*known).actions.front()});
      continue;
    }
    auto plan = CheckCollection(job.spec, rule, job.source.get(), job.target.get(), job.TargetCapabilities(), items);
    if (!plan) continue;
    if (check.read_keys && items->Wants("keys")) items->Add(subject, CheckKeys(job, *plan, limits));
    if (!check.read_keys && CopiesKeysThatMayRepeat(job, *plan)) {
      items->Add(subject, {.name = "keys",
                           .verdict = CheckItem::Verdict::kWarning,
                           .message = "not looked at: a key may stand in several rows here, which refuses the "
                                      "collection; `--keys` reads them"});
    }
    if (check.read_rows && items->Wants("rows")) items->Add(subject, CheckRows(job, *plan, limits));
    plans.push_back(*std::move(plan));
  }
  CheckSpace(plans, job.source.get(), job.target.get(), items);
}

/// A run goes on where an earlier one of the job ended, and refuses to where that was another job.
arrow::Status CheckEarlierRun(const OpenJob& job, ItemList* items) {
  const std::string path = job.JournalPath();
  if (job.options.restart || !std::filesystem::exists(path)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto earlier, Journal::OpenReadOnly(path));
  ARROW_ASSIGN_OR_RAISE(const bool anew, BeginsAnew(job, earlier.get()));
  if (anew) return arrow::Status::OK();
  CheckItem item{.name = "journal", .message = "the run goes on where an earlier one ended"};
  if (arrow::Status status = CheckSameJob(earlier->header(), job.JournalHeader()); !status.ok()) {
    item.verdict = CheckItem::Verdict::kFailed;
    item.message = Describe(status);
  }
  items->Add("job", std::move(item));
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<CheckReport> CheckJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                    const CheckOptions& check) {
  ARROW_RETURN_NOT_OK(CheckItemNames(options.skip));
  ARROW_ASSIGN_OR_RAISE(OpenJob job, OpenJob::Open(stores, spec, options));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ItemList items(options.skip);
  CheckStores(spec, job.source.get(), job.target.get(), options.state_dir, &items);
  if (items.failed()) return CheckReport{items.Take()};  // of what follows, nothing could be asked
  ARROW_RETURN_NOT_OK(CheckEarlierRun(job, &items));
  ARROW_ASSIGN_OR_RAISE(const auto begun, BegunCollections(job));
  Budgets budgets(spec.tuning, options);
  const auto rules = job.Rules();
  arrow::Status status = rules.status();
  if (status.ok()) status = job.CheckTargets(*rules);
  CheckItem item{.name = "collections",
                 .message = status.ok() ? std::to_string(rules->size()) + " of them" : Describe(status)};
  if (!status.ok()) item.verdict = CheckItem::Verdict::kFailed;
  items.Add("job", std::move(item));
  if (rules.ok()) CheckCollections(job, *rules, begun, budgets.limits, check, &items);
  return CheckReport{items.Take()};
}

}  // namespace godwit
