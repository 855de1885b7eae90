#include "stores/synthetic/source.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>

#include "stores/synthetic/catalog.h"
#include "stores/synthetic/generator.h"

namespace godwit::synthetic {
namespace {

struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
};

std::string ToJson(const RowRange& range) { return nlohmann::json{{"begin", range.begin}, {"end", range.end}}.dump(); }

arrow::Result<RowRange> ParseRange(const Split& split, int64_t rows) {
  const auto json = nlohmann::json::parse(split.spec, nullptr, false);
  const bool valid = json.is_object() && json.size() == 2 && json.contains("begin") && json.contains("end") &&
                     json["begin"].is_number_integer() && json["end"].is_number_integer();
  RowRange range;
  if (valid) range = {.begin = json["begin"].get<int64_t>(), .end = json["end"].get<int64_t>()};
  if (!valid || range.begin < 0 || range.begin > range.end || range.end > rows) {
    return MakeError(ErrorKind::kCorruptData, "split '" + split.id + "' is not of this collection: " + split.spec,
                     "synthetic");
  }
  return range;
}

arrow::Result<int64_t> ParsePosition(const std::string& text, const RowRange& range) {
  int64_t row = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (error != std::errc() || end != text.data() + text.size() || row < range.begin || row > range.end) {
    return MakeError(ErrorKind::kCorruptData, "'" + text + "' is not a position of this split", "synthetic");
  }
  return row;
}

class SyntheticReader : public Reader {
 public:
  SyntheticReader(const Options& options, int64_t number, CollectionSchema schema, RowRange range, StopToken stop)
      : options_(options),
        number_(number),
        schema_(std::move(schema)),
        row_bytes_(std::max<int64_t>(1, schema_.EstimatedRowBytes())),
        range_(range),
        stop_(std::move(stop)) {}

  arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) override {
    if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", "synthetic");
    if (range_.begin == range_.end) return std::nullopt;
    const int64_t begin = range_.begin;
    const int64_t partition = PartitionOfRow(options_, begin);
    const int64_t most = std::max<int64_t>(1, max_bytes / row_bytes_);
    const int64_t end = std::min({range_.end, PartitionBegin(options_, partition + 1), begin + most});

    arrow::ArrayVector columns;
    for (const Field& field : schema_.fields) {
      ARROW_ASSIGN_OR_RAISE(auto column, GenerateColumn(options_, number_, field, begin, end));
      columns.push_back(std::move(column));
    }
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(schema_.ArrowSchema(), end - begin, std::move(columns));
    if (partition > 0) batch.partition = PartitionName(partition);
    batch.position = std::to_string(end);
    batch.surplus_rows = CountDuplicates(begin, end);
    range_.begin = end;
    return batch;
  }

  Duplicates duplicates() const override { return duplicates_; }

 private:
  int64_t CountDuplicates(int64_t begin, int64_t end) {
    constexpr size_t kSample = 1000;
    const int64_t count = std::max<int64_t>(0, std::min(end, options_.duplicates) - begin);
    duplicates_.surplus_rows += count;
    for (int64_t row = begin; row < begin + count && duplicates_.sample.size() < kSample; ++row) {
      duplicates_.sample.push_back(KeyText(options_, row) + " x2");
    }
    return count;
  }

  const Options options_;
  const int64_t number_;
  const CollectionSchema schema_;
  const int64_t row_bytes_;
  RowRange range_;  // what is left
  const StopToken stop_;
  Duplicates duplicates_;
};

}  // namespace

arrow::Result<std::string> SyntheticSource::Preparation(const CollectionRef& ref, ReadPurpose) {
  ARROW_RETURN_NOT_OK(CollectionNumber(options_, ref));
  return std::string();
}

arrow::Status SyntheticSource::Prepare(const CollectionRef&, const std::string&) { return arrow::Status::OK(); }
arrow::Status SyntheticSource::Restore(const CollectionRef&, const std::string&) { return arrow::Status::OK(); }

arrow::Result<Snapshot> SyntheticSource::OpenSnapshot(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(int64_t number, CollectionNumber(options_, ref));
  return Snapshot{.life = SnapshotLife::kDurable, .id = Fingerprint(options_, number)};
}

arrow::Result<std::vector<Split>> SyntheticSource::PlanSplits(const CollectionSchema& schema, const Snapshot&,
                                                              const SplitPolicy& policy) {
  const int64_t row_bytes = std::max<int64_t>(1, schema.EstimatedRowBytes());
  const int64_t rows_a_split = std::max<int64_t>(1, policy.target_bytes / row_bytes);
  const int64_t by_bytes = (options_.rows + rows_a_split - 1) / rows_a_split;
  const int64_t count = std::max(by_bytes, std::min<int64_t>(policy.min_splits, options_.rows));
  std::vector<Split> splits;
  // The first rows % count splits have one row more.
  const int64_t base = count > 0 ? options_.rows / count : 0;
  const int64_t longer = count > 0 ? options_.rows % count : 0;
  for (int64_t i = 0, begin = 0; i < count; ++i) {
    const RowRange range{.begin = begin, .end = begin + base + (i < longer ? 1 : 0)};
    const int64_t rows = range.end - range.begin;
    splits.push_back({.id = "rows-" + std::to_string(range.begin),
                      .spec = ToJson(range),
                      .estimated_rows = rows,
                      .estimated_bytes = rows * row_bytes});
    begin = range.end;
  }
  return splits;
}

arrow::Result<std::unique_ptr<Reader>> SyntheticSource::Open(const CollectionSchema& schema, const Split& split,
                                                             const Snapshot& snapshot,
                                                             const std::string& resume_after) {
  ARROW_ASSIGN_OR_RAISE(int64_t number, CollectionNumber(options_, schema.ref));
  if (snapshot.id != Fingerprint(options_, number)) {
    return MakeError(ErrorKind::kConflict,
                     "the options changed since the snapshot was taken: '" + snapshot.id + "' became '" +
                         Fingerprint(options_, number) + "'",
                     "synthetic " + schema.ref.name);
  }
  ARROW_ASSIGN_OR_RAISE(RowRange range, ParseRange(split, options_.rows));
  if (!resume_after.empty()) {
    ARROW_ASSIGN_OR_RAISE(range.begin, ParsePosition(resume_after, range));
  }
  return std::make_unique<SyntheticReader>(options_, number, schema, range, stop_);
}

arrow::Result<std::vector<int64_t>> SyntheticSource::CountRows(const CollectionSchema&, const std::string&,
                                                               const arrow::Array& keys, const std::string&) {
  std::unordered_set<std::string> repeated;
  for (int64_t row = 0; row < options_.duplicates; ++row) repeated.insert(KeyText(options_, row));
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < keys.length(); ++i) {
    const std::string key = keys.type_id() == arrow::Type::INT64
                                ? std::to_string(static_cast<const arrow::Int64Array&>(keys).Value(i))
                                : '"' + static_cast<const arrow::StringArray&>(keys).GetString(i) + '"';
    rows.push_back(repeated.contains(key) ? 2 : 1);
  }
  return rows;
}

}  // namespace godwit::synthetic
