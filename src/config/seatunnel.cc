// SeaTunnel's migration.conf with the Milvus connector, of Apache SeaTunnel and of its fork for vectors. A key is read,
// accepted with a note, or refused with what to write instead; none is ignored.
#include <algorithm>
#include <map>

#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

constexpr const char* kConnector = "Milvus";
constexpr const char* kStore = "milvus";

/// A key that is known and does nothing here: why.
using Remarks = std::map<std::string, std::string>;

OptionTable EnvOptions() {
  return {
      {.name = "parallelism", .type = OptionType::kInt, .help = "Splits in work at once.", .min = 1, .max = 256},
  };
}

OptionTable SourceOptions() {
  return {
      {.name = "url", .help = "Address of the server.", .required = true, .example = "http://127.0.0.1:19530"},
      {.name = "token", .type = OptionType::kSecret, .help = "user:password, or an API key."},
      {.name = "database", .help = "The database to read.", .default_text = "default"},
      {.name = "collection", .help = "One collection."},
      {.name = "collections", .type = OptionType::kList, .help = "Collections; left out or empty: all of the database."},
      {.name = "batch_size", .type = OptionType::kInt, .help = "Most rows of one read.", .min = 1, .max = 16384},
      {.name = "server_name", .help = "Name in the server's certificate."},
      {.name = "ca_pem_path", .help = "Certificate authority, PEM."},
      {.name = "client_pem_path", .help = "Client certificate, PEM."},
      {.name = "client_key_path", .help = "Client key, PEM."},
  };
}

OptionTable SinkOptions() {
  return {
      {.name = "url", .help = "Address of the server.", .required = true, .example = "http://127.0.0.1:19530"},
      {.name = "token", .type = OptionType::kSecret, .help = "user:password, or an API key."},
      {.name = "database", .help = "The database to write; created when absent.", .default_text = "default"},
      {.name = "batch_size", .type = OptionType::kInt, .help = "Most rows of one insert.", .min = 1, .max = 1000000},
      {.name = "enable_auto_id",
       .type = OptionType::kBool,
       .help = "true: the target makes new keys; false: the source's keys are kept.",
       .default_text = "false"},
      {.name = "enable_upsert", .type = OptionType::kBool, .help = "Overwrite equal keys.", .default_text = "true"},
      {.name = "enable_dynamic_field", .type = OptionType::kBool, .help = "Whether the target takes dynamic fields."},
      {.name = "schema_save_mode",
       .type = OptionType::kEnum,
       .help = "As `schema:` create, recreate, existing.",
       .default_text = "CREATE_SCHEMA_WHEN_NOT_EXIST",
       .allowed = {"CREATE_SCHEMA_WHEN_NOT_EXIST", "RECREATE_SCHEMA", "ERROR_WHEN_SCHEMA_NOT_EXIST"}},
      {.name = "data_save_mode",
       .type = OptionType::kEnum,
       .help = "As `if_not_empty:` overwrite, drop, stop.",
       .default_text = "APPEND_DATA",
       .allowed = {"APPEND_DATA", "DROP_DATA", "ERROR_WHEN_DATA_EXISTS"}},
      {.name = "create_index", .type = OptionType::kBool, .help = "Build the source's indexes.", .default_text = "true"},
      {.name = "load_collection", .type = OptionType::kBool, .help = "Load at the end; left out: as the source was."},
      {.name = "collection_rename", .type = OptionType::kMap, .help = "Target names by source names."},
      {.name = "collection_description", .type = OptionType::kMap, .help = "Descriptions by source names."},
      {.name = "shard_num", .type = OptionType::kInt, .help = "Number of shards.", .min = 1, .max = 1024},
      {.name = "consistency_level",
       .type = OptionType::kEnum,
       .help = "Default consistency.",
       .allowed = {"Strong", "Session", "Bounded", "Eventually", "Customized"}},
      {.name = "server_name", .help = "Name in the server's certificate."},
      {.name = "ca_pem_path", .help = "Certificate authority, PEM."},
      {.name = "client_pem_path", .help = "Client certificate, PEM."},
      {.name = "client_key_path", .help = "Client key, PEM."},
  };
}

const Remarks& EnvNotes() {
  static const Remarks notes = {
      {"checkpoint.interval", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"checkpoint.timeout", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"job.retry.times", "godwit retries for a time, not a number of times (godwit.yaml: tuning.retry_for)"},
      {"job.retry.interval.seconds", "godwit's pauses grow by themselves (godwit.yaml: tuning.retry_for)"},
      {"jars", "godwit needs no plugins"},
      {"shade.identifier", "secrets are taken from the environment: ${?NAME}"},
  };
  return notes;
}

const Remarks& EnvRefusals() {
  static const Remarks refusals = {
      {"read_limit.bytes_per_second", "a limit of bytes a second is not offered; leave it out"},
      {"read_limit.rows_per_second", "a limit of rows a second is not offered; leave it out"},
  };
  return refusals;
}

const Remarks& BlockNotes() {
  static const Remarks notes = {
      {"rate_limit", "godwit adapts to the server's own limits and never changes a property of the server for it"},
      {"batch_interval", "godwit writes a batch as soon as it is full (godwit.yaml: tuning.commit_every)"},
      {"parallelism", "the parallelism of the whole job counts (env.parallelism)"},
      {"plugin_output", "there is one way from the source to the sink"},
      {"plugin_input", "there is one way from the source to the sink"},
      {"result_table_name", "there is one way from the source to the sink"},
      {"source_table_name", "there is one way from the source to the sink"},
      {"plugin_name", "the block's name says it already"},
  };
  return notes;
}

const Remarks& SinkRefusals() {
  static const Remarks refusals = {
      {"partition_key", "the partition key of the source is kept; to change it, create the target collection beforehand "
                        "and use schema_save_mode = \"ERROR_WHEN_SCHEMA_NOT_EXIST\""},
      {"partition_num", "the number of partitions of the source is kept; to change it, create the target collection "
                        "beforehand"},
      {"field_schema", "the fields of the source are kept; to change them, create the target collection beforehand"},
      {"function_list", "functions are not offered; create the target collection beforehand"},
      {"functionList", "functions are not offered; create the target collection beforehand"},
      {"struct_fields", "struct arrays are not offered"},
      {"bulk_writer_config", "rows are inserted; for files, use godwit.yaml with target: {store: files, path: ...}"},
      {"timezone", "timestamps with a zone are not offered"},
      {"geometry_string_coord_order", "geometry is not offered"},
      {"geometry_convert_mode", "geometry is not offered"},
  };
  return refusals;
}

std::vector<std::string> Keys(const Remarks& a, const Remarks& b) {
  std::vector<std::string> keys;
  for (const auto& [key, text] : a) keys.push_back(key);
  for (const auto& [key, text] : b) keys.push_back(key);
  return keys;
}

/// {job: {mode: x}} -> {job.mode: x}: HOCON makes maps of dotted keys, the option tables know the dotted names.
void Flatten(const Node& map, const std::string& prefix, Node* flat) {
  for (const Node::Entry& entry : map.entries) {
    std::string key = prefix + entry.key;
    if (entry.value.kind == Node::Kind::kMap) {
      Flatten(entry.value, key + ".", flat);
    } else {
      flat->entries.push_back({key, entry.place, entry.value});
    }
  }
}

class SeaTunnelReader {
 public:
  SeaTunnelReader(const Node& root, const StoreRegistry& stores, Problems* problems)
      : root_(root), stores_(stores), problems_(*problems) {}

  JobSpec Read() {
    static const std::vector<std::string> kBlocks = {"env", "source", "transform", "sink"};
    for (const Node::Entry& entry : root_.entries) {
      if (std::find(kBlocks.begin(), kBlocks.end(), entry.key) == kBlocks.end()) {
        AddUnknownKey(entry, "", kBlocks, &problems_);
      }
    }
    ReadEnv();
    ReadTransform();
    const Node* source = FindConnector("source");
    const Node* sink = FindConnector("sink");
    if (source != nullptr) ReadSource(*source);
    if (sink != nullptr) ReadSink(*sink);
    return std::move(spec_);
  }

 private:
  void ReadEnv() {
    const Node* env = root_.Find("env");
    if (env == nullptr || !Expect(*env, Node::Kind::kMap, "env", &problems_)) return;
    Node flat;
    flat.kind = Node::Kind::kMap;
    flat.place = env->place;
    Flatten(*env, "", &flat);
    std::vector<std::string> elsewhere = Keys(EnvNotes(), EnvRefusals());
    elsewhere.insert(elsewhere.end(), {"job.mode", "job.name"});
    OptionValues values = ReadSection(flat, EnvOptions(), OptionScope::kBoth, "env", elsewhere, &problems_);
    Remark(flat, "env", EnvNotes(), EnvRefusals());
    if (values.Has("parallelism")) spec_.tuning.parallelism = static_cast<int32_t>(values.GetInt("parallelism"));
    if (const Node* mode = flat.Find("job.mode"); mode != nullptr && mode->text != "BATCH") {
      problems_.Add(mode->place, "env.job.mode: '" + mode->text + "' is not offered; write BATCH");
    }
    if (const Node* name = flat.Find("job.name"); name != nullptr) {
      spec_.name = name->text;
      if (!IsJobName(name->text)) {
        problems_.Add(name->place, "env.job.name: '" + name->text +
                                       "' is not a job's name: at most 100 letters, digits, '_', '.' and '-'");
      }
    }
  }

  void ReadTransform() {
    const Node* transform = root_.Find("transform");
    if (transform == nullptr || !Expect(*transform, Node::Kind::kMap, "transform", &problems_)) return;
    for (const Node::Entry& entry : transform->entries) {
      problems_.Add(entry.place, "transform." + entry.key +
                                     " is not offered; collections are renamed by sink.Milvus.collection_rename");
    }
  }

  /// The one Milvus block of `source` or `sink`.
  const Node* FindConnector(const std::string& role) {
    const Node* block = root_.Find(role);
    if (block == nullptr) {
      problems_.Add(root_.place, "the block '" + role + "' is missing: write " + role + " { Milvus { ... } }");
      return nullptr;
    }
    if (!Expect(*block, Node::Kind::kMap, role, &problems_)) return nullptr;
    for (const Node::Entry& entry : block->entries) {
      if (entry.key == kConnector) continue;
      problems_.Add(entry.place, role + "." + entry.key +
                                     ": this file format is read with the Milvus connector only; for other stores "
                                     "write a godwit.yaml, see `godwit stores`");
    }
    const Node* connector = block->Find(kConnector);
    if (connector == nullptr) {
      if (block->entries.empty()) problems_.Add(block->place, role + " has no Milvus block");
      return nullptr;
    }
    return Expect(*connector, Node::Kind::kMap, role + ".Milvus", &problems_) ? connector : nullptr;
  }

  void ReadSource(const Node& block) {
    OptionValues values = ReadSection(block, SourceOptions(), OptionScope::kBoth, "source.Milvus",
                                      Keys(BlockNotes(), {}), &problems_);
    Remark(block, "source.Milvus", BlockNotes(), {});
    spec_.source = ConvertStore(block, values, OptionScope::kSource);
    if (!problems_.empty()) return;
    spec_.source_database = values.GetString("database");
    std::vector<std::string> names = values.GetList("collections");
    if (values.Has("collection")) {
      if (!names.empty()) {
        problems_.Add(block.Find("collection")->place, "source.Milvus: collection and collections are both given");
      }
      names = {values.GetString("collection")};
    }
    for (const std::string& name : names) {
      CollectionRule rule{.source = {spec_.source_database, name}, .target_name = {}, .where = spec_.source.where};
      bool twice = std::any_of(spec_.collections.begin(), spec_.collections.end(),
                               [&](const CollectionRule& other) { return other.source == rule.source; });
      if (name.empty() || twice) {
        problems_.Add(block.Find("collections")->place,
                      "source.Milvus.collections: '" + name + "' is " + (twice ? "named twice" : "empty"));
      }
      spec_.collections.push_back(std::move(rule));
    }
  }

  void ReadSink(const Node& block) {
    OptionValues values = ReadSection(block, SinkOptions(), OptionScope::kBoth, "sink.Milvus",
                                      Keys(BlockNotes(), SinkRefusals()), &problems_);
    Remark(block, "sink.Milvus", BlockNotes(), SinkRefusals());
    spec_.target = ConvertStore(block, values, OptionScope::kTarget);
    if (!problems_.empty()) return;
    static const std::map<std::string, SchemaPolicy> kSchema = {
        {"CREATE_SCHEMA_WHEN_NOT_EXIST", SchemaPolicy::kCreate},
        {"RECREATE_SCHEMA", SchemaPolicy::kRecreate},
        {"ERROR_WHEN_SCHEMA_NOT_EXIST", SchemaPolicy::kExisting}};
    static const std::map<std::string, DataPolicy> kData = {{"APPEND_DATA", DataPolicy::kOverwrite},
                                                            {"DROP_DATA", DataPolicy::kDrop},
                                                            {"ERROR_WHEN_DATA_EXISTS", DataPolicy::kStop}};
    spec_.target_database = values.GetString("database");
    spec_.schema_policy = kSchema.at(values.GetString("schema_save_mode"));
    spec_.data_policy = kData.at(values.GetString("data_save_mode"));
    spec_.auto_id = values.GetBool("enable_auto_id") ? AutoIdPolicy::kNew : AutoIdPolicy::kKeep;
    spec_.copy_indexes = values.GetBool("create_index");
    if (values.Has("load_collection")) {
      spec_.load = values.GetBool("load_collection") ? LoadPolicy::kAlways : LoadPolicy::kNever;
    }
    spec_.renames = values.GetMap("collection_rename");
    SchemaOverrides& overrides = spec_.overrides;
    overrides.descriptions = values.GetMap("collection_description");
    if (values.Has("enable_dynamic_field")) overrides.dynamic_fields = values.GetBool("enable_dynamic_field");
    if (values.Has("shard_num")) overrides.shards = static_cast<int32_t>(values.GetInt("shard_num"));
    if (values.Has("consistency_level")) overrides.consistency_level = values.GetString("consistency_level");
    if (!values.GetBool("enable_upsert")) {
      spec_.notes.push_back("enable_upsert = false: godwit never makes two rows of one key, so a key that is at the "
                            "target already is overwritten all the same");
    }
  }

  /// The options that the store and this dialect have in common.
  StoreSpec ConvertStore(const Node& block, const OptionValues& values, OptionScope scope) {
    StoreSpec spec;
    spec.store = kStore;
    spec.where = WhereIn(problems_.file(), block.place);
    for (const char* name :
         {"url", "token", "database", "server_name", "ca_pem_path", "client_pem_path", "client_key_path"}) {
      if (values.Has(name)) spec.options.Set(name, values.all().at(name));
    }
    if (values.Has("batch_size")) spec.options.Set("batch_rows", values.all().at("batch_size"));
    const StoreFactory* store = FindStore(stores_, kStore);
    if (store == nullptr) {
      problems_.Add(block.place, "this build has no Milvus store");
    } else if (arrow::Status filled = FillDefaults(store->options, scope, &spec.options);
               !filled.ok() && values.Has("url")) {
      problems_.Add(block.place, filled.message());
    }
    return spec;
  }

  void Remark(const Node& map, const std::string& path, const Remarks& notes, const Remarks& refusals) {
    for (const Node::Entry& entry : map.entries) {
      if (auto note = notes.find(entry.key); note != notes.end()) {
        spec_.notes.push_back(path + "." + entry.key + " has no effect: " + note->second);
      } else if (auto refusal = refusals.find(entry.key); refusal != refusals.end()) {
        problems_.Add(entry.place, path + "." + entry.key + ": " + refusal->second);
      }
    }
  }

  const Node& root_;
  const StoreRegistry& stores_;
  Problems& problems_;
  JobSpec spec_;
};

}  // namespace

JobSpec ReadSeaTunnel(const Node& root, const StoreRegistry& stores, Problems* problems) {
  return SeaTunnelReader(root, stores, problems).Read();
}

std::vector<DocumentedKey> SeaTunnelKeys() {
  std::vector<DocumentedKey> keys;
  auto add_options = [&](const std::string& path, const OptionTable& table) {
    for (const Option& option : table) keys.push_back({path + "." + option.name, option.help});
  };
  auto add_remarks = [&](const std::string& path, const Remarks& remarks, const std::string& what) {
    for (const auto& [key, text] : remarks) keys.push_back({path + "." + key, what + ": " + text + "."});
  };
  add_options("env", EnvOptions());
  keys.push_back({"env.job.mode", "BATCH."});
  keys.push_back({"env.job.name", "Name of the job."});
  add_remarks("env", EnvNotes(), "Accepted, without effect");
  add_remarks("env", EnvRefusals(), "Refused");
  add_options("source.Milvus", SourceOptions());
  add_remarks("source.Milvus", BlockNotes(), "Accepted, without effect");
  add_options("sink.Milvus", SinkOptions());
  add_remarks("sink.Milvus", BlockNotes(), "Accepted, without effect");
  add_remarks("sink.Milvus", SinkRefusals(), "Refused");
  return keys;
}

}  // namespace godwit
