#include "stores/milvus/writer.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "base/patience.h"
#include "stores/milvus/catalog.h"
#include "stores/milvus/codec.h"
#include "stores/milvus/expression.h"
#include "stores/milvus/range_query.h"
#include "stores/milvus/sink.h"

namespace godwit::milvus {
namespace {

Failpoint insert_sent("milvus.insert.sent");

// A request is at most this big, and at least half of it where rows follow each other. Larger ones gain little and cost
// memory at both ends.
constexpr int64_t kRequestBytes = 8 << 20;
// After the server asked for less, requests don't get smaller than this on their own.
constexpr int64_t kSmallRequestBytes = 64 << 10;
// Milvus takes 64 MiB with everything around the rows.
// Requests of one writer under way. The server works on one while the next is on its way.
constexpr size_t kRequestsUnderWay = 2;
// How long a writer waits for a server that is away, or that asks to slow down, before it gives the split back to the
// engine. A limit of the server's may be a small part of what one request holds.
constexpr std::chrono::seconds kPatienceWhenAway{30};
constexpr std::chrono::minutes kPatienceWhenThrottled{5};

// Of a question whether keys are there; the reply has their rows.
constexpr int64_t kKeysPerQuestion = 5'000;
constexpr int64_t kBytesPerQuestion = 1 << 20;
constexpr int64_t kKeysPerDelete = 10'000;
constexpr int64_t kBytesPerDelete = 4 << 20;

std::string KeyForPeople(const arrow::RecordBatch& rows, const CollectionSchema& schema, int64_t row) {
  int key = schema.key_index();
  if (key < 0 || schema.fields[static_cast<size_t>(key)].auto_id) return fmt::format("row {} of a batch", row);
  const arrow::Array& keys = *rows.column(key);
  if (keys.IsNull(row)) return "null";
  if (keys.type_id() == arrow::Type::INT64)
    return std::to_string(static_cast<const arrow::Int64Array&>(keys).Value(row));
  return StringLiteral(static_cast<const arrow::StringArray&>(keys).GetView(row));
}

Key KeyAt(const arrow::Array& keys, int64_t row) {
  if (keys.type_id() == arrow::Type::INT64) return static_cast<const arrow::Int64Array&>(keys).Value(row);
  return std::string(static_cast<const arrow::StringArray&>(keys).GetView(row));
}

std::string PartitionName(const CollectionSchema& schema, const std::string& partition) {
  if (schema.has_partition_key()) return {};  // must not be named there
  return partition.empty() ? kDefaultPartition : partition;
}

/// Rows that go into one request.
struct Piece {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::string partition;

  int64_t size() const { return rows->num_rows(); }
  Piece Part(int64_t from, int64_t count) const { return {rows->Slice(from, count), partition}; }
};

/// `left_out`: indexes of rows, ascending.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> WithoutRows(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                               const std::vector<int64_t>& left_out) {
  if (left_out.empty()) return rows;
  arrow::RecordBatchVector parts;
  int64_t from = 0;
  for (int64_t row : left_out) {
    if (row > from) parts.push_back(rows->Slice(from, row - from));
    from = row + 1;
  }
  if (from < rows->num_rows()) parts.push_back(rows->Slice(from));
  if (parts.empty()) return rows->Slice(0, 0);
  return arrow::ConcatenateRecordBatches(parts);
}

class InsertWriter : public Writer {
 public:
  InsertWriter(std::shared_ptr<Client> client, const WriteTarget& target, std::string split_id,
               const WriteSettings& settings, std::shared_ptr<LastUncertainty> uncertainty)
      : client_(std::move(client)),
        schema_(target.schema),
        split_id_(std::move(split_id)),
        settings_(settings),
        uncertainty_(std::move(uncertainty)),
        away_(kPatienceWhenAway, client_->stop()),
        throttled_(kPatienceWhenThrottled, client_->stop()) {
    schema_.ref = Resolve(*client_, schema_.ref);
  }
  ~InsertWriter() override { Abort(); }

  arrow::Result<WriteResult> Write(const Batch& batch, const HashedRows&) override {
    if (client_->stop().stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped");
    WriteResult result = RejectedRows(*batch.rows, schema_, settings_.rules);
    if (settings_.report_existing) ARROW_RETURN_NOT_OK(FindExisting(batch, &result));
    std::vector<int64_t> left_out = result.rejected_rows;
    left_out.insert(left_out.end(), result.existing_rows.begin(), result.existing_rows.end());
    std::sort(left_out.begin(), left_out.end());
    ARROW_ASSIGN_OR_RAISE(auto rows, WithoutRows(batch.rows, left_out));
    ARROW_RETURN_NOT_OK(Gather({std::move(rows), batch.partition}));
    return result;
  }

  arrow::Result<Receipt> Commit(const Progress& progress) override {
    ARROW_RETURN_NOT_OK(SendGathered());
    while (!under_way_.empty()) ARROW_RETURN_NOT_OK(SettleOldest());
    std::string evidence = settings_.new_keys ? settings_.acked.ToJson() : std::string();
    return Receipt{.split_id = split_id_, .progress = progress, .evidence = std::move(evidence)};
  }

  void Abort() override {
    if (under_way_.empty()) return;
    for (Request& request : under_way_) (void)request.call.Wait();
    under_way_.clear();
    uncertainty_->Note();
  }

 private:
  using Reply = pb::MutationResult;

  struct Request {
    Piece piece;
    PendingCall<Reply> call;
  };

  /// Asks for the keys of a batch, but for those of refused rows.
  arrow::Status FindExisting(const Batch& batch, WriteResult* result) {
    ARROW_ASSIGN_OR_RAISE(auto rows, WithoutRows(batch.rows, result->rejected_rows));
    const arrow::Array& keys = *rows->column(schema_.key_index());
    std::map<Key, int64_t> row_of;  // in the batch
    for (int64_t row = 0, kept = 0; kept < keys.length(); ++row) {
      if (std::binary_search(result->rejected_rows.begin(), result->rejected_rows.end(), row)) continue;
      row_of.emplace(KeyAt(keys, kept++), row);
    }
    const std::string partition = PartitionName(schema_, batch.partition);
    const RangeQuery query(client_, schema_, schema_.fields[static_cast<size_t>(schema_.key_index())],
                           partition.empty() ? std::nullopt : std::optional(partition), settings_.existing_since);
    ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(keys));
    int64_t step = kKeysPerQuestion;
    if (bytes > 0) step = std::clamp<int64_t>(keys.length() * kBytesPerQuestion / bytes, 1, kKeysPerQuestion);
    arrow::RecordBatchVector found;
    for (int64_t from = 0; from < keys.length();) {
      auto reply = Ask(query, keys, from, std::min(from + step, keys.length()));
      if (!reply.ok() && godwit::KindOf(reply.status()) == ErrorKind::kTooLarge && step > 1) {
        step = (step + 1) / 2;
        continue;
      }
      ARROW_RETURN_NOT_OK(reply.status());
      from += step;
      ARROW_ASSIGN_OR_RAISE(auto there, DecodeRows(*reply, schema_));
      if (there->num_rows() == 0) continue;
      for (int64_t i = 0; i < there->num_rows(); ++i) {
        auto row = row_of.find(KeyAt(*there->column(schema_.key_index()), i));
        if (row == row_of.end()) {
          return MakeError(ErrorKind::kCorruptData, "Milvus answered with a key that was not asked for",
                           schema_.ref.ToString());
        }
        result->existing_rows.push_back(row->second);
      }
      found.push_back(std::move(there));
    }
    if (found.empty()) return arrow::Status::OK();
    return arrow::ConcatenateRecordBatches(found).Value(&result->existing);
  }

  arrow::Result<QueryReply> Ask(const RangeQuery& query, const arrow::Array& keys, int64_t from, int64_t to) {
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto call, query.StartKeys(keys, from, to));
      auto reply = WaitFor(std::move(call));
      if (reply.ok()) away_.Renew();
      if (reply.ok() || godwit::KindOf(reply.status()) != ErrorKind::kUnavailable) return reply;
      ARROW_RETURN_NOT_OK(away_.Wait(reply.status()));
    }
  }

  // Small batches are put together, so that requests have a good size whatever the source gives.
  arrow::Status Gather(Piece piece) {
    if (piece.size() == 0) return arrow::Status::OK();
    if (piece.partition != gathered_partition_) ARROW_RETURN_NOT_OK(SendGathered());
    ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(*piece.rows));
    gathered_partition_ = std::move(piece.partition);
    gathered_bytes_ += bytes;
    gathered_.push_back(std::move(piece.rows));
    return gathered_bytes_ >= request_bytes_ ? SendGathered() : arrow::Status::OK();
  }

  arrow::Status SendGathered() {
    if (gathered_.empty()) return arrow::Status::OK();
    Piece all{gathered_.front(), gathered_partition_};
    if (gathered_.size() > 1) {
      ARROW_ASSIGN_OR_RAISE(all.rows, arrow::ConcatenateRecordBatches(gathered_));
    }
    int64_t bytes = std::max<int64_t>(1, gathered_bytes_);
    gathered_.clear();
    gathered_bytes_ = 0;
    int64_t from = 0;
    while (from < all.size()) {
      // Looked at anew for every request: the size may shrink on the way.
      int64_t rest = all.size() - from;
      int64_t requests = 1 + bytes * rest / all.size() / request_bytes_;
      int64_t count = (rest + requests - 1) / requests;
      if (settings_.batch_rows > 0) count = std::min(count, settings_.batch_rows);
      ARROW_RETURN_NOT_OK(Send(all.Part(from, count)));
      from += count;
    }
    return arrow::Status::OK();
  }

  arrow::Status Send(const Piece& piece) {
    while (under_way_.size() >= kRequestsUnderWay) ARROW_RETURN_NOT_OK(SettleOldest());
    ARROW_ASSIGN_OR_RAISE(auto call, Start(piece));
    if (!call) return SendHalves(piece);
    under_way_.push_back({piece, std::move(*call)});
    return insert_sent.Hit();
  }

  arrow::Status SendHalves(const Piece& piece) {
    int64_t half = piece.size() / 2;
    if (half == 0) {
      return MakeError(ErrorKind::kRejected, "the row is larger than a request may be",
                       schema_.ref.ToString() + " key " + KeyForPeople(*piece.rows, schema_, 0));
    }
    ARROW_RETURN_NOT_OK(Send(piece.Part(0, half)));
    return Send(piece.Part(half, piece.size() - half));
  }

  /// Nothing when the rows are more than a request may hold.
  arrow::Result<std::optional<PendingCall<Reply>>> Start(const Piece& piece) {
    // An upsert puts rows of a collection with a partition key into partitions that their key does not lead to.
    const bool replace = settings_.upsert && schema_.has_partition_key();
    if (settings_.upsert && !replace) {
      ARROW_ASSIGN_OR_RAISE(auto request, Encode<pb::UpsertRequest>(piece));
      if (request.ByteSizeLong() > kMaxRequestBytes) return std::nullopt;
      return client_->StartUpsert(request);
    }
    ARROW_ASSIGN_OR_RAISE(auto request, Encode<pb::InsertRequest>(piece));
    if (request.ByteSizeLong() > kMaxRequestBytes) return std::nullopt;
    if (replace) {
      arrow::Status deleted =
          DeleteByKey(client_.get(), schema_, piece.partition, *piece.rows->column(schema_.key_index()));
      if (!deleted.ok()) uncertainty_->Note();  // the delete may still come, and must not come after the next insert
      ARROW_RETURN_NOT_OK(deleted);
    }
    return client_->StartInsert(request);
  }

  template <class Proto>
  arrow::Result<Proto> Encode(const Piece& piece) {
    Proto request;
    request.set_db_name(schema_.ref.database);
    request.set_collection_name(schema_.ref.name);
    request.set_partition_name(PartitionName(schema_, piece.partition));
    request.set_num_rows(static_cast<uint32_t>(piece.size()));
    ARROW_RETURN_NOT_OK(EncodeRows(*piece.rows, 0, piece.size(), schema_, request.mutable_fields_data()));
    return request;
  }

  arrow::Status SettleOldest() {
    Request request = std::move(under_way_.front());
    under_way_.pop_front();
    auto reply = request.call.Wait();
    if (!reply.ok()) return Retry(request.piece, reply.status());
    return Acknowledge(request.piece, **reply);
  }

  arrow::Status Acknowledge(const Piece& piece, const Reply& reply) {
    int64_t count = std::max(reply.insert_cnt(), reply.upsert_cnt());
    if (count != piece.size() || reply.err_index_size() > 0) {
      uncertainty_->Note();
      return MakeError(ErrorKind::kOutcomeUnknown,
                       fmt::format("Milvus acknowledged {} of {} rows", count, piece.size()), schema_.ref.ToString());
    }
    if (settings_.new_keys) ARROW_RETURN_NOT_OK(settings_.acked.Add(reply.ids(), piece.size()));
    away_.Renew();
    throttled_.Renew();
    request_bytes_ = std::min(kRequestBytes, request_bytes_ + request_bytes_ / 8);
    return arrow::Status::OK();
  }

  arrow::Status Retry(const Piece& piece, const arrow::Status& failure) {
    switch (godwit::KindOf(failure)) {
      case ErrorKind::kTooLarge:
        Shrink();
        return SendHalves(piece);
      case ErrorKind::kThrottled:
        Shrink();
        ARROW_RETURN_NOT_OK(throttled_.Wait(failure));
        return piece.size() > 1 ? SendHalves(piece) : Send(piece);
      case ErrorKind::kUnavailable:
        ARROW_RETURN_NOT_OK(away_.Wait(failure));
        return Send(piece);
      case ErrorKind::kRejected:
        return FindRejected(piece, failure);
      default:
        uncertainty_->Note();
        return WithContext(failure, schema_.ref.ToString());
    }
  }

  void Shrink() { request_bytes_ = std::max(kSmallRequestBytes, request_bytes_ / 2); }

  /// The server refuses a request as a whole. To name a row, halves are sent; those without it are simply stored.
  arrow::Status FindRejected(Piece piece, arrow::Status failure) {
    while (piece.size() > 1) {
      int64_t half = piece.size() / 2;
      Piece first = piece.Part(0, half);
      ARROW_ASSIGN_OR_RAISE(auto call, Start(first));
      arrow::Status status = call->Wait().status();
      if (status.ok()) {
        piece = piece.Part(half, piece.size() - half);
      } else if (godwit::KindOf(status) == ErrorKind::kRejected) {
        piece = first;
        failure = std::move(status);
      } else {
        uncertainty_->Note();
        return status;
      }
    }
    return WithContext(failure, schema_.ref.ToString() + " key " + KeyForPeople(*piece.rows, schema_, 0));
  }

  std::shared_ptr<Client> client_;
  CollectionSchema schema_;
  std::string split_id_;
  WriteSettings settings_;
  std::shared_ptr<LastUncertainty> uncertainty_;
  Patience away_;
  Patience throttled_;
  arrow::RecordBatchVector gathered_;  // all of one partition
  std::string gathered_partition_;
  int64_t gathered_bytes_ = 0;
  int64_t request_bytes_ = kRequestBytes;
  std::deque<Request> under_way_;
};

}  // namespace

WriteResult RejectedRows(const arrow::RecordBatch& rows, const CollectionSchema& schema, const RowRules& rules) {
  WriteResult result;
  for (RowRefusal& refusal : CheckRows(rows, schema, rules)) {
    result.rejected_rows.push_back(refusal.row);
    result.rejected.push_back({KeyForPeople(rows, schema, refusal.row), std::move(refusal.reason)});
  }
  return result;
}

std::unique_ptr<Writer> MakeWriter(std::shared_ptr<Client> client, const WriteTarget& target,
                                   const std::string& split_id, const WriteSettings& settings,
                                   std::shared_ptr<LastUncertainty> uncertainty) {
  return std::make_unique<InsertWriter>(std::move(client), target, split_id, settings, std::move(uncertainty));
}

arrow::Status DeleteByKey(Client* client, const CollectionSchema& schema, const std::string& partition,
                          const arrow::Array& keys) {
  CollectionRef where = Resolve(*client, schema.ref);
  const std::string& key_name = schema.fields[static_cast<size_t>(schema.key_index())].name;
  ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(keys));
  int64_t step = kKeysPerDelete;
  if (bytes > 0) step = std::clamp<int64_t>(keys.length() * kBytesPerDelete / bytes, 1, kKeysPerDelete);
  for (int64_t from = 0; from < keys.length(); from += step) {
    pb::DeleteRequest request;
    request.set_db_name(where.database);
    request.set_collection_name(where.name);
    request.set_partition_name(PartitionName(schema, partition));
    ARROW_ASSIGN_OR_RAISE(auto expression, KeyIn(key_name, keys, from, std::min(from + step, keys.length())));
    request.set_expr(std::move(expression));
    ARROW_RETURN_NOT_OK(client->Delete(request));
  }
  return arrow::Status::OK();
}

}  // namespace godwit::milvus
