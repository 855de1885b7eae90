#include "config/load.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/durable_file.h"
#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

bool IsYaml(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

/// Stable for one file: its name, and a hash of where it lies, so that two files of one name are two jobs.
std::string NameOf(const std::string& path, const std::string& dialect) {
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

arrow::Result<JobSpec> LoadJobText(std::string_view text, const std::string& path, const StoreRegistry& stores,
                                   const LoadOptions& options) {
  const Environment environment = options.environment ? options.environment : Environment(ProcessEnvironment);
  if (text.size() > kMaxDocumentBytes) return MakeError(ErrorKind::kInvalidConfig, "the file is above 16 MiB", path);
  if (text.find('\0') != text.npos) return MakeError(ErrorKind::kInvalidConfig, "the file is not text", path);
  const bool yaml = IsYaml(path);
  ARROW_ASSIGN_OR_RAISE(Node root, yaml ? ReadYaml(text, path, environment) : ReadHocon(text, path, environment));
  Problems problems(path);
  JobSpec spec;
  if (Expect(root, Node::Kind::kMap, "the file", &problems)) {
    spec = yaml ? ReadNative(root, stores, &problems) : ReadSeaTunnel(root, stores, &problems);
  }
  ARROW_RETURN_NOT_OK(problems.Finish());
  spec.file = path;
  spec.dialect = yaml ? "godwit.yaml" : "migration.conf";
  if (spec.name.empty()) spec.name = NameOf(path, spec.dialect);
  return spec;
}

arrow::Result<JobSpec> LoadJobFile(const std::string& path, const StoreRegistry& stores, const LoadOptions& options) {
  auto text = ReadFile(path);
  if (!text.ok()) return MakeError(ErrorKind::kInvalidConfig, "can't read the job file: " + Describe(text.status()), path);
  return LoadJobText(*text, path, stores, options);
}

}  // namespace godwit
