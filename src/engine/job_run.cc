#include "engine/job_run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/collection_run.h"
#include "engine/earlier_run.h"
#include "engine/report.h"

namespace godwit {

JournaledCollection ToJournal(CollectionPlan plan) {
  JournaledCollection collection;
  collection.drop_target = plan.drop_target;
  collection.existing = plan.existing;
  collection.exclusive = plan.drop_target || !plan.state.exists;
  collection.source = std::move(plan.source);
  collection.target = std::move(plan.target);
  collection.mapping = std::move(plan.mapping);
  collection.preparation = std::move(plan.preparation);
  collection.report.notes = std::move(plan.notes);
  return collection;
}

JobRun::JobRun(JobContext* job, std::vector<CollectionRule> rules, Begin begin)
    : job_(*job), rules_(std::move(rules)), begin_(std::move(begin)) {}

arrow::Result<std::vector<CollectionReport>> JobRun::Run() {
  ARROW_ASSIGN_OR_RAISE(known_, job_.journal.Collections());
  KeepBegun();
  reports_.resize(rules_.size());
  size_t count = std::min<size_t>(rules_.size(), static_cast<size_t>(job_.limits.splits->capacity()));
  std::vector<std::thread> workers;
  for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
  for (std::thread& worker : workers) worker.join();
  return std::move(reports_);
}

void JobRun::KeepBegun() {
  for (const JournaledCollection& collection : known_) {
    if (collection.stage == Stage::kDone) continue;
    auto is_it = [&](const CollectionRule& rule) { return IsRuleOf(rule, collection); };
    if (std::ranges::any_of(rules_, is_it)) continue;
    rules_.push_back({.source = collection.source.ref,
                      .target_name = collection.target.ref.name,
                      .where = {},
                      .target_database = collection.target.ref.database,
                      .mapping = collection.mapping});
  }
}

void JobRun::Work() {
  for (size_t i = next_++; i < rules_.size(); i = next_++) {
    if (failed_ && job_.spec.fail_fast) {
      reports_[i] = FailedReport(job_.spec, rules_[i], job_.target,
                                 MakeError(ErrorKind::kCancelled, "not begun: another collection failed (fail_fast)"));
      reports_[i].verdict = Verdict::kFailed;
      continue;
    }
    reports_[i] = RunOne(rules_[i]);
    if (!reports_[i].error.empty()) failed_ = true;
  }
}

CollectionReport JobRun::RunOne(const CollectionRule& rule) {
  auto journaled = FindOrBegin(rule);
  if (!journaled.ok()) return FailedReport(job_.spec, rule, job_.target, journaled.status());
  return CollectionRun(&job_, std::move(*journaled)).Run();
}

arrow::Result<JournaledCollection> JobRun::FindOrBegin(const CollectionRule& rule) {
  if (const JournaledCollection* known = FindBegun(known_, rule)) return *known;
  JournaledCollection collection;
  ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return begin_(rule).Value(&collection); }));
  ARROW_RETURN_NOT_OK(job_.journal.AddCollection(&collection));
  return collection;
}

}  // namespace godwit
