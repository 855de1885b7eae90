// A job's memory: what was planned, what was confirmed, what was intended. One SQLite file a job (WAL,
// synchronous=FULL); every call that returns OK is durable. Thread-safe. Holds no secret.
//
// A collection goes through the stages in order and never back; a stage is written when it is complete:
//   kPlanned    schemas, policies and the source's preparation are fixed; nothing was changed anywhere before this
//   kCreated    the target collection is there and is ours to write to
//   kSplit      the splits are fixed; they are never computed again
//   kCopied     every split has a complete receipt
//   kVerified   target and source were compared (or verification is off)
//   kPublished  the target is in its final place
//   kDone       the source was restored
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sqlite.h"
#include "godwit/job.h"
#include "godwit/store.h"

namespace godwit {

enum class Stage { kPlanned, kCreated, kSplit, kCopied, kVerified, kPublished, kDone };
std::string_view ToString(Stage stage);

struct JournaledCollection {
  int64_t id = 0;
  Stage stage = Stage::kPlanned;
  CollectionSchema source;
  CollectionSchema target;
  Mapping mapping;
  bool drop_target = false;                     // before creating, once
  ExistingRows existing = ExistingRows::kNone;  // WriteTarget::existing
  bool exclusive = false;                       // WriteTarget::exclusive
  std::string preparation;                      // of the source; to be restored
  std::string verify_preparation;               // of the target while it is read back; to be restored
  std::string target_identity;                  // set with kCreated
  Snapshot snapshot;                            // set with kSplit
  CollectionReport report;                      // as far as known
};

struct JournaledSplit {
  Split split;
  bool attempted = false;          // a writer was opened for it
  std::optional<Receipt> receipt;  // the newest
  int64_t duplicates = 0;          // surplus rows seen up to the receipt
};

/// A source row that did not go to the target.
struct LeftOutRow {
  enum class Kind { kRejected, kConflict };
  Kind kind = Kind::kRejected;
  /// From 1, of its kind in the split. The row counts once a receipt of the split counts so many: what a replay finds
  /// again replaces what an attempt that never committed found.
  int64_t ordinal = 0;
  Hash128 key;
  LeftOut row;
  std::string record;  // a JSON object: partition, key, reason and the values of the row, or of both
};

/// What the job file said at the last run, and what was changed since by LimitJob.
struct JournaledLimits {
  Limits file;
  LimitChange change;
};

class Journal {
 public:
  struct Header {
    std::string job;       // JobSpec::name
    std::string identity;  // JobSpec::IdentityHash
    std::string file;
    std::string dialect;
  };

  /// Creates or opens `path`. A journal of another identity is kConflict, telling what to do; one of a newer format
  /// version is kUnsupported. Begins a new epoch.
  static arrow::Result<std::unique_ptr<Journal>> Open(const std::string& path, const Header& header);
  /// For looking at, and for SaveLimitChange: no epoch, nothing is written by itself.
  static arrow::Result<std::unique_ptr<Journal>> OpenReadOnly(const std::string& path);

  /// True when an earlier run left something.
  bool resumed() const { return epoch_ > 1; }
  int64_t epoch() const { return epoch_; }
  /// Stable over resumes, new after a restart: [a-z0-9-]+.
  const std::string& job_id() const { return job_id_; }
  const Header& header() const { return header_; }

  arrow::Result<std::vector<JournaledCollection>> Collections();
  /// Adds a collection in kPlanned and sets its id.
  arrow::Status AddCollection(JournaledCollection* collection);
  /// Writes every member of a known collection.
  arrow::Status SaveCollection(const JournaledCollection& collection);
  /// Writes the splits and advances the collection to kSplit, in one transaction.
  arrow::Status SaveSplits(const JournaledCollection& collection, const std::vector<Split>& splits);

  arrow::Result<std::vector<JournaledSplit>> Splits(int64_t collection);
  arrow::Status MarkAttempted(int64_t collection, const std::string& split);
  arrow::Status SaveReceipt(int64_t collection, const Receipt& receipt, int64_t duplicates);
  /// The newest receipts of all splits, also of corrections, which have no row among Splits().
  arrow::Result<std::vector<Receipt>> Receipts(int64_t collection);
  /// Adds or replaces the receipts of splits after a correction, in one transaction.
  arrow::Status SaveReceipts(int64_t collection, const std::vector<Receipt>& receipts);

  /// Before the commit that they belong to, so that no row is forgotten between the target's commit and the receipt.
  arrow::Status AddLeftOut(int64_t collection, const std::string& split, const std::vector<LeftOutRow>& rows);
  // Of the rows that count:
  arrow::Result<std::vector<LeftOut>> LeftOutRows(int64_t collection, LeftOutRow::Kind kind, int64_t limit);
  /// Key hashes of both kinds, sorted.
  arrow::Result<std::vector<Hash128>> LeftOutKeys(int64_t collection);
  /// Calls `visit` with the record of each, in order, and holds the journal meanwhile.
  arrow::Status VisitLeftOut(int64_t collection, LeftOutRow::Kind kind,
                             const std::function<arrow::Status(std::string_view record)>& visit);

  arrow::Result<JournaledLimits> ReadLimits();
  arrow::Status SaveFileLimits(const Limits& limits);
  arrow::Status SaveLimitChange(const LimitChange& change);
  /// Another number after another process wrote to the journal.
  arrow::Result<int64_t> OthersVersion();

  /// The last report; none while the job was never ended.
  arrow::Status SaveReport(const Report& report, const std::string& json);
  struct SavedReport {
    Verdict verdict = Verdict::kPlanned;
    std::string json;
  };
  arrow::Result<std::optional<SavedReport>> LastReport();

 private:
  Journal(std::unique_ptr<SqliteDatabase> db, Header header) : db_(std::move(db)), header_(std::move(header)) {}
  arrow::Status Create();
  arrow::Status Load();
  arrow::Status BeginEpoch();
  arrow::Result<std::string> Meta(const std::string& key);
  /// Of a key that need not be there; empty without it.
  arrow::Result<std::string> FindMeta(const std::string& key);
  arrow::Status SetMeta(const std::string& key, const std::string& value);
  arrow::Status UpsertReceipt(int64_t collection, const Receipt& receipt);

  std::mutex mutex_;
  std::unique_ptr<SqliteDatabase> db_;
  Header header_;
  std::string job_id_;
  int64_t epoch_ = 0;
};

/// kConflict where the journal was begun by a job of another identity, telling what to do.
arrow::Status CheckSameJob(const Journal::Header& begun, const Journal::Header& header);

// Where the files of a job lie: its journal, that of a repair under way (not named as a job's, or it would be listed
// among them), its lease and its last report.
std::string JournalPath(const std::string& state_dir, const std::string& job);
std::string RepairPath(const std::string& state_dir, const std::string& job);
std::string LockPath(const std::string& state_dir, const std::string& job);
std::string ReportPath(const std::string& state_dir, const std::string& job);

}  // namespace godwit
