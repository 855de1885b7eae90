#include "stores/sqlite/sink.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "base/failpoint.h"
#include "stores/sqlite/catalog.h"
#include "stores/sqlite/codec.h"
#include "stores/sqlite/source.h"

namespace godwit::sqlite {
namespace {

using Mode = SqliteDatabase::Mode;

Failpoint before_write("sqlite.write.before");
Failpoint before_commit("sqlite.commit.before");
Failpoint after_commit("sqlite.commit.after");
Failpoint before_publish("sqlite.publish.before");

arrow::Result<TableInfo> GetTarget(SqliteDatabase& db, const Options& options, const WriteTarget& target) {
  ARROW_ASSIGN_OR_RAISE(TableInfo table, GetTable(db, options, target.schema.ref));
  std::string difference = FirstDifference(target.schema, table.schema);
  if (!table.registered) difference = "godwit did not make it, so it can be read but not written";
  if (difference.empty()) return table;
  return MakeError(ErrorKind::kConflict,
                   "table '" + target.schema.ref.name + "' is not what the job made: " + difference, db.path());
}

// ---------------------------------------------------------------------------------------------------------------------
// Progress at the target

arrow::Status FencedError(const WriteTarget& target, const Split& split) {
  return MakeError(ErrorKind::kConflict,
                   "split '" + split.id + "' of '" + target.schema.ref.name +
                       "' was taken over by a newer run of the job, or the job has ended; this is run " +
                       std::to_string(target.epoch));
}

std::string ProgressOfOthers(const std::string& job, const std::string& table) {
  return "table '" + table + "' is being written by job '" + job +
         "', or that job was left unfinished: finish it, give it up with its --restart, or drop the table "
         "(if_not_empty: drop)";
}

SqliteStatement& BindSplit(SqliteStatement& statement, const WriteTarget& target, const Split& split) {
  return statement.Bind(1, target.job).Bind(2, target.schema.ref.name).Bind(3, split.id);
}

/// One table, one job: of two that found it absent or empty, the first to claim a split wins.
arrow::Status CheckNobodyElse(SqliteDatabase& db, const WriteTarget& target) {
  const std::string& table = target.schema.ref.name;
  ARROW_ASSIGN_OR_RAISE(auto jobs, db.Prepare("SELECT job FROM godwit_progress WHERE collection = ?2"
                                              " ORDER BY job = ?1 LIMIT 1"));  // others first
  jobs.Bind(1, target.job).Bind(2, table);
  ARROW_ASSIGN_OR_RAISE(bool claimed, jobs.Step());
  if (claimed && jobs.Text(0) != target.job) {
    return MakeError(ErrorKind::kConflict, ProgressOfOthers(std::string(jobs.Text(0)), table), db.path());
  }
  jobs.Reset();
  if (claimed || target.existing != ExistingRows::kNone) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto rows, db.Prepare("SELECT 1 FROM main." + QuoteSqliteIdentifier(table) + " LIMIT 1"));
  ARROW_ASSIGN_OR_RAISE(bool filled, rows.Step());
  if (!filled) return arrow::Status::OK();
  return MakeError(ErrorKind::kConflict,
                   "table '" + table +
                       "' was filled by somebody else since the job was planned. Use --restart to "
                       "plan it anew",
                   db.path());
}

/// Makes this run the only one that may commit to the split.
arrow::Status ClaimSplit(SqliteDatabase& db, const WriteTarget& target, const Split& split) {
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
  ARROW_RETURN_NOT_OK(CheckNobodyElse(db, target));
  ARROW_ASSIGN_OR_RAISE(auto claim, db.Prepare("INSERT INTO godwit_progress(job, collection, split, epoch)"
                                               " VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch"
                                               " WHERE epoch <= excluded.epoch"));
  ARROW_RETURN_NOT_OK(BindSplit(claim, target, split).Bind(4, target.epoch).Run());
  if (db.changes() == 0) return FencedError(target, split);
  return transaction.Commit();
}

arrow::Result<std::optional<Receipt>> ReadReceipt(SqliteDatabase& db, const WriteTarget& target, const Split& split) {
  ARROW_ASSIGN_OR_RAISE(auto query,
                        db.Prepare("SELECT position, digest, bytes, rejects, conflicts, complete FROM godwit_progress"
                                   " WHERE job = ? AND collection = ? AND split = ? AND digest IS NOT NULL"));
  ARROW_ASSIGN_OR_RAISE(bool row, BindSplit(query, target, split).Step());
  if (!row) return std::nullopt;
  Receipt receipt{.split_id = split.id, .progress = {}, .evidence = {}};
  receipt.progress.position = query.Text(0);
  ARROW_ASSIGN_OR_RAISE(receipt.progress.digest, Digest::Parse(query.Text(1)));
  receipt.progress.bytes = query.Int(2);
  receipt.progress.rejects = query.Int(3);
  receipt.progress.conflicts = query.Int(4);
  receipt.progress.complete = query.Int(5) != 0;
  return receipt;
}

/// Compares the epoch and sets the progress; in the transaction of the rows.
arrow::Status SaveProgress(SqliteDatabase& db, const WriteTarget& target, const Split& split,
                           const Progress& progress) {
  ARROW_ASSIGN_OR_RAISE(auto update, db.Prepare("UPDATE godwit_progress SET position = ?5, digest = ?6, bytes = ?7,"
                                                " rejects = ?8, conflicts = ?9, complete = ?10"
                                                " WHERE job = ?1 AND collection = ?2 AND split = ?3 AND epoch = ?4"));
  BindSplit(update, target, split).Bind(4, target.epoch).Bind(5, progress.position).Bind(6, progress.digest.ToString());
  update.Bind(7, progress.bytes).Bind(8, progress.rejects).Bind(9, progress.conflicts);
  update.Bind(10, int64_t{progress.complete});
  ARROW_RETURN_NOT_OK(update.Run());
  return db.changes() == 1 ? arrow::Status::OK() : FencedError(target, split);
}

arrow::Status DeleteProgress(SqliteDatabase& db, const WriteTarget& target) {
  ARROW_ASSIGN_OR_RAISE(auto statement, db.Prepare("DELETE FROM godwit_progress WHERE job = ? AND collection = ?"));
  return statement.Bind(1, target.job).Bind(2, target.schema.ref.name).Run();
}

// ---------------------------------------------------------------------------------------------------------------------
// Writer

std::string KeyOf(const CollectionSchema& schema, const arrow::RecordBatch& rows, int64_t row) {
  const int key = schema.key_index();
  return key < 0 ? "row without a key" : KeyText(*rows.column(key), row);
}

/// Binds a row from a parameter on; why it can't be stored, or empty. Without a statement it only looks.
std::string BindRow(const CollectionSchema& schema, const arrow::RecordBatch& rows, int64_t row, int parameter,
                    SqliteStatement* statement) {
  int64_t bytes = 0;
  for (const Field& field : schema.fields) {
    const arrow::Array& column = *rows.column(static_cast<int>(&field - schema.fields.data()));
    if (!field.nullable && column.IsNull(row)) {
      return "field '" + field.name + "' is null, which the schema does not allow";
    }
    bytes += BindValue(field.type, column, row, parameter++, statement);
  }
  if (bytes < kMaxRowBytes) return {};
  return "the row has " + std::to_string(bytes) + " bytes; SQLite takes less than " + std::to_string(kMaxRowBytes);
}

class SqliteWriter : public Writer {
 public:
  static arrow::Result<std::unique_ptr<Writer>> Open(Database* database, const WriteTarget& target, const Split& split,
                                                     ExistingRows existing) {
    ARROW_ASSIGN_OR_RAISE(auto connection, database->Connect(Mode::kReadWrite));
    auto prepare = [&]() -> arrow::Result<std::unique_ptr<Writer>> {
      SqliteDatabase& db = connection->db();
      ARROW_ASSIGN_OR_RAISE(TableInfo table, GetTarget(db, database->options(), target));
      {
        std::lock_guard lock(database->write_mutex());
        ARROW_RETURN_NOT_OK(ClaimSplit(db, target, split));
      }
      // Without declared types, so that values stay as they are bound.
      ARROW_RETURN_NOT_OK(db.Execute("CREATE TEMP TABLE stage(" + StageColumns(table) + ")"));
      std::string values = "?";
      for (size_t i = 1; i < ColumnCount(table); ++i) values += ", ?";
      ARROW_ASSIGN_OR_RAISE(auto insert, db.Prepare("INSERT INTO temp.stage VALUES(" + values + ")"));
      ARROW_ASSIGN_OR_RAISE(auto find, PrepareFind(db, table, target.schema));
      ARROW_ASSIGN_OR_RAISE(RowDecoder found, RowDecoder::Make(target.schema));
      return std::unique_ptr<Writer>(new SqliteWriter(database, std::move(connection), std::move(table), target, split,
                                                      existing, std::move(insert), std::move(find), std::move(found)));
    };
    // Not connection->Translate: the connection has moved when it went well.
    Connection* const opened = connection.get();
    auto writer = prepare();
    if (!writer.ok()) return opened->Translate(writer.status());
    return writer;
  }

  arrow::Result<WriteResult> Write(const Batch& batch, const HashedRows&) override {
    ARROW_RETURN_NOT_OK(connection_->CheckStop());
    return connection_->Translate(Stage(batch));
  }

  arrow::Result<Receipt> Commit(const Progress& progress) override {
    ARROW_RETURN_NOT_OK(connection_->Translate(CommitStaged(progress)));
    return Receipt{.split_id = split_.id, .progress = progress, .evidence = {}};
  }

  void Abort() override {}  // what is staged vanishes with the connection

 private:
  SqliteWriter(Database* database, std::unique_ptr<Connection> connection, TableInfo table, const WriteTarget& target,
               const Split& split, ExistingRows existing, SqliteStatement insert, SqliteStatement find,
               RowDecoder found)
      : database_(*database),
        connection_(std::move(connection)),
        table_(std::move(table)),
        target_(target),
        split_(split),
        existing_(existing),
        insert_(std::move(insert)),
        find_(std::move(find)),
        found_(std::move(found)) {}

  static size_t ColumnCount(const TableInfo& table) { return table.schema.fields.size() + (table.partitioned ? 1 : 0); }

  /// The row of a key, fields in the order of `schema`; of a table without a key it finds none.
  static arrow::Result<SqliteStatement> PrepareFind(SqliteDatabase& db, const TableInfo& table,
                                                    const CollectionSchema& schema) {
    std::string columns;
    for (const Field& field : schema.fields) {
      columns += (columns.empty() ? "" : ", ") + QuoteSqliteIdentifier(field.name);
    }
    const int key = schema.key_index();
    return db.Prepare(
        "SELECT " + columns + " FROM main." + QuoteSqliteIdentifier(schema.ref.name) + " WHERE " +
        (key < 0 ? "FALSE" : QuoteSqliteIdentifier(schema.fields[static_cast<size_t>(key)].name) + " = ?1") +
        (table.partitioned ? " AND " + QuoteSqliteIdentifier(kPartitionColumn) + " = ?2" : ""));
  }

  static std::string StageColumns(const TableInfo& table) {
    std::string columns = "c0";
    for (size_t i = 1; i < ColumnCount(table); ++i) columns += ", c" + std::to_string(i);
    return columns;
  }

  /// In the order of the batches, which may be another one than that of a table that was there before.
  std::string TargetColumns() const {
    std::string columns;
    if (table_.partitioned) columns = QuoteSqliteIdentifier(kPartitionColumn);
    for (const Field& field : target_.schema.fields) {
      columns += (columns.empty() ? "" : ", ") + QuoteSqliteIdentifier(field.name);
    }
    return columns;
  }

  arrow::Result<WriteResult> Stage(const Batch& batch) {
    ARROW_RETURN_NOT_OK(before_write.Hit());
    ARROW_RETURN_NOT_OK(CheckPartition(batch.partition));
    WriteResult result;
    // One transaction of the temporary file; the database itself is not touched.
    ARROW_RETURN_NOT_OK(connection_->db().Execute("BEGIN"));
    for (int64_t row = 0; row < batch.rows->num_rows(); ++row) {
      std::string reason = StageRow(batch, row);
      if (reason.empty()) {
        bool there = false;
        if (existing_ == ExistingRows::kReport) {
          ARROW_ASSIGN_OR_RAISE(there, Find(batch, row));
        }
        if (there) {
          result.existing_rows.push_back(row);
        } else {
          ARROW_RETURN_NOT_OK(insert_.Run());
        }
        continue;
      }
      result.rejected_rows.push_back(row);
      result.rejected.push_back({.key = KeyOf(target_.schema, *batch.rows, row), .reason = std::move(reason)});
    }
    ARROW_RETURN_NOT_OK(connection_->db().Execute("COMMIT"));
    if (!result.existing_rows.empty()) {
      ARROW_ASSIGN_OR_RAISE(result.existing, found_.Finish());
    }
    return result;
  }

  /// Whether the table holds the key of a row; what it holds goes to `found_`.
  arrow::Result<bool> Find(const Batch& batch, int64_t row) {
    const auto key = static_cast<size_t>(target_.schema.key_index());
    BindValue(target_.schema.fields[key].type, *batch.rows->column(static_cast<int>(key)), row, 1, &find_);
    if (table_.partitioned) find_.Bind(2, std::string_view(batch.partition));
    ARROW_ASSIGN_OR_RAISE(bool there, find_.Step());
    if (!there) return false;
    ARROW_RETURN_NOT_OK(found_.Append(find_, 0));
    find_.Reset();
    return true;
  }

  arrow::Status CheckPartition(const std::string& partition) const {
    const auto& known = table_.schema.partitions;
    const bool found = partition.empty() || std::find(known.begin(), known.end(), partition) != known.end();
    if (found) return arrow::Status::OK();
    return MakeError(ErrorKind::kNotFound, "there is no partition '" + partition + "'", table_.schema.ref.ToString());
  }

  /// Binds a row; why it can't be stored, or empty.
  std::string StageRow(const Batch& batch, int64_t row) {
    if (table_.partitioned) insert_.Bind(1, std::string_view(batch.partition));
    return BindRow(target_.schema, *batch.rows, row, table_.partitioned ? 2 : 1, &insert_);
  }

  arrow::Status CommitStaged(const Progress& progress) {
    SqliteDatabase& db = connection_->db();
    {
      std::lock_guard lock(database_.write_mutex());
      ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
      ARROW_RETURN_NOT_OK(SaveProgress(db, target_, split_, progress));
      ARROW_RETURN_NOT_OK(MoveStaged());
      ARROW_RETURN_NOT_OK(before_commit.Hit());
      arrow::Status committed = transaction.Commit();
      // A failed fsync leaves open whether the transaction stands.
      if (!committed.ok()) return MakeError(ErrorKind::kOutcomeUnknown, "commit: " + Describe(committed), db.path());
    }
    ARROW_RETURN_NOT_OK(after_commit.Hit());
    return db.Execute("DELETE FROM temp.stage");
  }

  /// In the order in which they came: of equal keys the last one stays.
  arrow::Status MoveStaged() {
    SqliteDatabase& db = connection_->db();
    arrow::Status status =
        db.Execute(std::string(existing_ == ExistingRows::kReplace ? "INSERT OR REPLACE" : "INSERT") + " INTO main." +
                   QuoteSqliteIdentifier(table_.schema.ref.name) + "(" + TargetColumns() +
                   ") SELECT * FROM temp.stage ORDER BY rowid");
    if (status.ok() || (sqlite3_errcode(db.handle()) & 0xff) != SQLITE_CONSTRAINT) return status;
    return MakeError(
        ErrorKind::kConflict,
        "a key of this split came to the target since the job began, or is twice in the split: " + Describe(status));
  }

  Database& database_;
  const std::unique_ptr<Connection> connection_;
  const TableInfo table_;
  const WriteTarget target_;
  const Split split_;
  const ExistingRows existing_;
  SqliteStatement insert_;
  SqliteStatement find_;
  RowDecoder found_;
};

// ---------------------------------------------------------------------------------------------------------------------

arrow::Status DeleteRows(SqliteDatabase& db, const TableInfo& table, const std::string& partition,
                         const arrow::Array& keys) {
  const int key = table.schema.key_index();
  if (key < 0) {
    return MakeError(ErrorKind::kUnsupported, "rows of a table without a key can't be deleted one by one",
                     table.schema.ref.ToString());
  }
  const Field& field = table.schema.fields[static_cast<size_t>(key)];
  std::string sql = "DELETE FROM main." + QuoteSqliteIdentifier(table.schema.ref.name) + " WHERE " +
                    QuoteSqliteIdentifier(field.name) + " = ?";
  if (table.partitioned) sql += " AND " + QuoteSqliteIdentifier(kPartitionColumn) + " = ?";
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
  ARROW_ASSIGN_OR_RAISE(auto statement, db.Prepare(sql));
  for (int64_t i = 0; i < keys.length(); ++i) {
    BindValue(field.type, keys, i, 1, &statement);
    if (table.partitioned) statement.Bind(2, std::string_view(partition));
    ARROW_RETURN_NOT_OK(statement.Run());
  }
  return transaction.Commit();
}

std::string Joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : "; ") + problem;
  return text;
}

arrow::Status PublishIn(SqliteDatabase& db, const WriteTarget& target) {
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
  for (const std::string& sql : CreateIndexSql(target.schema)) ARROW_RETURN_NOT_OK(db.Execute(sql));
  ARROW_RETURN_NOT_OK(DeleteProgress(db, target));
  return transaction.Commit();
}

}  // namespace

arrow::Status SqliteSink::CheckNames(const CollectionSchema& wanted) const {
  const std::vector<std::string> problems = BadNames(wanted);
  if (problems.empty()) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidConfig, "SQLite does not take every name of '" + wanted.ref.ToString() +
                                                  "': " + Joined(problems) + ". Give other names in the job");
}

arrow::Result<CollectionSchema> SqliteSink::Adapt(const CollectionSchema& source) {
  const std::vector<std::string> problems = UnsupportedFeatures(source);
  if (problems.empty()) return source;
  return MakeError(ErrorKind::kUnsupported,
                   "SQLite can't hold collection '" + source.ref.ToString() + "': " + Joined(problems),
                   database_.options().path);
}

arrow::Status SqliteSink::CheckUse(const CollectionSchema& target, const TargetUse& use) {
  std::error_code error;
  if (use.drop || !std::filesystem::exists(database_.options().path, error)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  return connection->Translate(CheckCreation(connection->db(), database_.options(), target));
}

CommitMode SqliteSink::commit_mode(const CollectionSchema&) const { return CommitMode::kTransactional; }

arrow::Result<Recovery> SqliteSink::Recover(const WriteTarget& target, const Split& split,
                                            const std::optional<Receipt>& journaled, bool) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadWrite));
  auto recover = [&]() -> arrow::Result<Recovery> {
    SqliteDatabase& db = connection->db();
    ARROW_RETURN_NOT_OK(GetTarget(db, database_.options(), target));
    std::lock_guard lock(database_.write_mutex());
    ARROW_RETURN_NOT_OK(ClaimSplit(db, target, split));
    // What the target says is never older than the journal. It says nothing once the job was published.
    ARROW_ASSIGN_OR_RAISE(auto receipt, ReadReceipt(db, target, split));
    return Recovery{.receipt = receipt ? receipt : journaled, .replay = false};
  };
  return connection->Translate(recover());
}

arrow::Result<std::unique_ptr<Writer>> SqliteSink::Open(const WriteTarget& target, const Split& split,
                                                        const Recovery& recovery) {
  // A correction replaces what it finds, but for rows that are to stay.
  const bool reports = target.existing == ExistingRows::kReport;
  return SqliteWriter::Open(&database_, target, split,
                            recovery.replay && !reports ? ExistingRows::kReplace : target.existing);
}

arrow::Result<WriteResult> SqliteSink::FindRejected(const CollectionSchema& target, const Batch& batch) {
  WriteResult result;
  for (int64_t row = 0; row < batch.rows->num_rows(); ++row) {
    std::string reason = BindRow(target, *batch.rows, row, 1, nullptr);
    if (reason.empty()) continue;
    result.rejected_rows.push_back(row);
    result.rejected.push_back({.key = KeyOf(target, *batch.rows, row), .reason = std::move(reason)});
  }
  return result;
}

arrow::Status SqliteSink::Finalize(const WriteTarget&, const std::vector<Receipt>&) { return arrow::Status::OK(); }

arrow::Result<std::unique_ptr<Source>> SqliteSink::ReadBack(const WriteTarget&, const std::vector<Receipt>&) {
  return std::make_unique<SqliteSource>(&database_);
}

arrow::Status SqliteSink::DeleteKeys(const WriteTarget& target, const std::string& partition,
                                     const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>*) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadWrite));
  ARROW_ASSIGN_OR_RAISE(TableInfo table,
                        connection->Translate(GetTarget(connection->db(), database_.options(), target)));
  std::lock_guard lock(database_.write_mutex());
  return connection->Translate(DeleteRows(connection->db(), table, partition, *keys));
}

arrow::Status SqliteSink::Publish(const WriteTarget& target, const std::vector<Receipt>&, const Digest&) {
  ARROW_RETURN_NOT_OK(before_publish.Hit());
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadWrite));
  std::lock_guard lock(database_.write_mutex());
  return connection->Translate(PublishIn(connection->db(), target));
}

arrow::Status SqliteSink::Discard(const WriteTarget& target) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadWrite));
  std::lock_guard lock(database_.write_mutex());
  return connection->Translate(DeleteProgress(connection->db(), target));
}

}  // namespace godwit::sqlite
