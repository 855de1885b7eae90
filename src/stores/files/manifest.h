// The manifest of a published collection, and the lists of files inside it and inside receipts.
//
// _godwit-manifest.json: {"checksum": XXH3-128 over the rest, "collection": the schema, "created": UTC time, "digest":
// of all rows, "files": [{"bytes", "digest", "partition", "path", "rows", "xxh3"}], "format": "godwit-files", "job",
// "rows", "version": 1}. xxh3 is the XXH3-128 hash of the file's bytes, as `xxhsum -H128` prints it. Pure functions and
// plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/digest.h"
#include "godwit/schema.h"

namespace godwit::files {

struct DataFile {
  std::string path;       // relative to the folder of the collection
  std::string partition;  // "" = the default one
  int64_t rows = 0;
  int64_t bytes = 0;
  std::optional<Hash128> hash;  // of its bytes; none of a file that godwit did not write
  Digest digest;                // of its rows; of a file with hash
  int64_t modified_ns = 0;      // since 1970; of a file without hash

  bool operator==(const DataFile&) const = default;
};

struct Manifest {
  CollectionSchema schema;
  std::string job;
  std::string created;  // "2025-01-31T12:00:00.000000Z"
  Digest digest;        // of all rows
  std::vector<DataFile> files;

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
