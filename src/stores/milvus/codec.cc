#include "stores/milvus/codec.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/util/bit_util.h>
#include <fmt/format.h>

namespace godwit::milvus {
namespace {

namespace pb = ::milvus::proto::milvus;
namespace schema_pb = ::milvus::proto::schema;
using schema_pb::FieldData;
using schema_pb::ScalarField;
using schema_pb::VectorField;

constexpr int64_t kSparsePairBytes = 8;  // uint32 index, float value

arrow::Status Corrupt(const Field& field, std::string_view what) {
  return MakeError(ErrorKind::kCorruptData, fmt::format("field {}: {}", field.name, what));
}

// ---------------------------------------------------------------------------------------------------------------------
// Decode

// Memory of somebody else, kept alive for as long as the buffer.
class HeldBuffer : public arrow::Buffer {
 public:
  HeldBuffer(const void* data, int64_t bytes, std::shared_ptr<const void> owner)
      : arrow::Buffer(static_cast<const uint8_t*>(data), bytes), owner_(std::move(owner)) {}

 private:
  std::shared_ptr<const void> owner_;
};

// Number of values of a scalar arm, -1 when the arm is of another kind. Without any arm there are no values: that is
// how an empty array and the column of an empty reply come.
int64_t ScalarCount(const ScalarField& scalars, TypeKind kind) {
  if (scalars.data_case() == ScalarField::DATA_NOT_SET) return 0;
  switch (kind) {
    case TypeKind::kBool:
      return scalars.has_bool_data() ? scalars.bool_data().data_size() : -1;
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
      return scalars.has_int_data() ? scalars.int_data().data_size() : -1;
    case TypeKind::kInt64:
      return scalars.has_long_data() ? scalars.long_data().data_size() : -1;
    case TypeKind::kFloat:
      return scalars.has_float_data() ? scalars.float_data().data_size() : -1;
    case TypeKind::kDouble:
      return scalars.has_double_data() ? scalars.double_data().data_size() : -1;
    case TypeKind::kString:
      return scalars.has_string_data() ? scalars.string_data().data_size() : -1;
    case TypeKind::kJson:
      return scalars.has_json_data() ? scalars.json_data().data_size() : -1;
    case TypeKind::kArray:
      return scalars.has_array_data() ? scalars.array_data().data_size() : -1;
    default:
      return -1;
  }
}

// The arm that holds a dense vector column: its memory, and the bytes of one row. Bytes are -1 for another arm.
struct DenseBytes {
  const void* data = nullptr;
  int64_t bytes = -1;
  int64_t row_bytes = 0;
};

DenseBytes DenseArm(const VectorField& vectors, const Type& type) {
  auto of = [](bool present, const std::string& bytes, int64_t row_bytes) {
    return present ? DenseBytes{bytes.data(), static_cast<int64_t>(bytes.size()), row_bytes} : DenseBytes{};
  };
  switch (type.kind) {
    case TypeKind::kFloatVector: {
      const auto& floats = vectors.float_vector().data();
      if (!vectors.has_float_vector()) return {};
      return {floats.data(), static_cast<int64_t>(floats.size() * sizeof(float)), 4LL * type.dim};
    }
    case TypeKind::kFloat16Vector:
      return of(vectors.has_float16_vector(), vectors.float16_vector(), 2LL * type.dim);
    case TypeKind::kBFloat16Vector:
      return of(vectors.has_bfloat16_vector(), vectors.bfloat16_vector(), 2LL * type.dim);
    case TypeKind::kInt8Vector:
      return of(vectors.has_int8_vector(), vectors.int8_vector(), type.dim);
    case TypeKind::kBinaryVector:
      return of(vectors.has_binary_vector(), vectors.binary_vector(), type.dim / 8);
    default:
      return {};
  }
}

// Number of values of a column, after checking that it is of the field's type.
arrow::Result<int64_t> ValueCount(const Field& field, const FieldData& data) {
  if (data.type() != DataTypeOf(field.type.kind)) {
    return Corrupt(
        field, fmt::format("the reply holds a {}, not a {}", schema_pb::DataType_Name(data.type()), field.type.Name()));
  }
  if (!field.type.is_vector()) {
    int64_t count = ScalarCount(data.scalars(), field.type.kind);
    if (count < 0) return Corrupt(field, fmt::format("the values in the reply are not of type {}", field.type.Name()));
    return count;
  }
  const VectorField& vectors = data.vectors();
  if (vectors.data_case() == VectorField::DATA_NOT_SET) return 0;
  if (field.type.kind == TypeKind::kSparseVector && vectors.has_sparse_float_vector()) {
    return vectors.sparse_float_vector().contents_size();
  }
  DenseBytes dense = DenseArm(vectors, field.type);
  if (dense.bytes < 0) return Corrupt(field, fmt::format("the reply holds no {}", field.type.Name()));
  if (vectors.dim() != field.type.dim || dense.bytes % dense.row_bytes != 0) {
    return Corrupt(field, fmt::format("the reply holds {} bytes of vectors of dimension {}, not of {}", dense.bytes,
                                      vectors.dim(), field.type.dim));
  }
  return dense.bytes / dense.row_bytes;
}

template <typename Small, typename Builder>
arrow::Status AppendNarrow(const Field& field, const schema_pb::IntArray& values, Builder* builder) {
  ARROW_RETURN_NOT_OK(builder->Reserve(values.data_size()));
  for (int32_t value : values.data()) {
    if (value < std::numeric_limits<Small>::min() || value > std::numeric_limits<Small>::max()) {
      return Corrupt(field, fmt::format("{} is out of the range of its type", value));
    }
    builder->UnsafeAppend(static_cast<Small>(value));
  }
  return arrow::Status::OK();
}

arrow::Status AppendStrings(const Field& field, const google::protobuf::RepeatedPtrField<std::string>& values,
                            arrow::StringBuilder* builder) {
  int64_t bytes = builder->value_data_length();
  for (const std::string& value : values) bytes += static_cast<int64_t>(value.size());
  if (bytes > std::numeric_limits<int32_t>::max()) {
    return MakeError(ErrorKind::kTooLarge, fmt::format("field {}: {} bytes of text in one reply", field.name, bytes));
  }
  ARROW_RETURN_NOT_OK(builder->Reserve(values.size()));
  ARROW_RETURN_NOT_OK(builder->ReserveData(bytes - builder->value_data_length()));
  for (const std::string& value : values) builder->UnsafeAppend(value);
  return arrow::Status::OK();
}

template <typename Builder, typename Values>
arrow::Status AppendAll(const Values& values, arrow::ArrayBuilder* builder) {
  if (values.empty()) return arrow::Status::OK();  // has no address that could be copied from
  return static_cast<Builder*>(builder)->AppendValues(values.data(), values.size());
}

// Appends the values of one scalar arm, which ScalarCount has found to be of the kind.
arrow::Status AppendScalars(const Field& field, const ScalarField& scalars, TypeKind kind,
                            arrow::ArrayBuilder* builder) {
  switch (kind) {
    case TypeKind::kBool:
      for (bool value : scalars.bool_data().data()) {
        ARROW_RETURN_NOT_OK(static_cast<arrow::BooleanBuilder*>(builder)->Append(value));
      }
      return arrow::Status::OK();
    case TypeKind::kInt8:
      return AppendNarrow<int8_t>(field, scalars.int_data(), static_cast<arrow::Int8Builder*>(builder));
    case TypeKind::kInt16:
      return AppendNarrow<int16_t>(field, scalars.int_data(), static_cast<arrow::Int16Builder*>(builder));
    case TypeKind::kInt32:
      return AppendAll<arrow::Int32Builder>(scalars.int_data().data(), builder);
    case TypeKind::kInt64:
      return AppendAll<arrow::Int64Builder>(scalars.long_data().data(), builder);
    case TypeKind::kFloat:
      return AppendAll<arrow::FloatBuilder>(scalars.float_data().data(), builder);
    case TypeKind::kDouble:
      return AppendAll<arrow::DoubleBuilder>(scalars.double_data().data(), builder);
    case TypeKind::kString:
      return AppendStrings(field, scalars.string_data().data(), static_cast<arrow::StringBuilder*>(builder));
    case TypeKind::kJson:
      return AppendStrings(field, scalars.json_data().data(), static_cast<arrow::StringBuilder*>(builder));
    default:
      return Corrupt(field, "its values are of no scalar type");
  }
}

arrow::Status AppendArrays(const Field& field, const schema_pb::ArrayArray& arrays, arrow::ListBuilder* builder) {
  ARROW_RETURN_NOT_OK(builder->Reserve(arrays.data_size()));
  for (const ScalarField& elements : arrays.data()) {
    if (ScalarCount(elements, field.type.element) < 0) {
      return Corrupt(field, fmt::format("the elements in the reply are not of type {}", ToString(field.type.element)));
    }
    ARROW_RETURN_NOT_OK(builder->Append());
    ARROW_RETURN_NOT_OK(AppendScalars(field, elements, field.type.element, builder->value_builder()));
  }
  return arrow::Status::OK();
}

arrow::Status AppendSparse(const Field& field, const schema_pb::SparseFloatArray& rows, arrow::ListBuilder* builder) {
  auto* pairs = static_cast<arrow::StructBuilder*>(builder->value_builder());
  auto* indexes = static_cast<arrow::UInt32Builder*>(pairs->field_builder(0));
  auto* values = static_cast<arrow::FloatBuilder*>(pairs->field_builder(1));
  for (const std::string& row : rows.contents()) {
    if (row.size() % kSparsePairBytes != 0) {
      return Corrupt(field, fmt::format("a sparse vector of {} bytes, which is no multiple of 8", row.size()));
    }
    ARROW_RETURN_NOT_OK(builder->Append());
    int64_t previous = -1;
    for (size_t at = 0; at < row.size(); at += kSparsePairBytes) {
      uint32_t index;
      float value;
      std::memcpy(&index, row.data() + at, sizeof index);
      std::memcpy(&value, row.data() + at + sizeof index, sizeof value);
      if (index <= previous) return Corrupt(field, "the indexes of a sparse vector are not ascending");
      previous = index;
      ARROW_RETURN_NOT_OK(pairs->Append());
      ARROW_RETURN_NOT_OK(indexes->Append(index));
      ARROW_RETURN_NOT_OK(values->Append(value));
    }
  }
  return arrow::Status::OK();
}

std::shared_ptr<arrow::ArrayData> HoldValues(const std::shared_ptr<arrow::DataType>& type, const void* data,
                                             int64_t bytes, int64_t count, const std::shared_ptr<const void>& owner) {
  return arrow::ArrayData::Make(type, count, {nullptr, std::make_shared<HeldBuffer>(data, bytes, owner)}, 0);
}

std::shared_ptr<arrow::ArrayData> HoldVectors(const Field& field, const VectorField& vectors, int64_t count,
                                              const std::shared_ptr<const void>& owner) {
  auto type = field.type.Storage();
  DenseBytes dense = DenseArm(vectors, field.type);
  int64_t bytes = std::max<int64_t>(dense.bytes, 0);  // no arm in the reply: no rows
  if (type->id() == arrow::Type::FIXED_SIZE_BINARY) return HoldValues(type, dense.data, bytes, count, owner);
  auto items = HoldValues(type->field(0)->type(), dense.data, bytes, count * field.type.dim, owner);
  return arrow::ArrayData::Make(type, count, {nullptr}, {std::move(items)}, 0);
}

// Columns that have to be converted: everything but the fixed-width columns.
arrow::Result<std::shared_ptr<arrow::ArrayData>> BuildValues(const Field& field, const FieldData& data) {
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(field.type.Storage()));
  auto* list = static_cast<arrow::ListBuilder*>(builder.get());  // of arrays and sparse vectors only
  arrow::Status status;
  if (field.type.kind == TypeKind::kArray) {
    status = AppendArrays(field, data.scalars().array_data(), list);
  } else if (field.type.kind == TypeKind::kSparseVector) {
    status = AppendSparse(field, data.vectors().sparse_float_vector(), list);
  } else {
    status = AppendScalars(field, data.scalars(), field.type.kind, builder.get());
  }
  ARROW_RETURN_NOT_OK(status);
  std::shared_ptr<arrow::ArrayData> values;
  ARROW_RETURN_NOT_OK(builder->FinishInternal(&values));
  return values;
}

// The values as they stand in the reply, without nulls.
arrow::Result<std::shared_ptr<arrow::ArrayData>> DecodeValues(const Field& field, const FieldData& data, int64_t count,
                                                              const std::shared_ptr<const void>& owner) {
  const ScalarField& scalars = data.scalars();
  auto hold = [&](const auto& values) {
    return HoldValues(field.type.Storage(), values.data(), count * static_cast<int64_t>(sizeof *values.data()), count,
                      owner);
  };
  switch (field.type.kind) {
    case TypeKind::kInt32:
      return hold(scalars.int_data().data());
    case TypeKind::kInt64:
      return hold(scalars.long_data().data());
    case TypeKind::kFloat:
      return hold(scalars.float_data().data());
    case TypeKind::kDouble:
      return hold(scalars.double_data().data());
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kBFloat16Vector:
    case TypeKind::kInt8Vector:
    case TypeKind::kBinaryVector:
      return HoldVectors(field, data.vectors(), count, owner);
    default:
      return BuildValues(field, data);
  }
}

// Marks null rows among values that have a place for each row.
arrow::Result<std::shared_ptr<arrow::Array>> MarkNulls(std::shared_ptr<arrow::ArrayData> values, const FieldData& data,
                                                       int64_t nulls) {
  ARROW_ASSIGN_OR_RAISE(auto bitmap, arrow::AllocateEmptyBitmap(values->length));
  for (int row = 0; row < data.valid_data_size(); ++row) {
    arrow::bit_util::SetBitTo(bitmap->mutable_data(), row, data.valid_data(row));
  }
  values->buffers[0] = std::move(bitmap);
  values->null_count = nulls;
  return arrow::MakeArray(values);
}

// Gives null rows a place: the values hold only the others.
arrow::Result<std::shared_ptr<arrow::Array>> SpreadValues(std::shared_ptr<arrow::ArrayData> values,
                                                          const FieldData& data) {
  arrow::Int32Builder places;
  ARROW_RETURN_NOT_OK(places.Reserve(data.valid_data_size()));
  int32_t next = 0;
  for (bool valid : data.valid_data()) valid ? places.UnsafeAppend(next++) : places.UnsafeAppendNull();
  ARROW_ASSIGN_OR_RAISE(auto indexes, places.Finish());
  return arrow::compute::Take(*arrow::MakeArray(values), *indexes, arrow::compute::TakeOptions::NoBoundsCheck());
}

arrow::Result<std::shared_ptr<arrow::Array>> EmptyObjectsForNulls(const arrow::Array& column) {
  const auto& json = static_cast<const arrow::StringArray&>(column);
  arrow::StringBuilder builder;
  for (int64_t row = 0; row < json.length(); ++row) {
    ARROW_RETURN_NOT_OK(builder.Append(json.IsNull(row) ? std::string_view("{}") : json.GetView(row)));
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> DecodeColumn(const Field& field, const FieldData& data,
                                                          const std::shared_ptr<const void>& owner) {
  ARROW_ASSIGN_OR_RAISE(int64_t count, ValueCount(field, data));
  ARROW_ASSIGN_OR_RAISE(auto values, DecodeValues(field, data, count, owner));
  int64_t nulls = std::count(data.valid_data().begin(), data.valid_data().end(), false);
  int64_t rows = data.valid_data_size() > 0 ? data.valid_data_size() : count;
  if (count != rows && count != rows - nulls) {
    return Corrupt(field, fmt::format("the reply holds {} values for {} rows, {} of them null", count, rows, nulls));
  }
  if (nulls == 0) return arrow::MakeArray(values);
  if (!field.nullable && !field.dynamic) return Corrupt(field, "the reply holds a null, but the field is not nullable");
  ARROW_ASSIGN_OR_RAISE(auto column, count == rows ? MarkNulls(values, data, nulls) : SpreadValues(values, data));
  return field.nullable ? column : EmptyObjectsForNulls(*column);
}

const FieldData* FindColumn(const pb::QueryResults& reply, const Field& field) {
  for (const FieldData& data : reply.fields_data()) {
    if (data.field_name() == field.name || (field.dynamic && data.is_dynamic())) return &data;
  }
  return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// Encode

template <typename Array, typename Values>
void CopyValues(const arrow::Array& column, int64_t from, int64_t count, Values* out) {
  const auto* values = static_cast<const Array&>(column).raw_values() + from;
  out->Add(values, values + count);
}

// Values [from, from + count) of a scalar column. The arm is always set, also for no values: Milvus 2.3 dies of an
// array without one.
arrow::Status EncodeScalars(const arrow::Array& column, int64_t from, int64_t count, TypeKind kind, ScalarField* out) {
  switch (kind) {
    case TypeKind::kBool: {
      auto* values = out->mutable_bool_data()->mutable_data();
      const auto& bools = static_cast<const arrow::BooleanArray&>(column);
      for (int64_t i = from; i < from + count; ++i) values->Add(bools.Value(i));
      return arrow::Status::OK();
    }
    case TypeKind::kInt8:
      CopyValues<arrow::Int8Array>(column, from, count, out->mutable_int_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kInt16:
      CopyValues<arrow::Int16Array>(column, from, count, out->mutable_int_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kInt32:
      CopyValues<arrow::Int32Array>(column, from, count, out->mutable_int_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kInt64:
      CopyValues<arrow::Int64Array>(column, from, count, out->mutable_long_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kFloat:
      CopyValues<arrow::FloatArray>(column, from, count, out->mutable_float_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kDouble:
      CopyValues<arrow::DoubleArray>(column, from, count, out->mutable_double_data()->mutable_data());
      return arrow::Status::OK();
    case TypeKind::kString:
    case TypeKind::kJson: {
      auto* values = kind == TypeKind::kJson ? out->mutable_json_data()->mutable_data()
                                             : out->mutable_string_data()->mutable_data();
      const auto& strings = static_cast<const arrow::StringArray&>(column);
      values->Reserve(static_cast<int>(count));
      for (int64_t i = from; i < from + count; ++i) values->Add()->assign(strings.GetView(i));
      return arrow::Status::OK();
    }
    default:
      return MakeError(ErrorKind::kUnsupported, fmt::format("Milvus has no type {}", ToString(kind)));
  }
}

arrow::Status EncodeArrays(const Field& field, const arrow::ListArray& lists, schema_pb::ArrayArray* out) {
  auto element_type = DataTypeOf(field.type.element);
  if (element_type) out->set_element_type(*element_type);
  out->mutable_data()->Reserve(static_cast<int>(lists.length()));
  const arrow::Array& elements = *lists.values();
  for (int64_t row = 0; row < lists.length(); ++row) {
    int64_t from = lists.value_offset(row);
    int64_t count = lists.value_length(row);
    if (elements.null_count() > 0 && elements.Slice(from, count)->null_count() > 0) {
      return MakeError(ErrorKind::kRejected,
                       fmt::format("field {}: a null inside an array; Milvus has none", field.name));
    }
    ARROW_RETURN_NOT_OK(EncodeScalars(elements, from, count, field.type.element, out->add_data()));
  }
  return arrow::Status::OK();
}

void EncodeSparse(const arrow::ListArray& lists, schema_pb::SparseFloatArray* out) {
  const auto& pairs = static_cast<const arrow::StructArray&>(*lists.values());
  const auto indexes = std::static_pointer_cast<arrow::UInt32Array>(pairs.field(0));
  const auto values = std::static_pointer_cast<arrow::FloatArray>(pairs.field(1));
  int64_t dim = 0;
  for (int64_t row = 0; row < lists.length(); ++row) {
    std::string* bytes = out->add_contents();
    bytes->reserve(lists.value_length(row) * kSparsePairBytes);
    for (int64_t i = lists.value_offset(row); i < lists.value_offset(row + 1); ++i) {
      uint32_t index = indexes->Value(i);
      float value = values->Value(i);
      bytes->append(reinterpret_cast<const char*>(&index), sizeof index);
      bytes->append(reinterpret_cast<const char*>(&value), sizeof value);
      dim = std::max<int64_t>(dim, int64_t{index} + 1);
    }
  }
  out->set_dim(dim);
}

std::string_view ItemBytes(const arrow::Array& vectors) {
  if (vectors.type_id() == arrow::Type::FIXED_SIZE_BINARY) {
    const auto& rows = static_cast<const arrow::FixedSizeBinaryArray&>(vectors);
    return {reinterpret_cast<const char*>(rows.raw_values()), static_cast<size_t>(rows.length() * rows.byte_width())};
  }
  const auto& rows = static_cast<const arrow::FixedSizeListArray&>(vectors);
  const arrow::ArrayData& items = *rows.values()->data();
  size_t width = static_cast<size_t>(items.type->byte_width());
  const char* data = reinterpret_cast<const char*>(items.GetValues<uint8_t>(1, 0));
  size_t first = static_cast<size_t>(items.offset + rows.value_offset(0));
  return {data + first * width, static_cast<size_t>(rows.length() * rows.value_length()) * width};
}

arrow::Status EncodeVectors(const Field& field, const arrow::Array& column, VectorField* out) {
  if (field.type.kind == TypeKind::kSparseVector) {
    EncodeSparse(static_cast<const arrow::ListArray&>(column), out->mutable_sparse_float_vector());
    out->set_dim(out->sparse_float_vector().dim());
    return arrow::Status::OK();
  }
  out->set_dim(field.type.dim);
  std::string_view bytes = ItemBytes(column);
  switch (field.type.kind) {
    case TypeKind::kFloatVector: {
      const auto* floats = reinterpret_cast<const float*>(bytes.data());
      out->mutable_float_vector()->mutable_data()->Add(floats, floats + bytes.size() / sizeof(float));
      return arrow::Status::OK();
    }
    case TypeKind::kFloat16Vector:
      out->mutable_float16_vector()->assign(bytes);
      return arrow::Status::OK();
    case TypeKind::kBFloat16Vector:
      out->mutable_bfloat16_vector()->assign(bytes);
      return arrow::Status::OK();
    case TypeKind::kInt8Vector:
      out->mutable_int8_vector()->assign(bytes);
      return arrow::Status::OK();
    default:
      out->mutable_binary_vector()->assign(bytes);
      return arrow::Status::OK();
  }
}

arrow::Status EncodeColumn(const Field& field, std::shared_ptr<arrow::Array> column, FieldData* out) {
  auto type = DataTypeOf(field.type.kind);
  if (!type || !column->type()->Equals(*field.type.Storage())) {
    return MakeError(ErrorKind::kInternal, fmt::format("field {}: a column of {} for a {}", field.name,
                                                       column->type()->ToString(), field.type.Name()));
  }
  out->set_type(*type);
  out->set_field_name(field.name);
  out->set_is_dynamic(field.dynamic);
  if (column->null_count() > 0 && !field.nullable) {
    return MakeError(ErrorKind::kRejected, fmt::format("field {}: a null, but the field is not nullable", field.name));
  }
  if (field.nullable) {  // an insert holds only the values that are there
    for (int64_t row = 0; row < column->length(); ++row) out->add_valid_data(column->IsValid(row));
    if (column->null_count() > 0) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::compute::DropNull(*column));
    }
  }
  if (field.type.is_vector()) return EncodeVectors(field, *column, out->mutable_vectors());
  if (field.type.kind == TypeKind::kArray) {
    return EncodeArrays(field, static_cast<const arrow::ListArray&>(*column),
                        out->mutable_scalars()->mutable_array_data());
  }
  return EncodeScalars(*column, 0, column->length(), field.type.kind, out->mutable_scalars());
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> DecodeRows(std::shared_ptr<const pb::QueryResults> reply,
                                                              const CollectionSchema& schema) {
  auto arrow_schema = schema.ArrowSchema();
  if (reply->fields_data_size() == 0) return arrow::RecordBatch::MakeEmpty(arrow_schema);
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(schema.fields.size());
  for (const Field& field : schema.fields) {
    const FieldData* data = FindColumn(*reply, field);
    if (data == nullptr) return Corrupt(field, "the reply does not hold it");
    ARROW_ASSIGN_OR_RAISE(auto column, DecodeColumn(field, *data, reply));
    if (!columns.empty() && column->length() != columns.front()->length()) {
      return Corrupt(field, fmt::format("the reply holds {} rows of it, and {} of {}", column->length(),
                                        columns.front()->length(), schema.fields.front().name));
    }
    columns.push_back(std::move(column));
  }
  int64_t rows = columns.empty() ? 0 : columns.front()->length();
  return arrow::RecordBatch::Make(std::move(arrow_schema), rows, std::move(columns));
}

arrow::Status EncodeRows(const arrow::RecordBatch& rows, int64_t from, int64_t to, const CollectionSchema& schema,
                         FieldDataList* out) {
  out->Clear();
  if (rows.num_columns() != static_cast<int>(schema.fields.size())) {
    return MakeError(ErrorKind::kInternal, fmt::format("{} columns for the {} fields of {}", rows.num_columns(),
                                                       schema.fields.size(), schema.ref.ToString()));
  }
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    if (field.primary_key && field.auto_id) continue;
    auto column = rows.column(static_cast<int>(i))->Slice(from, to - from);
    ARROW_RETURN_NOT_OK(EncodeColumn(field, std::move(column), out->Add()));
  }
  return arrow::Status::OK();
}

}  // namespace godwit::milvus
