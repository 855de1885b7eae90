#include "verify/compare.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compare.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "base/spill_file.h"
#include "verify/format_value.h"

namespace godwit {
namespace {

constexpr size_t kMaxSuspects = 2'000'000;

struct Entry {
  Hash128 key;
  Hash128 row;

  auto operator<=>(const Entry&) const = default;
};

/// The group of every bucket, or -1: those that are compared together, so that the entries of both sides fit the
/// memory.
struct BucketGroups {
  std::vector<int> of_bucket = std::vector<int>(BucketedDigest::kBuckets, -1);
  size_t count = 0;
};

BucketGroups GroupBuckets(const std::vector<uint16_t>& buckets, const SideDigest& source, const SideDigest& target,
                          int64_t memory_bytes) {
  BucketGroups groups;
  int64_t bytes = 0;
  for (uint16_t bucket : buckets) {
    int64_t rows = source.buckets.bucket(bucket).rows + target.buckets.bucket(bucket).rows;
    int64_t cost = rows * static_cast<int64_t>(sizeof(Entry));
    if (groups.count == 0 || (bytes > 0 && bytes + cost > memory_bytes)) {
      ++groups.count;
      bytes = 0;
    }
    groups.of_bucket[bucket] = static_cast<int>(groups.count) - 1;
    bytes += cost;
  }
  return groups;
}

/// The entries of one side, by groups: one group is kept in memory, several on the disk.
class GroupedEntries {
 public:
  static arrow::Result<GroupedEntries> Collect(const ScanSide& side, const BucketGroups& groups,
                                               const WorkLimits& limits) {
    GroupedEntries entries;
    if (groups.count > 1) {
      ARROW_ASSIGN_OR_RAISE(entries.spilled_, SpillFile::Make(limits.scratch_dir, groups.count));
    }
    auto visit = [&](const Batch&, const HashedRows& hashes) -> arrow::Status {
      for (size_t i = 0; i < hashes.keys.size(); ++i) {
        const int group = groups.of_bucket[BucketedDigest::BucketOf(hashes.keys[i])];
        if (group >= 0) ARROW_RETURN_NOT_OK(entries.Add(group, {hashes.keys[i], hashes.rows[i]}));
      }
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(Scan(side, limits, visit));
    return entries;
  }

  /// Sorted. Each group is taken once.
  arrow::Result<std::vector<Entry>> Take(size_t group) {
    std::vector<Entry> entries = std::move(kept_);
    if (spilled_ != nullptr) {
      ARROW_ASSIGN_OR_RAISE(std::string bytes, spilled_->Read(group));
      entries.resize(bytes.size() / sizeof(Entry));
      std::memcpy(entries.data(), bytes.data(), entries.size() * sizeof(Entry));
    }
    std::sort(entries.begin(), entries.end());
    return entries;
  }

 private:
  arrow::Status Add(int group, const Entry& entry) {
    if (spilled_ != nullptr) {
      return spilled_->Append(static_cast<size_t>(group), {reinterpret_cast<const char*>(&entry), sizeof(entry)});
    }
    kept_.push_back(entry);
    return arrow::Status::OK();
  }

  std::vector<Entry> kept_;
  std::unique_ptr<SpillFile> spilled_;
};

bool Contains(const std::vector<Hash128>& sorted, const Hash128& key) {
  return std::binary_search(sorted.begin(), sorted.end(), key);
}

/// Walks the two sorted lists, one key at a time.
class Merger {
 public:
  Merger(const SideDigest& source, const SideDigest& target, CompareMode mode)
      : source_(source), target_(target), mode_(mode) {}

  /// Keys that differ, and may do so because they repeat at the source.
  std::vector<Hash128> TakeDoubtful() { return std::exchange(doubtful_, {}); }
  std::vector<DifferingRow> TakeRows() { return std::exchange(rows_, {}); }

  void Add(const Hash128& key, Difference::Side side) { rows_.push_back({key, side}); }

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
  std::vector<DifferingRow> rows_;
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
        ARROW_ASSIGN_OR_RAISE(
            auto counts,
            source.source->CountRows(source.mapper.read_schema(), source.mapper.SourcePartition(batch.partition),
                                     *batch.rows->column(key_column), source.mapper.filter()));
        for (size_t i = 0; i < counts.size(); ++i) {
          if (counts[i] < 2) single.push_back(hashes.keys[i]);
        }
        return arrow::Status::OK();
      }));
  return single;
}

/// Where the sums of a bucket agree, it holds the same rows on both sides.
std::vector<uint16_t> BucketsToCompare(const SideDigest& source, const SideDigest& target) {
  std::vector<bool> wanted(BucketedDigest::kBuckets, false);
  for (uint16_t bucket : source.buckets.Differences(target.buckets)) wanted[bucket] = true;
  for (const Hash128& key : target.suspects) wanted[BucketedDigest::BucketOf(key)] = true;
  std::vector<uint16_t> buckets;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) buckets.push_back(static_cast<uint16_t>(i));
  }
  return buckets;
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

/// A row kept whole, to be named.
struct KeptRow {
  std::string partition;
  std::shared_ptr<arrow::RecordBatch> row;  // one row
  int64_t copies = 1;                       // rows of the key
};

/// Whole rows of one side, put aside on the disk in parts by the first bits of the key.
class KeptRows {
 public:
  static arrow::Result<KeptRows> Collect(const ScanSide& side, const std::vector<Hash128>& keys, size_t parts,
                                         const WorkLimits& limits) {
    KeptRows kept;
    kept.schema_ = side.schema.ArrowSchema();
    ARROW_ASSIGN_OR_RAISE(kept.spilled_, SpillFile::Make(limits.scratch_dir, parts));
    ARROW_RETURN_NOT_OK(ScanRows(
        side, keys, limits, [&](const Batch& batch, const HashedRows& hashes) { return kept.Add(batch, hashes); }));
    return kept;
  }

  static size_t PartOf(const Hash128& key, size_t parts) {
    return static_cast<size_t>((key.high >> 32) * parts >> 32);  // ascending with the key
  }

  arrow::Result<std::map<Hash128, KeptRow>> Read(size_t part) const {
    ARROW_ASSIGN_OR_RAISE(std::string bytes, spilled_->Read(part));
    std::map<Hash128, KeptRow> rows;
    for (std::string_view rest = bytes; !rest.empty();) {
      Header header;
      std::memcpy(&header, rest.data(), sizeof(header));
      rest.remove_prefix(sizeof(header));
      auto [row, is_new] = rows.try_emplace(header.key);
      if (is_new) {
        row->second.partition = rest.substr(0, header.partition_bytes);
        // A copy: the reader wants its buffers aligned.
        ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(header.row_bytes));
        std::memcpy(buffer->mutable_data(), rest.data() + header.partition_bytes,
                    static_cast<size_t>(header.row_bytes));
        arrow::io::BufferReader in(std::shared_ptr<arrow::Buffer>(std::move(buffer)));
        arrow::ipc::DictionaryMemo no_dictionaries;
        ARROW_ASSIGN_OR_RAISE(
            row->second.row,
            arrow::ipc::ReadRecordBatch(schema_, &no_dictionaries, arrow::ipc::IpcReadOptions::Defaults(), &in));
      } else {
        ++row->second.copies;
      }
      rest.remove_prefix(header.partition_bytes + static_cast<size_t>(header.row_bytes));
    }
    return rows;
  }

 private:
  struct Header {
    Hash128 key;
    size_t partition_bytes = 0;
    int64_t row_bytes = 0;
  };

  arrow::Status Add(const Batch& batch, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) {
      auto row = batch.rows->Slice(static_cast<int64_t>(i), 1);
      ARROW_ASSIGN_OR_RAISE(auto bytes,
                            arrow::ipc::SerializeRecordBatch(*row, arrow::ipc::IpcWriteOptions::Defaults()));
      const Header header{hashes.keys[i], batch.partition.size(), bytes->size()};
      std::string record(reinterpret_cast<const char*>(&header), sizeof(header));
      record += batch.partition;
      record += std::string_view(*bytes);
      ARROW_RETURN_NOT_OK(spilled_->Append(PartOf(header.key, spilled_->parts()), record));
    }
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<SpillFile> spilled_;
};

const KeptRow* FindRow(const std::map<Hash128, KeptRow>& rows, const Hash128& key) {
  auto found = rows.find(key);
  return found == rows.end() ? nullptr : &found->second;
}

/// The key, or everything that the row is known by where there is none.
std::string FormatIdentity(const CollectionSchema& schema, RowHasher::Identity identity, const arrow::RecordBatch& row,
                           size_t max_value_bytes) {
  const int key = schema.key_index();
  if (identity == RowHasher::Identity::kKey) {
    return FormatValue(schema.fields[static_cast<size_t>(key)], *row.column(key), 0, max_value_bytes);
  }
  std::string text;
  for (int f = 0; f < row.num_columns(); ++f) {
    const Field& field = schema.fields[static_cast<size_t>(f)];
    if (f == key) continue;
    text += (text.empty() ? "" : ", ") + field.name + "=" + FormatValue(field, *row.column(f), 0, max_value_bytes);
  }
  return Shorten(std::move(text), max_value_bytes);
}

Difference DescribeRow(const CollectionSchema& schema, RowHasher::Identity identity, Difference::Side side,
                       const KeptRow* source, const KeptRow* target, size_t max_value_bytes) {
  const KeptRow* any = source != nullptr ? source : target;
  Difference difference;
  difference.side = side;
  if (any == nullptr) return difference;  // the row changed again since it was compared
  difference.partition = any->partition;
  difference.key = FormatIdentity(schema, identity, *any->row, max_value_bytes);
  if (side != Difference::Side::kDifferent || source == nullptr || target == nullptr) return difference;
  auto add = [&](std::string field, std::string left, std::string right) {
    difference.fields.push_back({std::move(field), std::move(left), std::move(right)});
  };
  if (source->partition != target->partition) add("(partition)", source->partition, target->partition);
  if (source->copies != target->copies) {
    add("(rows of the key)", std::to_string(source->copies), std::to_string(target->copies));
  }
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const Field& field = schema.fields[f];
    const arrow::Array& left = *source->row->column(static_cast<int>(f));
    const arrow::Array& right = *target->row->column(static_cast<int>(f));
    if (ValuesEqual(field, left, right)) continue;
    add(field.name, FormatValue(field, left, 0, max_value_bytes), FormatValue(field, right, 0, max_value_bytes));
  }
  return difference;
}

}  // namespace

arrow::Result<SideDigest> DigestSide(const ScanSide& side, const WorkLimits& limits,
                                     std::optional<std::vector<Hash128>>* keys) {
  SideDigest digest;
  const size_t most_keys = static_cast<size_t>(limits.memory->capacity()) / 8 / sizeof(Hash128);
  if (keys != nullptr) keys->emplace();
  auto visit = [&](const Batch& batch, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) digest.buckets.Add(hashes.keys[i], hashes.rows[i]);
    if (keys != nullptr && *keys) {
      (*keys)->insert((*keys)->end(), hashes.keys.begin(), hashes.keys.end());
      if ((*keys)->size() > most_keys) keys->reset();
    }
    digest.surplus_rows += batch.surplus_rows;
    if (batch.surplus_rows > 0 && digest.suspects.size() < kMaxSuspects) {
      digest.suspects.insert(digest.suspects.end(), hashes.keys.begin(), hashes.keys.end());
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(Scan(side, limits, visit));
  std::sort(digest.suspects.begin(), digest.suspects.end());
  if (keys != nullptr && *keys) std::sort((*keys)->begin(), (*keys)->end());
  return digest;
}

arrow::Status CheckKeysDiffer(const SideDigest& digest) {
  if (digest.surplus_rows == 0) return arrow::Status::OK();
  return MakeError(ErrorKind::kConflict, "keys repeat at the source: " + std::to_string(digest.surplus_rows) +
                                             " rows beyond one a key. Remove them, or choose `duplicates: any` to copy "
                                             "one row a key");
}

arrow::Status FindDifferences(const ScanSide& source, const SideDigest& source_digest, const ScanSide& target,
                              const SideDigest& target_digest, CompareMode mode, const WorkLimits& limits,
                              const DifferencesVisitor& visit) {
  const BucketGroups groups = GroupBuckets(BucketsToCompare(source_digest, target_digest), source_digest, target_digest,
                                           limits.memory->capacity() / 4);
  if (groups.count == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto source_entries, GroupedEntries::Collect(source, groups, limits));
  ARROW_ASSIGN_OR_RAISE(auto target_entries, GroupedEntries::Collect(target, groups, limits));
  Merger merger(source_digest, target_digest, mode);
  std::vector<DifferingRow> found;
  std::vector<Hash128> doubtful;
  for (size_t group = 0; group < groups.count; ++group) {
    {
      ARROW_ASSIGN_OR_RAISE(auto of_source, source_entries.Take(group));
      ARROW_ASSIGN_OR_RAISE(auto of_target, target_entries.Take(group));
      merger.Merge(of_source, of_target);
    }
    std::vector<DifferingRow> rows = merger.TakeRows();
    found.insert(found.end(), rows.begin(), rows.end());
    std::vector<Hash128> more = merger.TakeDoubtful();
    doubtful.insert(doubtful.end(), more.begin(), more.end());
    const bool last = group + 1 == groups.count;
    if (!last && found.size() < kDifferencesAtOnce && doubtful.size() < kDifferencesAtOnce) continue;
    ARROW_ASSIGN_OR_RAISE(auto single, SingleKeys(source, doubtful, limits));
    doubtful.clear();
    for (const Hash128& key : single) found.push_back({key, Difference::Side::kDifferent});
    std::sort(found.begin(), found.end());
    if (!found.empty()) ARROW_RETURN_NOT_OK(visit(found));
    found.clear();
  }
  return arrow::Status::OK();
}

arrow::Status ScanRows(const ScanSide& side, const std::vector<Hash128>& keys, const WorkLimits& limits,
                       const BatchVisitor& visit) {
  ScanSide wanted = side;
  wanted.keys = &keys;
  return Scan(wanted, limits, [&](const Batch& batch, const HashedRows& hashes) {
    return hashes.keys.empty() ? arrow::Status::OK() : visit(batch, hashes);
  });
}

arrow::Status NameDifferences(const ScanSide& source, const ScanSide& target, std::span<const DifferingRow> rows,
                              size_t max_value_bytes, const WorkLimits& limits, const DifferenceVisitor& visit) {
  if (rows.empty()) return arrow::Status::OK();
  std::vector<Hash128> keys;
  for (const DifferingRow& row : rows) keys.push_back(row.key);
  constexpr size_t kRowsOfPart = 1'000;
  const size_t parts = std::clamp<size_t>(keys.size() / kRowsOfPart, 1, 1'000);
  ARROW_ASSIGN_OR_RAISE(KeptRows source_rows, KeptRows::Collect(source, keys, parts, limits));
  ARROW_ASSIGN_OR_RAISE(KeptRows target_rows, KeptRows::Collect(target, keys, parts, limits));
  auto row = rows.begin();
  for (size_t part = 0; part < parts; ++part) {
    ARROW_ASSIGN_OR_RAISE(auto of_source, source_rows.Read(part));
    ARROW_ASSIGN_OR_RAISE(auto of_target, target_rows.Read(part));
    for (; row != rows.end() && KeptRows::PartOf(row->key, parts) == part; ++row) {
      ARROW_RETURN_NOT_OK(visit(DescribeRow(source.schema, source.identity, row->side, FindRow(of_source, row->key),
                                            FindRow(of_target, row->key), max_value_bytes)));
    }
  }
  return arrow::Status::OK();
}

Difference CompareRows(const CollectionSchema& schema, RowHasher::Identity identity, const arrow::RecordBatch& source,
                       const arrow::RecordBatch& target) {
  const KeptRow left{.partition = {}, .row = source.Slice(0)};
  const KeptRow right{.partition = {}, .row = target.Slice(0)};
  return DescribeRow(schema, identity, Difference::Side::kDifferent, &left, &right, kShortValue);
}

}  // namespace godwit
