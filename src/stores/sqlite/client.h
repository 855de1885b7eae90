// A connection to the database file, with the settings that the room relies on. Used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/sqlite.h"
#include "godwit/error.h"
#include "godwit/stop_token.h"

namespace godwit::sqlite {

class Connection {
 public:
  /// A transaction that was committed survives a crash of the machine (synchronous=FULL). A file made by kCreate is in
  /// WAL mode, so that readers and the writer do not wait for each other; another one keeps its mode.
  static arrow::Result<std::unique_ptr<Connection>> Open(const std::string& path, SqliteDatabase::Mode mode,
                                                         int64_t busy_timeout_ms, StopToken stop);

  SqliteDatabase& db() { return *db_; }
  /// kCancelled after a stop. For the begin of a call; what is under way ends by itself.
  arrow::Status CheckStop() const;

  /// A failure of a statement of this connection, as the contracts want it: kCancelled after a stop, kUnavailable while
  /// another program holds the lock.
  arrow::Status Translate(const arrow::Status& status) const;
  template <typename T>
  arrow::Result<T> Translate(arrow::Result<T> result) const {
    if (result.ok()) return result;
    return Translate(result.status());
  }

 private:
  Connection(int64_t busy_timeout_ms, StopToken stop);
  static int OnBusy(void* self, int calls);
  static int OnProgress(void* self);

  const std::chrono::milliseconds busy_timeout_;
  const StopToken stop_;
  std::chrono::steady_clock::time_point busy_since_;
  std::unique_ptr<SqliteDatabase> db_;
};

}  // namespace godwit::sqlite
