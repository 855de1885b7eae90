#include "stores/milvus/codec.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace godwit::milvus {
namespace {

namespace pb = ::milvus::proto::milvus;
namespace schema_pb = ::milvus::proto::schema;
using schema_pb::FieldData;

Field Named(std::string name, Type type, bool nullable = false) {
  return {.name = std::move(name), .type = type, .nullable = nullable};
}

std::shared_ptr<arrow::Array> FromJson(const Type& type, const std::string& json) {
  auto array = arrow::json::ArrayFromJSONString(type.Storage(), json);
  EXPECT_TRUE(array.ok()) << array.status();
  return *array;
}

template <typename Bits>
std::shared_ptr<arrow::Array> FromBits(const std::shared_ptr<arrow::DataType>& type, const std::vector<Bits>& bits) {
  auto count = static_cast<int64_t>(bits.size() * sizeof(Bits)) / type->byte_width();
  return arrow::MakeArray(arrow::ArrayData::Make(type, count, {nullptr, arrow::Buffer::FromVector(bits)}, 0));
}

template <typename Bits>
std::shared_ptr<arrow::Array> Vectors(const Type& type, const std::vector<Bits>& bits) {
  auto items = FromBits(type.Storage()->field(0)->type(), bits);
  return std::make_shared<arrow::FixedSizeListArray>(type.Storage(), items->length() / type.dim, items);
}

struct Table {
  CollectionSchema schema;
  std::shared_ptr<arrow::RecordBatch> rows;
};

Table TableOf(std::vector<std::pair<Field, std::shared_ptr<arrow::Array>>> columns) {
  Table table;
  table.schema.ref.name = "c";
  arrow::ArrayVector arrays;
  for (auto& [field, array] : columns) {
    table.schema.fields.push_back(field);
    arrays.push_back(array);
  }
  table.rows = arrow::RecordBatch::Make(table.schema.ArrowSchema(), arrays.front()->length(), arrays);
  return table;
}

std::shared_ptr<pb::QueryResults> Encode(const Table& table, int64_t from, int64_t to) {
  pb::InsertRequest request;
  arrow::Status status = EncodeRows(*table.rows, from, to, table.schema, request.mutable_fields_data());
  EXPECT_TRUE(status.ok()) << status;
  // Over the wire, and in another order, as Milvus answers.
  auto reply = std::make_shared<pb::QueryResults>();
  std::string bytes;
  for (int i = request.fields_data_size() - 1; i >= 0; --i) *reply->add_fields_data() = request.fields_data(i);
  EXPECT_TRUE(reply->SerializeToString(&bytes));
  EXPECT_TRUE(reply->ParseFromString(bytes));
  return reply;
}

void ExpectSameBits(const arrow::RecordBatch& want, const arrow::RecordBatch& have) {
  ASSERT_TRUE(have.ValidateFull().ok()) << have.ValidateFull();
  auto exact = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
  ASSERT_EQ(want.num_columns(), have.num_columns());
  for (int i = 0; i < want.num_columns(); ++i) {
    EXPECT_TRUE(want.column(i)->Equals(have.column(i), exact)) << want.column_name(i) << "\n"
                                                               << want.column(i)->ToString() << "\n"
                                                               << have.column(i)->ToString();
  }
}

void ExpectRoundTrip(const Table& table) {
  int64_t rows = table.rows->num_rows();
  for (int64_t from = 0; from <= rows; ++from) {
    for (int64_t to = from; to <= rows; ++to) {
      auto decoded = DecodeRows(Encode(table, from, to), table.schema);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      ExpectSameBits(*table.rows->Slice(from, to - from), **decoded);
    }
  }
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

constexpr uint32_t kOddFloats[] = {0x80000000u, 0x00000001u, 0x807FFFFFu, 0x7F7FFFFFu, 0x7F800000u,
                                   0xFF800000u, 0x7FC00000u, 0xFFC12345u, 0x7F800001u};

TEST(MilvusCodec, ScalarsKeepEveryBit) {
  std::vector<uint32_t> floats(std::begin(kOddFloats), std::end(kOddFloats));
  std::vector<uint64_t> doubles = {
      0x8000000000000000u, 1u, 0x7FEFFFFFFFFFFFFFu, 0x7FF0000000000000u, 0xFFF8000000012345u, 0x7FF0000000000001u, 0u,
      0x3FF0000000000000u, 2u};
  auto table = TableOf(
      {{Named("b", Type::Of(TypeKind::kBool)),
        FromJson(Type::Of(TypeKind::kBool), "[true,false,true,true,false,false,true,false,true]")},
       {Named("i8", Type::Of(TypeKind::kInt8)), FromJson(Type::Of(TypeKind::kInt8), "[-128,127,0,1,2,3,4,5,6]")},
       {Named("i16", Type::Of(TypeKind::kInt16)), FromJson(Type::Of(TypeKind::kInt16), "[-32768,32767,0,1,2,3,4,5,6]")},
       {Named("i32", Type::Of(TypeKind::kInt32)),
        FromJson(Type::Of(TypeKind::kInt32), "[-2147483648,2147483647,0,1,2,3,4,5,6]")},
       {Named("i64", Type::Of(TypeKind::kInt64)),
        FromJson(Type::Of(TypeKind::kInt64), "[-9223372036854775808,9223372036854775807,0,1,2,3,4,5,6]")},
       {Named("f", Type::Of(TypeKind::kFloat)), FromBits(arrow::float32(), floats)},
       {Named("d", Type::Of(TypeKind::kDouble)), FromBits(arrow::float64(), doubles)}});
  ExpectRoundTrip(table);
  auto decoded = DecodeRows(Encode(table, 0, 9), table.schema).ValueOrDie();
  const auto& f = static_cast<const arrow::FloatArray&>(*decoded->column(5));
  EXPECT_EQ(std::memcmp(f.raw_values(), floats.data(), floats.size() * 4), 0);
  const auto& d = static_cast<const arrow::DoubleArray&>(*decoded->column(6));
  EXPECT_EQ(std::memcmp(d.raw_values(), doubles.data(), doubles.size() * 8), 0);
}

TEST(MilvusCodec, TextKeepsEveryByte) {
  auto table =
      TableOf({{Named("s", Type::Of(TypeKind::kString)),
                FromJson(Type::Of(TypeKind::kString), R"(["", "a\u0000b", "\"\\\n", "中😀", "x"])")},
               {Named("j", Type::Of(TypeKind::kJson)),
                FromJson(Type::Of(TypeKind::kJson), "[" + Quoted(R"({})") + "," + Quoted(R"( {"b":1,"a":2} )") + "," +
                                                        Quoted(R"({"a":1,"a":1e400})") + "," + Quoted(R"(null)") + "," +
                                                        Quoted(R"({"":"\ud83d"})") + "]")}});
  ExpectRoundTrip(table);
}

TEST(MilvusCodec, DynamicFieldsAreMarked) {
  Field meta = Named("$meta", Type::Of(TypeKind::kJson));
  meta.dynamic = true;
  auto table = TableOf({{Named("i", Type::Of(TypeKind::kInt64)), FromJson(Type::Of(TypeKind::kInt64), "[1,2]")},
                        {meta, FromJson(meta.type, R"(["{}", "{\"x\":1}"])")}});
  ExpectRoundTrip(table);
  auto reply = Encode(table, 0, 2);
  auto* data = reply->mutable_fields_data(0);
  ASSERT_TRUE(data->is_dynamic());
  EXPECT_EQ(data->type(), schema_pb::JSON);
  data->set_field_name("");  // some servers leave the name out
  ExpectSameBits(*table.rows, *DecodeRows(reply, table.schema).ValueOrDie());
}

TEST(MilvusCodec, ArraysOfEveryElement) {
  std::vector<std::pair<TypeKind, std::string>> cases = {
      {TypeKind::kBool, "[[true],[],[false,true,true]]"},
      {TypeKind::kInt8, "[[],[-128,127],[1]]"},
      {TypeKind::kInt16, "[[-32768],[32767,0],[]]"},
      {TypeKind::kInt32, "[[-2147483648],[2147483647,0],[]]"},
      {TypeKind::kInt64, "[[-9223372036854775808],[],[9223372036854775807,0]]"},
      {TypeKind::kFloat, "[[-0.0,1.5],[],[3e38]]"},
      {TypeKind::kDouble, "[[-0.0,1.5],[],[1e308]]"},
      {TypeKind::kString, R"([["","a"],["中"],[]])"}};
  for (const auto& [element, json] : cases) {
    Type type = Type::Array(element);
    ExpectRoundTrip(TableOf({{Named("a", type), FromJson(type, json)}}));
  }
}

// Milvus 2.3.5 dies of an array without values that does not say of which type.
TEST(MilvusCodec, AnEmptyArrayHasItsType) {
  Type type = Type::Array(TypeKind::kInt8);
  auto table = TableOf({{Named("a", type), FromJson(type, "[[]]")}});
  auto reply = Encode(table, 0, 1);
  const auto& array = reply->fields_data(0).scalars().array_data();
  EXPECT_EQ(array.element_type(), schema_pb::Int8);
  EXPECT_TRUE(array.data(0).has_int_data());
  // It comes back without.
  reply->mutable_fields_data(0)->mutable_scalars()->mutable_array_data()->mutable_data(0)->clear_int_data();
  ExpectSameBits(*table.rows, *DecodeRows(reply, table.schema).ValueOrDie());
}

TEST(MilvusCodec, VectorsKeepEveryBit) {
  std::vector<uint32_t> floats(std::begin(kOddFloats), std::end(kOddFloats));
  Type float_vector = Type::Vector(TypeKind::kFloatVector, 3);
  auto table = TableOf(
      {{Named("f", float_vector), Vectors(float_vector, floats)},
       {Named("h", Type::Vector(TypeKind::kFloat16Vector, 2)),
        Vectors<uint16_t>(Type::Vector(TypeKind::kFloat16Vector, 2), {0x8000, 1, 0x7C00, 0x7E01, 0xFFFF, 0x3C00})},
       {Named("i", Type::Vector(TypeKind::kInt8Vector, 2)),
        Vectors<int8_t>(Type::Vector(TypeKind::kInt8Vector, 2), {-128, 127, 0, 1, -1, 2})},
       {Named("b", Type::Vector(TypeKind::kBFloat16Vector, 2)),
        FromBits<uint16_t>(arrow::fixed_size_binary(4), {0x8000, 1, 0x7F80, 0x7FC1, 0xFFFF, 0x3F80})},
       {Named("x", Type::Vector(TypeKind::kBinaryVector, 16)),
        FromBits<uint8_t>(arrow::fixed_size_binary(2), {0, 255, 1, 128, 254, 127})},
       {Named("s", Type::Of(TypeKind::kSparseVector)),
        FromJson(Type::Of(TypeKind::kSparseVector), "[[[0,-0.0],[4294967294,1.5]],[],[[7,2]]]")}});
  ExpectRoundTrip(table);
  auto reply = Encode(table, 0, 3);
  auto decoded = DecodeRows(reply, table.schema).ValueOrDie();
  const auto& lists = static_cast<const arrow::FixedSizeListArray&>(*decoded->column(0));
  const auto& values = static_cast<const arrow::FloatArray&>(*lists.values());
  EXPECT_EQ(std::memcmp(values.raw_values(), floats.data(), floats.size() * 4), 0);
  const auto& wire = std::find_if(reply->fields_data().begin(), reply->fields_data().end(), [](const FieldData& data) {
                       return data.field_name() == "f";
                     })->vectors();
  EXPECT_EQ(wire.dim(), 3);
  // The memory of the reply itself, which the batch keeps.
  EXPECT_EQ(values.raw_values(), wire.float_vector().data().data());
  reply.reset();
  EXPECT_EQ(std::memcmp(values.raw_values(), floats.data(), floats.size() * 4), 0);
}

// Every type with nulls; `in_place` = null rows have a value in the reply too.
Table TableWithNulls() {
  std::vector<std::pair<Field, std::shared_ptr<arrow::Array>>> columns;
  auto add = [&](Type type, const std::string& json) {
    std::string name = "f" + std::to_string(columns.size());
    columns.emplace_back(Named(name, type, /*nullable=*/true), FromJson(type, json));
  };
  add(Type::Of(TypeKind::kInt64), "[1,null,3,null,5]");
  add(Type::Of(TypeKind::kBool), "[null,true,null,false,null]");
  add(Type::Of(TypeKind::kInt8), "[null,null,null,null,null]");
  add(Type::Of(TypeKind::kString), R"(["a",null,"","b",null])");
  add(Type::Of(TypeKind::kJson), R"([null,"{}","null",null,"{\"a\":1}"])");
  add(Type::Array(TypeKind::kInt32), "[[1],null,[],[2,3],null]");
  add(Type::Vector(TypeKind::kFloatVector, 2), "[[1,2],null,[3,4],null,[5,6]]");
  add(Type::Vector(TypeKind::kBinaryVector, 8), R"(["a",null,"b",null,"c"])");
  add(Type::Of(TypeKind::kSparseVector), "[[[1,2]],null,[],[[3,4]],null]");
  return TableOf(columns);
}

TEST(MilvusCodec, NullsLeftOutOfTheValues) { ExpectRoundTrip(TableWithNulls()); }

TEST(MilvusCodec, NullsWithAPlaceAmongTheValues) {
  Table table = TableWithNulls();
  // As if nothing were null: then each row has a value.
  arrow::ArrayVector filled;
  for (const auto& column : table.rows->columns()) {
    auto data = column->data()->Copy();
    data->buffers[0] = nullptr;
    data->null_count = 0;
    filled.push_back(arrow::MakeArray(data));
  }
  Table whole{table.schema, arrow::RecordBatch::Make(table.rows->schema(), table.rows->num_rows(), filled)};
  auto reply = Encode(whole, 0, 5);
  for (FieldData& data : *reply->mutable_fields_data()) {
    auto column = table.rows->GetColumnByName(data.field_name());
    for (int row = 0; row < 5; ++row) data.set_valid_data(row, column->IsValid(row));
  }
  ExpectSameBits(*table.rows, *DecodeRows(reply, table.schema).ValueOrDie());
}

TEST(MilvusCodec, NullDynamicFieldsAreEmpty) {
  Field meta = Named("$meta", Type::Of(TypeKind::kJson));
  meta.dynamic = true;
  auto table = TableOf({{meta, FromJson(meta.type, R"(["{\"a\":1}", "x"])")}});
  auto reply = Encode(table, 0, 2);
  reply->mutable_fields_data(0)->add_valid_data(true);
  reply->mutable_fields_data(0)->add_valid_data(false);
  auto decoded = DecodeRows(reply, table.schema).ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*decoded->column(0)).GetView(1), "{}");
  EXPECT_EQ(decoded->column(0)->null_count(), 0);
}

TEST(MilvusCodec, RepliesWithoutRows) {
  Table table = TableWithNulls();
  auto decoded = DecodeRows(std::make_shared<pb::QueryResults>(), table.schema).ValueOrDie();
  EXPECT_EQ(decoded->num_rows(), 0);
  EXPECT_EQ(decoded->num_columns(), table.rows->num_columns());
  auto reply = std::make_shared<pb::QueryResults>();
  for (const Field& field : table.schema.fields) {
    FieldData* data = reply->add_fields_data();
    data->set_field_name(field.name);
    data->set_type(*DataTypeOf(field.type.kind));
  }
  decoded = DecodeRows(reply, table.schema).ValueOrDie();
  EXPECT_EQ(decoded->num_rows(), 0);
  EXPECT_TRUE(decoded->ValidateFull().ok());
}

// ---------------------------------------------------------------------------------------------------------------------

class CorruptReply : public ::testing::Test {
 protected:
  CorruptReply() {
    table_ =
        TableOf({{Named("i", Type::Of(TypeKind::kInt64)), FromJson(Type::Of(TypeKind::kInt64), "[1,2,3]")},
                 {Named("n", Type::Of(TypeKind::kInt8)), FromJson(Type::Of(TypeKind::kInt8), "[1,2,3]")},
                 {Named("s", Type::Of(TypeKind::kString)), FromJson(Type::Of(TypeKind::kString), R"(["","b","c"])")},
                 {Named("v", Type::Vector(TypeKind::kFloatVector, 2)),
                  FromJson(Type::Vector(TypeKind::kFloatVector, 2), "[[1,2],[3,4],[5,6]]")},
                 {Named("a", Type::Array(TypeKind::kInt64)), FromJson(Type::Array(TypeKind::kInt64), "[[],[1],[2]]")},
                 {Named("x", Type::Of(TypeKind::kSparseVector)),
                  FromJson(Type::Of(TypeKind::kSparseVector), "[[],[[1,2],[3,4]],[]]")}});
    reply_ = Encode(table_, 0, 3);
  }
  FieldData* Column(const std::string& name) {
    for (FieldData& data : *reply_->mutable_fields_data()) {
      if (data.field_name() == name) return &data;
    }
    return nullptr;
  }
  void ExpectCorrupt(const std::string& field) {
    auto decoded = DecodeRows(reply_, table_.schema);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(KindOf(decoded.status()), ErrorKind::kCorruptData);
    EXPECT_NE(decoded.status().message().find("field " + field + ":"), std::string::npos) << decoded.status();
  }

  Table table_;
  std::shared_ptr<pb::QueryResults> reply_;
};

TEST_F(CorruptReply, Missing) {
  Column("s")->set_field_name("t");
  ExpectCorrupt("s");
}
TEST_F(CorruptReply, OtherType) {
  Column("i")->set_type(schema_pb::Int32);
  ExpectCorrupt("i");
}
TEST_F(CorruptReply, OtherArm) {
  Column("i")->mutable_scalars()->mutable_int_data()->add_data(1);
  ExpectCorrupt("i");
}
TEST_F(CorruptReply, Short) {
  Column("s")->mutable_scalars()->mutable_string_data()->mutable_data()->RemoveLast();
  ExpectCorrupt("s");
}
TEST_F(CorruptReply, OutOfRange) {
  Column("n")->mutable_scalars()->mutable_int_data()->set_data(1, 128);
  ExpectCorrupt("n");
}
TEST_F(CorruptReply, VectorCutInTheMiddle) {
  Column("v")->mutable_vectors()->mutable_float_vector()->mutable_data()->RemoveLast();
  ExpectCorrupt("v");
}
TEST_F(CorruptReply, VectorShort) {
  Column("v")->mutable_vectors()->mutable_float_vector()->mutable_data()->Truncate(4);
  ExpectCorrupt("v");
}
TEST_F(CorruptReply, OtherDimension) {
  Column("v")->mutable_vectors()->set_dim(3);
  ExpectCorrupt("v");
}
TEST_F(CorruptReply, OtherVectorArm) {
  Column("v")->mutable_vectors()->set_binary_vector("abcdef");
  ExpectCorrupt("v");
}
TEST_F(CorruptReply, OtherElements) {
  Column("a")->mutable_scalars()->mutable_array_data()->mutable_data(1)->mutable_string_data()->add_data("1");
  ExpectCorrupt("a");
}
TEST_F(CorruptReply, SparseOfOddLength) {
  Column("x")->mutable_vectors()->mutable_sparse_float_vector()->mutable_contents(1)->pop_back();
  ExpectCorrupt("x");
}
TEST_F(CorruptReply, SparseNotAscending) {
  std::string* bytes = Column("x")->mutable_vectors()->mutable_sparse_float_vector()->mutable_contents(1);
  std::swap_ranges(bytes->begin(), bytes->begin() + 8, bytes->begin() + 8);
  ExpectCorrupt("x");
}
TEST_F(CorruptReply, NullWhereNoneMayBe) {
  for (bool valid : {true, true, false}) Column("i")->add_valid_data(valid);
  ExpectCorrupt("i");
}
TEST_F(CorruptReply, ValidityOfAnotherLength) {
  table_.schema.fields[0].nullable = true;
  for (bool valid : {true, true, true, false, false}) Column("i")->add_valid_data(valid);
  ExpectCorrupt("n");  // five rows of i, three of the next
  Column("i")->clear_valid_data();
  for (bool valid : {true, false}) Column("i")->add_valid_data(valid);
  ExpectCorrupt("i");
}

// ---------------------------------------------------------------------------------------------------------------------

TEST(MilvusCodec, EncodeRefuses) {
  google::protobuf::RepeatedPtrField<FieldData> out;
  auto nulls = TableOf({{Named("i", Type::Of(TypeKind::kInt64)), FromJson(Type::Of(TypeKind::kInt64), "[1,null]")}});
  EXPECT_TRUE(EncodeRows(*nulls.rows, 0, 1, nulls.schema, &out).ok());
  EXPECT_EQ(KindOf(EncodeRows(*nulls.rows, 0, 2, nulls.schema, &out)), ErrorKind::kRejected);
  Type array = Type::Array(TypeKind::kInt64);
  auto inner = TableOf({{Named("a", array), FromJson(array, "[[1],[null]]")}});
  EXPECT_TRUE(EncodeRows(*inner.rows, 0, 1, inner.schema, &out).ok());
  EXPECT_EQ(KindOf(EncodeRows(*inner.rows, 1, 2, inner.schema, &out)), ErrorKind::kRejected);
  auto wrong = nulls;
  wrong.schema.fields[0].type = Type::Of(TypeKind::kInt32);
  EXPECT_EQ(KindOf(EncodeRows(*wrong.rows, 0, 1, wrong.schema, &out)), ErrorKind::kInternal);
}

TEST(MilvusCodec, AutomaticKeysAreLeftOut) {
  auto table = TableOf({{Named("i", Type::Of(TypeKind::kInt64)), FromJson(Type::Of(TypeKind::kInt64), "[1]")},
                        {Named("n", Type::Of(TypeKind::kInt64)), FromJson(Type::Of(TypeKind::kInt64), "[2]")}});
  table.schema.fields[0].primary_key = true;
  table.schema.fields[0].auto_id = true;
  google::protobuf::RepeatedPtrField<FieldData> out;
  ASSERT_TRUE(EncodeRows(*table.rows, 0, 1, table.schema, &out).ok());
  ASSERT_EQ(out.size(), 1);
  EXPECT_EQ(out[0].field_name(), "n");
}

// ---------------------------------------------------------------------------------------------------------------------

CollectionSchema EveryAttribute() {
  CollectionSchema schema;
  schema.ref = {"db", "c"};
  schema.description = "what it is";
  Field key = Named("id", Type::Of(TypeKind::kInt64));
  key.primary_key = true;
  key.auto_id = true;
  key.description = "the key";
  Field tenant = Named("tenant", Type::Of(TypeKind::kString));
  tenant.partition_key = true;
  tenant.max_length = 64;
  tenant.properties = {{"enable_match", "true"}, {"mmap.enabled", "true"}};
  Field tags = Named("tags", Type::Array(TypeKind::kString), /*nullable=*/true);
  tags.max_length = 10;
  tags.max_capacity = 20;
  schema.fields = {key,
                   tenant,
                   tags,
                   Named("v", Type::Vector(TypeKind::kFloatVector, 128)),
                   Named("x", Type::Vector(TypeKind::kBinaryVector, 64)),
                   Named("s", Type::Of(TypeKind::kSparseVector))};
  std::vector<std::pair<TypeKind, std::string>> defaults = {
      {TypeKind::kBool, "false"},      {TypeKind::kInt8, "-128"},     {TypeKind::kInt64, "9223372036854775807"},
      {TypeKind::kFloat, "0.1"},       {TypeKind::kDouble, "1e-300"}, {TypeKind::kString, R"("a\"\n")"},
      {TypeKind::kJson, R"({"a":1})"},
  };
  for (const auto& [kind, json] : defaults) {
    Field field = Named("d" + std::to_string(schema.fields.size()), Type::Of(kind));
    if (kind == TypeKind::kString) field.max_length = 100;
    field.default_json = json;
    field.clustering_key = kind == TypeKind::kInt64;
    schema.fields.push_back(field);
  }
  Field meta = Named("$meta", Type::Of(TypeKind::kJson));
  meta.dynamic = true;
  schema.fields.push_back(meta);
  schema.dynamic_fields = true;
  schema.num_partitions = 7;
  schema.shards = 2;
  schema.consistency_level = "Bounded";
  schema.properties = {{"collection.ttl.seconds", "100"}};
  schema.aliases = {"a", "b"};
  return schema;
}

pb::DescribeCollectionResponse ReplyOf(const CollectionSchema& schema) {
  pb::DescribeCollectionResponse reply;
  *reply.mutable_schema() = SchemaToProto(schema).ValueOrDie();
  reply.set_db_name(schema.ref.database);
  reply.set_collection_name(schema.ref.name);
  reply.set_shards_num(schema.shards);
  reply.set_num_partitions(schema.num_partitions);
  reply.set_consistency_level(::milvus::proto::common::Bounded);
  for (const auto& [key, value] : schema.properties) {
    auto* property = reply.add_properties();
    property->set_key(key);
    property->set_value(value);
  }
  for (const auto& alias : schema.aliases) reply.add_aliases(alias);
  return reply;
}

TEST(MilvusSchema, EveryAttributeThereAndBack) {
  CollectionSchema schema = EveryAttribute();
  auto reply = ReplyOf(schema);
  EXPECT_TRUE(reply.schema().enable_dynamic_field());
  EXPECT_EQ(reply.schema().fields_size(), static_cast<int>(schema.fields.size()) - 1);
  EXPECT_EQ(SchemaFromProto(reply).ValueOrDie(), schema);
  // Newer servers show the dynamic field among the others.
  auto* shown = reply.mutable_schema()->add_fields();
  shown->set_name("$meta");
  shown->set_data_type(schema_pb::JSON);
  shown->set_is_dynamic(true);
  EXPECT_EQ(SchemaFromProto(reply).ValueOrDie(), schema);
}

TEST(MilvusSchema, PartitionsCountOnlyWithAPartitionKey) {
  CollectionSchema schema = EveryAttribute();
  schema.fields[1].partition_key = false;
  EXPECT_EQ(SchemaFromProto(ReplyOf(schema)).ValueOrDie().num_partitions, 0);
}

TEST(MilvusSchema, Refusals) {
  auto expect = [](const pb::DescribeCollectionResponse& reply, ErrorKind kind, const std::string& text) {
    auto schema = SchemaFromProto(reply);
    ASSERT_FALSE(schema.ok());
    EXPECT_EQ(KindOf(schema.status()), kind);
    EXPECT_NE(schema.status().message().find(text), std::string::npos) << schema.status();
  };
  auto good = ReplyOf(EveryAttribute());
  auto reply = good;
  reply.mutable_schema()->mutable_fields(3)->set_data_type(schema_pb::Geometry);
  expect(reply, ErrorKind::kUnsupported, "field v");
  reply = good;
  reply.mutable_schema()->mutable_fields(3)->mutable_type_params(0)->set_value("12x");
  expect(reply, ErrorKind::kCorruptData, "field v");
  reply = good;
  reply.mutable_schema()->mutable_fields(3)->clear_type_params();
  expect(reply, ErrorKind::kCorruptData, "field v");
  reply = good;
  reply.mutable_schema()->add_functions()->set_name("bm25");
  expect(reply, ErrorKind::kUnsupported, "bm25");

  CollectionSchema schema = EveryAttribute();
  schema.fields[3].type = Type::Of(TypeKind::kDate);
  EXPECT_EQ(KindOf(SchemaToProto(schema).status()), ErrorKind::kUnsupported);
  schema = EveryAttribute();
  schema.fields[0].default_json = "\"text\"";
  EXPECT_EQ(KindOf(SchemaToProto(schema).status()), ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace godwit::milvus
