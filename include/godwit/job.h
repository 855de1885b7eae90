// A job: what to move from where to where, and what became of it. The library's front door.
//
//   JobSpec (from config/ or filled by hand) -> RunJob -> Report
//
// Plain values. RunJob and its siblings may be called from several threads for different jobs; one job has one runner
// (a lock on its journal), a second one fails with kConflict.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "godwit/digest.h"
#include "godwit/error.h"
#include "godwit/mapping.h"
#include "godwit/options.h"
#include "godwit/schema.h"
#include "godwit/stop_token.h"
#include "godwit/store.h"

namespace godwit {

struct StoreSpec {
  std::string store;                                     // name of a room
  OptionValues options;                                  // validated against its table, defaults filled in
  std::string where;                                     // "file:line" of the section, for errors
  std::map<std::string, std::string> option_where = {};  // "file:line:column", by option and by `option.key` of a map

  /// The place of an option, or of a map's key as `option.key`; of the section where the file does not give it.
  std::string WhereOf(const std::string& option) const;
};

/// Collections to move, and what becomes of them. In the source's names `*` stands for any characters; each `*` in a
/// target's name is then what the star at its place matched. Of several rules for one collection the first counts.
struct CollectionRule {
  CollectionRef source;     // without a database: those of the job
  std::string target_name;  // empty = the source's name
  std::string where;
  std::string target_database = {};  // empty = see JobSpec::databases
  Mapping mapping = {};
};

/// A database of the source, or a pattern; collections go to `target`, with `*` as in CollectionRule.
struct DatabaseRule {
  std::string source;
  std::string target;  // empty = the target's database of the job
  std::string where;
};

/// What a run does; at least one.
struct Stages {
  bool schema = true;   // create what is absent; else the target has to be there
  bool full = true;     // copy the rows
  bool indexes = true;  // build indexes, at the end

  /// Nothing of a collection but its schema and indexes is touched.
  bool structure_only() const { return !full && (schema || indexes); }
  bool operator==(const Stages&) const = default;
};

enum class SchemaPolicy {
  kCreate,    // create what is absent, use what is equal, refuse what is different
  kRecreate,  // drop and create
  kExisting,  // it must be there
};

enum class DataPolicy {
  kStop,       // a target that holds rows is an error
  kIgnore,     // what is there stays; source rows whose key is there with another row are listed as conflicts
  kOverwrite,  // keep other rows, overwrite equal keys
  kAppend,     // rows are added; a key that is there with another row is an error
  kDrop,       // remove what is there first
};

/// Rows that the target refuses.
enum class RejectPolicy {
  kStop,      // the collection fails at the first
  kContinue,  // they are left out and listed
};

enum class DuplicatePolicy {
  kStop,  // keys that repeat at the source make the collection fail
  kAny,   // copy one row a key, count and list the rest
};

/// kAuto means: as the source for load; only when needed for reading.
enum class LoadPolicy { kAuto, kAlways, kNever };

enum class AutoIdPolicy {
  kKeep,  // the target is created with auto_id off and keeps the source's keys
  kNew,   // the target makes new keys; append only, verified without the key
};

/// Overrides of what is created at the target; unset = as the source.
struct SchemaOverrides {
  std::optional<bool> dynamic_fields;
  std::optional<int32_t> shards;
  std::optional<std::string> consistency_level;
  std::map<std::string, std::string> descriptions;  // of collections, by source name
};

/// Compared are only some rows, chosen by the hash of their key, so that both sides choose the same ones. One of the
/// two is set.
struct SampleSize {
  double share = 0;  // of the rows, above 0, below 1
  int64_t rows = 0;  // about so many

  /// "1%", "0.5%" or "10000"; anything else is kInvalidConfig.
  static arrow::Result<SampleSize> Parse(std::string_view text);
};

struct Tuning {
  int32_t parallelism = 0;             // splits in work at once; 0 = the number of cores, at least 2, at most 8
  int32_t read_parallelism = 0;        // batches being read at once; 0 = as parallelism
  int32_t write_parallelism = 0;       // batches being written at once; 0 = as parallelism
  int64_t rows_per_second = 0;         // read from the source while copying, of the whole job; 0 = no limit
  int64_t bytes_per_second = 0;        // the same in bytes of Arrow buffers
  bool limit_verify = false;           // the two rates hold for reading to compare, too
  int64_t memory_bytes = 512LL << 20;  // of the whole job
  int64_t batch_bytes = 8LL << 20;     // of one read; writers cut to what their store takes
  int64_t split_bytes = 256LL << 20;
  int64_t commit_interval_ms = 5000;
  int64_t commit_bytes = 256LL << 20;
  int64_t retry_for_ms = 10 * 60 * 1000;  // how long a peer may be away before the collection fails
  int32_t max_rounds = 3;                 // corrections of a source that moved during the copy
};

struct JobSpec {
  std::string name;     // [A-Za-z0-9_.-]+; from `name:`, or made from file and dialect
  std::string dialect;  // "godwit.yaml", "migration.conf", ...
  std::string file;
  StoreSpec source;
  StoreSpec target;
  std::string source_database;  // empty = the store's default
  std::string target_database;
  std::vector<DatabaseRule> databases;         // empty = source_database
  std::vector<CollectionRef> exclude;          // of what patterns match, and of `every collection`; patterns
  std::vector<CollectionRule> collections;     // empty = every collection of the source database
  std::map<std::string, std::string> renames;  // target's name by source's name, where `collections` gives none
  SchemaPolicy schema_policy = SchemaPolicy::kCreate;
  DataPolicy data_policy = DataPolicy::kStop;
  DuplicatePolicy duplicate_policy = DuplicatePolicy::kStop;
  AutoIdPolicy auto_id = AutoIdPolicy::kKeep;
  bool accept_duplicates = false;  // of append-only targets, after a crash
  RejectPolicy reject_policy = RejectPolicy::kStop;
  std::optional<int64_t> max_rejects;  // of one collection, with kContinue: one more fails it; none = any number
  std::string rejects_file;            // empty = JOB.rejects.jsonl in the state folder
  std::string conflicts_file;          // empty = JOB.conflicts.jsonl in the state folder
  bool copy_indexes = true;
  Stages stages;
  std::vector<std::string> allow_lossy;  // "collection.field" or "collection", by the source's names; see Sink::Losses
  LoadPolicy load = LoadPolicy::kAuto;   // of the target, at the end
  LoadPolicy source_load = LoadPolicy::kAuto;  // of the source: kNever = it must be loaded already
  SchemaOverrides overrides;
  bool verify = true;
  std::optional<SampleSize> sample = {};  // of `verify`; unset = every row
  bool fail_fast = false;
  Tuning tuning;
  std::vector<std::string> notes;  // what the user should know of how the file was understood, one sentence each
  /// "file:line:column" of single settings, for errors: "rejects_file", and what a list or map names, by the members of
  /// this struct: "exclude.a", "allow_lossy.a.b", "renames.a", "descriptions.a".
  std::map<std::string, std::string> setting_where = {};

  /// The place of a setting; the file where it is not known.
  std::string WhereOf(const std::string& setting) const;

  /// Identity of the job: a hash over name, source, target, objects and mapping; not over tuning, and never over a
  /// secret. 32 hex digits.
  std::string IdentityHash(const StoreRegistry& stores) const;
};

enum class Verdict {
  kVerified,           // read back and equal
  kCopiedNotVerified,  // verification was off or of a sample only, or the target can't be read back
  kDifferent,          // source and target differ, or the source keeps changing
  kFailed,
  kStopped,
  kPrecheckFailed,  // nothing was written
  kPlanned,         // nothing was run
  kSampleEqual,     // a comparison that was asked for a sample found no difference in it
  kStructureOnly,   // the stages of the job move no rows, and did what they do
};

std::string_view ToString(Verdict verdict);
/// 0 verified or sample equal, 1 failed, 2 bad config, 3 different, 4 precheck failed, 5 copied and not verified, 130
/// stopped.
int ExitCode(Verdict verdict);

/// Values are text for people: 42, "abc", [0.5, 1], null. Bytes that are no UTF-8 stand as \xNN.
struct FieldDifference {
  std::string field;
  std::string source_value;
  std::string target_value;
};

struct Difference {
  enum class Side { kOnlySource, kOnlyTarget, kDifferent };
  Side side = Side::kDifferent;
  std::string partition;
  std::string key;                      // as a value
  std::vector<FieldDifference> fields;  // all that differ; none for one-sided rows
};

/// A source row that is not at the target, and why.
struct LeftOut {
  std::string partition;
  std::string key;  // for people
  std::string reason;
};

struct CollectionReport {
  CollectionRef source;
  CollectionRef target;
  Verdict verdict = Verdict::kPlanned;
  std::string verified_at;    // when rows were compared last, UTC: "2025-01-31T12:00:00Z"; empty = never
  bool done_earlier = false;  // by another run, whose verdict this is: now no row was compared
  int64_t rows = 0;
  int64_t bytes = 0;
  double copy_seconds = 0;
  double verify_seconds = 0;
  int64_t duplicates = 0;  // surplus rows of repeated keys, left out
  std::vector<std::string> duplicate_sample;
  int64_t rejects = 0;
  std::vector<LeftOut> rejected_sample;  // at most 1,000; all are in Report::rejects_file
  int64_t conflicts = 0;                 // keys that the target holds with another row, which stayed
  std::vector<LeftOut> conflict_sample;
  int32_t rounds = 0;  // corrections that were needed
  Digest digest;       // of the target
  int64_t differences = 0;
  std::vector<Difference> difference_sample;  // at most 1,000, values shortened
  int64_t sample_rows = 0;                    // rows of the source that a sample had; 0 = every row was compared
  int64_t written = 0;                        // rows of the source that corrections and repairs wrote
  int64_t deleted = 0;                        // rows of the target that they removed
  std::string error;                          // empty when it went well
  std::optional<ErrorKind> error_kind;
  std::vector<std::string> notes;
};

struct Report {
  std::string job;
  std::string dialect;
  Verdict verdict = Verdict::kPlanned;
  int exit_code = 0;
  double seconds = 0;
  double digest_seconds = 0;  // processor time of hashing rows, in this process since the run began
  bool resumed = false;
  std::vector<CollectionReport> collections;
  std::string error;  // of the job as a whole
  std::string report_file;
  std::string rejects_file;    // JSON lines, one a row that the target refused; empty when there is none
  std::string conflicts_file;  // the same of rows in conflict, with both versions
};

/// One JSON object, one line, without secrets.
std::string ToJson(const Report& report);

/// What is known while a job runs.
struct CollectionProgress {
  CollectionRef source;
  CollectionRef target;
  std::string stage;  // "planning", "copying", "verifying", "publishing", "done", "stopped", "failed"
  int64_t rows = 0;
  int64_t earlier_rows = 0;   // of them, by earlier runs
  int64_t expected_rows = 0;  // 0 = unknown
  int64_t bytes = 0;
  double seconds = 0;
};

struct RunOptions {
  std::string state_dir;  // journals and reports; created when absent
  bool restart = false;   // forget what an earlier run did and begin anew
  StopToken stop;
  std::vector<std::string> skip = {};  // items of the precheck that are left out, names of PrecheckItems()
  /// Called from one thread of the engine at most every 200 ms a collection, and at every change of stage.
  std::function<void(const CollectionProgress&)> on_progress;
  /// One sentence for the user, at once; called from any thread.
  std::function<void(std::string_view)> on_note;
};

/// Runs or resumes a job to its end. Failures are in the report; a Status comes back only where no report could be
/// made.
arrow::Result<Report> RunJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options);

enum class DifferenceFormat { kText, kJson, kCsv };

struct VerifyOptions {
  std::vector<std::string> collections = {};  // only these, names or patterns (* ? [a-z]) of the source; empty = all
  std::optional<SampleSize> sample = {};      // unset = every row
  /// A condition in the source's own language: only its rows that pass are looked for at the target; empty = all.
  std::string filter = {};
  std::string differences_file = {};  // gets every difference, values whole; empty = none
  DifferenceFormat differences_format = DifferenceFormat::kText;
  /// Writes at the target what differs and deletes what the source lacks, then compares again. Never deletes rows of a
  /// collection that the job does not own: one that it was told to overwrite, or that its journal does not know.
  bool repair = false;
};

/// Compares source and target of a job, collection by collection. Writes nothing at the stores unless told to repair.
arrow::Result<Report> VerifyJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                const VerifyOptions& verify = {});

struct CollectionPlan {
  CollectionSchema source;
  CollectionSchema target;
  Mapping mapping;
  TargetState state;  // before the run
  CommitMode commit_mode = CommitMode::kNone;
  SnapshotLife snapshot_life = SnapshotLife::kNone;
  std::string preparation;   // of the source, see Source::Preparation; empty = none
  bool drop_target = false;  // what is there goes first
  ExistingRows existing = ExistingRows::kNone;
  std::vector<std::string> actions;  // "create collection copy.digits", ... in order
  std::vector<std::string> notes;
};

struct Plan {
  std::vector<CollectionPlan> collections;
};

/// For people: what would be created at the target, by its own means; see Catalog::Ddl. Writes nothing.
arrow::Result<std::string> TargetDdl(const StoreRegistry& stores, const JobSpec& spec, const CollectionPlan& plan);

/// What RunJob would do, going on from the journal where there is one. Connects, writes nothing. Where collections are
/// refused, the status names each of them, one a line.
arrow::Result<Plan> PlanJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options);

struct CheckReport {
  std::vector<CheckItem> items;
  bool passed() const;
};

struct CheckOptions {
  bool read_keys = false;  // reads every key of the source to find those that repeat
  bool read_rows = false;  // reads and maps every row to find those that a run would refuse
};

/// Everything that can be known before a run, of all collections. Writes nothing at the stores; loads and releases the
/// source only with `read_keys` or `read_rows`.
arrow::Result<CheckReport> CheckJob(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options,
                                    const CheckOptions& check = {});

/// The items of the precheck, in the order in which they are looked at.
struct PrecheckItem {
  std::string_view name;
  std::string_view help;  // one sentence
};
const std::vector<PrecheckItem>& PrecheckItems();

/// What may be changed while a job runs; as in Tuning.
struct Limits {
  int64_t rows_per_second = 0;
  int64_t bytes_per_second = 0;
  int32_t parallelism = 0;
  int32_t read_parallelism = 0;
  int32_t write_parallelism = 0;

  bool operator==(const Limits&) const = default;
};

/// What is set replaces what the job file says, from now on and in later runs, until the file says something else.
struct LimitChange {
  std::optional<int64_t> rows_per_second;
  std::optional<int64_t> bytes_per_second;
  std::optional<int32_t> parallelism;
  std::optional<int32_t> read_parallelism;
  std::optional<int32_t> write_parallelism;
  bool reset = false;  // first forget all that was set before

  bool operator==(const LimitChange&) const = default;
};

/// Jobs known in a state directory.
struct JobStatus {
  std::string name;
  std::string state;  // "running", "stopped", "done", "failed", or "unreadable: " and why
  int64_t pid = 0;    // of the runner, while running
  std::vector<CollectionProgress> collections;
  std::string report_file;
  Limits limits;                // in force, or of the next run; parallelism 0 = by the cores
  bool limits_changed = false;  // by LimitJob: they are not those of the job file
};
arrow::Result<std::vector<JobStatus>> ListJobs(const std::string& state_dir);
/// Changes the limits of a job; a running one takes them within a second. Journaled. Gives what is in force then.
arrow::Result<Limits> LimitJob(const std::string& state_dir, const std::string& name, const LimitChange& change);
/// Asks the runner of a job to stop and waits for it; OK when none runs.
arrow::Status StopJob(const std::string& state_dir, const std::string& name);

}  // namespace godwit
