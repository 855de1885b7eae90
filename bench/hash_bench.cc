// How fast rows are hashed, beside what bounds it: copying the same bytes, and XXH3 alone over them.
// One iteration is one batch of 8 MiB of vectors (or JSON text); bytes_per_second counts only those.
#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "model/canonical.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace godwit {
namespace {

constexpr int64_t kBatchBytes = 8 << 20;

CollectionSchema SchemaOf(const Type& type) {
  Field key{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true};
  return {.fields = {key, {.name = "value", .type = type}}};
}

Batch BatchOf(const CollectionSchema& schema, const std::shared_ptr<arrow::Array>& values) {
  std::vector<int64_t> keys(static_cast<size_t>(values->length()));
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(i);
  auto data = arrow::ArrayData::Make(arrow::int64(), values->length(), {nullptr, arrow::Buffer::FromVector(keys)}, 0);
  return {.rows = arrow::RecordBatch::Make(schema.ArrowSchema(), values->length(), {arrow::MakeArray(data), values})};
}

std::vector<float> Floats() {
  std::vector<float> floats(kBatchBytes / sizeof(float));
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = 0.37f * static_cast<float>(i);
  return floats;
}

// Hashes `batch` and counts its rows, and `bytes` as its size.
void HashRows(benchmark::State& state, const CollectionSchema& schema, const Batch& batch, int64_t bytes) {
  RowHasher hasher(schema, RowHasher::Identity::kKey);
  HashedRows hashed;
  for (auto _ : state) {
    if (arrow::Status status = hasher.Hash(batch, &hashed); !status.ok()) state.SkipWithError(status.message().c_str());
    benchmark::DoNotOptimize(hashed.rows.data());
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetItemsProcessed(state.iterations() * batch.rows->num_rows());
}

void FloatVectors(benchmark::State& state) {
  Type type = Type::Vector(TypeKind::kFloatVector, static_cast<int32_t>(state.range(0)));
  CollectionSchema schema = SchemaOf(type);
  auto data =
      arrow::ArrayData::Make(arrow::float32(), kBatchBytes / 4, {nullptr, arrow::Buffer::FromVector(Floats())}, 0);
  auto vectors =
      std::make_shared<arrow::FixedSizeListArray>(type.Storage(), kBatchBytes / 4 / type.dim, arrow::MakeArray(data));
  HashRows(state, schema, BatchOf(schema, vectors), kBatchBytes);
}
BENCHMARK(FloatVectors)->Arg(16)->Arg(128)->Arg(1024);

void JsonTexts(benchmark::State& state) {
  arrow::StringBuilder builder;
  int64_t bytes = 0;
  for (int64_t i = 0; bytes < kBatchBytes; ++i) {
    std::string text = fmt::format(
        R"({{"title": "row {0}", "tags": ["red", "green", "a longer tag, with words"], "price": {0}.50, "stock": {0}, )"
        R"("author": {{"name": "J\u00f6rg", "age": 41, "url": "https://example.org/people/{0}"}}}})",
        i);
    bytes += static_cast<int64_t>(text.size());
    if (!builder.Append(text).ok()) std::abort();
  }
  CollectionSchema schema = SchemaOf(Type::Of(TypeKind::kJson));
  HashRows(state, schema, BatchOf(schema, builder.Finish().ValueOrDie()), bytes);
}
BENCHMARK(JsonTexts);

// The ceilings: the same vectors of 128 floats, only copied and only hashed.

void CeilingMemcpy(benchmark::State& state) {
  std::vector<float> from = Floats();
  std::vector<float> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), kBatchBytes);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kBatchBytes);
}
BENCHMARK(CeilingMemcpy);

void CeilingXxh3(benchmark::State& state) {
  constexpr size_t kVectorFloats = 128;
  std::vector<float> floats = Floats();
  for (auto _ : state) {
    uint64_t sum = 0;
    for (size_t i = 0; i < floats.size(); i += kVectorFloats) {
      sum += XXH3_128bits(&floats[i], kVectorFloats * sizeof(float)).low64;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * kBatchBytes);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(floats.size() / kVectorFloats));
}
BENCHMARK(CeilingXxh3);

}  // namespace
}  // namespace godwit

BENCHMARK_MAIN();
