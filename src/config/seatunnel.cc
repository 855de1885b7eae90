// SeaTunnel's migration.conf with the Milvus connector, of Apache SeaTunnel and of its fork for vectors (vts). A key is
// read, accepted with a note, or refused with what to write instead; none is ignored.
//
// Where the two differ or godwit does more, it is the user's expectation that decides:
//   create_index     vts creates indexes, Apache's does not unless told. Here: created after the data, unless false.
//   load_collection  vts does not know it, Apache's default is false. Here, left out: as the source is.
//   data_save_mode   both append. Here: equal keys are overwritten, so that a repeated run leaves no key twice.
//   enable_upsert    vts only inserts. Here: inserts, and upserts where a key may be there already.
//   database         of the sink, left out: the source's, as Apache's document says.
//   batch_size       left out: by bytes, not 1000 rows.
// Collections that are not loaded are loaded for reading and released again; SeaTunnel refuses them.
#include <algorithm>
#include <cctype>
#include <map>

#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

constexpr const char* kConnector = "Milvus";
constexpr const char* kStore = "milvus";
constexpr const char* kPluginName = "plugin_name";  // of a block in SeaTunnel's JSON

OptionTable EnvOptions() {
  return {
      {.name = "parallelism", .type = OptionType::kInt, .help = "Splits in work at once.", .min = 1, .max = 256},
      {.name = "job.mode",
       .type = OptionType::kEnum,
       .help = "BATCH; STREAMING is refused.",
       .default_text = "BATCH",
       .allowed = {"BATCH", "STREAMING"}},
      {.name = "job.name", .help = "Name of the job: letters, digits, '_', '.' and '-'."},
      {.name = "read_limit.rows_per_second",
       .type = OptionType::kInt,
       .help = "Most rows a second that the job reads from the source to copy them.",
       .min = 1},
      {.name = "read_limit.bytes_per_second",
       .type = OptionType::kInt,
       .help = "The same in bytes, as rows are held in memory.",
       .min = 1},
  };
}

/// What both ends have. The names are those of the store's options, too, but for batch_size.
OptionTable ConnectionOptions() {
  return {
      {.name = "url", .help = "Address of the server.", .required = true, .example = "http://127.0.0.1:19530"},
      {.name = "token", .type = OptionType::kSecret, .help = "user:password, or an API key."},
      {.name = "server_name", .help = "Name in the server's certificate."},
      {.name = "ca_pem_path", .help = "Certificate authority, PEM."},
      {.name = "client_pem_path", .help = "Client certificate, PEM."},
      {.name = "client_key_path", .help = "Client key, PEM."},
      {.name = "batch_size", .type = OptionType::kInt, .help = "Most rows of one request.", .min = 1, .max = 1'000'000},
      {.name = "collection", .help = "Source: the one to read. Sink: its name there."},
  };
}

OptionTable SourceOptions() {
  OptionTable table = ConnectionOptions();
  const OptionTable more = {
      {.name = "database", .help = "The database to read.", .default_text = "default"},
      {.name = "collections",
       .type = OptionType::kList,
       .help = "Collections; left out or empty: all of the database.",
       .conflicts = {"collection"}},
      {.name = "parallelism",
       .type = OptionType::kInt,
       .help = "Splits in work at once; counts before env.parallelism.",
       .min = 1,
       .max = 256},
      {.name = "plugin_output", .help = "Name that the sink's plugin_input refers to."},
      {.name = "result_table_name", .help = "Older name of plugin_output.", .conflicts = {"plugin_output"}},
  };
  table.insert(table.end(), more.begin(), more.end());
  return table;
}

OptionTable SinkOptions() {
  OptionTable table = ConnectionOptions();
  const OptionTable more = {
      {.name = "database", .help = "The database to write, created when absent; left out: as the source's."},
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
      {.name = "enable_auto_id",
       .type = OptionType::kBool,
       .help = "true: the target makes new keys; false: the source's keys are kept.",
       .default_text = "false"},
      {.name = "enable_upsert", .type = OptionType::kBool, .help = "Overwrite equal keys.", .default_text = "true"},
      {.name = "enable_dynamic_field",
       .type = OptionType::kBool,
       .help = "Whether the target takes dynamic fields; left out: as the source."},
      {.name = "create_index",
       .type = OptionType::kBool,
       .help = "Build the source's indexes.",
       .default_text = "true"},
      {.name = "load_collection", .type = OptionType::kBool, .help = "Load at the end; left out: as the source was."},
      {.name = "collection_rename",
       .type = OptionType::kMap,
       .help = "Target names by source names.",
       .conflicts = {"collection"}},
      {.name = "collection_description", .type = OptionType::kMap, .help = "Descriptions by source names."},
      {.name = "shard_num", .type = OptionType::kInt, .help = "Number of shards.", .min = 1, .max = 1024},
      {.name = "consistency_level",
       .type = OptionType::kEnum,
       .help = "Default consistency.",
       .allowed = {"Strong", "Session", "Bounded", "Eventually"}},
      {.name = "plugin_input", .type = OptionType::kList, .help = "The source's plugin_output."},
      {.name = "source_table_name",
       .type = OptionType::kList,
       .help = "Older name of plugin_input.",
       .conflicts = {"plugin_input"}},
  };
  table.insert(table.end(), more.begin(), more.end());
  return table;
}

/// A key that nothing is made of.
struct Remark {
  const char* key;
  const char* text;
  bool refused = false;
  const char* harmless = "";  // a value that is what happens anyhow; so are an empty list and an empty map
};

const std::vector<Remark>& EnvRemarks() {
  static const std::vector<Remark> remarks = {
      {"checkpoint.interval", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"checkpoint.timeout", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"min-pause", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"sink.flush.interval", "godwit commits every few seconds by itself (godwit.yaml: tuning.commit_every)"},
      {"job.retry.times", "godwit retries for a time, not a number of times (godwit.yaml: tuning.retry_for)"},
      {"job.retry.interval.seconds", "godwit's pauses grow by themselves (godwit.yaml: tuning.retry_for)"},
      {"savemode.execute.location", "godwit runs in one process"},
      {"pipeline_concurrency", "godwit runs in one process (env.parallelism)"},
      {"jars", "godwit needs no plugins"},
      {"shade.identifier",
       "encrypted values are not offered; take secrets from the environment, ${NAME}, or from a "
       "file, \"${file:PATH}\"",
       true, "default"},
      {"shade.properties",
       "encrypted values are not offered; take secrets from the environment, ${NAME}, or from a "
       "file, \"${file:PATH}\"",
       true},
  };
  return remarks;
}

/// Keys that begin so are other engines' settings.
constexpr const char* kEnginePrefixes[] = {"spark.", "flink.", "custom_parameters.", "tag_filter."};

std::vector<Remark> ConnectionRemarks() {
  return {
      {"rate_limit", "godwit adapts to the server's own limits and never changes a property of the server for it"},
      {"job_id", "the job's name counts (env.job.name)"},
      {"server_pem_path", "write the certificate authority as ca_pem_path", true},
  };
}

std::vector<Remark> SinkRemarks() {
  std::vector<Remark> remarks = ConnectionRemarks();
  const std::vector<Remark> more = {
      {"batch_interval", "godwit writes a batch as soon as it is full (godwit.yaml: tuning.commit_every)"},
      {"parallelism", "the source's parallelism counts for the whole job"},
      {"multi_table_sink_replica", "the source's parallelism counts for the whole job"},
      {"geometry_string_coord_order", "values are copied as they are"},
      {"geometry_convert_mode", "values are copied as they are; write passthrough", true, "passthrough"},
      {"partition_key",
       "the source's partition key is kept; to have another one, create the collection beforehand and "
       "write schema_save_mode = \"ERROR_WHEN_SCHEMA_NOT_EXIST\"",
       true},
      {"partition_num",
       "the source's number of partitions is kept; to have another one, create the collection "
       "beforehand and write schema_save_mode = \"ERROR_WHEN_SCHEMA_NOT_EXIST\"",
       true},
      {"field_schema",
       "the source's fields are kept; to leave some out, create the collection beforehand and write "
       "schema_save_mode = \"ERROR_WHEN_SCHEMA_NOT_EXIST\"",
       true},
      {"function_list",
       "new functions are not offered; create the collection beforehand and write schema_save_mode = "
       "\"ERROR_WHEN_SCHEMA_NOT_EXIST\"",
       true},
      {"functionList",
       "new functions are not offered; create the collection beforehand and write schema_save_mode = "
       "\"ERROR_WHEN_SCHEMA_NOT_EXIST\"",
       true},
      {"struct_fields", "a choice of struct fields is not offered; leave it out", true},
      {"bulk_writer_config",
       "rows are inserted through the server; for Parquet files, write a godwit.yaml with "
       "target: {store: files, path: ...}",
       true},
      {"timezone", "a time zone is not offered; values are copied as they are", true},
  };
  remarks.insert(remarks.end(), more.begin(), more.end());
  return remarks;
}

/// {job: {mode: x}} -> {job.mode: x}: HOCON makes maps of dotted keys, the option table knows the dotted names.
void Flatten(const Node& map, const std::string& prefix, Node* flat) {
  for (const Node::Entry& entry : map.entries) {
    if (entry.value.kind == Node::Kind::kMap) {
      Flatten(entry.value, prefix + entry.key + ".", flat);
    } else {
      flat->entries.push_back(entry);
      flat->entries.back().key = prefix + entry.key;
    }
  }
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// SeaTunnel takes enumerations and booleans in any case, option tables don't.
void FoldCase(const OptionTable& table, Node* map) {
  for (const Option& option : table) {
    std::vector<std::string> words = option.allowed;
    if (option.type == OptionType::kBool) words = {"true", "false"};
    for (Node::Entry& entry : map->entries) {
      if (entry.key != option.name) continue;
      for (const std::string& word : words) {
        if (EqualIgnoringCase(entry.value.text, word)) entry.value.text = word;
      }
    }
  }
}

class SeaTunnelReader {
 public:
  SeaTunnelReader(const Node& root, const StoreRegistry& stores, Problems* problems)
      : root_(root), stores_(stores), problems_(*problems) {}

  JobSpec Read() {
    CheckBlocks();
    ReadEnv();
    const std::optional<Node> source = FindConnector("source", OptionScope::kSource);
    const std::optional<Node> sink = FindConnector("sink", OptionScope::kTarget);
    if (source) ReadSource(*source);
    if (sink) ReadSink(*sink);
    if (source && sink) CheckGraph(*source, *sink);
    if (spec_.tuning.parallelism == 1) {
      spec_.notes.push_back("parallelism = 1: one split at a time; leave it out to use the machine's cores");
    }
    return std::move(spec_);
  }

 private:
  void CheckBlocks() {
    static const std::vector<std::string> kBlocks = {"env", "source", "transform", "sink"};
    for (const Node::Entry& entry : root_.entries) {
      // Another key is there to be referred to: password = ..., sink { Milvus { token = "root:"${password} } }
      if (entry.referenced || std::find(kBlocks.begin(), kBlocks.end(), entry.key) != kBlocks.end()) continue;
      AddUnknownKey(entry, "", kBlocks, &problems_);
    }
    const Node* transform = root_.Find("transform");
    if (transform == nullptr) return;
    const std::string advice =
        " is not offered: rows are copied as they are; collections are renamed by sink.Milvus.collection_rename";
    for (const Node::Entry& entry : transform->entries) {
      problems_.Add(entry.place, "transform." + ShownKey(entry.key) + advice);
    }
    for (const Node& item : transform->items) problems_.Add(item.place, "a transform" + advice);
    if (transform->kind == Node::Kind::kScalar) Expect(*transform, Node::Kind::kMap, "transform", &problems_);
  }

  void ReadEnv() {
    const Node* env = root_.Find("env");
    if (env == nullptr || !Expect(*env, Node::Kind::kMap, "env", &problems_)) return;
    Node flat{.kind = Node::Kind::kMap, .place = env->place};
    Flatten(*env, "", &flat);
    std::erase_if(flat.entries, [&](const Node::Entry& entry) {
      const bool other = std::any_of(std::begin(kEnginePrefixes), std::end(kEnginePrefixes),
                                     [&](const char* prefix) { return entry.key.starts_with(prefix); });
      if (other)
        spec_.notes.push_back("env." + ShownKey(entry.key) + " has no effect: it is a setting of another engine");
      return other;
    });
    const OptionValues values = ReadKeys(flat, EnvOptions(), "env", EnvRemarks());
    if (values.Has("parallelism")) spec_.tuning.parallelism = static_cast<int32_t>(values.GetInt("parallelism"));
    if (values.Has("read_limit.rows_per_second")) {
      spec_.tuning.rows_per_second = values.GetInt("read_limit.rows_per_second");
    }
    if (values.Has("read_limit.bytes_per_second")) {
      spec_.tuning.bytes_per_second = values.GetInt("read_limit.bytes_per_second");
    }
    if (values.GetString("job.mode") == "STREAMING") {
      problems_.Add(flat.Find("job.mode")->place,
                    "env.job.mode: STREAMING is not offered; write BATCH: it copies what is there now, and proves it");
    }
    spec_.name = values.GetString("job.name");
    if (!spec_.name.empty() && !IsJobName(spec_.name)) {
      problems_.Add(flat.Find("job.name")->place, "env.job.name " + JobNameRule());
    }
  }

  /// The one Milvus block of `source` or `sink`: Milvus { ... }, or in JSON [{plugin_name: Milvus, ...}].
  std::optional<Node> FindConnector(const std::string& role, OptionScope scope) {
    const Node* block = root_.Find(role);
    if (block == nullptr) {
      problems_.Add(root_.place, "the block '" + role + "' is missing: write " + role + " { Milvus { ... } }");
      return std::nullopt;
    }
    std::vector<Node::Entry> plugins = block->entries;
    for (const Node& item : block->items) {
      const Node* name = item.Find(kPluginName);
      if (name == nullptr) problems_.Add(item.place, role + ": 'plugin_name' is missing; write plugin_name = Milvus");
      plugins.push_back({.key = name == nullptr ? kConnector : name->text, .place = item.place, .value = item});
    }
    const Node::Entry* found = nullptr;
    for (const Node::Entry& plugin : plugins) {
      if (plugin.key != kConnector) {
        problems_.Add(plugin.place, role + "." + ShownKey(plugin.key) +
                                        ": this file format is read with the Milvus connector only; a godwit.yaml can "
                                        "have here: " +
                                        JoinNames(StoreNames(stores_, scope)));
      } else if (found != nullptr || !plugin.again.empty()) {
        problems_.Add(found != nullptr ? plugin.place : plugin.again.front(),
                      role + " has a second Milvus block; write one job file for each");
      }
      if (plugin.key == kConnector) found = &plugin;
    }
    if (plugins.empty()) problems_.Add(block->place, role + ": a Milvus block was expected: Milvus { ... }");
    if (found == nullptr || !Expect(found->value, Node::Kind::kMap, role + ".Milvus", &problems_)) return std::nullopt;
    return found->value;
  }

  /// What the keys of a block say; those that are remarked upon become notes and problems.
  OptionValues ReadKeys(Node block, const OptionTable& table, const std::string& path,
                        const std::vector<Remark>& remarks) {
    std::erase_if(block.entries, [&](const Node::Entry& entry) {
      auto remark = std::find_if(remarks.begin(), remarks.end(), [&](const Remark& r) { return entry.key == r.key; });
      if (remark != remarks.end()) AddRemark(entry, path, *remark);
      return remark != remarks.end() || entry.key == kPluginName;
    });
    for (const Node::Entry& entry : block.entries) {
      if (entry.again.empty() || entry.value.kind == Node::Kind::kMap) continue;
      spec_.notes.push_back(path + "." + ShownKey(entry.key) + " is given more than once; the last one counts (line " +
                            std::to_string(entry.again.back().line) + ")");
    }
    FoldCase(table, &block);
    return ReadSection(block, table, OptionScope::kBoth, path, {}, &problems_);
  }

  void AddRemark(const Node::Entry& entry, const std::string& path, const Remark& remark) {
    const Node& value = entry.value;
    const std::string key = path + "." + entry.key;
    if (!remark.refused) {
      spec_.notes.push_back(key + " has no effect: " + remark.text);
    } else if (value.kind == Node::Kind::kScalar ? value.text != remark.harmless
                                                 : !value.items.empty() || !value.entries.empty()) {
      problems_.Add(entry.place, key + ": " + remark.text);
    }
  }

  void ReadSource(const Node& block) {
    const std::string path = "source.Milvus";
    const OptionValues values = ReadKeys(block, SourceOptions(), path, ConnectionRemarks());
    spec_.source_database = values.GetString("database");
    spec_.source = ConvertStore(block, values, spec_.source_database, OptionScope::kSource);
    if (values.Has("parallelism")) spec_.tuning.parallelism = static_cast<int32_t>(values.GetInt("parallelism"));
    std::vector<std::string> names = values.GetList("collections");
    const char* key = "collections";
    if (values.Has("collection")) {
      key = "collection";
      names = {values.GetString(key)};
    }
    const Node* node = block.Find(key);
    for (size_t i = 0; i < names.size(); ++i) {
      const Place place = i < node->items.size() ? node->items[i].place : node->place;
      AddCollection(
          {.source = {spec_.source_database, names[i]}, .target_name = {}, .where = WhereIn(problems_.file(), place)},
          place, path + "." + key, &spec_, &problems_);
    }
  }

  void ReadSink(const Node& block) {
    static const std::map<std::string, SchemaPolicy> kSchema = {
        {"CREATE_SCHEMA_WHEN_NOT_EXIST", SchemaPolicy::kCreate},
        {"RECREATE_SCHEMA", SchemaPolicy::kRecreate},
        {"ERROR_WHEN_SCHEMA_NOT_EXIST", SchemaPolicy::kExisting}};
    static const std::map<std::string, DataPolicy> kData = {{"APPEND_DATA", DataPolicy::kOverwrite},
                                                            {"DROP_DATA", DataPolicy::kDrop},
                                                            {"ERROR_WHEN_DATA_EXISTS", DataPolicy::kStop}};
    const OptionValues values = ReadKeys(block, SinkOptions(), "sink.Milvus", SinkRemarks());
    spec_.target_database = values.Has("database") ? values.GetString("database") : spec_.source_database;
    spec_.target = ConvertStore(block, values, spec_.target_database, OptionScope::kTarget);
    spec_.schema_policy = kSchema.at(values.GetString("schema_save_mode"));
    spec_.data_policy = kData.at(values.GetString("data_save_mode"));
    // As SeaTunnel does it: a table that is made anew keeps no rows.
    if (spec_.schema_policy == SchemaPolicy::kRecreate && spec_.data_policy == DataPolicy::kOverwrite) {
      spec_.data_policy = DataPolicy::kDrop;
    }
    spec_.auto_id = values.GetBool("enable_auto_id") ? AutoIdPolicy::kNew : AutoIdPolicy::kKeep;
    spec_.accept_duplicates = values.GetBool("enable_auto_id");
    spec_.copy_indexes = values.GetBool("create_index");
    if (values.Has("load_collection")) {
      spec_.load = values.GetBool("load_collection") ? LoadPolicy::kAlways : LoadPolicy::kNever;
    }
    SchemaOverrides& overrides = spec_.overrides;
    overrides.descriptions = values.GetMap("collection_description");
    if (values.Has("enable_dynamic_field")) overrides.dynamic_fields = values.GetBool("enable_dynamic_field");
    if (values.Has("shard_num")) overrides.shards = static_cast<int32_t>(values.GetInt("shard_num"));
    if (values.Has("consistency_level")) overrides.consistency_level = values.GetString("consistency_level");
    ReadNames(block, values);
    AddSinkNotes(block, values);
  }

  /// The target's names of collections.
  void ReadNames(const Node& block, const OptionValues& values) {
    CheckCollectionNames(block.Find("collection_rename"), "sink.Milvus.collection_rename", spec_, &problems_);
    CheckCollectionNames(block.Find("collection_description"), "sink.Milvus.collection_description", spec_, &problems_);
    spec_.renames = values.GetMap("collection_rename");
    AddPlaces("renames", block.Find("collection_rename"), problems_.file(), &spec_.setting_where);
    AddPlaces("descriptions", block.Find("collection_description"), problems_.file(), &spec_.setting_where);
    const std::vector<CollectionRule> rules = std::exchange(spec_.collections, {});
    const Node* rename = block.Find("collection_rename");
    for (const CollectionRule& rule : rules) {
      AddCollection(rule, rename == nullptr ? block.place : rename->place, "sink.Milvus", &spec_, &problems_);
    }
    if (!values.Has("collection")) return;
    if (spec_.collections.size() == 1) {
      spec_.collections[0].target_name = values.GetString("collection");
    } else {
      problems_.Add(block.Find("collection")->place,
                    "sink.Milvus.collection is one name, but the source has not exactly one collection; leave it out, "
                    "or write collection_rename = { source_name = target_name }");
    }
  }

  void AddSinkNotes(const Node& block, const OptionValues& values) {
    if (block.Find("database") == nullptr) {
      spec_.notes.push_back("sink.Milvus.database is left out: the target's database is '" + spec_.target_database +
                            "', as the source's");
    }
    if (spec_.data_policy == DataPolicy::kOverwrite) {
      spec_.notes.push_back(std::string("rows that are at the target already stay, and equal keys are overwritten") +
                            (values.GetBool("enable_upsert") ? ""
                                                             : ", also with enable_upsert = false: no key is "
                                                               "stored twice") +
                            " (data_save_mode = APPEND_DATA)");
    }
    if (spec_.accept_duplicates) {
      spec_.notes.push_back(
          "the target makes new keys; in a collection that was there before, a crash may double rows "
          "(enable_auto_id = true)");
    }
    if (block.Find("create_index") == nullptr && block.Find("load_collection") == nullptr) {
      spec_.notes.push_back(
          "after the data, the source's indexes are built, and what is loaded at the source is loaded "
          "(create_index, load_collection)");
    }
  }

  /// The options that the store and this dialect have in common.
  StoreSpec ConvertStore(const Node& block, const OptionValues& values, const std::string& database,
                         OptionScope scope) {
    StoreSpec spec{.store = kStore, .options = {}, .where = WhereIn(problems_.file(), {block.place.line, 0})};
    for (const char* name : {"url", "token", "server_name", "ca_pem_path", "client_pem_path", "client_key_path"}) {
      if (values.Has(name)) spec.options.Set(name, values.all().at(name));
    }
    spec.option_where = PlacesOf(block, problems_.file());
    AddPlaces("batch_rows", block.Find("batch_size"), problems_.file(), &spec.option_where);
    spec.options.Set("database", database);
    if (values.Has("batch_size")) spec.options.Set("batch_rows", values.all().at("batch_size"));
    const StoreFactory* store = FindStore(stores_, kStore);
    if (store == nullptr) {
      problems_.Add(block.place, "this build has no store '" + std::string(kStore) + "'");
    } else if (arrow::Status filled = FillDefaults(store->options, scope, &spec.options);
               !filled.ok() && values.Has("url")) {
      problems_.Add(block.place, filled.message());
    }
    return spec;
  }

  /// One source, one sink: where they name what goes between them, they have to agree.
  void CheckGraph(const Node& source, const Node& sink) {
    const Node* output = source.Find("plugin_output");
    if (output == nullptr) output = source.Find("result_table_name");
    const Node* input = sink.Find("plugin_input");
    if (input == nullptr) input = sink.Find("source_table_name");
    if (input == nullptr) return;
    const std::string wanted = input->items.size() == 1 ? input->items[0].text : input->text;
    if (output != nullptr && wanted == output->text) return;
    problems_.Add(input->place, output == nullptr
                                    ? "sink.Milvus: no source has this as its plugin_output; leave both out"
                                    : "sink.Milvus: the source's output has another name; leave both out");
  }

  const Node& root_;
  const StoreRegistry& stores_;
  Problems& problems_;
  JobSpec spec_;
};

}  // namespace

bool IsSeaTunnel(const Node& root) { return root.Find("sink") != nullptr; }

JobSpec ReadSeaTunnel(const Node& root, const StoreRegistry& stores, Problems* problems) {
  return SeaTunnelReader(root, stores, problems).Read();
}

std::vector<DocumentedKey> SeaTunnelKeys() {
  std::vector<DocumentedKey> keys;
  auto add = [&](const std::string& path, const OptionTable& table, const std::vector<Remark>& remarks) {
    for (const Option& option : table) keys.push_back({path + option.name, option.help});
    for (const Remark& remark : remarks) {
      keys.push_back({path + remark.key,
                      std::string(remark.refused ? "Refused: " : "Accepted, without effect: ") + remark.text + "."});
    }
  };
  add("env.", EnvOptions(), EnvRemarks());
  add("source.Milvus.", SourceOptions(), ConnectionRemarks());
  add("sink.Milvus.", SinkOptions(), SinkRemarks());
  return keys;
}

}  // namespace godwit
