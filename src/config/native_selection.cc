#include "config/native_selection.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/name_pattern.h"
#include "config/dialects.h"
#include "config/section.h"
#include "config/selection_file.h"
#include "model/json_value.h"

namespace godwit {
namespace {

OptionTable RuleOptions() {
  return {
      {.name = "source",
       .help = "The source's name, or `database.name`; `*` stands for any characters.",
       .required = true,
       .example = "\"sales.log_*\""},
      {.name = "database",
       .help = "The source's database, instead of the one in `source`, which may then have dots in its name."},
      {.name = "target",
       .help = "The target's name, or `database.name`; each `*` is what it stood for in `source`. Left out: the "
               "source's.",
       .example = "\"archive.log_*\""},
      {.name = "filter",
       .help = "Only rows that pass this condition, in the source's own language (see the store).",
       .example = "\"year >= 2024\""},
      {.name = "partitions",
       .type = OptionType::kMap,
       .help = "Other names for partitions, by the source's; \"\" is the default one.",
       .example = "{old: new}"},
  };
}

/// Read by hand.
OptionTable RuleParts() {
  return {
      {.name = "fields", .type = OptionType::kMap, .help = "Which fields go, and under which names, see below."},
      {.name = "meta",
       .type = OptionType::kMap,
       .help = "Dynamic fields: keep (which is what happens without this), drop, or a map that spreads them into "
               "columns, see below."},
      {.name = "constants",
       .type = OptionType::kMap,
       .help = "Columns with one value for every row, by their names, each as below.",
       .example = "{tenant: {value: acme, max_length: 20}}"},
      {.name = "indexes",
       .type = OptionType::kList,
       .help = "Indexes to build at the target, each as below; one replaces the source's on the same field.",
       .example = "[{field: vector, type: HNSW, metric: L2, params: {M: 16, efConstruction: 200}}]"},
  };
}

OptionTable FieldOptions() {
  return {
      {.name = "include",
       .type = OptionType::kList,
       .help = "Only these fields and the key; `*` stands for any characters."},
      {.name = "exclude", .type = OptionType::kList, .help = "Not these fields; `*` stands for any characters."},
      {.name = "rename", .type = OptionType::kMap, .help = "The target's names, by the source's."},
  };
}

OptionTable AddedOptions(const std::string& value, const std::string& value_help) {
  return {
      {.name = "type",
       .type = OptionType::kEnum,
       .help = "Type of the column.",
       .default_text = "string",
       .allowed = {"bool", "int8", "int16", "int32", "int64", "double", "string", "json"}},
      {.name = value, .help = value_help},
      {.name = "max_length",
       .type = OptionType::kInt,
       .help = "Longest string, in bytes; unset: what the target takes.",
       .min = 1,
       .max = 1 << 30},
  };
}

OptionTable ConstantOptions() {
  OptionTable table = AddedOptions("value", "The value.");
  table[1].required = true;
  return table;
}

OptionTable SpreadOptions() {
  return AddedOptions("default",
                      "The value of rows without the key. Without a default the column is nullable, and such rows "
                      "have null.");
}

OptionTable MetaOptions() {
  return {
      {.name = "rest",
       .type = OptionType::kEnum,
       .help = "What becomes of the keys that are not spread.",
       .default_text = "keep",
       .allowed = {"keep", "drop"}},
      {.name = "mismatch",
       .type = OptionType::kEnum,
       .help = "A value of another type than its column stops the collection, or is left in `$meta`.",
       .default_text = "stop",
       .allowed = {"stop", "leave"}},
  };
}

OptionTable IndexOptions() {
  return {
      {.name = "field", .help = "The target's name of the field.", .required = true},
      {.name = "name", .help = "Name of the index; unset: that of the one it replaces, else the field's."},
      {.name = "type", .help = "As the target names it; unset: the target's default.", .example = "HNSW"},
      {.name = "metric", .help = "Metric of a vector index.", .example = "L2"},
      {.name = "params", .type = OptionType::kMap, .help = "Parameters, as the target names them."},
  };
}

class SelectionReader {
 public:
  SelectionReader(const Node& root, NamedDatabases databases, JobSpec* spec, Problems* problems)
      : root_(root), databases_(databases), spec_(*spec), problems_(*problems) {}

  void Read() {
    ReadDatabases();
    ReadCollections();
    ReadFile();
    ReadExclude();
    ReadIndexes();
  }

 private:
  const Node* Find(const std::string& key) const {
    const Node* node = root_.Find(key);
    return node == nullptr || node->unset ? nullptr : node;
  }

  /// "db.name" or "name".
  static CollectionRef Split(const std::string& text, bool has_databases) {
    const size_t dot = has_databases ? text.find('.') : text.npos;
    if (dot == text.npos) return {{}, text};
    return {text.substr(0, dot), text.substr(dot + 1)};
  }

  /// False, with a problem added, when the target would have stars that nothing fills.
  bool CheckStars(const std::string& source, const std::string& target, Place place, const std::string& path) {
    const auto stars = [](const std::string& text) { return std::count(text.begin(), text.end(), '*'); };
    if (stars(target) <= stars(source)) return true;
    problems_.Add(place, path + ": '" + Shown(target) + "' has more stars than '" + Shown(source) + "' can fill");
    return false;
  }

  void ReadDatabases() {
    const Node* node = Find("databases");
    if (node == nullptr) return;
    if (!databases_.source) return problems_.Add(node->place, "databases: the source has none; leave this out");
    auto add = [&](const std::string& source, const std::string& target, Place place) {
      if (source.empty()) return problems_.Add(place, "databases: a name is empty");
      if (!CheckStars(source, target, place, "databases")) return;
      spec_.databases.push_back({source, target, WhereIn(problems_.file(), place)});
    };
    if (node->kind == Node::Kind::kMap) {
      for (const Node::Entry& entry : node->entries) {
        if (Expect(entry.value, Node::Kind::kScalar, "databases." + ShownKey(entry.key), &problems_)) {
          add(entry.key, entry.value.text, entry.place);
        }
      }
    } else if (Expect(*node, Node::Kind::kList, "databases", &problems_)) {
      for (const Node& item : node->items) {
        if (Expect(item, Node::Kind::kScalar, "databases", &problems_)) add(item.text, {}, item.place);
      }
    }
  }

  void ReadCollections() {
    const Node* node = Find("collections");
    if (node == nullptr || !Expect(*node, Node::Kind::kList, "collections", &problems_)) return;
    for (const Node& item : node->items) {
      if (item.kind == Node::Kind::kMap) {
        ReadRule(item);
      } else if (Expect(item, Node::Kind::kScalar, "collections", &problems_) && !item.unset) {
        AddRule(Split(item.text, databases_.source), {}, {}, item.place, "collections");
      }
    }
  }

  void AddRule(CollectionRef source, const std::string& target, Mapping mapping, Place place, const std::string& path) {
    const CollectionRef to = Split(target, databases_.target);
    if (!CheckStars(source.name, to.name, place, path) || !CheckStars(source.database, to.database, place, path))
      return;
    AddCollection({.source = std::move(source),
                   .target_name = to.name,
                   .where = WhereIn(problems_.file(), place),
                   .target_database = to.database,
                   .mapping = std::move(mapping)},
                  place, path, &spec_, &problems_);
  }

  void ReadRule(const Node& item) {
    std::vector<std::string> parts;
    for (const Option& part : RuleParts()) parts.push_back(part.name);
    const OptionValues values = ReadSection(item, RuleOptions(), OptionScope::kBoth, "collections", parts, &problems_);
    if (!values.Has("source")) return;  // reported
    if (values.Has("target") && values.GetString("target").empty()) {
      return problems_.Add(item.Find("target")->place,
                           "collections.target is empty: name the target, or leave the key out");
    }
    CollectionRef source = Split(values.GetString("source"), databases_.source);
    if (item.Find("database") != nullptr) source = {values.GetString("database"), values.GetString("source")};
    if (!databases_.source && !source.database.empty()) {
      return problems_.Add(item.place, "collections: 'database' is given, and the source has none");
    }
    Mapping mapping;
    mapping.filter = values.GetString("filter");
    mapping.partitions = values.GetMap("partitions");
    ReadFields(item.Find("fields"), &mapping);
    ReadMeta(item.Find("meta"), &mapping);
    ReadAdded(item.Find("constants"), "collections.constants", ConstantOptions(), "value", &mapping.constants);
    ReadIndexList(item.Find("indexes"), "collections.indexes", &mapping.indexes);
    AddRule(std::move(source), values.GetString("target"), std::move(mapping), item.place, "collections");
  }

  void ReadFields(const Node* node, Mapping* mapping) {
    if (node == nullptr || !Expect(*node, Node::Kind::kMap, "collections.fields", &problems_)) return;
    const OptionValues values =
        ReadSection(*node, FieldOptions(), OptionScope::kBoth, "collections.fields", {}, &problems_);
    mapping->include_fields = values.GetList("include");
    mapping->exclude_fields = values.GetList("exclude");
    mapping->fields = values.GetMap("rename");
  }

  void ReadMeta(const Node* node, Mapping* mapping) {
    if (node == nullptr || node->unset) return;
    const std::string path = "collections.meta";
    if (node->kind == Node::Kind::kScalar) {
      mapping->drop_meta = node->text == "drop";
      if (node->text != "keep" && node->text != "drop") {
        problems_.Add(node->place, path + ": '" + Shown(*node) + "' is not keep, drop or {spread: ...}");
      }
      return;
    }
    if (!Expect(*node, Node::Kind::kMap, path, &problems_)) return;
    const OptionValues values = ReadSection(*node, MetaOptions(), OptionScope::kBoth, path, {"spread"}, &problems_);
    mapping->drop_meta = values.GetString("rest") == "drop";
    mapping->leave_mismatches = values.GetString("mismatch") == "leave";
    if (mapping->drop_meta && mapping->leave_mismatches) {
      problems_.Add(node->place, path + ": 'mismatch: leave' needs 'rest: keep', as the values stay in $meta");
    }
    if (node->Find("spread") == nullptr) return problems_.Add(node->place, path + ": 'spread' is missing");
    ReadAdded(node->Find("spread"), path + ".spread", SpreadOptions(), "default", &mapping->spread);
  }

  /// {name: {type: ..., value: ..., max_length: ...}}, or {name: type}.
  void ReadAdded(const Node* node, const std::string& path, const OptionTable& table, const std::string& value,
                 std::vector<AddedField>* fields) {
    if (node == nullptr || !Expect(*node, Node::Kind::kMap, path, &problems_)) return;
    for (const Node::Entry& entry : node->entries) {
      const std::string name = path + "." + ShownKey(entry.key);
      Node section = entry.value;
      if (section.kind == Node::Kind::kScalar && value == "default") {
        Node type = section;
        section = {.kind = Node::Kind::kMap, .place = entry.place};
        section.entries.push_back({.key = "type", .place = entry.place, .value = std::move(type)});
      }
      if (!Expect(section, Node::Kind::kMap, name, &problems_)) continue;
      const OptionValues values = ReadSection(section, table, OptionScope::kBoth, name, {}, &problems_);
      auto kind = ParseTypeKind(values.GetString("type"));
      if (!kind.ok()) continue;  // reported
      AddedField field{.name = entry.key, .type = Type::Of(*kind)};
      if (values.Has("max_length")) field.max_length = values.GetInt("max_length");
      if (section.Find(value) != nullptr) field.value_json = JsonOf(*kind, values.GetString(value));
      if (field.value_json) {
        if (auto scalar = JsonScalar(field.type, *field.value_json); !scalar.ok()) {
          problems_.Add(entry.place, name + "." + value + " " + scalar.status().message());
          continue;
        }
        const auto bytes = static_cast<int64_t>(values.GetString(value).size());
        if (*kind == TypeKind::kString && field.max_length && bytes > *field.max_length) {
          problems_.Add(entry.place, name + "." + value + " has " + std::to_string(bytes) +
                                         " bytes, more than its max_length " + std::to_string(*field.max_length));
        }
      }
      fields->push_back(std::move(field));
    }
  }

  static std::string JsonOf(TypeKind kind, const std::string& text) {
    if (kind != TypeKind::kString) return text;
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  void ReadIndexList(const Node* node, const std::string& path, std::vector<Index>* indexes) {
    if (node == nullptr || !Expect(*node, Node::Kind::kList, path, &problems_)) return;
    for (const Node& item : node->items) {
      if (!Expect(item, Node::Kind::kMap, path, &problems_)) continue;
      const OptionValues values = ReadSection(item, IndexOptions(), OptionScope::kBoth, path, {}, &problems_);
      Index index{.name = values.GetString("name"),
                  .field = values.GetString("field"),
                  .type = values.GetString("type"),
                  .metric = values.GetString("metric"),
                  .params = values.GetMap("params")};
      auto same = [&](const Index& other) { return other.field == index.field; };
      if (std::any_of(indexes->begin(), indexes->end(), same)) {
        problems_.Add(item.place, path + ": the field '" + Shown(index.field) + "' has two indexes");
      } else if (!index.field.empty()) {
        indexes->push_back(std::move(index));
      }
    }
  }

  void ReadFile() {
    const Node* node = Find("collections_file");
    if (node == nullptr || !Expect(*node, Node::Kind::kScalar, "collections_file", &problems_)) return;
    auto text = ::godwit::ReadFile(node->text);
    if (!text.ok()) {
      return problems_.Add(node->place, "collections_file: can't be read: " + Describe(text.status()));
    }
    Problems inside(node->text);
    const std::vector<SelectedName> names = ParseSelection(*text, &inside);
    if (arrow::Status status = inside.ToStatus(); !status.ok()) {
      problems_.Add(node->place, "collections_file: " + Describe(status));
    }
    if (names.empty()) problems_.Add(node->place, "collections_file: " + Shown(*node) + " names no collection");
    for (const SelectedName& name : names) {
      AddRule(Split(name.source, databases_.source), name.target, {}, node->place,
              "collections_file: " + node->text + ":" + std::to_string(name.line));
    }
  }

  void ReadExclude() {
    const Node* node = Find("exclude");
    if (node == nullptr || !Expect(*node, Node::Kind::kList, "exclude", &problems_)) return;
    for (const Node& item : node->items) {
      if (!Expect(item, Node::Kind::kScalar, "exclude", &problems_) || item.unset) continue;
      spec_.exclude.push_back(Split(item.text, databases_.source));
    }
  }

  /// Top level: the words, or a list that goes to every collection.
  void ReadIndexes() {
    const Node* node = Find("indexes");
    if (node == nullptr) return;
    if (node->kind == Node::Kind::kScalar) {
      spec_.copy_indexes = node->text == "copy";
      if (node->text != "copy" && node->text != "none") {
        problems_.Add(node->place, "indexes: '" + Shown(*node) + "' is not one of: copy, none, or a list of indexes");
      }
      return;
    }
    std::vector<Index> indexes;
    ReadIndexList(node, "indexes", &indexes);
    if (spec_.collections.empty()) {
      spec_.collections.push_back(
          {.source = {{}, "*"}, .target_name = {}, .where = WhereIn(problems_.file(), node->place)});
    }
    for (CollectionRule& rule : spec_.collections) {
      for (const Index& index : indexes) {
        auto same = [&](const Index& other) { return other.field == index.field; };
        auto& own = rule.mapping.indexes;
        if (std::none_of(own.begin(), own.end(), same)) own.push_back(index);
      }
    }
  }

  const Node& root_;
  const NamedDatabases databases_;
  JobSpec& spec_;
  Problems& problems_;
};

}  // namespace

void ReadSelection(const Node& root, NamedDatabases databases, JobSpec* spec, Problems* problems) {
  SelectionReader(root, databases, spec, problems).Read();
}

OptionTable SelectionOptions() {
  return {
      {.name = "databases",
       .type = OptionType::kList,
       .help = "Databases of the source, names or patterns with `*`, or a map of the target's names by the source's; "
               "left out: the source's `database`.",
       .example = "{sales: sales, \"test_*\": \"archive_*\"}"},
      {.name = "collections",
       .type = OptionType::kList,
       .help = "Collections to move: names, patterns with `*`, or rules as below; the first that fits a collection "
               "counts. Left out or empty: all of the databases.",
       .example = "[digits, \"sales.*\", {source: a, target: b}]"},
      {.name = "collections_file",
       .type = OptionType::kPath,
       .help = "A file that names more of them, a line each: `database.name`, or `source,target`; # begins a comment.",
       .example = "./collections.csv"},
      {.name = "exclude",
       .type = OptionType::kList,
       .help = "Collections that are left out, names or patterns, with or without their database.",
       .example = "[\"tmp_*\", sales.old]"},
      {.name = "indexes",
       .type = OptionType::kList,
       .help = "`copy` builds the source's indexes at the target, after the data; `none` builds none; a list adds to "
               "the source's, in every collection, as `indexes` of a rule does.",
       .default_text = "copy"},
  };
}

std::vector<DocumentedSection> SelectionSections() {
  OptionTable rule = RuleOptions();
  for (Option& part : RuleParts()) rule.push_back(std::move(part));
  OptionTable meta = MetaOptions();
  meta.push_back({.name = "spread",
                  .type = OptionType::kMap,
                  .help = "Keys that become columns of the same name, each with a type, or as below.",
                  .required = true,
                  .example = "{color: string, size: {type: int64, default: 0}}"});
  return {{"collections", std::move(rule)},
          {"collections.fields", FieldOptions()},
          {"collections.meta", std::move(meta)},
          {"collections.meta.spread.NAME", SpreadOptions()},
          {"collections.constants.NAME", ConstantOptions()},
          {"collections.indexes", IndexOptions()}};
}

}  // namespace godwit
