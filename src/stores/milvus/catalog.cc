#include "stores/milvus/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>
#include <utility>

#include "stores/milvus/codec.h"
#include "stores/milvus/privileges.h"

namespace godwit::milvus {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Work that the server does on its own is asked after with growing pauses between these.
constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{500};
// Work counts as stuck when it stands still for so long. The rows of an index count only when a whole segment is done.
constexpr std::chrono::minutes kStandstill{10};
constexpr std::chrono::minutes kIndexStandstill{60};

constexpr std::string_view kIndexType = "index_type";
constexpr std::string_view kMetricType = "metric_type";
constexpr std::string_view kParams = "params";

bool IsNotFound(const arrow::Status& status) { return !status.ok() && godwit::KindOf(status) == ErrorKind::kNotFound; }

arrow::Status NotFound(const CollectionRef& ref) {
  return MakeError(ErrorKind::kNotFound, "collection '" + ref.ToString() + "' does not exist");
}

template <class Request>
Request RequestFor(const CollectionRef& ref) {
  Request request;
  request.set_db_name(ref.database);
  request.set_collection_name(ref.name);
  return request;
}

/// Asks until the answer is true. `progress` tells how far it is; standing still for long is kUnavailable.
arrow::Status WaitUntil(Client* client, std::string_view what, std::chrono::minutes standstill,
                        const std::function<arrow::Result<bool>(int64_t* progress)>& is_done) {
  milliseconds pause = kFirstPause;
  int64_t best = -1;
  auto moved = Clock::now();
  while (true) {
    int64_t progress = 0;
    ARROW_ASSIGN_OR_RAISE(bool done, is_done(&progress));
    if (done) return arrow::Status::OK();
    if (progress != best) {
      best = progress;
      moved = Clock::now();
    }
    if (Clock::now() - moved > standstill) {
      return MakeError(ErrorKind::kUnavailable,
                       fmt::format("{} has stood still for {} minutes", what, standstill.count()));
    }
    if (client->stop().WaitFor(pause)) return MakeError(ErrorKind::kCancelled, "stopped");
    pause = std::min(2 * pause, kLongestPause);
  }
}

arrow::Result<std::vector<std::string>> ListPartitions(Client* client, const CollectionRef& ref) {
  auto reply = client->ShowPartitions(RequestFor<pb::ShowPartitionsRequest>(ref));
  if (!reply.ok() && godwit::KindOf(reply.status()) == ErrorKind::kUnsupported)
    return std::vector<std::string>();  // Milvus Lite
  ARROW_RETURN_NOT_OK(reply);
  return std::vector<std::string>(reply->partition_names().begin(), reply->partition_names().end());
}

}  // namespace

arrow::Result<Features> AskFeatures(Client* client) {
  auto version = client->GetVersion();
  if (version.ok()) return FeaturesOf(*version);
  if (godwit::KindOf(version.status()) == ErrorKind::kUnsupported) return LiteFeatures();
  return version.status();
}

CollectionRef Resolve(const Client& client, const CollectionRef& ref) {
  return {ref.database.empty() ? client.database() : ref.database, ref.name};
}

arrow::Result<pb::DescribeCollectionResponse> DescribeCollection(Client* client, const CollectionRef& ref) {
  return client->DescribeCollection(RequestFor<pb::DescribeCollectionRequest>(Resolve(*client, ref)));
}

arrow::Result<int64_t> CountRows(Client* client, const CollectionRef& ref) {
  auto request = RequestFor<pb::QueryRequest>(Resolve(*client, ref));
  request.add_output_fields("count(*)");
  request.set_consistency_level(common_pb::Strong);
  ARROW_ASSIGN_OR_RAISE(auto reply, client->Query(request));
  if (reply->fields_data_size() != 1 || reply->fields_data(0).scalars().long_data().data_size() != 1) {
    return MakeError(ErrorKind::kCorruptData, "count(*) gave no number", ref.ToString());
  }
  return reply->fields_data(0).scalars().long_data().data(0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Load

arrow::Result<LoadState> GetLoadState(Client* client, const CollectionRef& ref) {
  auto request = RequestFor<pb::GetLoadStateRequest>(Resolve(*client, ref));
  ARROW_ASSIGN_OR_RAISE(auto reply, client->GetLoadState(request));
  switch (reply.state()) {
    case common_pb::LoadStateNotExist:
      return NotFound(ref);
    case common_pb::LoadStateLoading:
      return LoadState::kLoading;
    case common_pb::LoadStateLoaded:
      break;
    default:
      return LoadState::kNotLoaded;
  }
  // A collection counts as loaded as soon as one of its partitions is.
  ARROW_ASSIGN_OR_RAISE(auto partitions, ListPartitions(client, Resolve(*client, ref)));
  if (partitions.size() < 2) return LoadState::kLoaded;
  for (std::string& name : partitions) request.add_partition_names(std::move(name));
  ARROW_ASSIGN_OR_RAISE(reply, client->GetLoadState(request));
  return reply.state() == common_pb::LoadStateLoaded ? LoadState::kLoaded : LoadState::kPartlyLoaded;
}

arrow::Status Load(Client* client, const CollectionRef& ref) {
  auto request = RequestFor<pb::LoadCollectionRequest>(Resolve(*client, ref));
  request.set_replica_number(1);
  arrow::Status started = client->LoadCollection(request);
  if (IsNotFound(started) && started.message().find("index not found") != std::string::npos) {
    return MakeError(
        ErrorKind::kUnsupported,
        "collection '" + ref.ToString() + "' can't be loaded: Milvus needs an index on every vector field first");
  }
  ARROW_RETURN_NOT_OK(started);
  auto progress_request = RequestFor<pb::GetLoadingProgressRequest>(Resolve(*client, ref));
  return WaitUntil(client, "loading of '" + ref.ToString() + "'", kStandstill,
                   [&](int64_t* progress) -> arrow::Result<bool> {
                     // Asked first, as only this call tells why a load failed.
                     ARROW_ASSIGN_OR_RAISE(auto reply, client->GetLoadingProgress(progress_request));
                     *progress = reply.progress();
                     if (*progress < 100) return false;
                     ARROW_ASSIGN_OR_RAISE(LoadState state, GetLoadState(client, ref));
                     return state == LoadState::kLoaded;
                   });
}

arrow::Status Release(Client* client, const CollectionRef& ref) {
  ARROW_RETURN_NOT_OK(client->ReleaseCollection(RequestFor<pb::ReleaseCollectionRequest>(Resolve(*client, ref))));
  return WaitUntil(client, "release of '" + ref.ToString() + "'", kStandstill, [&](int64_t*) -> arrow::Result<bool> {
    ARROW_ASSIGN_OR_RAISE(LoadState state, GetLoadState(client, ref));
    return state == LoadState::kNotLoaded;
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Indexes

namespace {

void ReadIndexParam(const common_pb::KeyValuePair& param, Index* index) {
  if (param.key() == kIndexType) {
    index->type = param.value();
  } else if (param.key() == kMetricType) {
    index->metric = param.value();
  } else if (auto json = nlohmann::json::parse(param.value(), nullptr, /*allow_exceptions=*/false);
             param.key() == kParams && json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      index->params[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  } else {
    index->params[param.key()] = param.value();
  }
}

std::string ParamsAsJson(const std::map<std::string, std::string>& params) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, text] : params) {
    auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    bool plain = value.is_number() || value.is_boolean();
    json[key] = plain ? std::move(value) : nlohmann::json(text);
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string ForPeople(const Index& index) {
  std::string text = index.type.empty() ? "default type" : index.type;
  if (!index.metric.empty()) text += " " + index.metric;
  for (const auto& [key, value] : index.params) text += " " + key + "=" + value;
  return text;
}

pb::CreateIndexRequest IndexRequest(const CollectionRef& ref, const Index& index) {
  auto request = RequestFor<pb::CreateIndexRequest>(ref);
  request.set_field_name(index.field);
  request.set_index_name(index.name);
  auto add = [&](std::string_view key, const std::string& value) {
    auto* param = request.add_extra_params();
    param->set_key(std::string(key));
    param->set_value(value);
  };
  if (!index.type.empty()) add(kIndexType, index.type);
  if (!index.metric.empty()) add(kMetricType, index.metric);
  if (!index.params.empty()) add(kParams, ParamsAsJson(index.params));
  return request;
}

/// True when `have` does all that is wanted; the server may have filled in more.
bool Satisfies(const Index& have, const Index& want) {
  if (!want.type.empty() && have.type != want.type) return false;
  if (!want.metric.empty() && have.metric != want.metric) return false;
  return std::all_of(want.params.begin(), want.params.end(), [&](const auto& param) {
    auto found = have.params.find(param.first);
    return found != have.params.end() && found->second == param.second;
  });
}

/// No index at all is an error of the server's.
arrow::Result<pb::DescribeIndexResponse> DescribeIndexes(Client* client, const CollectionRef& ref) {
  auto reply = client->DescribeIndex(RequestFor<pb::DescribeIndexRequest>(Resolve(*client, ref)));
  if (IsNotFound(reply.status())) return pb::DescribeIndexResponse();
  return reply;
}

}  // namespace

arrow::Result<std::vector<Index>> ListIndexes(Client* client, const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(auto reply, DescribeIndexes(client, ref));
  std::vector<Index> indexes;
  for (const auto& description : reply.index_descriptions()) {
    Index index{
        .name = description.index_name(), .field = description.field_name(), .type = {}, .metric = {}, .params = {}};
    for (const auto& param : description.params()) ReadIndexParam(param, &index);
    indexes.push_back(std::move(index));
  }
  std::sort(indexes.begin(), indexes.end(), [](const Index& a, const Index& b) { return a.name < b.name; });
  return indexes;
}

arrow::Status EnsureIndex(Client* client, const CollectionRef& ref, const Index& index) {
  ARROW_ASSIGN_OR_RAISE(auto indexes, ListIndexes(client, ref));
  for (const Index& have : indexes) {
    if (have.field != index.field) continue;
    if (Satisfies(have, index)) return arrow::Status::OK();
    return MakeError(
        ErrorKind::kConflict,
        fmt::format("collection '{}': field {} has the index {} ({}), wanted is {} ({}); drop the one that is "
                    "there, or leave out indexes",
                    ref.ToString(), index.field, have.name, ForPeople(have), index.name, ForPeople(index)));
  }
  const auto request = IndexRequest(Resolve(*client, ref), index);
  return WithContext(client->CreateIndex(request), "index " + index.name + " (" + ForPeople(index) + ")");
}

arrow::Status WaitForIndexes(Client* client, const CollectionRef& ref) {
  auto is_done = [&](int64_t* progress) -> arrow::Result<bool> {
    ARROW_ASSIGN_OR_RAISE(auto reply, DescribeIndexes(client, ref));
    bool done = true;
    for (const auto& index : reply.index_descriptions()) {
      if (index.state() == common_pb::IndexState::Failed) {
        return MakeError(ErrorKind::kUnsupported,
                         fmt::format("collection '{}': the index {} can't be built: {}", ref.ToString(),
                                     index.index_name(), index.index_state_fail_reason()));
      }
      *progress += index.indexed_rows();
      done = done && index.state() == common_pb::IndexState::Finished;
    }
    return done;
  };
  return WaitUntil(client, "building of the indexes of '" + ref.ToString() + "'", kIndexStandstill, is_done);
}

arrow::Status DropIndex(Client* client, const CollectionRef& ref, const Index& index) {
  auto request = RequestFor<pb::DropIndexRequest>(Resolve(*client, ref));
  request.set_field_name(index.field);
  request.set_index_name(index.name);
  return client->DropIndex(request);
}

std::vector<Index> TemporaryIndexes(const CollectionSchema& schema) {
  std::vector<Index> indexes;
  for (const Field& field : schema.fields) {
    bool indexed = std::any_of(schema.indexes.begin(), schema.indexes.end(),
                               [&](const Index& index) { return index.field == field.name; });
    if (!field.type.is_vector() || indexed) continue;
    Index index{.name = "godwit_" + field.name, .field = field.name, .type = "FLAT", .metric = "L2", .params = {}};
    if (field.type.kind == TypeKind::kBinaryVector) {
      index.type = "BIN_FLAT";
      index.metric = "HAMMING";
    } else if (field.type.kind == TypeKind::kSparseVector) {
      index.type = "SPARSE_INVERTED_INDEX";
      index.metric = "IP";
    }
    indexes.push_back(std::move(index));
  }
  return indexes;
}

arrow::Status EnsureAlias(Client* client, const CollectionRef& ref, const std::string& alias) {
  auto create = RequestFor<pb::CreateAliasRequest>(Resolve(*client, ref));
  create.set_alias(alias);
  arrow::Status status = client->CreateAlias(create);
  if (status.ok() || godwit::KindOf(status) != ErrorKind::kConflict) return status;
  // An alias survives its collection, and then stands in the way although it leads nowhere.
  pb::DescribeAliasRequest describe;
  describe.set_db_name(create.db_name());
  describe.set_alias(alias);
  auto owner = client->DescribeAlias(describe);
  if (!IsNotFound(owner.status())) return status;
  pb::DropAliasRequest drop;
  drop.set_db_name(create.db_name());
  drop.set_alias(alias);
  ARROW_RETURN_NOT_OK(client->DropAlias(drop));
  return client->CreateAlias(create);
}

arrow::Status FlushAndWait(Client* client, const CollectionRef& ref) {
  CollectionRef where = Resolve(*client, ref);
  pb::FlushRequest flush;
  flush.set_db_name(where.database);
  flush.add_collection_names(where.name);
  ARROW_ASSIGN_OR_RAISE(auto reply, client->Flush(flush));
  // Segments that were sealed have to be written; the time stamp covers deletes, which seal nothing.
  auto request = RequestFor<pb::GetFlushStateRequest>(where);
  if (auto found = reply.coll_segids().find(where.name); found != reply.coll_segids().end()) {
    *request.mutable_segmentids() = found->second.data();
  }
  if (auto found = reply.coll_flush_ts().find(where.name); found != reply.coll_flush_ts().end()) {
    request.set_flush_ts(found->second);
  }
  return WaitUntil(client, "flush of '" + ref.ToString() + "'", kStandstill, [&](int64_t*) -> arrow::Result<bool> {
    ARROW_ASSIGN_OR_RAISE(auto state, client->GetFlushState(request));
    return state.flushed();
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Catalog

arrow::Result<std::vector<std::string>> MilvusCatalog::List(const std::string& database) {
  pb::ShowCollectionsRequest request;
  request.set_db_name(database.empty() ? client_->database() : database);
  ARROW_ASSIGN_OR_RAISE(auto reply, client_->ShowCollections(request));
  std::vector<std::string> names(reply.collection_names().begin(), reply.collection_names().end());
  std::sort(names.begin(), names.end());
  return names;
}

arrow::Result<std::vector<std::string>> MilvusCatalog::Databases() {
  auto names = client_->ListDatabases();
  if (!names.ok() && godwit::KindOf(names.status()) == ErrorKind::kUnsupported) return std::vector{client_->database()};
  ARROW_RETURN_NOT_OK(names);
  std::sort(names->begin(), names->end());
  return names;
}

namespace {

arrow::Result<CollectionSchema> CompleteSchema(Client* client, const CollectionRef& ref,
                                               const pb::DescribeCollectionResponse& description) {
  ARROW_ASSIGN_OR_RAISE(CollectionSchema schema, SchemaFromProto(description));
  schema.ref = ref;  // as it was asked for: maybe by an alias
  std::sort(schema.aliases.begin(), schema.aliases.end());
  if (!schema.has_partition_key()) {
    ARROW_ASSIGN_OR_RAISE(schema.partitions, ListPartitions(client, ref));
    std::erase(schema.partitions, kDefaultPartition);
    std::sort(schema.partitions.begin(), schema.partitions.end());
  }
  ARROW_ASSIGN_OR_RAISE(schema.indexes, ListIndexes(client, ref));
  ARROW_ASSIGN_OR_RAISE(LoadState state, GetLoadState(client, ref));
  schema.loaded = state != LoadState::kNotLoaded;
  return schema;
}

/// Names every privilege that is missing for it, not just the first.
arrow::Result<CollectionSchema> DescribeWhole(Client* client, const CollectionRef& ref,
                                              const pb::DescribeCollectionResponse& description) {
  auto schema = CompleteSchema(client, ref, description);
  if (!schema.ok() && godwit::KindOf(schema.status()) == ErrorKind::kUnauthenticated) {
    ARROW_RETURN_NOT_OK(CheckPrivileges(client, ref, PrivilegesToDescribe({})));
  }
  return schema;
}

arrow::Result<int64_t> FlushedRows(Client* client, const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(auto reply,
                        client->GetCollectionStatistics(RequestFor<pb::GetCollectionStatisticsRequest>(ref)));
  for (const auto& entry : reply.stats()) {
    int64_t rows = 0;
    const std::string& text = entry.value();
    if (entry.key() == "row_count" && std::from_chars(text.data(), text.data() + text.size(), rows).ec == std::errc()) {
      return rows;
    }
  }
  return MakeError(ErrorKind::kCorruptData, "the statistics hold no row_count", ref.ToString());
}

arrow::Status CountInto(Client* client, const CollectionRef& ref, TargetState* state) {
  ARROW_ASSIGN_OR_RAISE(LoadState load_state, GetLoadState(client, ref));
  if (load_state == LoadState::kLoaded) return CountRows(client, ref).Value(&state->rows);
  ARROW_ASSIGN_OR_RAISE(state->rows, FlushedRows(client, ref));
  state->rows_exact = false;
  if (state->rows > 0 || !FlushAndWait(client, ref).ok()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(state->rows, FlushedRows(client, ref));
  state->rows_exact = state->rows == 0;
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<CollectionSchema> MilvusCatalog::Describe(const CollectionRef& ref) {
  CollectionRef where = Resolve(*client_, ref);
  auto description = DescribeCollection(client_.get(), where);
  if (IsNotFound(description.status())) return NotFound(where);
  ARROW_RETURN_NOT_OK(description);
  return DescribeWhole(client_.get(), where, *description);
}

namespace {

// Both numbers come from the server's clock.
std::string IdentityOf(const pb::DescribeCollectionResponse& description) {
  return fmt::format("{}/{}", description.collectionid(), description.created_timestamp());
}

}  // namespace

arrow::Result<std::string> MilvusCatalog::GlobalId(const CollectionRef& ref) {
  const CollectionRef where = Resolve(*client_, ref);
  auto description = DescribeCollection(client_.get(), where);
  if (IsNotFound(description.status())) return std::string();
  ARROW_RETURN_NOT_OK(description);
  if (description->collectionid() != 0) return "milvus " + IdentityOf(*description);
  // Milvus Lite numbers nothing: known by its name.
  const CollectionRef named{where.database, description->schema().name()};
  return fmt::format("milvus {} {}", client_->address(), named.ToString());
}

arrow::Result<TargetState> MilvusCatalog::State(const CollectionRef& ref) {
  CollectionRef where = Resolve(*client_, ref);
  TargetState state;
  auto description = DescribeCollection(client_.get(), where);
  if (IsNotFound(description.status())) return state;
  ARROW_RETURN_NOT_OK(description);
  state.exists = true;
  state.identity = IdentityOf(*description);
  ARROW_ASSIGN_OR_RAISE(state.schema, DescribeWhole(client_.get(), where, *description));
  ARROW_RETURN_NOT_OK(CountInto(client_.get(), where, &state));
  return state;
}

namespace {

arrow::Status EnsureDatabase(Client* client, const std::string& database) {
  if (database == "default") return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto names, client->ListDatabases());
  if (std::find(names.begin(), names.end(), database) != names.end()) return arrow::Status::OK();
  arrow::Status status = client->CreateDatabase(database);
  if (status.ok()) return status;
  ARROW_ASSIGN_OR_RAISE(names, client->ListDatabases());  // somebody else may have made it meanwhile
  return std::find(names.begin(), names.end(), database) != names.end() ? arrow::Status::OK() : status;
}

/// Without the schema, which is a message of its own inside.
arrow::Result<pb::CreateCollectionRequest> CreateRequest(const CollectionSchema& schema) {
  auto request = RequestFor<pb::CreateCollectionRequest>(schema.ref);
  request.set_shards_num(schema.shards);
  // What pymilvus takes for the default; on the wire an unset level would mean Strong.
  auto level = common_pb::Bounded;
  if (!schema.consistency_level.empty() && !common_pb::ConsistencyLevel_Parse(schema.consistency_level, &level)) {
    return MakeError(ErrorKind::kUnsupported, "Milvus has no consistency level '" + schema.consistency_level + "'",
                     schema.ref.ToString());
  }
  request.set_consistency_level(level);
  if (schema.has_partition_key()) request.set_num_partitions(schema.num_partitions);
  for (const auto& [key, value] : schema.properties) {
    auto* property = request.add_properties();
    property->set_key(key);
    property->set_value(value);
  }
  return request;
}

arrow::Status CreateCollection(Client* client, const CollectionSchema& schema) {
  ARROW_ASSIGN_OR_RAISE(auto proto, SchemaToProto(schema));
  ARROW_ASSIGN_OR_RAISE(auto request, CreateRequest(schema));
  if (!proto.SerializeToString(request.mutable_schema())) {
    return MakeError(ErrorKind::kInternal, "the schema can't be serialized", schema.ref.ToString());
  }
  return client->CreateCollection(request);
}

arrow::Result<nlohmann::ordered_json> AsJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    return MakeError(ErrorKind::kInternal, "a " + message.GetTypeName() + " can't be written as JSON");
  }
  return nlohmann::ordered_json::parse(text);
}

}  // namespace

arrow::Status MilvusCatalog::Create(const CollectionSchema& wanted) {
  CollectionSchema schema = wanted;
  schema.ref = Resolve(*client_, wanted.ref);
  auto existing = Describe(schema.ref);
  if (IsNotFound(existing.status())) {
    ARROW_RETURN_NOT_OK(EnsureDatabase(client_.get(), schema.ref.database));
    ARROW_RETURN_NOT_OK(WithContext(CreateCollection(client_.get(), schema), schema.ref.ToString()));
    existing = Describe(schema.ref);
  }
  ARROW_RETURN_NOT_OK(existing);
  if (std::string difference = FirstDifference(schema, *existing); !difference.empty()) {
    return MakeError(ErrorKind::kConflict,
                     "collection '" + schema.ref.ToString() + "' exists and is different: " + difference);
  }
  for (const std::string& partition : schema.partitions) {
    if (std::find(existing->partitions.begin(), existing->partitions.end(), partition) != existing->partitions.end()) {
      continue;
    }
    auto request = RequestFor<pb::CreatePartitionRequest>(schema.ref);
    request.set_partition_name(partition);
    ARROW_RETURN_NOT_OK(client_->CreatePartition(request));
  }
  return arrow::Status::OK();
}

arrow::Result<std::string> MilvusCatalog::Ddl(const CollectionSchema& wanted) {
  CollectionSchema schema = wanted;
  schema.ref = Resolve(*client_, wanted.ref);
  auto calls = nlohmann::ordered_json::array();
  auto add = [&](const char* name, const google::protobuf::Message& request) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(auto body, AsJson(request));
    calls.push_back({{"call", name}, {"request", std::move(body)}});
    return arrow::Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(auto create, CreateRequest(schema));
  ARROW_RETURN_NOT_OK(add("CreateCollection", create));
  ARROW_ASSIGN_OR_RAISE(auto proto, SchemaToProto(schema));
  ARROW_ASSIGN_OR_RAISE(calls.back()["request"]["schema"], AsJson(proto));
  for (const std::string& partition : schema.partitions) {
    auto request = RequestFor<pb::CreatePartitionRequest>(schema.ref);
    request.set_partition_name(partition);
    ARROW_RETURN_NOT_OK(add("CreatePartition", request));
  }
  for (const Index& index : schema.indexes) ARROW_RETURN_NOT_OK(add("CreateIndex", IndexRequest(schema.ref, index)));
  if (schema.loaded) {
    auto request = RequestFor<pb::LoadCollectionRequest>(schema.ref);
    request.set_replica_number(1);
    ARROW_RETURN_NOT_OK(add("LoadCollection", request));
  }
  for (const std::string& alias : schema.aliases) {
    auto request = RequestFor<pb::CreateAliasRequest>(schema.ref);
    request.set_alias(alias);
    ARROW_RETURN_NOT_OK(add("CreateAlias", request));
  }
  return calls.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

arrow::Status MilvusCatalog::Drop(const CollectionRef& ref) {
  CollectionRef where = Resolve(*client_, ref);
  auto description = DescribeCollection(client_.get(), where);
  if (IsNotFound(description.status())) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(description);
  for (const std::string& alias : description->aliases()) {
    pb::DropAliasRequest request;
    request.set_db_name(where.database);
    request.set_alias(alias);
    ARROW_RETURN_NOT_OK(client_->DropAlias(request));
  }
  return client_->DropCollection(RequestFor<pb::DropCollectionRequest>(where));
}

}  // namespace godwit::milvus
