#include "stores/files/store.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "stores/files/catalog.h"
#include "stores/files/collection.h"
#include "stores/files/layout.h"
#include "stores/files/manifest.h"
#include "stores/files/options.h"
#include "stores/files/sink.h"
#include "stores/files/source.h"

namespace godwit::files {
namespace {

using Verdict = CheckItem::Verdict;

CheckItem CheckReachable(const std::string& path, OptionScope role) {
  if (Exists(path + "/" + std::string(kManifestName))) {
    return {"reachable", Verdict::kFailed,
            path + " is a collection itself; give the folder above it, and the collection by its name"};
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {.name = "reachable", .message = "the folder " + path};
  if (Exists(path)) {
    return {"reachable", Verdict::kFailed, path + " is not a folder; give the folder that holds the collections"};
  }
  if (role == OptionScope::kSource) return {"reachable", Verdict::kFailed, "there is no folder " + path};
  return {.name = "reachable", .message = "the folder " + path + " will be made"};
}

CheckItem CheckAuthorised(const std::string& path, OptionScope role) {
  const std::string existing = ExistingFolder(path);
  if (access(existing.c_str(), R_OK | X_OK) != 0) {
    return {"authorised", Verdict::kFailed, existing + " can't be read by this user"};
  }
  if (role == OptionScope::kSource) return {.name = "authorised", .message = "can be read"};
  if (access(existing.c_str(), W_OK) != 0) {
    return {"authorised", Verdict::kFailed, existing + " can't be written by this user"};
  }
  return {.name = "authorised", .message = "can be read and written"};
}

CheckItem CheckStaging(const std::string& path, const std::string& staging) {
  const arrow::Status status = CheckOneFileSystem(ExistingFolder(path), ExistingFolder(staging));
  if (!status.ok()) return {"staging", Verdict::kFailed, status.message()};
  if (access(ExistingFolder(staging).c_str(), W_OK | X_OK) != 0) {
    return {"staging", Verdict::kFailed, ExistingFolder(staging) + " can't be written by this user"};
  }
  return {.name = "staging", .message = staging + " is on the file system of " + path};
}

class FilesStore : public Store {
 public:
  FilesStore(const Options& options, const StopToken& stop)
      : path_(options.path),
        staging_(options.staging),
        catalog_(options),
        source_(
            options.path, [options](const CollectionRef& ref) { return GetCollection(options, ref); }, stop),
        sink_(options, stop) {}

  std::vector<CheckItem> Check(OptionScope role) override {
    std::vector<CheckItem> items = {CheckReachable(path_, role), CheckAuthorised(path_, role)};
    if (role == OptionScope::kTarget && !staging_.empty()) items.push_back(CheckStaging(path_, staging_));
    return items;
  }
  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return &source_; }
  Sink* sink() override { return &sink_; }
  std::string address() const override { return "file://" + path_; }
  std::optional<int64_t> FreeBytes() override {
    std::error_code error;
    const auto space = std::filesystem::space(ExistingFolder(path_), error);
    return error ? std::nullopt : std::optional(static_cast<int64_t>(space.available));
  }

 private:
  const std::string path_;
  const std::string staging_;
  FilesCatalog catalog_;
  FilesSource source_;
  FilesSink sink_;
};

}  // namespace

StoreFactory Factory() {
  return {.name = "files",
          .description = "A folder of Parquet, CSV, JSON lines or PostgreSQL text files, read by others as well.",
          .capabilities = {.source = true,
                           .target = true,
                           .databases = true,
                           .partitions = true,
                           .snapshot_life = SnapshotLife::kDurable,
                           .splits_by = "row group, or text file",
                           .read_back = "staged files are read before they are published"},
          .options = MakeOptionTable(),
          .open = [](const OptionValues& values, StopToken stop) -> arrow::Result<std::unique_ptr<Store>> {
            ARROW_ASSIGN_OR_RAISE(Options options, ParseOptions(values));
            return std::make_unique<FilesStore>(options, stop);
          }};
}

}  // namespace godwit::files
