// Columns as Parquet holds them <-> columns in the storage types of the model. Pure functions.
//
// What is written, so that pyarrow, pandas and DuckDB read it (https://parquet.apache.org/docs/file-format/types/):
//   json: string with the logical type JSON (arrow.json)       float, float16, int8 vector: list; Arrow's readers see
//   bfloat16 and binary vector: fixed_len_byte_array           fixed_size_list by the stored Arrow schema, but a plain
//   sparse vector: list<struct<index, value>>                  list where the field is nullable: Arrow can't write a
//   everything else: as in Type::Storage()                     null fixed-size list
// The three vectors that are no lists of numbers carry the Arrow extension name "godwit.<kind>" in their field
// metadata.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "godwit/schema.h"

namespace godwit::files {

/// The Arrow schema that the Parquet writer is given.
std::shared_ptr<arrow::Schema> FileSchema(const CollectionSchema& schema);
/// A column in storage type as FileSchema has it. No copy, except for nullable vectors that hold nulls.
arrow::Result<std::shared_ptr<arrow::Array>> ToFileColumn(const Field& field, std::shared_ptr<arrow::Array> column);

/// The field that a column of a file holds, as the file names its type; `vectors` = dimensions of the lists that the
/// user calls vectors. kUnsupported when godwit has no type for it.
arrow::Result<Field> InferField(const arrow::Field& column, const std::map<std::string, int32_t>& vectors);
/// A column of a file in the storage type of `field`; no copy where the layouts are the same. kCorruptData where the
/// values don't fit the field: a null in a field that is not nullable, a vector of another length, a number that
/// overflows. Doubles of a field that is a float vector are rounded.
arrow::Result<std::shared_ptr<arrow::Array>> FromFileColumn(const Field& field, std::shared_ptr<arrow::Array> column);

}  // namespace godwit::files
