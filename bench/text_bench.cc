// How fast rows become text and text becomes rows, beside what bounds it: the shortest text alone of the same numbers,
// by std::to_chars and by ours. One iteration is one batch of 8 MiB of vectors (or strings); bytes_per_second counts
// only those, not their text.
#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <benchmark/benchmark.h>

#include "formats/shortest_float.h"
#include "formats/text_reader.h"
#include "formats/text_writer.h"

namespace godwit {
namespace {

constexpr int64_t kBatchBytes = 8 << 20;

struct Sample {
  CollectionSchema schema;
  std::shared_ptr<arrow::RecordBatch> rows;
};

CollectionSchema SchemaOf(const Type& type) {
  CollectionSchema schema;
  schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                   {.name = "value", .type = type}};
  return schema;
}

Sample SampleOf(const Type& type, const std::shared_ptr<arrow::Array>& values) {
  arrow::Int64Builder keys;
  for (int64_t i = 0; i < values->length(); ++i) (void)keys.Append(i);
  Sample sample{.schema = SchemaOf(type), .rows = nullptr};
  sample.rows = arrow::RecordBatch::Make(sample.schema.ArrowSchema(), values->length(), {*keys.Finish(), values});
  return sample;
}

std::vector<float> Floats() {
  std::vector<float> floats(kBatchBytes / sizeof(float));
  uint32_t state = 1;
  for (float& value : floats) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state) / 4294967296.0f;
  }
  return floats;
}

Sample Vectors(int32_t dim) {
  const Type type = Type::Vector(TypeKind::kFloatVector, dim);
  auto data = arrow::ArrayData::Make(arrow::float32(), kBatchBytes / 4, {nullptr, arrow::Buffer::FromVector(Floats())});
  return SampleOf(
      type, std::make_shared<arrow::FixedSizeListArray>(type.Storage(), kBatchBytes / 4 / dim, arrow::MakeArray(data)));
}

Sample Texts() {
  arrow::StringBuilder builder;
  for (int64_t i = 0; i < kBatchBytes / 64; ++i) (void)builder.Append(std::string(64, static_cast<char>('a' + i % 26)));
  return SampleOf(Type::Of(TypeKind::kString), *builder.Finish());
}

TextFormat FormatOf(int64_t kind) { return {.kind = static_cast<TextKind>(kind), .delimiter = kind == 1 ? '\t' : ','}; }

void Write(benchmark::State& state, const Sample& sample) {
  TextWriter writer(sample.schema, FormatOf(state.range(0)));
  for (auto _ : state) {
    writer.Clear();
    if (arrow::Status status = writer.Write(*sample.rows); !status.ok()) state.SkipWithError(status.message().c_str());
    benchmark::DoNotOptimize(writer.text().data());
  }
  state.SetLabel(std::string(ToString(FormatOf(state.range(0)).kind)));
  state.SetBytesProcessed(state.iterations() * kBatchBytes);
}

void Read(benchmark::State& state, const Sample& sample) {
  const TextFormat format = FormatOf(state.range(0));
  TextWriter writer(sample.schema, format);
  writer.WriteHeader();
  (void)writer.Write(*sample.rows);
  for (auto _ : state) {
    TextReader reader(sample.schema, {.format = format});
    auto taken = reader.Read(writer.text(), /*last=*/true, int64_t{1} << 40);
    if (!taken.ok()) state.SkipWithError(taken.status().message().c_str());
    benchmark::DoNotOptimize(reader.Finish());
  }
  state.SetLabel(std::string(ToString(format.kind)));
  state.SetBytesProcessed(state.iterations() * kBatchBytes);
}

void WriteVectors(benchmark::State& state) { Write(state, Vectors(128)); }
void ReadVectors(benchmark::State& state) { Read(state, Vectors(128)); }
void WriteStrings(benchmark::State& state) { Write(state, Texts()); }
void ReadStrings(benchmark::State& state) { Read(state, Texts()); }

/// `put(values, to)` writes ShortestFloats::kCount of them.
template <typename Put>
void WriteFloats(benchmark::State& state, Put&& put) {
  const std::vector<float> floats = Floats();
  std::vector<char> text(floats.size() * 20 + ShortestFloats::kTextSize);
  ShortestFloats::Values values;
  for (auto _ : state) {
    char* to = text.data();
    for (size_t i = 0; i < floats.size(); i += values.size()) {
      std::copy_n(floats.begin() + static_cast<std::ptrdiff_t>(i), values.size(), values.begin());
      to = put(values, to);
    }
    benchmark::DoNotOptimize(to);
  }
  state.SetBytesProcessed(state.iterations() * kBatchBytes);
}

void ToCharsAlone(benchmark::State& state) {
  WriteFloats(state, [](const ShortestFloats::Values& values, char* to) {
    for (float value : values) {
      to = std::to_chars(to, to + 20, value).ptr;
      *to++ = ',';
    }
    return to;
  });
}
void ShortestAlone(benchmark::State& state) {
  WriteFloats(state, [](const ShortestFloats::Values& values, char* to) {
    const ShortestFloats texts(values);
    for (size_t i = 0; i < values.size(); ++i) {
      to = texts.has(i) ? texts.Put(i, to) : std::to_chars(to, to + 20, values[i]).ptr;
      *to++ = ',';
    }
    return to;
  });
}

BENCHMARK(ToCharsAlone);
BENCHMARK(ShortestAlone);
BENCHMARK(WriteVectors)->DenseRange(0, 2);
BENCHMARK(ReadVectors)->DenseRange(0, 2);
BENCHMARK(WriteStrings)->DenseRange(0, 2);
BENCHMARK(ReadStrings)->DenseRange(0, 2);

}  // namespace
}  // namespace godwit

BENCHMARK_MAIN();
