// Where things lie below the root folder, and how names become names of folders. docs/design/0003-files-layout.md.
//
//   [<database>/]<collection>/_godwit-manifest.json      the collection exists from the moment that this can be seen
//   [<database>/]<collection>/part-*.parquet            rows of the default partition
//   [<database>/]<collection>/<partition>/part-*.parquet
//   .godwit-stage-<job>/[<database>.]<collection>/      the same before it is published, plus .godwit-epochs/<n>/
//   .godwit-drop/[<database>.]<collection>/             a dropped collection while its files are removed
//
// Paths are relative to the root folder. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "godwit/schema.h"

namespace godwit::files {

inline constexpr std::string_view kManifestName = "_godwit-manifest.json";
inline constexpr std::string_view kEpochFolder = ".godwit-epochs";
inline constexpr std::string_view kFileSuffix = ".parquet";
inline constexpr std::string_view kTrash = ".godwit-drop";

/// A name as one component of a path: what could hurt there (a slash, a wildcard, a dot in front, `=`, ...) as %XX.
std::string EncodeName(std::string_view name);
/// The inverse; a % that starts no %XX stays.
std::string DecodeName(std::string_view component);

std::string CollectionFolder(const CollectionRef& ref);
/// Holds the stage folders of a job.
std::string JobFolder(const std::string& job);
std::string StageFolder(const std::string& job, const CollectionRef& ref);
std::string TrashFolder(const CollectionRef& ref);

/// Folder of a partition inside that of its collection, with a slash at its end; empty for the default one.
std::string PartitionPrefix(const std::string& partition);
/// "part-<split>.<epoch>.<number>.parquet". The names of splits have no dots, so it tells whose a file is.
std::string PartName(const std::string& split_id, int64_t epoch, int number);
/// True for a part of that split, of any epoch.
bool IsPartOf(std::string_view file_name, const std::string& split_id);

/// kUnsupported when a name is too long for a file system.
arrow::Status CheckNames(const CollectionSchema& schema);

}  // namespace godwit::files
