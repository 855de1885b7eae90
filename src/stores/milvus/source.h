// Reads collections of a Milvus server through its query call. Works with any Milvus from 2.3 on; the collection must
// be loaded, or may be for the time of reading (Preparation).
//
// There is no snapshot: every read sees at least what was acknowledged when the snapshot was opened (its id is a
// timestamp of the server), and maybe later changes. Splits are ranges of the key, in one partition where the
// collection has named ones: {"partition":"p","after":"k","upto":"k","filter":"f"}, each member optional;
// after < key <= upto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/milvus/client.h"

namespace godwit::milvus {

class MilvusSource : public Source {
 public:
  /// `max_page_rows`: at most so many rows are asked for at once; 0 = as many as fit into the bytes.
  MilvusSource(std::shared_ptr<Client> client, int64_t max_page_rows);

  /// {"load":true,"release":true,"indexes":[{"name":..,"field":..,"type":..,"metric":..}]}: loaded, and before that
  /// indexed for the time of reading (kVerify only); `release` where it was not being loaded by somebody else.
  arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose purpose) override;
  arrow::Status Prepare(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Status Restore(const CollectionRef& ref, const std::string& preparation) override;
  arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) override;
  /// Asks the server, which reads a filter before it looks whether the collection is loaded.
  arrow::Status CheckFilter(const CollectionSchema& schema, const std::string& filter) override;
  arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                               const SplitPolicy& policy) override;
  arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                              const Snapshot& snapshot, const std::string& resume_after) override;
  arrow::Result<std::vector<int64_t>> CountRows(const CollectionSchema& schema, const std::string& partition,
                                                const arrow::Array& keys, const std::string& filter) override;

 private:
  std::shared_ptr<Client> client_;
  int64_t max_page_rows_;
};

}  // namespace godwit::milvus
