// godwit.yaml, the native dialect.
#include <algorithm>
#include <map>

#include "config/dialects.h"
#include "config/native_selection.h"
#include "config/section.h"

namespace godwit {
namespace {

constexpr const char* kDatabase = "database";

bool HasOption(const StoreFactory& store, const std::string& name) {
  return std::any_of(store.options.begin(), store.options.end(),
                     [&](const Option& option) { return option.name == name; });
}

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
       .allowed = {"stop", "ignore", "overwrite", "append", "drop"}},
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
      {.name = "on_reject",
       .type = OptionType::kEnum,
       .help = "Rows that the target refuses: stop the collection at the first, or go on without them; all are listed.",
       .default_text = "stop",
       .allowed = {"stop", "continue"}},
      {.name = "max_rejects",
       .type = OptionType::kInt,
       .help = "With on_reject: continue, most rows of a collection that may be left out; unset: any number.",
       .min = 1},
      {.name = "rejects_file",
       .type = OptionType::kPath,
       .help =
           "Where the refused rows are listed, JSON lines, in a folder that is there; an earlier list is replaced, any "
           "other file refused; unset: JOB.rejects.jsonl in the state folder."},
      {.name = "conflicts_file",
       .type = OptionType::kPath,
       .help =
           "Where rows in conflict are listed (if_not_empty: ignore), in the same way; unset: JOB.conflicts.jsonl in "
           "the state folder."},
      {.name = "load",
       .type = OptionType::kEnum,
       .help = "Load the target at the end: as the source was (never without indexes), always, or never.",
       .default_text = "auto",
       .allowed = {"auto", "always", "never"}},
      {.name = "source_load",
       .type = OptionType::kEnum,
       .help = "Load an unloaded source for reading and release it afterwards, or refuse it.",
       .default_text = "auto",
       .allowed = {"auto", "never"}},
      {.name = "verify",
       .type = OptionType::kEnum,
       .help = "Read the target back and compare every row, or a sample of them; sample and off end with exit code 5.",
       .default_text = "full",
       .allowed = {"full", "sample", "off"}},
      {.name = "sample",
       .help =
           "Size of the sample that `verify: sample` compares: a share or about a number of rows, chosen by the hash "
           "of the key.",
       .default_text = "1%",
       .example = "10000"},
      {.name = "fail_fast",
       .type = OptionType::kBool,
       .help = "Begin no further collection after one failed.",
       .default_text = "false"},
  };
}

OptionTable CreateOptions() {
  return {
      {.name = "dynamic_fields",
       .type = OptionType::kBool,
       .help = "Whether the target takes dynamic fields; unset: as the source."},
      {.name = "shards",
       .type = OptionType::kInt,
       .help = "Number of shards; unset: as the source.",
       .min = 1,
       .max = 1024},
      {.name = "consistency_level",
       .type = OptionType::kEnum,
       .help = "Default consistency of the target; unset: as the source.",
       .allowed = {"Strong", "Session", "Bounded", "Eventually"}},
      {.name = "descriptions", .type = OptionType::kMap, .help = "Descriptions of collections, by the source's name."},
  };
}

OptionTable TuningOptions() {
  return {
      {.name = "preset",
       .type = OptionType::kEnum,
       .help = "Values of parallelism, memory and batch; keys that are given count more. small: 1, 128MiB, 2MiB; "
               "medium: 4, 512MiB, 8MiB; large: 16, 2GiB, 16MiB.",
       .allowed = {"small", "medium", "large"}},
      {.name = "parallelism",
       .type = OptionType::kInt,
       .help = "Splits in work at once; 0: the cores, at least 2, at most 8.",
       .default_text = "0",
       .min = 0,
       .max = 256},
      {.name = "read_parallelism",
       .type = OptionType::kInt,
       .help = "Batches being read from the source at once; 0: as parallelism.",
       .default_text = "0",
       .min = 0,
       .max = 256},
      {.name = "write_parallelism",
       .type = OptionType::kInt,
       .help = "Batches being written to the target at once; 0: as parallelism.",
       .default_text = "0",
       .min = 0,
       .max = 256},
      {.name = "rows_per_second",
       .type = OptionType::kInt,
       .help = "Most rows a second that the job reads from the source to copy them; 0: no limit.",
       .default_text = "0",
       .min = 0},
      {.name = "bytes_per_second",
       .type = OptionType::kBytes,
       .help = "The same in bytes, as rows are held in memory; 0: no limit.",
       .default_text = "0",
       .min = 0},
      {.name = "limit_verify",
       .type = OptionType::kBool,
       .help = "The two rates hold for reading source and target to compare them, too.",
       .default_text = "false"},
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

/// What the top level holds beside JobOptions(), for the reference.
OptionTable PartOptions() {
  OptionTable table = {
      {.name = "source",
       .type = OptionType::kMap,
       .help = "The store to read: `store: NAME` and the options of that store; relative paths are relative to the "
               "current directory.",
       .required = true,
       .example = "{store: milvus, url: \"http://127.0.0.1:19530\", token: \"${MILVUS_TOKEN}\"}"},
      {.name = "target",
       .type = OptionType::kMap,
       .help = "The store to write, in the same way.",
       .required = true,
       .example = "{store: files, path: ./out}"},
      {.name = "stages",
       .type = OptionType::kList,
       .help =
           "What a run does, in this order: schema (create what is absent, with its indexes), full (copy the rows), "
           "verify, indexes (build them at a target that is there). verify alone compares.",
       .default_text = "schema, full, verify"},
      {.name = "allow_lossy",
       .type = OptionType::kList,
       .help = "Fields of which the target can't keep everything, as the refusal names them: `collection.field`, or "
               "`collection` for what is not of a field.",
       .example = "[digits.label]"},
      {.name = "create", .type = OptionType::kMap, .help = "What the target gets unlike the source, see below."},
      {.name = "tuning", .type = OptionType::kMap, .help = "How the job runs, see below; may change between runs."},
  };
  const OptionTable selection = SelectionOptions();
  table.insert(table.begin() + 2, selection.begin(), selection.end());
  return table;
}

class NativeReader {
 public:
  NativeReader(const Node& root, const StoreRegistry& stores, Problems* problems)
      : root_(root), stores_(stores), problems_(*problems) {}

  JobSpec Read() {
    std::vector<std::string> parts;
    for (const Option& part : PartOptions()) parts.push_back(part.name);
    JobSpec spec;
    const OptionValues job = ReadSection(root_, JobOptions(), OptionScope::kBoth, "", parts, &problems_);
    Apply(job, &spec);
    ApplySample(job, &spec);
    spec.source = ReadStore("source", OptionScope::kSource, &spec.source_database);
    spec.target = ReadStore("target", OptionScope::kTarget, &spec.target_database);
    ReadSelection(root_, {HasDatabases(spec.source), HasDatabases(spec.target)}, &spec, &problems_);
    ReadStages(&spec);
    ApplyCreate(ReadPart("create", CreateOptions()), &spec);
    NotePlaces(&spec);
    ApplyTuning(ReadPart("tuning", TuningOptions()), &spec.tuning);
    if (spec.max_rejects && spec.reject_policy == RejectPolicy::kStop) {
      problems_.Add(root_.Find("max_rejects")->place, "max_rejects: needs `on_reject: continue`");
    }
    if (const Node* name = root_.Find("name");
        name != nullptr && name->kind == Node::Kind::kScalar && !name->unset && !IsJobName(name->text)) {
      problems_.Add(name->place, "name: '" + Shown(*name) + "' " + JobNameRule());
    }
    return spec;
  }

 private:
  /// Of what can only be judged where the stores are looked at.
  void NotePlaces(JobSpec* spec) {
    for (const char* setting : {"allow_lossy", "exclude", "source_load", "rejects_file", "conflicts_file"}) {
      AddPlaces(setting, root_.Find(setting), problems_.file(), &spec->setting_where);
    }
    const Node* create = root_.Find("create");
    if (create == nullptr) return;
    AddPlaces("descriptions", create->Find("descriptions"), problems_.file(), &spec->setting_where);
  }

  OptionValues ReadPart(const std::string& name, const OptionTable& table) {
    static const Node kEmpty{.kind = Node::Kind::kMap};
    const Node* node = root_.Find(name);
    if (node == nullptr || !Expect(*node, Node::Kind::kMap, name, &problems_)) node = &kEmpty;
    return ReadSection(*node, table, OptionScope::kBoth, name, {}, &problems_);
  }

  bool HasDatabases(const StoreSpec& spec) const {
    const StoreFactory* store = FindStore(stores_, spec.store);
    return store != nullptr && store->capabilities.databases;
  }

  std::vector<std::string> ReadNames(const std::string& key) {
    std::vector<std::string> names;
    const Node* node = root_.Find(key);
    if (node == nullptr || node->unset || !Expect(*node, Node::Kind::kList, key, &problems_)) return names;
    for (const Node& item : node->items) {
      if (Expect(item, Node::Kind::kScalar, key, &problems_) && !item.unset) names.push_back(item.text);
    }
    return names;
  }

  void ReadStages(JobSpec* spec) {
    spec->allow_lossy = ReadNames("allow_lossy");
    const Node* node = root_.Find("stages");
    const std::vector<std::string> names = ReadNames("stages");
    if (node == nullptr || node->kind != Node::Kind::kList) return;
    static const std::vector<std::string> kOrder = {"schema", "full", "incremental", "verify", "indexes", "reverse"};
    size_t last = 0;
    for (const std::string& name : names) {
      const auto known = std::find(kOrder.begin(), kOrder.end(), name);
      if (known == kOrder.end()) {
        return problems_.Add(node->place, "stages: '" + Shown(name) + "' is not one of: " + JoinNames(kOrder));
      }
      const size_t place = static_cast<size_t>(known - kOrder.begin()) + 1;
      if (place <= last) return problems_.Add(node->place, "stages: the order is " + JoinNames(kOrder) + ", each once");
      last = place;
      if (name == "incremental" || name == "reverse") {
        return problems_.Add(node->place, "stages: '" + name + "' needs a change feed, and '" +
                                              (name == "reverse" ? spec->target : spec->source).store + "' has none");
      }
    }
    auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    spec->stages = {.schema = has("schema"), .full = has("full"), .indexes = has("schema") || has("indexes")};
    const bool alone = names.size() == 1;
    if (names.empty()) problems_.Add(node->place, "stages: name at least one of " + JoinNames(kOrder));
    if (has("verify") && !has("full") && !alone) {
      problems_.Add(node->place, "stages: 'verify' compares what 'full' copied; write it alone, or add 'full'");
    }
    if (has("verify") && !spec->verify) problems_.Add(node->place, "stages: 'verify' is named, and `verify: off` too");
    if (!spec->stages.schema && spec->schema_policy == SchemaPolicy::kRecreate) {
      problems_.Add(node->place, "stages: `schema: recreate` needs the stage 'schema'");
    }
    if (!spec->stages.schema) spec->schema_policy = SchemaPolicy::kExisting;
    spec->verify = has("verify");
  }

  StoreSpec ReadStore(const std::string& role, OptionScope scope, std::string* database) {
    StoreSpec spec;
    const Node::Entry* entry = root_.FindEntry(role);
    if (entry == nullptr) {
      const OptionTable parts = PartOptions();
      auto part = std::find_if(parts.begin(), parts.end(), [&](const Option& option) { return option.name == role; });
      problems_.Add(root_.place, "'" + role + "' is missing: " + part->help + " For example: " + part->example);
      return spec;
    }
    spec.where = WhereIn(problems_.file(), {entry->place.line, 0});
    if (!Expect(entry->value, Node::Kind::kMap, role, &problems_)) return spec;
    const StoreFactory* store = FindFactory(entry->value, role, scope);
    if (store == nullptr) return spec;
    spec.store = store->name;
    // Databases are a matter of the job; a store that connects to one has it among its own options.
    std::vector<std::string> elsewhere = {"store"};
    if (!HasOption(*store, kDatabase) && store->capabilities.databases) elsewhere.push_back(kDatabase);
    spec.options = ReadSection(entry->value, store->options, scope, role, elsewhere, &problems_);
    spec.option_where = PlacesOf(entry->value, problems_.file());
    const Node* name = entry->value.Find(kDatabase);
    if (name != nullptr && elsewhere.size() > 1) Expect(*name, Node::Kind::kScalar, role + "." + kDatabase, &problems_);
    if (name != nullptr) *database = name->text;
    return spec;
  }

  const StoreFactory* FindFactory(const Node& node, const std::string& role, OptionScope scope) {
    const std::vector<std::string> names = StoreNames(stores_, scope);
    const Node* name = node.Find("store");
    if (name == nullptr) {
      problems_.Add(node.place, role + ": 'store' is missing; allowed: " + JoinNames(names));
      return nullptr;
    }
    if (!Expect(*name, Node::Kind::kScalar, role + ".store", &problems_) || name->unset) return nullptr;
    if (std::find(names.begin(), names.end(), name->text) != names.end()) return FindStore(stores_, name->text);
    const std::string near = NearestName(name->text, names);
    problems_.Add(name->place, role + ".store: '" + Shown(*name) + "' is not one of: " + JoinNames(names) +
                                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
    return nullptr;
  }

  static void Apply(const OptionValues& job, JobSpec* spec) {
    static const std::map<std::string, SchemaPolicy> kSchema = {{"create", SchemaPolicy::kCreate},
                                                                {"recreate", SchemaPolicy::kRecreate},
                                                                {"existing", SchemaPolicy::kExisting}};
    static const std::map<std::string, DataPolicy> kData = {{"stop", DataPolicy::kStop},
                                                            {"ignore", DataPolicy::kIgnore},
                                                            {"overwrite", DataPolicy::kOverwrite},
                                                            {"append", DataPolicy::kAppend},
                                                            {"drop", DataPolicy::kDrop}};
    static const std::map<std::string, LoadPolicy> kLoad = {
        {"auto", LoadPolicy::kAuto}, {"always", LoadPolicy::kAlways}, {"never", LoadPolicy::kNever}};
    spec->name = job.GetString("name");
    spec->schema_policy = kSchema.at(job.GetString("schema"));
    spec->data_policy = kData.at(job.GetString("if_not_empty"));
    spec->duplicate_policy = job.GetString("duplicates") == "any" ? DuplicatePolicy::kAny : DuplicatePolicy::kStop;
    spec->auto_id = job.GetString("auto_id") == "new" ? AutoIdPolicy::kNew : AutoIdPolicy::kKeep;
    spec->accept_duplicates = job.GetBool("accept_duplicates");
    spec->reject_policy = job.GetString("on_reject") == "continue" ? RejectPolicy::kContinue : RejectPolicy::kStop;
    if (job.Has("max_rejects")) spec->max_rejects = job.GetInt("max_rejects");
    spec->rejects_file = job.GetString("rejects_file");
    spec->conflicts_file = job.GetString("conflicts_file");
    spec->load = kLoad.at(job.GetString("load"));
    spec->source_load = kLoad.at(job.GetString("source_load"));
    spec->verify = job.GetString("verify") != "off";
    spec->fail_fast = job.GetBool("fail_fast");
  }

  void ApplySample(const OptionValues& job, JobSpec* spec) {
    const Node* given = root_.Find("sample");
    if (job.GetString("verify") != "sample") {
      if (given != nullptr) problems_.Add(given->place, "sample: is only of use with `verify: sample`");
      return;
    }
    auto size = SampleSize::Parse(job.GetString("sample"));
    if (!size.ok()) return problems_.Add(given->place, "sample: " + size.status().message());
    spec->sample = *size;
  }

  void ApplyCreate(const OptionValues& create, JobSpec* spec) {
    SchemaOverrides& overrides = spec->overrides;
    if (create.Has("dynamic_fields")) overrides.dynamic_fields = create.GetBool("dynamic_fields");
    if (create.Has("shards")) overrides.shards = static_cast<int32_t>(create.GetInt("shards"));
    if (create.Has("consistency_level")) overrides.consistency_level = create.GetString("consistency_level");
    overrides.descriptions = create.GetMap("descriptions");
    if (const Node* part = root_.Find("create"); part != nullptr) {
      CheckCollectionNames(part->Find("descriptions"), "create.descriptions", *spec, &problems_);
    }
  }

  /// What the file does not say itself.
  void ApplyPreset(const std::string& name, Tuning* tuning) {
    struct Preset {
      int32_t parallelism;
      int64_t memory_bytes;
      int64_t batch_bytes;
    };
    static const std::map<std::string, Preset> kPresets = {
        {"small", {1, 128LL << 20, 2LL << 20}},
        {"medium", {4, 512LL << 20, 8LL << 20}},
        {"large", {16, 2LL << 30, 16LL << 20}},
    };
    const Preset& preset = kPresets.at(name);
    const Node& section = *root_.Find("tuning");
    if (section.Find("parallelism") == nullptr) tuning->parallelism = preset.parallelism;
    if (section.Find("memory") == nullptr) tuning->memory_bytes = preset.memory_bytes;
    if (section.Find("batch") == nullptr) tuning->batch_bytes = preset.batch_bytes;
  }

  void ApplyTuning(const OptionValues& values, Tuning* tuning) {
    tuning->parallelism = static_cast<int32_t>(values.GetInt("parallelism"));
    tuning->memory_bytes = values.GetInt("memory");
    tuning->batch_bytes = values.GetInt("batch");
    if (values.Has("preset")) ApplyPreset(values.GetString("preset"), tuning);
    tuning->read_parallelism = static_cast<int32_t>(values.GetInt("read_parallelism"));
    tuning->write_parallelism = static_cast<int32_t>(values.GetInt("write_parallelism"));
    tuning->rows_per_second = values.GetInt("rows_per_second");
    tuning->bytes_per_second = values.GetInt("bytes_per_second");
    tuning->limit_verify = values.GetBool("limit_verify");
    tuning->split_bytes = values.GetInt("split");
    tuning->commit_interval_ms = values.GetInt("commit_every");
    tuning->commit_bytes = values.GetInt("commit_bytes");
    tuning->retry_for_ms = values.GetInt("retry_for");
    tuning->max_rounds = static_cast<int32_t>(values.GetInt("max_rounds"));
    if (tuning->batch_bytes > tuning->memory_bytes / 2) {
      problems_.Add(root_.Find("tuning")->place,
                    "tuning: 'batch' is more than half of 'memory'; reading and writing "
                    "need one each");
    }
  }

  const Node& root_;
  const StoreRegistry& stores_;
  Problems& problems_;
};

}  // namespace

OptionTable NativeStoreOptions(const StoreFactory& store) {
  OptionTable table = store.options;
  if (store.capabilities.databases && !HasOption(store, kDatabase)) {
    table.push_back({.name = kDatabase, .help = "Database of the collections; unset: the store's default."});
  }
  return table;
}

JobSpec ReadNative(const Node& root, const StoreRegistry& stores, Problems* problems) {
  return NativeReader(root, stores, problems).Read();
}

std::vector<DocumentedSection> NativeSections() {
  OptionTable top = PartOptions();
  for (Option& option : JobOptions()) top.push_back(std::move(option));
  std::vector<DocumentedSection> sections = {{"", std::move(top)}};
  for (DocumentedSection& section : SelectionSections()) sections.push_back(std::move(section));
  sections.push_back({"create", CreateOptions()});
  sections.push_back({"tuning", TuningOptions()});
  return sections;
}

}  // namespace godwit
