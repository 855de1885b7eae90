// Writes collections to a Milvus server: inserts, or upserts where a key may be there already.
//
// Durability: an acknowledged insert is in the server's message queue and survives kill -9 of both sides. README.md
// tells why a replay is exact. Thread-safe; a writer belongs to one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/milvus/client.h"
#include "stores/milvus/features.h"
#include "stores/milvus/options.h"

namespace godwit::milvus {

/// When a call of unknown outcome may have been made last. Such a request may still lie in a buffer of the network or
/// of the server; a replay has to be sent after it.
class LastUncertainty {
 public:
  LastUncertainty() : at_(std::chrono::steady_clock::now()) {}  // an earlier process may have died just now
  void Note();
  /// Waits until it is long enough ago. False when stopped.
  bool Settle(const StopToken& stop) const;

 private:
  mutable std::mutex mutex_;
  std::chrono::steady_clock::time_point at_;
};

class MilvusSink : public Sink {
 public:
  MilvusSink(std::shared_ptr<Client> client, const MilvusOptions& options);

  arrow::Status CheckNames(const CollectionSchema& wanted) const override;
  arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) override;
  arrow::Result<std::vector<Loss>> Losses(const CollectionSchema& source) override;
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
  arrow::Status Publish(const WriteTarget& target, const std::vector<Receipt>& receipts, const Digest& digest) override;
  arrow::Status Discard(const WriteTarget& target) override;

 private:
  arrow::Result<Features> AskedFeatures();

  std::shared_ptr<Client> client_;
  MilvusOptions options_;
  std::shared_ptr<LastUncertainty> uncertainty_;
  std::mutex mutex_;  // guards features_
  std::optional<Features> features_;
};

}  // namespace godwit::milvus
