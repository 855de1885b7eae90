#include "stores/milvus/source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/condition.h"
#include "stores/milvus/catalog.h"
#include "stores/milvus/codec.h"
#include "stores/milvus/key_ranges.h"
#include "stores/milvus/privileges.h"
#include "stores/milvus/range_query.h"
#include "stores/milvus/range_reader.h"

namespace godwit::milvus {
namespace {

using Json = nlohmann::json;

constexpr int64_t kSampleRows = 100;
// Fewer rows than this are not worth a split of their own.
constexpr int64_t kSmallestSplitRows = 1000;
constexpr int64_t kLargestSplitBytes = 1LL << 30;
constexpr int64_t kCountsAtOnce = 32;

// ---------------------------------------------------------------------------------------------------------------------
// Preparation

struct PreparationPlan {
  bool release = false;  // loaded by us, so to be released by us
  std::vector<Index> indexes;
};

std::string ToText(const PreparationPlan& plan) {
  Json json{{"load", true}, {"release", plan.release}};
  for (const Index& index : plan.indexes) {
    json["indexes"].push_back(
        {{"name", index.name}, {"field", index.field}, {"type", index.type}, {"metric", index.metric}});
  }
  return json.dump();
}

arrow::Result<Json> ParseObject(std::string_view what, const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  return MakeError(ErrorKind::kCorruptData, fmt::format("{} is not a {} of the milvus store", text, what));
}

std::string TextOf(const Json& json, const char* name) {
  auto member = json.find(name);
  return member != json.end() && member->is_string() ? member->get<std::string>() : std::string();
}

arrow::Result<PreparationPlan> ParsePreparation(const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(Json json, ParseObject("preparation", text));
  PreparationPlan plan;
  auto release = json.find("release");
  plan.release = release != json.end() && *release == true;
  if (auto indexes = json.find("indexes"); indexes != json.end()) {
    for (const Json& index : *indexes) {
      plan.indexes.push_back({.name = TextOf(index, "name"),
                              .field = TextOf(index, "field"),
                              .type = TextOf(index, "type"),
                              .metric = TextOf(index, "metric"),
                              .params = {}});
    }
  }
  return plan;
}

arrow::Status UnlessGone(const arrow::Status& status) {
  return !status.ok() && KindOf(status) == ErrorKind::kNotFound ? arrow::Status::OK() : status;
}

// ---------------------------------------------------------------------------------------------------------------------
// Splits

struct SplitSpec {
  std::optional<std::string> partition;  // as Milvus names it
  std::optional<Key> after;
  std::optional<Key> upto;
  std::string filter = {};
};

std::string ToText(const SplitSpec& spec) {
  Json json = Json::object();
  if (spec.partition) json["partition"] = *spec.partition;
  if (spec.after) json["after"] = Json::parse(KeyToJson(*spec.after));
  if (spec.upto) json["upto"] = Json::parse(KeyToJson(*spec.upto));
  if (!spec.filter.empty()) json["filter"] = spec.filter;
  return json.dump();
}

arrow::Result<SplitSpec> ParseSplit(const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(Json json, ParseObject("split", text));
  for (const auto& [name, value] : json.items()) {
    if (name != "partition" && name != "after" && name != "upto" && name != "filter") {
      return MakeError(ErrorKind::kCorruptData, fmt::format("a split with '{}' is none of Milvus: {}", name, text));
    }
  }
  SplitSpec spec;
  if (json.contains("partition")) spec.partition = TextOf(json, "partition");
  spec.filter = TextOf(json, "filter");
  if (json.contains("after")) {
    ARROW_ASSIGN_OR_RAISE(spec.after, KeyFromJson(json["after"].dump()));
  }
  if (json.contains("upto")) {
    ARROW_ASSIGN_OR_RAISE(spec.upto, KeyFromJson(json["upto"].dump()));
  }
  return spec;
}

// The partitions to read one by one; none = all together. In a collection with a partition key they may not be named.
std::vector<std::optional<std::string>> PartitionsOf(const CollectionSchema& schema) {
  if (schema.has_partition_key() || schema.partitions.empty()) return {std::nullopt};
  std::vector<std::optional<std::string>> partitions = {kDefaultPartition};
  partitions.insert(partitions.end(), schema.partitions.begin(), schema.partitions.end());
  return partitions;
}

arrow::Result<std::vector<int64_t>> CountAll(const std::vector<RangeQuery>& queries) {
  std::vector<int64_t> rows;
  while (rows.size() < queries.size()) {
    std::vector<QueryCall> calls;
    for (size_t i = rows.size(); i < std::min(rows.size() + size_t{kCountsAtOnce}, queries.size()); ++i) {
      calls.push_back(queries[i].StartCount(std::nullopt, std::nullopt));
    }
    for (QueryCall& call : calls) {
      ARROW_ASSIGN_OR_RAISE(int64_t count, CountIn(std::move(call)));
      rows.push_back(count);
    }
  }
  return rows;
}

// Bytes of a row on the wire, by the first ones.
arrow::Result<int64_t> SampleRowBytes(const RangeQuery& query, const CollectionSchema& schema) {
  for (int64_t limit = kSampleRows;; limit /= 10) {
    auto reply = WaitFor(query.StartPage(std::nullopt, std::nullopt, limit));
    if (limit > 1 && !reply.ok() && KindOf(reply.status()) == ErrorKind::kTooLarge) continue;
    ARROW_RETURN_NOT_OK(reply);
    ARROW_ASSIGN_OR_RAISE(ReplyKeys keys, ReplyKeys::Of(**reply, query.key().name));
    if (keys.size() == 0) return std::max<int64_t>(1, schema.EstimatedRowBytes());
    return std::max<int64_t>(1, static_cast<int64_t>((*reply)->ByteSizeLong()) / keys.size());
  }
}

RangeSizes SizesFor(const SplitPolicy& policy, int64_t rows, int64_t row_bytes) {
  int64_t splits = std::max<int64_t>(1, policy.min_splits);
  int64_t even = std::max(kSmallestSplitRows, (rows + splits - 1) / splits);
  int64_t fitting = std::min(policy.target_bytes, kLargestSplitBytes) / row_bytes;
  return {.rows = std::max<int64_t>(1, std::min(even, fitting)),
          .max_rows = std::max<int64_t>(1, kLargestSplitBytes / row_bytes)};
}

// The primary key, which a projection may have left out of the schema.
arrow::Result<Field> KeyOf(Client* client, const CollectionSchema& schema) {
  if (int key = schema.key_index(); key >= 0) return schema.fields[static_cast<size_t>(key)];
  ARROW_ASSIGN_OR_RAISE(auto reply, DescribeCollection(client, schema.ref));
  ARROW_ASSIGN_OR_RAISE(auto whole, SchemaFromProto(reply));
  if (int key = whole.key_index(); key >= 0) return whole.fields[static_cast<size_t>(key)];
  return MakeError(ErrorKind::kCorruptData, "the collection has no primary key", schema.ref.ToString());
}

arrow::Result<uint64_t> TimestampOf(Client* client, const Snapshot& snapshot) {
  uint64_t timestamp = 0;
  const char* end = snapshot.id.data() + snapshot.id.size();
  auto parsed = std::from_chars(snapshot.id.data(), end, timestamp);
  if (parsed.ec == std::errc() && parsed.ptr == end) return timestamp;
  return ReadTimestamp(client);
}

Key KeyAt(const arrow::Array& keys, int64_t row) {
  if (keys.type_id() == arrow::Type::INT64) return static_cast<const arrow::Int64Array&>(keys).Value(row);
  return static_cast<const arrow::StringArray&>(keys).GetString(row);
}

}  // namespace

MilvusSource::MilvusSource(std::shared_ptr<Client> client, int64_t max_page_rows)
    : client_(std::move(client)),
      max_page_rows_(max_page_rows > 0 ? std::min(max_page_rows, kMaxPageRows) : kMaxPageRows) {}

arrow::Result<std::string> MilvusSource::Preparation(const CollectionRef& ref, ReadPurpose purpose) {
  ARROW_ASSIGN_OR_RAISE(LoadState state, GetLoadState(client_.get(), ref));
  if (purpose == ReadPurpose::kCopy) {
    const bool load = state == LoadState::kNotLoaded;
    ARROW_RETURN_NOT_OK(CheckPrivileges(client_.get(), ref, PrivilegesToRead(load)));
  }
  switch (state) {
    case LoadState::kLoaded:
      return std::string();
    case LoadState::kLoading:  // by somebody else: only to be waited for
      return ToText(PreparationPlan{.release = false, .indexes = {}});
    case LoadState::kPartlyLoaded:
      return MakeError(ErrorKind::kUnsupported,
                       "some partitions are loaded and others are not, which Milvus reads as if the others were empty; "
                       "load the whole collection, or release it",
                       ref.ToString());
    case LoadState::kNotLoaded:
      break;
  }
  ARROW_ASSIGN_OR_RAISE(CollectionSchema schema, MilvusCatalog(client_).Describe(ref));
  PreparationPlan plan{.release = true, .indexes = TemporaryIndexes(schema)};
  if (!plan.indexes.empty() && purpose == ReadPurpose::kCopy) {
    return MakeError(ErrorKind::kUnsupported,
                     fmt::format("field {} has no index, and without one Milvus can't load the collection; create an "
                                 "index (FLAT is the cheapest) and run again",
                                 plan.indexes.front().field),
                     ref.ToString());
  }
  return ToText(plan);
}

arrow::Status MilvusSource::Prepare(const CollectionRef& ref, const std::string& preparation) {
  if (preparation.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(PreparationPlan plan, ParsePreparation(preparation));
  for (const Index& index : plan.indexes) ARROW_RETURN_NOT_OK(EnsureIndex(client_.get(), ref, index));
  if (!plan.indexes.empty()) ARROW_RETURN_NOT_OK(WaitForIndexes(client_.get(), ref));
  return Load(client_.get(), ref);
}

arrow::Status MilvusSource::Restore(const CollectionRef& ref, const std::string& preparation) {
  if (preparation.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(PreparationPlan plan, ParsePreparation(preparation));
  if (plan.release) ARROW_RETURN_NOT_OK(UnlessGone(Release(client_.get(), ref)));
  for (const Index& index : plan.indexes) {
    ARROW_RETURN_NOT_OK(UnlessGone(DropIndex(client_.get(), ref, index)));
  }
  return arrow::Status::OK();
}

arrow::Result<Snapshot> MilvusSource::OpenSnapshot(const CollectionRef&) {
  ARROW_ASSIGN_OR_RAISE(uint64_t timestamp, TimestampOf(client_.get(), {}));
  return Snapshot{.life = SnapshotLife::kNone, .id = std::to_string(timestamp)};
}

arrow::Status MilvusSource::CheckFilter(const CollectionSchema& schema, const std::string& filter) {
  ARROW_RETURN_NOT_OK(CheckCondition(filter, ConditionLanguage::kMilvus));
  ARROW_ASSIGN_OR_RAISE(Field key, KeyOf(client_.get(), schema));
  RangeQuery query(client_, schema, key, std::nullopt, /*guarantee_timestamp=*/0, filter);
  arrow::Status status = query.FirstKey(std::nullopt).status();
  // Read before anything else: whatever comes later says nothing of the filter.
  if (status.message().find("parse expression") == std::string::npos) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidConfig, "Milvus says: " + status.message());
}

arrow::Result<std::vector<Split>> MilvusSource::PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                                           const SplitPolicy& policy) {
  ARROW_ASSIGN_OR_RAISE(Field key, KeyOf(client_.get(), schema));
  ARROW_ASSIGN_OR_RAISE(uint64_t timestamp, TimestampOf(client_.get(), snapshot));
  RangeQuery whole(client_, schema, key, std::nullopt, timestamp, policy.filter);
  ARROW_RETURN_NOT_OK(whole.CheckGreatestKey());
  ARROW_ASSIGN_OR_RAISE(int64_t row_bytes, SampleRowBytes(whole, schema));
  auto partitions = PartitionsOf(schema);
  std::vector<RangeQuery> queries;
  for (const auto& partition : partitions) {
    queries.emplace_back(client_, schema, key, partition, timestamp, policy.filter);
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, CountAll(queries));
  int64_t total = 0;
  for (int64_t count : rows) total += count;
  RangeSizes sizes = SizesFor(policy, total, row_bytes);
  std::vector<Split> splits;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (rows[i] == 0) continue;
    KeyRange all{.after = std::nullopt, .upto = std::nullopt, .rows = rows[i]};
    ARROW_ASSIGN_OR_RAISE(auto ranges, CutKeyRange(all, sizes, queries[i].Counter()));
    for (const KeyRange& range : ranges) {
      splits.push_back(
          {.id = fmt::format("r{}", splits.size()),
           .spec =
               ToText({.partition = partitions[i], .after = range.after, .upto = range.upto, .filter = policy.filter}),
           .estimated_rows = range.rows,
           .estimated_bytes = range.rows * row_bytes});
    }
  }
  return splits;
}

arrow::Result<std::unique_ptr<Reader>> MilvusSource::Open(const CollectionSchema& schema, const Split& split,
                                                          const Snapshot& snapshot, const std::string& resume_after) {
  ARROW_ASSIGN_OR_RAISE(SplitSpec spec, ParseSplit(split.spec));
  if (!resume_after.empty()) {
    ARROW_ASSIGN_OR_RAISE(spec.after, KeyFromJson(resume_after));
  }
  ARROW_ASSIGN_OR_RAISE(Field key, KeyOf(client_.get(), schema));
  ARROW_ASSIGN_OR_RAISE(uint64_t timestamp, TimestampOf(client_.get(), snapshot));
  int64_t row_bytes = split.estimated_rows > 0 ? split.estimated_bytes / split.estimated_rows : 0;
  RangeReader::Options options{
      .schema = schema,
      .partition = spec.partition == kDefaultPartition ? std::string() : spec.partition.value_or(std::string()),
      .after = spec.after,
      .upto = spec.upto,
      .row_bytes = row_bytes > 0 ? row_bytes : schema.EstimatedRowBytes(),
      .max_page_rows = max_page_rows_,
      .stop = client_->stop()};
  RangeQuery query(client_, schema, key, spec.partition, timestamp, spec.filter);
  return std::make_unique<RangeReader>(std::move(query), std::move(options));
}

arrow::Result<std::vector<int64_t>> MilvusSource::CountRows(const CollectionSchema& schema,
                                                            const std::string& partition, const arrow::Array& keys,
                                                            const std::string& filter) {
  ARROW_ASSIGN_OR_RAISE(Field key, KeyOf(client_.get(), schema));
  ARROW_ASSIGN_OR_RAISE(uint64_t timestamp, ReadTimestamp(client_.get()));
  // As the splits do: by name only where there are named ones.
  std::optional<std::string> name;
  if (!schema.has_partition_key() && !schema.partitions.empty())
    name = partition.empty() ? kDefaultPartition : partition;
  RangeQuery query(client_, schema, key, name, timestamp, filter);
  std::vector<int64_t> rows;
  while (std::ssize(rows) < keys.length()) {
    std::vector<QueryCall> calls;
    for (int64_t i = std::ssize(rows); i < std::min(std::ssize(rows) + kCountsAtOnce, keys.length()); ++i) {
      calls.push_back(query.StartCountOf(KeyAt(keys, i)));
    }
    for (QueryCall& call : calls) {
      ARROW_ASSIGN_OR_RAISE(int64_t count, CountIn(std::move(call)));
      rows.push_back(count);
    }
  }
  return rows;
}

}  // namespace godwit::milvus
