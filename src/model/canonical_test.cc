#include "model/canonical.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace godwit {
namespace {

using Identity = RowHasher::Identity;

std::shared_ptr<arrow::Array> FromJson(const Type& type, const std::string& json) {
  auto array = arrow::json::ArrayFromJSONString(type.Storage(), json);
  EXPECT_TRUE(array.ok()) << array.status();
  return *array;
}

// A column without nulls over the bytes of `values`.
template <typename T>
std::shared_ptr<arrow::Array> FromValues(std::shared_ptr<arrow::DataType> type, const std::vector<T>& values) {
  auto data = arrow::ArrayData::Make(std::move(type), static_cast<int64_t>(values.size()),
                                     {nullptr, arrow::Buffer::FromVector(values)}, 0);
  return arrow::MakeArray(data);
}

std::shared_ptr<arrow::Array> Vectors(const Type& type, const std::shared_ptr<arrow::Array>& items) {
  return std::make_shared<arrow::FixedSizeListArray>(type.Storage(), items->length() / type.dim, items);
}

struct TestColumn {
  Type type;
  std::shared_ptr<arrow::Array> array;
};

// A collection whose first field is the key.
CollectionSchema SchemaOf(const std::vector<TestColumn>& columns, bool with_key = true) {
  CollectionSchema schema;
  schema.ref.name = "c";
  for (const TestColumn& column : columns) {
    Field field;
    field.name = "f" + std::to_string(schema.fields.size());
    field.type = column.type;
    field.nullable = true;
    field.primary_key = with_key && schema.fields.empty();
    schema.fields.push_back(field);
  }
  return schema;
}

Batch BatchOf(const std::vector<TestColumn>& columns, const std::string& partition = "") {
  arrow::ArrayVector arrays;
  for (const TestColumn& column : columns) arrays.push_back(column.array);
  return {.rows = arrow::RecordBatch::Make(SchemaOf(columns).ArrowSchema(), arrays[0]->length(), arrays),
          .partition = partition};
}

HashedRows HashOf(const std::vector<TestColumn>& columns, const std::string& partition = "") {
  HashedRows hashed;
  arrow::Status status = RowHasher(SchemaOf(columns), Identity::kKey).Hash(BatchOf(columns, partition), &hashed);
  EXPECT_TRUE(status.ok()) << status;
  return hashed;
}

// Row hashes of a column, next to a key that is always 1.
std::vector<Hash128> RowsOf(const Type& type, const std::shared_ptr<arrow::Array>& array) {
  Type key = Type::Of(TypeKind::kInt64);
  auto ones = FromValues(arrow::int64(), std::vector<int64_t>(static_cast<size_t>(array->length()), 1));
  return HashOf({{key, ones}, {type, array}}).rows;
}

std::vector<Hash128> RowsOf(const Type& type, const std::string& json) { return RowsOf(type, FromJson(type, json)); }

// The documented bytes, written down a second time.
class Bytes {
 public:
  template <typename T>
  Bytes& Put(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Bytes& String(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    text_ += text;
    return *this;
  }
  Bytes& Present() { return Put(uint8_t{1}); }
  Bytes& Null() { return Put(uint8_t{0}); }
  Hash128 Hash() const {
    XXH128_hash_t hash = XXH3_128bits(text_.data(), text_.size());
    return {.high = hash.high64, .low = hash.low64};
  }

 private:
  std::string text_;
};

// A row whose key is 1, up to the field under test.
Bytes RowStart(std::string_view partition = "") { return Bytes().String(partition).Present().Put(int64_t{1}); }

TEST(RowHasher, HashesTheDocumentedBytes) {
  auto expect = [](const Type& type, const std::string& json, Bytes bytes) {
    EXPECT_EQ(RowsOf(type, json).at(0), bytes.Hash()) << type.Name() << " " << json;
  };
  auto field = [] { return RowStart().Present(); };
  expect(Type::Of(TypeKind::kBool), "[true]", field().Put(int64_t{1}));
  expect(Type::Of(TypeKind::kInt8), "[-3]", field().Put(int64_t{-3}));
  expect(Type::Of(TypeKind::kInt16), "[-300]", field().Put(int64_t{-300}));
  expect(Type::Of(TypeKind::kInt32), "[70000]", field().Put(int64_t{70000}));
  expect(Type::Of(TypeKind::kInt64), "[-9223372036854775808]", field().Put(std::numeric_limits<int64_t>::min()));
  expect(Type::Of(TypeKind::kFloat), "[0.1]", field().Put(static_cast<double>(0.1f)));
  expect(Type::Of(TypeKind::kDouble), "[0.1]", field().Put(0.1));
  expect(Type::Of(TypeKind::kString), R"(["h\u00e9"])", field().String("h\xc3\xa9"));
  expect(Type::Of(TypeKind::kString), "[null]", RowStart().Null());
  expect(Type::Of(TypeKind::kBytes), R"(["ab"])", field().String("ab"));
  expect(Type::Of(TypeKind::kJson), R"(["{\"b\": 1.0, \"a\": []}"])", field().String(R"({"a":[],"b":1})"));
  expect(Type::Of(TypeKind::kTimestamp), "[1234567]", field().Put(int64_t{1234567}));
  expect(Type::Of(TypeKind::kDate), "[-1]", field().Put(int64_t{-1}));
  expect({.kind = TypeKind::kDecimal, .precision = 10, .scale = 2}, R"(["-12.50"])", field().String("-125e-1"));
  expect(Type::Array(TypeKind::kInt16), "[[5, null]]", field().Put(uint32_t{2}).Present().Put(int64_t{5}).Null());
  expect(Type::Array(TypeKind::kString), R"([["", "x"]])",
         field().Put(uint32_t{2}).Present().String("").Present().String("x"));
  expect(Type::Vector(TypeKind::kFloatVector, 3), "[[1, -0.0, 2.5]]", field().Put(1.0f).Put(-0.0f).Put(2.5f));
  expect(Type::Vector(TypeKind::kInt8Vector, 2), "[[-1, 7]]", field().Put(int8_t{-1}).Put(int8_t{7}));
  expect(Type::Vector(TypeKind::kBinaryVector, 16), R"(["ab"])", field().Put('a').Put('b'));
  expect(Type::Of(TypeKind::kSparseVector), "[[[3, 0.5], [9, 1.5]]]",
         field().Put(uint32_t{2}).Put(uint32_t{3}).Put(0.5f).Put(uint32_t{9}).Put(1.5f));
  expect(Type::Of(TypeKind::kSparseVector), "[[]]", field().Put(uint32_t{0}));

  Type half = Type::Vector(TypeKind::kFloat16Vector, 2);
  auto halves = FromValues(arrow::float16(), std::vector<uint16_t>{0x3c00, 0x8000});
  EXPECT_EQ(RowsOf(half, Vectors(half, halves)).at(0), field().Put(uint16_t{0x3c00}).Put(uint16_t{0x8000}).Hash());
  Type brain = Type::Vector(TypeKind::kBFloat16Vector, 2);
  auto brains = FromValues(brain.Storage(), std::vector<uint32_t>{0x80003f80});
  EXPECT_EQ(RowsOf(brain, brains).at(0), field().Put(uint16_t{0x3f80}).Put(uint16_t{0x8000}).Hash());
}

TEST(RowHasher, KeysAndPartitions) {
  const std::vector<TestColumn> columns = {
      {Type::Of(TypeKind::kInt64), FromJson(Type::Of(TypeKind::kInt64), "[1, 2]")},
      {Type::Of(TypeKind::kBool), FromJson(Type::Of(TypeKind::kBool), "[null, null]")}};
  HashedRows hashed = HashOf(columns, "p");
  ASSERT_EQ(hashed.keys.size(), 2u);
  EXPECT_EQ(hashed.keys[0], Bytes().String("p").Present().Put(int64_t{1}).Hash());
  EXPECT_EQ(hashed.keys[1], Bytes().String("p").Present().Put(int64_t{2}).Hash());
  EXPECT_EQ(hashed.rows[0], RowStart("p").Null().Hash());
  EXPECT_NE(hashed.rows, HashOf(columns).rows);

  // With a partition key the partition says nothing about the key.
  CollectionSchema schema = SchemaOf(columns);
  schema.fields[1].partition_key = true;
  HashedRows by_key;
  ASSERT_TRUE(RowHasher(schema, Identity::kKey).Hash(BatchOf(columns), &by_key).ok());
  EXPECT_EQ(by_key.keys[0], Bytes().Present().Put(int64_t{1}).Hash());

  HashedRows only_keys = by_key;
  ASSERT_TRUE(RowHasher(schema, Identity::kKey).HashKeys(BatchOf(columns), &only_keys).ok());
  EXPECT_EQ(only_keys.keys, by_key.keys);
  EXPECT_TRUE(only_keys.rows.empty());
}

TEST(RowHasher, WholeRowLeavesTheKeyOut) {
  Type integer = Type::Of(TypeKind::kInt64);
  auto hash = [&](const std::string& keys, const std::string& values) {
    const std::vector<TestColumn> columns = {{integer, FromJson(integer, keys)}, {integer, FromJson(integer, values)}};
    HashedRows hashed;
    EXPECT_TRUE(RowHasher(SchemaOf(columns), Identity::kWholeRow).Hash(BatchOf(columns, "p"), &hashed).ok());
    EXPECT_EQ(hashed.keys, hashed.rows);
    HashedRows keys_only;
    EXPECT_TRUE(RowHasher(SchemaOf(columns), Identity::kWholeRow).HashKeys(BatchOf(columns, "p"), &keys_only).ok());
    EXPECT_EQ(keys_only.keys, hashed.keys);
    return hashed.rows;
  };
  EXPECT_EQ(hash("[1, 2]", "[7, 8]"), hash("[3, 4]", "[7, 8]"));
  EXPECT_NE(hash("[1, 2]", "[7, 8]"), hash("[1, 2]", "[7, 9]"));
  EXPECT_EQ(hash("[1]", "[7]").at(0), Bytes().String("p").Present().Put(int64_t{7}).Hash());

  const std::vector<TestColumn> keyless = {{integer, FromJson(integer, "[7]")}};
  HashedRows hashed;
  EXPECT_TRUE(RowHasher(SchemaOf(keyless, false), Identity::kWholeRow).Hash(BatchOf(keyless, "p"), &hashed).ok());
  EXPECT_EQ(hashed.rows.at(0), Bytes().String("p").Present().Put(int64_t{7}).Hash());
  EXPECT_EQ(KindOf(RowHasher(SchemaOf(keyless, false), Identity::kKey).Hash(BatchOf(keyless), &hashed)),
            ErrorKind::kInternal);
}

TEST(RowHasher, ValuesNotWidths) {
  auto narrow = RowsOf(Type::Of(TypeKind::kInt8), "[-1, 0, 127, null]");
  EXPECT_EQ(RowsOf(Type::Of(TypeKind::kInt16), "[-1, 0, 127, null]"), narrow);
  EXPECT_EQ(RowsOf(Type::Of(TypeKind::kInt32), "[-1, 0, 127, null]"), narrow);
  EXPECT_EQ(RowsOf(Type::Of(TypeKind::kInt64), "[-1, 0, 127, null]"), narrow);
  EXPECT_EQ(RowsOf(Type::Of(TypeKind::kFloat), "[0.5, null]"), RowsOf(Type::Of(TypeKind::kDouble), "[0.5, null]"));
  EXPECT_NE(RowsOf(Type::Of(TypeKind::kFloat), "[0.1]"), RowsOf(Type::Of(TypeKind::kDouble), "[0.1]"));
  EXPECT_EQ(RowsOf(Type::Array(TypeKind::kInt8), "[[1, 2]]"), RowsOf(Type::Array(TypeKind::kInt64), "[[1, 2]]"));
  Type cents = {.kind = TypeKind::kDecimal, .precision = 10, .scale = 2};
  Type wide = {.kind = TypeKind::kDecimal, .precision = 38, .scale = 10};
  EXPECT_EQ(RowsOf(cents, R"(["1.50", "0.00", "-100.00"])"),
            RowsOf(wide, R"(["1.5000000000", "0.0000000000", "-100.0000000000"])"));
  Type largest = {.kind = TypeKind::kDecimal, .precision = 38, .scale = 0};
  EXPECT_EQ(RowsOf(largest, R"(["-99999999999999999999999999999999999999"])").at(0),
            RowStart().Present().String("-99999999999999999999999999999999999999").Hash());
}

TEST(RowHasher, ZerosDifferAndNansDoNot) {
  for (TypeKind kind : {TypeKind::kFloat, TypeKind::kDouble}) {
    EXPECT_NE(RowsOf(Type::Of(kind), "[0.0]"), RowsOf(Type::Of(kind), "[-0.0]"));
  }
  EXPECT_EQ(RowsOf(Type::Of(TypeKind::kJson), R"(["-0.0"])"), RowsOf(Type::Of(TypeKind::kJson), R"(["0"])"));

  const std::vector<uint32_t> nans = {0x7fc00000, 0xffc00000, 0x7f800001, 0x7fffffff, 0xff812345};
  auto floats = RowsOf(Type::Of(TypeKind::kFloat), FromValues(arrow::float32(), nans));
  auto doubles = RowsOf(Type::Of(TypeKind::kDouble),
                        FromValues(arrow::float64(), std::vector<uint64_t>{0x7ff8000000000000, 0xfff0000000000001}));
  for (const Hash128& hash : floats) EXPECT_EQ(hash, floats[0]);
  for (const Hash128& hash : doubles) EXPECT_EQ(hash, floats[0]);
  EXPECT_NE(RowsOf(Type::Of(TypeKind::kFloat), FromValues(arrow::float32(), std::vector<uint32_t>{0x7f800000}))[0],
            floats[0])
      << "infinity is a number";
}

// At every place of a vector: those that are looked at in blocks, and those after the last block.
TEST(RowHasher, NansInVectors) {
  auto check = [](const Type& type, const std::shared_ptr<arrow::DataType>& item, auto infinity, auto one, auto other) {
    using Bits = decltype(infinity);
    for (int32_t place = 0; place < type.dim; ++place) {
      std::vector<Bits> values(static_cast<size_t>(3 * type.dim), Bits{1});
      values[place] = one;
      values[type.dim + place] = other;
      values[2 * type.dim + place] = infinity;
      auto array = item == nullptr ? arrow::MakeArray(arrow::ArrayData::Make(
                                         type.Storage(), 3, {nullptr, arrow::Buffer::FromVector(values)}, 0))
                                   : Vectors(type, FromValues(item, values));
      auto rows = RowsOf(type, array);
      EXPECT_EQ(rows[0], rows[1]) << type.Name() << " at " << place;
      EXPECT_NE(rows[0], rows[2]) << type.Name() << " at " << place;
    }
  };
  for (int32_t dim : {1, 7, 16, 37, 64}) {
    check(Type::Vector(TypeKind::kFloatVector, dim), arrow::float32(), uint32_t{0x7f800000}, uint32_t{0x7fc00000},
          uint32_t{0xff800001});
    check(Type::Vector(TypeKind::kFloat16Vector, dim), arrow::float16(), uint16_t{0x7c00}, uint16_t{0x7e00},
          uint16_t{0xfc01});
    check(Type::Vector(TypeKind::kBFloat16Vector, dim), nullptr, uint16_t{0x7f80}, uint16_t{0x7fc0}, uint16_t{0xff81});
  }
  Type sparse = Type::Of(TypeKind::kSparseVector);
  auto pairs = [&](uint32_t bits) {
    auto weights = FromValues(arrow::float32(), std::vector<uint32_t>{bits});
    auto positions = FromValues(arrow::uint32(), std::vector<uint32_t>{5});
    auto item = std::static_pointer_cast<arrow::ListType>(sparse.Storage())->value_type();
    auto pair = std::make_shared<arrow::StructArray>(item, 1, arrow::ArrayVector{positions, weights});
    auto offsets = arrow::Buffer::FromVector(std::vector<int32_t>{0, 1});
    return RowsOf(sparse, std::make_shared<arrow::ListArray>(sparse.Storage(), 1, offsets, pair));
  };
  EXPECT_EQ(pairs(0x7fc00000), pairs(0xffffffff));
  EXPECT_NE(pairs(0x7fc00000), pairs(0x7f800000));
}

TEST(RowHasher, NullIsNotEmpty) {
  EXPECT_NE(RowsOf(Type::Of(TypeKind::kString), "[null]"), RowsOf(Type::Of(TypeKind::kString), R"([""])"));
  EXPECT_NE(RowsOf(Type::Of(TypeKind::kJson), "[null]"), RowsOf(Type::Of(TypeKind::kJson), R"(["null"])"));
  EXPECT_NE(RowsOf(Type::Array(TypeKind::kInt8), "[null]"), RowsOf(Type::Array(TypeKind::kInt8), "[[]]"));
  EXPECT_NE(RowsOf(Type::Array(TypeKind::kString), "[[null]]"), RowsOf(Type::Array(TypeKind::kString), R"([[""]])"));
  EXPECT_NE(RowsOf(Type::Of(TypeKind::kInt64), "[null]"), RowsOf(Type::Of(TypeKind::kInt64), "[0]"));
  Type vector = Type::Vector(TypeKind::kFloatVector, 2);
  EXPECT_NE(RowsOf(vector, "[null]"), RowsOf(vector, "[[0, 0]]"));
}

TEST(RowHasher, ValuesDoNotRunIntoEachOther) {
  Type text = Type::Of(TypeKind::kString);
  EXPECT_NE(HashOf({{text, FromJson(text, R"(["ab"])")}, {text, FromJson(text, R"(["c"])")}}).rows,
            HashOf({{text, FromJson(text, R"(["a"])")}, {text, FromJson(text, R"(["bc"])")}}).rows);
}

TEST(RowHasher, SparseVectorsAreHashedInIndexOrder) {
  Type sparse = Type::Of(TypeKind::kSparseVector);
  EXPECT_EQ(RowsOf(sparse, "[[[9, 1.5], [3, 0.5]]]"), RowsOf(sparse, "[[[3, 0.5], [9, 1.5]]]"));
  EXPECT_NE(RowsOf(sparse, "[[[9, 0.5], [3, 1.5]]]"), RowsOf(sparse, "[[[3, 0.5], [9, 1.5]]]"));
}

// ---------------------------------------------------------------------------------------------------------------------

// One column a kind, six rows, nulls in some.
std::vector<TestColumn> EveryKind() {
  Type decimal = {.kind = TypeKind::kDecimal, .precision = 20, .scale = 4};
  Type half = Type::Vector(TypeKind::kFloat16Vector, 2);
  Type brain = Type::Vector(TypeKind::kBFloat16Vector, 2);
  std::vector<TestColumn> columns;
  auto add = [&](const Type& type, const std::string& json) { columns.push_back({type, FromJson(type, json)}); };
  add(Type::Of(TypeKind::kInt64), "[1, 2, 3, -4, 5, 6]");
  add(Type::Of(TypeKind::kBool), "[true, false, null, true, true, false]");
  add(Type::Of(TypeKind::kInt8), "[1, null, 3, 4, 5, -6]");
  add(Type::Of(TypeKind::kInt16), "[1, 2, 3, 4, null, -600]");
  add(Type::Of(TypeKind::kInt32), "[null, 2, 3, 4, 5, -70000]");
  add(Type::Of(TypeKind::kFloat), "[0.5, null, -0.0, 1e-40, 3e38, 7]");
  add(Type::Of(TypeKind::kDouble), "[0.1, 1e300, null, -0.0, 5e-324, 7]");
  add(Type::Of(TypeKind::kString), R"(["", "a", null, "longer than a few bytes", "h\u00e9", "x"])");
  add(Type::Of(TypeKind::kJson), R"(["{}", null, "{\"b\":1,\"a\":[1.50]}", "\"\\u0041\"", "-0", "[]"])");
  add(Type::Of(TypeKind::kBytes), R"(["", "a", "bc", null, "d", "e"])");
  add(Type::Of(TypeKind::kTimestamp), "[0, -1, null, 1700000000000000, 4, 5]");
  add(Type::Of(TypeKind::kDate), "[0, null, -2, 19000, 4, 5]");
  add(decimal, R"(["0.0000", "1.5000", null, "-12.3456", "100.0000", "7.0000"])");
  add(Type::Array(TypeKind::kInt32), "[[], [1], null, [2, null, 3], [4], [5, 6]]");
  add(Type::Array(TypeKind::kString), R"([["a"], null, [], ["b", "", null], ["c"], ["d"]])");
  add(Type::Array(TypeKind::kBool), "[[true], [false, true], null, [null], [], [false]]");
  add(Type::Vector(TypeKind::kFloatVector, 3), "[[1, 2, 3], null, [4, 5, 6], [-0.0, 0, 1], [7, 8, 9], [1e-40, 0, 2]]");
  columns.push_back({half, Vectors(half, FromValues(arrow::float16(), std::vector<uint16_t>{1, 2, 3, 4, 5, 6, 7, 8, 9,
                                                                                            10, 11, 0x7e01}))});
  columns.push_back({brain, FromValues(brain.Storage(), std::vector<uint32_t>{1, 2, 3, 4, 5, 0x7fc1ffff})});
  add(Type::Vector(TypeKind::kInt8Vector, 2), "[[1, 2], [3, 4], [5, 6], null, [-7, 8], [9, 10]]");
  add(Type::Vector(TypeKind::kBinaryVector, 16), R"(["ab", null, "cd", "ef", "gh", "ij"])");
  add(Type::Of(TypeKind::kSparseVector), "[[], [[1, 0.5]], null, [[2, 1], [4294967295, -1]], [[0, 0]], [[7, 7]]]");
  return columns;
}

TEST(RowHasher, SlicesHashAsTheWhole) {
  const std::vector<TestColumn> columns = EveryKind();
  RowHasher hasher(SchemaOf(columns), Identity::kKey);
  HashedRows whole, part;
  ASSERT_TRUE(hasher.Hash(BatchOf(columns, "p"), &whole).ok());
  for (int64_t begin = 0; begin <= 6; ++begin) {
    for (int64_t length = 0; begin + length <= 6; ++length) {
      Batch slice = BatchOf(columns, "p");
      slice.rows = slice.rows->Slice(begin, length);
      arrow::Status status = hasher.Hash(slice, &part);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(part.rows, std::vector<Hash128>(whole.rows.begin() + begin, whole.rows.begin() + begin + length));
      EXPECT_EQ(part.keys, std::vector<Hash128>(whole.keys.begin() + begin, whole.keys.begin() + begin + length));
    }
  }
}

TEST(RowHasher, SlicedChildrenHashAsWholeOnes) {
  Type vector = Type::Vector(TypeKind::kFloatVector, 2);
  auto floats = FromJson(Type::Of(TypeKind::kFloat), "[9, 9, 9, 1, 2, 3, 4]")->Slice(3);
  EXPECT_EQ(RowsOf(vector, Vectors(vector, floats)), RowsOf(vector, "[[1, 2], [3, 4]]"));
  Type list = Type::Array(TypeKind::kString);
  auto texts = FromJson(Type::Of(TypeKind::kString), R"(["x", "a", null, "c"])")->Slice(1);
  auto offsets = arrow::Buffer::FromVector(std::vector<int32_t>{0, 2, 3});
  EXPECT_EQ(RowsOf(list, std::make_shared<arrow::ListArray>(list.Storage(), 2, offsets, texts)),
            RowsOf(list, R"([["a", null], ["c"]])"));
}

TEST(RowHasher, AnyOrderOfRowsHasOneDigest) {
  const std::vector<TestColumn> columns = EveryKind();
  HashedRows hashed = HashOf(columns);
  auto digest_in_order = [&](const std::vector<int>& order) {
    RowHasher hasher(SchemaOf(columns), Identity::kKey);
    Digest digest;
    HashedRows one;
    for (int row : order) {
      Batch batch = BatchOf(columns);
      batch.rows = batch.rows->Slice(row, 1);
      EXPECT_TRUE(hasher.Hash(batch, &one).ok());
      digest.Add(one.keys.at(0), one.rows.at(0));
    }
    return digest;
  };
  Digest digest;
  for (size_t i = 0; i < hashed.rows.size(); ++i) digest.Add(hashed.keys[i], hashed.rows[i]);
  EXPECT_EQ(digest_in_order({0, 1, 2, 3, 4, 5}), digest);
  EXPECT_EQ(digest_in_order({5, 3, 1, 0, 2, 4}), digest);
  EXPECT_NE(digest_in_order({5, 3, 1, 0, 2, 2}), digest);
}

// Digests are written into journals and manifests and compared by later versions: these numbers never change.
TEST(RowHasher, GoldenDigests) {
  const std::pair<std::string, std::string> golden[] = {
      {"int64", "24c01b7fb965f0ccac8c1c03cb359534"},
      {"bool", "717492f67065084d3fb73c58bfb7e9cd"},
      {"int8", "70d05348963f17350327911999705e27"},
      {"int16", "829bee743c7eaa4dabb280a2fa188b3b"},
      {"int32", "bd4f56b24c6eaa6da08f3d745ad074ce"},
      {"float", "9485069201e87ed06b2ad25ad3b6eacf"},
      {"double", "1abc76dd1264d54018539641bca16038"},
      {"string", "fa5ed7de08d0bd39e23b42913482a5de"},
      {"json", "281fa94b7afbacd2d5a4bbf11a59d6c2"},
      {"bytes", "5f3e02f76f023b4a4a226d21c98d149e"},
      {"timestamp", "9c23677bad3b0c27af711d413706e470"},
      {"date", "2e116f40410e589d3c09a7e122df1c56"},
      {"decimal(20, 4)", "d9b040351acea255269de925979fe356"},
      {"array<int32>", "0566a69211258aa0371deb371e52476a"},
      {"array<string>", "93301b40632c02e14bf9b8ee85362eba"},
      {"array<bool>", "1ddffe192737273a1ef4328c9d043248"},
      {"float_vector(3)", "7434cd18c92696b9e84b3e82c0784f15"},
      {"float16_vector(2)", "f9191ebeb8f70eb454166a3d34f7eb67"},
      {"bfloat16_vector(2)", "11f152d84db8366b93673d54a12e942c"},
      {"int8_vector(2)", "9fe74ca2cf44a85e25d4b1157d14f6aa"},
      {"binary_vector(16)", "e50087e9e7141226520ed6ef2ebd49e5"},
      {"sparse_vector", "e2c49ce79a4d594da51fe2e11d710ffb"},
  };
  const std::vector<TestColumn> columns = EveryKind();
  ASSERT_EQ(columns.size(), std::size(golden));
  for (size_t i = 0; i < columns.size(); ++i) {
    Digest digest;
    for (const Hash128& hash : RowsOf(columns[i].type, columns[i].array)) digest.Add({}, hash);
    EXPECT_EQ(columns[i].type.Name(), golden[i].first);
    EXPECT_EQ(digest.ToString(), "6:" + std::string(32, '0') + ":" + golden[i].second) << golden[i].first;
  }
  HashedRows hashed = HashOf(columns, "p");
  Digest all;
  for (size_t i = 0; i < hashed.rows.size(); ++i) all.Add(hashed.keys[i], hashed.rows[i]);
  EXPECT_EQ(all.ToString(), "6:294ffff8ba3bac95c9d524e203935cff:a0aa920bba9fad981289b2e30f1480dc");
}

// ---------------------------------------------------------------------------------------------------------------------

arrow::Status ErrorOf(const std::vector<TestColumn>& columns, const std::string& partition = "") {
  HashedRows hashed;
  return RowHasher(SchemaOf(columns), Identity::kKey).Hash(BatchOf(columns, partition), &hashed);
}

TEST(RowHasher, InvalidJsonIsNamedByKeyAndField) {
  Type json = Type::Of(TypeKind::kJson);
  Type text = Type::Of(TypeKind::kString);
  arrow::Status status =
      ErrorOf({{text, FromJson(text, R"(["a", "b"])")}, {json, FromJson(json, R"(["{}", "{\"x\":}"])")}});
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData);
  EXPECT_EQ(status.message(), "field 'f1' of the row with f0 = b: invalid JSON at byte 5: no value");
  status = ErrorOf({{text, FromJson(text, R"(["a"])")}, {json, FromJson(json, R"(["{\"k\":1,\"k\":1}"])")}}, "p");
  EXPECT_EQ(status.message(),
            "field 'f1' of the row with f0 = a in the partition 'p': invalid JSON at byte 13: a key is given twice");
}

TEST(RowHasher, NullsInsideVectorsAreCorrupt) {
  Type integer = Type::Of(TypeKind::kInt64);
  TestColumn key = {integer, FromJson(integer, "[1]")};
  Type vector = Type::Vector(TypeKind::kFloatVector, 2);
  auto items = FromJson(Type::Of(TypeKind::kFloat), "[1, null]");
  arrow::Status status = ErrorOf({key, {vector, Vectors(vector, items)}});
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData);
  EXPECT_EQ(status.message(), "field 'f1' of the row with f0 = 1: a null inside a vector");
  // A null vector may stand on null items.
  auto null_list = std::make_shared<arrow::FixedSizeListArray>(vector.Storage(), 1, items,
                                                               arrow::Buffer::FromVector(std::vector<uint8_t>{0}), 1);
  EXPECT_EQ(RowsOf(vector, null_list), RowsOf(vector, "[null]"));
}

TEST(RowHasher, OtherColumnsThanTheSchemasAreADefect) {
  Type integer = Type::Of(TypeKind::kInt64);
  TestColumn key = {integer, FromJson(integer, "[1]")};
  auto mismatch = [&](const Type& declared, const Type& actual, const std::string& json) {
    CollectionSchema schema = SchemaOf({key, {declared, nullptr}});
    HashedRows hashed;
    arrow::Status status =
        RowHasher(schema, Identity::kKey).Hash(BatchOf({key, {actual, FromJson(actual, json)}}), &hashed);
    EXPECT_EQ(KindOf(status), ErrorKind::kInternal) << status;
    return status.message();
  };
  EXPECT_EQ(mismatch(integer, Type::Of(TypeKind::kInt32), "[1]"),
            "the column of the field 'f1' is int32 instead of int64");
  mismatch(Type::Vector(TypeKind::kFloatVector, 2), Type::Vector(TypeKind::kFloatVector, 3), "[[1, 2, 3]]");
  mismatch(Type::Vector(TypeKind::kBinaryVector, 8), Type::Vector(TypeKind::kBinaryVector, 16), R"(["ab"])");
  mismatch(Type::Array(TypeKind::kInt64), Type::Array(TypeKind::kInt32), "[[1]]");
  HashedRows hashed;
  EXPECT_EQ(RowHasher(SchemaOf({key, key}), Identity::kKey).Hash(BatchOf({key}), &hashed).message(),
            "a batch has 1 columns instead of 2");
}

}  // namespace
}  // namespace godwit
