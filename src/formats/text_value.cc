#include "formats/text_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <fmt/format.h>

#include "formats/calendar.h"
#include "formats/plain_float.h"

namespace godwit {
namespace {

/// A value for an error message: short, and on one line.
std::string Shown(std::string_view text) {
  constexpr size_t kMost = 40;
  std::string shown;
  for (char c : text.substr(0, kMost)) shown += static_cast<unsigned char>(c) < 0x20 ? '.' : c;
  // A character that was cut in two is left out.
  if (text.size() > kMost) {
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xc0) == 0x80) shown.pop_back();
    if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0xc0) shown.pop_back();
    shown += "...";
  }
  return "'" + shown + "'";
}

bool Fail(std::string* why, std::string text) {
  *why = std::move(text);
  return false;
}

bool FailType(std::string* why, std::string_view text, std::string_view type) {
  return Fail(why, fmt::format("{} is not of type {}", Shown(text), type));
}

bool Settle(const arrow::Status& status, std::string* why) {
  return status.ok() || Fail(why, "does not fit into memory: " + status.message());
}

bool SameLetters(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

template <typename T>
bool ParseInteger(std::string_view text, T* value, std::string* why) {
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, *value);
  if (error == std::errc() && rest == end) return true;
  if (error == std::errc::result_out_of_range && rest == end) {
    return Fail(why, fmt::format("{} is out of the range {} to {}", Shown(text), std::numeric_limits<T>::min(),
                                 std::numeric_limits<T>::max()));
  }
  return Fail(why, Shown(text) + " is not a whole number");
}

template <typename T>
bool ParseFloat(std::string_view text, T* value, std::string* why) {
  const char* end = text.data() + text.size();
  const char first = text.empty() ? '\0' : text[text.size() > 1 && text[0] == '-' ? 1 : 0];
  if ((first >= '0' && first <= '9') || first == '.') {
    auto [rest, error] = std::from_chars(text.data(), end, *value);
    if (error == std::errc() && rest == end) return true;
    if (error == std::errc::result_out_of_range && rest == end) {
      return Fail(why, Shown(text) + " is out of the range of its type");
    }
  } else if (IsFloatName(text)) {
    const bool nan = text.size() == 3 && (text[1] == 'a' || text[1] == 'A');
    *value = nan ? std::numeric_limits<T>::quiet_NaN()
                 : std::copysign(std::numeric_limits<T>::infinity(), text[0] == '-' ? T(-1) : T(1));
    return true;
  }
  return Fail(why, Shown(text) + " is not a number");
}

bool ParseFloat16(std::string_view text, uint16_t* bits, std::string* why) {
  float value = 0;
  if (!ParseFloat(text, &value, why)) return false;
  const auto half = arrow::util::Float16::FromFloat(value);
  if (std::isfinite(value) && !half.is_finite()) return Fail(why, Shown(text) + " is out of the range of its type");
  *bits = half.bits();
  return true;
}

bool ParseBFloat16(std::string_view text, uint16_t* bits, std::string* why) {
  float value = 0;
  if (!ParseFloat(text, &value, why)) return false;
  uint32_t wide;
  std::memcpy(&wide, &value, sizeof(wide));
  if (std::isnan(value)) {
    *bits = 0x7fc0;
    return true;
  }
  // To the nearest, and of two equally near to the even one.
  const uint32_t rounded = wide + 0x7fff + (wide >> 16 & 1);
  if (std::isfinite(value) && (rounded & 0x7f800000) == 0x7f800000) {
    return Fail(why, Shown(text) + " is out of the range of its type");
  }
  *bits = static_cast<uint16_t>(rounded >> 16);
  return true;
}

bool ParseBool(std::string_view text, bool* value) {
  const bool yes = text == "true" || text == "1" || text == "t" || text == "True" || text == "TRUE";
  const bool no = text == "false" || text == "0" || text == "f" || text == "False" || text == "FALSE";
  *value = yes;
  return yes || no;
}

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  for (auto& value : values) value = -1;
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

// Arrow's decoder says nothing about padding and spare bits.
bool ParseBase64(std::string_view text, std::string* bytes) {
  bytes->clear();
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const size_t digits = text.size() - padding;
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int8_t value = i < digits ? kBase64Values[static_cast<uint8_t>(text[i])] : int8_t{0};
    if (value < 0) return false;
    group = group << 6 | static_cast<uint32_t>(value);
    if (i % 4 != 3) continue;
    const size_t spare = i + 1 == text.size() ? padding : 0;
    for (size_t j = 0; j < 3; ++j) {
      const auto byte = static_cast<char>(group >> (16 - 8 * j));
      if (j < 3 - spare) {
        *bytes += byte;
      } else if (byte != 0) {
        return false;
      }
    }
    group = 0;
  }
  return true;
}

bool ParseHex(std::string_view text, std::string* bytes) {
  bytes->clear();
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  for (size_t i = 2; i < text.size(); i += 2) {
    uint8_t byte = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, byte, 16).ptr != text.data() + i + 2) return false;
    *bytes += static_cast<char>(byte);
  }
  return true;
}

bool ParseDecimal(std::string_view text, const Type& type, arrow::Decimal128* value) {
  int32_t precision = 0;
  int32_t scale = 0;
  if (!arrow::Decimal128::FromString(text, value, &precision, &scale).ok()) return false;
  auto rescaled = value->Rescale(scale, type.scale);
  if (!rescaled.ok() || !rescaled->FitsInPrecision(type.precision)) return false;
  *value = *rescaled;
  return true;
}

/// The items of a list in JSON, as the text of numbers, or as floats where they are plainly written.
class JsonItems {
 public:
  explicit JsonItems(JsonCursor* json) : json_(*json) {}
  bool Open(std::string* why) { return json_.Take('[') || Fail(why, "holds no list"); }
  bool AtClose() { return json_.Take(']'); }
  bool Comma() { return json_.Take(','); }
  bool PlainFloat(float* value) { return json_.TakePlainFloat(value); }
  bool Number(std::string_view* text, std::string* why) {
    if (json_.Peek() != '"') return json_.TakeNumber(text) || Fail(why, json_.error());
    if (!json_.TakeString(&scratch_, text)) return Fail(why, json_.error());
    return IsFloatName(*text) || Fail(why, "a number is expected instead of a string");
  }

 private:
  JsonCursor& json_;
  std::string scratch_;
};

/// The same of an array literal.
class LiteralItems {
 public:
  explicit LiteralItems(std::string_view text) : rest_(text) {}
  bool Open(std::string* why) { return Take('{') || Fail(why, "holds no array literal"); }
  bool AtClose() { return Take('}'); }
  bool Comma() { return Take(','); }
  bool PlainFloat(float* value) {
    const size_t size = ReadPlainFloat(rest_, value);
    rest_.remove_prefix(size);
    return size > 0;
  }
  bool Number(std::string_view* text, std::string*) {
    size_t size = 0;
    while (size < rest_.size() && rest_[size] != ',' && rest_[size] != '}') ++size;
    *text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;  // an empty one is no number
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view rest_;
};

template <typename Items>
bool ReadFloat(Items* items, float* value, std::string* why) {
  if (items->PlainFloat(value)) [[likely]]
    return true;
  std::string_view text;
  return items->Number(&text, why) && ParseFloat(text, value, why);
}

}  // namespace

bool IsFloatName(std::string_view text) {
  if (SameLetters(text, "nan")) return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return SameLetters(text, "infinity") || SameLetters(text, "inf");
}

TextValueReader::TextValueReader(const Field& field, TextKind kind, arrow::ArrayBuilder* builder)
    : field_(field), kind_(kind), builder_(builder) {
  switch (field.type.kind) {
    case TypeKind::kArray:
    case TypeKind::kSparseVector:
      items_ = static_cast<arrow::ListBuilder*>(builder)->value_builder();
      break;
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kInt8Vector:
      items_ = static_cast<arrow::FixedSizeListBuilder*>(builder)->value_builder();
      break;
    default:
      break;
  }
}

bool TextValueReader::AppendNull(std::string* why) {
  if (!field_.nullable) return Fail(why, "is null, and takes no null");
  return Settle(builder_->AppendNull(), why);
}

bool TextValueReader::Append(std::string_view text, std::string* why) {
  const TypeKind kind = field_.type.kind;
  if (kind == TypeKind::kArray && kind_ == TextKind::kPostgres) return AppendArrayLiteral(text, why);
  if (field_.type.is_vector() && kind != TypeKind::kSparseVector && kind_ == TextKind::kPostgres) {
    LiteralItems items(text);
    return AppendVector(&items, why) && (items.AtEnd() || Fail(why, "holds text after its end"));
  }
  if (kind == TypeKind::kArray || field_.type.is_vector()) {
    JsonCursor json(text);
    return AppendJson(&json, why) && (json.AtEnd() || Fail(why, "holds text after its end"));
  }
  return AppendScalar(kind, text, builder_, why);
}

bool TextValueReader::AppendJson(JsonCursor* json, std::string* why) {
  switch (field_.type.kind) {
    case TypeKind::kArray:
      return AppendJsonArray(json, why);
    case TypeKind::kSparseVector:
      return AppendJsonSparse(json, why);
    default: {
      if (!field_.type.is_vector()) return AppendJsonScalar(field_.type.kind, json, builder_, why);
      JsonItems items(json);
      return AppendVector(&items, why);
    }
  }
}

bool TextValueReader::AppendScalar(TypeKind kind, std::string_view text, arrow::ArrayBuilder* builder,
                                   std::string* why) {
  switch (kind) {
    case TypeKind::kBool: {
      bool value = false;
      if (!ParseBool(text, &value)) return FailType(why, text, "bool");
      return Settle(static_cast<arrow::BooleanBuilder*>(builder)->Append(value), why);
    }
    case TypeKind::kInt8: {
      int8_t value = 0;
      return ParseInteger(text, &value, why) && Settle(static_cast<arrow::Int8Builder*>(builder)->Append(value), why);
    }
    case TypeKind::kInt16: {
      int16_t value = 0;
      return ParseInteger(text, &value, why) && Settle(static_cast<arrow::Int16Builder*>(builder)->Append(value), why);
    }
    case TypeKind::kInt32: {
      int32_t value = 0;
      return ParseInteger(text, &value, why) && Settle(static_cast<arrow::Int32Builder*>(builder)->Append(value), why);
    }
    case TypeKind::kInt64: {
      int64_t value = 0;
      return ParseInteger(text, &value, why) && Settle(static_cast<arrow::Int64Builder*>(builder)->Append(value), why);
    }
    case TypeKind::kFloat: {
      float value = 0;
      return ParseFloat(text, &value, why) && Settle(static_cast<arrow::FloatBuilder*>(builder)->Append(value), why);
    }
    case TypeKind::kDouble: {
      double value = 0;
      return ParseFloat(text, &value, why) && Settle(static_cast<arrow::DoubleBuilder*>(builder)->Append(value), why);
    }
    case TypeKind::kTimestamp: {
      auto value = ParseTimestamp(text, field_.type.utc);
      if (!value) return FailType(why, text, Type{.kind = TypeKind::kTimestamp, .utc = field_.type.utc}.Name());
      return Settle(static_cast<arrow::TimestampBuilder*>(builder)->Append(*value), why);
    }
    case TypeKind::kDate: {
      auto value = ParseDate(text);
      if (!value) return FailType(why, text, "date");
      return Settle(static_cast<arrow::Date32Builder*>(builder)->Append(*value), why);
    }
    case TypeKind::kDecimal: {
      arrow::Decimal128 value;
      if (!ParseDecimal(text, field_.type, &value)) return FailType(why, text, field_.type.Name());
      return Settle(static_cast<arrow::Decimal128Builder*>(builder)->Append(value), why);
    }
    case TypeKind::kBytes:
      if (kind_ == TextKind::kPostgres ? !ParseHex(text, &bytes_) : !ParseBase64(text, &bytes_)) {
        return FailType(why, text,
                        kind_ == TextKind::kPostgres ? "bytes: it is no \\x and hex digits" : "bytes: it is no base64");
      }
      return Settle(static_cast<arrow::BinaryBuilder*>(builder)->Append(bytes_), why);
    case TypeKind::kJson: {
      JsonCursor json(text);
      std::string_view value;
      if (!json.TakeValue(&value) || !json.AtEnd()) {
        return Fail(why, "is not JSON: " + (json.error().empty() ? std::string("text after its end") : json.error()));
      }
      return Settle(static_cast<arrow::StringBuilder*>(builder)->Append(text), why);
    }
    default:
      return Settle(static_cast<arrow::StringBuilder*>(builder)->Append(text), why);
  }
}

bool TextValueReader::AppendJsonScalar(TypeKind kind, JsonCursor* json, arrow::ArrayBuilder* builder,
                                       std::string* why) {
  const bool is_string = json->Peek() == '"';
  std::string_view text;
  switch (kind) {
    case TypeKind::kBool:
      if (json->TakeWord("true")) return AppendScalar(kind, "true", builder, why);
      if (json->TakeWord("false")) return AppendScalar(kind, "false", builder, why);
      return Fail(why, "true or false is expected");
    case TypeKind::kJson:
      if (!json->TakeValue(&text)) return Fail(why, json->error());
      return Settle(static_cast<arrow::StringBuilder*>(builder)->Append(text), why);
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kDecimal:
      if (!is_string) {
        if (!json->TakeNumber(&text)) return Fail(why, json->error());
        return AppendScalar(kind, text, builder, why);
      }
      if (!json->TakeString(&scratch_, &text)) return Fail(why, json->error());
      if (kind != TypeKind::kDecimal &&
          !((kind == TypeKind::kFloat || kind == TypeKind::kDouble) && IsFloatName(text))) {
        return Fail(why, "a number is expected instead of a string");
      }
      return AppendScalar(kind, text, builder, why);
    default:
      if (!json->TakeString(&scratch_, &text)) return Fail(why, json->error());
      return AppendScalar(kind, text, builder, why);
  }
}

bool TextValueReader::AppendJsonArray(JsonCursor* json, std::string* why) {
  if (!json->Take('[')) return Fail(why, "holds no list");
  if (!Settle(static_cast<arrow::ListBuilder*>(builder_)->Append(), why)) return false;
  if (json->Take(']')) return true;
  do {
    if (json->TakeWord("null")) {
      if (!Settle(items_->AppendNull(), why)) return false;
    } else if (!AppendJsonScalar(field_.type.element, json, items_, why)) {
      return false;
    }
  } while (json->Take(','));
  return json->Take(']') || Fail(why, "a comma or ] is expected");
}

bool TextValueReader::AppendJsonSparse(JsonCursor* json, std::string* why) {
  if (!json->Take('{')) return Fail(why, "holds no object of indexes and values");
  std::vector<std::pair<uint32_t, float>> pairs;
  if (!json->Take('}')) {
    do {
      std::string_view text;
      uint32_t index = 0;
      float value = 0;
      if (!json->TakeString(&scratch_, &text)) return Fail(why, json->error());
      if (!ParseInteger(text, &index, why)) return false;
      if (!json->Take(':')) return Fail(why, "a colon is expected");
      JsonItems item(json);
      if (!ReadFloat(&item, &value, why)) return false;
      pairs.emplace_back(index, value);
    } while (json->Take(','));
    if (!json->Take('}')) return Fail(why, "a comma or } is expected");
  }
  auto less = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(pairs.begin(), pairs.end(), less)) std::sort(pairs.begin(), pairs.end(), less);
  auto* structs = static_cast<arrow::StructBuilder*>(items_);
  if (!Settle(static_cast<arrow::ListBuilder*>(builder_)->Append(), why)) return false;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto [index, value] = pairs[i];
    if (i > 0 && pairs[i - 1].first == index) return Fail(why, fmt::format("holds the index {} twice", index));
    if (!Settle(structs->Append(), why) ||
        !Settle(static_cast<arrow::UInt32Builder*>(structs->field_builder(0))->Append(index), why) ||
        !Settle(static_cast<arrow::FloatBuilder*>(structs->field_builder(1))->Append(value), why)) {
      return false;
    }
  }
  return true;
}

bool TextValueReader::AppendArrayLiteral(std::string_view text, std::string* why) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return Fail(why, "holds no array literal");
  if (!Settle(static_cast<arrow::ListBuilder*>(builder_)->Append(), why)) return false;
  if (text == "{}") return true;
  size_t i = 0;
  do {
    ++i;  // the brace or the comma before
    if (i < text.size() && text[i] == '"') {
      scratch_.clear();
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && ++i == text.size()) break;
        scratch_ += text[i];
      }
      if (i >= text.size()) return Fail(why, "holds a string without an end");
      ++i;
      const std::string item = scratch_;
      if (!AppendScalar(field_.type.element, item, items_, why)) return false;
    } else {
      const size_t end = std::min(text.find_first_of(",}\"{\\", i), text.size());
      const std::string_view item = text.substr(i, end - i);
      i = end;
      if (item == "NULL") {
        if (!Settle(items_->AppendNull(), why)) return false;
      } else if (item.empty()) {
        return Fail(why, "holds an empty item without quotes");
      } else if (!AppendScalar(field_.type.element, item, items_, why)) {
        return false;
      }
    }
  } while (i < text.size() && text[i] == ',');
  return i + 1 == text.size() || Fail(why, "a comma or } is expected");
}

template <typename Items, typename AppendItem>
bool TextValueReader::ReadItems(Items* items, int64_t count, AppendItem&& append_item, std::string* why) {
  if (!items->Open(why)) return false;
  int64_t found = 0;
  if (!items->AtClose()) {
    do {
      // Counted to the end, so that the message says how many there are.
      std::string_view beyond;
      if (!(found < count ? append_item() : items->Number(&beyond, why))) return false;
      ++found;
    } while (items->Comma());
    if (!items->AtClose()) return Fail(why, "a comma or the end of the list is expected");
  }
  return found == count || Fail(why, fmt::format("holds {} values where there should be {}", found, count));
}

template <typename Items>
bool TextValueReader::AppendVector(Items* items, std::string* why) {
  const int64_t dim = field_.type.dim;
  switch (field_.type.kind) {
    case TypeKind::kFloatVector: {
      auto* floats = static_cast<arrow::FloatBuilder*>(items_);
      if (!Settle(floats->Reserve(dim), why)) return false;
      auto append = [&] {
        float value = 0;
        if (!ReadFloat(items, &value, why)) return false;
        floats->UnsafeAppend(value);
        return true;
      };
      return ReadItems(items, dim, append, why) &&
             Settle(static_cast<arrow::FixedSizeListBuilder*>(builder_)->Append(), why);
    }
    case TypeKind::kFloat16Vector: {
      auto* halves = static_cast<arrow::HalfFloatBuilder*>(items_);
      auto append = [&] {
        std::string_view text;
        uint16_t bits = 0;
        return items->Number(&text, why) && ParseFloat16(text, &bits, why) && Settle(halves->Append(bits), why);
      };
      return ReadItems(items, dim, append, why) &&
             Settle(static_cast<arrow::FixedSizeListBuilder*>(builder_)->Append(), why);
    }
    case TypeKind::kInt8Vector: {
      auto* bytes = static_cast<arrow::Int8Builder*>(items_);
      auto append = [&] {
        std::string_view text;
        int8_t value = 0;
        return items->Number(&text, why) && ParseInteger(text, &value, why) && Settle(bytes->Append(value), why);
      };
      return ReadItems(items, dim, append, why) &&
             Settle(static_cast<arrow::FixedSizeListBuilder*>(builder_)->Append(), why);
    }
    case TypeKind::kBFloat16Vector: {
      bytes_.clear();
      auto append = [&] {
        std::string_view text;
        uint16_t bits = 0;
        if (!items->Number(&text, why) || !ParseBFloat16(text, &bits, why)) return false;
        bytes_ += static_cast<char>(bits & 0xff);
        bytes_ += static_cast<char>(bits >> 8);
        return true;
      };
      return ReadItems(items, dim, append, why) &&
             Settle(static_cast<arrow::FixedSizeBinaryBuilder*>(builder_)->Append(bytes_), why);
    }
    default: {  // binary
      const bool bits = kind_ == TextKind::kPostgres;
      bytes_.assign(static_cast<size_t>(dim / 8), '\0');
      size_t at = 0;
      auto append = [&] {
        std::string_view text;
        uint8_t value = 0;
        if (!items->Number(&text, why) || !ParseInteger(text, &value, why)) return false;
        if (!bits) {
          bytes_[at++] = static_cast<char>(value);
          return true;
        }
        if (value > 1) return Fail(why, Shown(text) + " is not a bit");
        bytes_[at / 8] = static_cast<char>(bytes_[at / 8] | value << (7 - at % 8));
        ++at;
        return true;
      };
      return ReadItems(items, bits ? dim : dim / 8, append, why) &&
             Settle(static_cast<arrow::FixedSizeBinaryBuilder*>(builder_)->Append(bytes_), why);
    }
  }
}

}  // namespace godwit
