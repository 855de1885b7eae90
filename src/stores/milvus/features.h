// What a Milvus server can hold, by its version, and schemas made to fit it. Pure functions.
//
// This is the only place that knows versions. Sources: the release notes of Milvus 2.3 to 2.6 and the limits of
// milvus.yaml; 2.3.5 and Milvus Lite 2.5.1 and 3.2.2 were asked themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "godwit/schema.h"
#include "godwit/store.h"

namespace godwit::milvus {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
  std::string ToString() const;
};

/// The oldest version that the room is tested with.
inline constexpr Version kOldestTested{2, 3, 5};

struct Features {
  std::string server;  // as it names itself
  Version version;     // zero when its answer holds none: taken for older than all
  bool lite = false;   // Milvus Lite: a library behind the same protocol
  int max_vector_fields = 1;
  bool partitions = true;
  bool databases = true;
  bool aliases = true;
  bool binary_vectors = true;
  bool half_vectors = false;  // float16 and bfloat16
  bool sparse_vectors = false;
  bool empty_sparse_vectors = true;
  bool int8_vectors = false;
  bool nullable = false;
  bool default_values = false;
  std::vector<TypeKind> kinds_without_default = {};  // where it has default values
  bool clustering_key = false;
  bool text_analysis = false;                 // analyzers and text match
  bool array_string_lengths = true;           // knows the max_length of the strings in an array
  bool json_objects_only = true;              // a value of a JSON field is an object or null
  std::vector<std::string_view> index_types;  // all that it has; empty: those of its version
};

/// From the reply of GetVersion ("v2.3.5-lite", which is what the standalone server of the `milvus` wheel says;
/// "milvus_lite-3.2.2" is Milvus Lite).
Features FeaturesOf(std::string_view version);
/// Of a server that does not know GetVersion: Milvus Lite before 3.0.
Features LiteFeatures();

/// What such a server leaves out of the fields without a change of their rows: default values, clustering keys,
/// analyzers.
std::vector<Loss> LossesOf(const CollectionSchema& source, const Features& features);

/// Whether Milvus takes it as the name of a database, collection, partition or field.
bool IsName(std::string_view name);

/// kInvalidConfig names every name of the schema that it does not take.
arrow::Status CheckNames(const CollectionSchema& schema);

/// The schema as such a server will hold it, without what LossesOf names. kUnsupported names every field, index and
/// property that it can't hold, one sentence each.
arrow::Result<CollectionSchema> AdaptSchema(const CollectionSchema& source, const Features& features);

// Limits of the server's defaults.
inline constexpr int64_t kMaxLength = 65535;   // bytes of a VARCHAR
inline constexpr int64_t kMaxCapacity = 4096;  // elements of an ARRAY
inline constexpr int64_t kMaxJsonBytes = 65536;

}  // namespace godwit::milvus
