#include "engine/file_places.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

namespace godwit {
namespace {

namespace fs = std::filesystem;

/// Without links, as far as the path exists.
fs::path RealPath(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  fs::path real = fs::weakly_canonical(absolute, error);
  return error ? absolute.lexically_normal() : real;
}

/// Of real paths; a path is in itself.
bool IsIn(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

struct StorePath {
  std::string option;
  std::string text;  // as given
  fs::path real;
};

/// Files and folders that a store was given.
std::vector<StorePath> PathsOf(const StoreRegistry& stores, const StoreSpec& spec) {
  std::vector<StorePath> paths;
  const StoreFactory* store = FindStore(stores, spec.store);
  if (store == nullptr) return paths;
  for (const Option& option : store->options) {
    if (option.type != OptionType::kPath || !spec.options.Has(option.name)) continue;
    const std::string& text = spec.options.GetString(option.name);
    paths.push_back({option.name, text, RealPath(text)});
  }
  return paths;
}

/// A file that godwit is to make.
struct NewFile {
  std::string asked_by;  // "rejects_file"
  std::string path;
  bool may_replace_list = false;
  std::string where = {};  // where the job says so
};

arrow::Status Refuse(const NewFile& file, const std::string& why) {
  return MakeError(ErrorKind::kInvalidConfig, file.asked_by + ": " + file.path + " " + why, file.where);
}

/// Whatever is of a job, this one or another.
bool IsNameInState(const std::string& name) {
  static constexpr std::string_view kEndings[] = {".journal",     ".repair",        ".lock",
                                                  ".report.json", ".rejects.jsonl", ".conflicts.jsonl"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.find(ending) != name.npos; });
}

/// Names are short, so the beginning of a list's first line is, too.
bool IsList(const fs::path& path) {
  std::string head(4096, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  return head.starts_with(R"({"source":")") && head.find(R"(","target":")") != head.npos &&
         head.find(R"(","partition":")") != head.npos;
}

arrow::Status CheckNothingLost(const NewFile& file, const fs::path& real) {
  std::error_code error;
  const fs::file_status status = fs::status(real, error);
  if (!fs::exists(status)) return arrow::Status::OK();
  if (!fs::is_regular_file(status)) return Refuse(file, "is no file; name one");
  if (fs::file_size(real, error) == 0 && !error) return arrow::Status::OK();
  if (file.may_replace_list && IsList(real)) return arrow::Status::OK();
  return Refuse(file, file.may_replace_list ? "is there already, and is no list of godwit's; move it away, or name "
                                              "another file"
                                            : "is there already; move it away, or name another file");
}

arrow::Status CheckPlace(const StoreRegistry& stores, const JobSpec& spec, const std::string& state_dir,
                         const NewFile& file) {
  const fs::path real = RealPath(file.path);
  std::error_code error;
  if (!fs::is_directory(real.parent_path(), error)) {
    return Refuse(file, "can't be written: there is no folder " + real.parent_path().string() +
                            "; make it, or name another file");
  }
  if (!spec.file.empty() && real == RealPath(spec.file)) return Refuse(file, "is the job file; name another file");
  for (const auto& [role, store] : {std::pair("source", &spec.source), std::pair("target", &spec.target)}) {
    for (const StorePath& path : PathsOf(stores, *store)) {
      if (!IsIn(real, path.real)) continue;
      return Refuse(
          file, std::string("is in the ") + role + " (" + path.option + ": " + path.text + "); name a file elsewhere");
    }
  }
  if (real.parent_path() == RealPath(state_dir) && IsNameInState(real.filename().string())) {
    return Refuse(file, "is of the state folder, where godwit keeps its own; name another file");
  }
  return CheckNothingLost(file, real);
}

}  // namespace

arrow::Status CheckListFiles(const StoreRegistry& stores, const JobSpec& spec, const std::string& state_dir) {
  for (const auto& [name, path] :
       {std::pair("rejects_file", &spec.rejects_file), std::pair("conflicts_file", &spec.conflicts_file)}) {
    const std::string usual =
        state_dir + "/" + spec.name + (path == &spec.rejects_file ? ".rejects" : ".conflicts") + ".jsonl";
    if (path->empty() || RealPath(*path) == RealPath(usual)) continue;
    ARROW_RETURN_NOT_OK(
        CheckPlace(stores, spec, state_dir, {name, *path, /*may_replace_list=*/true, spec.WhereOf(name)}));
  }
  if (spec.rejects_file.empty() || RealPath(spec.rejects_file) != RealPath(spec.conflicts_file)) {
    return arrow::Status::OK();
  }
  return Refuse({.asked_by = "conflicts_file", .path = spec.conflicts_file, .where = spec.WhereOf("conflicts_file")},
                "is the rejects_file, too; name two files");
}

arrow::Status CheckDifferencesFile(const StoreRegistry& stores, const JobSpec& spec, const std::string& state_dir,
                                   const std::string& path) {
  return path.empty() ? arrow::Status::OK() : CheckPlace(stores, spec, state_dir, {"--differences", path});
}

arrow::Status CheckOutsideSource(const StoreRegistry& stores, const JobSpec& spec,
                                 const std::vector<CollectionRule>& rules, Catalog* source) {
  const std::vector<StorePath> paths = PathsOf(stores, spec.target);
  if (paths.empty()) return arrow::Status::OK();
  for (const CollectionRule& rule : rules) {
    const auto folder = source->Folder(rule.source);
    if (!folder.ok() || folder->empty()) continue;  // what can't be read is told where it is planned
    for (const StorePath& path : paths) {
      if (!IsIn(path.real, RealPath(*folder))) continue;
      return MakeError(ErrorKind::kInvalidConfig,
                       "the target's " + path.option + " " + path.text + " is inside the folder of the source '" +
                           rule.source.ToString() + "', " + *folder +
                           ", which could not be read any more; give it a place of its own",
                       spec.target.WhereOf(path.option));
    }
  }
  return arrow::Status::OK();
}

}  // namespace godwit
