// Writes collections by staged publish: parts in a hidden folder, then one rename of it.
// docs/design/0003-files-layout.md.
//
// A commit closes the open part and makes it durable; the receipt's evidence lists all parts of the split. Nothing in
// the stage counts but what a receipt lists, so a crash at any moment leaves nothing to undo. A part never changes and
// never changes its name: DeleteKeys writes another one beside it. With rows_per_file, numbered files are made of the
// parts (numbered_files.h), read back and published; the parts stay until then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/files/options.h"

namespace godwit::files {

/// Thread-safe.
class FilesSink : public Sink {
 public:
  FilesSink(Options options, StopToken stop) : options_(std::move(options)), stop_(std::move(stop)) {}

  arrow::Status CheckNames(const CollectionSchema& wanted) const override;
  arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) override;
  CommitMode commit_mode(const CollectionSchema&) const override { return CommitMode::kStagedPublish; }
  std::vector<std::string> Notes(const CollectionSchema& target) const override;
  arrow::Result<Recovery> Recover(const WriteTarget& target, const Split& split,
                                  const std::optional<Receipt>& journaled, bool attempted) override;
  arrow::Result<std::unique_ptr<Writer>> Open(const WriteTarget& target, const Split& split,
                                              const Recovery& recovery) override;
  arrow::Result<WriteResult> FindRejected(const CollectionSchema& target, const Batch& batch) override;
  /// Every commit made its part durable; what is left to do is to number them.
  arrow::Status Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) override;
  arrow::Result<std::unique_ptr<Source>> ReadBack(const WriteTarget& target,
                                                  const std::vector<Receipt>& receipts) override;
  /// The parts that are replaced stay until Publish, so that a receipt journaled before is still right.
  arrow::Status DeleteKeys(const WriteTarget& target, const std::string& partition,
                           const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>* receipts) override;
  arrow::Status Publish(const WriteTarget& target, const std::vector<Receipt>& receipts, const Digest& digest) override;
  arrow::Status Discard(const WriteTarget& target) override;

 private:
  const Options options_;
  const StopToken stop_;
};

}  // namespace godwit::files
