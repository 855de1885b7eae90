#include "stores/milvus/auto_ids.h"

#include <arrow/builder.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "stores/milvus/catalog.h"
#include "stores/milvus/range_query.h"
#include "stores/milvus/writer.h"

namespace godwit::milvus {

int64_t AckedIds::count() const {
  int64_t sum = 0;
  for (auto [first, last] : runs) sum += last - first + 1;
  return sum;
}

arrow::Status AckedIds::Add(const schema_pb::IDs& ids, int64_t rows) {
  std::vector<int64_t> numbers(ids.int_id().data().begin(), ids.int_id().data().end());
  for (const std::string& text : ids.str_id().data()) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      return MakeError(ErrorKind::kCorruptData, "Milvus made the key '" + text + "', which is not a number");
    }
    numbers.push_back(number);
  }
  if (static_cast<int64_t>(numbers.size()) != rows) {
    return MakeError(ErrorKind::kCorruptData, fmt::format("Milvus made {} keys for {} rows", numbers.size(), rows));
  }
  for (int64_t number : numbers) {
    if (!runs.empty() && number == runs.back().second + 1) {
      runs.back().second = number;
    } else {
      runs.emplace_back(number, number);
    }
  }
  return arrow::Status::OK();
}

std::string AckedIds::ToJson() const {
  nlohmann::json json = {{"ids", runs}};
  if (unsure) json["unsure"] = true;
  return json.dump();
}

arrow::Result<AckedIds> AckedIds::FromJson(std::string_view text) {
  AckedIds acked;
  if (text.empty()) return acked;
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  auto is_run = [](const nlohmann::json& run) {
    return run.is_array() && run.size() == 2 && run[0].is_number_integer() && run[1].is_number_integer();
  };
  if (!json.is_object() || !json.contains("ids") || !json["ids"].is_array() ||
      !std::all_of(json["ids"].begin(), json["ids"].end(), is_run)) {
    return MakeError(ErrorKind::kCorruptData,
                     "the evidence of a receipt is not readable: " + std::string(text.substr(0, 80)));
  }
  for (const auto& run : json["ids"]) acked.runs.emplace_back(run[0].get<int64_t>(), run[1].get<int64_t>());
  acked.unsure = json.contains("unsure");
  return acked;
}

namespace {

/// All receipts' runs, in ascending order.
arrow::Result<AckedIds> Combine(const std::vector<Receipt>& receipts) {
  AckedIds all;
  for (const Receipt& receipt : receipts) {
    ARROW_ASSIGN_OR_RAISE(AckedIds acked, AckedIds::FromJson(receipt.evidence));
    all.runs.insert(all.runs.end(), acked.runs.begin(), acked.runs.end());
    all.unsure = all.unsure || acked.unsure;
  }
  std::sort(all.runs.begin(), all.runs.end());
  return all;
}

class Remover {
 public:
  Remover(std::shared_ptr<Client> client, const CollectionSchema& schema, uint64_t timestamp)
      : client_(client), schema_(schema), query_(client, KeyOnly(schema), KeyField(schema), std::nullopt, timestamp) {}

  /// Looks between the runs until as many rows are gone as there are too many.
  arrow::Status Run(const AckedIds& acked) {
    ARROW_ASSIGN_OR_RAISE(int64_t rows, query_.Count(std::nullopt, std::nullopt));
    surplus_ = rows - acked.count();
    std::optional<Key> after;
    for (auto [first, last] : acked.runs) {
      ARROW_RETURN_NOT_OK(RemoveBetween(after, AsKey(first - 1)));
      after = AsKey(last);
    }
    return RemoveBetween(after, std::nullopt);
  }

 private:
  static const Field& KeyField(const CollectionSchema& schema) {
    return schema.fields[static_cast<size_t>(schema.key_index())];
  }
  static CollectionSchema KeyOnly(const CollectionSchema& schema) {
    CollectionSchema keys = schema;
    keys.fields = {KeyField(schema)};
    return keys;
  }
  Key AsKey(int64_t number) const {
    // As text, numbers of equal length have the order of their values; those that Milvus makes have 18 digits.
    if (query_.key().type.kind == TypeKind::kString) return std::to_string(number);
    return number;
  }

  arrow::Status RemoveBetween(std::optional<Key> after, const std::optional<Key>& upto) {
    while (surplus_ > 0) {
      ARROW_ASSIGN_OR_RAISE(QueryReply reply, WaitFor(query_.StartPage(after, upto, kMaxPageRows)));
      ARROW_ASSIGN_OR_RAISE(ReplyKeys keys, ReplyKeys::Of(*reply, query_.key().name));
      if (keys.size() == 0) break;
      ARROW_ASSIGN_OR_RAISE(auto array, ToArray(keys));
      ARROW_RETURN_NOT_OK(DeleteInAllPartitions(*array));
      surplus_ -= keys.size();
      after = keys.at(keys.size() - 1);
    }
    return arrow::Status::OK();
  }

  arrow::Status DeleteInAllPartitions(const arrow::Array& keys) {
    ARROW_RETURN_NOT_OK(DeleteByKey(client_.get(), schema_, "", keys));
    for (const std::string& partition : schema_.partitions) {
      ARROW_RETURN_NOT_OK(DeleteByKey(client_.get(), schema_, partition, keys));
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> ToArray(const ReplyKeys& keys) const {
    arrow::Int64Builder numbers;
    arrow::StringBuilder strings;
    bool text = query_.key().type.kind == TypeKind::kString;
    for (int64_t i = 0; i < keys.size(); ++i) {
      Key key = keys.at(i);
      ARROW_RETURN_NOT_OK(text ? strings.Append(std::get<std::string>(key)) : numbers.Append(std::get<int64_t>(key)));
    }
    return text ? strings.Finish() : numbers.Finish();
  }

  std::shared_ptr<Client> client_;
  const CollectionSchema& schema_;
  RangeQuery query_;
  int64_t surplus_ = 0;
};

}  // namespace

arrow::Status RemoveUnacknowledged(std::shared_ptr<Client> client, const CollectionSchema& schema,
                                   const std::vector<Receipt>& receipts) {
  ARROW_ASSIGN_OR_RAISE(AckedIds acked, Combine(receipts));
  if (!acked.unsure) return arrow::Status::OK();
  CollectionSchema unindexed = schema;
  unindexed.indexes.clear();
  const auto indexes = TemporaryIndexes(unindexed);
  for (const Index& index : indexes) ARROW_RETURN_NOT_OK(EnsureIndex(client.get(), schema.ref, index));
  ARROW_RETURN_NOT_OK(Load(client.get(), schema.ref));
  ARROW_ASSIGN_OR_RAISE(uint64_t timestamp, ReadTimestamp(client.get()));
  ARROW_RETURN_NOT_OK(Remover(client, schema, timestamp).Run(acked));
  ARROW_RETURN_NOT_OK(Release(client.get(), schema.ref));
  for (const Index& index : indexes) ARROW_RETURN_NOT_OK(DropIndex(client.get(), schema.ref, index));
  return FlushAndWait(client.get(), schema.ref);
}

}  // namespace godwit::milvus
