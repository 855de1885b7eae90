// Keys that the server makes (auto_id): which were acknowledged, and the removal of rows whose insert never was.
//
// An insert can't be repeated safely there, as each try makes new keys. So a split goes on after its last receipt,
// every receipt tells the keys that were acknowledged so far, and rows with other keys are removed in the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit/store.h"
#include "stores/milvus/client.h"

namespace godwit::milvus {

struct AckedIds {
  /// [first, last], both acknowledged with everything between them. The keys of one insert follow each other.
  std::vector<std::pair<int64_t, int64_t>> runs;
  /// An insert was made whose outcome is unknown: there may be rows beyond the runs.
  bool unsure = false;

  int64_t count() const;
  /// The keys of an acknowledged insert of `rows` rows; of a VARCHAR key the server makes decimal numbers. kCorruptData
  /// when their number differs.
  arrow::Status Add(const schema_pb::IDs& ids, int64_t rows);
  /// Evidence of a receipt: {"ids":[[1,9],...],"unsure":true}. FromJson of the empty text has no runs.
  std::string ToJson() const;
  static arrow::Result<AckedIds> FromJson(std::string_view json);
};

/// Deletes the rows that no receipt tells of, if any is unsure. Every row of the collection must be ours. It is loaded
/// for the time, with temporary indexes, and flushed afterwards.
arrow::Status RemoveUnacknowledged(std::shared_ptr<Client> client, const CollectionSchema& schema,
                                   const std::vector<Receipt>& receipts);

}  // namespace godwit::milvus
