#include "stores/sqlite/client.h"

#include <sqlite3.h>

#include <utility>

namespace godwit::sqlite {

using Clock = std::chrono::steady_clock;

Connection::Connection(int64_t busy_timeout_ms, StopToken stop)
    : busy_timeout_(busy_timeout_ms), stop_(std::move(stop)) {}

arrow::Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path, SqliteDatabase::Mode mode,
                                                            int64_t busy_timeout_ms, StopToken stop) {
  std::unique_ptr<Connection> connection(new Connection(busy_timeout_ms, std::move(stop)));
  ARROW_ASSIGN_OR_RAISE(connection->db_, SqliteDatabase::Open(path, mode, 0));
  SqliteDatabase& db = *connection->db_;
  constexpr int kInstructionsBetweenChecks = 100'000;  // about a millisecond
  sqlite3_busy_handler(db.handle(), OnBusy, connection.get());
  sqlite3_progress_handler(db.handle(), kInstructionsBetweenChecks, OnProgress, connection.get());

  auto configure = [&]() -> arrow::Status {
    if (mode == SqliteDatabase::Mode::kReadOnly) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(
        db.Execute("PRAGMA synchronous = FULL; PRAGMA temp_store = FILE; PRAGMA temp.journal_mode = OFF"));
    ARROW_ASSIGN_OR_RAISE(auto pages, db.Prepare("PRAGMA page_count"));
    ARROW_ASSIGN_OR_RAISE(bool row, pages.Step());
    const bool is_new = row && pages.Int(0) == 0;
    pages.Reset();
    return is_new ? db.Execute("PRAGMA journal_mode = WAL") : arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(connection->Translate(configure()));
  return connection;
}

int Connection::OnBusy(void* self, int calls) {
  auto* connection = static_cast<Connection*>(self);
  if (calls == 0) connection->busy_since_ = Clock::now();
  if (Clock::now() - connection->busy_since_ >= connection->busy_timeout_) return 0;
  // SQLite has no way to wait for a lock of another process; its own handler polls, too.
  constexpr std::chrono::milliseconds kPoll(5);
  return connection->stop_.WaitFor(kPoll) ? 0 : 1;
}

int Connection::OnProgress(void* self) { return static_cast<Connection*>(self)->stop_.stop_requested() ? 1 : 0; }

arrow::Status Connection::CheckStop() const {
  return stop_.stop_requested() ? MakeError(ErrorKind::kCancelled, "stopped", db_->path()) : arrow::Status::OK();
}

arrow::Status Connection::Translate(const arrow::Status& status) const {
  if (status.ok()) return status;
  ARROW_RETURN_NOT_OK(CheckStop());
  const int code = sqlite3_errcode(db_->handle()) & 0xff;
  if (KindOf(status) != ErrorKind::kConflict || (code != SQLITE_BUSY && code != SQLITE_LOCKED)) return status;
  return MakeError(ErrorKind::kUnavailable,
                   "another program holds the lock of the database for more than " +
                       std::to_string(busy_timeout_.count()) + " ms; end it, or raise busy_timeout",
                   db_->path());
}

}  // namespace godwit::sqlite
