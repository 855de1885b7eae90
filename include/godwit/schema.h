// What a collection is, independent of any store: fields of logical types, keys, partitions, indexes, properties.
//
// Rows travel as arrow::RecordBatch in the *storage* types given by Type::Storage(); the logical type stays in Field,
// so that no code has to take extension arrays apart. All types here are plain values; const use is thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/error.h"

namespace godwit {

enum class TypeKind {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kString,  // UTF-8
  kJson,    // UTF-8 text, bytes kept as they came
  kBytes,
  kTimestamp,    // microseconds; UTC when Type::utc
  kDate,         // days since 1970-01-01
  kDecimal,      // Type::precision, Type::scale
  kArray,        // of Type::element, a scalar kind
  kFloatVector,  // Type::dim values
  kFloat16Vector,
  kBFloat16Vector,
  kInt8Vector,
  kBinaryVector,  // Type::dim bits, most significant bit first
  kSparseVector,  // (index, value) pairs sorted by index
};

std::string_view ToString(TypeKind kind);
arrow::Result<TypeKind> ParseTypeKind(std::string_view name);

struct Type {
  TypeKind kind = TypeKind::kString;
  TypeKind element = TypeKind::kString;  // of kArray
  int32_t dim = 0;                       // of the dense vectors: values, or bits for kBinaryVector
  int32_t precision = 0;                 // of kDecimal
  int32_t scale = 0;
  bool utc = false;  // of kTimestamp

  static Type Of(TypeKind kind) { return Type{.kind = kind}; }
  static Type Array(TypeKind element) { return Type{.kind = TypeKind::kArray, .element = element}; }
  static Type Vector(TypeKind kind, int32_t dim) { return Type{.kind = kind, .dim = dim}; }

  bool is_vector() const { return kind >= TypeKind::kFloatVector; }
  /// The Arrow type of a column:
  ///   bool int8..int64 float double: the same; string and json: utf8; bytes: binary; timestamp[us]; date32; decimal128
  ///   array: list<item: element>; float / float16 / int8 vector: fixed_size_list<item: float | halffloat | int8>[dim]
  ///   bfloat16 vector: fixed_size_binary[2*dim] (little endian); binary vector: fixed_size_binary[dim/8]
  ///   sparse vector: list<item: struct<index: uint32, value: float>>
  /// Items are declared not null except those of arrays.
  std::shared_ptr<arrow::DataType> Storage() const;
  /// Bytes of one value; for variable-length kinds an estimate.
  int64_t EstimatedBytes() const;
  /// For people: "float_vector(128)", "array<int64>", "string".
  std::string Name() const;

  bool operator==(const Type&) const = default;
};

/// Name of the column that holds the dynamic fields of a row as one JSON object.
inline constexpr std::string_view kDynamicFieldName = "$meta";

struct Field {
  std::string name;
  Type type;
  bool nullable = false;
  bool primary_key = false;
  bool auto_id = false;  // the store made the keys
  bool partition_key = false;
  bool clustering_key = false;
  bool dynamic = false;                      // the `$meta` column; kJson; at most one, the last field
  std::optional<int64_t> max_length = {};    // of strings (or of the strings in an array), bytes
  std::optional<int64_t> max_capacity = {};  // of arrays, elements
  std::string description = {};
  std::optional<std::string> default_json = {};        // default value as JSON text
  std::map<std::string, std::string> properties = {};  // store-specific, for example {"mmap.enabled": "true"}

  bool operator==(const Field&) const = default;
};

struct Index {
  std::string name;
  std::string field;
  std::string type;    // as the store names it, for example "HNSW"; empty = the store's default
  std::string metric;  // "L2", "IP", "COSINE", "HAMMING", ...; empty for scalar indexes
  std::map<std::string, std::string> params;

  bool operator==(const Index&) const = default;
};

/// Names a collection in a store. `database` is empty where a store has none.
struct CollectionRef {
  std::string database;
  std::string name;

  std::string ToString() const { return database.empty() ? name : database + "." + name; }
  bool operator==(const CollectionRef&) const = default;
  auto operator<=>(const CollectionRef&) const = default;
};

/// The default partition is the empty string everywhere; rooms translate ("_default" in Milvus).
struct CollectionSchema {
  CollectionRef ref;
  std::string description;
  std::vector<Field> fields;            // exactly one primary key, unless the store has none
  bool dynamic_fields = false;          // then fields.back() is `$meta`
  std::vector<std::string> partitions;  // named ones, without the default; empty with a partition key
  int32_t num_partitions = 0;           // physical partitions with a partition key; 0 = the store's default
  int32_t shards = 0;                   // 0 = the store's default
  std::string consistency_level;        // "Strong", "Bounded", "Session", "Eventually"; empty = the store's default
  std::map<std::string, std::string> properties;
  std::vector<std::string> aliases;
  std::vector<Index> indexes;
  bool loaded = false;

  /// Index of the primary key in `fields`, or -1.
  int key_index() const;
  const Field* FindField(std::string_view name) const;
  bool has_partition_key() const;
  /// True when the same key may stand in several partitions, so that a row is known by (partition, key).
  bool key_is_per_partition() const { return !has_partition_key(); }
  /// Storage types in field order; nullability as declared.
  std::shared_ptr<arrow::Schema> ArrowSchema() const;
  int64_t EstimatedRowBytes() const;

  bool operator==(const CollectionSchema&) const = default;
};

/// JSON text with a fixed key order; FromJson(ToJson(s)) == s. Unknown keys are an error (kCorruptData).
std::string ToJson(const CollectionSchema& schema);
arrow::Result<CollectionSchema> SchemaFromJson(std::string_view json);

/// The first difference that matters for the rows (fields, types, keys, lengths), as one sentence; empty when none.
/// Indexes, aliases, load state, properties and descriptions do not count.
std::string FirstDifference(const CollectionSchema& want, const CollectionSchema& have);
/// All of them, each with both sides.
std::vector<std::string> AllDifferences(const CollectionSchema& want, const CollectionSchema& have);

}  // namespace godwit
