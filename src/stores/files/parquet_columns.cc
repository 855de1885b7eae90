#include "stores/files/parquet_columns.h"

#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/extension/fixed_shape_tensor.h>
#include <arrow/extension/json.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

namespace godwit::files {
namespace {

constexpr char kExtensionName[] = "ARROW:extension:name";
constexpr char kExtensionMetadata[] = "ARROW:extension:metadata";
constexpr std::string_view kOwnExtension = "godwit.";

bool IsListVector(TypeKind kind) {
  return kind == TypeKind::kFloatVector || kind == TypeKind::kFloat16Vector || kind == TypeKind::kInt8Vector;
}

arrow::Status CorruptColumn(const Field& field, const std::string& what) {
  return MakeError(ErrorKind::kCorruptData, "field '" + field.name + "' " + what);
}

// ---------------------------------------------------------------------------------------------------------------------
// Inference

std::string ExtensionNameOf(const arrow::Field& column) {
  if (column.type()->id() == arrow::Type::EXTENSION) {
    return static_cast<const arrow::ExtensionType&>(*column.type()).extension_name();
  }
  if (column.metadata() == nullptr) return {};
  return column.metadata()->Get(kExtensionName).ValueOr(std::string());
}

/// The type that holds the values, without extension and dictionary.
std::shared_ptr<arrow::DataType> PlainType(std::shared_ptr<arrow::DataType> type) {
  if (type->id() == arrow::Type::EXTENSION) type = static_cast<const arrow::ExtensionType&>(*type).storage_type();
  if (type->id() == arrow::Type::DICTIONARY) type = static_cast<const arrow::DictionaryType&>(*type).value_type();
  return type;
}

std::optional<Type> DecimalType(const arrow::DataType& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  if (decimal.precision() > 38) return std::nullopt;
  return Type{.kind = TypeKind::kDecimal, .precision = decimal.precision(), .scale = decimal.scale()};
}

/// The smallest type of the model that holds every value.
std::optional<Type> ScalarType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return Type::Of(TypeKind::kBool);
    case arrow::Type::INT8:
      return Type::Of(TypeKind::kInt8);
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
      return Type::Of(TypeKind::kInt16);
    case arrow::Type::INT32:
    case arrow::Type::UINT16:
      return Type::Of(TypeKind::kInt32);
    case arrow::Type::INT64:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:  // keys mostly; a value above the largest int64 is an error when it is read
      return Type::Of(TypeKind::kInt64);
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return Type::Of(TypeKind::kFloat);
    case arrow::Type::DOUBLE:
      return Type::Of(TypeKind::kDouble);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return Type::Of(TypeKind::kString);
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return Type::Of(TypeKind::kBytes);
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return Type::Of(TypeKind::kDate);
    case arrow::Type::TIMESTAMP:
      return Type{.kind = TypeKind::kTimestamp,
                  .utc = !static_cast<const arrow::TimestampType&>(type).timezone().empty()};
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return DecimalType(type);
    default:
      return std::nullopt;
  }
}

std::optional<Type> VectorType(const arrow::DataType& element, int32_t dim) {
  switch (element.id()) {
    case arrow::Type::FLOAT:
      return Type::Vector(TypeKind::kFloatVector, dim);
    case arrow::Type::HALF_FLOAT:
      return Type::Vector(TypeKind::kFloat16Vector, dim);
    case arrow::Type::INT8:
      return Type::Vector(TypeKind::kInt8Vector, dim);
    default:
      return std::nullopt;
  }
}

std::optional<Type> ListType(const std::string& name, const arrow::DataType& list,
                             const std::map<std::string, int32_t>& vectors) {
  std::shared_ptr<arrow::DataType> element = PlainType(list.field(0)->type());
  if (auto declared = vectors.find(name); declared != vectors.end()) {
    if (element->id() == arrow::Type::DOUBLE) element = arrow::float32();
    return VectorType(*element, declared->second);
  }
  if (list.id() == arrow::Type::FIXED_SIZE_LIST) {
    auto vector = VectorType(*element, static_cast<const arrow::FixedSizeListType&>(list).list_size());
    if (vector) return vector;
  }
  std::optional<Type> scalar = ScalarType(*element);
  if (!scalar || scalar->kind == TypeKind::kDecimal) return std::nullopt;
  Type type = Type::Array(scalar->kind);
  type.utc = scalar->utc;
  return type;
}

std::optional<Type> OwnExtensionType(std::string_view name, const arrow::DataType& storage) {
  if (name == "godwit.sparse_vector") return Type::Of(TypeKind::kSparseVector);
  if (storage.id() != arrow::Type::FIXED_SIZE_BINARY) return std::nullopt;
  int32_t width = static_cast<const arrow::FixedSizeBinaryType&>(storage).byte_width();
  if (name == "godwit.bfloat16_vector") return Type::Vector(TypeKind::kBFloat16Vector, width / 2);
  if (name == "godwit.binary_vector") return Type::Vector(TypeKind::kBinaryVector, width * 8);
  return std::nullopt;
}

std::optional<Type> InferType(const arrow::Field& column, const std::map<std::string, int32_t>& vectors) {
  std::string extension = ExtensionNameOf(column);
  std::shared_ptr<arrow::DataType> type = PlainType(column.type());
  if (extension.starts_with(kOwnExtension)) return OwnExtensionType(extension, *type);
  if (extension == "arrow.json") return Type::Of(TypeKind::kJson);
  if (column.type()->id() == arrow::Type::EXTENSION && extension == "arrow.fixed_shape_tensor" &&
      static_cast<const arrow::extension::FixedShapeTensorType&>(*column.type()).ndim() != 1) {
    return std::nullopt;
  }
  switch (type->id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return ListType(column.name(), *type, vectors);
    default:
      return ScalarType(*type);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

/// The same buffers under another type that only differs in names and nullability; null when it differs in more.
std::shared_ptr<arrow::ArrayData> Retyped(const arrow::ArrayData& data, const std::shared_ptr<arrow::DataType>& type) {
  if (data.type->id() != type->id() || data.type->num_fields() != type->num_fields()) return nullptr;
  if (type->num_fields() == 0 && !data.type->Equals(*type)) return nullptr;
  if (type->id() == arrow::Type::FIXED_SIZE_LIST &&
      static_cast<const arrow::FixedSizeListType&>(*data.type).list_size() !=
          static_cast<const arrow::FixedSizeListType&>(*type).list_size()) {
    return nullptr;
  }
  auto retyped = data.Copy();
  retyped->type = type;
  for (int i = 0; i < type->num_fields(); ++i) {
    retyped->child_data[static_cast<size_t>(i)] =
        Retyped(*data.child_data[static_cast<size_t>(i)], type->field(i)->type());
    if (retyped->child_data[static_cast<size_t>(i)] == nullptr) return nullptr;
  }
  return retyped;
}

arrow::Result<std::shared_ptr<arrow::Array>> CastTo(const Field& field, const arrow::Array& column,
                                                    const std::shared_ptr<arrow::DataType>& type) {
  auto cast = arrow::compute::Cast(column, type);
  if (cast.ok() && column.type_id() == arrow::Type::DOUBLE && type->id() == arrow::Type::FLOAT) {
    const auto& wide = static_cast<const arrow::DoubleArray&>(column);
    const auto& narrow = static_cast<const arrow::FloatArray&>(**cast);
    for (int64_t i = 0; i < wide.length(); ++i) {
      if (!std::isfinite(wide.Value(i)) || std::isfinite(narrow.Value(i)) || wide.IsNull(i)) continue;
      return CorruptColumn(field, fmt::format("the number {} is too large for a float", wide.Value(i)));
    }
  }
  if (cast.ok()) return cast;
  return CorruptColumn(field, "can't be read as " + type->ToString() + ": " + cast.status().message());
}

arrow::Result<std::shared_ptr<arrow::Array>> WithoutWrapping(const Field& field, std::shared_ptr<arrow::Array> column) {
  if (column->type_id() == arrow::Type::EXTENSION) {
    column = static_cast<const arrow::ExtensionArray&>(*column).storage();
  }
  if (column->type_id() != arrow::Type::DICTIONARY) return column;
  return CastTo(field, *column, PlainType(column->type()));
}

/// Rows of a list of any kind: row i is the elements [start(i), start(i) + length(i)).
struct ListRows {
  std::shared_ptr<arrow::Array> array;
  std::shared_ptr<arrow::Array> elements;

  template <typename List>
  static ListRows Of(const std::shared_ptr<arrow::Array>& array) {
    return {array, static_cast<const List&>(*array).values()};
  }
  int64_t start(int64_t row) const {
    switch (array->type_id()) {
      case arrow::Type::LIST:
        return static_cast<const arrow::ListArray&>(*array).value_offset(row);
      case arrow::Type::LARGE_LIST:
        return static_cast<const arrow::LargeListArray&>(*array).value_offset(row);
      default:
        return static_cast<const arrow::FixedSizeListArray&>(*array).value_offset(row);
    }
  }
  int64_t length(int64_t row) const {
    return array->type_id() == arrow::Type::FIXED_SIZE_LIST
               ? static_cast<const arrow::FixedSizeListArray&>(*array).value_length()
               : start(row + 1) - start(row);
  }
};

arrow::Result<ListRows> RowsOf(const Field& field, const std::shared_ptr<arrow::Array>& column) {
  switch (column->type_id()) {
    case arrow::Type::LIST:
      return ListRows::Of<arrow::ListArray>(column);
    case arrow::Type::LARGE_LIST:
      return ListRows::Of<arrow::LargeListArray>(column);
    case arrow::Type::FIXED_SIZE_LIST:
      return ListRows::Of<arrow::FixedSizeListArray>(column);
    default:
      return CorruptColumn(field, "is no list but " + column->type()->ToString());
  }
}

arrow::Status CheckVectors(const Field& field, const ListRows& rows) {
  const bool null_elements = rows.elements->null_count() > 0;
  if (!null_elements && rows.array->type_id() == arrow::Type::FIXED_SIZE_LIST && rows.length(0) == field.type.dim) {
    return arrow::Status::OK();
  }
  for (int64_t i = 0; i < rows.array->length(); ++i) {
    if (rows.array->IsNull(i)) continue;
    if (rows.length(i) != field.type.dim) {
      return CorruptColumn(
          field, fmt::format("holds a vector of {} values where its dimension is {}", rows.length(i), field.type.dim));
    }
    for (int64_t k = 0; null_elements && k < field.type.dim; ++k) {
      if (rows.elements->IsNull(rows.start(i) + k)) return CorruptColumn(field, "holds a vector with a null inside");
    }
  }
  return arrow::Status::OK();
}

/// The elements of all rows side by side, with zeros for a null row.
arrow::Result<std::shared_ptr<arrow::ArrayData>> SpreadElements(const Field& field, const ListRows& rows) {
  const int64_t count = rows.array->length();
  const auto& type = rows.elements->type();
  const int64_t width = type->byte_width();
  const int64_t row_bytes = width * field.type.dim;
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(count * row_bytes));
  const arrow::ArrayData& elements = *rows.elements->data();
  for (int64_t i = 0; i < count; ++i) {
    uint8_t* out = buffer->mutable_data() + i * row_bytes;
    if (rows.array->IsNull(i)) {
      std::memset(out, 0, static_cast<size_t>(row_bytes));
    } else {
      std::memcpy(out, elements.buffers[1]->data() + (elements.offset + rows.start(i)) * width,
                  static_cast<size_t>(row_bytes));
    }
  }
  return arrow::ArrayData::Make(type, count * field.type.dim, {nullptr, std::move(buffer)}, 0);
}

arrow::Result<std::shared_ptr<arrow::Array>> ReadVectors(const Field& field,
                                                         const std::shared_ptr<arrow::Array>& column) {
  const auto storage = field.type.Storage();
  const auto& element_type = storage->field(0)->type();
  ARROW_ASSIGN_OR_RAISE(ListRows rows, RowsOf(field, column));
  ARROW_RETURN_NOT_OK(CheckVectors(field, rows));
  if (!rows.elements->type()->Equals(*element_type)) {
    ARROW_ASSIGN_OR_RAISE(rows.elements, CastTo(field, *rows.elements, element_type));
  }
  const int64_t count = column->length();
  if (column->null_count() == 0) {
    auto elements = rows.elements->Slice(count == 0 ? 0 : rows.start(0), count * field.type.dim);
    return arrow::MakeArray(arrow::ArrayData::Make(storage, count, {nullptr}, {elements->data()}, 0));
  }
  ARROW_ASSIGN_OR_RAISE(auto elements, SpreadElements(field, rows));
  ARROW_ASSIGN_OR_RAISE(
      auto validity,
      arrow::internal::CopyBitmap(arrow::default_memory_pool(), column->null_bitmap_data(), column->offset(), count));
  return arrow::MakeArray(
      arrow::ArrayData::Make(storage, count, {std::move(validity)}, {std::move(elements)}, column->null_count()));
}

arrow::Status CheckNulls(const Field& field, const arrow::Array& column) {
  if (!field.nullable && column.null_count() > 0) {
    return CorruptColumn(field, fmt::format("is declared not null and holds {} nulls", column.null_count()));
  }
  if (field.type.kind != TypeKind::kSparseVector) return arrow::Status::OK();
  const auto& pairs = static_cast<const arrow::StructArray&>(*static_cast<const arrow::ListArray&>(column).values());
  if (pairs.null_count() + pairs.field(0)->null_count() + pairs.field(1)->null_count() == 0) return arrow::Status::OK();
  return CorruptColumn(field, "holds a sparse vector with a null inside");
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing

/// The elements of the rows that are not null, side by side.
arrow::Result<std::shared_ptr<arrow::ArrayData>> PresentElements(const arrow::FixedSizeListArray& vectors) {
  const int64_t dim = vectors.value_length();
  const arrow::ArrayData& elements = *vectors.values()->data();
  if (vectors.null_count() == 0) return elements.Slice(vectors.value_offset(0), vectors.length() * dim);
  const int64_t width = elements.type->byte_width();
  const int64_t present = vectors.length() - vectors.null_count();
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(present * dim * width));
  uint8_t* out = buffer->mutable_data();
  for (int64_t i = 0; i < vectors.length(); ++i) {
    if (vectors.IsNull(i)) continue;
    std::memcpy(out, elements.buffers[1]->data() + (elements.offset + vectors.value_offset(i)) * width,
                static_cast<size_t>(dim * width));
    out += dim * width;
  }
  return arrow::ArrayData::Make(elements.type, present * dim, {nullptr, std::move(buffer)}, 0);
}

/// fixed_size_list -> list; a null row has no elements.
arrow::Result<std::shared_ptr<arrow::Array>> AsPlainLists(const arrow::FixedSizeListArray& vectors) {
  const int64_t count = vectors.length();
  ARROW_ASSIGN_OR_RAISE(auto elements, PresentElements(vectors));
  ARROW_ASSIGN_OR_RAISE(auto offsets, arrow::AllocateBuffer((count + 1) * static_cast<int64_t>(sizeof(int32_t))));
  auto* offset = offsets->mutable_data_as<int32_t>();
  offset[0] = 0;
  for (int64_t i = 0; i < count; ++i) offset[i + 1] = offset[i] + (vectors.IsNull(i) ? 0 : vectors.value_length());
  std::shared_ptr<arrow::Buffer> validity;
  if (vectors.null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::internal::CopyBitmap(arrow::default_memory_pool(),
                                                                vectors.null_bitmap_data(), vectors.offset(), count));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::list(vectors.type()->field(0)), count,
                                                 {std::move(validity), std::move(offsets)}, {std::move(elements)},
                                                 vectors.null_count()));
}

}  // namespace

std::shared_ptr<arrow::Schema> FileSchema(const CollectionSchema& schema) {
  arrow::FieldVector columns;
  for (const Field& field : schema.fields) {
    std::shared_ptr<arrow::DataType> type = field.type.Storage();
    std::shared_ptr<arrow::KeyValueMetadata> metadata;
    switch (field.type.kind) {
      case TypeKind::kJson:
        type = arrow::extension::json();
        break;
      case TypeKind::kFloatVector:
      case TypeKind::kFloat16Vector:
      case TypeKind::kInt8Vector:
        if (field.nullable) type = arrow::list(type->field(0));
        break;
      case TypeKind::kBFloat16Vector:
      case TypeKind::kBinaryVector:
      case TypeKind::kSparseVector:
        metadata = arrow::key_value_metadata({kExtensionName, kExtensionMetadata},
                                             {std::string(kOwnExtension) + std::string(ToString(field.type.kind)), ""});
        break;
      default:
        break;
    }
    columns.push_back(arrow::field(field.name, std::move(type), field.nullable, std::move(metadata)));
  }
  return arrow::schema(std::move(columns));
}

arrow::Result<std::shared_ptr<arrow::Array>> ToFileColumn(const Field& field, std::shared_ptr<arrow::Array> column) {
  if (field.type.kind == TypeKind::kJson) return arrow::ExtensionType::WrapArray(arrow::extension::json(), column);
  if (IsListVector(field.type.kind) && field.nullable) {
    return AsPlainLists(static_cast<const arrow::FixedSizeListArray&>(*column));
  }
  return column;
}

arrow::Result<Field> InferField(const arrow::Field& column, const std::map<std::string, int32_t>& vectors) {
  auto type = InferType(column, vectors);
  if (type) return Field{.name = column.name(), .type = *type, .nullable = column.nullable()};
  return MakeError(ErrorKind::kUnsupported,
                   "field '" + column.name() + "' is " + column.type()->ToString() +
                       ", for which godwit has no type; write the file without it, or with a type that the "
                       "room's README lists");
}

arrow::Result<std::shared_ptr<arrow::Array>> FromFileColumn(const Field& field, std::shared_ptr<arrow::Array> column) {
  ARROW_ASSIGN_OR_RAISE(column, WithoutWrapping(field, std::move(column)));
  const auto storage = field.type.Storage();
  if (IsListVector(field.type.kind)) {
    ARROW_ASSIGN_OR_RAISE(column, ReadVectors(field, column));
  } else if (auto retyped = Retyped(*column->data(), storage)) {
    column = arrow::MakeArray(std::move(retyped));
  } else {
    ARROW_ASSIGN_OR_RAISE(column, CastTo(field, *column, storage));
  }
  ARROW_RETURN_NOT_OK(CheckNulls(field, *column));
  return column;
}

}  // namespace godwit::files
