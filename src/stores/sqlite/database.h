// The database file of one store: what its catalog, source and sink share. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "stores/sqlite/client.h"
#include "stores/sqlite/options.h"

namespace godwit::sqlite {

class Database {
 public:
  Database(Options options, StopToken stop) : options_(std::move(options)), stop_(std::move(stop)) {}

  arrow::Result<std::unique_ptr<Connection>> Connect(SqliteDatabase::Mode mode) const {
    return Connection::Open(options_.path, mode, options_.busy_timeout_ms, stop_);
  }
  const Options& options() const { return options_; }
  const StopToken& stop() const { return stop_; }
  /// Held while a transaction writes: SQLite has one writer, and threads that queue here need not poll for its lock.
  std::mutex& write_mutex() { return write_mutex_; }

 private:
  const Options options_;
  const StopToken stop_;
  std::mutex write_mutex_;
};

}  // namespace godwit::sqlite
