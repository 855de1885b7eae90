// Where things lie below the root folder, and how names become names of folders. docs/design/0003-files-layout.md.
//
//   [<database>/]<collection>/_godwit-manifest.json      the collection exists from the moment that this can be seen
//   [<database>/]<collection>/part-*.parquet            rows of the default partition
//   [<database>/]<collection>/<partition>/part-*.parquet
//   [<database>/]<collection>/0000000000.csv            with rows_per_file: rows of any partition, in place of the
//   parts .godwit-stage-<job>/[<database>.]<collection>/      the parts before they are published, plus
//   .godwit-epochs/<n>/ .godwit-stage-<job>/[<database>.]<collection>=files/    the numbered files before they are
//   published .godwit-drop/[<database>.]<collection>/             a dropped collection while its files are removed
//
// Paths are relative to the root folder; those of hidden folders to the staging folder, where there is one. Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <arrow/util/type_fwd.h>

#include "formats/text_format.h"

#include "godwit/schema.h"

namespace godwit::files {

inline constexpr std::string_view kManifestName = "_godwit-manifest.json";
inline constexpr std::string_view kEpochFolder = ".godwit-epochs";
inline constexpr std::string_view kTableFileName = "create_table.sql";
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
/// Folder of the numbered files of a collection, beside its stage folder.
std::string NumberedFolder(const std::string& job, const CollectionRef& ref);
/// "part-<split>.<epoch>.<number><suffix>". The names of splits have no dots, so it tells whose a file is.
std::string PartName(const std::string& split_id, int64_t epoch, int number, std::string_view suffix);
/// "0000000007<suffix>"
std::string NumberedName(int64_t number, std::string_view suffix);
/// True for a part of that split, of any epoch.
bool IsPartOf(std::string_view file_name, const std::string& split_id);

/// What a file's name says of it: "a.csv.gz" is csv, gzip, and has the stem "a".
struct FileKind {
  std::string stem;
  std::optional<TextKind> text;                                             // none = Parquet
  arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED;  // of a text file as a whole
};
/// Nothing for a file that holds no rows. `format`: the kind that somebody said the files are ("parquet", "csv",
/// "jsonl", "postgres"), which takes more endings for it and none of another; empty = as the ending says.
std::optional<FileKind> KindOfFile(std::string_view file_name, std::string_view format = {});
/// True for a file that surely holds rows, and for which KindOfFile has nothing: of another compression, or of a format
/// that has to be said.
bool IsUnreadable(std::string_view file_name, std::string_view format);
/// ".parquet", ".csv.gz" ...
std::string SuffixOf(const std::optional<TextKind>& text, arrow::Compression::type compression);

/// kUnsupported when a name is too long for a file system.
arrow::Status CheckNames(const CollectionSchema& schema);

}  // namespace godwit::files
