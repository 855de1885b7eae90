// Reads collections, published or staged.
//
// A snapshot is the list of files with sizes and hashes (times, where there is no hash). A split is a run of row
// groups, of one file or of several small ones, or of whole text files; a position is the number of rows of the split
// that were read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/text_reader.h"
#include "godwit/store.h"
#include "stores/files/collection.h"
#include "stores/files/hashed_file.h"

namespace godwit::files {

/// Thread-safe.
class FilesSource : public Source {
 public:
  using Find = std::function<arrow::Result<Collection>(const CollectionRef&)>;

  /// `find` tells the files of a collection, below `root`.
  FilesSource(std::string root, Find find, StopToken stop);

  arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose) override;
  arrow::Status Prepare(const CollectionRef&, const std::string&) override { return arrow::Status::OK(); }
  arrow::Status Restore(const CollectionRef&, const std::string&) override { return arrow::Status::OK(); }
  arrow::Result<bool> KeysMayRepeat(const CollectionSchema& schema) override;
  arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) override;
  arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                               const SplitPolicy& policy) override;
  arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                              const Snapshot& snapshot, const std::string& resume_after) override;

 private:
  const std::string root_;
  const Find find_;
  const StopToken stop_;
  const std::shared_ptr<FileChecker> checker_;
};

/// One file, whole, without a check of its hash: for a caller that has just done so.
arrow::Result<std::unique_ptr<Reader>> ReadWholeFile(const std::string& folder, const DataFile& file,
                                                     const std::optional<TextSource>& text,
                                                     const CollectionSchema& schema, const StopToken& stop);

}  // namespace godwit::files
