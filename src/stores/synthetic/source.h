// Reads made-up rows. A split is a range of row numbers; a position is the number of the next row.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/synthetic/options.h"

namespace godwit::synthetic {

/// Thread-safe.
class SyntheticSource : public Source {
 public:
  SyntheticSource(const Options& options, StopToken stop) : options_(options), stop_(std::move(stop)) {}

  arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose purpose) override;
  arrow::Status Prepare(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Status Restore(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) override;
  arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                               const SplitPolicy& policy) override;
  arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                              const Snapshot& snapshot, const std::string& resume_after) override;
  arrow::Result<std::vector<int64_t>> CountRows(const CollectionSchema& schema, const std::string& partition,
                                                const arrow::Array& keys, const std::string& filter) override;

 private:
  const Options options_;
  const StopToken stop_;
};

}  // namespace godwit::synthetic
