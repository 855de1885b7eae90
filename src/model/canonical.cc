#include "model/canonical.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <ctime>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/hash.h"
#include "model/canonical_json.h"

namespace godwit {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are hashed as they lie in memory");

// ---------------------------------------------------------------------------------------------------------------------
// Columns: where the pieces of an Arrow array lie, so that a value costs a switch and no call through Arrow. Indexes
// are absolute, that is, they count from the start of the buffers: a slice begins at Values::offset.

struct Values {
  TypeKind kind = TypeKind::kInt64;
  int64_t offset = 0;
  const uint8_t* validity = nullptr;  // null when nothing is null
  const uint8_t* data = nullptr;      // fixed-width values; the bytes of strings
  const int32_t* offsets = nullptr;   // of strings and lists
  int32_t scale = 0;                  // of decimals

  bool IsNull(int64_t index) const { return validity != nullptr && !arrow::bit_util::GetBit(validity, index); }
  template <typename T>
  T Get(int64_t index) const {
    T value;
    std::memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
};

struct Column {
  Values values;
  Values items;       // of arrays and of vectors that are lists; the indexes of sparse vectors
  Values weights;     // the values of sparse vectors
  int64_t width = 0;  // of dense vectors: items, or bytes where they are binary
};

// What tells the hasher nothing (names and nullability of children) doesn't count.
bool SameLayout(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.id() != b.id() || a.num_fields() != b.num_fields()) return false;
  for (int i = 0; i < a.num_fields(); ++i) {
    if (!SameLayout(*a.field(i)->type(), *b.field(i)->type())) return false;
  }
  switch (a.id()) {
    case arrow::Type::FIXED_SIZE_LIST:
      return static_cast<const arrow::FixedSizeListType&>(a).list_size() ==
             static_cast<const arrow::FixedSizeListType&>(b).list_size();
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::DECIMAL128:
    case arrow::Type::TIMESTAMP:
      return a.Equals(b);
    default:
      return true;
  }
}

Values ValuesOf(const arrow::Array& array, TypeKind kind) {
  Values values{.kind = kind, .offset = array.offset()};
  if (array.null_count() > 0) values.validity = array.null_bitmap_data();
  auto buffer = [&](size_t i) -> const uint8_t* {
    const auto& buffers = array.data()->buffers;
    return i < buffers.size() && buffers[i] != nullptr ? buffers[i]->data() : nullptr;
  };
  // Buffers are validity, values; or validity, offsets, bytes.
  bool has_bytes = kind == TypeKind::kString || kind == TypeKind::kJson || kind == TypeKind::kBytes;
  values.data = buffer(has_bytes ? 2 : 1);
  values.offsets = reinterpret_cast<const int32_t*>(buffer(1));
  if (kind == TypeKind::kDecimal) values.scale = static_cast<const arrow::Decimal128Type&>(*array.type()).scale();
  return values;
}

arrow::Result<Column> ColumnOf(const arrow::Array& array, const Type& type) {
  Column column;
  column.values = ValuesOf(array, type.kind);
  switch (type.kind) {
    case TypeKind::kArray:
      column.items = ValuesOf(*static_cast<const arrow::ListArray&>(array).values(), type.element);
      break;
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kInt8Vector:
      column.items = ValuesOf(*static_cast<const arrow::FixedSizeListArray&>(array).values(), type.kind);
      column.width = type.dim;
      break;
    case TypeKind::kBFloat16Vector:
      column.width = type.dim;
      break;
    case TypeKind::kBinaryVector:
      column.width = type.dim / 8;
      break;
    case TypeKind::kSparseVector: {
      const auto& pairs = static_cast<const arrow::StructArray&>(*static_cast<const arrow::ListArray&>(array).values());
      if (pairs.null_count() > 0) return MakeError(ErrorKind::kCorruptData, "a null inside a vector");
      column.items = ValuesOf(*pairs.field(0), TypeKind::kInt32);
      column.weights = ValuesOf(*pairs.field(1), TypeKind::kFloat);
      break;
    }
    default:
      break;
  }
  return column;
}

// ---------------------------------------------------------------------------------------------------------------------
// NaN has many bit patterns: all whose exponent is full and whose fraction is not zero.

template <typename Bits, Bits infinity, Bits nan>
struct FloatFormat {
  // Compared as signed numbers, because SSE2 has nothing else; without their sign bit they are the same.
  using Signed = std::make_signed_t<Bits>;
  // A vector type of GCC and Clang: the compiler uses what registers the machine has.
  using Block [[gnu::vector_size(16)]] = Signed;
  static constexpr size_t kBlock = sizeof(Block) / sizeof(Bits);
  static constexpr Signed kAbsolute = std::numeric_limits<Signed>::max();
  static constexpr Bits kNan = nan;

  static bool IsNan(Bits bits) { return static_cast<Signed>(bits & kAbsolute) > static_cast<Signed>(infinity); }

  static bool AnyNan(const char* data, size_t count) {
    Block found = {};
    for (; count >= kBlock; count -= kBlock, data += sizeof(Block)) {
      Block block;
      std::memcpy(&block, data, sizeof(block));
      found |= (block & kAbsolute) > static_cast<Signed>(infinity);
    }
    Signed any = 0;
    for (size_t i = 0; i < kBlock; ++i) any |= found[i];
    for (Bits bits; count > 0; --count, data += sizeof(bits)) {
      std::memcpy(&bits, data, sizeof(bits));
      any |= IsNan(bits) ? 1 : 0;
    }
    return any != 0;
  }

  static void MakeOneNan(char* data, size_t count) {
    if (!AnyNan(data, count)) return;
    for (size_t i = 0; i < count; ++i, data += sizeof(Bits)) {
      Bits bits;
      std::memcpy(&bits, data, sizeof(bits));
      if (IsNan(bits)) std::memcpy(data, &kNan, sizeof(kNan));
    }
  }
};

using Float64 = FloatFormat<uint64_t, 0x7ff0000000000000, 0x7ff8000000000000>;
using Float32 = FloatFormat<uint32_t, 0x7f800000, 0x7fc00000>;
using Float16 = FloatFormat<uint16_t, 0x7c00, 0x7e00>;
using BFloat16 = FloatFormat<uint16_t, 0x7f80, 0x7fc0>;

// ---------------------------------------------------------------------------------------------------------------------
// Canonical bytes

/// Bytes that grow at the end; what was allocated stays.
class ByteBuffer {
 public:
  size_t size() const { return size_; }
  void Truncate(size_t size) { size_ = size; }
  char* Extend(size_t count) {
    if (bytes_.size() - size_ < count) bytes_.resize(std::max(2 * bytes_.size(), size_ + count));
    size_ += count;
    return bytes_.data() + size_ - count;
  }
  template <typename T>
  void Put(T value) {
    std::memcpy(Extend(sizeof(T)), &value, sizeof(T));
  }
  char* PutBytes(const void* bytes, size_t count) {
    char* to = Extend(count);
    if (count > 0) std::memcpy(to, bytes, count);
    return to;
  }
  void PutString(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    PutBytes(text.data(), text.size());
  }
  void PutDouble(double value) {
    auto bits = std::bit_cast<uint64_t>(value);
    Put(Float64::IsNan(bits) ? Float64::kNan : bits);
  }

  Hash128 Hash() const { return HashOf({bytes_.data(), size_}); }

 private:
  std::vector<char> bytes_;
  size_t size_ = 0;
};

/// Puts the values of columns into a buffer.
class Encoder {
 public:
  arrow::Status PutField(const Column& column, int64_t row, ByteBuffer* out);

 private:
  arrow::Status PutScalar(const Values& values, int64_t index, ByteBuffer* out);
  arrow::Status PutJson(std::string_view json, ByteBuffer* out);
  arrow::Status PutDecimal(const Values& values, int64_t index, ByteBuffer* out);
  arrow::Status PutArray(const Column& column, int64_t index, ByteBuffer* out);
  arrow::Status PutSparse(const Column& column, int64_t index, ByteBuffer* out);

  JsonCanonicalizer json_;
  std::vector<std::pair<uint32_t, uint32_t>> pairs_;  // of a sparse vector: index, bits of the value
};

arrow::Status CheckNoNull(const Values& items, int64_t begin, int64_t count) {
  for (int64_t i = begin; items.validity != nullptr && i < begin + count; ++i) {
    if (items.IsNull(i)) return MakeError(ErrorKind::kCorruptData, "a null inside a vector");
  }
  return arrow::Status::OK();
}

template <typename Format, typename Bits>
arrow::Status PutVector(const Column& column, int64_t index, ByteBuffer* out) {
  int64_t begin = column.items.offset + index * column.width;
  ARROW_RETURN_NOT_OK(CheckNoNull(column.items, begin, column.width));
  const uint8_t* from = column.items.data + begin * static_cast<int64_t>(sizeof(Bits));
  auto count = static_cast<size_t>(column.width);
  char* to = out->PutBytes(from, count * sizeof(Bits));
  if constexpr (!std::is_void_v<Format>) Format::MakeOneNan(to, count);
  return arrow::Status::OK();
}

arrow::Status Encoder::PutField(const Column& column, int64_t row, ByteBuffer* out) {
  int64_t index = column.values.offset + row;
  bool null = column.values.IsNull(index);
  out->Put(static_cast<uint8_t>(null ? 0 : 1));
  if (null) return arrow::Status::OK();
  auto width = static_cast<size_t>(column.width);
  switch (column.values.kind) {
    case TypeKind::kFloatVector:
      return PutVector<Float32, uint32_t>(column, index, out);
    case TypeKind::kFloat16Vector:
      return PutVector<Float16, uint16_t>(column, index, out);
    case TypeKind::kInt8Vector:
      return PutVector<void, uint8_t>(column, index, out);
    case TypeKind::kBFloat16Vector:
      BFloat16::MakeOneNan(out->PutBytes(column.values.data + index * 2 * column.width, 2 * width), width);
      return arrow::Status::OK();
    case TypeKind::kBinaryVector:
      out->PutBytes(column.values.data + index * column.width, width);
      return arrow::Status::OK();
    case TypeKind::kSparseVector:
      return PutSparse(column, index, out);
    case TypeKind::kArray:
      return PutArray(column, index, out);
    default:
      return PutScalar(column.values, index, out);
  }
}

arrow::Status Encoder::PutScalar(const Values& values, int64_t index, ByteBuffer* out) {
  auto text = [&] {
    return std::string_view(reinterpret_cast<const char*>(values.data) + values.offsets[index],
                            static_cast<size_t>(values.offsets[index + 1] - values.offsets[index]));
  };
  switch (values.kind) {
    case TypeKind::kBool:
      out->Put<int64_t>(arrow::bit_util::GetBit(values.data, index) ? 1 : 0);
      break;
    case TypeKind::kInt8:
      out->Put<int64_t>(values.Get<int8_t>(index));
      break;
    case TypeKind::kInt16:
      out->Put<int64_t>(values.Get<int16_t>(index));
      break;
    case TypeKind::kInt32:
    case TypeKind::kDate:
      out->Put<int64_t>(values.Get<int32_t>(index));
      break;
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
      out->Put<int64_t>(values.Get<int64_t>(index));
      break;
    case TypeKind::kFloat:
      out->PutDouble(values.Get<float>(index));
      break;
    case TypeKind::kDouble:
      out->PutDouble(values.Get<double>(index));
      break;
    case TypeKind::kString:
    case TypeKind::kBytes:
      out->PutString(text());
      break;
    case TypeKind::kJson:
      return PutJson(text(), out);
    case TypeKind::kDecimal:
      return PutDecimal(values, index, out);
    default:
      return MakeError(ErrorKind::kInternal, fmt::format("{} is not a scalar", ToString(values.kind)));
  }
  return arrow::Status::OK();
}

arrow::Status Encoder::PutJson(std::string_view json, ByteBuffer* out) {
  size_t begin = out->size();
  char* to = out->Extend(sizeof(uint32_t) + JsonCanonicalizer::MaxSize(json.size()));
  ARROW_ASSIGN_OR_RAISE(size_t size, json_.Write(json, to + sizeof(uint32_t)));
  auto length = static_cast<uint32_t>(size);
  std::memcpy(to, &length, sizeof(length));
  out->Truncate(begin + sizeof(length) + size);
  return arrow::Status::OK();
}

arrow::Status Encoder::PutDecimal(const Values& values, int64_t index, ByteBuffer* out) {
  arrow::Decimal128 unscaled(values.data + index * arrow::Decimal128Type::kByteWidth);
  return PutJson(fmt::format("{}e{}", unscaled.ToIntegerString(), -values.scale), out);
}

arrow::Status Encoder::PutArray(const Column& column, int64_t index, ByteBuffer* out) {
  int64_t begin = column.items.offset + column.values.offsets[index];
  int64_t end = column.items.offset + column.values.offsets[index + 1];
  out->Put(static_cast<uint32_t>(end - begin));
  for (int64_t i = begin; i < end; ++i) {
    bool null = column.items.IsNull(i);
    out->Put(static_cast<uint8_t>(null ? 0 : 1));
    if (!null) ARROW_RETURN_NOT_OK(PutScalar(column.items, i, out));
  }
  return arrow::Status::OK();
}

arrow::Status Encoder::PutSparse(const Column& column, int64_t index, ByteBuffer* out) {
  int64_t begin = column.values.offsets[index];
  int64_t count = column.values.offsets[index + 1] - begin;
  ARROW_RETURN_NOT_OK(CheckNoNull(column.items, column.items.offset + begin, count));
  ARROW_RETURN_NOT_OK(CheckNoNull(column.weights, column.weights.offset + begin, count));
  pairs_.clear();
  for (int64_t i = begin; i < begin + count; ++i) {
    auto bits = column.weights.Get<uint32_t>(column.weights.offset + i);
    pairs_.emplace_back(column.items.Get<uint32_t>(column.items.offset + i),
                        Float32::IsNan(bits) ? Float32::kNan : bits);
  }
  if (!std::is_sorted(pairs_.begin(), pairs_.end())) std::sort(pairs_.begin(), pairs_.end());
  out->Put(static_cast<uint32_t>(count));
  for (const auto& [position, bits] : pairs_) {
    out->Put(position);
    out->Put(bits);
  }
  return arrow::Status::OK();
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

arrow::Result<std::string> CanonicalJson(std::string_view json) {
  std::string text(JsonCanonicalizer::MaxSize(json.size()), '\0');
  ARROW_ASSIGN_OR_RAISE(size_t size, JsonCanonicalizer().Write(json, text.data()));
  text.resize(size);
  return text;
}

struct RowHasher::Impl {
  Impl(const CollectionSchema& collection, Identity row_identity)
      : schema(collection), identity(row_identity), key(collection.key_index()) {
    for (const Field& field : schema.fields) storage.push_back(field.type.Storage());
  }

  CollectionSchema schema;
  Identity identity;
  int key;
  std::vector<std::shared_ptr<arrow::DataType>> storage;  // of the fields

  std::vector<Column> columns;  // of the batch in work
  ByteBuffer row_bytes;
  ByteBuffer key_bytes;
  Encoder encoder;

  arrow::Status Bind(const arrow::RecordBatch& rows);
  arrow::Status HashRows(const Batch& batch, std::vector<Hash128>* hashes);
  arrow::Status HashKeys(const Batch& batch, std::vector<Hash128>* hashes);
  arrow::Status AtValue(const arrow::Status& status, const Batch& batch, int field, int64_t row) const;
};

arrow::Status RowHasher::Impl::Bind(const arrow::RecordBatch& rows) {
  if (identity == Identity::kKey && key < 0)
    return MakeError(ErrorKind::kInternal, "a collection without a key has no key hashes");
  if (rows.num_columns() != static_cast<int>(storage.size())) {
    return MakeError(ErrorKind::kInternal,
                     fmt::format("a batch has {} columns instead of {}", rows.num_columns(), storage.size()));
  }
  columns.clear();
  for (int i = 0; i < rows.num_columns(); ++i) {
    const arrow::Array& array = *rows.column(i);
    const Field& field = schema.fields[i];
    if (!SameLayout(*array.type(), *storage[i])) {
      return MakeError(ErrorKind::kInternal, fmt::format("the column of the field '{}' is {} instead of {}", field.name,
                                                         array.type()->ToString(), storage[i]->ToString()));
    }
    arrow::Result<Column> column = ColumnOf(array, field.type);
    if (!column.ok()) return WithContext(column.status(), fmt::format("field '{}'", field.name));
    columns.push_back(*column);
  }
  return arrow::Status::OK();
}

arrow::Status RowHasher::Impl::HashRows(const Batch& batch, std::vector<Hash128>* hashes) {
  row_bytes.Truncate(0);
  row_bytes.PutString(batch.partition);
  size_t prefix = row_bytes.size();
  hashes->resize(static_cast<size_t>(batch.rows->num_rows()));
  int skipped = identity == Identity::kWholeRow ? key : -1;
  for (int64_t row = 0; row < batch.rows->num_rows(); ++row) {
    row_bytes.Truncate(prefix);
    for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
      if (i == skipped) continue;
      arrow::Status status = encoder.PutField(columns[i], row, &row_bytes);
      if (!status.ok()) return AtValue(status, batch, i, row);
    }
    (*hashes)[row] = row_bytes.Hash();
  }
  return arrow::Status::OK();
}

arrow::Status RowHasher::Impl::HashKeys(const Batch& batch, std::vector<Hash128>* hashes) {
  key_bytes.Truncate(0);
  if (schema.key_is_per_partition()) key_bytes.PutString(batch.partition);
  size_t prefix = key_bytes.size();
  hashes->resize(static_cast<size_t>(batch.rows->num_rows()));
  for (int64_t row = 0; row < batch.rows->num_rows(); ++row) {
    key_bytes.Truncate(prefix);
    arrow::Status status = encoder.PutField(columns[key], row, &key_bytes);
    if (!status.ok()) return AtValue(status, batch, key, row);
    (*hashes)[row] = key_bytes.Hash();
  }
  return arrow::Status::OK();
}

// Names the value that `status` is about.
arrow::Status RowHasher::Impl::AtValue(const arrow::Status& status, const Batch& batch, int field, int64_t row) const {
  std::string where = fmt::format("row {} of a batch", row);
  if (key >= 0) {
    arrow::Result<std::shared_ptr<arrow::Scalar>> value = batch.rows->column(key)->GetScalar(row);
    if (value.ok()) where = fmt::format("the row with {} = {}", schema.fields[key].name, (*value)->ToString());
  }
  if (!batch.partition.empty()) where += fmt::format(" in the partition '{}'", batch.partition);
  return WithContext(status, fmt::format("field '{}' of {}", schema.fields[field].name, where));
}

RowHasher::RowHasher(const CollectionSchema& schema, Identity identity)
    : impl_(std::make_unique<Impl>(schema, identity)) {}
RowHasher::~RowHasher() = default;
RowHasher::RowHasher(RowHasher&&) noexcept = default;

namespace {

std::atomic<int64_t> nanoseconds_spent = 0;

/// Adds the processor time of its life.
class Stopwatch {
 public:
  Stopwatch() : begin_(ThreadTime()) {}
  Stopwatch(const Stopwatch&) = delete;
  ~Stopwatch() { nanoseconds_spent.fetch_add(ThreadTime() - begin_, std::memory_order_relaxed); }

 private:
  static int64_t ThreadTime() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
  }

  const int64_t begin_;
};

}  // namespace

std::chrono::nanoseconds RowHasher::TimeSpent() {
  return std::chrono::nanoseconds(nanoseconds_spent.load(std::memory_order_relaxed));
}

arrow::Status RowHasher::Hash(const Batch& batch, HashedRows* out) {
  Stopwatch watch;
  ARROW_RETURN_NOT_OK(impl_->Bind(*batch.rows));
  ARROW_RETURN_NOT_OK(impl_->HashRows(batch, &out->rows));
  if (impl_->identity == Identity::kKey) return impl_->HashKeys(batch, &out->keys);
  out->keys = out->rows;
  return arrow::Status::OK();
}

arrow::Status RowHasher::HashKeys(const Batch& batch, HashedRows* out) {
  Stopwatch watch;
  ARROW_RETURN_NOT_OK(impl_->Bind(*batch.rows));
  out->rows.clear();
  return impl_->identity == Identity::kKey ? impl_->HashKeys(batch, &out->keys) : impl_->HashRows(batch, &out->keys);
}

}  // namespace godwit
