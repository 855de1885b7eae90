// The one definition of "equal": canonical bytes of a mapped row, and their hash (XXH3, 128 bits, seed 0).
//
// Row bytes = partition as a string, then every field of the schema in order. A field is one byte 0 (null), or 1 and:
//   bool, int8..int64: int64 little endian (by value, not by width)      float, double: double bits, all NaN as one
//   string, bytes: uint32 length, bytes                                  timestamp, date: int64
//   json: the canonical text of the value, as a string (see CanonicalJson)
//   decimal: the number in the form that CanonicalJson gives it, as a string
//   array: uint32 count, then each element with its null byte
//   float vector: the floats, all NaN as one; float16, bfloat16, int8 and binary vector: the bytes (16-bit NaN as one)
//   sparse vector: uint32 count, then (uint32 index, float) pairs in index order, all NaN as one
// All numbers are little endian; the one NaN is the quiet one without sign or payload. -0.0 and 0.0 differ.
// Key bytes = partition (only where the key is per partition), then the key field.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/digest.h"
#include "godwit/schema.h"
#include "godwit/store.h"

namespace godwit {

/// RFC 8259 text in one form: keys sorted by their bytes, no white space, strings with as few and as short escapes as
/// possible (a surrogate without its partner stays one), numbers as exact decimals, never through a double: digits
/// without zeros at either end, times a power of ten (1.0 = 1 = 10e-1, 1500 = 15e2), and all zeros are 0, also -0.0.
/// Duplicate keys, invalid UTF-8 or JSON, exponents beyond 10^18 and nesting deeper than 1,000 are kCorruptData.
arrow::Result<std::string> CanonicalJson(std::string_view json);

/// Hashes batches of one schema. Not thread-safe (keeps scratch buffers); cheap to construct.
class RowHasher {
 public:
  enum class Identity {
    kKey,       // the primary key, with the partition where the key is per partition
    kWholeRow,  // collections without a key, or whose keys the target makes anew: all fields but the key
  };

  RowHasher(const CollectionSchema& schema, Identity identity);
  ~RowHasher();
  RowHasher(RowHasher&&) noexcept;

  /// `out` is overwritten. The columns of `batch` have the order and storage types of the schema, else kInternal. A
  /// value that can't be compared (invalid JSON, a null inside a vector) is kCorruptData, named by its key and field.
  arrow::Status Hash(const Batch& batch, HashedRows* out);
  /// Only the keys; `out->rows` is left empty.
  arrow::Status HashKeys(const Batch& batch, HashedRows* out);

  /// Processor time that all hashers of this process have taken so far.
  static std::chrono::nanoseconds TimeSpent();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit
