#include "verify/format_value.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/util/float16.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

namespace godwit {
namespace {

template <typename T>
const T& As(const arrow::Array& array) {
  return static_cast<const T&>(array);
}

std::string FormatFloat(auto value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{}", value);
}

std::string FormatHex(std::string_view bytes, size_t max_bytes) {
  std::string text = "0x";
  for (char c : bytes) {
    if (max_bytes > 0 && text.size() > max_bytes) break;
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

float FromBFloat16(const uint8_t* bytes) {
  const uint32_t bits = (uint32_t{bytes[1]} << 24) | (uint32_t{bytes[0]} << 16);
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Values `begin` to `end` of `items`, in brackets; no more of them than can be shown.
template <typename F>
std::string FormatList(int64_t begin, int64_t end, size_t max_bytes, const char* brackets, F item) {
  std::string text(1, brackets[0]);
  for (int64_t i = begin; i < end; ++i) {
    if (max_bytes > 0 && text.size() > max_bytes) return text;
    if (i > begin) text += ", ";
    text += item(i);
  }
  return text + brackets[1];
}

std::string FormatArrayItems(const arrow::Array& array, int64_t i, size_t max_bytes) {
  const auto& list = As<arrow::ListArray>(array);
  const arrow::Array& items = *list.values();
  auto item = [&](int64_t k) -> std::string {
    if (items.IsNull(k)) return "null";
    switch (items.type_id()) {
      case arrow::Type::STRING:
        return Quote(As<arrow::StringArray>(items).GetView(k));
      case arrow::Type::FLOAT:
        return FormatFloat(As<arrow::FloatArray>(items).Value(k));
      case arrow::Type::DOUBLE:
        return FormatFloat(As<arrow::DoubleArray>(items).Value(k));
      default: {
        auto scalar = items.GetScalar(k);
        return scalar.ok() ? (*scalar)->ToString() : "?";
      }
    }
  };
  return FormatList(list.value_offset(i), list.value_offset(i) + list.value_length(i), max_bytes, "[]", item);
}

std::string FormatSparse(const arrow::Array& array, int64_t i, size_t max_bytes) {
  const auto& list = As<arrow::ListArray>(array);
  const auto& pairs = As<arrow::StructArray>(*list.values());
  const auto& indexes = As<arrow::UInt32Array>(*pairs.field(0));
  const auto& values = As<arrow::FloatArray>(*pairs.field(1));
  return FormatList(list.value_offset(i), list.value_offset(i) + list.value_length(i), max_bytes, "{}",
                    [&](int64_t k) { return fmt::format("{}: {}", indexes.Value(k), FormatFloat(values.Value(k))); });
}

std::string FormatVector(TypeKind kind, const arrow::Array& array, int64_t i, size_t max_bytes) {
  if (kind == TypeKind::kBFloat16Vector) {
    const auto& column = As<arrow::FixedSizeBinaryArray>(array);
    const uint8_t* bytes = column.GetValue(i);
    return FormatList(0, column.byte_width() / 2, max_bytes, "[]",
                      [&](int64_t k) { return FormatFloat(FromBFloat16(bytes + 2 * k)); });
  }
  const auto& list = As<arrow::FixedSizeListArray>(array);
  const arrow::Array& items = *list.values();
  const int64_t begin = list.value_offset(i);
  return FormatList(begin, begin + list.value_length(i), max_bytes, "[]", [&](int64_t k) -> std::string {
    switch (kind) {
      case TypeKind::kFloatVector:
        return FormatFloat(As<arrow::FloatArray>(items).Value(k));
      case TypeKind::kFloat16Vector:
        return FormatFloat(arrow::util::Float16::FromBits(As<arrow::HalfFloatArray>(items).Value(k)).ToFloat());
      default:
        return std::to_string(As<arrow::Int8Array>(items).Value(k));
    }
  });
}

std::string FormatAny(TypeKind kind, const arrow::Array& array, int64_t i, size_t max_bytes) {
  switch (kind) {
    case TypeKind::kString:
      return Quote(As<arrow::StringArray>(array).GetView(i));
    case TypeKind::kJson:
      return Printable(As<arrow::StringArray>(array).GetView(i));
    case TypeKind::kBytes:
      return FormatHex(As<arrow::BinaryArray>(array).GetView(i), max_bytes);
    case TypeKind::kBinaryVector:
      return FormatHex(As<arrow::FixedSizeBinaryArray>(array).GetView(i), max_bytes);
    case TypeKind::kFloat:
      return FormatFloat(As<arrow::FloatArray>(array).Value(i));
    case TypeKind::kDouble:
      return FormatFloat(As<arrow::DoubleArray>(array).Value(i));
    case TypeKind::kArray:
      return FormatArrayItems(array, i, max_bytes);
    case TypeKind::kSparseVector:
      return FormatSparse(array, i, max_bytes);
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kBFloat16Vector:
    case TypeKind::kInt8Vector:
      return FormatVector(kind, array, i, max_bytes);
    default: {
      auto scalar = array.GetScalar(i);
      return scalar.ok() ? (*scalar)->ToString() : "?";
    }
  }
}

/// Length of the UTF-8 character at the beginning of `bytes`, or 0.
size_t CharacterLength(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (length > bytes.size()) return 0;
  return arrow::util::ValidateUTF8(bytes.substr(0, length)) ? length : 0;
}

/// U+0080 to U+009F are control characters too.
bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

std::string Quote(std::string_view bytes) {
  arrow::util::InitializeUTF8();
  std::string text = "\"";
  while (!bytes.empty()) {
    const size_t length = CharacterLength(bytes);
    const std::string_view character = bytes.substr(0, std::max<size_t>(1, length));
    if (length == 0 || IsControl(character)) {
      for (char c : character) {
        text += c == '\n' ? "\\n" : c == '\t' ? "\\t" : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      if (character == "\"" || character == "\\") text += '\\';
      text += character;
    }
    bytes.remove_prefix(character.size());
  }
  return text + "\"";
}

std::string Printable(std::string_view text) {
  arrow::util::InitializeUTF8();
  for (std::string_view rest = text; !rest.empty();) {
    const size_t length = CharacterLength(rest);
    if (length == 0 || IsControl(rest.substr(0, length))) return Quote(text);
    rest.remove_prefix(length);
  }
  return std::string(text);
}

std::string Shorten(std::string text, size_t max_bytes) {
  if (max_bytes == 0 || text.size() <= max_bytes) return text;
  size_t cut = max_bytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  text.resize(cut);
  return text + "...";
}

std::string FormatValue(const Field& field, const arrow::Array& column, int64_t row, size_t max_bytes) {
  if (column.IsNull(row)) return "null";
  return Shorten(FormatAny(field.type.kind, column, row, max_bytes), max_bytes);
}

}  // namespace godwit
