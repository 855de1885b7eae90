#include "formats/text_inference.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "formats/text_value.h"

namespace godwit {
namespace {

/// A decimal number as sign, digits without zeros at either end, and the exponent of the last one.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;

  bool operator==(const Decimal&) const = default;
};

Decimal DecimalOf(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.remove_prefix(1);
  }
  const size_t mark = std::min(text.find_first_of("eE"), text.size());
  if (mark < text.size()) {
    std::string_view exponent = text.substr(mark + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    std::from_chars(exponent.data(), exponent.data() + exponent.size(), decimal.exponent);
  }
  bool fraction = false;
  for (char c : text.substr(0, mark)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    if (fraction) --decimal.exponent;
    if (c != '0' || !decimal.digits.empty()) decimal.digits += c;
  }
  while (decimal.digits.ends_with('0')) {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  if (decimal.digits.empty()) decimal.exponent = 0;
  return decimal;
}

bool IsInt64(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return false;
  return fmt::format("{}", value) == text;  // no zeros in front, which would be lost
}

}  // namespace

bool IsExactDouble(std::string_view number) {
  // Zeros in front would be lost; what has them is rather a code than a number.
  const std::string_view digits = number.substr(number.starts_with('-') ? 1 : 0);
  if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return false;
  double value = 0;
  const char* end = number.data() + number.size();
  auto [rest, error] = std::from_chars(number.data(), end, value);
  if (error != std::errc() || rest != end || !std::isfinite(value)) return false;
  return DecimalOf(number) == DecimalOf(fmt::format("{}", value));
}

void TextInference::BeginFile() {
  records_ = TextRecords(format_, /*own=*/false);
  header_done_ = false;
  places_.clear();
}

arrow::Result<size_t> TextInference::Read(std::string_view text, bool last) {
  size_t begin = 0;
  while (begin < text.size()) {
    ARROW_ASSIGN_OR_RAISE(size_t size, records_.Next(text.substr(begin), last));
    if (size == 0) break;
    begin += size;
    if (format_.kind == TextKind::kJsonl) {
      ARROW_RETURN_NOT_OK(ReadObject());
    } else if (!header_done_) {
      ARROW_RETURN_NOT_OK(ReadHeader());
    } else {
      ARROW_RETURN_NOT_OK(ReadFields());
    }
  }
  if (last && begin == text.size() && format_.has_header() && !header_done_) {
    return records_.Error("the file is empty: the header is missing");
  }
  return begin;
}

arrow::Status TextInference::ReadHeader() {
  header_done_ = true;
  std::vector<std::string> names;
  if (format_.header) {
    ARROW_ASSIGN_OR_RAISE(names, records_.Names());
  } else {
    for (size_t i = 1; i <= records_.fields().size(); ++i) names.push_back(fmt::format("column{}", i));
  }
  // A wrong delimiter makes one field of every line, which a reader of others' files has to notice.
  if (names.size() == 1 && format_.header && !known_.contains(names.front())) {
    if (const size_t at = names.front().find_first_of(";|\t,"); at != std::string::npos) {
      const std::string other = names.front()[at] == '\t' ? "tab" : names.front().substr(at, 1);
      return records_.Error(fmt::format(
          "the header names one field, '{}'; if '{}' separates fields, say so (delimiter), else name its type (types)",
          names.front(), other));
    }
  }
  const bool first = columns_.empty();
  for (const std::string& name : names) {
    auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& each) { return each.name == name; });
    places_.push_back(static_cast<size_t>(found - columns_.begin()));
    if (found != columns_.end()) continue;
    if (!first) return records_.Error(fmt::format("the file has a field '{}', which the first one has not", name));
    columns_.push_back({.name = name, .known = known_.contains(name)});
  }
  if (names.size() != columns_.size()) {
    return records_.Error(
        fmt::format("the file has {} fields, and the first one has {}", names.size(), columns_.size()));
  }
  return format_.header ? arrow::Status::OK() : ReadFields();
}

arrow::Status TextInference::ReadFields() {
  const auto& fields = records_.fields();
  if (fields.size() != places_.size()) {
    return records_.Error(fmt::format("{} fields where there should be {}", fields.size(), places_.size()));
  }
  ++rows_;
  for (size_t i = 0; i < fields.size(); ++i) {
    Column& column = columns_[places_[i]];
    if (records_.IsNull(fields[i])) continue;
    ++column.values;
    if (column.known) continue;
    std::string_view text;
    std::string why;
    if (!records_.Unescape(fields[i], &text, &why)) return records_.FieldError(column.name, why);
    Look(text, &column);
  }
  return arrow::Status::OK();
}

void TextInference::Look(std::string_view text, Column* column) {
  column->int64 = column->int64 && IsInt64(text);
  if (column->number && !IsFloatName(text)) {
    column->number = IsExactDouble(text);
    column->digits = true;
  }
  column->boolean = column->boolean && (text == "true" || text == "false" || text == "True" || text == "False" ||
                                        text == "TRUE" || text == "FALSE");
  if (column->json) {
    JsonCursor json(text);
    std::string_view value;
    const bool nested = json.Peek() == '{' || json.Peek() == '[';
    column->json = nested && json.TakeValue(&value) && json.AtEnd();
  }
}

arrow::Status TextInference::ReadObject() {
  ++rows_;
  JsonCursor json(records_.line_text());
  if (!json.Take('{')) return records_.Error("a line has to be one JSON object");
  if (!json.Take('}')) {
    size_t expected = 0;
    do {
      std::string_view name;
      if (!json.TakeString(&scratch_, &name)) return records_.Error(json.error());
      if (!json.Take(':')) return records_.Error(fmt::format("a colon is expected after the key '{}'", name));
      if (expected >= columns_.size() || columns_[expected].name != name) {
        auto same = [&](const Column& each) { return each.name == name; };
        expected = static_cast<size_t>(std::find_if(columns_.begin(), columns_.end(), same) - columns_.begin());
        if (expected == columns_.size()) {
          columns_.push_back({.name = std::string(name), .known = known_.contains(std::string(name))});
        }
      }
      Column& column = columns_[expected++];
      if (column.last_row == rows_) return records_.FieldError(column.name, "occurs twice in one object");
      if (json.Peek() != 'n') ++column.values;
      column.last_row = rows_;
      if (!LookJson(&json, &column)) return records_.FieldError(column.name, json.error());
    } while (json.Take(','));
    if (!json.Take('}')) return records_.Error("a comma or } is expected");
  }
  return json.AtEnd() ? arrow::Status::OK() : records_.Error("there is text after the object");
}

bool TextInference::LookJson(JsonCursor* json, Column* column) {
  const char first = json->Peek();
  std::string_view text;
  if (!json->TakeValue(&text)) return false;
  if (first == 'n') return true;
  const bool number = first == '-' || (first >= '0' && first <= '9');
  column->int64 = column->int64 && number && IsInt64(text);
  column->number = column->number && number && IsExactDouble(text);
  column->digits = column->digits || number;
  column->boolean = column->boolean && (first == 't' || first == 'f');
  column->text = column->text && first == '"';
  return true;
}

Type TextInference::TypeOf(const Column& column) const {
  if (column.known) return known_.at(column.name);
  if (column.values == 0) return Type::Of(TypeKind::kString);
  if (column.int64) return Type::Of(TypeKind::kInt64);
  if (column.number && column.digits) return Type::Of(TypeKind::kDouble);
  if (column.boolean) return Type::Of(TypeKind::kBool);
  if (format_.kind == TextKind::kJsonl) return Type::Of(column.text ? TypeKind::kString : TypeKind::kJson);
  return Type::Of(column.json ? TypeKind::kJson : TypeKind::kString);
}

std::vector<Field> TextInference::Fields() const {
  std::vector<Field> fields;
  for (const Column& column : columns_) {
    fields.push_back({.name = column.name, .type = TypeOf(column), .nullable = column.values < rows_});
  }
  return fields;
}

}  // namespace godwit
