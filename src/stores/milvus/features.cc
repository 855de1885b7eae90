#include "stores/milvus/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace godwit::milvus {

std::string Version::ToString() const { return fmt::format("{}.{}.{}", major, minor, patch); }

namespace {

constexpr int kMaxFields = 64;

/// The first "number.number[.number]" in a text.
Version ParseVersion(std::string_view text) {
  for (size_t start = 0; start < text.size(); ++start) {
    if (std::isdigit(static_cast<unsigned char>(text[start])) == 0) continue;
    std::array<int, 3> parts{};
    size_t count = 0;
    const char* at = text.data() + start;
    const char* end = text.data() + text.size();
    while (count < parts.size()) {
      auto [next, error] = std::from_chars(at, end, parts[count]);
      if (error != std::errc()) break;
      ++count;
      at = next;
      if (at == end || *at != '.') break;
      ++at;
    }
    if (count >= 2) return {parts[0], parts[1], parts[2]};
  }
  return {};
}

}  // namespace

namespace {

/// Milvus Lite 3 is another program than Milvus Lite 2, and its numbers are not those of Milvus.
Features Lite3Features(std::string_view version) {
  Features features;
  features.version = ParseVersion(version);
  features.server = "Milvus Lite " + features.version.ToString();
  features.lite = true;
  features.max_vector_fields = kMaxFields;
  features.binary_vectors = false;
  features.sparse_vectors = true;
  features.empty_sparse_vectors = false;
  features.nullable = true;
  features.default_values = true;
  features.text_analysis = true;
  features.array_string_lengths = false;
  features.index_types = {"FLAT",    "IVF_FLAT", "IVF_SQ8", "HNSW", "HNSW_SQ", "AUTOINDEX", "SPARSE_INVERTED_INDEX",
                          "INVERTED"};
  return features;
}

}  // namespace

Features FeaturesOf(std::string_view version) {
  if (version.starts_with("milvus_lite")) return Lite3Features(version);
  Features features;
  features.server = "Milvus " + std::string(version);
  features.version = ParseVersion(version);
  if (features.version >= Version{2, 4, 0}) {
    features.max_vector_fields = 4;  // proxy.maxVectorFieldNum
    features.half_vectors = true;
    features.sparse_vectors = true;
    features.clustering_key = true;
    features.json_objects_only = false;
  }
  if (features.version >= Version{2, 5, 0}) {
    features.nullable = true;
    features.default_values = true;
    features.text_analysis = true;
  }
  if (features.version >= Version{2, 6, 0}) features.int8_vectors = true;
  return features;
}

Features LiteFeatures() {
  Features features;
  features.server = "Milvus Lite";
  features.version = {2, 4, 0};
  features.lite = true;
  features.max_vector_fields = kMaxFields;
  features.half_vectors = true;
  features.sparse_vectors = true;
  features.default_values = true;
  // It refuses a default value of the integers, and makes no collection with one of double, without a word.
  features.kinds_without_default = {TypeKind::kInt8, TypeKind::kInt16, TypeKind::kInt32, TypeKind::kDouble};
  features.clustering_key = true;
  features.text_analysis = true;
  features.json_objects_only = false;
  features.partitions = false;
  features.databases = false;
  features.aliases = false;
  features.index_types = {"FLAT",        "IVF_FLAT", "AUTOINDEX", "BIN_FLAT", "SPARSE_INVERTED_INDEX",
                          "SPARSE_WAND", "INVERTED"};
  return features;
}

// ---------------------------------------------------------------------------------------------------------------------
// Schemas

namespace {

constexpr int32_t kMaxDim = 32768;
constexpr int32_t kMaxBinaryDim = 8 * kMaxDim;
constexpr int32_t kMaxShards = 16;
constexpr size_t kMaxNameBytes = 255;

/// Gathers what is wrong, so that the user learns of everything at once.
class Refusals {
 public:
  template <class... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    texts_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  arrow::Status ToStatus(const std::string& server, const std::string& collection) const {
    if (texts_.empty()) return arrow::Status::OK();
    return MakeError(ErrorKind::kUnsupported,
                     fmt::format("{} can't hold the collection '{}': {}", server, collection, fmt::join(texts_, "; ")));
  }
  arrow::Status Names(const std::string& collection) const {
    if (texts_.empty()) return arrow::Status::OK();
    return MakeError(ErrorKind::kInvalidConfig,
                     fmt::format("Milvus does not take every name of the collection '{}': {}. Give other names in the "
                                 "job (target, fields.rename, partitions, databases)",
                                 collection, fmt::join(texts_, "; ")));
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace

bool IsName(std::string_view name) {
  auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !name.empty() && name.size() <= kMaxNameBytes && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), allowed);
}

namespace {

void CheckName(std::string_view what, std::string_view name, Refusals* refusals) {
  if (IsName(name)) return;
  refusals->Add("the {} name '{}' is not made of up to {} letters, digits and _, beginning with a letter or _", what,
                name, kMaxNameBytes);
}

bool IsScalar(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kString:
      return true;
    default:
      return false;
  }
}

void AdaptStrings(Field* field, Refusals* refusals) {
  if (!field->max_length) field->max_length = kMaxLength;
  if (*field->max_length < 1 || *field->max_length > kMaxLength) {
    refusals->Add("field '{}': max_length is {}, Milvus takes 1 to {}", field->name, *field->max_length, kMaxLength);
  }
}

void AdaptArray(Field* field, const Features& features, Refusals* refusals) {
  if (!IsScalar(field->type.element)) {
    refusals->Add("field '{}': Milvus has no arrays of {}", field->name, ToString(field->type.element));
  }
  if (!field->max_capacity) field->max_capacity = kMaxCapacity;
  if (*field->max_capacity < 1 || *field->max_capacity > kMaxCapacity) {
    refusals->Add("field '{}': max_capacity is {}, Milvus takes 1 to {}", field->name, *field->max_capacity,
                  kMaxCapacity);
  }
  if (field->type.element != TypeKind::kString) return;
  if (features.array_string_lengths) return AdaptStrings(field, refusals);
  field->max_length.reset();  // the server does not look at it either
}

void CheckVector(const Field& field, const Features& features, Refusals* refusals) {
  TypeKind kind = field.type.kind;
  bool half = kind == TypeKind::kFloat16Vector || kind == TypeKind::kBFloat16Vector;
  if ((half && !features.half_vectors) || (kind == TypeKind::kSparseVector && !features.sparse_vectors) ||
      (kind == TypeKind::kInt8Vector && !features.int8_vectors) ||
      (kind == TypeKind::kBinaryVector && !features.binary_vectors)) {
    refusals->Add("field '{}': it has no {}s", field.name, ToString(kind));
    return;
  }
  if (kind == TypeKind::kSparseVector) return;
  int32_t max = kind == TypeKind::kBinaryVector ? kMaxBinaryDim : kMaxDim;
  if (field.type.dim < 1 || field.type.dim > max) {
    refusals->Add("field '{}': dim is {}, Milvus takes 1 to {}", field.name, field.type.dim, max);
  } else if (kind == TypeKind::kBinaryVector && field.type.dim % 8 != 0) {
    refusals->Add("field '{}': the dim {} of a binary vector is not a multiple of 8", field.name, field.type.dim);
  }
}

void AdaptType(Field* field, const Features& features, Refusals* refusals) {
  if (field->type.is_vector()) {
    CheckVector(*field, features, refusals);
  } else if (field->type.kind == TypeKind::kArray) {
    AdaptArray(field, features, refusals);
  } else if (field->type.kind == TypeKind::kString) {
    AdaptStrings(field, refusals);
  } else if (field->type.kind != TypeKind::kJson && !IsScalar(field->type.kind)) {
    refusals->Add("field '{}': it has no type {}", field->name, ToString(field->type.kind));
  }
}

void CheckFieldTraits(const Field& field, const Features& features, Refusals* refusals) {
  bool key_type = field.type.kind == TypeKind::kInt64 || field.type.kind == TypeKind::kString;
  if (field.primary_key && !key_type) {
    refusals->Add("field '{}': a primary key is int64 or string, not {}", field.name, field.type.Name());
  }
  if (field.partition_key && !key_type) {
    refusals->Add("field '{}': a partition key is int64 or string, not {}", field.name, field.type.Name());
  }
  if (field.nullable && !features.nullable) refusals->Add("field '{}': it has no nullable fields", field.name);
}

/// What the server would not know goes; values stay as they are.
void LeaveOutTraits(const Features& features, Field* field, std::vector<Loss>* losses) {
  const auto& without = features.kinds_without_default;
  const bool keeps_default = features.default_values && std::ranges::find(without, field->type.kind) == without.end();
  if (field->default_json && !keeps_default) {
    losses->push_back({field->name, "its default value " + *field->default_json});
    field->default_json.reset();
  }
  if (field->clustering_key && !features.clustering_key) {
    losses->push_back({field->name, "that it is the clustering key"});
    field->clustering_key = false;
  }
  if (features.text_analysis) return;
  std::erase_if(field->properties, [&](const auto& property) {
    const bool analysis = property.first.starts_with("enable_") || property.first.find("analyzer") != std::string::npos;
    if (analysis) losses->push_back({field->name, property.first});
    return analysis;
  });
}

/// Words of the filter language, in any case (internal/parser/planparserv2/Plan.g4): a field of such a name can be
/// created, but no filter can name it, so that its rows could not be read back.
bool IsFilterWord(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "like",
      "exists",
      "and",
      "or",
      "not",
      "in",
      "true",
      "false",
      "json_contains",
      "json_contains_all",
      "json_contains_any",
      "array_contains",
      "array_contains_all",
      "array_contains_any",
      "array_length",
  };
  std::string small(name);
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kWords, small) != std::end(kWords);
}

void AddBadNames(const CollectionSchema& schema, Refusals* refusals) {
  if (!schema.ref.database.empty()) CheckName("database", schema.ref.database, refusals);
  CheckName("collection", schema.ref.name, refusals);
  for (const std::string& partition : schema.partitions) CheckName("partition", partition, refusals);
  for (const std::string& alias : schema.aliases) CheckName("alias", alias, refusals);
  for (const Field& field : schema.fields) {
    if (!field.dynamic) CheckName("field", field.name, refusals);
    if (field.name == "RowID" || field.name == "Timestamp") {
      refusals->Add("the field name '{}' is reserved by Milvus", field.name);
    }
    if (field.primary_key && IsFilterWord(field.name)) {
      refusals->Add("field '{}': a key can't be named by a word of Milvus' filter language", field.name);
    }
  }
}

void CheckFields(const CollectionSchema& schema, const Features& features, Refusals* refusals) {
  int keys = 0;
  std::vector<std::string> vectors;
  for (const Field& field : schema.fields) {
    CheckFieldTraits(field, features, refusals);
    keys += field.primary_key ? 1 : 0;
    if (field.type.is_vector()) vectors.push_back(field.name);
  }
  if (keys != 1) refusals->Add("it needs exactly one primary key, the collection has {}", keys);
  if (vectors.empty()) refusals->Add("it needs a vector field, the collection has none");
  if (std::ssize(vectors) > features.max_vector_fields) {
    refusals->Add("it takes {} vector field(s), the collection has {}: {}", features.max_vector_fields, vectors.size(),
                  fmt::join(vectors, ", "));
  }
  if (std::ssize(schema.fields) > kMaxFields) {
    refusals->Add("it takes {} fields, the collection has {}", kMaxFields, schema.fields.size());
  }
}

void CheckCollection(const CollectionSchema& schema, const Features& features, Refusals* refusals) {
  AddBadNames(schema, refusals);
  if (!schema.partitions.empty() && !features.partitions) {
    refusals->Add("it has no partitions, the collection has '{}'", schema.partitions.front());
  }
  if (schema.shards > kMaxShards) refusals->Add("it takes {} shards, the collection has {}", kMaxShards, schema.shards);
  if (!schema.aliases.empty() && !features.aliases) {
    refusals->Add("it has no aliases, the collection has '{}'", schema.aliases.front());
  }
  bool other_database = !schema.ref.database.empty() && schema.ref.database != "default";
  if (other_database && !features.databases) refusals->Add("it has no databases, wanted is '{}'", schema.ref.database);
}

// ---------------------------------------------------------------------------------------------------------------------
// Indexes

enum class Indexed { kDense, kBinary, kSparse, kScalar, kAny };

struct IndexType {
  std::string_view name;
  Indexed of;
  Version since;
};

constexpr Version kV23{2, 3, 0};
constexpr Version kV24{2, 4, 0};
constexpr Version kV25{2, 5, 0};
constexpr Version kV26{2, 6, 0};

constexpr auto kIndexTypes = std::to_array<IndexType>({
    {"AUTOINDEX", Indexed::kAny, kV23},      {"FLAT", Indexed::kDense, kV23},
    {"IVF_FLAT", Indexed::kDense, kV23},     {"IVF_SQ8", Indexed::kDense, kV23},
    {"IVF_PQ", Indexed::kDense, kV23},       {"HNSW", Indexed::kDense, kV23},
    {"SCANN", Indexed::kDense, kV23},        {"DISKANN", Indexed::kDense, kV23},
    {"GPU_IVF_FLAT", Indexed::kDense, kV23}, {"GPU_IVF_PQ", Indexed::kDense, kV23},
    {"GPU_CAGRA", Indexed::kDense, kV24},    {"GPU_BRUTE_FORCE", Indexed::kDense, kV24},
    {"HNSW_SQ", Indexed::kDense, kV25},      {"HNSW_PQ", Indexed::kDense, kV25},
    {"HNSW_PRQ", Indexed::kDense, kV25},     {"IVF_RABITQ", Indexed::kDense, kV26},
    {"BIN_FLAT", Indexed::kBinary, kV23},    {"BIN_IVF_FLAT", Indexed::kBinary, kV23},
    {"MINHASH_LSH", Indexed::kBinary, kV26}, {"SPARSE_INVERTED_INDEX", Indexed::kSparse, kV24},
    {"SPARSE_WAND", Indexed::kSparse, kV24}, {"Trie", Indexed::kScalar, kV23},
    {"STL_SORT", Indexed::kScalar, kV23},    {"INVERTED", Indexed::kScalar, kV24},
    {"BITMAP", Indexed::kScalar, kV25},      {"NGRAM", Indexed::kScalar, kV26},
});

Indexed IndexedAs(const Type& type) {
  if (type.kind == TypeKind::kBinaryVector) return Indexed::kBinary;
  if (type.kind == TypeKind::kSparseVector) return Indexed::kSparse;
  return type.is_vector() ? Indexed::kDense : Indexed::kScalar;
}

/// Lower case without underscores: other stores write hnsw and ivfflat.
std::string Folded(std::string_view name) {
  std::string folded;
  for (char c : name) {
    if (c != '_' && c != '-') folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

/// Parameters under the names that other stores give them.
void RenameParams(std::map<std::string, std::string>* params) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"m", "M"}, {"ef_construction", "efConstruction"}, {"lists", "nlist"}};
  for (auto [theirs, ours] : kNames) {
    if (theirs == std::string_view("m") && params->contains("nlist")) continue;  // IVF_PQ has an m of its own
    auto node = params->extract(theirs);
    if (node.empty()) continue;
    node.key() = ours;
    params->insert(std::move(node));
  }
}

bool HasIndexType(const Features& features, const IndexType& type) {
  if (features.index_types.empty()) return type.since.minor <= std::max(features.version.minor, kV23.minor);
  return std::ranges::find(features.index_types, type.name) != features.index_types.end();
}

/// Metrics that an index of the type can have; none = the type has no metric.
std::vector<std::string_view> MetricsOf(std::string_view type, Indexed of) {
  if (type == "AUTOINDEX") {
    return {"L2", "IP", "COSINE", "HAMMING", "JACCARD", "SUBSTRUCTURE", "SUPERSTRUCTURE", "BM25", "MHJACCARD"};
  }
  switch (of) {
    case Indexed::kDense:
      return {"L2", "IP", "COSINE"};
    case Indexed::kBinary:
      if (type == "MINHASH_LSH") return {"MHJACCARD", "HAMMING", "JACCARD"};
      if (type == "BIN_IVF_FLAT") return {"HAMMING", "JACCARD"};
      return {"HAMMING", "JACCARD", "SUBSTRUCTURE", "SUPERSTRUCTURE"};
    case Indexed::kSparse:
      return {"IP", "BM25"};
    default:
      return {};
  }
}

struct ParamRange {
  std::string_view type;
  std::string_view name;
  int64_t min;
  int64_t max;
  bool required;  // by servers before 2.5, which have no defaults
};

constexpr auto kParamRanges = std::to_array<ParamRange>({
    {"HNSW", "M", 1, 2048, true},
    {"HNSW", "efConstruction", 1, 2147483646, true},
    {"IVF_FLAT", "nlist", 1, 65536, true},
    {"IVF_SQ8", "nlist", 1, 65536, true},
    {"IVF_PQ", "nlist", 1, 65536, true},
    {"IVF_PQ", "m", 1, 65536, true},
    {"IVF_PQ", "nbits", 1, 64, false},
    {"SCANN", "nlist", 1, 65536, true},
    {"BIN_IVF_FLAT", "nlist", 1, 65536, true},
    {"GPU_IVF_FLAT", "nlist", 1, 65536, true},
    {"GPU_IVF_PQ", "nlist", 1, 65536, true},
});

std::optional<int64_t> IntegerOf(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What the server refuses surely, as it says so only after the rows are there. 2.3.5 was asked for each.
void CheckIndex(const Field& field, const Features& features, const Index& index, Refusals* refusals) {
  const bool has_defaults = features.version >= kV25;
  const auto metrics = MetricsOf(index.type, IndexedAs(field.type));
  const bool needs_metric = !metrics.empty() && !has_defaults && index.type != "AUTOINDEX";
  if (index.metric.empty() ? needs_metric
                           : !metrics.empty() && std::ranges::find(metrics, index.metric) == metrics.end()) {
    refusals->Add(
        "the index {} of field '{}' {}; its metrics are {}", index.type, field.name,
        index.metric.empty() ? std::string("has no metric") : fmt::format("has the metric '{}'", index.metric),
        fmt::join(metrics, ", "));
  }
  for (const ParamRange& range : kParamRanges) {
    if (range.type != index.type) continue;
    auto given = index.params.find(std::string(range.name));
    if (given == index.params.end()) {
      if (!range.required || has_defaults) continue;
      refusals->Add("the index {} of field '{}' needs the parameter {}, from {} to {}", index.type, field.name,
                    range.name, range.min, range.max);
      continue;
    }
    const auto value = IntegerOf(given->second);
    if (!value || *value < range.min || *value > range.max) {
      refusals->Add("the index {} of field '{}': {} is '{}', Milvus takes {} to {}", index.type, field.name, range.name,
                    given->second, range.min, range.max);
    } else if (index.type == "IVF_PQ" && range.name == "m" && field.type.dim % *value != 0) {
      refusals->Add("the index {} of field '{}': m is {}, which does not divide the dim {}", index.type, field.name,
                    *value, field.type.dim);
    }
  }
  const bool is_text = field.type.kind == TypeKind::kString;
  if ((index.type == "Trie" && !is_text) || (index.type == "STL_SORT" && is_text && features.version < kV26)) {
    refusals->Add("the field '{}' is {}, and its index is {}", field.name, is_text ? "a string" : "no string",
                  is_text ? "Trie, not STL_SORT" : "STL_SORT, not Trie");
  }
  if (index.type == "AUTOINDEX" && !field.type.is_vector() && features.version < kV24) {
    refusals->Add("the field '{}' can't have the index AUTOINDEX, which only vectors have before 2.4", field.name);
  }
}

void AdaptIndex(const CollectionSchema& schema, const Features& features, Index* index, Refusals* refusals) {
  const Field* field = schema.FindField(index->field);
  if (field == nullptr) {
    refusals->Add("the index '{}' is on the field '{}', which the collection does not have", index->name, index->field);
    return;
  }
  if (index->type.empty()) return;  // the server's default
  Indexed wanted = IndexedAs(field->type);
  for (const IndexType& type : kIndexTypes) {
    if (Folded(type.name) != Folded(index->type)) continue;
    if (type.of != Indexed::kAny && type.of != wanted) break;
    if (!HasIndexType(features, type)) break;
    index->type = type.name;
    if (type.name == "HNSW" || type.name == "IVF_FLAT") RenameParams(&index->params);
    std::ranges::transform(index->metric, index->metric.begin(), [](unsigned char c) { return std::toupper(c); });
    if (!features.lite) CheckIndex(*field, features, *index, refusals);
    return;
  }
  refusals->Add(
      "it has no index of type {} on {} (index '{}' of field '{}'); leave out indexes, or create it without this one",
      index->type, field->type.Name(), index->name, index->field);
}

/// Milvus loads only what has an index on every vector.
bool CanBeLoaded(const CollectionSchema& schema) {
  return std::all_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
    return !field.type.is_vector() || std::any_of(schema.indexes.begin(), schema.indexes.end(),
                                                  [&](const Index& index) { return index.field == field.name; });
  });
}

}  // namespace

std::vector<Loss> LossesOf(const CollectionSchema& source, const Features& features) {
  std::vector<Loss> losses;
  for (Field field : source.fields) LeaveOutTraits(features, &field, &losses);
  return losses;
}

arrow::Status CheckNames(const CollectionSchema& schema) {
  Refusals refusals;
  AddBadNames(schema, &refusals);
  return refusals.Names(schema.ref.ToString());
}

arrow::Result<CollectionSchema> AdaptSchema(const CollectionSchema& source, const Features& features) {
  CollectionSchema schema = source;
  std::vector<Loss> left_out;
  for (Field& field : schema.fields) LeaveOutTraits(features, &field, &left_out);
  Refusals refusals;
  CheckCollection(schema, features, &refusals);
  CheckFields(schema, features, &refusals);
  for (Field& field : schema.fields) {
    if (!field.dynamic) AdaptType(&field, features, &refusals);
  }
  for (Index& index : schema.indexes) AdaptIndex(schema, features, &index, &refusals);
  ARROW_RETURN_NOT_OK(refusals.ToStatus(features.server, schema.ref.ToString()));
  if (schema.has_partition_key()) {
    schema.partitions.clear();
  } else {
    schema.num_partitions = 0;
  }
  schema.loaded = schema.loaded && (features.lite || CanBeLoaded(schema));
  return schema;
}

}  // namespace godwit::milvus
