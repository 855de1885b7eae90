// Finds the rows that Milvus would refuse, before they are sent: it refuses whole requests, and tells only when the
// answer comes. Pure.
//
// The rules are those of 2.3.5, measured: lengths in bytes, finite vectors, JSON as Go's encoding/json takes it into a
// map. What a newer server refuses beyond them comes back as an error of its own.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/schema.h"

namespace godwit::milvus {

struct RowRefusal {
  int64_t row = 0;
  std::string reason;  // names the field
};

struct RowRules {
  bool json_objects_only = true;  // a JSON value is an object or null
  bool empty_sparse_vectors = true;
};

/// Ascending, at most one for each row. The columns are those of `schema`; a primary key with auto_id is left out.
std::vector<RowRefusal> CheckRows(const arrow::RecordBatch& rows, const CollectionSchema& schema,
                                  const RowRules& rules);

/// What is wrong with a JSON text; empty when nothing is.
std::string JsonProblem(std::string_view json, bool objects_only);

}  // namespace godwit::milvus
