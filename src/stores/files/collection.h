// A collection as it lies on the disk: published by godwit, with a manifest, or files of somebody else.
//
// Of others, a collection is a folder with *.parquet (*.csv, *.jsonl ...) files in it, or one file <name>.parquet;
// their schema follows from the files. Reads only; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/text_reader.h"
#include "godwit/store.h"
#include "stores/files/manifest.h"
#include "stores/files/options.h"

namespace godwit::files {

struct Collection {
  std::string folder;           // relative to the root
  std::vector<DataFile> files;  // sorted by path; without a manifest their rows are not known yet
  std::optional<Manifest> manifest;
  std::optional<TextSource> text = {};  // none = Parquet
  bool single_file = false;             // it shares its folder with others

  /// Equal ids = the same files.
  std::string SnapshotId() const;
};

/// Nothing when there is none. kCorruptData for a damaged manifest, kConflict when files of others lie among those of a
/// manifest or files of two formats, kUnsupported for a folder with data files further down and no manifest.
arrow::Result<std::optional<Collection>> FindCollection(const Options& options, const CollectionRef& ref);
/// As FindCollection, absence being kNotFound.
arrow::Result<Collection> GetCollection(const Options& options, const CollectionRef& ref);

/// What a reader has to know of the text files that godwit wrote of a schema.
TextSource OwnText(const TextFormat& format, const CollectionSchema& schema);

/// Sorted. kNotFound when the folder of the database is absent.
arrow::Result<std::vector<std::string>> ListCollections(const Options& options, const std::string& database);

/// Folders that are no collections themselves. Sorted.
arrow::Result<std::vector<std::string>> ListDatabases(const Options& options);

/// The manifest's schema, or the one that the files of others have in common. `rows`, if not null, gets their number.
arrow::Result<CollectionSchema> DescribeCollection(const Options& options, const CollectionRef& ref,
                                                   const Collection& collection, int64_t* rows = nullptr);

/// Paths of all files below a folder, relative to it, hidden ones too, sorted. Empty when there is no such folder.
arrow::Result<std::vector<std::string>> FilesBelow(const std::string& folder);
/// Removes the folders below `folder` that hold no file, at any depth.
void RemoveEmptyFolders(const std::string& folder);
/// Removes a folder that holds nothing.
void RemoveIfEmpty(const std::string& folder);
/// Absence is OK.
arrow::Status RemoveFile(const std::string& path);
bool Exists(const std::string& path);
/// The folder, or the nearest one above it that exists.
std::string ExistingFolder(std::string path);
/// kInvalidConfig when a folder can't be renamed from `staging` into `path`.
arrow::Status CheckOneFileSystem(const std::string& path, const std::string& staging);

}  // namespace godwit::files
