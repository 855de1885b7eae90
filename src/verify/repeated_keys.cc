#include "verify/repeated_keys.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

#include "base/spill_file.h"
#include "verify/compare.h"
#include "verify/format_value.h"

namespace godwit {
namespace {

constexpr size_t kMaxSample = 1'000;

/// The side, reduced to its key.
arrow::Result<ScanSide> KeysOf(const ScanSide& side) {
  CollectionSchema keys = side.schema;
  std::erase_if(keys.fields, [](const Field& field) { return !field.primary_key; });
  keys.dynamic_fields = false;
  ARROW_ASSIGN_OR_RAISE(RowMapper mapper, RowMapper::Make(side.mapper.read_schema(), keys, side.mapper.mapping()));
  return ScanSide{side.source, std::move(mapper), std::move(keys), RowHasher::Identity::kKey};
}

size_t PartOf(const Hash128& key, size_t parts) { return static_cast<size_t>((key.high >> 32) * parts >> 32); }

}  // namespace

arrow::Result<Duplicates> FindRepeatedKeys(const ScanSide& side, int64_t expected_rows, const WorkLimits& limits) {
  ARROW_ASSIGN_OR_RAISE(ScanSide keys, KeysOf(side));
  const int64_t bytes = expected_rows * static_cast<int64_t>(sizeof(Hash128));
  const int64_t parts = std::clamp<int64_t>(1 + 4 * bytes / limits.memory->capacity(), 1, 1'000);
  ARROW_ASSIGN_OR_RAISE(auto spilled, SpillFile::Make(limits.scratch_dir, static_cast<size_t>(parts)));
  Duplicates duplicates;
  std::map<Hash128, int64_t> repeated;  // how often; as many as the sample takes
  ARROW_RETURN_NOT_OK(Scan(keys, limits, [&](const Batch& batch, const HashedRows& hashes) -> arrow::Status {
    duplicates.surplus_rows += batch.surplus_rows;
    for (const Hash128& key : hashes.keys) {
      ARROW_RETURN_NOT_OK(
          spilled->Append(PartOf(key, spilled->parts()), {reinterpret_cast<const char*>(&key), sizeof(key)}));
    }
    return arrow::Status::OK();
  }));
  for (size_t part = 0; part < spilled->parts(); ++part) {
    ARROW_ASSIGN_OR_RAISE(std::string stored, spilled->Read(part));
    std::vector<Hash128> sorted(stored.size() / sizeof(Hash128));
    std::memcpy(sorted.data(), stored.data(), sorted.size() * sizeof(Hash128));
    std::sort(sorted.begin(), sorted.end());
    for (auto first = sorted.begin(); first != sorted.end();) {
      const auto end = std::find_if(first, sorted.end(), [&](const Hash128& key) { return key != *first; });
      if (end - first > 1) {
        duplicates.surplus_rows += end - first - 1;
        if (repeated.size() < kMaxSample) repeated.emplace(*first, end - first);
      }
      first = end;
    }
  }
  if (repeated.empty()) return duplicates;
  std::vector<Hash128> wanted;
  for (const auto& [key, count] : repeated) wanted.push_back(key);
  const Field key_field = keys.schema.fields.front();
  ARROW_RETURN_NOT_OK(ScanRows(keys, wanted, limits, [&](const Batch& batch, const HashedRows& hashes) {
    for (size_t i = 0; i < hashes.keys.size(); ++i) {
      auto known = repeated.find(hashes.keys[i]);
      if (known == repeated.end()) continue;  // named already
      duplicates.sample.push_back(FormatValue(key_field, *batch.rows->column(0), static_cast<int64_t>(i)) + " x" +
                                  std::to_string(known->second));
      repeated.erase(known);
    }
    return arrow::Status::OK();
  }));
  std::sort(duplicates.sample.begin(), duplicates.sample.end());
  return duplicates;
}

arrow::Status RefuseRepeatedKeys(const Duplicates& duplicates) {
  if (duplicates.surplus_rows == 0) return arrow::Status::OK();
  constexpr size_t kNamed = 5;
  std::string examples;
  for (size_t i = 0; i < std::min(kNamed, duplicates.sample.size()); ++i) {
    examples += (i == 0 ? ", for example " : ", ") + duplicates.sample[i];
  }
  return MakeError(ErrorKind::kConflict, "keys repeat at the source: " + std::to_string(duplicates.surplus_rows) +
                                             " rows beyond one a key" + examples +
                                             ". Remove them there: `duplicates: any` is for stores that show one row a "
                                             "key, and this one shows them all");
}

}  // namespace godwit
