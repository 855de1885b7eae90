#include "stores/milvus/range_query.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "stores/milvus/expression.h"

namespace godwit::milvus {
namespace {

constexpr const char* kCountField = "count(*)";

std::string Literal(const Key& key) {
  if (const auto* number = std::get_if<int64_t>(&key)) return Int64Literal(*number);
  return StringLiteral(std::get<std::string>(key));
}

void AddParam(pb::QueryRequest* request, const char* key, const std::string& value) {
  auto* param = request->add_query_params();
  param->set_key(key);
  param->set_value(value);
}

bool Contains(const arrow::Status& status, std::string_view part) {
  return status.message().find(part) != std::string::npos;
}

// After a restart or a failure of a node, Milvus loads the collection again by itself, and has several ways to say so.
arrow::Status Translate(const arrow::Status& status) {
  if (status.ok() || KindOf(status) == ErrorKind::kUnavailable) return status;
  if (Contains(status, "not loaded") || Contains(status, "not fully loaded") || Contains(status, "no available")) {
    return MakeError(ErrorKind::kUnavailable, status.message());
  }
  if (Contains(status, "cannot parse expression")) {
    return MakeError(
        ErrorKind::kUnsupported,
        status.message() +
            ". Where no filter is to blame, the name of the key field may be a word of Milvus' filter language: such a "
            "collection can't be read by key");
  }
  return status;
}

const schema_pb::FieldData* FindField(const pb::QueryResults& reply, const std::string& name) {
  for (const auto& data : reply.fields_data()) {
    if (data.field_name() == name) return &data;
  }
  return nullptr;
}

}  // namespace

RangeQuery::RangeQuery(std::shared_ptr<Client> client, const CollectionSchema& schema, const Field& key,
                       const std::optional<std::string>& partition, uint64_t guarantee_timestamp, std::string filter)
    : client_(std::move(client)), key_(key), filter_(std::move(filter)) {
  request_.set_db_name(schema.ref.database.empty() ? client_->database() : schema.ref.database);
  request_.set_collection_name(schema.ref.name);
  for (const Field& field : schema.fields) request_.add_output_fields(field.name);
  if (schema.FindField(key_.name) == nullptr) request_.add_output_fields(key_.name);
  if (partition) request_.add_partition_names(*partition);
  // Strong consistency would take a new timestamp, and wait for it, at every page; Bounded and Eventually ignore it.
  request_.set_use_default_consistency(false);
  request_.set_consistency_level(guarantee_timestamp > 0 ? common_pb::Customized : common_pb::Strong);
  request_.set_guarantee_timestamp(guarantee_timestamp);
  // Milvus Lite, which has no timestamps, answers in the order of the key only where it is asked by an iterator.
  if (guarantee_timestamp == 0) AddParam(&request_, "iterator", "True");
}

std::string RangeQuery::Expression(const std::optional<Key>& after, const std::optional<Key>& upto) const {
  std::string expression;
  if (after) expression = fmt::format("{} > {}", key_.name, Literal(*after));
  if (after && upto) expression += " and ";
  if (upto) expression += fmt::format("{} <= {}", key_.name, Literal(*upto));
  return Filtered(std::move(expression));
}

std::string RangeQuery::Filtered(std::string condition) const {
  if (filter_.empty()) return condition;
  return condition.empty() ? filter_ : fmt::format("({}) and ({})", filter_, condition);
}

QueryCall RangeQuery::Start(std::string expression, int64_t limit, const std::string& only_field) const {
  pb::QueryRequest request = request_;
  request.set_expr(std::move(expression));
  if (!only_field.empty()) {
    request.clear_output_fields();
    request.add_output_fields(only_field);
  }
  if (limit > 0) {
    AddParam(&request, "limit", std::to_string(limit));
    // Without it a page loses keys where keys repeat in several segments: each segment answers with its first `limit`
    // rows, and the limit is then applied to what is left after removing copies.
    AddParam(&request, "reduce_stop_for_best", "True");
  }
  return client_->StartQuery(request);
}

QueryCall RangeQuery::StartPage(const std::optional<Key>& after, const std::optional<Key>& upto, int64_t limit) const {
  return Start(Expression(after, upto), limit, {});
}

QueryCall RangeQuery::StartRange(const std::optional<Key>& after, const Key& upto) const {
  return Start(Expression(after, upto), /*limit=*/0, {});
}

arrow::Result<QueryCall> RangeQuery::StartKeys(const arrow::Array& keys, int64_t begin, int64_t end) const {
  ARROW_ASSIGN_OR_RAISE(std::string expression, KeyIn(key_.name, keys, begin, end));
  return Start(std::move(expression), /*limit=*/0, {});
}

QueryCall RangeQuery::StartCount(const std::optional<Key>& after, const std::optional<Key>& upto) const {
  return Start(Expression(after, upto), /*limit=*/0, kCountField);
}

QueryCall RangeQuery::StartCountOf(const Key& key) const {
  return Start(Filtered(fmt::format("{} == {}", key_.name, Literal(key))), /*limit=*/0, kCountField);
}

arrow::Result<int64_t> RangeQuery::Count(const std::optional<Key>& after, const std::optional<Key>& upto) const {
  return CountIn(StartCount(after, upto));
}

arrow::Result<std::optional<Key>> RangeQuery::FirstKey(const std::optional<Key>& after) const {
  ARROW_ASSIGN_OR_RAISE(QueryReply reply, WaitFor(Start(Expression(after, std::nullopt), /*limit=*/1, key_.name)));
  ARROW_ASSIGN_OR_RAISE(ReplyKeys keys, ReplyKeys::Of(*reply, key_.name));
  if (keys.size() == 0) return std::nullopt;
  return keys.at(0);
}

KeyCounter RangeQuery::Counter() const {
  return {
      .count = [this](const std::optional<Key>& after, const std::optional<Key>& upto) { return Count(after, upto); },
      .first = [this](const std::optional<Key>& after) { return FirstKey(after); }};
}

arrow::Status RangeQuery::CheckGreatestKey() const {
  if (key_.type.kind != TypeKind::kInt64) return arrow::Status::OK();
  const Key greatest = std::numeric_limits<int64_t>::max();
  ARROW_ASSIGN_OR_RAISE(int64_t rows, CountIn(StartCountOf(greatest)));
  if (rows == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto key, FirstKey(Key(std::numeric_limits<int64_t>::max() - 1)));
  if (key) return arrow::Status::OK();
  return MakeError(
      ErrorKind::kUnsupported,
      fmt::format("the row with the key {} can't be read: this Milvus counts it but returns it to no query. "
                  "Delete it, or insert it again under another key",
                  KeyToJson(greatest)),
      request_.db_name() + "." + request_.collection_name());
}

arrow::Result<uint64_t> ReadTimestamp(Client* client) {
  auto allocated = client->AllocTimestamp();
  if (!allocated.ok() && KindOf(allocated.status()) == ErrorKind::kUnsupported) return 0;
  return allocated;
}

arrow::Result<QueryReply> WaitFor(QueryCall call) {
  auto reply = call.Wait();
  if (!reply.ok()) return Translate(reply.status());
  return reply;
}

arrow::Result<int64_t> CountIn(QueryCall call) {
  ARROW_ASSIGN_OR_RAISE(QueryReply reply, WaitFor(std::move(call)));
  const schema_pb::FieldData* data = FindField(*reply, kCountField);
  if (data == nullptr || data->scalars().long_data().data_size() != 1) {
    return MakeError(ErrorKind::kCorruptData, "the reply to count(*) holds no number", reply->collection_name());
  }
  return data->scalars().long_data().data(0);
}

arrow::Result<ReplyKeys> ReplyKeys::Of(const pb::QueryResults& reply, const std::string& key_field) {
  ReplyKeys keys;
  if (reply.fields_data_size() == 0) return keys;  // no rows
  const schema_pb::FieldData* data = FindField(reply, key_field);
  if (data == nullptr || (data->type() != schema_pb::Int64 && data->type() != schema_pb::VarChar)) {
    return MakeError(ErrorKind::kCorruptData, fmt::format("field {}: the reply holds no keys", key_field));
  }
  keys.numbers_ = &data->scalars().long_data().data();
  if (data->type() == schema_pb::VarChar) keys.strings_ = &data->scalars().string_data().data();
  bool ascending = keys.strings_ != nullptr
                       ? std::adjacent_find(keys.strings_->begin(), keys.strings_->end(), std::greater_equal<>()) ==
                             keys.strings_->end()
                       : std::adjacent_find(keys.numbers_->begin(), keys.numbers_->end(), std::greater_equal<>()) ==
                             keys.numbers_->end();
  if (!ascending) {
    return MakeError(ErrorKind::kCorruptData, fmt::format("field {}: the keys of the reply do not ascend", key_field));
  }
  return keys;
}

int64_t ReplyKeys::size() const {
  if (strings_ != nullptr) return strings_->size();
  return numbers_ != nullptr ? numbers_->size() : 0;
}

Key ReplyKeys::at(int64_t row) const {
  if (strings_ != nullptr) return strings_->at(static_cast<int>(row));
  return numbers_->at(static_cast<int>(row));
}

std::string KeyToJson(const Key& key) {
  return std::visit([](const auto& value) { return nlohmann::json(value).dump(); }, key);
}

arrow::Result<Key> KeyFromJson(std::string_view json) {
  auto value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (value.is_string()) return Key(value.get<std::string>());
  if (value.is_number_integer() && (value.is_number_unsigned() == false || value.get<uint64_t>() <= INT64_MAX)) {
    return Key(value.get<int64_t>());
  }
  return MakeError(ErrorKind::kCorruptData, fmt::format("{} is no key: neither an int64 nor a string", json));
}

}  // namespace godwit::milvus
