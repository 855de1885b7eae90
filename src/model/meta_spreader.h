// Takes keys out of `$meta` into columns of their own.
#pragma once

#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/error.h"
#include "godwit/mapping.h"

namespace godwit {

struct SpreadColumns {
  std::vector<std::shared_ptr<arrow::Array>> columns;  // as Mapping::spread
  std::shared_ptr<arrow::Array> rest;  // `$meta` without what moved; each value that is left keeps its bytes
};

/// A row without the key, or with null there, has null in its column, or the default; null in a json column is the
/// JSON value. A row with none of the keys keeps its `$meta` byte for byte. A value of another type stays in `$meta` or
/// is kCorruptData, as the mapping says; `keys`, null for rows without one, names the row. So is a key that stands
/// twice in one row, and what is no JSON object.
arrow::Result<SpreadColumns> SpreadMeta(const arrow::Array& meta, const Mapping& mapping, const arrow::Array* keys);

}  // namespace godwit
