#include "base/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace godwit {
namespace {

arrow::Status SqliteError(sqlite3* db, const std::string& path) {
  int code = sqlite3_extended_errcode(db);
  ErrorKind kind = ErrorKind::kInternal;
  switch (code & 0xff) {
    case SQLITE_FULL:
      kind = ErrorKind::kNoSpace;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      kind = ErrorKind::kConflict;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorKind::kCorruptData;
      break;
    case SQLITE_CANTOPEN:
      kind = ErrorKind::kNotFound;
      break;
    default:
      break;
  }
  return MakeError(kind, std::string(sqlite3_errmsg(db)), path);
}

}  // namespace

SqliteStatement::SqliteStatement(sqlite3* db, sqlite3_stmt* statement, std::string path)
    : db_(db), statement_(statement), path_(std::move(path)) {}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)), path_(std::move(other.path_)) {}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement& SqliteStatement::Bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int parameter, double value) {
  sqlite3_bind_double(statement_, parameter, value);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL instead of the empty string.
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, parameter, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, parameter, data, bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::BindNull(int parameter) {
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

arrow::Result<bool> SqliteStatement::Step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  arrow::Status status = code == SQLITE_DONE ? arrow::Status::OK() : SqliteError(db_, path_);
  sqlite3_reset(statement_);
  ARROW_RETURN_NOT_OK(status);
  return false;
}

arrow::Status SqliteStatement::Run() {
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, Step());
    if (!row) return arrow::Status::OK();
  }
}

void SqliteStatement::Reset() { sqlite3_reset(statement_); }

bool SqliteStatement::IsNull(int column) const { return type(column) == SQLITE_NULL; }
int SqliteStatement::type(int column) const { return sqlite3_column_type(statement_, column); }
int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
double SqliteStatement::Double(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view SqliteStatement::Text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

arrow::Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path, Mode mode,
                                                                    int busy_timeout_ms) {
  int flags = SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<SqliteDatabase> db(new SqliteDatabase(handle, path));
  if (handle == nullptr) return MakeError(ErrorKind::kInternal, "out of memory", path);
  if (code != SQLITE_OK) return SqliteError(handle, path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return db;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(db_); }

arrow::Status SqliteDatabase::Execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return SqliteError(db_, path_);
  return arrow::Status::OK();
}

arrow::Result<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return SqliteError(db_, path_);
  }
  return SqliteStatement(db_, statement, path_);
}

int64_t SqliteDatabase::changes() const { return sqlite3_changes64(db_); }

arrow::Result<SqliteTransaction> SqliteTransaction::Begin(SqliteDatabase* db) {
  ARROW_RETURN_NOT_OK(db->Execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(db);
}

SqliteTransaction::~SqliteTransaction() {
  if (db_ == nullptr) return;
  // The transaction is already gone after some errors (a full disk); nothing can be done about a failure here.
  sqlite3_exec(db_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

arrow::Status SqliteTransaction::Commit() {
  ARROW_RETURN_NOT_OK(db_->Execute("COMMIT"));
  db_ = nullptr;
  return arrow::Status::OK();
}

std::string QuoteSqliteIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace godwit
