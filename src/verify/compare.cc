#include "verify/compare.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compare.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <nlohmann/json.hpp>

namespace godwit {
namespace {

struct Entry {
  Hash128 key;
  Hash128 row;

  auto operator<=>(const Entry&) const = default;
};

/// Buckets to look at together, so that the entries of both sides fit the memory.
using BucketSet = std::vector<bool>;

std::vector<BucketSet> GroupBuckets(const std::vector<uint16_t>& buckets, const SideDigest& source,
                                    const SideDigest& target, int64_t memory_bytes) {
  std::vector<BucketSet> groups;
  int64_t bytes = 0;
  for (uint16_t bucket : buckets) {
    int64_t rows = source.buckets.bucket(bucket).rows + target.buckets.bucket(bucket).rows;
    int64_t cost = rows * static_cast<int64_t>(sizeof(Entry));
    if (groups.empty() || (bytes > 0 && bytes + cost > memory_bytes)) {
      groups.emplace_back(BucketedDigest::kBuckets, false);
      bytes = 0;
    }
    groups.back()[bucket] = true;
    bytes += cost;
  }
  return groups;
}

arrow::Result<std::vector<Entry>> CollectEntries(const ScanSide& side, const BucketSet& wanted,
                                                 const WorkLimits& limits) {
  std::vector<Entry> entries;
  auto visit = [&](const Batch&, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) {
      if (wanted[BucketedDigest::BucketOf(hashes.keys[i])]) entries.push_back({hashes.keys[i], hashes.rows[i]});
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(Scan(side, limits, visit));
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool Contains(const std::vector<Hash128>& sorted, const Hash128& key) {
  return std::binary_search(sorted.begin(), sorted.end(), key);
}

/// Walks the two sorted lists, one key at a time.
class Merger {
 public:
  Merger(const SideDigest& source, const SideDigest& target, CompareMode mode, Differences* out)
      : source_(source), target_(target), mode_(mode), out_(out) {}

  /// Keys that differ, and may do so because they repeat at the source.
  const std::vector<Hash128>& doubtful() const { return doubtful_; }

  void Add(const Hash128& key, Difference::Side side) {
    if (out_->rows.size() < kMaxDifferences) {
      out_->rows.push_back({key, side});
    } else {
      out_->truncated = true;
    }
  }

  void Merge(const std::vector<Entry>& source, const std::vector<Entry>& target) {
    auto s = source.begin();
    auto t = target.begin();
    while (s != source.end() || t != target.end()) {
      const Hash128& key = t == target.end() || (s != source.end() && s->key <= t->key) ? s->key : t->key;
      auto s_end = std::find_if(s, source.end(), [&](const Entry& e) { return e.key != key; });
      auto t_end = std::find_if(t, target.end(), [&](const Entry& e) { return e.key != key; });
      Judge(key, {s, s_end}, {t, t_end});
      s = s_end;
      t = t_end;
    }
  }

 private:
  using Range = std::pair<std::vector<Entry>::const_iterator, std::vector<Entry>::const_iterator>;

  void Judge(const Hash128& key, Range source, Range target) {
    if (source.first == source.second) {
      if (mode_ == CompareMode::kEqual) Add(key, Difference::Side::kOnlyTarget);
    } else if (target.first == target.second) {
      Add(key, Difference::Side::kOnlySource);
    } else if (Contains(target_.suspects, key)) {
      Add(key, Difference::Side::kDifferent);
    } else if (!std::equal(source.first, source.second, target.first, target.second)) {
      if (Contains(source_.suspects, key)) {
        doubtful_.push_back(key);
      } else {
        Add(key, Difference::Side::kDifferent);
      }
    }
  }

  const SideDigest& source_;
  const SideDigest& target_;
  CompareMode mode_;
  Differences* out_;
  std::vector<Hash128> doubtful_;
};

/// Those of `keys` (sorted) that no two rows of the source have.
arrow::Result<std::vector<Hash128>> SingleKeys(const ScanSide& source, const std::vector<Hash128>& keys,
                                               const WorkLimits& limits) {
  std::vector<Hash128> single;
  const int key_column = source.schema.key_index();
  if (keys.empty() || key_column < 0) return single;
  ARROW_RETURN_NOT_OK(
      ScanRows(source, keys, limits, [&](const Batch& batch, const HashedRows& hashes) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(auto counts, source.source->CountRows(source.mapper.read_schema(), batch.partition,
                                                                    *batch.rows->column(key_column)));
        for (size_t i = 0; i < counts.size(); ++i) {
          if (counts[i] < 2) single.push_back(hashes.keys[i]);
        }
        return arrow::Status::OK();
      }));
  return single;
}

std::vector<uint16_t> BucketsToCompare(const SideDigest& source, const SideDigest& target, CompareMode mode) {
  std::vector<bool> wanted(BucketedDigest::kBuckets, mode == CompareMode::kContains);
  for (uint16_t bucket : source.buckets.Differences(target.buckets)) wanted[bucket] = true;
  for (const Hash128& key : target.suspects) wanted[BucketedDigest::BucketOf(key)] = true;
  std::vector<uint16_t> buckets;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) buckets.push_back(static_cast<uint16_t>(i));
  }
  return buckets;
}

/// A row kept whole, to be named.
struct KeptRow {
  std::string partition;
  std::shared_ptr<arrow::RecordBatch> row;  // one row
};

arrow::Result<std::map<Hash128, KeptRow>> KeepRows(const ScanSide& side, const std::vector<Hash128>& keys,
                                                   const WorkLimits& limits) {
  std::map<Hash128, KeptRow> kept;
  auto visit = [&](const Batch& batch, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) {
      kept.emplace(hashes.keys[i], KeptRow{batch.partition, batch.rows->Slice(static_cast<int64_t>(i), 1)});
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(ScanRows(side, keys, limits, visit));
  return kept;
}

/// Equal in the sense of model/canonical.h.
bool ValuesEqual(const Field& field, const arrow::Array& a, const arrow::Array& b) {
  if (field.type.kind == TypeKind::kJson && a.IsValid(0) && b.IsValid(0)) {
    auto left = CanonicalJson(static_cast<const arrow::StringArray&>(a).GetView(0));
    auto right = CanonicalJson(static_cast<const arrow::StringArray&>(b).GetView(0));
    if (left.ok() && right.ok()) return *left == *right;
  }
  return a.Equals(b, arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false));
}

Difference DescribeRow(const CollectionSchema& schema, Difference::Side side, const KeptRow* source,
                       const KeptRow* target) {
  const KeptRow* any = source != nullptr ? source : target;
  Difference difference;
  difference.side = side;
  if (any == nullptr) return difference;  // the row changed again since it was compared
  difference.partition = any->partition;
  if (int key = schema.key_index(); key >= 0) {
    difference.key = FormatValue(schema.fields[key], *any->row->column(key), 0);
  }
  if (source == nullptr || target == nullptr) return difference;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const arrow::Array& left = *source->row->column(static_cast<int>(f));
    const arrow::Array& right = *target->row->column(static_cast<int>(f));
    if (ValuesEqual(schema.fields[f], left, right)) continue;
    difference.field = schema.fields[f].name;
    difference.source_value = FormatValue(schema.fields[f], left, 0);
    difference.target_value = FormatValue(schema.fields[f], right, 0);
    break;
  }
  return difference;
}

}  // namespace

arrow::Result<SideDigest> DigestSide(const ScanSide& side, const WorkLimits& limits) {
  SideDigest digest;
  auto visit = [&](const Batch& batch, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) digest.buckets.Add(hashes.keys[i], hashes.rows[i]);
    digest.surplus_rows += batch.surplus_rows;
    if (batch.surplus_rows > 0 && digest.suspects.size() < kMaxDifferences) {
      digest.suspects.insert(digest.suspects.end(), hashes.keys.begin(), hashes.keys.end());
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(Scan(side, limits, visit));
  std::sort(digest.suspects.begin(), digest.suspects.end());
  return digest;
}

arrow::Status CheckKeysDiffer(const SideDigest& digest) {
  if (digest.surplus_rows == 0) return arrow::Status::OK();
  return MakeError(ErrorKind::kConflict, "keys repeat at the source: " + std::to_string(digest.surplus_rows) +
                                             " rows beyond one a key. Remove them, or choose `duplicates: any` to copy "
                                             "one row a key");
}

arrow::Result<Differences> FindDifferences(const ScanSide& source, const SideDigest& source_digest,
                                           const ScanSide& target, const SideDigest& target_digest, CompareMode mode,
                                           const WorkLimits& limits) {
  Differences differences;
  std::vector<uint16_t> buckets = BucketsToCompare(source_digest, target_digest, mode);
  Merger merger(source_digest, target_digest, mode, &differences);
  for (const BucketSet& group : GroupBuckets(buckets, source_digest, target_digest, limits.memory->capacity() / 4)) {
    ARROW_ASSIGN_OR_RAISE(auto source_entries, CollectEntries(source, group, limits));
    ARROW_ASSIGN_OR_RAISE(auto target_entries, CollectEntries(target, group, limits));
    merger.Merge(source_entries, target_entries);
  }
  std::vector<Hash128> doubtful = merger.doubtful();
  std::sort(doubtful.begin(), doubtful.end());
  ARROW_ASSIGN_OR_RAISE(auto single, SingleKeys(source, doubtful, limits));
  for (const Hash128& key : single) merger.Add(key, Difference::Side::kDifferent);
  std::sort(differences.rows.begin(), differences.rows.end());
  return differences;
}

arrow::Status ScanRows(const ScanSide& side, const std::vector<Hash128>& keys, const WorkLimits& limits,
                       const BatchVisitor& visit) {
  auto filter = [&](const Batch& batch, const HashedRows& hashes) -> arrow::Status {
    HashedRows kept;
    arrow::Int64Builder indexes;
    for (size_t i = 0; i < hashes.keys.size(); ++i) {
      if (!Contains(keys, hashes.keys[i])) continue;
      ARROW_RETURN_NOT_OK(indexes.Append(static_cast<int64_t>(i)));
      kept.keys.push_back(hashes.keys[i]);
      kept.rows.push_back(hashes.rows[i]);
    }
    if (kept.keys.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto selection, indexes.Finish());
    ARROW_ASSIGN_OR_RAISE(arrow::Datum rows, arrow::compute::Take(arrow::Datum(batch.rows), arrow::Datum(selection)));
    return visit(Batch{rows.record_batch(), batch.partition, batch.position, batch.surplus_rows}, kept);
  };
  return Scan(side, limits, filter);
}

arrow::Result<std::vector<Difference>> NameDifferences(const ScanSide& source, const ScanSide& target,
                                                       const Differences& differences, size_t limit,
                                                       const WorkLimits& limits) {
  std::vector<Difference> named;
  if (differences.rows.empty()) return named;
  std::vector<Hash128> keys;
  for (const DifferingRow& row : differences.rows) {
    if (keys.size() == limit) break;
    keys.push_back(row.key);
  }
  ARROW_ASSIGN_OR_RAISE(auto source_rows, KeepRows(source, keys, limits));
  ARROW_ASSIGN_OR_RAISE(auto target_rows, KeepRows(target, keys, limits));
  for (size_t i = 0; i < keys.size(); ++i) {
    auto s = source_rows.find(keys[i]);
    auto t = target_rows.find(keys[i]);
    named.push_back(DescribeRow(source.schema, differences.rows[i].side, s == source_rows.end() ? nullptr : &s->second,
                                t == target_rows.end() ? nullptr : &t->second));
  }
  return named;
}

std::string FormatValue(const Field& field, const arrow::Array& column, int64_t row) {
  constexpr size_t kMaxBytes = 80;
  if (column.IsNull(row)) return "null";
  auto scalar = column.GetScalar(row);
  if (!scalar.ok()) return "?";
  std::string text = (*scalar)->ToString();
  if (field.type.kind == TypeKind::kString) {
    // Escaped: what a row holds must not move the cursor of whoever reads the report.
    text = nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
  }
  if (text.size() > kMaxBytes) {
    size_t cut = kMaxBytes;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;  // not inside a UTF-8 character
    text = text.substr(0, cut) + "...";
  }
  return text;
}

}  // namespace godwit
