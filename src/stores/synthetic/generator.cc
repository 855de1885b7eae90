#include "stores/synthetic/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <xxhash.h>

namespace godwit::synthetic {
namespace {

using std::string_view_literals::operator""sv;

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
constexpr int64_t kStringLength = 256;  // max_length of strings and varchar keys
constexpr int64_t kArrayCapacity = 16;
constexpr int32_t kDecimalPrecision = 38;
constexpr int32_t kDecimalScale = 10;

/// The finalizer of splitmix64: a bijection whose output bits look independent of the input.
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// The random numbers of one value: a counter-based generator, so that any value can be made without its predecessors.
class Random {
 public:
  Random(uint64_t stream, int64_t row) : state_(Mix(stream + static_cast<uint64_t>(row) * kGolden)) {}
  uint64_t Next() { return Mix(state_ += kGolden); }
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

std::string PaddedNumber(int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

struct NamedType {
  std::string_view name;
  Type type;
};

std::vector<NamedType> AllTypes(int32_t dim) {
  const int32_t bits = (dim + 7) / 8 * 8;
  return {
      {"bool", Type::Of(TypeKind::kBool)},
      {"int8", Type::Of(TypeKind::kInt8)},
      {"int16", Type::Of(TypeKind::kInt16)},
      {"int32", Type::Of(TypeKind::kInt32)},
      {"int64", Type::Of(TypeKind::kInt64)},
      {"float", Type::Of(TypeKind::kFloat)},
      {"double", Type::Of(TypeKind::kDouble)},
      {"string", Type::Of(TypeKind::kString)},
      {"json", Type::Of(TypeKind::kJson)},
      {"bytes", Type::Of(TypeKind::kBytes)},
      {"timestamp", Type::Of(TypeKind::kTimestamp)},
      {"timestamp_utc", Type{.kind = TypeKind::kTimestamp, .utc = true}},
      {"date", Type::Of(TypeKind::kDate)},
      {"decimal", Type{.kind = TypeKind::kDecimal, .precision = kDecimalPrecision, .scale = kDecimalScale}},
      {"array_bool", Type::Array(TypeKind::kBool)},
      {"array_int8", Type::Array(TypeKind::kInt8)},
      {"array_int16", Type::Array(TypeKind::kInt16)},
      {"array_int32", Type::Array(TypeKind::kInt32)},
      {"array_int64", Type::Array(TypeKind::kInt64)},
      {"array_float", Type::Array(TypeKind::kFloat)},
      {"array_double", Type::Array(TypeKind::kDouble)},
      {"array_string", Type::Array(TypeKind::kString)},
      {kVectorField, Type::Vector(TypeKind::kFloatVector, dim)},
      {"float16_vector", Type::Vector(TypeKind::kFloat16Vector, dim)},
      {"bfloat16_vector", Type::Vector(TypeKind::kBFloat16Vector, dim)},
      {"int8_vector", Type::Vector(TypeKind::kInt8Vector, dim)},
      {"binary_vector", Type::Vector(TypeKind::kBinaryVector, bits)},
      {"sparse_vector", Type::Of(TypeKind::kSparseVector)},
      {kDynamicFieldName, Type::Of(TypeKind::kJson)},
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Scalars

/// One of `values` by chance 1 in 4, when extremes are wanted; nullptr = make a random one.
template <typename Values>
auto PickExtreme(const Options& options, Random& random, const Values& values) -> decltype(std::data(values)) {
  if (!options.extremes || random.Below(4) != 0) return nullptr;
  return std::data(values) + random.Below(std::size(values));
}

template <typename T>
T Integer(const Options& options, Random& random) {
  using Limits = std::numeric_limits<T>;
  static constexpr std::array<T, 5> kExtremes = {Limits::min(), Limits::max(), 0, -1, Limits::max() - 1};
  if (const T* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  return static_cast<T>(random.Next());
}

template <typename T>
T Floating(const Options& options, Random& random) {
  using Limits = std::numeric_limits<T>;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  static const std::array<T, 9> kExtremes = {T(-0.0),
                                             T(0),
                                             Limits::denorm_min(),
                                             std::nextafter(Limits::min(), T(0)),
                                             Limits::min(),
                                             Limits::max(),
                                             -Limits::max(),
                                             T(1) / T(3),
                                             T(9007199254740993.0)};
  static constexpr std::array<T, 3> kHostile = {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()};
  if (options.hostile && random.Below(8) == 0) return kHostile[random.Below(kHostile.size())];
  if (const T* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  // Any bit pattern that is finite.
  const Bits bits = static_cast<Bits>(random.Next());
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return std::isfinite(value) ? value : T(1);
}

constexpr std::array kAwkwardStrings = {" "sv,
                                        " leading and trailing "sv,
                                        "'"sv,
                                        "\""sv,
                                        "\\"sv,
                                        "\\n"sv,
                                        "a\nb\r\nc\td"sv,
                                        "%_*?"sv,
                                        "$meta"sv,
                                        "null"sv,
                                        "NULL"sv,
                                        "\\N"sv,
                                        "nan"sv,
                                        "0"sv,
                                        "-1"sv,
                                        "1e5"sv,
                                        "true"sv,
                                        "{}"sv,
                                        "[1,2]"sv,
                                        "a,b;c|d"sv,
                                        "\x01\x1b\x7f"sv,
                                        "\xc3\xa9"sv /* é */,
                                        "e\xcc\x81"sv /* é as two code points */,
                                        "\xe6\x97\xa5\xe6\x9c\xac"sv,
                                        "\xd8\xa7\xd9\x84"sv /* right to left */,
                                        "\xf0\x9f\x90\xa6"sv,
                                        "\xef\xbb\xbf"
                                        "bom"sv,
                                        "\xc2\xa0"sv,
                                        "\xed\x9f\xbf\xee\x80\x80"sv /* around the surrogates */,
                                        "\xef\xbf\xbf\xf4\x8f\xbf\xbf"sv /* the last ones */};
constexpr std::array kHostileStrings = {""sv, "\0"sv, "a\0b"sv, "\0\0\0"sv};

std::string String(const Options& options, Random& random) {
  if (options.hostile && random.Below(8) == 0) {
    return std::string(kHostileStrings[random.Below(kHostileStrings.size())]);
  }
  if (const auto* extreme = PickExtreme(options, random, kAwkwardStrings)) return std::string(*extreme);
  if (options.extremes && random.Below(16) == 0) return random.Below(2) ? "" : std::string(kStringLength, 'x');
  std::string text(random.Below(40), ' ');
  for (char& c : text) c = static_cast<char>('a' + random.Below(26));
  return text;
}

std::string NestedJson(int depth) {
  std::string text = "{\"deep\": ";
  text.append(depth, '[');
  text += "{\"end\": null}";
  text.append(depth, ']');
  return text + "}";
}

/// Objects only: whatever keeps JSON keeps these.
std::string JsonObject(const Options& options, Random& random) {
  static const std::array<std::string, 10> kExtremes = {
      "{}",
      R"({"b": 1, "a": 2, "B": 3, "aa": 4})",
      R"({"int64": [-9223372036854775808, 9223372036854775807], "above_double": 9007199254740993})",
      R"({"decimal": 12345678901234567890.12345678901234567890, "same": [1, 1.0, 10e-1, 0.1e1]})",
      R"({"small": 1e-300, "large": 1.7976931348623157e308, "zero": [0, 0.0, 0e5]})",
      R"({"escapes": "\u00e9\ud83d\udc26\"\\\/\b\f\n\r\t\u0001", "plain": "é🐦"})",
      R"({"": "empty key", " ": " ", "a.b": {"a[0]": "c"}, "'": "\""})",
      "{ \"spaces\" :\t[ 1 , 2 ,\n3 ] , \"empty\" : [ [ ] , { } , \"\" , null , true , false ] }",
      NestedJson(60),
      R"({"text": ")" + std::string(2000, 'j') + "\"}"};
  if (const std::string* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  return "{\"n\": " + std::to_string(static_cast<int64_t>(random.Next())) + ", \"x\": 0." +
         std::to_string(random.Below(1000000)) + ", \"tags\": [\"t" + std::to_string(random.Below(100)) + "\"]}";
}

std::string Json(const Options& options, Random& random) {
  static constexpr std::array kHostile = {"null"sv, "true"sv, "1"sv,     "\"text\""sv,   "[]"sv,
                                          "[{}]"sv, "-0.0"sv, "1e400"sv, "\"\\u0000\""sv};
  if (options.hostile && random.Below(8) == 0) return std::string(kHostile[random.Below(kHostile.size())]);
  return JsonObject(options, random);
}

std::string Bytes(Random& random) {
  std::string bytes(random.Below(40), '\0');
  for (char& c : bytes) c = static_cast<char>(random.Next());
  return bytes;
}

int64_t Timestamp(const Options& options, Random& random) {
  // Years 1 to 9999, what most stores can hold.
  constexpr int64_t kFirst = -62135596800000000, kLast = 253402300799999999;
  static constexpr std::array<int64_t, 6> kExtremes = {kFirst, kLast, 0, -1, 1, 951782400000000};
  if (const int64_t* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  return kFirst + static_cast<int64_t>(random.Below(static_cast<uint64_t>(kLast - kFirst)));
}

int32_t Date(const Options& options, Random& random) {
  constexpr int32_t kFirst = -719162, kLast = 2932896;
  static constexpr std::array<int32_t, 4> kExtremes = {kFirst, kLast, 0, -1};
  if (const int32_t* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  return kFirst + static_cast<int32_t>(random.Below(kLast - kFirst));
}

arrow::Decimal128 Decimal(const Options& options, Random& random) {
  static const arrow::Decimal128 kLargest = arrow::Decimal128::GetMaxValue(kDecimalPrecision);
  static const std::array<arrow::Decimal128, 5> kExtremes = {kLargest, -kLargest, arrow::Decimal128(0),
                                                             arrow::Decimal128(1), arrow::Decimal128(-1)};
  if (const arrow::Decimal128* extreme = PickExtreme(options, random, kExtremes)) return *extreme;
  return arrow::Decimal128(static_cast<int64_t>(random.Next()) >> 40, random.Next());
}

template <typename Builder, typename Value>
arrow::Status AppendTo(arrow::ArrayBuilder* builder, const Value& value) {
  return static_cast<Builder*>(builder)->Append(value);
}

arrow::Status AppendScalar(TypeKind kind, const Options& options, Random& random, arrow::ArrayBuilder* builder) {
  switch (kind) {
    case TypeKind::kBool:
      return AppendTo<arrow::BooleanBuilder>(builder, random.Below(2) == 1);
    case TypeKind::kInt8:
      return AppendTo<arrow::Int8Builder>(builder, Integer<int8_t>(options, random));
    case TypeKind::kInt16:
      return AppendTo<arrow::Int16Builder>(builder, Integer<int16_t>(options, random));
    case TypeKind::kInt32:
      return AppendTo<arrow::Int32Builder>(builder, Integer<int32_t>(options, random));
    case TypeKind::kInt64:
      return AppendTo<arrow::Int64Builder>(builder, Integer<int64_t>(options, random));
    case TypeKind::kFloat:
      return AppendTo<arrow::FloatBuilder>(builder, Floating<float>(options, random));
    case TypeKind::kDouble:
      return AppendTo<arrow::DoubleBuilder>(builder, Floating<double>(options, random));
    case TypeKind::kString:
      return AppendTo<arrow::StringBuilder>(builder, String(options, random));
    case TypeKind::kJson:
      return AppendTo<arrow::StringBuilder>(builder, Json(options, random));
    case TypeKind::kBytes:
      return AppendTo<arrow::BinaryBuilder>(builder, Bytes(random));
    case TypeKind::kTimestamp:
      return AppendTo<arrow::TimestampBuilder>(builder, Timestamp(options, random));
    case TypeKind::kDate:
      return AppendTo<arrow::Date32Builder>(builder, Date(options, random));
    case TypeKind::kDecimal:
      return AppendTo<arrow::Decimal128Builder>(builder, Decimal(options, random));
    default:
      return MakeError(ErrorKind::kInternal, "no generator for " + std::string(ToString(kind)));
  }
}

arrow::Status AppendArray(const Field& field, const Options& options, Random& random, arrow::ArrayBuilder* builder) {
  auto* list = static_cast<arrow::ListBuilder*>(builder);
  ARROW_RETURN_NOT_OK(list->Append());
  // Half of them short, so that empty and full ones are frequent.
  const uint64_t length = random.Below(2) ? random.Below(3) : random.Below(kArrayCapacity + 1);
  for (uint64_t i = 0; i < length; ++i) {
    if (field.nullable && random.Below(8) == 0) {
      ARROW_RETURN_NOT_OK(list->value_builder()->AppendNull());
    } else {
      ARROW_RETURN_NOT_OK(AppendScalar(field.type.element, options, random, list->value_builder()));
    }
  }
  return arrow::Status::OK();
}

arrow::Status AppendSparse(const Options& options, Random& random, arrow::ArrayBuilder* builder) {
  auto* list = static_cast<arrow::ListBuilder*>(builder);
  auto* pairs = static_cast<arrow::StructBuilder*>(list->value_builder());
  ARROW_RETURN_NOT_OK(list->Append());
  uint64_t count = 1 + random.Below(20);
  if (options.hostile && random.Below(8) == 0) count = 0;
  uint64_t index = random.Below(1000);
  for (uint64_t i = 0; i < count; ++i) {
    // The largest index that stores agree on; 2^32 - 1 is often reserved.
    if (options.extremes && i + 1 == count && random.Below(8) == 0) index = 4294967294;
    float value = static_cast<float>(1 + random.Below(1 << 24)) / (1 << 24);
    if (options.hostile && random.Below(8) == 0) value = -value;
    ARROW_RETURN_NOT_OK(pairs->Append());
    ARROW_RETURN_NOT_OK(
        static_cast<arrow::UInt32Builder*>(pairs->field_builder(0))->Append(static_cast<uint32_t>(index)));
    ARROW_RETURN_NOT_OK(static_cast<arrow::FloatBuilder*>(pairs->field_builder(1))->Append(value));
    index += 1 + random.Below(100000);
  }
  return arrow::Status::OK();
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys: the same for every seed, so that two seeds are two states of one collection

int64_t IntegerKey(const Options& options, int64_t row) {
  constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();
  const std::array<int64_t, 3> extremes = {std::numeric_limits<int64_t>::min(),
                                           options.hostile ? kGreatest : kGreatest - 1, -1};
  const bool extreme = options.extremes && row < static_cast<int64_t>(extremes.size());
  return extreme ? extremes[static_cast<size_t>(row)] : row;
}

std::string StringKey(const Options& options, int64_t row) {
  size_t number = static_cast<size_t>(row);
  if (options.extremes) {
    if (number < kAwkwardStrings.size()) return std::string(kAwkwardStrings[number]);
    number -= kAwkwardStrings.size();
  }
  if (options.hostile && number < kHostileStrings.size()) return std::string(kHostileStrings[number]);
  return "key-" + PaddedNumber(row, 10);
}

arrow::Status AppendKey(const Options& options, int64_t row, arrow::ArrayBuilder* builder) {
  if (options.varchar_key) return AppendTo<arrow::StringBuilder>(builder, StringKey(options, row));
  return AppendTo<arrow::Int64Builder>(builder, IntegerKey(options, row));
}

// ---------------------------------------------------------------------------------------------------------------------
// Dense vectors: straight into one buffer, the only columns where speed matters

/// Bytes of one vector.
int64_t VectorBytes(const Type& type) {
  switch (type.kind) {
    case TypeKind::kFloatVector:
      return int64_t{4} * type.dim;
    case TypeKind::kFloat16Vector:
    case TypeKind::kBFloat16Vector:
      return int64_t{2} * type.dim;
    case TypeKind::kInt8Vector:
      return type.dim;
    default:
      return type.dim / 8;
  }
}

/// Random words over `size` bytes, each masked and completed so that its lanes are what the type wants.
void FillWords(Random& random, uint64_t keep, uint64_t set, uint8_t* out, int64_t size) {
  int64_t at = 0;
  for (; at + 8 <= size; at += 8) {
    const uint64_t word = (random.Next() & keep) | set;
    std::memcpy(out + at, &word, 8);
  }
  const uint64_t word = (random.Next() & keep) | set;
  std::memcpy(out + at, &word, static_cast<size_t>(size - at));
}

/// In [-1, 1): a sign, and a mantissa below a number in [1, 2).
void FillFloats(Random& random, float* out, int32_t dim) {
  for (int32_t i = 0; i < dim; i += 2) {
    const uint64_t word = random.Next();
    const auto lane = [](uint32_t bits) {
      const uint32_t between_2_and_4 = (bits & 0x007fffff) | 0x40000000;
      float value;
      std::memcpy(&value, &between_2_and_4, sizeof value);
      return value - 3.0f;
    };
    out[i] = lane(static_cast<uint32_t>(word));
    if (i + 1 < dim) out[i + 1] = lane(static_cast<uint32_t>(word >> 32));
  }
}

template <typename Lane, size_t N>
void ReplaceSome(const std::array<Lane, N>& values, Random& random, uint8_t* out, int32_t dim) {
  const uint64_t count = 1 + random.Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const Lane value = values[random.Below(N)];
    std::memcpy(out + random.Below(static_cast<uint64_t>(dim)) * sizeof value, &value, sizeof value);
  }
}

void FillVector(const Options& options, const Type& type, Random& random, uint8_t* out) {
  const bool extreme = options.extremes && random.Below(4) == 0;
  const bool hostile = options.hostile && random.Below(8) == 0;
  switch (type.kind) {
    case TypeKind::kFloatVector: {
      FillFloats(random, reinterpret_cast<float*>(out), type.dim);
      using Limits = std::numeric_limits<float>;
      static constexpr std::array<float, 6> kExtremes = {-0.0f,         Limits::denorm_min(), Limits::min(),
                                                         Limits::max(), -Limits::max(),       1.0f / 3.0f};
      static constexpr std::array<float, 3> kHostile = {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()};
      if (extreme) ReplaceSome(kExtremes, random, out, type.dim);
      if (hostile) ReplaceSome(kHostile, random, out, type.dim);
      return;
    }
    case TypeKind::kFloat16Vector:  // sign, the lowest exponent bit of 0.25 .. 1, mantissa
      FillWords(random, 0x87ff87ff87ff87ff, 0x3400340034003400, out, VectorBytes(type));
      if (extreme) ReplaceSome(std::array<uint16_t, 4>{0x8000, 0x0001, 0x7bff, 0xfbff}, random, out, type.dim);
      if (hostile) ReplaceSome(std::array<uint16_t, 3>{0x7e00, 0x7c00, 0xfc00}, random, out, type.dim);
      return;
    case TypeKind::kBFloat16Vector:  // the same in the upper half of a float
      FillWords(random, 0x80ff80ff80ff80ff, 0x3e803e803e803e80, out, VectorBytes(type));
      if (extreme) ReplaceSome(std::array<uint16_t, 4>{0x8000, 0x0001, 0x7f7f, 0xff7f}, random, out, type.dim);
      if (hostile) ReplaceSome(std::array<uint16_t, 3>{0x7fc0, 0x7f80, 0xff80}, random, out, type.dim);
      return;
    default:
      FillWords(random, ~uint64_t{0}, 0, out, VectorBytes(type));
      return;
  }
}

/// One bit a row, or null when no row is null.
arrow::Result<std::shared_ptr<arrow::Buffer>> ValidityOf(const std::vector<bool>& nulls) {
  if (std::find(nulls.begin(), nulls.end(), true) == nulls.end()) return nullptr;
  ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateEmptyBitmap(static_cast<int64_t>(nulls.size())));
  for (size_t i = 0; i < nulls.size(); ++i) {
    if (!nulls[i]) arrow::bit_util::SetBit(bits->mutable_data(), static_cast<int64_t>(i));
  }
  return bits;
}

/// One value in eight of a nullable field. A draw of its own, so that the values do not depend on it.
bool IsNull(const Field& field, uint64_t stream, int64_t row) {
  return field.nullable && Random(~stream, row).Below(8) == 0;
}

arrow::Result<std::shared_ptr<arrow::Array>> GenerateVectors(const Options& options, const Field& field,
                                                             uint64_t stream, int64_t begin, int64_t end) {
  const int64_t rows = end - begin;
  const int64_t width = VectorBytes(field.type);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values, arrow::AllocateBuffer(rows * width));
  std::vector<bool> nulls(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    Random random(stream, begin + i);
    FillVector(options, field.type, random, values->mutable_data() + i * width);
    nulls[static_cast<size_t>(i)] = IsNull(field, stream, begin + i);
  }
  ARROW_ASSIGN_OR_RAISE(auto validity, ValidityOf(nulls));
  auto type = field.type.Storage();
  if (type->id() != arrow::Type::FIXED_SIZE_LIST) {
    return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {validity, values}));
  }
  auto items = arrow::ArrayData::Make(static_cast<const arrow::FixedSizeListType&>(*type).value_type(),
                                      rows * field.type.dim, {nullptr, values}, 0);
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {validity}, {items}));
}

arrow::Status AppendValue(const Options& options, const Field& field, Random& random, arrow::ArrayBuilder* builder) {
  if (field.type.kind == TypeKind::kArray) return AppendArray(field, options, random, builder);
  if (field.type.kind == TypeKind::kSparseVector) return AppendSparse(options, random, builder);
  if (field.dynamic) return AppendTo<arrow::StringBuilder>(builder, JsonObject(options, random));
  return AppendScalar(field.type.kind, options, random, builder);
}

}  // namespace

std::vector<std::string> FieldNames() {
  std::vector<std::string> names;
  for (const NamedType& each : AllTypes(8)) names.emplace_back(each.name);
  return names;
}

std::string CollectionName(const Options& options, int64_t number) {
  if (options.collections == 1) return options.collection;
  return options.collection + "_" + PaddedNumber(number, 4);
}

CollectionSchema MakeSchema(const Options& options, int64_t number) {
  CollectionSchema schema;
  schema.ref.name = CollectionName(options, number);
  Field key{.name = std::string(kKeyField), .type = Type::Of(TypeKind::kInt64), .primary_key = true};
  if (options.varchar_key) {
    key.type = Type::Of(TypeKind::kString);
    key.max_length = kStringLength;
  }
  schema.fields.push_back(key);
  const std::vector<NamedType> types = AllTypes(options.dim);
  for (const std::string& name : options.fields) {
    auto found = std::find_if(types.begin(), types.end(), [&](const NamedType& each) { return each.name == name; });
    Field field{.name = name, .type = found->type, .nullable = options.nulls};
    const TypeKind text = field.type.kind == TypeKind::kArray ? field.type.element : field.type.kind;
    if (text == TypeKind::kString) field.max_length = kStringLength;
    if (field.type.kind == TypeKind::kArray) field.max_capacity = kArrayCapacity;
    if (name == kDynamicFieldName) {
      field.dynamic = true;
      field.nullable = false;
      schema.dynamic_fields = true;
    }
    schema.fields.push_back(field);
  }
  for (int64_t i = 1; i <= options.partitions; ++i) schema.partitions.push_back(PartitionName(i));
  return schema;
}

std::string PartitionName(int64_t partition) { return "part_" + PaddedNumber(partition, 4); }

std::string KeyText(const Options& options, int64_t row) {
  return options.varchar_key ? "\"" + StringKey(options, row) + "\"" : std::to_string(IntegerKey(options, row));
}

int64_t PartitionBegin(const Options& options, int64_t partition) {
  // Rounded up, so that it is the inverse of PartitionOfRow; no overflow below 2^51 rows with at most 4,097 partitions.
  return (partition * options.rows + options.partitions) / (options.partitions + 1);
}

int64_t PartitionOfRow(const Options& options, int64_t row) { return row * (options.partitions + 1) / options.rows; }

arrow::Result<std::shared_ptr<arrow::Array>> GenerateColumn(const Options& options, int64_t number, const Field& field,
                                                            int64_t begin, int64_t end) {
  // By name, so that a column is the same whatever other fields there are.
  const uint64_t stream =
      Mix(options.seed + static_cast<uint64_t>(number)) ^ XXH3_64bits(field.name.data(), field.name.size());
  if (field.type.is_vector() && field.type.kind != TypeKind::kSparseVector) {
    return GenerateVectors(options, field, stream, begin, end);
  }
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(field.type.Storage()));
  ARROW_RETURN_NOT_OK(builder->Reserve(end - begin));
  for (int64_t row = begin; row < end; ++row) {
    Random random(stream, row);
    if (field.primary_key) {
      ARROW_RETURN_NOT_OK(AppendKey(options, row, builder.get()));
    } else if (IsNull(field, stream, row)) {
      ARROW_RETURN_NOT_OK(builder->AppendNull());
    } else {
      ARROW_RETURN_NOT_OK(AppendValue(options, field, random, builder.get()));
    }
  }
  return builder->Finish();
}

}  // namespace godwit::synthetic
