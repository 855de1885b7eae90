#include "engine/left_out.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "base/failpoint.h"
#include "formats/text_writer.h"
#include "verify/format_value.h"

namespace godwit {
namespace {

using nlohmann::json;

Failpoint before_rename("engine.left_out_file.before_rename");

Digest DigestOfRow(const HashedRows& hashes, size_t row) {
  Digest digest;
  digest.Add(hashes.keys[row], hashes.rows[row]);
  return digest;
}

std::string Quoted(std::string_view text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

/// A row as one JSON object on one line, complete; of any row, as it is just the odd ones that are left out.
std::string RowToJson(const CollectionSchema& schema, const std::shared_ptr<arrow::RecordBatch>& row) {
  TextWriter writer(schema, {.kind = TextKind::kJsonl});
  const bool written = writer.Write(*row).ok();
  std::string_view line = writer.text();
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (written && json::accept(line)) return std::string(line);
  // It holds what is no JSON or no UTF-8.
  std::string text;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const Field& field = schema.fields[f];
    text += (text.empty() ? "{" : ",") + Quoted(field.name) + ":" +
            Quoted(FormatValue(field, *row->column(static_cast<int>(f)), 0, /*max_bytes=*/0));
  }
  return text + "}";
}

/// {"partition":"","key":"42","reason":"...", and the values follow.
std::string RecordHead(const LeftOut& row) {
  return R"({"partition":)" + Quoted(row.partition) + R"(,"key":)" + Quoted(row.key) + R"(,"reason":)" +
         Quoted(row.reason);
}

std::string DescribeConflict(const Difference& difference) {
  if (difference.fields.empty()) return "the rows differ";
  const FieldDifference& first = difference.fields.front();
  std::string text = "field '" + first.field + "' is " + first.source_value + " at the source and " +
                     first.target_value + " at the target";
  if (difference.fields.size() > 1) text += "; " + std::to_string(difference.fields.size() - 1) + " more fields differ";
  return text;
}

arrow::Status AppendError(const Batch& batch, const CollectionSchema& schema, const Difference& difference) {
  return MakeError(ErrorKind::kConflict,
                   "the target holds the key " + difference.key +
                       " already, with another row: " + DescribeConflict(difference) +
                       ". With `if_not_empty: append` no key of the source may be there; choose ignore (what is there "
                       "stays, conflicts are listed) or overwrite",
                   schema.ref.ToString() + (batch.partition.empty() ? "" : " partition " + batch.partition));
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Whether there was anything to write.
arrow::Result<bool> WriteRecords(const std::vector<JournaledCollection>& collections, LeftOutRow::Kind kind,
                                 const std::string& path, Journal* journal) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr) return ErrnoStatus(errno, "open " + path);
  auto failed = [&] { return ErrnoStatus(errno, "write " + path); };
  bool any = false;
  for (const JournaledCollection& collection : collections) {
    const std::string head = R"({"source":)" + Quoted(collection.source.ref.ToString()) + R"(,"target":)" +
                             Quoted(collection.target.ref.ToString()) + ",";
    ARROW_RETURN_NOT_OK(journal->VisitLeftOut(collection.id, kind, [&](std::string_view record) -> arrow::Status {
      any = true;
      record.remove_prefix(1);  // its brace
      for (std::string_view part : {std::string_view(head), record, std::string_view("\n")}) {
        if (std::fwrite(part.data(), 1, part.size(), file.get()) != part.size()) return failed();
      }
      return arrow::Status::OK();
    }));
  }
  if (std::fclose(file.release()) != 0) return failed();
  return any;
}

arrow::Result<std::string> WriteList(const std::vector<JournaledCollection>& collections, LeftOutRow::Kind kind,
                                     const std::string& asked, const std::string& usual, Journal* journal) {
  const std::string path = asked.empty() ? usual : asked;
  const std::string temporary = path + ".godwit-part";  // nobody else's name
  ARROW_ASSIGN_OR_RAISE(bool any, WriteRecords(collections, kind, temporary, journal));
  if (any) {
    ARROW_RETURN_NOT_OK(SyncFile(temporary));
    ARROW_RETURN_NOT_OK(before_rename.Hit());
    ARROW_RETURN_NOT_OK(RenameDurably(temporary, path));
    return path;
  }
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  // A list of an earlier job of this name; what the user named is not ours to delete.
  if (asked.empty()) std::filesystem::remove(usual, ignored);
  return std::string();
}

}  // namespace

arrow::Status AccountBatch(JobContext* job, const WrittenSplit& split, const Batch& batch, const HashedRows& hashes,
                           WriteResult result, Progress* progress) {
  const CollectionSchema& schema = split.collection.target;
  Digest digest;
  for (size_t i = 0; i < hashes.rows.size(); ++i) digest.Add(hashes.keys[i], hashes.rows[i]);
  std::vector<LeftOutRow> left_out;
  auto leave_out = [&](LeftOutRow::Kind kind, int64_t* count, int64_t row, LeftOut told, const std::string& values) {
    const auto at = static_cast<size_t>(row);
    digest -= DigestOfRow(hashes, at);
    std::string record = RecordHead(told) + values + "}";
    left_out.push_back({kind, ++*count, hashes.keys[at], std::move(told), std::move(record)});
  };
  for (size_t i = 0; i < result.rejected_rows.size(); ++i) {
    const int64_t row = result.rejected_rows[i];
    Rejected& rejected = result.rejected[i];
    leave_out(LeftOutRow::Kind::kRejected, &progress->rejects, row,
              {batch.partition, std::move(rejected.key), std::move(rejected.reason)},
              R"(,"row":)" + RowToJson(schema, batch.rows->Slice(row, 1)));
  }
  if (!result.existing_rows.empty()) {
    HashedRows there;
    ARROW_RETURN_NOT_OK(
        RowHasher(schema, split.identity).Hash({result.existing, batch.partition, batch.position}, &there));
    for (size_t i = 0; i < result.existing_rows.size(); ++i) {
      const int64_t row = result.existing_rows[i];
      if (there.rows[i] == hashes.rows[static_cast<size_t>(row)]) continue;
      const auto source = batch.rows->Slice(row, 1);
      const auto target = result.existing->Slice(static_cast<int64_t>(i), 1);
      const Difference difference = CompareRows(schema, split.identity, *source, *target);
      if (job->spec.data_policy != DataPolicy::kIgnore) return AppendError(batch, schema, difference);
      leave_out(LeftOutRow::Kind::kConflict, &progress->conflicts, row,
                {batch.partition, difference.key, DescribeConflict(difference)},
                R"(,"source_row":)" + RowToJson(schema, source) + R"(,"target_row":)" + RowToJson(schema, target));
    }
  }
  ARROW_RETURN_NOT_OK(job->journal.AddLeftOut(split.collection.id, split.id, left_out));
  progress->digest += digest;
  return arrow::Status::OK();
}

int64_t LeaveOutListed(const std::vector<Hash128>& listed, std::vector<DifferingRow>* rows) {
  return static_cast<int64_t>(std::erase_if(*rows, [&](const DifferingRow& row) {
    return row.side != Difference::Side::kOnlyTarget && std::binary_search(listed.begin(), listed.end(), row.key);
  }));
}

arrow::Status WriteLeftOutFiles(const JobSpec& spec, const std::string& state_dir, Journal* journal, Report* report) {
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  ARROW_ASSIGN_OR_RAISE(report->rejects_file, WriteList(collections, LeftOutRow::Kind::kRejected, spec.rejects_file,
                                                        state_dir + "/" + spec.name + ".rejects.jsonl", journal));
  ARROW_ASSIGN_OR_RAISE(report->conflicts_file, WriteList(collections, LeftOutRow::Kind::kConflict, spec.conflicts_file,
                                                          state_dir + "/" + spec.name + ".conflicts.jsonl", journal));
  return arrow::Status::OK();
}

}  // namespace godwit
