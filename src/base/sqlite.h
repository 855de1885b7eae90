// SQLite through arrow::Status: a connection and prepared statements. Errors are kNoSpace for a full disk, kConflict
// for a lock held elsewhere, kCorruptData for a damaged file, else kInternal, with the file's path in the message. A
// connection and its statements belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "godwit/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace godwit {

class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();

  // Parameters are numbered from 1. Text and blobs are copied.
  SqliteStatement& Bind(int parameter, int64_t value);
  SqliteStatement& Bind(int parameter, double value);
  SqliteStatement& Bind(int parameter, std::string_view text);
  SqliteStatement& BindBlob(int parameter, std::string_view bytes);
  SqliteStatement& BindNull(int parameter);

  /// True when there is a row. After false or an error the statement is reset and may be bound and stepped again.
  arrow::Result<bool> Step();
  /// Steps to the end.
  arrow::Status Run();
  void Reset();

  // Columns are numbered from 0; valid after Step() gave true, until the next call.
  bool IsNull(int column) const;
  int type(int column) const;
  int64_t Int(int column) const;
  double Double(int column) const;
  std::string_view Text(int column) const;  // the bytes of a text or blob

 private:
  friend class SqliteDatabase;
  SqliteStatement(sqlite3* db, sqlite3_stmt* statement, std::string path);

  sqlite3* db_;
  sqlite3_stmt* statement_;
  std::string path_;
};

class SqliteDatabase {
 public:
  enum class Mode { kReadOnly, kReadWrite, kCreate };

  /// `busy_timeout_ms`: how long a statement waits for a lock held by another connection.
  static arrow::Result<std::unique_ptr<SqliteDatabase>> Open(const std::string& path, Mode mode, int busy_timeout_ms);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;

  /// Runs one or several statements without parameters or results.
  arrow::Status Execute(const std::string& sql);
  arrow::Result<SqliteStatement> Prepare(std::string_view sql);
  int64_t changes() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() { return db_; }

 private:
  SqliteDatabase(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

  sqlite3* db_;
  std::string path_;
};

/// Rolls back on destruction unless committed.
class SqliteTransaction {
 public:
  /// BEGIN IMMEDIATE: takes the write lock at once, so that a commit can't fail for it.
  static arrow::Result<SqliteTransaction> Begin(SqliteDatabase* db);
  SqliteTransaction(SqliteTransaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  ~SqliteTransaction();
  arrow::Status Commit();

 private:
  explicit SqliteTransaction(SqliteDatabase* db) : db_(db) {}
  SqliteDatabase* db_;
};

/// "name" with quotes doubled: any text as an identifier.
std::string QuoteSqliteIdentifier(std::string_view name);

}  // namespace godwit
