// The manifest of a published collection, and the lists of files inside it and inside receipts.
//
// _godwit-manifest.json: {"checksum": XXH3-128 over the rest, "collection": the schema, "created": UTC time, "digest":
// of all rows, "files": [{"bytes", "digest", "partition", "path", "rows", "xxh3"}], "format": "godwit-files", "job",
// "other_files": [path], "rows", "text": {"delimiter", "header", "kind"}, "version": 2}. xxh3 is the XXH3-128 hash of
// the file's bytes, as `xxhsum -H128` prints it. A file that holds rows of several partitions has "ranges":
// [{"partition", "rows"}] in the order of its rows, in place of "digest" and "partition". "text" is left out for
// Parquet. Version 1 had neither of these. Pure functions and plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/text_format.h"
#include "godwit/digest.h"
#include "godwit/schema.h"

namespace godwit::files {

/// Rows of one partition that follow each other in a file.
struct RowRange {
  std::string partition;
  int64_t rows = 0;

  bool operator==(const RowRange&) const = default;
};

struct DataFile {
  std::string path;       // relative to the folder of the collection
  std::string partition;  // "" = the default one; without meaning where there are ranges
  int64_t rows = 0;       // -1 = not known: a file that godwit did not write
  int64_t bytes = 0;
  std::optional<Hash128> hash;        // of its bytes; none of a file that godwit did not write
  Digest digest;                      // of its rows; of a file with hash and without ranges
  int64_t modified_ns = 0;            // since 1970; of a file without hash
  std::vector<RowRange> ranges = {};  // all rows by partition, in order; empty = all of `partition`

  bool operator==(const DataFile&) const = default;
};

struct Manifest {
  CollectionSchema schema;
  std::string job;
  std::string created;  // "2025-01-31T12:00:00.000000Z"
  Digest digest;        // of all rows
  std::vector<DataFile> files;
  std::optional<TextFormat> text = {};        // none = Parquet
  std::vector<std::string> other_files = {};  // that godwit put beside them

  int64_t rows() const;
  /// Of this very collection: changes when it is dropped and made again.
  std::string identity() const { return created + " " + job; }
};

std::string ToJson(const Manifest& manifest);
/// kCorruptData where a byte was changed; kUnsupported for a version that this godwit does not know.
arrow::Result<Manifest> ManifestFromJson(std::string_view text);

/// Evidence of a receipt: {"parts": [...]}.
std::string EvidenceToJson(const std::vector<DataFile>& parts);
arrow::Result<std::vector<DataFile>> EvidenceFromJson(std::string_view text);

}  // namespace godwit::files
