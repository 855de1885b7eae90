// Writes tables, transactionally: the rows of a commit and the progress of their split stand in one transaction.
//
// godwit_progress(job, collection, split, epoch, ...) has one row for each split that a job has opened. Opening or
// recovering a split raises its epoch, a commit needs to find it unchanged; so a writer of an older run can't commit,
// nor one whose job was published or discarded since (that deletes the rows).
//
// Until its commit a writer keeps rows in a temporary table of its own connection, a nameless file in SQLite's folder
// for temporary files (SQLITE_TMPDIR, else /var/tmp or /tmp). So writers of several splits never wait for each other's
// uncommitted rows, memory is bounded by SQLite's page cache (2 MB a connection), and what is left by a crash vanishes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/sqlite/database.h"

namespace godwit::sqlite {

/// Thread-safe. `database` has to outlive it and its writers.
class SqliteSink : public Sink {
 public:
  explicit SqliteSink(Database* database) : database_(*database) {}

  arrow::Status CheckNames(const CollectionSchema& wanted) const override;
  arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) override;
  arrow::Status CheckUse(const CollectionSchema& target, const TargetUse& use) override;
  CommitMode commit_mode(const CollectionSchema& schema) const override;
  arrow::Result<Recovery> Recover(const WriteTarget& target, const Split& split,
                                  const std::optional<Receipt>& journaled, bool attempted) override;
  arrow::Result<std::unique_ptr<Writer>> Open(const WriteTarget& target, const Split& split,
                                              const Recovery& recovery) override;
  arrow::Result<WriteResult> FindRejected(const CollectionSchema& target, const Batch& batch) override;
  arrow::Status Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) override;
  arrow::Result<std::unique_ptr<Source>> ReadBack(const WriteTarget& target,
                                                  const std::vector<Receipt>& receipts) override;
  arrow::Status DeleteKeys(const WriteTarget& target, const std::string& partition,
                           const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>* receipts) override;
  /// Makes plain indexes where the schema has one on a scalar field; vector indexes stay in the schema only.
  arrow::Status Publish(const WriteTarget& target, const std::vector<Receipt>& receipts, const Digest& digest) override;
  arrow::Status Discard(const WriteTarget& target) override;

 private:
  Database& database_;
};

}  // namespace godwit::sqlite
