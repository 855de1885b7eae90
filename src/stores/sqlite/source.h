// Reads tables in ranges of their paging column: the key, or the rowid of a table without one.
//
// There is no snapshot (SnapshotLife::kNone): each batch is one statement and sees the newest committed state. Splits
// have no outer bounds, so that rows inserted later are read, too. No lock is held between two batches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/sqlite/database.h"

namespace godwit::sqlite {

/// Thread-safe. `database` has to outlive it and its readers.
class SqliteSource : public Source {
 public:
  explicit SqliteSource(Database* database) : database_(*database) {}

  arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose purpose) override;
  arrow::Status Prepare(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Status Restore(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) override;
  /// Reads every key once, to cut where the rows are.
  arrow::Status CheckFilter(const CollectionSchema& schema, const std::string& filter) override;
  arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                               const SplitPolicy& policy) override;
  arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                              const Snapshot& snapshot, const std::string& resume_after) override;

 private:
  Database& database_;
};

}  // namespace godwit::sqlite
