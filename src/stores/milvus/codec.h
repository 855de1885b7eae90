// Milvus' columns and schemas <-> Arrow and godwit's schema. Pure: no I/O, no state; every function is thread-safe.
//
// Wire format: milvus-proto, schema.proto (FieldData, ScalarField, VectorField). One FieldData is one column:
//   BOOL; INT8, INT16, INT32 as int32; INT64; FLOAT; DOUBLE; VARCHAR; JSON as bytes; ARRAY as one ScalarField a row
//   FLOAT_VECTOR as dim floats a row, one after the other; BINARY_VECTOR dim/8 bytes, FLOAT16_VECTOR and
//   BFLOAT16_VECTOR 2*dim bytes (little endian), INT8_VECTOR dim bytes a row; SPARSE_FLOAT_VECTOR as (uint32 index,
//   float) pairs a row
// A nullable column has `valid_data`, one bool a row; a null row may or may not have a place among the values.
// The dynamic fields are a JSON column named `$meta` with is_dynamic set.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <arrow/type_fwd.h>

#include "godwit/error.h"
#include "godwit/schema.h"
#include "milvus.pb.h"

namespace godwit::milvus {

/// Nothing for kinds that Milvus lacks (bytes, timestamp, date, decimal) resp. types that godwit can't carry.
std::optional<::milvus::proto::schema::DataType> DataTypeOf(TypeKind kind);
std::optional<TypeKind> TypeKindOf(::milvus::proto::schema::DataType type);

/// The collection as godwit knows it: reference, fields (with `$meta` last when dynamic fields are on), shards, number
/// of physical partitions, consistency level, properties and aliases. Named partitions, indexes and the load state come
/// from other calls and are left empty. kUnsupported names a field whose type, or a function which, godwit can't carry.
arrow::Result<CollectionSchema> SchemaFromProto(const ::milvus::proto::milvus::DescribeCollectionResponse& reply);

/// For CreateCollectionRequest::schema: name, description and fields; `$meta` becomes enable_dynamic_field. What else a
/// collection has (database, shards, partitions, consistency level, properties) stands in other places of the request.
/// kUnsupported names a field whose type Milvus lacks.
arrow::Result<::milvus::proto::schema::CollectionSchema> SchemaToProto(const CollectionSchema& schema);

/// The columns of `schema` in its order, with schema.ArrowSchema()'s types, found in the reply by name. Columns of
/// fixed width are not copied: they point into the reply, which the batch keeps alive and which must not be changed any
/// more. A reply without any column gives a batch without rows. kCorruptData names the field that is missing, of
/// another type, of another number of rows, or null where it must not be; null dynamic fields become `{}`.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> DecodeRows(
    std::shared_ptr<const ::milvus::proto::milvus::QueryResults> reply, const CollectionSchema& schema);

using FieldDataList = ::google::protobuf::RepeatedPtrField<::milvus::proto::schema::FieldData>;

/// Rows [from, to) for InsertRequest::fields_data and UpsertRequest::fields_data; `out` is overwritten. The columns of
/// `rows` are those of `schema`, in its order and storage types; a primary key with auto_id is left out. kRejected
/// names a field that holds a null and is not nullable.
arrow::Status EncodeRows(const arrow::RecordBatch& rows, int64_t from, int64_t to, const CollectionSchema& schema,
                         FieldDataList* out);

}  // namespace godwit::milvus
