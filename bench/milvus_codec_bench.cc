// How fast rows become Milvus' messages and back, beside what bounds it: copying the vectors, and protobuf alone.
// One iteration is 5,000 rows of an int64 key, a string of 20 bytes and a vector of 128 floats.
#include <arrow/api.h>
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "stores/milvus/codec.h"

namespace godwit::milvus {
namespace {

constexpr int64_t kRows = 5000;
constexpr int32_t kDim = 128;

struct Table {
  CollectionSchema schema;
  std::shared_ptr<arrow::RecordBatch> rows;
};

Table MakeTable() {
  Table table;
  table.schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                         {.name = "title", .type = Type::Of(TypeKind::kString)},
                         {.name = "vector", .type = Type::Vector(TypeKind::kFloatVector, kDim)}};
  arrow::Int64Builder ids;
  arrow::StringBuilder titles;
  std::vector<float> floats(kRows * kDim);
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = 0.37F * static_cast<float>(i);
  for (int64_t row = 0; row < kRows; ++row) {
    (void)ids.Append(row * 1'000'003);
    (void)titles.Append("title of number " + std::to_string(1000 + row));
  }
  auto items = arrow::MakeArray(
      arrow::ArrayData::Make(arrow::float32(), kRows * kDim, {nullptr, arrow::Buffer::FromVector(floats)}, 0));
  auto vectors = std::make_shared<arrow::FixedSizeListArray>(table.schema.fields[2].type.Storage(), kRows, items);
  table.rows = arrow::RecordBatch::Make(table.schema.ArrowSchema(), kRows,
                                        {ids.Finish().ValueOrDie(), titles.Finish().ValueOrDie(), vectors});
  return table;
}

void Report(benchmark::State& state) {
  state.counters["rows/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kRows), benchmark::Counter::kIsRate);
}

void CopyOfTheVectors(benchmark::State& state) {
  std::vector<float> from(kRows * kDim, 1.0F);
  for (auto _ : state) {
    std::vector<float> to(from.begin(), from.end());
    benchmark::DoNotOptimize(to.data());
  }
  Report(state);
}

void Encode(benchmark::State& state) {
  Table table = MakeTable();
  for (auto _ : state) {
    ::milvus::proto::milvus::InsertRequest request;
    benchmark::DoNotOptimize(EncodeRows(*table.rows, 0, kRows, table.schema, request.mutable_fields_data()).ok());
  }
  Report(state);
}

void ProtobufAlone(benchmark::State& state) {
  Table table = MakeTable();
  ::milvus::proto::milvus::QueryResults message;
  (void)EncodeRows(*table.rows, 0, kRows, table.schema, message.mutable_fields_data());
  for (auto _ : state) {
    std::string bytes = message.SerializeAsString();
    ::milvus::proto::milvus::QueryResults parsed;
    benchmark::DoNotOptimize(parsed.ParseFromString(bytes));
  }
  Report(state);
}

void Decode(benchmark::State& state) {
  Table table = MakeTable();
  auto message = std::make_shared<::milvus::proto::milvus::QueryResults>();
  (void)EncodeRows(*table.rows, 0, kRows, table.schema, message->mutable_fields_data());
  for (auto _ : state) benchmark::DoNotOptimize(DecodeRows(message, table.schema).ok());
  Report(state);
}

BENCHMARK(CopyOfTheVectors);
BENCHMARK(Encode);
BENCHMARK(ProtobufAlone);
BENCHMARK(Decode);

}  // namespace
}  // namespace godwit::milvus

BENCHMARK_MAIN();
