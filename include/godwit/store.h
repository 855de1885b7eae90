// The contracts between the engine and the stores.
//
// Data flows one way: Source -> Reader -> Batch -> Writer -> Receipt. Nothing downstream calls back upstream.
// Ownership: what a function returns is the caller's; references passed in live at least as long as the call, a Store
// outlives everything it handed out. Threads: Store, Catalog, Source and Sink may be called from several threads at
// once; a Reader or a Writer belongs to one thread at a time. Cancellation: a call in progress ends early with
// kCancelled soon after the StopToken given to StoreFactory is triggered.
// Errors: kThrottled and kUnavailable may be retried by the engine; kOutcomeUnknown sends it to Sink::Recover.
// Rooms retry by themselves only what is safe and short; the engine owns patience.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/digest.h"
#include "godwit/error.h"
#include "godwit/options.h"
#include "godwit/schema.h"
#include "godwit/stop_token.h"

namespace godwit {

// ---------------------------------------------------------------------------------------------------------------------
// Values

/// How long the state that a split is read at can be read again.
enum class SnapshotLife {
  kNone,     // every read sees the newest state (Milvus 2.3 by gRPC)
  kSession,  // as long as the source's session lives
  kDurable,  // files with hashes, storage at a timestamp
};

struct Snapshot {
  SnapshotLife life = SnapshotLife::kNone;
  std::string id = {};  // equal ids = the same rows; meaningful for kSession and kDurable
};

/// A closed piece of one collection: the unit of parallel work and of retry. Data without secrets; any process can run
/// it.
struct Split {
  std::string id;    // unique inside the collection, stable, [a-z0-9-]+
  std::string spec;  // JSON of the room: a key range, a file, ...
  int64_t estimated_rows = 0;
  int64_t estimated_bytes = 0;
};

struct SplitPolicy {
  int64_t target_bytes = 256LL << 20;  // aimed at; a split may be smaller, and at most 1 GiB
  int32_t min_splits = 1;              // so that all workers have work; a small collection may give fewer
  std::string filter = {};  // a condition in the store's own language (Capabilities::filter); empty = every row
};

/// Rows of one split and one partition. Columns in the order and the storage types of the schema passed to Open.
struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::string partition;  // "" = the default one; always "" with a partition key
  std::string position;   // where the split goes on after these rows; for resume_after. Opaque, room's own
  /// Rows that the store holds beyond one a key, for the keys of this batch, where the store shows only one of them.
  int64_t surplus_rows = 0;
};

/// What of a split has reached the target.
struct Progress {
  std::string position;  // of the last batch; empty = nothing yet
  Digest digest;         // of the rows handed to the target and accepted, as the target shows them
  int64_t bytes = 0;
  int64_t rejects = 0;    // rows that the target refused
  int64_t conflicts = 0;  // rows whose key the target holds with another row, which stays
  bool complete = false;  // the reader reached its end
};

/// The target's word that the progress is durable: it survives kill -9 of godwit and of the target.
struct Receipt {
  std::string split_id;
  Progress progress;
  std::string evidence;  // JSON of the room: parts with sizes and hashes, id ranges, ...
};

struct Rejected {
  std::string key;  // for people
  std::string reason;
};

struct WriteResult {
  std::vector<int64_t> rejected_rows;  // indexes into the batch, ascending
  std::vector<Rejected> rejected;      // the same rows, with reasons
  // With ExistingRows::kReport, rows that were not written because the target holds their key:
  std::vector<int64_t> existing_rows;            // indexes into the batch, in any order
  std::shared_ptr<arrow::RecordBatch> existing;  // the target's rows, in the same order and the batch's columns
};

enum class CommitMode {
  kTransactional,  // progress is written with the rows, in one transaction
  kUpsertByKey,    // a replay overwrites by key
  kStagedPublish,  // parts are invisible until Publish
  kAppendOnly,     // the target makes the keys
  kNone,           // a null sink: nothing is kept
};

/// How a split goes on, decided by Sink::Recover.
struct Recovery {
  std::optional<Receipt> receipt;  // the newest; none = from the beginning
  bool replay = false;             // rows after the receipt may be at the target already: write them idempotently
};

/// What the target held when the job began, and what becomes of it where a key of the source is among it.
enum class ExistingRows {
  kNone,     // it held no rows
  kAdd,      // they can't meet the source's: the target makes the keys, or has none
  kReplace,  // equal keys are overwritten: write idempotently from the start
  kReport,   // equal keys are not written, and come back from Writer::Write with the target's rows
};

/// The collection at the target that a job writes to.
struct WriteTarget {
  CollectionSchema schema;  // as Sink::Adapt returned it
  std::string job;          // id of the job, [a-z0-9-]+, stable over resumes
  int64_t epoch = 0;        // of this run; grows with each run of the job
  ExistingRows existing = ExistingRows::kNone;
  bool exclusive = false;  // the job made the collection: every row in it is the job's
  bool read_back = true;   // the rows will be read after Finalize; else what is written need not stay in memory
};

struct TargetState {
  bool exists = false;
  std::string identity;  // id and creation time at the store; changes when it is dropped and made again
  int64_t rows = 0;      // exact where `rows_exact`
  bool rows_exact = true;
  std::optional<CollectionSchema> schema;
};

struct CheckItem {
  enum class Verdict { kPassed, kWarning, kFailed };
  std::string name;  // one of PrecheckItems(): "reachable", "authorised", "version", ...
  Verdict verdict = Verdict::kPassed;
  std::string message;       // what was seen; when not passed, what to do
  std::string subject = {};  // set by the engine: "source milvus", "default.a"
};

/// Duplicate keys met while reading: the same identity in several rows of the source.
struct Duplicates {
  int64_t surplus_rows = 0;         // rows beyond one a key
  std::vector<std::string> sample;  // "key x3", at most 1,000
};

// ---------------------------------------------------------------------------------------------------------------------
// Contracts

/// Lists, describes and changes collections.
class Catalog {
 public:
  virtual ~Catalog() = default;
  /// Names in a database, sorted; an absent database is kNotFound.
  virtual arrow::Result<std::vector<std::string>> List(const std::string& database) = 0;
  /// Names of the databases, sorted; none where the store has no databases.
  virtual arrow::Result<std::vector<std::string>> Databases() { return std::vector<std::string>(); }
  virtual arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) = 0;
  /// Never fails because the collection is absent.
  virtual arrow::Result<TargetState> State(const CollectionRef& ref) = 0;
  /// An id that the collection has by whatever address or alias it is reached; empty where the address tells all, or
  /// where it is absent.
  virtual arrow::Result<std::string> GlobalId(const CollectionRef&) { return std::string(); }
  /// A folder of this machine that is the collection's own: whatever else is put there may spoil it. Absolute; empty
  /// where there is none.
  virtual arrow::Result<std::string> Folder(const CollectionRef&) { return std::string(); }
  /// Creates the database where needed, the collection and its partitions, without indexes. Idempotent; a collection
  /// of that name whose FirstDifference to `schema` is not empty is kConflict. Missing partitions are added.
  virtual arrow::Status Create(const CollectionSchema& schema) = 0;
  /// Idempotent: an absent collection is OK.
  virtual arrow::Status Drop(const CollectionRef& ref) = 0;
  /// For people: what Create and the building of indexes would do for a schema that Sink::Adapt returned, by the
  /// store's own means (SQL statements, calls as JSON, a layout). Needs no connection.
  virtual arrow::Result<std::string> Ddl(const CollectionSchema& schema) {
    return MakeError(ErrorKind::kUnsupported, "collections can't be created here", schema.ref.ToString());
  }
};

/// Reads one split. Next never returns an empty batch; nullopt is the end. A short read is kCorruptData, never the end.
class Reader {
 public:
  virtual ~Reader() = default;
  /// At most about `max_bytes` of Arrow buffers (a single row may exceed it). The caller has reserved that memory.
  virtual arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) = 0;
  /// Duplicates met so far in this split.
  virtual Duplicates duplicates() const { return {}; }
};

enum class ReadPurpose {
  kCopy,    // the user's source: may be altered only as its options allow
  kVerify,  // the target, read back: may be loaded and indexed for the time of reading
};

class Source {
 public:
  virtual ~Source() = default;
  /// What has to be done to the collection before it can be read (load, a temporary index), as JSON of the room;
  /// empty = nothing. Changes nothing. kUnsupported when it can't be read; the message says what to do.
  virtual arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose purpose) = 0;
  /// Does it, and waits until the collection can be read. Idempotent.
  virtual arrow::Status Prepare(const CollectionRef& ref, const std::string& preparation) = 0;
  /// Takes it back. Idempotent; called also after a crash, in a later process.
  virtual arrow::Status Restore(const CollectionRef& ref, const std::string& preparation) = 0;

  /// True where nothing keeps a key from standing in several rows, all of which are read. The engine then looks for
  /// repeated keys before it copies. Sources that show one row a key say false, and report surplus rows.
  virtual arrow::Result<bool> KeysMayRepeat(const CollectionSchema&) { return false; }
  virtual arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) = 0;
  /// kInvalidConfig when `filter` is no condition on the rows of this collection. Only asked where
  /// Capabilities::filter is not empty; writes nothing, loads nothing.
  virtual arrow::Status CheckFilter(const CollectionSchema& schema, const std::string& /*filter*/) {
    return MakeError(ErrorKind::kUnsupported, "rows can't be filtered here", schema.ref.ToString());
  }
  /// Splits cover every row that passes the filter exactly once, at the snapshot; each carries the filter in its spec.
  /// An empty collection gives none or empty ones.
  virtual arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                                       const SplitPolicy& policy) = 0;
  /// `schema` is this store's own (from Describe), possibly with fewer fields (projection). `resume_after` is the
  /// position of an earlier batch of the split, or empty. With a snapshot of life kNone, rows may have changed since.
  virtual arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                                      const Snapshot& snapshot, const std::string& resume_after) = 0;
  /// How many rows of a partition that pass the filter have each of these keys (an array as the key's column). Only
  /// asked of sources whose batches have surplus rows.
  virtual arrow::Result<std::vector<int64_t>> CountRows(const CollectionSchema& schema, const std::string& partition,
                                                        const arrow::Array& /*keys*/, const std::string& /*filter*/) {
    return MakeError(ErrorKind::kUnsupported, "keys don't repeat unseen here", schema.ref.ToString() + partition);
  }
};

/// Writes one split.
class Writer {
 public:
  virtual ~Writer() = default;
  /// Columns as in WriteTarget::schema; `hashes` of all rows, by its canonical bytes. Rows may be in flight when it
  /// returns. An error spoils the writer: drop it, then Recover. With ExistingRows::kReport the rows of an earlier try
  /// at the split may be among the existing ones; a key that comes to the target between Write and Commit is kConflict,
  /// or replaced, never doubled unseen.
  virtual arrow::Result<WriteResult> Write(const Batch& batch, const HashedRows& hashes) = 0;
  /// Makes every row written so far durable and returns the receipt that carries `progress`.
  virtual arrow::Result<Receipt> Commit(const Progress& progress) = 0;
  /// Ends without committing what came after the last receipt; waits for calls in flight up to their deadline.
  virtual void Abort() = 0;
};

/// What of a field, or of the collection (empty field), a target can't keep although it takes the rows.
struct Loss {
  std::string field;
  std::string what;  // "the default value 7 is not kept"
};

/// What a job does to a target collection.
struct TargetUse {
  bool create = false;
  bool drop = false;
  bool write = false;
  bool read_back = false;  // by Sink::ReadBack
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// kInvalidConfig names every name of database, collection, partitions and fields that the target does not take.
  virtual arrow::Status CheckNames(const CollectionSchema& /*wanted*/) const { return arrow::Status::OK(); }
  /// The schema as this target will hold it, from the source's: the room's type table and limits. kUnsupported names
  /// every feature that the target lacks, not a version number.
  virtual arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) = 0;
  /// What Adapt leaves out or changes of the schema, or the room does to values. The job has to allow each by name.
  virtual arrow::Result<std::vector<Loss>> Losses(const CollectionSchema& /*source*/) { return std::vector<Loss>(); }
  /// Whether that may be done there: kUnauthenticated names every privilege that the user lacks, where the store tells.
  /// Asks, and writes nothing. `target` as Adapt returned it.
  virtual arrow::Status CheckUse(const CollectionSchema& /*target*/, const TargetUse& /*use*/) {
    return arrow::Status::OK();
  }
  virtual CommitMode commit_mode(const CollectionSchema& schema) const = 0;
  /// What the user has to know to use this collection there, one sentence each.
  virtual std::vector<std::string> Notes(const CollectionSchema& /*target*/) const { return {}; }
  /// Finds the newest receipt of a split, at the target or the journaled one (`journaled`, none when the journal has
  /// none), and removes or fences what may have been left after it. `attempted` = a writer was opened for this split
  /// before. Called before any replay, with no writer open for the split; a fenced writer of an older epoch can't
  /// commit.
  virtual arrow::Result<Recovery> Recover(const WriteTarget& target, const Split& split,
                                          const std::optional<Receipt>& journaled, bool attempted) = 0;
  virtual arrow::Result<std::unique_ptr<Writer>> Open(const WriteTarget& target, const Split& split,
                                                      const Recovery& recovery) = 0;
  /// The rows that a writer would reject for what they hold, with its reasons; existing rows are not looked for. Writes
  /// nothing, and needs no collection at the target. One rule serves both: Write rejects every row that is named here,
  /// and further ones only where nothing but the writing shows it. `target` as Adapt returned it, columns as in it.
  virtual arrow::Result<WriteResult> FindRejected(const CollectionSchema& /*target*/, const Batch& /*batch*/) {
    return WriteResult();
  }
  /// After all splits: nothing is in flight, rows can be read back. Idempotent.
  virtual arrow::Status Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) = 0;
  /// Reads what the receipts say was written (files: the staged parts), for verification between Finalize and Publish.
  /// Its schema is `target.schema`. Null when this target can't be read back.
  virtual arrow::Result<std::unique_ptr<Source>> ReadBack(const WriteTarget& target,
                                                          const std::vector<Receipt>& receipts) = 0;
  /// Deletes rows by identity; `keys` has the storage type of the target's key. Absent keys are OK. Between Finalize
  /// and Publish, with no writer open. A staged target rewrites the parts that hold such rows and replaces their
  /// evidence in `receipts`.
  virtual arrow::Status DeleteKeys(const WriteTarget& target, const std::string& partition,
                                   const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>* receipts) = 0;
  /// The end of a collection: rename, manifest, indexes, aliases, load, removal of our own traces. Idempotent.
  /// `receipts` hold every split's last receipt, also those of corrections; `digest` is the proven one.
  virtual arrow::Status Publish(const WriteTarget& target, const std::vector<Receipt>& receipts,
                                const Digest& digest) = 0;
  /// Removes what an unfinished job left and nobody will resume: staged parts, progress rows. Published rows stay.
  /// Idempotent.
  virtual arrow::Status Discard(const WriteTarget& target) = 0;
};

/// What a store can do, as data.
struct Capabilities {
  bool source = false;
  bool target = false;
  bool databases = false;
  bool partitions = false;
  SnapshotLife snapshot_life = SnapshotLife::kNone;
  std::string splits_by = {};  // "primary key range", "file", ...
  std::string read_back = {};  // how the target is verified, for people; empty = it can't be
  std::string filter = {};     // the language of SplitPolicy::filter, for people; empty = it takes none
  int64_t max_row_bytes = 0;   // a target takes no larger row; 0 = no limit of its own
};

/// One open store. Source and sink are null where the store has none.
class Store {
 public:
  virtual ~Store() = default;
  /// Reachable, authorised, version, privileges, as a source or as a target; writes nothing. Failures are items, not a
  /// status.
  virtual std::vector<CheckItem> Check(OptionScope role) = 0;
  virtual Catalog* catalog() = 0;
  virtual Source* source() = 0;
  virtual Sink* sink() = 0;
  /// Identity of the server or folder, without secrets: "http://h:19530". Part of the job's identity.
  virtual std::string address() const = 0;
  /// Bytes free where it writes; nothing where it can't know.
  virtual std::optional<int64_t> FreeBytes() { return std::nullopt; }
  /// The database of a collection that names none.
  virtual std::string default_database() const { return {}; }
};

/// A room's entry in the list of stores.
struct StoreFactory {
  std::string name;         // as in `store: milvus`
  std::string description;  // one line
  Capabilities capabilities;
  OptionTable options;
  /// Connects lazily: Open itself makes no network call. Checks what can be checked of the values (kInvalidConfig, its
  /// `where` the option, or `option.key` of a map: the caller knows its place in the file).
  std::function<arrow::Result<std::unique_ptr<Store>>(const OptionValues&, StopToken)> open;
};

using StoreRegistry = std::vector<StoreFactory>;

/// Every room that this build has.
const StoreRegistry& AllStores();
const StoreFactory* FindStore(const StoreRegistry& stores, std::string_view name);

}  // namespace godwit
