#include "stores/sqlite/codec.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <simdjson.h>

namespace godwit::sqlite {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors are copied as they are in memory");

constexpr std::string_view kNan = "NaN";
constexpr std::string_view kInfinity = "Infinity";
constexpr std::string_view kMinusInfinity = "-Infinity";

template <typename Array>
const Array& As(const arrow::Array& column) {
  return static_cast<const Array&>(column);
}

int64_t IntegerAt(TypeKind kind, const arrow::Array& column, int64_t row) {
  switch (kind) {
    case TypeKind::kBool:
      return As<arrow::BooleanArray>(column).Value(row) ? 1 : 0;
    case TypeKind::kInt8:
      return As<arrow::Int8Array>(column).Value(row);
    case TypeKind::kInt16:
      return As<arrow::Int16Array>(column).Value(row);
    case TypeKind::kInt32:
      return As<arrow::Int32Array>(column).Value(row);
    case TypeKind::kTimestamp:
      return As<arrow::TimestampArray>(column).Value(row);
    case TypeKind::kDate:
      return As<arrow::Date32Array>(column).Value(row);
    default:
      return As<arrow::Int64Array>(column).Value(row);
  }
}

/// The bytes of one dense vector.
std::string_view VectorAt(const arrow::Array& column, int64_t row) {
  if (column.type_id() == arrow::Type::FIXED_SIZE_BINARY) return As<arrow::FixedSizeBinaryArray>(column).GetView(row);
  const auto& list = As<arrow::FixedSizeListArray>(column);
  const auto& items = As<arrow::PrimitiveArray>(*list.values());
  const int64_t item_bytes = items.type()->byte_width();
  const auto* data = reinterpret_cast<const char*>(items.values()->data());
  return {data + (items.offset() + list.value_offset(row)) * item_bytes,
          static_cast<size_t>(list.list_type()->list_size() * item_bytes)};
}

// ---------------------------------------------------------------------------------------------------------------------
// Arrays as JSON

template <typename Number>
void AppendNumber(Number number, std::string* json) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) {
      *json += '"';
      *json += std::isnan(number) ? kNan : number > 0 ? kInfinity : kMinusInfinity;
      *json += '"';
      return;
    }
  }
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
  json->append(text.data(), result.ptr);
}

void AppendJsonString(std::string_view text, std::string* json) {
  constexpr std::string_view kHex = "0123456789abcdef";
  *json += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      *json += "\\u00";
      *json += kHex[byte >> 4];
      *json += kHex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') *json += '\\';
    *json += c;
  }
  *json += '"';
}

void AppendElement(TypeKind kind, const arrow::Array& items, int64_t i, std::string* json) {
  if (items.IsNull(i)) {
    *json += "null";
    return;
  }
  switch (kind) {
    case TypeKind::kBool:
      *json += As<arrow::BooleanArray>(items).Value(i) ? "true" : "false";
      return;
    case TypeKind::kFloat:
      return AppendNumber(As<arrow::FloatArray>(items).Value(i), json);
    case TypeKind::kDouble:
      return AppendNumber(As<arrow::DoubleArray>(items).Value(i), json);
    case TypeKind::kString:
    case TypeKind::kJson:
      return AppendJsonString(As<arrow::StringArray>(items).GetView(i), json);
    default:
      return AppendNumber(IntegerAt(kind, items, i), json);
  }
}

std::string ArrayJson(TypeKind element, const arrow::ListArray& list, int64_t row) {
  std::string json = "[";
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    if (json.size() > 1) json += ',';
    AppendElement(element, *list.values(), i, &json);
  }
  return json + "]";
}

// ---------------------------------------------------------------------------------------------------------------------
// Sparse vectors: pairs of uint32 index and float value

struct SparsePair {
  uint32_t index;
  float value;
};
static_assert(sizeof(SparsePair) == 8);

std::string SparseBytes(const arrow::ListArray& list, int64_t row) {
  const auto& pairs = As<arrow::StructArray>(*list.values());
  const auto& indexes = As<arrow::UInt32Array>(*pairs.field(0));
  const auto& values = As<arrow::FloatArray>(*pairs.field(1));
  std::string bytes;
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    const SparsePair pair{indexes.Value(i), values.Value(i)};
    bytes.append(reinterpret_cast<const char*>(&pair), sizeof pair);
  }
  return bytes;
}

arrow::Status AppendSparse(std::string_view bytes, arrow::ArrayBuilder* builder) {
  auto* list = static_cast<arrow::ListBuilder*>(builder);
  auto* pairs = static_cast<arrow::StructBuilder*>(list->value_builder());
  auto* indexes = static_cast<arrow::UInt32Builder*>(pairs->field_builder(0));
  auto* values = static_cast<arrow::FloatBuilder*>(pairs->field_builder(1));
  if (bytes.size() % sizeof(SparsePair) != 0) {
    return MakeError(ErrorKind::kCorruptData, "holds " + std::to_string(bytes.size()) + " bytes, no pairs of 8");
  }
  ARROW_RETURN_NOT_OK(list->Append());
  int64_t last = -1;
  for (size_t at = 0; at < bytes.size(); at += sizeof(SparsePair)) {
    SparsePair pair;
    std::memcpy(&pair, bytes.data() + at, sizeof pair);
    if (pair.index <= last) return MakeError(ErrorKind::kCorruptData, "holds indexes that do not ascend");
    last = pair.index;
    ARROW_RETURN_NOT_OK(pairs->Append());
    ARROW_RETURN_NOT_OK(indexes->Append(pair.index));
    ARROW_RETURN_NOT_OK(values->Append(pair.value));
  }
  return arrow::Status::OK();
}

// ---------------------------------------------------------------------------------------------------------------------
// Decoding

arrow::Status Unexpected(const SqliteStatement& statement, int column, std::string_view expected) {
  static constexpr std::array<std::string_view, 6> kTypes = {"", "an integer", "a real", "a text", "a blob", "NULL"};
  return MakeError(ErrorKind::kCorruptData, "holds " +
                                                std::string(kTypes[static_cast<size_t>(statement.type(column))]) +
                                                " instead of " + std::string(expected));
}

arrow::Result<int64_t> ReadInteger(const SqliteStatement& statement, int column, int64_t min, int64_t max) {
  if (statement.type(column) != SQLITE_INTEGER) return Unexpected(statement, column, "an integer");
  const int64_t value = statement.Int(column);
  if (value >= min && value <= max) return value;
  return MakeError(ErrorKind::kCorruptData, "holds " + std::to_string(value) + ", out of range " + std::to_string(min) +
                                                " to " + std::to_string(max));
}

template <typename Builder>
arrow::Status AppendInteger(const SqliteStatement& statement, int column, arrow::ArrayBuilder* builder) {
  using Limits = std::numeric_limits<typename Builder::value_type>;
  ARROW_ASSIGN_OR_RAISE(int64_t value, ReadInteger(statement, column, Limits::min(), Limits::max()));
  return static_cast<Builder*>(builder)->Append(static_cast<typename Builder::value_type>(value));
}

arrow::Result<double> ReadDouble(const SqliteStatement& statement, int column) {
  constexpr int64_t kExactBelow = int64_t{1} << 53;
  switch (statement.type(column)) {
    case SQLITE_FLOAT:
      return statement.Double(column);
    case SQLITE_INTEGER:
      if (std::abs(statement.Double(column)) < static_cast<double>(kExactBelow)) return statement.Double(column);
      return Unexpected(statement, column, "a real, and no double is equal to it");
    case SQLITE_TEXT:
      if (statement.Text(column) == kNan) return std::numeric_limits<double>::quiet_NaN();
      return Unexpected(statement, column, "a real");
    default:
      return Unexpected(statement, column, "a real");
  }
}

arrow::Result<std::string_view> ReadText(const SqliteStatement& statement, int column) {
  if (statement.type(column) != SQLITE_TEXT) return Unexpected(statement, column, "a text");
  const std::string_view text = statement.Text(column);
  if (simdjson::validate_utf8(text)) return text;
  return MakeError(ErrorKind::kCorruptData, "holds text that is not UTF-8");
}

arrow::Result<std::string_view> ReadBlob(const SqliteStatement& statement, int column) {
  if (statement.type(column) != SQLITE_BLOB) return Unexpected(statement, column, "a blob");
  return statement.Text(column);
}

arrow::Status AppendDecimal(const Type& type, std::string_view text, arrow::ArrayBuilder* builder) {
  arrow::Decimal128 value;
  int32_t precision = 0;
  int32_t scale = 0;
  arrow::Status status = arrow::Decimal128::FromString(text, &value, &precision, &scale);
  if (status.ok()) status = value.Rescale(scale, type.scale).Value(&value);
  if (!status.ok() || !value.FitsInPrecision(type.precision)) {
    return MakeError(ErrorKind::kCorruptData, "holds '" + std::string(text) + "', which is no " + type.Name());
  }
  return static_cast<arrow::Decimal128Builder*>(builder)->Append(value);
}

arrow::Status AppendVector(const Type& type, std::string_view bytes, arrow::ArrayBuilder* builder) {
  if (static_cast<int64_t>(bytes.size()) != type.EstimatedBytes()) {
    return MakeError(ErrorKind::kCorruptData, "holds " + std::to_string(bytes.size()) + " bytes instead of the " +
                                                  std::to_string(type.EstimatedBytes()) + " of a " + type.Name());
  }
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (type.kind == TypeKind::kBinaryVector || type.kind == TypeKind::kBFloat16Vector) {
    return static_cast<arrow::FixedSizeBinaryBuilder*>(builder)->Append(data);
  }
  auto* list = static_cast<arrow::FixedSizeListBuilder*>(builder);
  ARROW_RETURN_NOT_OK(list->Append());
  arrow::ArrayBuilder* items = list->value_builder();
  switch (type.kind) {
    case TypeKind::kFloatVector:
      return static_cast<arrow::FloatBuilder*>(items)->AppendValues(reinterpret_cast<const float*>(data), type.dim);
    case TypeKind::kFloat16Vector:
      return static_cast<arrow::HalfFloatBuilder*>(items)->AppendValues(reinterpret_cast<const uint16_t*>(data),
                                                                        type.dim);
    default:
      return static_cast<arrow::Int8Builder*>(items)->AppendValues(reinterpret_cast<const int8_t*>(data), type.dim);
  }
}

template <typename Number>
arrow::Result<Number> ParseNumber(std::string_view token) {
  Number number{};
  // from_chars takes spellings of NaN and infinity that are no JSON.
  const bool is_number = !token.empty() && token.find_first_of("0123456789") <= 1;
  // A token ends at the next one, so white space may follow it.
  const std::string_view text = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (is_number && error == std::errc() && end == text.data() + text.size()) return number;
  if constexpr (std::is_floating_point_v<Number>) {
    using Limits = std::numeric_limits<Number>;
    if (text == "\"NaN\"") return Limits::quiet_NaN();
    if (text == "\"Infinity\"") return Limits::infinity();
    if (text == "\"-Infinity\"") return -Limits::infinity();
  }
  return MakeError(ErrorKind::kCorruptData, "holds the array element " + std::string(text) + ", which does not fit");
}

template <typename Builder>
arrow::Status AppendParsed(simdjson::ondemand::value element, arrow::ArrayBuilder* builder) {
  ARROW_ASSIGN_OR_RAISE(auto number, ParseNumber<typename Builder::value_type>(element.raw_json_token()));
  return static_cast<Builder*>(builder)->Append(number);
}

arrow::Status AppendJsonElement(TypeKind kind, simdjson::ondemand::value element, arrow::ArrayBuilder* builder) {
  switch (kind) {
    case TypeKind::kInt8:
      return AppendParsed<arrow::Int8Builder>(element, builder);
    case TypeKind::kInt16:
      return AppendParsed<arrow::Int16Builder>(element, builder);
    case TypeKind::kInt32:
      return AppendParsed<arrow::Int32Builder>(element, builder);
    case TypeKind::kInt64:
      return AppendParsed<arrow::Int64Builder>(element, builder);
    case TypeKind::kFloat:
      return AppendParsed<arrow::FloatBuilder>(element, builder);
    case TypeKind::kDouble:
      return AppendParsed<arrow::DoubleBuilder>(element, builder);
    case TypeKind::kTimestamp:
      return AppendParsed<arrow::TimestampBuilder>(element, builder);
    case TypeKind::kDate:
      return AppendParsed<arrow::Date32Builder>(element, builder);
    case TypeKind::kBool: {
      bool value = false;
      if (element.get_bool().get(value) == simdjson::SUCCESS) {
        return static_cast<arrow::BooleanBuilder*>(builder)->Append(value);
      }
      break;
    }
    default: {
      std::string_view value;
      if (element.get_string().get(value) == simdjson::SUCCESS) {
        return static_cast<arrow::StringBuilder*>(builder)->Append(value);
      }
      break;
    }
  }
  return MakeError(ErrorKind::kCorruptData, "holds an array element that is no " + std::string(ToString(kind)));
}

arrow::Status AppendJsonArray(TypeKind element, std::string_view json, arrow::ArrayBuilder* builder) {
  auto* list = static_cast<arrow::ListBuilder*>(builder);
  thread_local simdjson::ondemand::parser parser;  // keeps its buffers
  const simdjson::padded_string padded(json);
  simdjson::ondemand::document document;
  simdjson::ondemand::array elements;
  if (parser.iterate(padded).get(document) || document.get_array().get(elements)) {
    return MakeError(ErrorKind::kCorruptData, "holds text that is no JSON array");
  }
  ARROW_RETURN_NOT_OK(list->Append());
  for (auto next : elements) {
    simdjson::ondemand::value value;
    bool is_null = false;
    if (next.get(value) || value.is_null().get(is_null)) {
      return MakeError(ErrorKind::kCorruptData, "holds text that is no JSON array");
    }
    ARROW_RETURN_NOT_OK(is_null ? list->value_builder()->AppendNull()
                                : AppendJsonElement(element, value, list->value_builder()));
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return MakeError(ErrorKind::kCorruptData, "holds text after a JSON array");
  }
  return arrow::Status::OK();
}

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

std::string_view DeclaredType(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDate:
      return "INTEGER";
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      return "";
    case TypeKind::kString:
    case TypeKind::kJson:
    case TypeKind::kDecimal:
    case TypeKind::kArray:
      return "TEXT";
    default:
      return "BLOB";
  }
}

arrow::Result<Type> InferType(std::string_view declared) {
  std::string upper(declared);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  // SQLite's own rules for the affinity of a column, as far as they leave no doubt: https://sqlite.org/datatype3.html
  if (ContainsAny(upper, {"BOOL"})) return Type::Of(TypeKind::kBool);
  if (ContainsAny(upper, {"JSON"})) return Type::Of(TypeKind::kJson);
  if (ContainsAny(upper, {"INT"})) return Type::Of(TypeKind::kInt64);
  if (ContainsAny(upper, {"CHAR", "CLOB", "TEXT"})) return Type::Of(TypeKind::kString);
  if (ContainsAny(upper, {"BLOB"})) return Type::Of(TypeKind::kBytes);
  if (ContainsAny(upper, {"REAL", "FLOA", "DOUB"})) return Type::Of(TypeKind::kDouble);
  return MakeError(ErrorKind::kUnsupported, "is declared as '" + std::string(declared) +
                                                "', which says nothing certain about its values; name its type in the "
                                                "option `types`");
}

std::string WhyUnsupported(const Type& type) {
  if (type.kind == TypeKind::kArray && type.element == TypeKind::kBytes) return "JSON can't hold an array of bytes";
  return {};
}

int64_t BindValue(const Type& type, const arrow::Array& column, int64_t row, int parameter,
                  SqliteStatement* statement) {
  auto bind_text = [&](std::string_view text) {
    if (statement != nullptr) statement->Bind(parameter, text);
    return static_cast<int64_t>(text.size());
  };
  auto bind_blob = [&](std::string_view bytes) {
    if (statement != nullptr) statement->BindBlob(parameter, bytes);
    return static_cast<int64_t>(bytes.size());
  };
  auto bind_double = [&](double value) {
    if (std::isnan(value)) return bind_text(kNan);
    if (statement != nullptr) statement->Bind(parameter, value);
    return int64_t{8};
  };
  if (column.IsNull(row)) {
    if (statement != nullptr) statement->BindNull(parameter);
    return 1;
  }
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDate:
      if (statement != nullptr) statement->Bind(parameter, IntegerAt(type.kind, column, row));
      return 8;
    case TypeKind::kFloat:
      return bind_double(As<arrow::FloatArray>(column).Value(row));
    case TypeKind::kDouble:
      return bind_double(As<arrow::DoubleArray>(column).Value(row));
    case TypeKind::kString:
    case TypeKind::kJson:
      return bind_text(As<arrow::StringArray>(column).GetView(row));
    case TypeKind::kBytes:
      return bind_blob(As<arrow::BinaryArray>(column).GetView(row));
    case TypeKind::kDecimal:
      return bind_text(As<arrow::Decimal128Array>(column).FormatValue(row));
    case TypeKind::kArray:
      return bind_text(ArrayJson(type.element, As<arrow::ListArray>(column), row));
    case TypeKind::kSparseVector:
      return bind_blob(SparseBytes(As<arrow::ListArray>(column), row));
    default:
      return bind_blob(VectorAt(column, row));
  }
}

std::string KeyText(const arrow::Array& column, int64_t row) {
  if (column.type_id() == arrow::Type::STRING) return "\"" + As<arrow::StringArray>(column).GetString(row) + "\"";
  switch (column.type_id()) {
    case arrow::Type::INT8:
      return std::to_string(IntegerAt(TypeKind::kInt8, column, row));
    case arrow::Type::INT16:
      return std::to_string(IntegerAt(TypeKind::kInt16, column, row));
    case arrow::Type::INT32:
      return std::to_string(IntegerAt(TypeKind::kInt32, column, row));
    default:
      return std::to_string(IntegerAt(TypeKind::kInt64, column, row));
  }
}

arrow::Result<RowDecoder> RowDecoder::Make(const CollectionSchema& schema) {
  RowDecoder decoder;
  decoder.fields_ = schema.fields;
  decoder.schema_ = schema.ArrowSchema();
  for (const auto& field : decoder.schema_->fields()) {
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(field->type()));
    decoder.builders_.push_back(std::move(builder));
  }
  return decoder;
}

arrow::Status RowDecoder::Reserve(int64_t rows) {
  for (size_t i = 0; i < fields_.size(); ++i) {
    ARROW_RETURN_NOT_OK(builders_[i]->Reserve(rows));
    if (builders_[i]->type()->id() != arrow::Type::FIXED_SIZE_LIST) continue;
    ARROW_RETURN_NOT_OK(
        static_cast<arrow::FixedSizeListBuilder&>(*builders_[i]).value_builder()->Reserve(rows * fields_[i].type.dim));
  }
  return arrow::Status::OK();
}

arrow::Status RowDecoder::Append(const SqliteStatement& statement, int first_column) {
  for (size_t i = 0; i < fields_.size(); ++i) {
    const int column = first_column + static_cast<int>(i);
    arrow::Status status = AppendField(fields_[i], statement, column, builders_[i].get());
    if (!status.ok()) return WithContext(status, "field '" + fields_[i].name + "'");
  }
  ++rows_;
  return arrow::Status::OK();
}

arrow::Status RowDecoder::AppendField(const Field& field, const SqliteStatement& statement, int column,
                                      arrow::ArrayBuilder* builder) {
  const Type& type = field.type;
  if (statement.IsNull(column)) {
    if (field.nullable) return builder->AppendNull();
    return MakeError(ErrorKind::kCorruptData, "holds NULL, which the schema does not allow");
  }
  const bool has_bytes = statement.type(column) == SQLITE_TEXT || statement.type(column) == SQLITE_BLOB;
  bytes_ += has_bytes ? static_cast<int64_t>(statement.Text(column).size()) : 8;
  switch (type.kind) {
    case TypeKind::kBool: {
      ARROW_ASSIGN_OR_RAISE(int64_t value, ReadInteger(statement, column, 0, 1));
      return static_cast<arrow::BooleanBuilder*>(builder)->Append(value == 1);
    }
    case TypeKind::kInt8:
      return AppendInteger<arrow::Int8Builder>(statement, column, builder);
    case TypeKind::kInt16:
      return AppendInteger<arrow::Int16Builder>(statement, column, builder);
    case TypeKind::kInt32:
      return AppendInteger<arrow::Int32Builder>(statement, column, builder);
    case TypeKind::kInt64:
      return AppendInteger<arrow::Int64Builder>(statement, column, builder);
    case TypeKind::kTimestamp:
      return AppendInteger<arrow::TimestampBuilder>(statement, column, builder);
    case TypeKind::kDate:
      return AppendInteger<arrow::Date32Builder>(statement, column, builder);
    case TypeKind::kFloat: {
      ARROW_ASSIGN_OR_RAISE(double value, ReadDouble(statement, column));
      const float narrow = static_cast<float>(value);
      if (narrow != value && !std::isnan(value)) return Unexpected(statement, column, "a float of 32 bits");
      return static_cast<arrow::FloatBuilder*>(builder)->Append(narrow);
    }
    case TypeKind::kDouble: {
      ARROW_ASSIGN_OR_RAISE(double value, ReadDouble(statement, column));
      return static_cast<arrow::DoubleBuilder*>(builder)->Append(value);
    }
    case TypeKind::kString:
    case TypeKind::kJson: {
      ARROW_ASSIGN_OR_RAISE(std::string_view text, ReadText(statement, column));
      return static_cast<arrow::StringBuilder*>(builder)->Append(text);
    }
    case TypeKind::kDecimal: {
      ARROW_ASSIGN_OR_RAISE(std::string_view text, ReadText(statement, column));
      return AppendDecimal(type, text, builder);
    }
    case TypeKind::kArray: {
      ARROW_ASSIGN_OR_RAISE(std::string_view text, ReadText(statement, column));
      return AppendJsonArray(type.element, text, builder);
    }
    case TypeKind::kBytes: {
      ARROW_ASSIGN_OR_RAISE(std::string_view bytes, ReadBlob(statement, column));
      return static_cast<arrow::BinaryBuilder*>(builder)->Append(bytes);
    }
    case TypeKind::kSparseVector: {
      ARROW_ASSIGN_OR_RAISE(std::string_view bytes, ReadBlob(statement, column));
      return AppendSparse(bytes, builder);
    }
    default: {
      ARROW_ASSIGN_OR_RAISE(std::string_view bytes, ReadBlob(statement, column));
      return AppendVector(type, bytes, builder);
    }
  }
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowDecoder::Finish() {
  arrow::ArrayVector columns;
  for (const auto& builder : builders_) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  auto batch = arrow::RecordBatch::Make(schema_, rows_, std::move(columns));
  rows_ = 0;
  bytes_ = 0;
  return batch;
}

}  // namespace godwit::sqlite
