// Writes one split into a Milvus collection, with several requests under way.
#pragma once

#include <memory>

#include "godwit/store.h"
#include "stores/milvus/auto_ids.h"
#include "stores/milvus/client.h"
#include "stores/milvus/row_check.h"

namespace godwit::milvus {

class LastUncertainty;

/// Largest request, and so largest row; Milvus takes messages of 64 MiB.
inline constexpr size_t kMaxRequestBytes = 60 << 20;

struct WriteSettings {
  bool upsert = false;           // else insert
  int64_t batch_rows = 0;        // most rows in a request; 0 = as many as the bytes allow
  bool report_existing = false;  // ask for each key, and leave out rows whose key is there
  uint64_t existing_since = 0;   // timestamp that those questions wait for, see ReadTimestamp
  RowRules rules;
  bool new_keys = false;  // the server makes the keys: only inserts, and receipts tell which keys were acknowledged
  AckedIds acked;         // up to the receipt that the writer goes on after
};

/// The rows that Milvus would refuse, see CheckRows, with their keys.
WriteResult RejectedRows(const arrow::RecordBatch& rows, const CollectionSchema& schema, const RowRules& rules);

std::unique_ptr<Writer> MakeWriter(std::shared_ptr<Client> client, const WriteTarget& target,
                                   const std::string& split_id, const WriteSettings& settings,
                                   std::shared_ptr<LastUncertainty> uncertainty);

/// Deletes rows of one partition ("" = the default one; of all partitions with a partition key) by their keys, in
/// pieces that fit into a request. The collection need not be loaded.
arrow::Status DeleteByKey(Client* client, const CollectionSchema& schema, const std::string& partition,
                          const arrow::Array& keys);

}  // namespace godwit::milvus
