#include "stores/sqlite/store.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "stores/sqlite/catalog.h"
#include "stores/sqlite/codec.h"
#include "stores/sqlite/options.h"
#include "stores/sqlite/sink.h"
#include "stores/sqlite/source.h"

namespace godwit::sqlite {
namespace {

using Verdict = CheckItem::Verdict;

class SqliteStore : public Store {
 public:
  SqliteStore(Options options, StopToken stop)
      : database_(std::move(options), std::move(stop)), catalog_(&database_), source_(&database_), sink_(&database_) {}

  std::vector<CheckItem> Check(OptionScope role) override {
    const std::filesystem::path path = database_.options().path;
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      if (role == OptionScope::kTarget) return {CheckFolder(path.parent_path())};
      return {{.name = "reachable", .verdict = Verdict::kFailed, .message = "there is no file " + path.string()}};
    }
    auto tables = catalog_.List("");
    if (!tables.ok()) return {{.name = "reachable", .verdict = Verdict::kFailed, .message = Describe(tables.status())}};
    std::vector<CheckItem> items = {
        {.name = "reachable", .message = path.string() + ", " + std::to_string(tables->size()) + " tables"}};
    if (role == OptionScope::kTarget) items.push_back(CheckWritable(path));
    return items;
  }

  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return &source_; }
  Sink* sink() override { return &sink_; }
  std::string address() const override { return "sqlite:" + database_.options().path; }
  std::optional<int64_t> FreeBytes() override {
    std::error_code error;
    const auto space = std::filesystem::space(std::filesystem::path(database_.options().path).parent_path(), error);
    return error ? std::nullopt : std::optional(static_cast<int64_t>(space.available));
  }

 private:
  static CheckItem CheckFolder(const std::filesystem::path& folder) {
    if (::access(folder.c_str(), W_OK | X_OK) == 0) {
      return {.name = "reachable", .message = "there is no file yet; it will be created"};
    }
    return {.name = "reachable",
            .verdict = Verdict::kFailed,
            .message = "there is no file, and the folder '" + folder.string() + "' does not exist or can't be written"};
  }

  static CheckItem CheckWritable(const std::filesystem::path& path) {
    // The folder, too: the journal of a transaction is a file beside the database.
    const bool writable = ::access(path.c_str(), W_OK) == 0 && ::access(path.parent_path().c_str(), W_OK | X_OK) == 0;
    if (writable) return {.name = "writable", .message = "file and folder"};
    return {.name = "writable", .verdict = Verdict::kFailed, .message = "file or folder can only be read by this user"};
  }

  Database database_;
  SqliteCatalog catalog_;
  SqliteSource source_;
  SqliteSink sink_;
};

}  // namespace

StoreFactory Factory() {
  return {.name = "sqlite",
          .description = "Tables of a SQLite database file; exact for every type, transactional as a target.",
          .capabilities = {.source = true,
                           .target = true,
                           .partitions = true,
                           .snapshot_life = SnapshotLife::kNone,
                           .splits_by = "primary key range",
                           .read_back = "SQL",
                           .filter = "SQL condition",
                           .max_row_bytes = kMaxRowBytes},
          .options = Table(),
          .open = [](const OptionValues& values, StopToken stop) -> arrow::Result<std::unique_ptr<Store>> {
            ARROW_ASSIGN_OR_RAISE(Options options, ParseOptions(values));
            return std::make_unique<SqliteStore>(std::move(options), std::move(stop));
          }};
}

}  // namespace godwit::sqlite
