// Collections of a Milvus server: what they are, and the changes that can be made to them.
//
// An empty database in a reference means the client's. Errors carry the server's reason; an absent collection or
// database is kNotFound. Everything here is idempotent and thread-safe; calls that wait end early when the client is
// stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/milvus/client.h"
#include "stores/milvus/features.h"

namespace godwit::milvus {

/// The partition that rows without a named one are in.
inline constexpr const char* kDefaultPartition = "_default";

class MilvusCatalog : public Catalog {
 public:
  explicit MilvusCatalog(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  arrow::Result<std::vector<std::string>> List(const std::string& database) override;
  /// A server without databases has the default one.
  arrow::Result<std::vector<std::string>> Databases() override;
  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override;
  /// The rows of a loaded collection are counted. Of another one the statistics are taken, which hold deleted rows too
  /// and leave out what was not flushed; where they say zero, a flush makes sure, and the answer is exact.
  arrow::Result<TargetState> State(const CollectionRef& ref) override;
  arrow::Result<std::string> GlobalId(const CollectionRef& ref) override;
  arrow::Status Create(const CollectionSchema& schema) override;
  /// Aliases of the collection go with it.
  arrow::Status Drop(const CollectionRef& ref) override;
  /// The calls, as a JSON array.
  arrow::Result<std::string> Ddl(const CollectionSchema& schema) override;

 private:
  std::shared_ptr<Client> client_;
};

/// What the server is and can hold.
arrow::Result<Features> AskFeatures(Client* client);

/// The reference with its database filled in.
CollectionRef Resolve(const Client& client, const CollectionRef& ref);
arrow::Result<pb::DescribeCollectionResponse> DescribeCollection(Client* client, const CollectionRef& ref);
/// count(*) with strong consistency; the collection must be loaded.
arrow::Result<int64_t> CountRows(Client* client, const CollectionRef& ref);

enum class LoadState {
  kNotLoaded,
  kLoading,
  kPartlyLoaded,  // some partitions only: queries answer as if the others were empty
  kLoaded,
};
arrow::Result<LoadState> GetLoadState(Client* client, const CollectionRef& ref);
/// Loads all partitions and waits until the collection can be queried. kUnsupported without an index on its vectors;
/// kUnavailable when loading stands still.
arrow::Status Load(Client* client, const CollectionRef& ref);
/// OK when it is not loaded.
arrow::Status Release(Client* client, const CollectionRef& ref);

/// Parameters are flat: what the server keeps as one JSON object in `params` stands beside the others.
arrow::Result<std::vector<Index>> ListIndexes(Client* client, const CollectionRef& ref);
/// Starts building; OK when the field has an equal index (of whatever name, when index.name is empty), kConflict when
/// it has a different one.
arrow::Status EnsureIndex(Client* client, const CollectionRef& ref, const Index& index);
/// Waits until every index is built, as long as the server says that it works on them.
arrow::Status WaitForIndexes(Client* client, const CollectionRef& ref);
/// OK when it is not there. The collection must not be loaded.
arrow::Status DropIndex(Client* client, const CollectionRef& ref, const Index& index);
/// One for each vector field that has no index: the cheapest with which the collection can be loaded and read. To be
/// made, and dropped after reading.
std::vector<Index> TemporaryIndexes(const CollectionSchema& schema);

/// OK when the collection has it; kConflict when it is another one's.
arrow::Status EnsureAlias(Client* client, const CollectionRef& ref, const std::string& alias);

/// Flushes and waits until every row and delete is in storage, so that statistics and count(*) agree.
arrow::Status FlushAndWait(Client* client, const CollectionRef& ref);

}  // namespace godwit::milvus
