#include "config/load.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <simdjson.h>
#include <xxhash.h>

#include "base/durable_file.h"
#include "base/name_pattern.h"
#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

struct Dialect {
  const char* name;
  std::vector<std::string> extensions;
  std::optional<Node> (*read)(std::string_view text, const Environment& environment, Problems* problems);
  bool (*recognise)(const Node& root);
  JobSpec (*interpret)(const Node& root, const StoreRegistry& stores, Problems* problems);
};

bool IsNative(const Node& root) { return root.Find("source") != nullptr || root.Find("target") != nullptr; }

const std::vector<Dialect>& Dialects() {
  static const std::vector<Dialect> dialects = {
      {"milvus2csv.yaml", {".yaml", ".yml"}, ReadYaml, IsMilvus2Csv, ReadMilvus2Csv},
      {"migration.conf", {".conf", ".hocon"}, ReadHocon, IsSeaTunnel, ReadSeaTunnel},
      {"godwit.yaml", {".yaml", ".yml"}, ReadYaml, IsNative, ReadNative},
  };
  return dialects;
}

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

/// By the ending, then by the contents, then by the name. A file of another ending, as .json, may be of any dialect.
const Dialect& FindDialect(std::string_view text, const std::string& path, const Environment& environment) {
  const std::string extension = std::filesystem::path(path).extension().string();
  std::vector<const Dialect*> candidates;
  for (const Dialect& dialect : Dialects()) {
    const std::vector<std::string>& known = dialect.extensions;
    if (std::find(known.begin(), known.end(), extension) != known.end()) candidates.push_back(&dialect);
  }
  if (candidates.empty()) {
    for (const Dialect& dialect : Dialects()) candidates.push_back(&dialect);
  }
  for (const Dialect* dialect : candidates) {
    Problems ignored(path);
    const std::optional<Node> root = dialect->read(text, environment, &ignored);
    if (root && dialect->recognise(*root)) return *dialect;
  }
  for (const Dialect* dialect : candidates) {
    if (std::filesystem::path(path).filename() == dialect->name) return *dialect;
  }
  return *candidates.back();
}

/// UTF-8 without the control characters that no text has.
void CheckText(std::string_view text, Problems* problems) {
  if (text.size() > kMaxDocumentBytes) return problems->Add({}, "the file is above 4 MiB");
  int line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const bool control = std::any_of(part.begin(), part.end(), [](char c) { return c >= 0 && c < '\t'; });
    if (control || !simdjson::validate_utf8(part)) {
      return problems->Add({line, 0}, "not text in UTF-8");
    }
    begin = end + 1;
  }
}

/// Stable for one file: its name, and a hash of where it lies, so that two files of one name are two jobs.
std::string MakeJobName(const std::string& path, const std::string& dialect) {
  std::error_code error;
  std::string absolute = std::filesystem::weakly_canonical(path, error).string();
  if (error) absolute = path;
  std::string stem;
  for (char c : std::filesystem::path(path).stem().string().substr(0, 60)) {
    stem += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  }
  std::string key = dialect + "\n" + absolute;
  return fmt::format("job-{}-{:08x}", stem, static_cast<uint32_t>(XXH3_64bits(key.data(), key.size())));
}

}  // namespace

bool IsJobName(std::string_view name) {
  if (name.empty() || name.size() > 100 || name[0] == '.' || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  });
}

std::string JobNameRule() {
  return "is no name for a job: at most 100 letters, digits, '_', '.' and '-', the first one a letter, a digit or '_'";
}

void AddCollection(CollectionRule rule, Place place, const std::string& path, JobSpec* spec, Problems* problems) {
  if (rule.source.name.empty()) return problems->Add(place, path + ": a name is empty");
  auto target = [&](const CollectionRule& r) -> CollectionRef {
    // Where collections of another database go is not known yet; nor what a pattern stands for.
    const std::string& database = r.target_database.empty() ? r.source.database : r.target_database;
    if (!r.target_name.empty()) return {database, r.target_name};
    auto rename = spec->renames.find(r.source.name);
    return {database, rename == spec->renames.end() ? r.source.name : rename->second};
  };
  for (const CollectionRule& other : spec->collections) {
    if (other.source == rule.source) {
      return problems->Add(place, path + ": '" + rule.source.ToString() + "' is named twice");
    }
    if (target(other) == target(rule) && !IsPattern(target(rule).name) && !IsPattern(target(rule).database)) {
      return problems->Add(place, path + ": '" + other.source.ToString() + "' and '" + rule.source.ToString() +
                                      "' would both be written to '" + target(rule).ToString() +
                                      "'; rename one of them");
    }
  }
  spec->collections.push_back(std::move(rule));
}

void CheckCollectionNames(const Node* map, const std::string& path, const JobSpec& spec, Problems* problems) {
  if (map == nullptr || spec.collections.empty()) return;
  std::vector<std::string> names;
  for (const CollectionRule& rule : spec.collections) {
    if (IsPattern(rule.source.name)) return;  // nobody knows yet
    names.push_back(rule.source.name);
  }
  for (const Node::Entry& entry : map->entries) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
    const std::string near = NearestName(entry.key, names);
    problems->Add(entry.place, path + ": '" + ShownKey(entry.key) + "' is not among the collections to move" +
                                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
}

std::vector<std::string> StoreNames(const StoreRegistry& stores, OptionScope scope) {
  std::vector<std::string> names;
  for (const StoreFactory& store : stores) {
    if (scope == OptionScope::kSource ? store.capabilities.source : store.capabilities.target)
      names.push_back(store.name);
  }
  return names;
}

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  for (const Dialect& dialect : Dialects()) names.push_back(dialect.name);
  return names;
}

std::vector<DocumentedDialect> OtherDialects() { return {{"milvus2csv.yaml", Milvus2CsvSections()}}; }

arrow::Result<JobSpec> LoadJobText(std::string_view text, const std::string& path, const StoreRegistry& stores,
                                   const LoadOptions& options) {
  const Environment environment = options.environment ? options.environment : Environment(ProcessEnvironment);
  Problems problems(path);
  CheckText(text, &problems);
  ARROW_RETURN_NOT_OK(problems.ToStatus());
  auto hint = std::find_if(Dialects().begin(), Dialects().end(),
                           [&](const Dialect& dialect) { return dialect.name == options.dialect; });
  if (hint == Dialects().end() && !options.dialect.empty()) {
    return MakeError(ErrorKind::kInvalidConfig,
                     "there is no dialect '" + options.dialect + "'; allowed: " + JoinNames(DialectNames()), path);
  }
  const Dialect& dialect = hint == Dialects().end() ? FindDialect(text, path, environment) : *hint;
  const std::optional<Node> root = dialect.read(text, environment, &problems);
  JobSpec spec;
  if (root && Expect(*root, Node::Kind::kMap, "the file", &problems))
    spec = dialect.interpret(*root, stores, &problems);
  ARROW_RETURN_NOT_OK(problems.ToStatus());
  spec.file = path;
  spec.dialect = dialect.name;
  if (spec.name.empty()) spec.name = MakeJobName(path, spec.dialect);
  // Without indexes there is nothing to load by.
  auto has_indexes = [](const CollectionRule& rule) { return !rule.mapping.indexes.empty(); };
  const bool none = !spec.copy_indexes && std::none_of(spec.collections.begin(), spec.collections.end(), has_indexes);
  if (none && spec.load == LoadPolicy::kAuto) spec.load = LoadPolicy::kNever;
  return spec;
}

arrow::Result<JobSpec> LoadJobFile(const std::string& path, const StoreRegistry& stores, const LoadOptions& options) {
  auto text = ReadFile(path);
  if (!text.ok())
    return MakeError(ErrorKind::kInvalidConfig, "can't read the job file: " + Describe(text.status()), path);
  return LoadJobText(*text, path, stores, options);
}

}  // namespace godwit
