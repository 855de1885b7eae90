#include "stores/files/catalog.h"

#include <sys/stat.h>

#include <optional>
#include <set>
#include <utility>

#include <arrow/type.h>
#include <fmt/format.h>

#include "base/durable_file.h"
#include "base/failpoint.h"
#include "formats/postgres_ddl.h"
#include "stores/files/collection.h"
#include "stores/files/layout.h"

namespace godwit::files {
namespace {

Failpoint before_rename("files.drop.before_rename");
Failpoint after_rename("files.drop.after_rename");
Failpoint before_manifest("files.drop.before_manifest");

std::string ManifestPath(const std::string& folder) { return folder + "/" + std::string(kManifestName); }

arrow::Result<std::optional<Manifest>> ReadManifestIn(const std::string& folder) {
  if (!Exists(ManifestPath(folder))) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(std::string text, ReadFile(ManifestPath(folder)));
  auto manifest = ManifestFromJson(text);
  if (!manifest.ok()) return MakeError(KindOf(manifest.status()), manifest.status().message(), ManifestPath(folder));
  return *std::move(manifest);
}

/// Removes what was taken out of sight. The manifest goes last: it tells a later call which files are godwit's.
arrow::Status EmptyTrash(const std::string& trash) {
  ARROW_ASSIGN_OR_RAISE(auto manifest, ReadManifestIn(trash));
  if (manifest) {
    for (const DataFile& file : manifest->files) ARROW_RETURN_NOT_OK(RemoveFile(trash + "/" + file.path));
    for (const std::string& file : manifest->other_files) ARROW_RETURN_NOT_OK(RemoveFile(trash + "/" + file));
    ARROW_RETURN_NOT_OK(before_manifest.Hit());
    ARROW_RETURN_NOT_OK(RemoveFile(ManifestPath(trash)));
  }
  RemoveEmptyFolders(trash);
  RemoveIfEmpty(trash);
  if (!Exists(trash)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto left, FilesBelow(trash));
  if (left.empty()) return arrow::Status::OK();
  return MakeError(ErrorKind::kConflict, "'" + left.front() + "' is not godwit's and was left; move it away", trash);
}

arrow::Status NotGodwits(const CollectionRef& ref, const std::string& folder, const std::string& file) {
  return MakeError(ErrorKind::kConflict, "the folder " + folder + " holds '" + file +
                                             "', which godwit did not write; move it away, or give the collection '" +
                                             ref.ToString() + "' another name");
}

/// A file or folder under the very name of the collection that CheckNoForeignFiles does not look at.
arrow::Status CheckNotForeign(const std::string& root, const CollectionRef& ref, const Collection& collection) {
  if (collection.manifest) return arrow::Status::OK();
  return NotGodwits(ref, root + "/" + collection.folder, collection.files.front().path);
}

}  // namespace

arrow::Status CheckNoForeignFiles(const std::string& root, const CollectionRef& ref) {
  const std::string folder = root + "/" + CollectionFolder(ref);
  ARROW_ASSIGN_OR_RAISE(auto manifest, ReadManifestIn(folder));
  std::set<std::string> own;
  if (manifest) {
    own.insert(std::string(kManifestName));
    for (const DataFile& file : manifest->files) own.insert(file.path);
    own.insert(manifest->other_files.begin(), manifest->other_files.end());
  }
  ARROW_ASSIGN_OR_RAISE(auto present, FilesBelow(folder));
  for (const std::string& file : present) {
    if (!own.contains(file)) return NotGodwits(ref, folder, file);
  }
  return arrow::Status::OK();
}

arrow::Status DropCollection(const Options& options, const CollectionRef& ref) {
  const std::string& root = options.path;
  const std::string folder = root + "/" + CollectionFolder(ref);
  const std::string trash_root = options.stage_root() + "/" + std::string(kTrash);
  const std::string trash = options.stage_root() + "/" + TrashFolder(ref);
  ARROW_RETURN_NOT_OK(EmptyTrash(trash));  // of a call that did not end
  if (Exists(folder)) {
    ARROW_RETURN_NOT_OK(CheckNoForeignFiles(root, ref));
    ARROW_RETURN_NOT_OK(MakeFolder(trash_root));
    ARROW_RETURN_NOT_OK(before_rename.Hit());
    ARROW_RETURN_NOT_OK(RenameDurably(folder, trash));
    ARROW_RETURN_NOT_OK(after_rename.Hit());
    ARROW_RETURN_NOT_OK(EmptyTrash(trash));
  }
  RemoveIfEmpty(trash_root);
  if (!options.staging.empty()) RemoveIfEmpty(options.staging);
  return arrow::Status::OK();
}

arrow::Result<std::vector<std::string>> FilesCatalog::List(const std::string& database) {
  return ListCollections(options_, database);
}

arrow::Result<std::vector<std::string>> FilesCatalog::Databases() { return ListDatabases(options_); }

arrow::Result<CollectionSchema> FilesCatalog::Describe(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(Collection collection, GetCollection(options_, ref));
  return DescribeCollection(options_, ref, collection);
}

arrow::Result<TargetState> FilesCatalog::State(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(auto collection, FindCollection(options_, ref));
  TargetState state;
  if (!collection) return state;
  state.exists = true;
  state.identity = collection->manifest ? collection->manifest->identity() : collection->SnapshotId();
  ARROW_ASSIGN_OR_RAISE(state.schema, DescribeCollection(options_, ref, *collection, &state.rows));
  return state;
}

arrow::Result<std::string> FilesCatalog::GlobalId(const CollectionRef& ref) {
  std::string path = options_.path + "/" + CollectionFolder(ref);
  if (!Exists(path)) {
    auto found = FindCollection(options_, ref);
    if (found.ok() && *found) path = options_.path + "/" + (*found)->folder + "/" + (*found)->files.front().path;
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) return fmt::format("files {}:{}", status.st_dev, status.st_ino);
  return std::string();
}

arrow::Result<std::string> FilesCatalog::Folder(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(Collection collection, GetCollection(options_, ref));
  if (collection.single_file) return std::string();
  return options_.path + "/" + collection.folder;
}

arrow::Status FilesCatalog::Create(const CollectionSchema& schema) {
  ARROW_RETURN_NOT_OK(CheckNames(schema));
  ARROW_RETURN_NOT_OK(CheckNoForeignFiles(options_.path, schema.ref));
  ARROW_ASSIGN_OR_RAISE(auto collection, FindCollection(options_, schema.ref));
  if (collection) {
    ARROW_RETURN_NOT_OK(CheckNotForeign(options_.path, schema.ref, *collection));
    ARROW_ASSIGN_OR_RAISE(auto have, DescribeCollection(options_, schema.ref, *collection));
    std::string difference = FirstDifference(schema, have);
    if (difference.empty()) return arrow::Status::OK();
    return MakeError(ErrorKind::kConflict, "another collection of this name exists: " + difference,
                     "files " + schema.ref.ToString());
  }
  // With a staging folder nothing but finished collections is ever to be seen in `path`.
  if (!options_.staging.empty()) return CheckOneFileSystem(options_.path, options_.staging);
  const std::string& database = schema.ref.database;
  return MakeFolder(database.empty() ? options_.path : options_.path + "/" + EncodeName(database));
}

arrow::Result<std::string> FilesCatalog::Ddl(const CollectionSchema& schema) {
  const std::string folder = options_.path + "/" + CollectionFolder(schema.ref);
  std::string text = folder + "/\n";
  for (const std::string& partition : schema.partitions) text += folder + "/" + PartitionPrefix(partition) + "\n";
  if (options_.create_table) {
    ARROW_ASSIGN_OR_RAISE(std::string sql, CreateTableSql(schema));
    return text + sql;
  }
  return text + "columns:\n" + schema.ArrowSchema()->ToString();
}

arrow::Status FilesCatalog::Drop(const CollectionRef& ref) {
  ARROW_RETURN_NOT_OK(DropCollection(options_, ref));
  ARROW_ASSIGN_OR_RAISE(auto left, FindCollection(options_, ref));
  return left ? CheckNotForeign(options_.path, ref, *left) : arrow::Status::OK();
}

}  // namespace godwit::files
