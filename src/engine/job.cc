// RunJob and its siblings: opens the stores and the journal, runs the collections, sums up.
#include "godwit/job.h"

#include <fnmatch.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "engine/collection_run.h"
#include "engine/file_places.h"
#include "engine/job_context.h"
#include "engine/left_out.h"
#include "engine/limits.h"
#include "engine/progress_board.h"
#include "journal/lease.h"
#include "model/canonical.h"
#include "model/mapped_schema.h"
#include "plan/planner.h"
#include "plan/precheck.h"
#include "plan/selection.h"
#include "verify/difference_file.h"
#include "verify/format_value.h"
#include "verify/repeated_keys.h"

namespace godwit {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Of one run, from here on.
class JobTimer {
 public:
  void Stop(Report* report) const {
    report->seconds = SecondsSince(start_);
    report->digest_seconds = std::chrono::duration<double>(RowHasher::TimeSpent() - hashing_).count();
  }

 private:
  const Clock::time_point start_ = Clock::now();
  const std::chrono::nanoseconds hashing_ = RowHasher::TimeSpent();
};

struct OpenStores {
  std::unique_ptr<Store> source;
  std::unique_ptr<Store> target;
};

/// A store that refuses an option knows its name, and the job its place in the file.
arrow::Status AtOption(const arrow::Status& status, const StoreSpec& spec) {
  const auto detail = std::dynamic_pointer_cast<ErrorDetail>(status.detail());
  const std::string option = detail == nullptr ? std::string() : detail->where();
  auto place = spec.option_where.find(option);
  if (place == spec.option_where.end()) place = spec.option_where.find(option.substr(0, option.find('.')));
  return MakeError(KindOf(status), spec.store + ": " + Describe(status),
                   place == spec.option_where.end() ? spec.where : place->second);
}

arrow::Result<std::unique_ptr<Store>> OpenStore(const StoreRegistry& stores, const StoreSpec& spec, StopToken stop) {
  const StoreFactory* factory = FindStore(stores, spec.store);
  if (factory == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "there is no store '" + spec.store + "'", spec.where);
  }
  auto store = factory->open(spec.options, std::move(stop));
  if (store.ok()) return store;
  return AtOption(store.status(), spec);
}

const Capabilities& TargetCapabilities(const StoreRegistry& stores, const JobSpec& spec) {
  return FindStore(stores, spec.target.store)->capabilities;
}

/// What the job asks of the stores beyond what every store does.
arrow::Status CheckCapabilities(const StoreRegistry& stores, const JobSpec& spec) {
  const Capabilities& source = FindStore(stores, spec.source.store)->capabilities;
  for (const CollectionRule& rule : spec.collections) {
    if (rule.mapping.filter.empty() || !source.filter.empty()) continue;
    return MakeError(ErrorKind::kInvalidConfig,
                     "filter: rows of the store '" + spec.source.store + "' can't be filtered; leave the filter out",
                     rule.where);
  }
  return arrow::Status::OK();
}

arrow::Result<OpenStores> OpenBoth(const StoreRegistry& stores, const JobSpec& spec, const StopToken& stop) {
  OpenStores both;
  ARROW_ASSIGN_OR_RAISE(both.source, OpenStore(stores, spec.source, stop));
  ARROW_ASSIGN_OR_RAISE(both.target, OpenStore(stores, spec.target, stop));
  if (both.source->source() == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "store '" + spec.source.store + "' can't be a source",
                     spec.source.where);
  }
  if (both.target->sink() == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "store '" + spec.target.store + "' can't be a target",
                     spec.target.where);
  }
  ARROW_RETURN_NOT_OK(CheckCapabilities(stores, spec));
  return both;
}

std::string LockPath(const std::string& state_dir, const std::string& job) { return state_dir + "/" + job + ".lock"; }
/// The journal of a repair under way. Not named as a job's, or it would be listed among them.
std::string RepairPath(const std::string& state_dir, const std::string& job) {
  return state_dir + "/" + job + ".repair";
}
std::string ReportPath(const std::string& state_dir, const std::string& job) {
  return state_dir + "/" + job + ".report.json";
}

Journal::Header HeaderOf(const JobSpec& spec, const StoreRegistry& stores) {
  return {.job = spec.name, .identity = spec.IdentityHash(stores), .file = spec.file, .dialect = spec.dialect};
}

/// A target that the job made, and did not finish, goes: its rows are the job's.
arrow::Status DropUnfinished(const JournaledCollection& collection, Catalog* catalog) {
  if (!collection.exclusive || collection.stage == Stage::kPlanned) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(TargetState state, catalog->State(collection.target.ref));
  if (!state.exists || state.identity != collection.target_identity) return arrow::Status::OK();
  return catalog->Drop(collection.target.ref);
}

constexpr const char* kStageNames[] = {"planned", "created", "copying", "copied", "verified", "published", "done"};

/// Whether the next run begins anew without being told: an export (published whole, and to replace what is there) that
/// has ended well. A run that was interrupted goes on.
arrow::Result<bool> ExportsAgain(const JobSpec& spec, const Sink& sink, Journal* journal) {
  if (spec.data_policy != DataPolicy::kDrop || !spec.stages.full) return false;
  if (journal->header().dialect != spec.dialect) return false;
  ARROW_ASSIGN_OR_RAISE(auto last, journal->LastReport());
  if (!last || (last->verdict != Verdict::kVerified && last->verdict != Verdict::kCopiedNotVerified)) return false;
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  return std::ranges::all_of(collections, [&](const JournaledCollection& collection) {
    return collection.stage == Stage::kDone && sink.commit_mode(collection.target) == CommitMode::kStagedPublish;
  });
}

/// True when a run forgets the journal of the earlier one.
arrow::Result<bool> BeginsAnew(const JobSpec& spec, const StoreRegistry& stores, const Sink& sink, Journal* earlier) {
  if (earlier->header().identity != HeaderOf(spec, stores).identity) {
    // What was refused before anything was begun may be corrected.
    ARROW_ASSIGN_OR_RAISE(const auto begun, earlier->Collections());
    if (begun.empty()) return true;
  }
  return ExportsAgain(spec, sink, earlier);
}

/// The collections of a job that was begun; none where it was not, or not with this file, or where it begins anew.
arrow::Result<std::vector<JournaledCollection>> BegunCollections(const JobSpec& spec, const StoreRegistry& stores,
                                                                 const Sink& sink, const RunOptions& options) {
  const std::string path = JournalPath(options.state_dir, spec.name);
  if (options.restart || !std::filesystem::exists(path)) return std::vector<JournaledCollection>();
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(path));
  if (journal->header().identity != HeaderOf(spec, stores).identity) return std::vector<JournaledCollection>();
  ARROW_ASSIGN_OR_RAISE(const bool again, ExportsAgain(spec, sink, journal.get()));
  return again ? std::vector<JournaledCollection>() : journal->Collections();
}

bool IsRuleOf(const CollectionRule& rule, const JournaledCollection& collection) {
  const CollectionRef& target = collection.target.ref;
  return collection.source.ref == rule.source && target.name == rule.target_name &&
         (rule.target_database.empty() || target.database == rule.target_database);
}

CollectionPlan PlanOf(const JournaledCollection& begun) {
  CollectionPlan plan;
  plan.source = begun.source;
  plan.target = begun.target;
  plan.existing = begun.existing;
  plan.mapping = begun.mapping;
  plan.preparation = begun.preparation;
  const std::string route = begun.source.ref.ToString() + " to " + begun.target.ref.ToString();
  plan.actions.push_back(begun.stage == Stage::kDone
                             ? "nothing: " + route + " was done by an earlier run"
                             : "go on with " + route + " (" + kStageNames[static_cast<int>(begun.stage)] + ")");
  return plan;
}

/// As PlanCollection, or what the journal says.
arrow::Result<CollectionPlan> PlanOrResume(const JobSpec& spec, const CollectionRule& rule,
                                           const std::vector<JournaledCollection>& begun, const OpenStores& stores) {
  for (const JournaledCollection& collection : begun) {
    if (IsRuleOf(rule, collection)) return PlanOf(collection);
  }
  return PlanCollection(spec, rule, stores.source.get(), stores.target.get());
}

arrow::Status RemoveJournal(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::remove(path + suffix, error);
    if (error) return ErrnoStatus(error.value(), "remove " + path + suffix);
  }
  return arrow::Status::OK();
}

/// Takes back what an earlier run left at the stores, then forgets it.
arrow::Status Forget(const std::string& path, const Journal::Header& header, const OpenStores& stores,
                     const RunOptions& options) {
  if (!std::filesystem::exists(path)) return arrow::Status::OK();
  auto note = [&](const std::string& text) {
    if (options.on_note) options.on_note(text);
  };
  {
    auto journal = Journal::OpenReadOnly(path);
    if (!journal.ok()) {
      note("the earlier journal can't be read (" + Describe(journal.status()) + "); what it left is not cleaned up");
    } else if ((*journal)->header().identity != header.identity) {
      note("the earlier run had another source, target or list of collections; what it left there is not cleaned up");
    } else {
      ARROW_ASSIGN_OR_RAISE(auto collections, (*journal)->Collections());
      for (const JournaledCollection& collection : collections) {
        if (collection.stage == Stage::kDone) continue;
        ARROW_RETURN_NOT_OK(DropUnfinished(collection, stores.target->catalog()));
        WriteTarget target{.schema = collection.target, .job = (*journal)->job_id(), .epoch = (*journal)->epoch() + 1};
        ARROW_RETURN_NOT_OK(stores.target->sink()->Discard(target));
        if (!collection.preparation.empty()) {
          ARROW_RETURN_NOT_OK(stores.source->source()->Restore(collection.source.ref, collection.preparation));
        }
        if (!collection.verify_preparation.empty() && stores.target->source() != nullptr) {
          ARROW_RETURN_NOT_OK(stores.target->source()->Restore(collection.target.ref, collection.verify_preparation));
        }
      }
    }
  }
  return RemoveJournal(path);
}

/// The journal to run with. Of one that is begun anew, only the limits stay that were set for later runs.
arrow::Result<std::unique_ptr<Journal>> OpenJournal(const JobSpec& spec, const StoreRegistry& stores, const Sink& sink,
                                                    const RunOptions& options) {
  const std::string path = JournalPath(options.state_dir, spec.name);
  const Journal::Header header = HeaderOf(spec, stores);
  std::optional<JournaledLimits> limits;
  if (std::filesystem::exists(path)) {
    auto earlier = Journal::OpenReadOnly(path);  // Open below tells why it can't be read
    if (earlier.ok()) {
      ARROW_ASSIGN_OR_RAISE(const bool anew, BeginsAnew(spec, stores, sink, earlier->get()));
      if (anew) {
        ARROW_ASSIGN_OR_RAISE(limits, (*earlier)->ReadLimits());
      }
    }
  }
  if (limits) ARROW_RETURN_NOT_OK(RemoveJournal(path));
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::Open(path, header));
  if (limits) {
    ARROW_RETURN_NOT_OK(journal->SaveFileLimits(limits->file));
    ARROW_RETURN_NOT_OK(journal->SaveLimitChange(limits->change));
  }
  return journal;
}

/// Targets that would destroy one another, or the source.
arrow::Status CheckTargets(const StoreRegistry& stores, const JobSpec& spec, const std::vector<CollectionRule>& rules,
                           const OpenStores& both) {
  ARROW_RETURN_NOT_OK(CheckTargetsDiffer(spec, rules, both.target.get()));
  return CheckOutsideSource(stores, spec, rules, both.source->catalog());
}

CollectionReport FailedReport(const JobSpec& spec, const CollectionRule& rule, const Store& target,
                              const arrow::Status& status) {
  CollectionReport report{.source = rule.source, .target = TargetRef(spec, rule, target)};
  report.verdict = KindOf(status) == ErrorKind::kCancelled ? Verdict::kStopped : Verdict::kFailed;
  report.error = Describe(status);
  report.error_kind = KindOf(status);
  return report;
}

/// Runs the collections of a job, a few at a time.
class JobRun {
 public:
  /// How a collection begins that the journal does not know. It is tried again while a store is away.
  using Begin = std::function<arrow::Result<JournaledCollection>(const CollectionRule&)>;

  JobRun(JobContext* job, std::vector<CollectionRule> rules, Begin begin)
      : job_(*job), rules_(std::move(rules)), begin_(std::move(begin)) {}

  arrow::Result<std::vector<CollectionReport>> Run() {
    ARROW_ASSIGN_OR_RAISE(known_, job_.journal.Collections());
    KeepBegun();
    reports_.resize(rules_.size());
    size_t count = std::min<size_t>(rules_.size(), static_cast<size_t>(job_.limits.splits->capacity()));
    std::vector<std::thread> workers;
    for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    return std::move(reports_);
  }

 private:
  /// A collection that was begun and is gone from the source's list fails by name; its half copy is not forgotten.
  void KeepBegun() {
    for (const JournaledCollection& collection : known_) {
      if (collection.stage == Stage::kDone) continue;
      auto is_it = [&](const CollectionRule& rule) { return IsRuleOf(rule, collection); };
      if (std::any_of(rules_.begin(), rules_.end(), is_it)) continue;
      rules_.push_back({.source = collection.source.ref,
                        .target_name = collection.target.ref.name,
                        .where = {},
                        .target_database = collection.target.ref.database,
                        .mapping = collection.mapping});
    }
  }

  void Work() {
    for (size_t i = next_++; i < rules_.size(); i = next_++) {
      if (failed_ && job_.spec.fail_fast) {
        reports_[i] =
            FailedReport(job_.spec, rules_[i], job_.target,
                         MakeError(ErrorKind::kCancelled, "not begun: another collection failed (fail_fast)"));
        reports_[i].verdict = Verdict::kFailed;
        continue;
      }
      reports_[i] = RunOne(rules_[i]);
      if (!reports_[i].error.empty()) failed_ = true;
    }
  }

  CollectionReport RunOne(const CollectionRule& rule) {
    auto journaled = FindOrPlan(rule);
    if (!journaled.ok()) return FailedReport(job_.spec, rule, job_.target, journaled.status());
    return CollectionRun(&job_, std::move(*journaled)).Run();
  }

  arrow::Result<JournaledCollection> FindOrPlan(const CollectionRule& rule) {
    for (const JournaledCollection& collection : known_) {
      if (IsRuleOf(rule, collection)) return collection;
    }
    JournaledCollection collection;
    ARROW_RETURN_NOT_OK(RetryStep(job_.limits, [&] { return begin_(rule).Value(&collection); }));
    ARROW_RETURN_NOT_OK(job_.journal.AddCollection(&collection));
    return collection;
  }

  JobContext& job_;
  std::vector<CollectionRule> rules_;
  const Begin begin_;
  std::vector<JournaledCollection> known_;
  std::vector<CollectionReport> reports_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
};

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

/// The worst verdict of the collections; an invalid job is told by its exit code.
void SumUp(Report* report) {
  static constexpr Verdict kWorstFirst[] = {Verdict::kStopped,           Verdict::kFailed,      Verdict::kDifferent,
                                            Verdict::kCopiedNotVerified, Verdict::kSampleEqual, Verdict::kStructureOnly,
                                            Verdict::kVerified};
  report->verdict = Verdict::kVerified;
  for (Verdict verdict : kWorstFirst) {
    bool found = std::any_of(report->collections.begin(), report->collections.end(),
                             [&](const CollectionReport& c) { return c.verdict == verdict; });
    if (!found) continue;
    report->verdict = verdict;
    break;
  }
  report->exit_code = ExitCode(report->verdict);
  bool invalid = !report->collections.empty() &&
                 std::all_of(report->collections.begin(), report->collections.end(),
                             [](const CollectionReport& c) { return c.error_kind == ErrorKind::kInvalidConfig; });
  if (invalid) report->exit_code = 2;
}

Report BeginReport(const JobSpec& spec) {
  Report report;
  report.job = spec.name;
  report.dialect = spec.dialect;
  return report;
}

/// Failures of the peers that can be seen before anything is done.
std::string PrecheckFailures(const OpenStores& stores, const JobSpec& spec, const RunOptions& options) {
  ItemList items(options.skip);
  CheckStores(spec, stores.source.get(), stores.target.get(), options.state_dir, &items);
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

arrow::Result<ScanSide> VerifySide(Store* store, const CollectionSchema& own, const CollectionSchema& hashed,
                                   const Mapping& mapping, RowHasher::Identity identity) {
  ARROW_ASSIGN_OR_RAISE(RowMapper mapper, RowMapper::Make(own, hashed, mapping));
  return ScanSide{store->source(), std::move(mapper), hashed, identity};
}

/// A collection that is prepared for reading as long as this lives.
class PreparedSide {
 public:
  static arrow::Result<PreparedSide> Make(const ScanSide& side, const CollectionRef& ref, ReadPurpose purpose,
                                          const WorkLimits& limits) {
    PreparedSide prepared(side.source, ref);
    ARROW_ASSIGN_OR_RAISE(prepared.preparation_, side.source->Preparation(ref, purpose));
    if (!prepared.preparation_.empty()) {
      ARROW_RETURN_NOT_OK(RetryStep(limits, [&] { return side.source->Prepare(ref, prepared.preparation_); }));
    }
    return prepared;
  }
  PreparedSide(PreparedSide&& other) noexcept
      : source_(other.source_), ref_(std::move(other.ref_)), preparation_(std::exchange(other.preparation_, {})) {}
  ~PreparedSide() {
    // The outcome of the comparison stands even where this fails; the collection then stays loaded.
    if (!preparation_.empty()) (void)source_->Restore(ref_, preparation_);
  }

 private:
  PreparedSide(Source* source, CollectionRef ref) : source_(source), ref_(std::move(ref)) {}
  Source* source_;
  CollectionRef ref_;
  std::string preparation_;
};

/// How many rows the source has, where it knows.
arrow::Result<std::optional<int64_t>> CountOf(Store* store, const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(TargetState state, store->catalog()->State(ref));
  return state.rows_exact ? std::optional(state.rows) : std::nullopt;
}

/// Keys of the rows that the run listed as refused or in conflict, sorted; none where the job was not begun.
arrow::Result<std::vector<Hash128>> ListedKeys(const JobSpec& spec, const StoreRegistry& stores,
                                               const CollectionRule& rule, const RunOptions& options) {
  const std::string path = JournalPath(options.state_dir, spec.name);
  if (!std::filesystem::exists(path)) return std::vector<Hash128>();
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(path));
  if (journal->header().identity != HeaderOf(spec, stores).identity) return std::vector<Hash128>();
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  for (const JournaledCollection& collection : collections) {
    if (IsRuleOf(rule, collection)) return journal->LeftOutKeys(collection.id);
  }
  return std::vector<Hash128>();
}

/// Returns how many.
int64_t LeaveOutListed(const std::vector<Hash128>& listed, std::vector<DifferingRow>* rows) {
  return static_cast<int64_t>(std::erase_if(*rows, [&](const DifferingRow& row) {
    return row.side != Difference::Side::kOnlyTarget && std::binary_search(listed.begin(), listed.end(), row.key);
  }));
}

/// The mapping, for those of its rows that pass `filter`, too.
arrow::Result<Mapping> Narrow(Mapping mapping, const std::string& filter, const CollectionSchema& schema,
                              Source* source) {
  if (filter.empty()) return mapping;
  arrow::Status status = source->CheckFilter(schema, filter);
  if (!status.ok()) return MakeError(KindOf(status), "--filter: " + status.message(), schema.ref.ToString());
  mapping.filter = mapping.filter.empty() ? filter : "(" + mapping.filter + ") and (" + filter + ")";
  return mapping;
}

arrow::Status CompareCollection(const JobSpec& spec, const CollectionRule& rule, const OpenStores& stores,
                                const std::vector<Hash128>& listed, const WorkLimits& limits,
                                const VerifyOptions& options, DifferenceFile* file, CollectionReport* report) {
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(CollectionSchema source_schema, stores.source->catalog()->Describe(rule.source));
  ARROW_ASSIGN_OR_RAISE(CollectionSchema target_schema, stores.target->catalog()->Describe(report->target));
  // Compared are the fields that both have: the target may lack the dynamic column, or have an empty one more.
  CollectionSchema hashed = target_schema;
  ARROW_ASSIGN_OR_RAISE(Mapping mapping, Narrow(rule.mapping, options.filter, source_schema, stores.source->source()));
  ARROW_ASSIGN_OR_RAISE(CollectionSchema mapped, MapSchema(source_schema, mapping));
  std::erase_if(hashed.fields, [&](const Field& f) { return mapped.FindField(f.name) == nullptr; });
  const bool new_ids = spec.auto_id == AutoIdPolicy::kNew;
  const auto identity = new_ids || hashed.key_index() < 0 ? RowHasher::Identity::kWholeRow : RowHasher::Identity::kKey;
  ARROW_ASSIGN_OR_RAISE(ScanSide source, VerifySide(stores.source.get(), source_schema, hashed, mapping, identity));
  ARROW_ASSIGN_OR_RAISE(ScanSide target, VerifySide(stores.target.get(), target_schema, hashed, Mapping{}, identity));
  ARROW_ASSIGN_OR_RAISE(auto source_ready, PreparedSide::Make(source, rule.source, ReadPurpose::kCopy, limits));
  ARROW_ASSIGN_OR_RAISE(auto target_ready, PreparedSide::Make(target, report->target, ReadPurpose::kVerify, limits));
  if (options.sample) {
    ARROW_ASSIGN_OR_RAISE(auto rows, CountOf(stores.source.get(), rule.source));
    if (!mapping.filter.empty() && options.sample->rows > 0) {  // what the store counts are all
      ARROW_ASSIGN_OR_RAISE(SideDigest passing, DigestSide(source, limits));
      rows = passing.buckets.Total().rows;
    }
    if (rows || options.sample->rows == 0) source.sample = SampleLimit(*options.sample, rows.value_or(0));
    target.sample = source.sample;
  }
  ARROW_ASSIGN_OR_RAISE(const bool may_repeat, stores.source->source()->KeysMayRepeat(source_schema));
  if (may_repeat && identity == RowHasher::Identity::kKey) {
    ARROW_ASSIGN_OR_RAISE(auto rows, CountOf(stores.source.get(), rule.source));
    ARROW_ASSIGN_OR_RAISE(Duplicates duplicates, FindRepeatedKeys(source, rows.value_or(0), limits));
    ARROW_RETURN_NOT_OK(RefuseRepeatedKeys(duplicates));
  }
  ARROW_ASSIGN_OR_RAISE(SideDigest source_digest, DigestSide(source, limits));
  ARROW_ASSIGN_OR_RAISE(SideDigest target_digest, DigestSide(target, limits));
  if (spec.duplicate_policy == DuplicatePolicy::kStop) ARROW_RETURN_NOT_OK(CheckKeysDiffer(source_digest));
  const bool keeps_rows = spec.data_policy != DataPolicy::kStop && spec.data_policy != DataPolicy::kDrop;
  const CompareMode mode = keeps_rows || !options.filter.empty() ? CompareMode::kContains : CompareMode::kEqual;
  auto name = [&](Difference difference) -> arrow::Status {
    if (file != nullptr) ARROW_RETURN_NOT_OK(file->Add(rule.source, report->target, difference));
    if (report->difference_sample.size() < kMaxSample) {
      report->difference_sample.push_back(Shortened(std::move(difference)));
    }
    return arrow::Status::OK();
  };
  int64_t left_out = 0;
  auto visit = [&](std::vector<DifferingRow> rows) -> arrow::Status {
    left_out += LeaveOutListed(listed, &rows);
    report->differences += static_cast<int64_t>(rows.size());
    const size_t wanted = kMaxSample - report->difference_sample.size();
    const size_t count = file != nullptr ? rows.size() : std::min(rows.size(), wanted);
    return NameDifferences(source, target, std::span(rows).first(count), file != nullptr ? 0 : kShortValue, limits,
                           name);
  };
  ARROW_RETURN_NOT_OK(FindDifferences(source, source_digest, target, target_digest, mode, limits, visit));
  if (left_out > 0) {
    report->notes.push_back(std::to_string(left_out) +
                            " rows that the run listed as refused or in conflict differ, and are not counted");
  }
  report->rows = source_digest.buckets.Total().rows;
  report->duplicates = source_digest.surplus_rows;
  report->digest = target_digest.buckets.Total();
  report->verify_seconds = SecondsSince(start);
  const bool sampled = source.sample != kWholeCollection || !options.filter.empty();
  if (sampled) report->sample_rows = report->rows;
  report->verdict = report->differences > 0 ? Verdict::kDifferent
                    : sampled               ? Verdict::kSampleEqual
                                            : Verdict::kVerified;
  if (report->verdict == Verdict::kVerified) report->verified_at = NowUtc();
  return arrow::Status::OK();
}

/// Those that `wanted` names; every name and pattern has to fit one.
arrow::Result<std::vector<CollectionRule>> SelectRules(std::vector<CollectionRule> rules,
                                                       const std::vector<std::string>& wanted) {
  if (wanted.empty()) return rules;
  std::vector<bool> chosen(rules.size(), false);
  for (const std::string& pattern : wanted) {
    bool found = false;
    for (size_t i = 0; i < rules.size(); ++i) {
      const CollectionRef& ref = rules[i].source;
      if (::fnmatch(pattern.c_str(), ref.name.c_str(), 0) != 0 &&
          ::fnmatch(pattern.c_str(), ref.ToString().c_str(), 0) != 0) {
        continue;
      }
      chosen[i] = found = true;
    }
    if (found) continue;
    std::vector<std::string> names;
    for (const CollectionRule& rule : rules) names.push_back(rule.source.name);
    const std::string near = NearestName(pattern, names);
    return MakeError(ErrorKind::kInvalidConfig, "no collection of the job fits '" + pattern + "'" +
                                                    (near.empty() ? std::string() : "; did you mean '" + near + "'?"));
  }
  std::vector<CollectionRule> kept;
  for (size_t i = 0; i < rules.size(); ++i) {
    if (chosen[i]) kept.push_back(std::move(rules[i]));
  }
  return kept;
}

std::string StateOf(const std::optional<Journal::SavedReport>& report) {
  if (!report) return "stopped";
  switch (report->verdict) {
    case Verdict::kVerified:
    case Verdict::kCopiedNotVerified:
    case Verdict::kStructureOnly:
      return "done";
    case Verdict::kStopped:
      return "stopped";
    default:
      return "failed";
  }
}

arrow::Result<JobStatus> ReadStatus(const std::string& state_dir, const std::string& name) {
  JobStatus status{.name = name, .state = {}, .pid = 0, .collections = {}, .report_file = {}};
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(JournalPath(state_dir, name)));
  ARROW_ASSIGN_OR_RAISE(auto holder, Lease::Holder(LockPath(state_dir, name)));
  ARROW_ASSIGN_OR_RAISE(auto report, journal->LastReport());
  status.state = holder ? "running" : StateOf(report);
  status.pid = holder.value_or(0);
  if (report) status.report_file = ReportPath(state_dir, name);
  ARROW_ASSIGN_OR_RAISE(JournaledLimits limits, journal->ReadLimits());
  status.limits = InForce(limits);
  status.limits_changed = !(status.limits == InForce({limits.file, {}}));
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  for (const JournaledCollection& collection : collections) {
    CollectionProgress progress{.source = collection.source.ref, .target = collection.target.ref, .stage = {}};
    progress.stage = kStageNames[static_cast<int>(collection.stage)];
    ARROW_ASSIGN_OR_RAISE(auto splits, journal->Splits(collection.id));
    for (const JournaledSplit& split : splits) {
      progress.expected_rows += split.split.estimated_rows;
      if (!split.receipt) continue;
      progress.rows += split.receipt->progress.digest.rows;
      progress.bytes += split.receipt->progress.bytes;
    }
    status.collections.push_back(std::move(progress));
  }
  return status;
}

}  // namespace

arrow::Result<Report> RunJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options) {
  if (spec.stages == Stages{.schema = false, .full = false, .indexes = false}) return VerifyJob(stores, spec, options);
  const JobTimer timer;
  ARROW_RETURN_NOT_OK(CheckItemNames(options.skip));
  ARROW_ASSIGN_OR_RAISE(OpenStores both, OpenBoth(stores, spec, options.stop));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ARROW_RETURN_NOT_OK(MakeFolder(options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto lease, Lease::Take(LockPath(options.state_dir, spec.name)));

  Report report = BeginReport(spec);
  report.error = PrecheckFailures(both, spec, options);
  if (!report.error.empty()) {
    report.verdict = options.stop.stop_requested() ? Verdict::kStopped : Verdict::kPrecheckFailed;
    report.exit_code = ExitCode(report.verdict);
    timer.Stop(&report);
    return report;
  }

  const std::string path = JournalPath(options.state_dir, spec.name);
  const Journal::Header header = HeaderOf(spec, stores);
  if (options.restart) {
    ARROW_RETURN_NOT_OK(Forget(RepairPath(options.state_dir, spec.name), header, both, options));
    ARROW_RETURN_NOT_OK(Forget(path, header, both, options));
  }
  ARROW_ASSIGN_OR_RAISE(auto journal, OpenJournal(spec, stores, *both.target->sink(), options));
  report.resumed = journal->resumed();

  Budgets budgets(spec.tuning, options.stop, options.on_note);
  budgets.limits.scratch_dir = options.state_dir;
  std::vector<CollectionRule> rules;
  ARROW_RETURN_NOT_OK(RetryStep(budgets.limits, [&] {
    return ResolveCollections(spec, both.source.get(), TargetCapabilities(stores, spec)).Value(&rules);
  }));
  ARROW_RETURN_NOT_OK(RetryStep(budgets.limits, [&] { return CheckTargets(stores, spec, rules, both); }));
  {
    ARROW_ASSIGN_OR_RAISE(auto watch, LimitWatch::Start(journal.get(), spec.tuning, &budgets));
    ProgressBoard board(options.on_progress);
    JobContext job{spec, *journal, *both.source, *both.target, board, budgets.limits};
    auto begin = [&](const CollectionRule& rule) -> arrow::Result<JournaledCollection> {
      ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanCollection(spec, rule, both.source.get(), both.target.get()));
      if (plan.drop_target && plan.state.exists) {
        plan.notes.push_back("replaces what was at the target, " + std::to_string(plan.state.rows) + " rows");
      }
      return ToJournal(std::move(plan));
    };
    ARROW_ASSIGN_OR_RAISE(report.collections, JobRun(&job, std::move(rules), begin).Run());
  }
  SumUp(&report);
  timer.Stop(&report);
  ARROW_RETURN_NOT_OK(WriteLeftOutFiles(spec, options.state_dir, journal.get(), &report));
  ARROW_RETURN_NOT_OK(WriteReport(options, journal.get(), &report));
  return report;
}

namespace {

/// Begins the repair of a collection. The job has to have ended: what it did not finish is its own to finish.
arrow::Result<JournaledCollection> BeginRepair(const JobSpec& spec, const CollectionRule& rule,
                                               const std::vector<JournaledCollection>& copied,
                                               const OpenStores& stores) {
  for (const JournaledCollection& collection : copied) {
    if (!IsRuleOf(rule, collection) || collection.stage == Stage::kDone) continue;
    return MakeError(ErrorKind::kConflict, "the job has not ended with '" + rule.source.ToString() +
                                               "'; run it again, which goes on, compares and corrects");
  }
  ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanRepair(spec, rule, stores.source.get(), stores.target.get()));
  const std::string identity = plan.state.identity;
  JournaledCollection collection = ToJournal(std::move(plan));
  collection.exclusive = false;  // it is never dropped
  collection.target_identity = identity;
  collection.stage = Stage::kCopied;
  return collection;
}

/// What can't be mended need not be where nothing differs. `report` is of the refusal.
arrow::Status LookWhetherEqual(const StoreRegistry& stores, const JobSpec& spec, const CollectionRule& rule,
                               const OpenStores& both, const RunOptions& options, const WorkLimits& limits,
                               DifferenceFile* file, CollectionReport* report) {
  CollectionReport compared{.source = report->source, .target = report->target};
  ARROW_ASSIGN_OR_RAISE(auto listed, ListedKeys(spec, stores, rule, options));
  arrow::Status status = CompareCollection(spec, rule, both, listed, limits, {}, file, &compared);
  if (!status.ok()) {  // but for a stop, that says no more than the refusal
    if (KindOf(status) == ErrorKind::kCancelled) *report = FailedReport(spec, rule, *both.target, status);
    return arrow::Status::OK();
  }
  if (compared.verdict != Verdict::kVerified) {
    compared.verdict = report->verdict;
    compared.error = report->error;
    compared.error_kind = report->error_kind;
  }
  *report = std::move(compared);
  return arrow::Status::OK();
}

/// Compares and corrects, journaled like the end of a copy, so that a repair that was killed goes on.
arrow::Result<Report> RepairJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                const VerifyOptions& verify, const OpenStores& both) {
  const JobTimer timer;
  if (verify.sample) {
    return MakeError(ErrorKind::kInvalidConfig, "a repair compares every row; leave out --sample or --repair");
  }
  if (!verify.filter.empty()) {
    return MakeError(ErrorKind::kInvalidConfig, "a repair compares every row; leave out --filter or --repair");
  }
  ARROW_RETURN_NOT_OK(MakeFolder(options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto lease, Lease::Take(LockPath(options.state_dir, spec.name)));
  const std::string begun = JournalPath(options.state_dir, spec.name);
  if (std::filesystem::exists(begun)) {
    ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(begun));
    ARROW_ASSIGN_OR_RAISE(const auto collections, journal->Collections());
    if (!collections.empty()) ARROW_RETURN_NOT_OK(CheckSameJob(journal->header(), HeaderOf(spec, stores)));
  }
  ARROW_ASSIGN_OR_RAISE(auto copied, BegunCollections(spec, stores, *both.target->sink(), options));
  Report report = BeginReport(spec);
  Budgets budgets(spec.tuning, options.stop, options.on_note);
  budgets.limits.scratch_dir = options.state_dir;
  ARROW_ASSIGN_OR_RAISE(auto all_rules, ResolveCollections(spec, both.source.get(), TargetCapabilities(stores, spec)));
  ARROW_ASSIGN_OR_RAISE(auto rules, SelectRules(std::move(all_rules), verify.collections));
  std::unique_ptr<DifferenceFile> file;
  if (!verify.differences_file.empty()) {
    ARROW_ASSIGN_OR_RAISE(file, DifferenceFile::Create(verify.differences_file, verify.differences_format));
  }
  const Repair repair{.keeps_rows = spec.data_policy == DataPolicy::kOverwrite,
                      .may_delete =
                          [&](const JournaledCollection& repaired) {
                            return std::any_of(copied.begin(), copied.end(), [&](const JournaledCollection& c) {
                              return c.target.ref == repaired.target.ref && c.existing == ExistingRows::kNone &&
                                     c.target_identity == repaired.target_identity;
                            });
                          },
                      .file = file.get()};
  JobSpec whole = spec;
  whole.verify = true;
  whole.sample.reset();
  const std::string path = RepairPath(options.state_dir, spec.name);
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::Open(path, HeaderOf(spec, stores)));
  report.resumed = journal->resumed();
  {
    ProgressBoard board(options.on_progress);
    JobContext job{whole, *journal, *both.source, *both.target, board, budgets.limits, &repair};
    auto begin = [&](const CollectionRule& rule) { return BeginRepair(whole, rule, copied, both); };
    ARROW_ASSIGN_OR_RAISE(report.collections, JobRun(&job, rules, begin).Run());
  }
  journal.reset();
  for (CollectionReport& collection : report.collections) {
    if (collection.error_kind != ErrorKind::kUnsupported) continue;
    auto rule = std::ranges::find_if(rules, [&](const CollectionRule& r) {
      return r.source == collection.source && TargetRef(spec, r, *both.target) == collection.target;
    });
    if (rule == rules.end()) continue;
    ARROW_RETURN_NOT_OK(LookWhetherEqual(stores, whole, *rule, both, options, budgets.limits, file.get(), &collection));
  }
  SumUp(&report);
  if (report.verdict != Verdict::kStopped) {
    if (file != nullptr) ARROW_RETURN_NOT_OK(file->Finish());
    // The next repair compares everything again.
    ARROW_RETURN_NOT_OK(Forget(path, HeaderOf(spec, stores), both, options));
  }
  timer.Stop(&report);
  return report;
}

}  // namespace

arrow::Result<Report> VerifyJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                const VerifyOptions& verify) {
  const JobTimer timer;
  ARROW_ASSIGN_OR_RAISE(OpenStores both, OpenBoth(stores, spec, options.stop));
  ARROW_RETURN_NOT_OK(CheckDifferencesFile(stores, spec, options.state_dir, verify.differences_file));
  if (verify.repair) return RepairJob(stores, spec, options, verify, both);
  if (both.target->source() == nullptr) {
    return MakeError(ErrorKind::kUnsupported, "store '" + spec.target.store + "' can't be read back");
  }
  Report report = BeginReport(spec);
  Budgets budgets(spec.tuning, options.stop, options.on_note);
  budgets.limits.scratch_dir = options.state_dir;
  ARROW_ASSIGN_OR_RAISE(auto all_rules, ResolveCollections(spec, both.source.get(), TargetCapabilities(stores, spec)));
  ARROW_ASSIGN_OR_RAISE(auto rules, SelectRules(std::move(all_rules), verify.collections));
  std::unique_ptr<DifferenceFile> file;
  if (!verify.differences_file.empty()) {
    ARROW_ASSIGN_OR_RAISE(file, DifferenceFile::Create(verify.differences_file, verify.differences_format));
  }
  for (const CollectionRule& rule : rules) {
    CollectionReport collection{.source = rule.source, .target = TargetRef(spec, rule, *both.target)};
    arrow::Status status = [&] {
      ARROW_ASSIGN_OR_RAISE(auto listed, ListedKeys(spec, stores, rule, options));
      return CompareCollection(spec, rule, both, listed, budgets.limits, verify, file.get(), &collection);
    }();
    if (!status.ok()) collection = FailedReport(spec, rule, *both.target, status);
    report.collections.push_back(std::move(collection));
  }
  SumUp(&report);
  if (file != nullptr && report.verdict != Verdict::kStopped) ARROW_RETURN_NOT_OK(file->Finish());
  timer.Stop(&report);
  return report;
}

arrow::Result<Plan> PlanJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(OpenStores both, OpenBoth(stores, spec, options.stop));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ARROW_ASSIGN_OR_RAISE(auto rules, ResolveCollections(spec, both.source.get(), TargetCapabilities(stores, spec)));
  ARROW_RETURN_NOT_OK(CheckTargets(stores, spec, rules, both));
  ARROW_ASSIGN_OR_RAISE(auto begun, BegunCollections(spec, stores, *both.target->sink(), options));
  Plan plan;
  std::optional<ErrorKind> refused;  // why the first one was
  std::string refusals;
  for (const CollectionRule& rule : rules) {
    auto collection = PlanOrResume(spec, rule, begun, both);
    if (!collection.ok()) {
      if (!refused) refused = KindOf(collection.status());
      if (refused == ErrorKind::kCancelled) return collection.status();
      refusals += (refusals.empty() ? "" : "\n") + rule.source.ToString() + ": " + Describe(collection.status());
      continue;
    }
    collection->snapshot_life = FindStore(stores, spec.source.store)->capabilities.snapshot_life;
    plan.collections.push_back(std::move(*collection));
  }
  if (refused) return MakeError(*refused, refusals);
  return plan;
}

arrow::Result<std::string> TargetDdl(const StoreRegistry& stores, const JobSpec& spec, const CollectionPlan& plan) {
  ARROW_ASSIGN_OR_RAISE(auto target, OpenStore(stores, spec.target, StopToken()));
  return target->catalog()->Ddl(plan.target);
}

bool CheckReport::passed() const {
  return std::none_of(items.begin(), items.end(),
                      [](const CheckItem& item) { return item.verdict == CheckItem::Verdict::kFailed; });
}

namespace {

/// Reads every key of a collection that can be copied.
CheckItem CheckKeys(const JobSpec& spec, const CollectionPlan& plan, const OpenStores& stores,
                    const WorkLimits& limits) {
  CheckItem item{.name = "keys", .verdict = CheckItem::Verdict::kPassed, .message = "every key is in one row"};
  auto check = [&]() -> arrow::Status {
    if (plan.target.key_index() < 0 || plan.commit_mode == CommitMode::kAppendOnly) {
      item.message = "there is no key that could repeat";
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(ScanSide side, VerifySide(stores.source.get(), plan.source, plan.target, plan.mapping,
                                                    RowHasher::Identity::kKey));
    ARROW_ASSIGN_OR_RAISE(auto ready, PreparedSide::Make(side, plan.source.ref, ReadPurpose::kCopy, limits));
    ARROW_ASSIGN_OR_RAISE(auto rows, CountOf(stores.source.get(), plan.source.ref));
    ARROW_ASSIGN_OR_RAISE(Duplicates duplicates, FindRepeatedKeys(side, rows.value_or(0), limits));
    ARROW_ASSIGN_OR_RAISE(const bool all_shown, side.source->KeysMayRepeat(plan.source));
    if (all_shown) return RefuseRepeatedKeys(duplicates);
    if (duplicates.surplus_rows == 0) return arrow::Status::OK();
    const std::string surplus = std::to_string(duplicates.surplus_rows) + " rows repeat a key";
    if (spec.duplicate_policy == DuplicatePolicy::kAny) {
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
bool CopiesKeysThatMayRepeat(const JobSpec& spec, const CollectionPlan& plan, const OpenStores& stores) {
  if (spec.stages.structure_only() || plan.target.key_index() < 0 || plan.commit_mode == CommitMode::kAppendOnly)
    return false;
  return stores.source->source()->KeysMayRepeat(plan.source).ValueOr(false);
}

void CheckCollections(const StoreRegistry& registry, const JobSpec& spec, const std::vector<CollectionRule>& rules,
                      const std::vector<JournaledCollection>& begun, const OpenStores& stores, const WorkLimits& limits,
                      const CheckOptions& check, ItemList* items) {
  const Capabilities& target = FindStore(registry, spec.target.store)->capabilities;
  std::vector<CollectionPlan> plans;
  for (const CollectionRule& rule : rules) {
    const std::string subject = rule.source.ToString() + " -> " + TargetRef(spec, rule, *stores.target).ToString();
    auto known = std::ranges::find_if(begun, [&](const JournaledCollection& c) { return IsRuleOf(rule, c); });
    if (known != begun.end()) {
      items->Add(subject, {.name = "target", .message = PlanOf(*known).actions.front()});
      continue;
    }
    auto plan = CheckCollection(spec, rule, stores.source.get(), stores.target.get(), target, items);
    if (!plan) continue;
    if (check.read_keys && items->Wants("keys")) items->Add(subject, CheckKeys(spec, *plan, stores, limits));
    if (!check.read_keys && CopiesKeysThatMayRepeat(spec, *plan, stores)) {
      items->Add(subject, {.name = "keys",
                           .verdict = CheckItem::Verdict::kWarning,
                           .message = "not looked at: a key may stand in several rows here, which refuses the "
                                      "collection; `--keys` reads them"});
    }
    plans.push_back(*std::move(plan));
  }
  CheckSpace(plans, stores.source.get(), stores.target.get(), items);
}

/// A run goes on where an earlier one of the job ended, and refuses to where that was another job.
arrow::Status CheckEarlierRun(const JobSpec& spec, const StoreRegistry& stores, const Sink& sink,
                              const RunOptions& options, ItemList* items) {
  const std::string path = JournalPath(options.state_dir, spec.name);
  if (options.restart || !std::filesystem::exists(path)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto earlier, Journal::OpenReadOnly(path));
  ARROW_ASSIGN_OR_RAISE(const bool anew, BeginsAnew(spec, stores, sink, earlier.get()));
  if (anew) return arrow::Status::OK();
  CheckItem item{.name = "journal", .message = "the run goes on where an earlier one ended"};
  if (arrow::Status status = CheckSameJob(earlier->header(), HeaderOf(spec, stores)); !status.ok()) {
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
  ARROW_ASSIGN_OR_RAISE(OpenStores both, OpenBoth(stores, spec, options.stop));
  ARROW_RETURN_NOT_OK(CheckListFiles(stores, spec, options.state_dir));
  ItemList items(options.skip);
  CheckStores(spec, both.source.get(), both.target.get(), options.state_dir, &items);
  if (items.failed()) return CheckReport{items.Take()};  // of what follows, nothing could be asked
  ARROW_RETURN_NOT_OK(CheckEarlierRun(spec, stores, *both.target->sink(), options, &items));
  ARROW_ASSIGN_OR_RAISE(auto begun, BegunCollections(spec, stores, *both.target->sink(), options));
  Budgets budgets(spec.tuning, options.stop, options.on_note);
  budgets.limits.scratch_dir = options.state_dir;
  auto rules = ResolveCollections(spec, both.source.get(), TargetCapabilities(stores, spec));
  arrow::Status status = rules.status();
  if (status.ok()) status = CheckTargets(stores, spec, *rules, both);
  CheckItem item{.name = "collections",
                 .message = status.ok() ? std::to_string(rules->size()) + " of them" : Describe(status)};
  if (!status.ok()) item.verdict = CheckItem::Verdict::kFailed;
  items.Add("job", std::move(item));
  if (rules.ok()) CheckCollections(stores, spec, *rules, begun, both, budgets.limits, check, &items);
  return CheckReport{items.Take()};
}

arrow::Result<std::vector<JobStatus>> ListJobs(const std::string& state_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir, error)) {
    if (entry.path().extension() == ".journal") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<JobStatus> jobs;
  for (const std::string& name : names) {
    auto status = ReadStatus(state_dir, name);
    if (!status.ok()) status = JobStatus{.name = name, .state = "unreadable: " + Describe(status.status())};
    jobs.push_back(std::move(*status));
  }
  return jobs;
}

arrow::Result<Limits> LimitJob(const std::string& state_dir, const std::string& name, const LimitChange& change) {
  const std::string path = JournalPath(state_dir, name);
  if (!std::filesystem::exists(path)) {
    return MakeError(ErrorKind::kNotFound, "no job '" + name + "' in " + state_dir +
                                               "; see `godwit list`. The limits of a job that was not begun are those "
                                               "of its file");
  }
  constexpr int32_t kMostAtOnce = 256;
  for (const auto& rate : {change.rows_per_second, change.bytes_per_second}) {
    if (rate.value_or(0) < 0) return MakeError(ErrorKind::kInvalidConfig, "a rate is 0 (no limit) or more");
  }
  for (const auto& at_once : {change.parallelism, change.read_parallelism, change.write_parallelism}) {
    if (at_once.value_or(0) < 0 || at_once.value_or(0) > kMostAtOnce) {
      return MakeError(ErrorKind::kInvalidConfig, "a parallelism is from 0 (as usual) to 256");
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(path));
  ARROW_ASSIGN_OR_RAISE(JournaledLimits limits, journal->ReadLimits());
  LimitChange& now = limits.change;
  if (change.reset) now = {};
  auto set = [](const auto& from, auto* to) {
    if (from) *to = from;
  };
  set(change.rows_per_second, &now.rows_per_second);
  set(change.bytes_per_second, &now.bytes_per_second);
  set(change.parallelism, &now.parallelism);
  set(change.read_parallelism, &now.read_parallelism);
  set(change.write_parallelism, &now.write_parallelism);
  if (!(change == LimitChange{})) ARROW_RETURN_NOT_OK(journal->SaveLimitChange(now));
  return InForce(limits);
}

arrow::Status StopJob(const std::string& state_dir, const std::string& name) {
  if (!std::filesystem::exists(JournalPath(state_dir, name))) {
    return MakeError(ErrorKind::kNotFound, "no job '" + name + "' in " + state_dir + "; see `godwit list`");
  }
  const std::string lock = LockPath(state_dir, name);
  ARROW_ASSIGN_OR_RAISE(auto holder, Lease::Holder(lock));
  if (!holder) return arrow::Status::OK();
  if (*holder <= 0) return MakeError(ErrorKind::kUnavailable, "the job is just being started; try again");
  if (::kill(*holder, SIGTERM) != 0) return ErrnoStatus(errno, "stop process " + std::to_string(*holder));
  constexpr auto kPatience = std::chrono::seconds(30);
  auto start = Clock::now();
  while (Clock::now() - start < kPatience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ARROW_ASSIGN_OR_RAISE(auto now, Lease::Holder(lock));
    if (now != holder) return arrow::Status::OK();
  }
  return MakeError(ErrorKind::kUnavailable, "process " + std::to_string(*holder) + " did not stop within 30 s");
}

}  // namespace godwit
