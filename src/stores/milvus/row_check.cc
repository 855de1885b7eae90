#include "stores/milvus/row_check.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>

#include "stores/milvus/features.h"

namespace godwit::milvus {
namespace {

// ---------------------------------------------------------------------------------------------------------------------
// JSON

constexpr size_t kMaxJsonDepth = 10'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// One pass over a text, without recursion. Bytes that are not UTF-8 pass, as in Go; Arrow's strings have none.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  std::string Problem(bool objects_only) {
    SkipSpace();
    bool object_or_null = Peek() == '{' || text_.substr(at_).starts_with("null");
    if (objects_only && !object_or_null && at_ < text_.size()) return "is neither a JSON object nor null";
    if (!Document() && problem_.empty()) problem_ = fmt::format("is not JSON (byte {})", at_);
    return problem_;
  }
  /// Whether the object on top has a key `$meta`.
  bool has_meta_key() const { return has_meta_key_; }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  bool Document() {
    if (!Value()) return false;
    while (!open_.empty()) {
      SkipSpace();
      if (Take(open_.back())) {
        open_.pop_back();
      } else if (!Take(',') || !(open_.back() == ']' || Key()) || !Value()) {
        return false;
      }
    }
    SkipSpace();
    return at_ == text_.size();
  }

  // A scalar, or the beginning of a container up to its first scalar.
  bool Value() {
    while (true) {
      SkipSpace();
      if (Take('{')) {
        if (!Open('}')) return false;
        if (Take('}')) return Close();
        if (!Key()) return false;
      } else if (Take('[')) {
        if (!Open(']')) return false;
        if (Take(']')) return Close();
      } else {
        return Scalar();
      }
    }
  }

  bool Open(char close) {
    open_.push_back(close);
    if (open_.size() > kMaxJsonDepth) problem_ = fmt::format("is JSON of more than {} levels", kMaxJsonDepth);
    SkipSpace();
    return problem_.empty();
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  bool Key() {
    SkipSpace();
    size_t from = at_;
    if (!String()) return false;
    if (open_.size() == 1 && text_.substr(from, at_ - from) == "\"$meta\"") has_meta_key_ = true;
    SkipSpace();
    return Take(':');
  }

  bool Scalar() {
    switch (Peek()) {
      case '"':
        return String();
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  bool Word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool String() {
    if (!Take('"')) return false;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !Escape()) return false;
    }
    return false;
  }

  bool Escape() {
    if (!Take('u')) {
      bool known = at_ < text_.size() && std::string_view("\"\\/bfnrt").find(text_[at_]) != std::string_view::npos;
      ++at_;
      return known;
    }
    std::string_view digits = text_.substr(at_, 4);
    at_ += digits.size();
    return digits.size() == 4 && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }

  bool Digits() {
    size_t from = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ > from;
  }

  bool Number() {
    size_t from = at_;
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!Digits()) return false;
    }
    return FitsDouble(text_.substr(from, at_ - from));
  }

  bool FitsDouble(std::string_view number) {
    // Most numbers are too short to be beyond 1.8e308.
    if (number.size() < 300 && number.find_first_of("eE") == std::string_view::npos) return true;
    if (std::isfinite(std::strtod(std::string(number).c_str(), nullptr))) return true;
    problem_ = "is JSON with a number beyond the range of a double";
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string open_;  // the closing character of every container that is open
  std::string problem_;
  bool has_meta_key_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Columns

/// The first reason against each row.
using Refused = std::map<int64_t, std::string>;

void Refuse(const Field& field, int64_t row, std::string reason, Refused* refused) {
  refused->try_emplace(row, fmt::format("field '{}' {}", field.name, reason));
}

std::string StringProblem(std::string_view text, int64_t max_length) {
  if (static_cast<int64_t>(text.size()) > max_length) {
    return fmt::format("is {} bytes long, over its max_length of {}", text.size(), max_length);
  }
  bool utf8 =
      arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(text.data()), static_cast<int64_t>(text.size()));
  return utf8 ? std::string() : "is not UTF-8";
}

void CheckStrings(const Field& field, const arrow::StringArray& column, Refused* refused) {
  int64_t max_length = field.max_length.value_or(kMaxLength);
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) continue;
    std::string problem = StringProblem(column.GetView(row), max_length);
    if (!problem.empty()) Refuse(field, row, std::move(problem), refused);
  }
}

std::string JsonFieldProblem(std::string_view json, bool dynamic, const RowRules& rules) {
  if (static_cast<int64_t>(json.size()) > kMaxJsonBytes) {
    return fmt::format("is JSON of {} bytes, over the limit of {}", json.size(), kMaxJsonBytes);
  }
  JsonScanner scanner(json);
  std::string problem = scanner.Problem(dynamic || rules.json_objects_only);
  if (problem.empty() && dynamic && scanner.has_meta_key()) problem = "holds a key named $meta, which Milvus reserves";
  return problem;
}

void CheckJson(const Field& field, const arrow::StringArray& column, const RowRules& rules, Refused* refused) {
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) continue;
    std::string problem = JsonFieldProblem(column.GetView(row), field.dynamic, rules);
    if (!problem.empty()) Refuse(field, row, std::move(problem), refused);
  }
}

void CheckArrays(const Field& field, const arrow::ListArray& column, Refused* refused) {
  int64_t max_capacity = field.max_capacity.value_or(kMaxCapacity);
  int64_t max_length = field.max_length.value_or(kMaxLength);
  const arrow::Array& values = *column.values();
  const auto* strings =
      field.type.element == TypeKind::kString ? static_cast<const arrow::StringArray*>(&values) : nullptr;
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) continue;
    if (column.value_length(row) > max_capacity) {
      Refuse(field, row,
             fmt::format("has {} elements, over its max_capacity of {}", column.value_length(row), max_capacity),
             refused);
    }
    for (int64_t i = column.value_offset(row); i < column.value_offset(row + 1); ++i) {
      std::string problem;
      if (values.IsNull(i)) {
        problem = "is null";
      } else if (strings != nullptr) {
        problem = StringProblem(strings->GetView(i), max_length);
      }
      if (!problem.empty()) {
        Refuse(field, row, fmt::format("has an element that {}", problem), refused);
        break;
      }
    }
  }
}

/// True when all exponent bits of some value are set: NaN or infinity.
template <class Bits>
bool AnyNotFinite(const uint8_t* data, int64_t count, Bits exponent) {
  bool found = false;  // without an early exit the compiler makes vector instructions of it
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * static_cast<int64_t>(sizeof(Bits)), sizeof(Bits));
    found |= (bits & exponent) == exponent;
  }
  return found;
}

bool IsFinite(const Type& type, const uint8_t* row) {
  switch (type.kind) {
    case TypeKind::kFloatVector:
      return !AnyNotFinite<uint32_t>(row, type.dim, 0x7f800000u);
    case TypeKind::kFloat16Vector:
      return !AnyNotFinite<uint16_t>(row, type.dim, 0x7c00u);
    case TypeKind::kBFloat16Vector:
      return !AnyNotFinite<uint16_t>(row, type.dim, 0x7f80u);
    default:
      return true;  // integers and bits
  }
}

void CheckDenseVectors(const Field& field, const arrow::Array& column, Refused* refused) {
  const uint8_t* data = nullptr;
  int64_t row_bytes = 0;
  if (column.type_id() == arrow::Type::FIXED_SIZE_BINARY) {
    const auto& vectors = static_cast<const arrow::FixedSizeBinaryArray&>(column);
    data = vectors.raw_values();
    row_bytes = vectors.byte_width();
  } else {
    const auto& vectors = static_cast<const arrow::FixedSizeListArray&>(column);
    const arrow::ArrayData& items = *vectors.values()->data();
    int64_t width = items.type->byte_width();
    data = items.GetValues<uint8_t>(1, (items.offset + vectors.value_offset(0)) * width);
    row_bytes = vectors.value_length(0) * width;
  }
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row) || IsFinite(field.type, data + row * row_bytes)) continue;
    Refuse(field, row, "holds NaN or an infinity", refused);
  }
}

void CheckSparseVectors(const Field& field, const arrow::ListArray& column, const RowRules& rules, Refused* refused) {
  const auto& pairs = static_cast<const arrow::StructArray&>(*column.values());
  const auto indexes = std::static_pointer_cast<arrow::UInt32Array>(pairs.field(0));
  const auto values = std::static_pointer_cast<arrow::FloatArray>(pairs.field(1));
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) continue;
    int64_t first = column.value_offset(row);
    if (column.value_length(row) == 0 && !rules.empty_sparse_vectors) {
      Refuse(field, row, "is an empty sparse vector, which this server does not take", refused);
    }
    for (int64_t i = first; i < column.value_offset(row + 1); ++i) {
      if (!std::isfinite(values->Value(i))) Refuse(field, row, "holds NaN or an infinity", refused);
      bool ascending = i == first || indexes->Value(i - 1) < indexes->Value(i);
      if (!ascending) Refuse(field, row, "has an index twice, or not in ascending order", refused);
    }
  }
}

void CheckKeys(const Field& field, const arrow::Int64Array& column, Refused* refused) {
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.Value(row) != std::numeric_limits<int64_t>::max()) continue;
    Refuse(field, row, "is the greatest int64, a key that Milvus takes but returns to no query", refused);
  }
}

void CheckColumn(const Field& field, const arrow::Array& column, const RowRules& rules, Refused* refused) {
  const bool takes_nulls = field.nullable && !field.default_json;
  const char* reason = field.nullable ? "is null, which Milvus would replace by the default value of the field"
                                      : "is null, and is not nullable at the target";
  for (int64_t row = 0; !takes_nulls && column.null_count() > 0 && row < column.length(); ++row) {
    if (column.IsNull(row)) Refuse(field, row, reason, refused);
  }
  if (field.primary_key && field.type.kind == TypeKind::kInt64) {
    CheckKeys(field, static_cast<const arrow::Int64Array&>(column), refused);
  } else if (field.type.kind == TypeKind::kSparseVector) {
    CheckSparseVectors(field, static_cast<const arrow::ListArray&>(column), rules, refused);
  } else if (field.type.is_vector()) {
    CheckDenseVectors(field, column, refused);
  } else if (field.type.kind == TypeKind::kArray) {
    CheckArrays(field, static_cast<const arrow::ListArray&>(column), refused);
  } else if (field.type.kind == TypeKind::kJson) {
    CheckJson(field, static_cast<const arrow::StringArray&>(column), rules, refused);
  } else if (field.type.kind == TypeKind::kString) {
    CheckStrings(field, static_cast<const arrow::StringArray&>(column), refused);
  }
}

}  // namespace

std::string JsonProblem(std::string_view json, bool objects_only) { return JsonScanner(json).Problem(objects_only); }

std::vector<RowRefusal> CheckRows(const arrow::RecordBatch& rows, const CollectionSchema& schema,
                                  const RowRules& rules) {
  arrow::util::InitializeUTF8();
  Refused refused;
  if (rows.num_rows() == 0) return {};
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    if (field.primary_key && field.auto_id) continue;
    CheckColumn(field, *rows.column(static_cast<int>(i)), rules, &refused);
  }
  std::vector<RowRefusal> result;
  for (auto& [row, reason] : refused) result.push_back({row, std::move(reason)});
  return result;
}

}  // namespace godwit::milvus
