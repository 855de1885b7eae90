#include "formats/text_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <fmt/format.h>

#include "formats/byte_buffer.h"
#include "formats/calendar.h"
#include "formats/shortest_float.h"

namespace godwit {
namespace {

constexpr size_t kNumberSize = 32;  // the longest one, with quotes and a comma

// ---------------------------------------------------------------------------------------------------------------------
// Columns: where the pieces of an array lie. Indexes count from the start of the buffers.

struct Cells {
  TypeKind kind = TypeKind::kInt64;
  int64_t offset = 0;
  const uint8_t* validity = nullptr;  // null when nothing is null
  const uint8_t* data = nullptr;
  const int32_t* offsets = nullptr;  // of strings and lists

  bool IsNull(int64_t index) const { return validity != nullptr && !arrow::bit_util::GetBit(validity, index); }
  template <typename T>
  T Get(int64_t index) const {
    T value;
    std::memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  std::string_view Text(int64_t index) const {
    return {reinterpret_cast<const char*>(data) + offsets[index],
            static_cast<size_t>(offsets[index + 1] - offsets[index])};
  }
};

bool HasBytes(TypeKind kind) {
  return kind == TypeKind::kString || kind == TypeKind::kJson || kind == TypeKind::kBytes;
}

Cells CellsOf(const arrow::Array& array, TypeKind kind) {
  Cells cells{.kind = kind, .offset = array.offset()};
  if (array.null_count() > 0) cells.validity = array.null_bitmap_data();
  const auto& buffers = array.data()->buffers;
  auto buffer = [&](size_t i) -> const uint8_t* {
    return i < buffers.size() && buffers[i] != nullptr ? buffers[i]->data() : nullptr;
  };
  cells.data = buffer(HasBytes(kind) ? 2 : 1);
  cells.offsets = reinterpret_cast<const int32_t*>(buffer(1));
  return cells;
}

struct Column {
  const Field* field = nullptr;
  Cells cells;
  Cells items;    // of arrays and of vectors that are lists; the indexes of sparse vectors
  Cells weights;  // the values of sparse vectors
};

Column ColumnOf(const Field& field, const arrow::Array& array) {
  Column column{.field = &field, .cells = CellsOf(array, field.type.kind), .items = {}, .weights = {}};
  switch (field.type.kind) {
    case TypeKind::kArray:
      column.items = CellsOf(*static_cast<const arrow::ListArray&>(array).values(), field.type.element);
      break;
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kInt8Vector:
      column.items = CellsOf(*static_cast<const arrow::FixedSizeListArray&>(array).values(), field.type.kind);
      break;
    case TypeKind::kSparseVector: {
      const auto& pairs = static_cast<const arrow::StructArray&>(*static_cast<const arrow::ListArray&>(array).values());
      column.items = CellsOf(*pairs.field(0), TypeKind::kInt32);
      column.weights = CellsOf(*pairs.field(1), TypeKind::kFloat);
      break;
    }
    default:
      break;
  }
  return column;
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers

char* PutText(std::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

template <typename T>
char* PutInteger(T value, char* to) {
  return std::to_chars(to, to + kNumberSize, value).ptr;
}

/// `quote` goes around what is no number in JSON.
template <typename T>
char* PutFloat(T value, std::string_view quote, char* to) {
  if (std::isfinite(value)) [[likely]] {
    // "-0" would be the integer 0 to a reader of JSON.
    if (value == 0) return PutText(std::signbit(value) ? "-0.0" : "0", to);
    return std::to_chars(to, to + kNumberSize, value).ptr;
  }
  to = PutText(quote, to);
  to = PutText(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity", to);
  return PutText(quote, to);
}

/// Calls `put(i, put_value)` for each i below `count`, in order; put_value(to) writes `value(i)` and returns its end.
template <typename Value, typename Put>
void PutFloats(int64_t count, std::string_view quote, Value&& value, Put&& put) {
  static_assert(kNumberSize >= ShortestFloats::kTextSize);
  constexpr auto kBlock = static_cast<int64_t>(ShortestFloats::kCount);
  ShortestFloats::Values values{};
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const auto size = static_cast<size_t>(std::min(kBlock, count - begin));
    for (size_t i = 0; i < size; ++i) values[i] = value(begin + static_cast<int64_t>(i));
    const ShortestFloats texts(values);
    for (size_t i = 0; i < size; ++i) {
      put(begin + static_cast<int64_t>(i), [&](char* to) {
        if (texts.has(i)) [[likely]]
          return texts.Put(i, to);
        return PutFloat(values[i], quote, to);
      });
    }
  }
}

float FloatFromBFloat16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kHex[] = "0123456789abcdef";

void PutBase64(std::string_view bytes, ByteBuffer* out) {
  char* to = out->Reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) *to++ = j <= count ? kBase64[group >> (18 - 6 * j) & 63] : '=';
  }
  out->Advance(to);
}

void PutHex(std::string_view bytes, ByteBuffer* out) {
  char* to = out->Reserve(2 * bytes.size());
  for (char c : bytes) {
    *to++ = kHex[static_cast<uint8_t>(c) >> 4];
    *to++ = kHex[static_cast<uint8_t>(c) & 15];
  }
  out->Advance(to);
}

void PutDecimal(const arrow::Decimal128& unscaled, int32_t scale, ByteBuffer* out) {
  std::string digits = unscaled.ToIntegerString();
  const bool negative = digits.front() == '-';
  if (negative) digits.erase(0, 1);
  if (negative) out->Put('-');
  if (scale <= 0) {
    out->Put(digits);
    if (digits != "0") out->Put(std::string(static_cast<size_t>(-scale), '0'));
    return;
  }
  const auto fraction = static_cast<size_t>(scale);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  out->Put(std::string_view(digits).substr(0, digits.size() - fraction));
  out->Put('.');
  out->Put(std::string_view(digits).substr(digits.size() - fraction));
}

// ---------------------------------------------------------------------------------------------------------------------
// Escapes: what each byte becomes; 0 = itself, 'u' in JSON = \u00XX.

using Escapes = std::array<char, 256>;

constexpr Escapes MakeEscapes(bool json) {
  Escapes escapes{};
  if (json) {
    for (size_t i = 0; i < 0x20; ++i) escapes[i] = 'u';
  }
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  if (!json) escapes['\v'] = 'v';
  escapes['\\'] = '\\';
  return escapes;
}

constexpr Escapes kJsonEscapes = MakeEscapes(true);

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

class TextWriter::Impl {
 public:
  Impl(const CollectionSchema& schema, const TextFormat& format)
      : fields_(schema.fields), format_(format), kind_(format.kind), copy_escapes_(MakeEscapes(false)) {
    copy_escapes_[static_cast<uint8_t>(format.delimiter)] = format.delimiter;
    comma_ = kind_ == TextKind::kPostgres && format.delimiter == ',' ? "\\," : ",";
    json_quote_ = kind_ == TextKind::kCsv ? "\"\"" : "\"";
    scalar_quote_ = kind_ == TextKind::kJsonl ? "\"" : "";
    item_quote_ = kind_ == TextKind::kPostgres ? "" : json_quote_;
    if (kind_ != TextKind::kJsonl) return;
    for (const Field& field : fields_) {
      out_.Clear();
      PutJsonText(field.name);
      out_.Put(':');
      labels_.emplace_back(out_.view());
    }
    out_.Clear();
  }

  void WriteHeader() {
    if (!format_.has_header()) return;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (i > 0) out_.Put(format_.delimiter);
      PutField(fields_[i].name);
    }
    out_.Put('\n');
  }

  arrow::Status Write(const arrow::RecordBatch& rows) {
    std::vector<Column> columns;
    for (size_t i = 0; i < fields_.size(); ++i) {
      columns.push_back(ColumnOf(fields_[i], *rows.column(static_cast<int>(i))));
    }
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ARROW_RETURN_NOT_OK(kind_ == TextKind::kJsonl ? WriteObject(columns, row) : WriteLine(columns, row));
    }
    return arrow::Status::OK();
  }

  std::string_view text() const { return out_.view(); }
  void Clear() { out_.Clear(); }

 private:
  arrow::Status WriteLine(const std::vector<Column>& columns, int64_t row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out_.Put(format_.delimiter);
      const Column& column = columns[i];
      const int64_t index = column.cells.offset + row;
      if (!column.cells.IsNull(index)) {
        ARROW_RETURN_NOT_OK(PutValue(column, index));
      } else if (kind_ == TextKind::kPostgres) {
        out_.Put("\\N");
      }
    }
    out_.Put('\n');
    return arrow::Status::OK();
  }

  arrow::Status WriteObject(const std::vector<Column>& columns, int64_t row) {
    char before = '{';
    for (size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      const int64_t index = column.cells.offset + row;
      const bool null = column.cells.IsNull(index);
      if (null && column.cells.kind == TypeKind::kJson) continue;  // `null` is a value of JSON
      out_.Put(before);
      before = ',';
      out_.Put(labels_[i]);
      if (null) {
        out_.Put("null");
      } else {
        ARROW_RETURN_NOT_OK(PutValue(column, index));
      }
    }
    out_.Put(before == '{' ? "{}\n" : "}\n");
    return arrow::Status::OK();
  }

  arrow::Status PutValue(const Column& column, int64_t index) {
    const Type& type = column.field->type;
    switch (type.kind) {
      case TypeKind::kString:
        if (kind_ == TextKind::kJsonl) {
          PutJsonText(column.cells.Text(index));
        } else {
          PutField(column.cells.Text(index));
        }
        return arrow::Status::OK();
      case TypeKind::kJson:
        if (kind_ == TextKind::kJsonl) return PutJsonValue(column, index);
        PutField(column.cells.Text(index));
        return arrow::Status::OK();
      case TypeKind::kBytes:
      case TypeKind::kTimestamp:
      case TypeKind::kDate:
      case TypeKind::kDecimal:
        scratch_.Clear();
        PutPlain(column.cells, type, index, &scratch_);
        if (kind_ == TextKind::kJsonl) {
          PutJsonText(scratch_.view());
        } else {
          PutField(scratch_.view());
        }
        return arrow::Status::OK();
      case TypeKind::kArray:
        PutArray(column, index);
        return arrow::Status::OK();
      case TypeKind::kSparseVector:
        PutSparse(column, index);
        return arrow::Status::OK();
      default:
        if (type.is_vector()) {
          PutVector(column, index);
        } else {
          PutNumber(column.cells, index, scalar_quote_);
        }
        return arrow::Status::OK();
    }
  }

  /// A bool or a number.
  void PutNumber(const Cells& cells, int64_t index, std::string_view quote) {
    char* to = out_.Reserve(kNumberSize);
    switch (cells.kind) {
      case TypeKind::kBool: {
        const bool value = arrow::bit_util::GetBit(cells.data, index);
        to = kind_ == TextKind::kPostgres ? PutText(value ? "1" : "0", to) : PutText(value ? "true" : "false", to);
        break;
      }
      case TypeKind::kInt8:
      case TypeKind::kInt8Vector:
        to = PutInteger(cells.Get<int8_t>(index), to);
        break;
      case TypeKind::kInt16:
        to = PutInteger(cells.Get<int16_t>(index), to);
        break;
      case TypeKind::kInt32:
        to = PutInteger(cells.Get<int32_t>(index), to);
        break;
      case TypeKind::kInt64:
        to = PutInteger(cells.Get<int64_t>(index), to);
        break;
      case TypeKind::kFloat:
      case TypeKind::kFloatVector:
        to = PutFloat(cells.Get<float>(index), quote, to);
        break;
      case TypeKind::kDouble:
        to = PutFloat(cells.Get<double>(index), quote, to);
        break;
      case TypeKind::kFloat16Vector:
        to = PutFloat(arrow::util::Float16::FromBits(cells.Get<uint16_t>(index)).ToFloat(), quote, to);
        break;
      case TypeKind::kBFloat16Vector:
        to = PutFloat(FloatFromBFloat16(cells.Get<uint16_t>(index)), quote, to);
        break;
      default:
        break;
    }
    out_.Advance(to);
  }

  /// A value that has no number's text, without quotes and escapes.
  void PutPlain(const Cells& cells, const Type& type, int64_t index, ByteBuffer* out) const {
    const bool postgres = kind_ == TextKind::kPostgres;
    const CalendarStyle style = postgres ? CalendarStyle::kPostgres : CalendarStyle::kIso;
    switch (cells.kind) {
      case TypeKind::kBytes:
        if (postgres) {
          out->Put("\\x");
          PutHex(cells.Text(index), out);
        } else {
          PutBase64(cells.Text(index), out);
        }
        break;
      case TypeKind::kTimestamp:
        out->Advance(FormatTimestamp(cells.Get<int64_t>(index), type.utc, style, out->Reserve(kCalendarTextSize)));
        break;
      case TypeKind::kDate:
        out->Advance(FormatDate(cells.Get<int32_t>(index), style, out->Reserve(kCalendarTextSize)));
        break;
      case TypeKind::kDecimal:
        PutDecimal(arrow::Decimal128(cells.data + index * arrow::Decimal128Type::kByteWidth), type.scale, out);
        break;
      default:
        out->Put(cells.Text(index));
        break;
    }
  }

  // Lists

  void OpenList() { out_.Put(kind_ == TextKind::kCsv ? "\"[" : kind_ == TextKind::kPostgres ? "{" : "["); }
  void CloseList() { out_.Put(kind_ == TextKind::kCsv ? "]\"" : kind_ == TextKind::kPostgres ? "}" : "]"); }

  void PutArray(const Column& column, int64_t index) {
    const Type& type = column.field->type;
    OpenList();
    const int64_t begin = column.items.offset + column.cells.offsets[index];
    const int64_t end = column.items.offset + column.cells.offsets[index + 1];
    for (int64_t i = begin; i < end; ++i) {
      if (i > begin) out_.Put(comma_);
      if (column.items.IsNull(i)) {
        out_.Put(kind_ == TextKind::kPostgres ? "NULL" : "null");
        continue;
      }
      switch (type.element) {
        case TypeKind::kString:
        case TypeKind::kJson:
        case TypeKind::kBytes:
        case TypeKind::kTimestamp:
        case TypeKind::kDate:
        case TypeKind::kDecimal:
          scratch_.Clear();
          PutPlain(column.items, type, i, &scratch_);
          PutItemText(scratch_.view());
          break;
        default:
          PutNumber(column.items, i, item_quote_);
          break;
      }
    }
    CloseList();
  }

  void PutVector(const Column& column, int64_t index) {
    const Type& type = column.field->type;
    OpenList();
    switch (type.kind) {
      case TypeKind::kFloatVector:
        PutItems<float>(column.items, index, type.dim, [](float value) { return value; });
        break;
      case TypeKind::kFloat16Vector:
        PutItems<uint16_t>(column.items, index, type.dim,
                           [](uint16_t bits) { return arrow::util::Float16::FromBits(bits).ToFloat(); });
        break;
      case TypeKind::kBFloat16Vector:
        PutItems<uint16_t>(column.cells, index, type.dim, FloatFromBFloat16);
        break;
      case TypeKind::kInt8Vector:
        PutItems<int8_t>(column.items, index, type.dim, [](int8_t value) { return value; });
        break;
      default:
        PutBinary(column.cells.data + index * (type.dim / 8), type.dim / 8);
        break;
    }
    CloseList();
  }

  char* PutComma(char* to) const {
    if (comma_.size() > 1) *to++ = '\\';
    *to++ = ',';
    return to;
  }

  /// `dim` numbers of the `index`-th vector. The index of a list counts from its own offset, that of its items from
  /// theirs.
  template <typename T, typename ToNumber>
  void PutItems(const Cells& items, int64_t index, int64_t dim, ToNumber&& to_number) {
    const bool inside_list = items.kind != TypeKind::kBFloat16Vector;
    const int64_t begin = (inside_list ? items.offset : 0) + index * dim;
    char* to = out_.Reserve(static_cast<size_t>(dim) * kNumberSize);
    auto value = [&](int64_t i) { return to_number(items.Get<T>(begin + i)); };
    if constexpr (std::is_same_v<decltype(value(0)), float>) {
      PutFloats(dim, item_quote_, value, [&](int64_t i, auto&& put_value) {
        if (i > 0) to = PutComma(to);
        to = put_value(to);
      });
    } else {
      for (int64_t i = 0; i < dim; ++i) {
        if (i > 0) to = PutComma(to);
        to = PutInteger(value(i), to);
      }
    }
    out_.Advance(to);
  }

  void PutBinary(const uint8_t* bytes, int64_t count) {
    char* to = out_.Reserve(static_cast<size_t>(count) * 8 * 3);
    for (int64_t i = 0; i < count; ++i) {
      if (kind_ != TextKind::kPostgres) {
        if (i > 0) *to++ = ',';
        to = PutInteger(bytes[i], to);
        continue;
      }
      for (int bit = 7; bit >= 0; --bit) {
        if (i > 0 || bit < 7) to = PutComma(to);
        *to++ = (bytes[i] >> bit & 1) != 0 ? '1' : '0';
      }
    }
    out_.Advance(to);
  }

  void PutSparse(const Column& column, int64_t index) {
    const int64_t begin = column.cells.offsets[index];
    const int64_t count = column.cells.offsets[index + 1] - begin;
    char* to = out_.Reserve(8 + static_cast<size_t>(count) * 2 * kNumberSize);
    to = PutText(kind_ == TextKind::kCsv ? "\"{" : "{", to);
    auto weight = [&](int64_t i) { return column.weights.Get<float>(column.weights.offset + begin + i); };
    PutFloats(count, json_quote_, weight, [&](int64_t i, auto&& put_weight) {
      if (i > 0) to = PutComma(to);
      to = PutText(json_quote_, to);
      to = PutInteger(column.items.Get<uint32_t>(column.items.offset + begin + i), to);
      to = PutText(json_quote_, to);
      *to++ = ':';
      to = put_weight(to);
    });
    out_.Advance(PutText(kind_ == TextKind::kCsv ? "}\"" : "}", to));
  }

  // Text

  /// A whole field of csv or postgres.
  void PutField(std::string_view text) {
    if (kind_ == TextKind::kCsv) {
      PutCsvText(text);
    } else {
      PutCopyText(text);
    }
  }

  void PutCsvText(std::string_view text) {
    bool plain = !text.empty() && text != "\\.";  // PostgreSQL takes a bare \. for the end
    for (char c : text) plain = plain && c != format_.delimiter && c != '"' && c != '\n' && c != '\r';
    if (plain) {
      out_.Put(text);
      return;
    }
    char* to = out_.Reserve(2 * text.size() + 2);
    *to++ = '"';
    for (char c : text) {
      if (c == '"') *to++ = '"';
      *to++ = c;
    }
    *to++ = '"';
    out_.Advance(to);
  }

  void PutCopyText(std::string_view text) {
    char* to = out_.Reserve(2 * text.size());
    for (char c : text) {
      const char escape = copy_escapes_[static_cast<uint8_t>(c)];
      if (escape != 0) *to++ = '\\';
      *to++ = escape != 0 ? escape : c;
    }
    out_.Advance(to);
  }

  /// A string inside a list.
  void PutItemText(std::string_view text) {
    if (kind_ != TextKind::kPostgres) {
      PutJsonText(text);
      return;
    }
    // Escaped as an item of an array, and that again as a field.
    char* to = out_.Reserve(4 * text.size() + 2);
    *to++ = '"';
    for (char c : text) {
      if (c == '"' || c == '\\') {
        to = PutText(c == '"' ? "\\\\\"" : "\\\\\\\\", to);
        continue;
      }
      const char escape = copy_escapes_[static_cast<uint8_t>(c)];
      if (escape != 0) *to++ = '\\';
      *to++ = escape != 0 ? escape : c;
    }
    *to++ = '"';
    out_.Advance(to);
  }

  void PutJsonText(std::string_view text) {
    char* to = out_.Reserve(6 * text.size() + 4);
    to = PutText(json_quote_, to);
    for (char c : text) {
      const auto byte = static_cast<uint8_t>(c);
      if (c == '"') {
        *to++ = '\\';
        to = PutText(json_quote_, to);
      } else if (const char escape = kJsonEscapes[byte]; escape == 0) {
        *to++ = c;
      } else if (escape == 'u') {
        to = PutText("\\u00", to);
        *to++ = kHex[byte >> 4];
        *to++ = kHex[byte & 15];
      } else {
        *to++ = '\\';
        *to++ = escape;
      }
    }
    out_.Advance(PutText(json_quote_, to));
  }

  /// JSON without the space between its tokens, so that a line stays a line.
  arrow::Status PutJsonValue(const Column& column, int64_t index) {
    const std::string_view json = column.cells.Text(index);
    char* to = out_.Reserve(json.size());
    char* const begin = to;
    bool inside = false;  // a string
    for (size_t i = 0; i < json.size(); ++i) {
      const char c = json[i];
      if (!inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
      if (c == '"') inside = !inside;
      if (static_cast<uint8_t>(c) < 0x20) return NotJson(column);
      *to++ = c;
      if (inside && c == '\\' && i + 1 < json.size()) *to++ = json[++i];
    }
    if (inside || to == begin) return NotJson(column);
    out_.Advance(to);
    return arrow::Status::OK();
  }

  static arrow::Status NotJson(const Column& column) {
    return MakeError(ErrorKind::kCorruptData,
                     fmt::format("field '{}' holds text that is not JSON", column.field->name));
  }

  const std::vector<Field> fields_;
  const TextFormat format_;
  const TextKind kind_;
  Escapes copy_escapes_;
  std::string_view comma_;         // between the items of a list
  std::string_view json_quote_;    // as it is written inside a field
  std::string_view scalar_quote_;  // around NaN and infinities
  std::string_view item_quote_;
  std::vector<std::string> labels_;  // `"name":` of jsonl
  ByteBuffer out_;
  ByteBuffer scratch_;
};

TextWriter::TextWriter(const CollectionSchema& schema, const TextFormat& format)
    : impl_(std::make_unique<Impl>(schema, format)) {}
TextWriter::~TextWriter() = default;
void TextWriter::WriteHeader() { impl_->WriteHeader(); }
arrow::Status TextWriter::Write(const arrow::RecordBatch& rows) { return impl_->Write(rows); }
std::string_view TextWriter::text() const { return impl_->text(); }
void TextWriter::Clear() { impl_->Clear(); }

// ---------------------------------------------------------------------------------------------------------------------

namespace {

/// Why PostgreSQL refuses a value; empty when it takes it.
std::string Objection(const Column& column, int64_t index) {
  constexpr int64_t kFirstYear = -4712;  // 4713 BC
  constexpr int64_t kLastDateYear = 5874897;
  switch (column.cells.kind) {
    case TypeKind::kString:
    case TypeKind::kJson:
      if (column.cells.Text(index).find('\0') == std::string_view::npos) return {};
      return "PostgreSQL holds no NUL in text";
    case TypeKind::kTimestamp: {
      const int64_t days = column.cells.Get<int64_t>(index) / kMicrosPerDay;
      return DayFromNumber(days).year < kFirstYear ? "PostgreSQL holds no time before 4713 BC" : std::string();
    }
    case TypeKind::kDate: {
      const int64_t year = DayFromNumber(column.cells.Get<int32_t>(index)).year;
      const bool held = year >= kFirstYear && year <= kLastDateYear;
      return held ? std::string() : "PostgreSQL holds dates from 4713 BC to 5874897 AD";
    }
    case TypeKind::kArray: {
      Column item{.field = column.field, .cells = column.items, .items = {}, .weights = {}};
      const int64_t end = column.items.offset + column.cells.offsets[index + 1];
      for (int64_t i = column.items.offset + column.cells.offsets[index]; i < end; ++i) {
        if (item.cells.IsNull(i)) continue;
        if (std::string objection = Objection(item, i); !objection.empty()) return objection;
      }
      return {};
    }
    default:
      return {};
  }
}

bool MayBeRefused(const Type& type) {
  const TypeKind kind = type.kind == TypeKind::kArray ? type.element : type.kind;
  return kind == TypeKind::kString || kind == TypeKind::kJson || kind == TypeKind::kTimestamp ||
         kind == TypeKind::kDate;
}

}  // namespace

std::vector<UnwritableRow> FindUnwritable(const CollectionSchema& schema, TextKind kind,
                                          const arrow::RecordBatch& rows) {
  std::vector<UnwritableRow> found;
  if (kind != TextKind::kPostgres) return found;
  std::vector<Column> columns;
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    if (MayBeRefused(field.type)) columns.push_back(ColumnOf(field, *rows.column(static_cast<int>(i))));
  }
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    for (const Column& column : columns) {
      const int64_t index = column.cells.offset + row;
      if (column.cells.IsNull(index)) continue;
      std::string objection = Objection(column, index);
      if (objection.empty()) continue;
      found.push_back({.row = row, .reason = fmt::format("field '{}': {}", column.field->name, objection)});
      break;
    }
  }
  return found;
}

}  // namespace godwit
