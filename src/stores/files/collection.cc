#include "stores/files/collection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include <arrow/filesystem/localfs.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "base/durable_file.h"
#include "base/hash.h"
#include "formats/text_inference.h"
#include "stores/files/layout.h"
#include "stores/files/parquet_columns.h"
#include "stores/files/parquet_file.h"
#include "stores/files/text_file.h"

namespace godwit::files {
namespace {

using arrow::fs::FileInfo;

std::string BaseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

bool IsHidden(const std::string& name) { return name.starts_with('.'); }

arrow::Result<std::vector<FileInfo>> ListFolder(const std::string& folder, bool recursive) {
  arrow::fs::FileSelector selector;
  selector.base_dir = folder;
  selector.recursive = recursive;
  selector.allow_not_found = true;
  ARROW_ASSIGN_OR_RAISE(auto infos, arrow::fs::LocalFileSystem().GetFileInfo(selector));
  std::sort(infos.begin(), infos.end(), FileInfo::ByPath{});
  return infos;
}

/// Of a file that may hold rows. `format` as in KindOfFile.
std::optional<FileKind> DataKind(const FileInfo& info, const std::string& format) {
  if (!info.IsFile() || IsHidden(info.base_name())) return std::nullopt;
  return KindOfFile(info.base_name(), format);
}

/// The component that godwit would write, or the name as it is, where a folder of others has it.
std::string Component(const std::string& parent, const std::string& name) {
  std::string encoded = EncodeName(name);
  if (name.find('/') != name.npos || IsHidden(name) || Exists(parent + "/" + encoded)) return encoded;
  return Exists(parent + "/" + name) ? name : encoded;
}

arrow::Result<Collection> ReadPublished(const std::string& root, Collection collection) {
  const std::string folder = root + "/" + collection.folder;
  const std::string path = folder + "/" + std::string(kManifestName);
  ARROW_ASSIGN_OR_RAISE(std::string text, ReadFile(path));
  auto manifest = ManifestFromJson(text);
  if (!manifest.ok()) return MakeError(KindOf(manifest.status()), manifest.status().message(), path);
  collection.manifest = *std::move(manifest);
  collection.files = collection.manifest->files;
  if (collection.manifest->text) {
    collection.text = OwnText(*collection.manifest->text, collection.manifest->schema);
  }

  std::set<std::string> listed;
  for (const DataFile& file : collection.files) listed.insert(file.path);
  ARROW_ASSIGN_OR_RAISE(auto present, FilesBelow(folder));
  for (const std::string& file : present) {
    if (!KindOfFile(BaseName(file)) || listed.contains(file)) continue;
    return MakeError(ErrorKind::kConflict,
                     "'" + file + "' is not in the manifest: somebody else put it there. Move it away",
                     "files " + collection.folder);
  }
  return collection;
}

DataFile ForeignFile(const FileInfo& info) {
  return {.path = info.base_name(),
          .partition = {},
          .rows = -1,
          .bytes = info.size(),
          .hash = std::nullopt,
          .modified_ns = info.mtime().time_since_epoch().count()};
}

/// The format that the files of others have in common; none = Parquet.
arrow::Result<std::optional<TextSource>> CommonFormat(const Options& options, const std::string& folder,
                                                      const std::vector<DataFile>& files) {
  const auto first = KindOfFile(files.front().path, options.format);
  for (const DataFile& file : files) {
    if (KindOfFile(file.path, options.format)->text == first->text) continue;
    return MakeError(ErrorKind::kConflict,
                     "'" + files.front().path + "' and '" + file.path +
                         "' are of two formats; name the one to read (format), or take them apart",
                     "files " + folder);
  }
  if (!first->text) return std::nullopt;
  return TextSource{.format = options.FormatOf(*first->text), .columns = {}, .own = false};
}

arrow::Result<std::optional<Collection>> FindInFolder(const Options& options, const std::string& relative) {
  const std::string folder = options.path + "/" + relative;
  Collection collection{.folder = relative, .files = {}, .manifest = std::nullopt};
  if (Exists(folder + "/" + std::string(kManifestName))) return ReadPublished(options.path, std::move(collection));
  ARROW_ASSIGN_OR_RAISE(auto infos, ListFolder(folder, /*recursive=*/false));
  for (const FileInfo& info : infos) {
    if (DataKind(info, options.format)) collection.files.push_back(ForeignFile(info));
  }
  if (collection.files.empty()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto below, FilesBelow(folder));
  for (const std::string& file : below) {
    if (IsHidden(file) || !IsUnreadable(BaseName(file), options.format)) continue;
    return MakeError(
        ErrorKind::kUnsupported,
        "'" + file +
            "' would be left out: text is read plain, .gz or .zst, and *.tsv with `format: csv`. Bring it into "
            "one of these, or move it away",
        "files " + relative);
  }
  for (const std::string& file : below) {
    if (IsHidden(file) || !KindOfFile(BaseName(file), options.format) || file.find('/') == file.npos) continue;
    return MakeError(ErrorKind::kUnsupported,
                     "without a manifest, only the files directly in the folder are read, and '" + file +
                         "' lies deeper. Move the files into one folder, or read the subfolders as collections of the "
                         "database '" +
                         relative + "'",
                     "files " + relative);
  }
  ARROW_ASSIGN_OR_RAISE(collection.text, CommonFormat(options, relative, collection.files));
  return collection;
}

arrow::Result<std::optional<Collection>> FindSingleFile(const Options& options, const std::string& prefix,
                                                        const std::string& name) {
  std::string folder = prefix.empty() ? "." : prefix.substr(0, prefix.size() - 1);
  Collection collection{.folder = folder, .files = {}, .manifest = std::nullopt, .single_file = true};
  ARROW_ASSIGN_OR_RAISE(auto infos, ListFolder(options.path + "/" + folder, /*recursive=*/false));
  for (const FileInfo& info : infos) {
    const auto kind = DataKind(info, options.format);
    if (!kind || (kind->stem != name && kind->stem != EncodeName(name))) continue;
    collection.files.push_back(ForeignFile(info));
  }
  if (collection.files.empty()) return std::nullopt;
  if (collection.files.size() > 1) {
    return MakeError(ErrorKind::kConflict, "'" + collection.files[0].path + "' and '" + collection.files[1].path +
                                               "' of " + options.path + " have one name; rename one of them");
  }
  ARROW_ASSIGN_OR_RAISE(collection.text, CommonFormat(options, folder, collection.files));
  return collection;
}

// ---------------------------------------------------------------------------------------------------------------------
// Schemas of others

arrow::Result<CollectionSchema> InferSchema(const ParquetFile& file, const Options& options) {
  CollectionSchema schema;
  for (int i = 0; i < file.schema()->num_fields(); ++i) {
    ARROW_ASSIGN_OR_RAISE(Field field, InferField(*file.schema()->field(i), options.vectors));
    field.nullable = field.nullable && !(file.rows() > 0 && file.HasNoNulls(i));
    field.dynamic = field.name == kDynamicFieldName && field.type.kind == TypeKind::kJson;
    schema.dynamic_fields = schema.dynamic_fields || field.dynamic;
    schema.fields.push_back(std::move(field));
  }
  // The model wants the dynamic field at the end.
  std::stable_partition(schema.fields.begin(), schema.fields.end(), [](const Field& field) { return !field.dynamic; });
  return schema;
}

arrow::Result<CollectionSchema> SchemaOfFile(const ParquetFile& file, const Options& options) {
  auto schema = file.stored_schema();
  if (!schema) return InferSchema(file, options);
  schema->partitions.clear();  // a file alone does not know whose rows it holds
  return *std::move(schema);
}

arrow::Status MarkKey(const Options& options, CollectionSchema* schema) {
  if (options.primary_key.empty() || schema->key_index() >= 0) return arrow::Status::OK();
  std::vector<std::string> names;
  for (Field& field : schema->fields) {
    names.push_back(field.name);
    if (field.name != options.primary_key) continue;
    field.primary_key = true;
    field.nullable = false;
    return arrow::Status::OK();
  }
  std::string near = NearestName(options.primary_key, names);
  return MakeError(
      ErrorKind::kInvalidConfig,
      "there is no field '" + options.primary_key + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
      "primary_key");
}

arrow::Status Combine(const CollectionSchema& other, CollectionSchema* schema) {
  for (Field& field : schema->fields) {
    const Field* same = other.FindField(field.name);
    if (same == nullptr) return MakeError(ErrorKind::kUnsupported, "it has no field '" + field.name + "'");
    if (same->type != field.type) {
      return MakeError(ErrorKind::kUnsupported, fmt::format("its field '{}' is {} and not {}", field.name,
                                                            same->type.Name(), field.type.Name()));
    }
    field.nullable = field.nullable || same->nullable;
  }
  for (const Field& field : other.fields) {
    if (schema->FindField(field.name) == nullptr) {
      return MakeError(ErrorKind::kUnsupported, "it has a field '" + field.name + "' more");
    }
  }
  return arrow::Status::OK();
}

/// What follows from reading every row of text files.
struct Scanned {
  CollectionSchema schema;
  int64_t rows = 0;
};

/// Reads the values of the fields that the job declares a type of: it is a claim until every one of them fits.
arrow::Status ReadDeclared(const Options& options, const Collection& collection, CollectionSchema schema) {
  std::erase_if(schema.fields, [&](const Field& field) { return !options.types.contains(field.name); });
  if (schema.fields.empty()) return arrow::Status::OK();
  constexpr int64_t kBatchBytes = 4 << 20;
  for (const DataFile& file : collection.files) {
    const std::string path = options.path + "/" + collection.folder + "/" + file.path;
    ARROW_ASSIGN_OR_RAISE(auto reader, TextFileReader::Open(path, schema, *collection.text, /*skip_rows=*/0));
    while (true) {
      auto batch = reader->Next(kBatchBytes);
      if (!batch.ok() && KindOf(batch.status()) == ErrorKind::kCorruptData) {
        return MakeError(ErrorKind::kCorruptData,
                         batch.status().message() + "; the job declares the type (types, vectors)", path);
      }
      ARROW_RETURN_NOT_OK(batch);
      if (*batch == nullptr) break;
    }
  }
  return arrow::Status::OK();
}

arrow::Result<Scanned> ScanText(const Options& options, const Collection& collection) {
  TextInference inference(collection.text->format, options.types);
  for (const DataFile& file : collection.files) {
    const std::string path = options.path + "/" + collection.folder + "/" + file.path;
    ARROW_ASSIGN_OR_RAISE(auto in, TextInput::Open(path));
    inference.BeginFile();
    while (true) {
      auto taken = inference.Read(in->text(), in->at_end());
      if (!taken.ok()) return MakeError(KindOf(taken.status()), taken.status().message(), path);
      in->Take(*taken);
      if (in->at_end() && in->text().empty()) break;
      ARROW_RETURN_NOT_OK(in->ReadMore());
    }
  }
  Scanned scanned{.schema = {}, .rows = inference.rows()};
  for (Field& field : inference.Fields()) {
    field.dynamic = field.name == kDynamicFieldName && field.type.kind == TypeKind::kJson;
    scanned.schema.dynamic_fields = scanned.schema.dynamic_fields || field.dynamic;
    scanned.schema.fields.push_back(std::move(field));
  }
  std::stable_partition(scanned.schema.fields.begin(), scanned.schema.fields.end(),
                        [](const Field& field) { return !field.dynamic; });
  ARROW_RETURN_NOT_OK(ReadDeclared(options, collection, scanned.schema));
  return scanned;
}

/// The last scans: a plan, its check and its run all ask for the same.
arrow::Result<Scanned> ScanTextOnce(const Options& options, const Collection& collection) {
  static std::mutex mutex;
  static std::map<std::string, Scanned> scans;
  constexpr size_t kMostScans = 1000;
  std::string key = options.path + "\n" + collection.SnapshotId();
  const TextFormat& format = collection.text->format;
  key += fmt::format("\n{} {} {}", ToString(format.kind), format.delimiter, format.header);
  for (const auto& [name, type] : options.types) key += "\n" + name + " " + type.Name();
  {
    std::lock_guard lock(mutex);
    if (auto found = scans.find(key); found != scans.end()) return found->second;
  }
  ARROW_ASSIGN_OR_RAISE(Scanned scanned, ScanText(options, collection));
  std::lock_guard lock(mutex);
  if (scans.size() == kMostScans) scans.clear();
  scans[key] = scanned;
  return scanned;
}

arrow::Result<CollectionSchema> DescribeForeign(const Options& options, const Collection& collection, int64_t* rows) {
  CollectionSchema schema;
  if (collection.text) {
    ARROW_ASSIGN_OR_RAISE(Scanned scanned, ScanTextOnce(options, collection));
    if (rows != nullptr) *rows = scanned.rows;
    const Field* key = scanned.schema.FindField(options.primary_key);
    if (key != nullptr && key->nullable) {  // said of fields that are null somewhere
      return MakeError(ErrorKind::kCorruptData,
                       "option 'primary_key': the field '" + key->name +
                           "' is null in some rows; name another field, or leave the option out",
                       "files " + collection.folder);
    }
    ARROW_RETURN_NOT_OK(MarkKey(options, &scanned.schema));
    return std::move(scanned.schema);
  }
  for (const DataFile& data_file : collection.files) {
    const std::string path = options.path + "/" + collection.folder + "/" + data_file.path;
    ARROW_ASSIGN_OR_RAISE(auto file, ParquetFile::Open(path));
    auto of_file = SchemaOfFile(*file, options);
    if (!of_file.ok()) return MakeError(KindOf(of_file.status()), of_file.status().message(), path);
    if (rows != nullptr) *rows += file->rows();
    if (&data_file == &collection.files.front()) {
      schema = *std::move(of_file);
    } else if (arrow::Status status = Combine(*of_file, &schema); !status.ok()) {
      return MakeError(KindOf(status),
                       "the file differs from '" + collection.files.front().path + "': " + status.message() +
                           ". All files of a collection need the same fields",
                       path);
    }
  }
  ARROW_RETURN_NOT_OK(MarkKey(options, &schema));
  return schema;
}

arrow::Result<CollectionSchema> SchemaOf(const Options& options, const Collection& collection, int64_t* rows) {
  if (!collection.manifest) return DescribeForeign(options, collection, rows);
  if (rows != nullptr) *rows = collection.manifest->rows();
  return collection.manifest->schema;
}

/// A field that `types` or `vectors` name has to be one of the collection, or else of another one beside it.
arrow::Status CheckNamedFields(const Options& options, const CollectionSchema& schema) {
  std::set<std::string> missing;
  for (const auto& [name, type] : options.types) missing.insert(name);  // those of `vectors`, too
  std::vector<std::string> known;
  auto add = [&](const CollectionSchema& collection) {
    for (const Field& field : collection.fields) {
      known.push_back(field.name);
      missing.erase(field.name);
    }
  };
  add(schema);
  if (missing.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto names, ListCollections(options, schema.ref.database));
  for (const std::string& name : names) {
    if (name == schema.ref.name) continue;
    auto other = FindCollection(options, {schema.ref.database, name});
    if (!other.ok() || !*other) continue;  // what can't be read is told of those that are moved
    auto described = SchemaOf(options, **other, nullptr);
    if (described.ok()) add(*described);
    if (missing.empty()) return arrow::Status::OK();
  }
  const std::string& name = *missing.begin();
  const std::string near = NearestName(name, known);
  return MakeError(
      ErrorKind::kInvalidConfig,
      "no collection there has a field '" + name + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
      (options.vectors.contains(name) ? "vectors." : "types.") + name);
}

}  // namespace

std::string Collection::SnapshotId() const {
  std::string described = manifest ? manifest->identity() + "\n" : folder + "\n";
  for (const DataFile& file : files) {
    described +=
        fmt::format("{}\n{} {} {}\n", file.path, file.bytes, file.hash ? ToHex(*file.hash) : "", file.modified_ns);
  }
  return ToHex(HashOf(described));
}

TextSource OwnText(const TextFormat& format, const CollectionSchema& schema) {
  TextSource text{.format = format, .columns = {}, .own = true};
  for (const Field& field : schema.fields) text.columns.push_back(field.name);
  return text;
}

arrow::Result<std::optional<Collection>> FindCollection(const Options& options, const CollectionRef& ref) {
  const std::string& root = options.path;
  const std::string prefix = ref.database.empty() ? "" : Component(root, ref.database) + "/";
  ARROW_ASSIGN_OR_RAISE(auto folder, FindInFolder(options, prefix + Component(root + "/" + prefix, ref.name)));
  ARROW_ASSIGN_OR_RAISE(auto file, FindSingleFile(options, prefix, ref.name));
  if (folder && file) {
    return MakeError(ErrorKind::kConflict,
                     "'" + ref.ToString() + "' is a folder and a file of " + root + "; rename one of them");
  }
  return folder ? std::move(folder) : std::move(file);
}

arrow::Result<Collection> GetCollection(const Options& options, const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(auto found, FindCollection(options, ref));
  if (found) return *std::move(found);
  return MakeError(ErrorKind::kNotFound, "collection '" + ref.ToString() + "' does not exist: there is no folder '" +
                                             CollectionFolder(ref) + "' with a " + std::string(kManifestName) +
                                             " or *.parquet, *.csv or *.jsonl files in " + options.path);
}

arrow::Result<std::vector<std::string>> ListCollections(const Options& options, const std::string& database) {
  const std::string& root = options.path;
  const std::string folder = database.empty() ? root : root + "/" + Component(root, database);
  if (!Exists(folder)) {
    return MakeError(ErrorKind::kNotFound, database.empty()
                                               ? "the folder " + root + " does not exist"
                                               : "there is no folder for database '" + database + "' in " + root);
  }
  ARROW_ASSIGN_OR_RAISE(auto infos, ListFolder(folder, /*recursive=*/false));
  std::set<std::string> names;
  for (const FileInfo& info : infos) {
    if (IsHidden(info.base_name())) continue;
    if (const auto kind = DataKind(info, options.format)) {
      names.insert(DecodeName(kind->stem));
    } else if (info.IsDirectory()) {
      ARROW_ASSIGN_OR_RAISE(auto inside, ListFolder(info.path(), /*recursive=*/false));
      bool is_collection = std::any_of(inside.begin(), inside.end(), [&](const FileInfo& file) {
        return DataKind(file, options.format) || file.base_name() == kManifestName;
      });
      if (is_collection) names.insert(DecodeName(info.base_name()));
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

arrow::Result<std::vector<std::string>> ListDatabases(const Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto collections, ListCollections(options, ""));
  ARROW_ASSIGN_OR_RAISE(auto infos, ListFolder(options.path, /*recursive=*/false));
  std::set<std::string> names;
  for (const FileInfo& info : infos) {
    std::string name = DecodeName(info.base_name());
    if (!info.IsDirectory() || IsHidden(info.base_name()) || std::ranges::binary_search(collections, name)) continue;
    names.insert(std::move(name));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

arrow::Result<CollectionSchema> DescribeCollection(const Options& options, const CollectionRef& ref,
                                                   const Collection& collection, int64_t* rows) {
  ARROW_ASSIGN_OR_RAISE(CollectionSchema schema, SchemaOf(options, collection, rows));
  schema.ref = ref;  // the folder may have been moved
  ARROW_RETURN_NOT_OK(CheckNamedFields(options, schema));
  return schema;
}

arrow::Result<std::vector<std::string>> FilesBelow(const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(auto infos, ListFolder(folder, /*recursive=*/true));
  std::vector<std::string> files;
  for (const FileInfo& info : infos) {
    if (!info.IsDirectory()) files.push_back(info.path().substr(folder.size() + 1));
  }
  return files;
}

void RemoveEmptyFolders(const std::string& folder) {
  std::error_code ignored;
  std::vector<std::string> inside;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) inside.push_back(entry->path().string());
  }
  for (const std::string& path : inside) {
    RemoveEmptyFolders(path);
    RemoveIfEmpty(path);
  }
}

void RemoveIfEmpty(const std::string& folder) {
  (void)::rmdir(folder.c_str());  // fails where something is inside
}

arrow::Status RemoveFile(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  return error ? ErrnoStatus(error.value(), "can't remove " + path) : arrow::Status::OK();
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::string ExistingFolder(std::string path) {
  while (!Exists(path) && path.find_last_of('/') != path.npos) path = path.substr(0, path.find_last_of('/'));
  return path.empty() ? "/" : path;
}

arrow::Status CheckOneFileSystem(const std::string& path, const std::string& staging) {
  struct stat of_path = {};
  struct stat of_staging = {};
  if (::stat(ExistingFolder(path).c_str(), &of_path) != 0 ||
      ::stat(ExistingFolder(staging).c_str(), &of_staging) != 0 || of_path.st_dev == of_staging.st_dev) {
    return arrow::Status::OK();
  }
  return MakeError(ErrorKind::kInvalidConfig, "option 'staging': " + staging + " is not on the file system of " + path +
                                                  ", and a folder can't be renamed from one to the other");
}

}  // namespace godwit::files
