// Questions about the rows of one collection, or of one partition, by ranges of their key.
//
// Every question carries one guarantee timestamp, so that it sees at least what was acknowledged before; only the first
// one may have to wait for it. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "godwit/schema.h"
#include "stores/milvus/client.h"
#include "stores/milvus/key_ranges.h"

namespace godwit::milvus {

/// Limits of Milvus: rows of a page, and the bytes of a reply (of 2.3 by default; an answer beyond is kTooLarge).
inline constexpr int64_t kMaxPageRows = 16384;
inline constexpr int64_t kMaxReplyBytes = 64LL << 20;

using QueryReply = std::shared_ptr<pb::QueryResults>;
using QueryCall = PendingCall<pb::QueryResults>;

class RangeQuery {
 public:
  /// Asks for the fields of `schema` and for the `key`, which need not be among them. Without a partition:
  /// the whole collection. A filter (CheckCondition has passed) goes with every question. A timestamp of 0 means strong
  /// consistency: each question sees the newest state, and waits.
  RangeQuery(std::shared_ptr<Client> client, const CollectionSchema& schema, const Field& key,
             const std::optional<std::string>& partition, uint64_t guarantee_timestamp, std::string filter = {});

  /// The rows that follow `after`, in key order, one row a key, about `limit` of them: fewer or more, as several
  /// segments answer. Only a reply without rows is the end.
  QueryCall StartPage(const std::optional<Key>& after, const std::optional<Key>& upto, int64_t limit) const;
  /// All rows of the range, in key order, one row a key.
  QueryCall StartRange(const std::optional<Key>& after, const Key& upto) const;
  /// The rows of these keys, [begin, end) of an array without nulls, one row a key.
  arrow::Result<QueryCall> StartKeys(const arrow::Array& keys, int64_t begin, int64_t end) const;
  /// Rows of the range, each copy of a repeated key counted; for CountIn.
  QueryCall StartCount(const std::optional<Key>& after, const std::optional<Key>& upto) const;
  QueryCall StartCountOf(const Key& key) const;

  arrow::Result<int64_t> Count(const std::optional<Key>& after, const std::optional<Key>& upto) const;
  /// The smallest key > after.
  arrow::Result<std::optional<Key>> FirstKey(const std::optional<Key>& after) const;
  KeyCounter Counter() const;
  /// Milvus 2.3 counts a row with the greatest int64 as its key, but never returns it: kUnsupported when there is one.
  arrow::Status CheckGreatestKey() const;

  const Field& key() const { return key_; }

 private:
  QueryCall Start(std::string expression, int64_t limit, const std::string& only_field) const;
  std::string Expression(const std::optional<Key>& after, const std::optional<Key>& upto) const;
  /// Rows that pass the filter and the condition, which may be empty.
  std::string Filtered(std::string condition) const;

  std::shared_ptr<Client> client_;
  Field key_;
  std::string filter_;
  pb::QueryRequest request_;  // what all questions have in common
};

/// Waits for a reply. What passes by itself (a collection that is being loaded again after a restart) is kUnavailable.
/// A timestamp from which on a query sees all that was acknowledged so far; 0, for RangeQuery, where the server (Milvus
/// Lite) has none.
arrow::Result<uint64_t> ReadTimestamp(Client* client);

arrow::Result<QueryReply> WaitFor(QueryCall call);
arrow::Result<int64_t> CountIn(QueryCall call);

/// The keys of a reply, in its order; borrowed from it.
class ReplyKeys {
 public:
  /// kCorruptData when the key is missing, of no key type, or not strictly ascending. A reply without columns has no
  /// rows.
  static arrow::Result<ReplyKeys> Of(const pb::QueryResults& reply, const std::string& key_field);

  int64_t size() const;
  Key at(int64_t row) const;

 private:
  const google::protobuf::RepeatedField<int64_t>* numbers_ = nullptr;
  const google::protobuf::RepeatedPtrField<std::string>* strings_ = nullptr;
};

/// 42 or "abc", as JSON: the form of keys in splits and positions, and for people.
std::string KeyToJson(const Key& key);
/// kCorruptData when it is neither an int64 nor a string.
arrow::Result<Key> KeyFromJson(std::string_view json);

}  // namespace godwit::milvus
