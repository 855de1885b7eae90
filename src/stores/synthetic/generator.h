// Made-up rows: schema and columns. Pure functions of the options, thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/schema.h"
#include "stores/synthetic/options.h"

namespace godwit::synthetic {

inline constexpr std::string_view kKeyField = "id";
inline constexpr std::string_view kVectorField = "vector";

/// Names of all fields but the key, in schema order: "bool" ... "vector" ... "array_int64" ... "$meta".
std::vector<std::string> FieldNames();

/// Of the `number`-th collection, from 0.
std::string CollectionName(const Options& options, int64_t number);
CollectionSchema MakeSchema(const Options& options, int64_t number);

/// Rows [begin, end) of one partition are contiguous: rows [PartitionBegin(i), PartitionBegin(i + 1)) are in the i-th,
/// of which the 0-th is the default one.
int64_t PartitionOfRow(const Options& options, int64_t row);
int64_t PartitionBegin(const Options& options, int64_t partition);
/// Of a named one, from 1.
std::string PartitionName(int64_t partition);

/// The key of a row, for people.
std::string KeyText(const Options& options, int64_t row);

/// Rows [begin, end) of a field of MakeSchema(options, number), in its storage type.
arrow::Result<std::shared_ptr<arrow::Array>> GenerateColumn(const Options& options, int64_t number, const Field& field,
                                                            int64_t begin, int64_t end);

}  // namespace godwit::synthetic
