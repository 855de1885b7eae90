// godwit.yaml, the native dialect.
#include <algorithm>
#include <map>

#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

OptionTable JobOptions() {
  return {
      {.name = "name",
       .help = "Name of the job: letters, digits, '_', '.' and '-'. Without it, one is made from the file.",
       .example = "digits"},
      {.name = "schema",
       .type = OptionType::kEnum,
       .help = "Create what is absent, drop and create, or insist that it is there.",
       .default_text = "create",
       .allowed = {"create", "recreate", "existing"}},
      {.name = "if_not_empty",
       .type = OptionType::kEnum,
       .help = "What to do with a target that holds rows.",
       .default_text = "stop",
       .allowed = {"stop", "overwrite", "drop"}},
      {.name = "duplicates",
       .type = OptionType::kEnum,
       .help = "Keys that repeat at the source: stop, or copy any one row a key and list them.",
       .default_text = "stop",
       .allowed = {"stop", "any"}},
      {.name = "auto_id",
       .type = OptionType::kEnum,
       .help = "Keep the source's keys, or let the target make new ones.",
       .default_text = "keep",
       .allowed = {"keep", "new"}},
      {.name = "accept_duplicates",
       .type = OptionType::kBool,
       .help = "Write to a target that makes its keys although a crash may then double rows.",
       .default_text = "false"},
      {.name = "allow_rejects",
       .type = OptionType::kBool,
       .help = "Rows that the target refuses do not fail the job; they are listed.",
       .default_text = "false"},
      {.name = "indexes",
       .type = OptionType::kEnum,
       .help = "Build the source's indexes at the target after the data.",
       .default_text = "copy",
       .allowed = {"copy", "none"}},
      {.name = "load",
       .type = OptionType::kEnum,
       .help = "Load the target at the end: as the source was, always or never.",
       .default_text = "auto",
       .allowed = {"auto", "always", "never"}},
      {.name = "source_load",
       .type = OptionType::kEnum,
       .help = "Load an unloaded source for reading and release it afterwards, or refuse it.",
       .default_text = "auto",
       .allowed = {"auto", "never"}},
      {.name = "verify",
       .type = OptionType::kEnum,
       .help = "Read the target back and compare every row; off ends with exit code 5.",
       .default_text = "full",
       .allowed = {"full", "off"}},
      {.name = "fail_fast",
       .type = OptionType::kBool,
       .help = "Begin no further collection after one failed.",
       .default_text = "false"},
  };
}

OptionTable CreateOptions() {
  return {
      {.name = "dynamic_fields", .type = OptionType::kBool, .help = "Whether the target takes dynamic fields; unset: as the source."},
      {.name = "shards", .type = OptionType::kInt, .help = "Number of shards; unset: as the source.", .min = 1, .max = 1024},
      {.name = "consistency_level",
       .type = OptionType::kEnum,
       .help = "Default consistency of the target; unset: as the source.",
       .allowed = {"Strong", "Session", "Bounded", "Eventually", "Customized"}},
      {.name = "descriptions", .type = OptionType::kMap, .help = "Descriptions of collections, by the source's name."},
  };
}

OptionTable TuningOptions() {
  return {
      {.name = "parallelism",
       .type = OptionType::kInt,
       .help = "Splits in work at once; 0: the cores, at least 2, at most 8.",
       .default_text = "0",
       .min = 0,
       .max = 256},
      {.name = "memory",
       .type = OptionType::kBytes,
       .help = "Memory for rows in flight, of the whole job.",
       .default_text = "512MiB",
       .min = 16 << 20},
      {.name = "batch",
       .type = OptionType::kBytes,
       .help = "Size of one read; writers cut it to what their store takes.",
       .default_text = "8MiB",
       .min = 4 << 10,
       .max = 64 << 20},
      {.name = "split",
       .type = OptionType::kBytes,
       .help = "Size of a split, the unit of parallel work.",
       .default_text = "256MiB",
       .min = 64 << 10,
       .max = 1 << 30},
      {.name = "commit_every",
       .type = OptionType::kDuration,
       .help = "Longest time between two commits of a split.",
       .default_text = "5s",
       .min = 10,
       .max = 3'600'000},
      {.name = "commit_bytes",
       .type = OptionType::kBytes,
       .help = "Most that a split writes between two commits.",
       .default_text = "256MiB",
       .min = 4 << 10,
       .max = 1 << 30},
      {.name = "retry_for",
       .type = OptionType::kDuration,
       .help = "How long to wait for a store that went away.",
       .default_text = "10m",
       .max = 7LL * 86'400'000},
      {.name = "max_rounds",
       .type = OptionType::kInt,
       .help = "Corrections of a source that changed during the copy, before giving up with exit code 3.",
       .default_text = "3",
       .min = 0,
       .max = 100},
  };
}

class NativeReader {
 public:
  NativeReader(const Node& root, const StoreRegistry& stores, Problems* problems)
      : root_(root), stores_(stores), problems_(*problems) {}

  JobSpec Read() {
    static const std::vector<std::string> kSections = {"source", "target", "collections", "create", "tuning"};
    OptionValues job = ReadSection(root_, JobOptions(), OptionScope::kBoth, "", kSections, &problems_);
    OptionValues create = ReadPart("create", CreateOptions());
    OptionValues tuning = ReadPart("tuning", TuningOptions());
    JobSpec spec;
    spec.source = ReadStore("source", OptionScope::kSource, &spec.source_database);
    spec.target = ReadStore("target", OptionScope::kTarget, &spec.target_database);
    ReadCollections(&spec);
    if (!problems_.empty()) return spec;  // values may be missing
    Apply(job, &spec);
    ApplyCreate(create, &spec);
    ApplyTuning(tuning, &spec.tuning);
    if (!spec.name.empty() && !IsJobName(spec.name)) {
      problems_.Add(root_.Find("name")->place, "name: '" + spec.name +
                                                   "' is not a job's name: at most 100 letters, digits, '_', '.' and "
                                                   "'-', the first one a letter, a digit or '_'");
    }
    return spec;
  }

 private:
  OptionValues ReadPart(const std::string& name, const OptionTable& table) {
    const Node* node = root_.Find(name);
    Node empty;
    empty.kind = Node::Kind::kMap;
    if (node == nullptr || node->kind == Node::Kind::kNull || !Expect(*node, Node::Kind::kMap, name, &problems_)) {
      node = &empty;
    }
    return ReadSection(*node, table, OptionScope::kBoth, name, {}, &problems_);
  }

  StoreSpec ReadStore(const std::string& role, OptionScope scope, std::string* database) {
    StoreSpec spec;
    const Node* node = root_.Find(role);
    if (node == nullptr) {
      problems_.Add(root_.place, "'" + role + "' is missing: write for example " + role +
                                     ": {store: milvus, url: \"http://127.0.0.1:19530\"}");
      return spec;
    }
    spec.where = WhereIn(problems_.file(), node->place);
    if (!Expect(*node, Node::Kind::kMap, role, &problems_)) return spec;
    const StoreFactory* store = FindFactory(*node, role, scope);
    if (store == nullptr) return spec;
    spec.store = store->name;
    spec.options = ReadSection(*node, store->options, scope, role, {"store"}, &problems_);
    const auto& all = spec.options.all();
    if (auto found = all.find("database"); found != all.end() && spec.options.Has("database")) {
      *database = spec.options.GetString("database");
    }
    return spec;
  }

  const StoreFactory* FindFactory(const Node& node, const std::string& role, OptionScope scope) {
    std::vector<std::string> names;
    for (const StoreFactory& store : stores_) {
      bool can = scope == OptionScope::kSource ? store.capabilities.source : store.capabilities.target;
      if (can) names.push_back(store.name);
    }
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    const Node* name = node.Find("store");
    if (name == nullptr) {
      problems_.Add(node.place, role + ".store is missing; one of: " + list);
      return nullptr;
    }
    if (!Expect(*name, Node::Kind::kScalar, role + ".store", &problems_)) return nullptr;
    if (std::find(names.begin(), names.end(), name->text) != names.end()) return FindStore(stores_, name->text);
    std::string message = role + ".store: '" + name->text + "' is not one of: " + list;
    if (std::string near = NearestName(name->text, names); !near.empty()) message += "; did you mean '" + near + "'?";
    problems_.Add(name->place, message);
    return nullptr;
  }

  void ReadCollections(JobSpec* spec) {
    const Node* node = root_.Find("collections");
    if (node == nullptr || node->kind == Node::Kind::kNull) return;
    if (!Expect(*node, Node::Kind::kList, "collections", &problems_)) return;
    for (const Node& item : node->items) {
      CollectionRule rule;
      rule.where = WhereIn(problems_.file(), item.place);
      if (item.kind == Node::Kind::kScalar) {
        rule.source.name = item.text;
      } else if (Expect(item, Node::Kind::kMap, "collections: a name or {source: a, target: b}", &problems_)) {
        static const OptionTable kRule = {
            {.name = "source", .help = "The source's name.", .required = true},
            {.name = "target", .help = "The target's name."},
        };
        OptionValues names = ReadSection(item, kRule, OptionScope::kBoth, "collections", {}, &problems_);
        if (names.Has("source")) rule.source.name = names.GetString("source");
        if (names.Has("target")) rule.target_name = names.GetString("target");
      } else {
        continue;
      }
      AddRule(std::move(rule), item, spec);
    }
  }

  void AddRule(CollectionRule rule, const Node& item, JobSpec* spec) {
    if (rule.source.name.empty()) return problems_.Add(item.place, "collections: a name is empty");
    for (const CollectionRule& other : spec->collections) {
      if (other.source.name != rule.source.name) continue;
      return problems_.Add(item.place, "collections: '" + rule.source.name + "' is named twice");
    }
    spec->collections.push_back(std::move(rule));
  }

  static void Apply(const OptionValues& job, JobSpec* spec) {
    static const std::map<std::string, SchemaPolicy> kSchema = {{"create", SchemaPolicy::kCreate},
                                                                {"recreate", SchemaPolicy::kRecreate},
                                                                {"existing", SchemaPolicy::kExisting}};
    static const std::map<std::string, DataPolicy> kData = {
        {"stop", DataPolicy::kStop}, {"overwrite", DataPolicy::kOverwrite}, {"drop", DataPolicy::kDrop}};
    static const std::map<std::string, LoadPolicy> kLoad = {
        {"auto", LoadPolicy::kAuto}, {"always", LoadPolicy::kAlways}, {"never", LoadPolicy::kNever}};
    spec->name = job.GetString("name");
    spec->schema_policy = kSchema.at(job.GetString("schema"));
    spec->data_policy = kData.at(job.GetString("if_not_empty"));
    spec->duplicate_policy = job.GetString("duplicates") == "any" ? DuplicatePolicy::kAny : DuplicatePolicy::kStop;
    spec->auto_id = job.GetString("auto_id") == "new" ? AutoIdPolicy::kNew : AutoIdPolicy::kKeep;
    spec->accept_duplicates = job.GetBool("accept_duplicates");
    spec->allow_rejects = job.GetBool("allow_rejects");
    spec->copy_indexes = job.GetString("indexes") == "copy";
    spec->load = kLoad.at(job.GetString("load"));
    spec->source_load = kLoad.at(job.GetString("source_load"));
    spec->verify = job.GetString("verify") == "full";
    spec->fail_fast = job.GetBool("fail_fast");
  }

  static void ApplyCreate(const OptionValues& create, JobSpec* spec) {
    SchemaOverrides& overrides = spec->overrides;
    if (create.Has("dynamic_fields")) overrides.dynamic_fields = create.GetBool("dynamic_fields");
    if (create.Has("shards")) overrides.shards = static_cast<int32_t>(create.GetInt("shards"));
    if (create.Has("consistency_level")) overrides.consistency_level = create.GetString("consistency_level");
    overrides.descriptions = create.GetMap("descriptions");
  }

  static void ApplyTuning(const OptionValues& values, Tuning* tuning) {
    tuning->parallelism = static_cast<int32_t>(values.GetInt("parallelism"));
    tuning->memory_bytes = values.GetInt("memory");
    tuning->batch_bytes = values.GetInt("batch");
    tuning->split_bytes = values.GetInt("split");
    tuning->commit_interval_ms = values.GetInt("commit_every");
    tuning->commit_bytes = values.GetInt("commit_bytes");
    tuning->retry_for_ms = values.GetInt("retry_for");
    tuning->max_rounds = static_cast<int32_t>(values.GetInt("max_rounds"));
  }

  const Node& root_;
  const StoreRegistry& stores_;
  Problems& problems_;
};

}  // namespace

JobSpec ReadNative(const Node& root, const StoreRegistry& stores, Problems* problems) {
  return NativeReader(root, stores, problems).Read();
}

std::vector<DocumentedSection> NativeSections() {
  return {{"", JobOptions()}, {"create", CreateOptions()}, {"tuning", TuningOptions()}};
}

}  // namespace godwit
