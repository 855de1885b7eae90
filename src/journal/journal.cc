#include "journal/journal.h"

#include <charconv>
#include <map>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failpoint.h"

namespace godwit {
namespace {

using nlohmann::json;

constexpr int64_t kFormatVersion = 2;
constexpr int kBusyTimeoutMs = 10'000;

Failpoint before_plan("journal.plan.before");
Failpoint after_plan("journal.plan.after");
Failpoint before_stage("journal.stage.before");
Failpoint after_stage("journal.stage.after");
Failpoint before_splits("journal.splits.before");
Failpoint after_splits("journal.splits.after");
Failpoint after_attempt("journal.attempt.after");
Failpoint before_receipt("journal.receipt.before");
Failpoint after_receipt("journal.receipt.after");
Failpoint after_left_out("journal.left_out.after");
Failpoint before_report("journal.report.before");

constexpr const char* kSchema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections(id INTEGER PRIMARY KEY, stage INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  mapping TEXT NOT NULL, drop_target INTEGER NOT NULL, existing INTEGER NOT NULL, exclusive INTEGER NOT NULL, preparation TEXT NOT NULL, verify_preparation TEXT NOT NULL,
  target_identity TEXT NOT NULL, snapshot_life INTEGER NOT NULL, snapshot_id TEXT NOT NULL, report TEXT NOT NULL);
CREATE TABLE splits(collection INTEGER NOT NULL REFERENCES collections(id), ordinal INTEGER NOT NULL, id TEXT NOT NULL,
  spec TEXT NOT NULL, estimated_rows INTEGER NOT NULL, estimated_bytes INTEGER NOT NULL,
  attempted INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(collection, id)) WITHOUT ROWID;
CREATE TABLE receipts(collection INTEGER NOT NULL REFERENCES collections(id), split TEXT NOT NULL,
  position TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, rejects INTEGER NOT NULL,
  conflicts INTEGER NOT NULL, complete INTEGER NOT NULL, evidence TEXT NOT NULL,
  PRIMARY KEY(collection, split)) WITHOUT ROWID;
CREATE TABLE left_out(collection INTEGER NOT NULL REFERENCES collections(id), kind INTEGER NOT NULL,
  split TEXT NOT NULL, ordinal INTEGER NOT NULL, hash TEXT NOT NULL, partition TEXT NOT NULL, key TEXT NOT NULL,
  reason TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY(collection, kind, split, ordinal));
)sql";

/// Left out rows that a receipt counts; the columns of both tables, but for the record's.
constexpr const char* kCounted =
    " FROM left_out AS l JOIN receipts AS r ON r.collection = l.collection AND r.split = l.split"
    " AND l.ordinal <= CASE l.kind WHEN 0 THEN r.rejects ELSE r.conflicts END WHERE l.collection = ?";

/// The part of a collection's report that must outlive the process.
std::string ReportToJson(const CollectionReport& report) {
  return json{{"copy_seconds", report.copy_seconds},
              {"verify_seconds", report.verify_seconds},
              {"verdict", static_cast<int>(report.verdict)},
              {"verified_at", report.verified_at},
              {"rounds", report.rounds},
              {"written", report.written},
              {"deleted", report.deleted},
              {"sample_rows", report.sample_rows},
              {"rows", report.rows},
              {"bytes", report.bytes},
              {"duplicates", report.duplicates},
              {"rejects", report.rejects},
              {"conflicts", report.conflicts},
              {"digest", report.digest.ToString()},
              {"duplicate_sample", report.duplicate_sample},
              {"notes", report.notes}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

arrow::Status ReportFromJson(std::string_view text, CollectionReport* report) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return MakeError(ErrorKind::kCorruptData, "the journal's report is not JSON");
  report->copy_seconds = object.value("copy_seconds", 0.0);
  report->verify_seconds = object.value("verify_seconds", 0.0);
  report->verdict = static_cast<Verdict>(object.value("verdict", 0));
  report->verified_at = object.value("verified_at", "");
  report->rounds = object.value("rounds", 0);
  report->written = object.value("written", int64_t{0});
  report->deleted = object.value("deleted", int64_t{0});
  report->sample_rows = object.value("sample_rows", int64_t{0});
  report->rows = object.value("rows", int64_t{0});
  report->bytes = object.value("bytes", int64_t{0});
  report->duplicates = object.value("duplicates", int64_t{0});
  report->rejects = object.value("rejects", int64_t{0});
  report->conflicts = object.value("conflicts", int64_t{0});
  report->duplicate_sample = object.value("duplicate_sample", std::vector<std::string>());
  report->notes = object.value("notes", std::vector<std::string>());
  ARROW_ASSIGN_OR_RAISE(report->digest, Digest::Parse(object.value("digest", "")));
  return arrow::Status::OK();
}

/// Calls `visit` with the name and the member of each limit; of Limits and of LimitChange.
template <class T, class Visit>
void VisitLimits(T* limits, Visit visit) {
  visit("rows_per_second", &limits->rows_per_second);
  visit("bytes_per_second", &limits->bytes_per_second);
  visit("parallelism", &limits->parallelism);
  visit("read_parallelism", &limits->read_parallelism);
  visit("write_parallelism", &limits->write_parallelism);
}

std::string NewJobId(const Journal::Header& header) {
  // The suffix is random so that a restarted job can never mistake what an abandoned one left for its own.
  std::string id;
  for (char c : header.job) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    id += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  id = id.substr(0, 40) + '-';
  for (int i = 0; i < 8; ++i) id += kDigits[random() % 16];
  return id;
}

arrow::Result<JournaledCollection> ReadCollection(const SqliteStatement& row) {
  JournaledCollection collection;
  collection.id = row.Int(0);
  collection.stage = static_cast<Stage>(row.Int(1));
  ARROW_ASSIGN_OR_RAISE(collection.source, SchemaFromJson(row.Text(2)));
  ARROW_ASSIGN_OR_RAISE(collection.target, SchemaFromJson(row.Text(3)));
  collection.drop_target = row.Int(4) != 0;
  collection.existing = static_cast<ExistingRows>(row.Int(5));
  collection.exclusive = row.Int(6) != 0;
  collection.preparation = row.Text(7);
  collection.verify_preparation = row.Text(8);
  collection.target_identity = row.Text(9);
  collection.snapshot = Snapshot{static_cast<SnapshotLife>(row.Int(10)), std::string(row.Text(11))};
  ARROW_RETURN_NOT_OK(ReportFromJson(row.Text(12), &collection.report));
  ARROW_ASSIGN_OR_RAISE(collection.mapping, MappingFromJson(row.Text(13)));
  collection.report.source = collection.source.ref;
  collection.report.target = collection.target.ref;
  return collection;
}

void BindCollection(const JournaledCollection& collection, SqliteStatement* statement) {
  statement->Bind(1, static_cast<int64_t>(collection.stage))
      .Bind(2, ToJson(collection.source))
      .Bind(3, ToJson(collection.target))
      .Bind(4, int64_t{collection.drop_target})
      .Bind(5, static_cast<int64_t>(collection.existing))
      .Bind(6, int64_t{collection.exclusive})
      .Bind(7, collection.preparation)
      .Bind(8, collection.verify_preparation)
      .Bind(9, collection.target_identity)
      .Bind(10, static_cast<int64_t>(collection.snapshot.life))
      .Bind(11, collection.snapshot.id)
      .Bind(12, ReportToJson(collection.report))
      .Bind(13, ToJson(collection.mapping));
}

}  // namespace

std::string_view ToString(Stage stage) {
  static constexpr std::string_view kNames[] = {"planned",  "created",   "copying", "copied",
                                                "verified", "published", "done"};
  return kNames[static_cast<size_t>(stage)];
}

std::string JournalPath(const std::string& state_dir, const std::string& job) {
  return state_dir + "/" + job + ".journal";
}
std::string RepairPath(const std::string& state_dir, const std::string& job) {
  return state_dir + "/" + job + ".repair";
}
std::string LockPath(const std::string& state_dir, const std::string& job) { return state_dir + "/" + job + ".lock"; }
std::string ReportPath(const std::string& state_dir, const std::string& job) {
  return state_dir + "/" + job + ".report.json";
}

arrow::Status CheckSameJob(const Journal::Header& begun, const Journal::Header& header) {
  if (begun.identity == header.identity) return arrow::Status::OK();
  return MakeError(
      ErrorKind::kConflict,
      "job '" + header.job +
          "' was begun with another source, target, list of collections or mapping; only tuning may "
          "change between runs. Use `run --restart` to forget the earlier run, or give the job another name");
}

arrow::Result<std::unique_ptr<Journal>> Journal::Open(const std::string& path, const Header& header) {
  ARROW_ASSIGN_OR_RAISE(auto db, SqliteDatabase::Open(path, SqliteDatabase::Mode::kCreate, kBusyTimeoutMs));
  ARROW_RETURN_NOT_OK(db->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"));
  std::unique_ptr<Journal> journal(new Journal(std::move(db), header));
  ARROW_RETURN_NOT_OK(journal->Create());
  ARROW_RETURN_NOT_OK(journal->Load());
  ARROW_RETURN_NOT_OK(CheckSameJob(journal->header_, header));
  ARROW_RETURN_NOT_OK(journal->BeginEpoch());
  return journal;
}

arrow::Result<std::unique_ptr<Journal>> Journal::OpenReadOnly(const std::string& path) {
  // Read-write mode: a WAL that a killed process left can't be read otherwise. Nothing is written.
  ARROW_ASSIGN_OR_RAISE(auto db, SqliteDatabase::Open(path, SqliteDatabase::Mode::kReadWrite, kBusyTimeoutMs));
  std::unique_ptr<Journal> journal(new Journal(std::move(db), Header{}));
  ARROW_RETURN_NOT_OK(journal->Load());
  return journal;
}

arrow::Status Journal::Create() {
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  ARROW_ASSIGN_OR_RAISE(auto tables, db_->Prepare("SELECT count(*) FROM sqlite_master WHERE name='meta'"));
  ARROW_RETURN_NOT_OK(tables.Step());
  bool present = tables.Int(0) != 0;
  tables.Reset();
  if (present) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(db_->Execute(kSchema));
  ARROW_RETURN_NOT_OK(SetMeta("format_version", std::to_string(kFormatVersion)));
  ARROW_RETURN_NOT_OK(SetMeta("job", header_.job));
  ARROW_RETURN_NOT_OK(SetMeta("identity", header_.identity));
  ARROW_RETURN_NOT_OK(SetMeta("file", header_.file));
  ARROW_RETURN_NOT_OK(SetMeta("dialect", header_.dialect));
  ARROW_RETURN_NOT_OK(SetMeta("job_id", NewJobId(header_)));
  ARROW_RETURN_NOT_OK(SetMeta("epoch", "0"));
  return transaction.Commit();
}

arrow::Status Journal::Load() {
  ARROW_ASSIGN_OR_RAISE(std::string version, Meta("format_version"));
  if (version != std::to_string(kFormatVersion)) {
    return MakeError(ErrorKind::kUnsupported,
                     "the journal has format version " + version + ", this godwit reads version " +
                         std::to_string(kFormatVersion) + "; finish the job with the godwit that began it",
                     db_->path());
  }
  ARROW_ASSIGN_OR_RAISE(header_.job, Meta("job"));
  ARROW_ASSIGN_OR_RAISE(header_.identity, Meta("identity"));
  ARROW_ASSIGN_OR_RAISE(header_.file, Meta("file"));
  ARROW_ASSIGN_OR_RAISE(header_.dialect, Meta("dialect"));
  ARROW_ASSIGN_OR_RAISE(job_id_, Meta("job_id"));
  ARROW_ASSIGN_OR_RAISE(std::string epoch, Meta("epoch"));
  epoch_ = std::stoll(epoch);
  return arrow::Status::OK();
}

arrow::Status Journal::BeginEpoch() {
  std::lock_guard lock(mutex_);
  ++epoch_;
  return SetMeta("epoch", std::to_string(epoch_));
}

arrow::Result<std::string> Journal::Meta(const std::string& key) {
  ARROW_ASSIGN_OR_RAISE(auto select, db_->Prepare("SELECT value FROM meta WHERE key=?"));
  ARROW_ASSIGN_OR_RAISE(bool found, select.Bind(1, key).Step());
  if (!found) return MakeError(ErrorKind::kCorruptData, "the journal has no '" + key + "'", db_->path());
  return std::string(select.Text(0));
}

arrow::Result<std::string> Journal::FindMeta(const std::string& key) {
  ARROW_ASSIGN_OR_RAISE(auto select, db_->Prepare("SELECT value FROM meta WHERE key=?"));
  ARROW_ASSIGN_OR_RAISE(bool found, select.Bind(1, key).Step());
  return found ? std::string(select.Text(0)) : std::string();
}

arrow::Status Journal::SetMeta(const std::string& key, const std::string& value) {
  ARROW_ASSIGN_OR_RAISE(auto insert, db_->Prepare("INSERT OR REPLACE INTO meta VALUES(?,?)"));
  return insert.Bind(1, key).Bind(2, value).Run();
}

arrow::Result<std::vector<JournaledCollection>> Journal::Collections() {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select,
                        db_->Prepare("SELECT id, stage, source, target, drop_target, existing, exclusive, preparation, "
                                     "verify_preparation, target_identity, snapshot_life, snapshot_id, report, mapping "
                                     "FROM collections ORDER BY id"));
  std::vector<JournaledCollection> collections;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return collections;
    ARROW_ASSIGN_OR_RAISE(auto collection, ReadCollection(select));
    collections.push_back(std::move(collection));
  }
}

arrow::Status Journal::AddCollection(JournaledCollection* collection) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_plan.Hit());
  ARROW_ASSIGN_OR_RAISE(
      auto insert,
      db_->Prepare("INSERT INTO collections(stage, source, target, drop_target, existing, exclusive, preparation, "
                   "verify_preparation, target_identity, snapshot_life, snapshot_id, report, mapping) "
                   "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id"));
  BindCollection(*collection, &insert);
  ARROW_RETURN_NOT_OK(insert.Step());
  collection->id = insert.Int(0);
  ARROW_RETURN_NOT_OK(insert.Run());
  return after_plan.Hit();
}

arrow::Status Journal::SaveCollection(const JournaledCollection& collection) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_stage.Hit());
  ARROW_ASSIGN_OR_RAISE(
      auto update,
      db_->Prepare("UPDATE collections SET stage=?, source=?, target=?, drop_target=?, existing=?, exclusive=?, "
                   "preparation=?, verify_preparation=?, target_identity=?, snapshot_life=?, "
                   "snapshot_id=?, report=?, mapping=? WHERE id=?"));
  BindCollection(collection, &update);
  ARROW_RETURN_NOT_OK(update.Bind(14, collection.id).Run());
  return after_stage.Hit();
}

arrow::Status Journal::SaveSplits(const JournaledCollection& collection, const std::vector<Split>& splits) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_splits.Hit());
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  ARROW_ASSIGN_OR_RAISE(auto insert, db_->Prepare("INSERT INTO splits(collection, ordinal, id, spec, estimated_rows, "
                                                  "estimated_bytes) VALUES(?,?,?,?,?,?)"));
  int64_t ordinal = 0;
  for (const Split& split : splits) {
    ARROW_RETURN_NOT_OK(insert.Bind(1, collection.id)
                            .Bind(2, ordinal++)
                            .Bind(3, split.id)
                            .Bind(4, split.spec)
                            .Bind(5, split.estimated_rows)
                            .Bind(6, split.estimated_bytes)
                            .Run());
  }
  ARROW_ASSIGN_OR_RAISE(auto update,
                        db_->Prepare("UPDATE collections SET stage=?, snapshot_life=?, snapshot_id=? WHERE id=?"));
  ARROW_RETURN_NOT_OK(update.Bind(1, static_cast<int64_t>(Stage::kSplit))
                          .Bind(2, static_cast<int64_t>(collection.snapshot.life))
                          .Bind(3, collection.snapshot.id)
                          .Bind(4, collection.id)
                          .Run());
  ARROW_RETURN_NOT_OK(transaction.Commit());
  return after_splits.Hit();
}

arrow::Result<std::vector<JournaledSplit>> Journal::Splits(int64_t collection) {
  ARROW_ASSIGN_OR_RAISE(std::vector<Receipt> receipts, Receipts(collection));
  std::map<std::string, Receipt*> receipt_of;
  for (Receipt& receipt : receipts) receipt_of[receipt.split_id] = &receipt;

  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select, db_->Prepare("SELECT id, spec, estimated_rows, estimated_bytes, attempted, "
                                                  "duplicates FROM splits WHERE collection=? ORDER BY ordinal"));
  select.Bind(1, collection);
  std::vector<JournaledSplit> splits;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return splits;
    JournaledSplit entry;
    entry.split = Split{std::string(select.Text(0)), std::string(select.Text(1)), select.Int(2), select.Int(3)};
    entry.attempted = select.Int(4) != 0;
    entry.duplicates = select.Int(5);
    if (auto receipt = receipt_of.find(entry.split.id); receipt != receipt_of.end()) {
      entry.receipt = std::move(*receipt->second);
    }
    splits.push_back(std::move(entry));
  }
}

arrow::Result<std::vector<Receipt>> Journal::Receipts(int64_t collection) {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select,
                        db_->Prepare("SELECT split, position, digest, bytes, rejects, conflicts, complete, "
                                     "evidence FROM receipts WHERE collection=? ORDER BY split"));
  select.Bind(1, collection);
  std::vector<Receipt> receipts;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return receipts;
    Receipt receipt;
    receipt.split_id = select.Text(0);
    receipt.progress.position = select.Text(1);
    ARROW_ASSIGN_OR_RAISE(receipt.progress.digest, Digest::Parse(select.Text(2)));
    receipt.progress.bytes = select.Int(3);
    receipt.progress.rejects = select.Int(4);
    receipt.progress.conflicts = select.Int(5);
    receipt.progress.complete = select.Int(6) != 0;
    receipt.evidence = select.Text(7);
    receipts.push_back(std::move(receipt));
  }
}

arrow::Status Journal::MarkAttempted(int64_t collection, const std::string& split) {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto update, db_->Prepare("UPDATE splits SET attempted=1 WHERE collection=? AND id=?"));
  ARROW_RETURN_NOT_OK(update.Bind(1, collection).Bind(2, split).Run());
  return after_attempt.Hit();
}

arrow::Status Journal::UpsertReceipt(int64_t collection, const Receipt& receipt) {
  ARROW_ASSIGN_OR_RAISE(
      auto upsert,
      db_->Prepare("INSERT INTO receipts(collection, split, position, digest, bytes, rejects, conflicts, complete, "
                   "evidence) VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET position=excluded.position, "
                   "digest=excluded.digest, bytes=excluded.bytes, rejects=excluded.rejects, "
                   "conflicts=excluded.conflicts, complete=excluded.complete, evidence=excluded.evidence"));
  return upsert.Bind(1, collection)
      .Bind(2, receipt.split_id)
      .Bind(3, receipt.progress.position)
      .Bind(4, receipt.progress.digest.ToString())
      .Bind(5, receipt.progress.bytes)
      .Bind(6, receipt.progress.rejects)
      .Bind(7, receipt.progress.conflicts)
      .Bind(8, int64_t{receipt.progress.complete})
      .Bind(9, receipt.evidence)
      .Run();
}

arrow::Status Journal::SaveReceipt(int64_t collection, const Receipt& receipt, int64_t duplicates) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_receipt.Hit());
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  ARROW_RETURN_NOT_OK(UpsertReceipt(collection, receipt));
  ARROW_ASSIGN_OR_RAISE(auto update, db_->Prepare("UPDATE splits SET duplicates=? WHERE collection=? AND id=?"));
  ARROW_RETURN_NOT_OK(update.Bind(1, duplicates).Bind(2, collection).Bind(3, receipt.split_id).Run());
  ARROW_RETURN_NOT_OK(transaction.Commit());
  return after_receipt.Hit();
}

arrow::Status Journal::SaveReceipts(int64_t collection, const std::vector<Receipt>& receipts) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_receipt.Hit());
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  for (const Receipt& receipt : receipts) ARROW_RETURN_NOT_OK(UpsertReceipt(collection, receipt));
  ARROW_RETURN_NOT_OK(transaction.Commit());
  return after_receipt.Hit();
}

arrow::Status Journal::AddLeftOut(int64_t collection, const std::string& split, const std::vector<LeftOutRow>& rows) {
  if (rows.empty()) return arrow::Status::OK();
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  ARROW_ASSIGN_OR_RAISE(auto insert, db_->Prepare("INSERT OR REPLACE INTO left_out VALUES(?,?,?,?,?,?,?,?,?)"));
  for (const LeftOutRow& row : rows) {
    ARROW_RETURN_NOT_OK(insert.Bind(1, collection)
                            .Bind(2, static_cast<int64_t>(row.kind))
                            .Bind(3, split)
                            .Bind(4, row.ordinal)
                            .Bind(5, fmt::format("{:016x}{:016x}", row.key.high, row.key.low))
                            .Bind(6, row.row.partition)
                            .Bind(7, row.row.key)
                            .Bind(8, row.row.reason)
                            .Bind(9, row.record)
                            .Run());
  }
  ARROW_RETURN_NOT_OK(transaction.Commit());
  return after_left_out.Hit();
}

arrow::Result<std::vector<LeftOut>> Journal::LeftOutRows(int64_t collection, LeftOutRow::Kind kind, int64_t limit) {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select,
                        db_->Prepare("SELECT l.partition, l.key, l.reason" + std::string(kCounted) +
                                     " AND l.kind = ? ORDER BY l.collection, l.kind, l.split, l.ordinal LIMIT ?"));
  select.Bind(1, collection).Bind(2, static_cast<int64_t>(kind)).Bind(3, limit);
  std::vector<LeftOut> rows;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return rows;
    rows.push_back({std::string(select.Text(0)), std::string(select.Text(1)), std::string(select.Text(2))});
  }
}

arrow::Status Journal::VisitLeftOut(int64_t collection, LeftOutRow::Kind kind,
                                    const std::function<arrow::Status(std::string_view record)>& visit) {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select, db_->Prepare("SELECT l.record" + std::string(kCounted) +
                                                  " AND l.kind = ? ORDER BY l.collection, l.kind, l.split, l.ordinal"));
  select.Bind(1, collection).Bind(2, static_cast<int64_t>(kind));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(visit(select.Text(0)));
  }
}

arrow::Result<std::vector<Hash128>> Journal::LeftOutKeys(int64_t collection) {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto select,
                        db_->Prepare("SELECT DISTINCT l.hash" + std::string(kCounted) + " ORDER BY l.hash"));
  select.Bind(1, collection);
  std::vector<Hash128> keys;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, select.Step());
    if (!row) return keys;
    const std::string_view text = select.Text(0);
    Hash128 key;
    auto parse = [&](size_t from, uint64_t* number) {
      const char* begin = text.data() + from;
      return std::from_chars(begin, begin + 16, *number, 16).ptr == begin + 16;
    };
    if (text.size() != 32 || !parse(0, &key.high) || !parse(16, &key.low)) {
      return MakeError(ErrorKind::kCorruptData,
                       "the journal holds a row that was left out with the key hash '" + std::string(text) + "'");
    }
    keys.push_back(key);
  }
}

arrow::Result<JournaledLimits> Journal::ReadLimits() {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(std::string file, FindMeta("file_limits"));
  ARROW_ASSIGN_OR_RAISE(std::string change, FindMeta("limit_change"));
  JournaledLimits limits;
  const json of_file = json::parse(file, nullptr, /*allow_exceptions=*/false);
  const json of_change = json::parse(change, nullptr, /*allow_exceptions=*/false);
  auto has = [](const json& object, const char* name) {
    return object.is_object() && object.contains(name) && object[name].is_number_integer();
  };
  VisitLimits(&limits.file, [&](const char* name, auto* value) {
    if (has(of_file, name)) *value = of_file[name].get<std::decay_t<decltype(*value)>>();
  });
  VisitLimits(&limits.change, [&](const char* name, auto* value) {
    if (has(of_change, name)) *value = of_change[name].get<typename std::decay_t<decltype(*value)>::value_type>();
  });
  return limits;
}

arrow::Status Journal::SaveFileLimits(const Limits& limits) {
  json object = json::object();
  VisitLimits(&limits, [&](const char* name, const auto* value) { object[name] = *value; });
  std::lock_guard lock(mutex_);
  return SetMeta("file_limits", object.dump());
}

arrow::Status Journal::SaveLimitChange(const LimitChange& change) {
  json object = json::object();
  VisitLimits(&change, [&](const char* name, const auto* value) {
    if (*value) object[name] = **value;
  });
  std::lock_guard lock(mutex_);
  return SetMeta("limit_change", object.dump());
}

arrow::Result<int64_t> Journal::OthersVersion() {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto version, db_->Prepare("PRAGMA data_version"));
  ARROW_RETURN_NOT_OK(version.Step());
  return version.Int(0);
}

arrow::Status Journal::SaveReport(const Report& report, const std::string& text) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(before_report.Hit());
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(db_.get()));
  ARROW_RETURN_NOT_OK(SetMeta("verdict", std::to_string(static_cast<int>(report.verdict))));
  ARROW_RETURN_NOT_OK(SetMeta("report", text));
  return transaction.Commit();
}

arrow::Result<std::optional<Journal::SavedReport>> Journal::LastReport() {
  std::lock_guard lock(mutex_);
  auto text = Meta("report");
  if (!text.ok()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(std::string verdict, Meta("verdict"));
  return SavedReport{static_cast<Verdict>(std::stoi(verdict)), *text};
}

}  // namespace godwit
