#include "stores/files/sink.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/type_traits.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/durable_file.h"
#include "base/failpoint.h"
#include "formats/postgres_ddl.h"
#include "model/canonical.h"
#include "stores/files/catalog.h"
#include "stores/files/collection.h"
#include "stores/files/layout.h"
#include "stores/files/numbered_files.h"
#include "stores/files/parquet_file.h"
#include "stores/files/source.h"
#include "stores/files/text_file.h"

namespace godwit::files {
namespace {

Failpoint before_part_close("files.part.before_close");
Failpoint before_part_sync("files.part.before_sync");
Failpoint after_part_sync("files.part.after_sync");
Failpoint before_part_rewrite("files.delete.before_rewrite");
Failpoint before_manifest("files.publish.before_manifest");
Failpoint before_mark("files.publish.before_mark");
Failpoint before_rename("files.publish.before_rename");
Failpoint after_rename("files.publish.after_rename");

/// In the stage of numbered files: the identity of the manifest that is published next. The parts outlive the rename,
/// so that their folder alone does not tell whether it was done.
constexpr std::string_view kMarkName = ".godwit-publishing";

constexpr int64_t kDeleteBatchBytes = 8LL << 20;

std::string Where(const WriteTarget& target) { return "files " + target.schema.ref.ToString(); }

arrow::Status RefuseOverwrite(const WriteTarget& target) {
  if (target.existing == ExistingRows::kNone) return arrow::Status::OK();
  return MakeError(ErrorKind::kUnsupported,
                   "files can't be overwritten by key: drop what is there (if_not_empty: drop), or give the target "
                   "another name",
                   Where(target));
}

// ---------------------------------------------------------------------------------------------------------------------
// The stage of a collection

/// Paths of one collection in one job. A value; the members that touch the disk may be called from several threads.
class Stage {
 public:
  Stage(const Options& options, const WriteTarget& target)
      : root_(options.stage_root()),
        has_own_root_(!options.staging.empty()),
        job_folder_(root_ + "/" + JobFolder(target.job)),
        relative_(StageFolder(target.job, target.schema.ref)),
        folder_(root_ + "/" + relative_),
        numbered_relative_(NumberedFolder(target.job, target.schema.ref)),
        epoch_(target.epoch),
        where_(Where(target)) {}

  const std::string& folder() const { return folder_; }
  const std::string& relative() const { return relative_; }
  bool exists() const { return Exists(folder_); }
  std::string numbered() const { return root_ + "/" + numbered_relative_; }
  const std::string& numbered_relative() const { return numbered_relative_; }
  std::string mark() const { return folder_ + "/" + std::string(kMarkName); }

  /// Makes the folder and shuts out writers of earlier runs. kConflict when a later run has done so.
  arrow::Status Enter() const {
    const std::string own = epochs() + "/" + std::to_string(epoch_);
    arrow::Status status = MakeFolder(own);
    // The last collection that was published meanwhile may have taken the job's folder with it.
    if (!status.ok() && KindOf(status) == ErrorKind::kNotFound) status = MakeFolder(own);
    ARROW_RETURN_NOT_OK(status);
    return CheckFence();
  }
  /// kConflict when a later run has entered, or the stage is gone.
  arrow::Status CheckFence() const {
    if (NewestEpoch() == epoch_) return arrow::Status::OK();
    return MakeError(ErrorKind::kConflict, "another run of this job has taken over", where_);
  }

  /// Removes the folder when no file is in it, and that of the job with its last collection.
  void RemoveEmpty() const {
    RemoveEmptyFolders(folder_);
    RemoveIfEmpty(folder_);
    RemoveIfEmpty(job_folder_);
    if (has_own_root_) RemoveIfEmpty(root_);
  }

 private:
  /// Holds an empty folder for each run: made in one step, and never half written.
  std::string epochs() const { return folder_ + "/" + std::string(kEpochFolder); }

  int64_t NewestEpoch() const {
    int64_t newest = -1;
    std::error_code ignored;
    for (std::filesystem::directory_iterator entry(epochs(), ignored), end; entry != end; entry.increment(ignored)) {
      const std::string name = entry->path().filename().string();
      int64_t epoch = -1;
      std::from_chars(name.data(), name.data() + name.size(), epoch);
      newest = std::max(newest, epoch);
    }
    return newest;
  }

  const std::string root_;
  const bool has_own_root_;
  const std::string job_folder_;
  const std::string relative_;
  const std::string folder_;
  const std::string numbered_relative_;
  const int64_t epoch_;
  const std::string where_;
};

bool HasFile(const std::string& folder, const DataFile& file) {
  auto stamp = StampOf(folder + "/" + file.path);
  return stamp.ok() && stamp->has_value() && (*stamp)->bytes == file.bytes;
}

std::string BaseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// All parts that receipts list, sorted by path.
arrow::Result<std::vector<DataFile>> PartsOf(const std::vector<Receipt>& receipts) {
  std::vector<DataFile> parts;
  for (const Receipt& receipt : receipts) {
    ARROW_ASSIGN_OR_RAISE(auto of_split, EvidenceFromJson(receipt.evidence));
    parts.insert(parts.end(), of_split.begin(), of_split.end());
  }
  std::sort(parts.begin(), parts.end(), [](const DataFile& a, const DataFile& b) { return a.path < b.path; });
  return parts;
}

/// Removes the files of the stage that `keep` does not name; of one split only, where it is given.
arrow::Status RemoveStrays(const std::string& folder, const std::vector<DataFile>& keep, const std::string* split_id) {
  std::set<std::string> names;
  for (const DataFile& part : keep) names.insert(part.path);
  ARROW_ASSIGN_OR_RAISE(auto present, FilesBelow(folder));
  for (const std::string& file : present) {
    if (names.contains(file)) continue;
    if (split_id != nullptr && !IsPartOf(BaseName(file), *split_id)) continue;
    ARROW_RETURN_NOT_OK(RemoveFile(folder + "/" + file));
  }
  return arrow::Status::OK();
}

// ---------------------------------------------------------------------------------------------------------------------
// Parts

RowHasher MakeHasher(const CollectionSchema& schema) {
  return RowHasher(schema, schema.key_index() < 0 ? RowHasher::Identity::kWholeRow : RowHasher::Identity::kKey);
}

/// How the parts of a text target are written; none = Parquet.
std::optional<TextSource> PartText(const Options& options, const CollectionSchema& schema) {
  if (!options.text) return std::nullopt;
  return OwnText(*options.text, schema);
}

arrow::Compression::type PartCompression(const Options& options) {
  return options.rows_per_file > 0 ? arrow::Compression::UNCOMPRESSED : options.compression;
}

arrow::Result<std::unique_ptr<FileWriter>> CreatePart(const std::string& path, const CollectionSchema& schema,
                                                      const Options& options) {
  if (options.text) return TextFileWriter::Create(path, schema, *options.text, PartCompression(options));
  return ParquetWriter::Create(path, schema, {options.compression, options.row_group_bytes});
}

/// Begins, fills and closes the parts of one split. Belongs to one thread at a time.
class PartWriter {
 public:
  PartWriter(const Options& options, const WriteTarget& target, std::string folder, std::string split_id)
      : options_(options),
        schema_(target.schema),
        epoch_(target.epoch),
        read_back_(target.read_back),
        folder_(std::move(folder)),
        split_id_(std::move(split_id)),
        suffix_(SuffixOf(options.text ? std::optional(options.text->kind) : std::nullopt, PartCompression(options))) {}

  arrow::Status Write(const Batch& batch, const HashedRows& hashes) {
    if (writer_ != nullptr && batch.partition != part_.partition) ARROW_RETURN_NOT_OK(Close());
    const int64_t rows = batch.rows->num_rows();
    for (int64_t begin = 0; begin < rows;) {
      if (writer_ == nullptr) ARROW_RETURN_NOT_OK(Begin(batch.partition));
      const int64_t to_number = options_.rows_per_file - part_.rows;  // rows that a numbered file would still take
      const int64_t end = to_number > 0 ? std::min(rows, begin + to_number) : rows;
      ARROW_RETURN_NOT_OK(writer_->Write(*batch.rows->Slice(begin, end - begin)));
      part_.rows += end - begin;
      for (; begin < end; ++begin) {
        part_.digest.Add(hashes.keys[static_cast<size_t>(begin)], hashes.rows[static_cast<size_t>(begin)]);
      }
      DropWritten();
      if (writer_->bytes() >= options_.file_bytes || IsNumberedFile()) ARROW_RETURN_NOT_OK(Close());
    }
    return arrow::Status::OK();
  }

  /// Gives back what is on the disk of a large part, once in a while.
  void DropWritten() {
    constexpr int64_t kBytes = 16 << 20;
    if (read_back_ || writer_->bytes() - dropped_ < kBytes) return;
    DropFromCache(path());
    dropped_ = writer_->bytes();
  }

  arrow::Status Begin(const std::string& partition) {
    const std::string prefix = PartitionPrefix(partition);
    if (!prefix.empty()) ARROW_RETURN_NOT_OK(MakeFolder(folder_ + "/" + prefix.substr(0, prefix.size() - 1)));
    do {
      part_ = {.path = prefix + PartName(split_id_, epoch_, next_number_++, suffix_), .partition = partition};
    } while (Exists(path()));
    dropped_ = 0;
    return CreatePart(path(), schema_, options_).Value(&writer_);
  }

  /// Closes the open part, and makes durable what was closed since the last call.
  arrow::Status Finish() {
    ARROW_RETURN_NOT_OK(Close());
    if (synced_ == finished_.size()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(before_part_sync.Hit());
    std::set<std::string> folders;
    for (; synced_ < finished_.size(); ++synced_) {
      const DataFile& part = finished_[synced_];
      const std::string file = folder_ + "/" + part.path;
      ARROW_RETURN_NOT_OK(SyncFile(file));
      // What is read once more soon: all parts, or those whose rows go into numbered files.
      const bool read_soon = read_back_ || (options_.rows_per_file > 0 && part.rows != options_.rows_per_file);
      if (!read_soon) DropFromCache(file);
      folders.insert(file.substr(0, file.find_last_of('/')));
    }
    for (const std::string& folder : folders) ARROW_RETURN_NOT_OK(SyncFolder(folder));
    return after_part_sync.Hit();
  }

  const std::vector<DataFile>& finished() const { return finished_; }

  /// Goes on after these parts.
  void Resume(std::vector<DataFile> parts) {
    finished_ = std::move(parts);
    synced_ = finished_.size();
  }

  /// Closes the open part where it is; its file stays.
  void Drop() { writer_ = nullptr; }

 private:
  std::string path() const { return folder_ + "/" + part_.path; }

  /// The open part is what a numbered file has to be, and large enough to be better linked than copied.
  bool IsNumberedFile() const {
    constexpr int64_t kLeastBytes = 4 << 20;
    return part_.rows == options_.rows_per_file && writer_->bytes() >= kLeastBytes &&
           PartCompression(options_) == options_.compression;
  }

  arrow::Status Close() {
    if (writer_ == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(before_part_close.Hit());
    ARROW_ASSIGN_OR_RAISE(auto written, writer_->Close());
    writer_ = nullptr;
    part_.rows = written.rows;
    part_.bytes = written.bytes;
    part_.hash = written.hash;
    finished_.push_back(part_);
    return arrow::Status::OK();
  }

  const Options options_;
  const CollectionSchema schema_;
  const int64_t epoch_;
  const bool read_back_;
  const std::string folder_;
  const std::string split_id_;
  const std::string suffix_;
  int next_number_ = 0;
  std::unique_ptr<FileWriter> writer_;  // of the open part
  int64_t dropped_ = 0;                 // bytes of it after which it was last dropped from the cache
  DataFile part_;                       // the open one, or the last one
  std::vector<DataFile> finished_;
  size_t synced_ = 0;  // parts of finished_ that are durable
};

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WithoutRows(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                               const std::vector<int64_t>& left_out) {
  arrow::BooleanBuilder stays;
  ARROW_RETURN_NOT_OK(stays.Reserve(rows->num_rows()));
  auto next = left_out.begin();
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    const bool out = next != left_out.end() && *next == i;
    if (out) ++next;
    stays.UnsafeAppend(!out);
  }
  ARROW_ASSIGN_OR_RAISE(auto mask, stays.Finish());
  ARROW_ASSIGN_OR_RAISE(arrow::Datum filtered, arrow::compute::Filter(rows, mask));
  return filtered.record_batch();
}

HashedRows WithoutRows(const HashedRows& hashes, const std::vector<int64_t>& left_out) {
  HashedRows rest;
  auto next = left_out.begin();
  for (size_t i = 0; i < hashes.rows.size(); ++i) {
    if (next != left_out.end() && *next == static_cast<int64_t>(i)) {
      ++next;
      continue;
    }
    rest.keys.push_back(hashes.keys[i]);
    rest.rows.push_back(hashes.rows[i]);
  }
  return rest;
}

std::string KeyText(const CollectionSchema& schema, const arrow::RecordBatch& rows, int64_t row) {
  if (schema.key_index() < 0) return "row " + std::to_string(row);
  auto key = rows.column(schema.key_index())->GetScalar(row);
  return key.ok() ? (*key)->ToString() : std::string();
}

/// Parquet takes every row.
WriteResult RejectedRows(const std::optional<TextFormat>& text, const CollectionSchema& schema,
                         const arrow::RecordBatch& rows) {
  WriteResult result;
  if (!text) return result;
  for (UnwritableRow& row : FindUnwritable(schema, text->kind, rows)) {
    result.rejected_rows.push_back(row.row);
    result.rejected.push_back({.key = KeyText(schema, rows, row.row), .reason = std::move(row.reason)});
  }
  return result;
}

class FilesWriter : public Writer {
 public:
  FilesWriter(const Options& options, const WriteTarget& target, std::string split_id, StopToken stop)
      : stage_(options, target),
        text_(options.text),
        schema_(target.schema),
        split_id_(split_id),
        parts_(options, target, stage_.folder(), std::move(split_id)),
        stop_(std::move(stop)) {}

  arrow::Status Resume(const Receipt& receipt) {
    ARROW_ASSIGN_OR_RAISE(committed_, EvidenceFromJson(receipt.evidence));
    parts_.Resume(committed_);
    return arrow::Status::OK();
  }

  arrow::Result<WriteResult> Write(const Batch& batch, const HashedRows& hashes) override {
    if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", "files");
    WriteResult result = RejectedRows(text_, schema_, *batch.rows);
    if (result.rejected.empty()) {
      ARROW_RETURN_NOT_OK(parts_.Write(batch, hashes));
      return result;
    }
    Batch rest = batch;
    ARROW_ASSIGN_OR_RAISE(rest.rows, WithoutRows(batch.rows, result.rejected_rows));
    if (rest.rows->num_rows() > 0) {
      ARROW_RETURN_NOT_OK(parts_.Write(rest, WithoutRows(hashes, result.rejected_rows)));
    }
    return result;
  }

  arrow::Result<Receipt> Commit(const Progress& progress) override {
    arrow::Status finished = parts_.Finish();
    // A later run removes the part of this one: that is what to tell, not that a file is missing.
    ARROW_RETURN_NOT_OK(stage_.CheckFence());
    ARROW_RETURN_NOT_OK(finished);
    committed_ = parts_.finished();
    return Receipt{.split_id = split_id_, .progress = progress, .evidence = EvidenceToJson(committed_)};
  }

  void Abort() override {
    parts_.Drop();
    // What can't be removed now is removed by Recover or Publish.
    if (stage_.CheckFence().ok()) (void)RemoveStrays(stage_.folder(), committed_, &split_id_);
  }

 private:
  const Stage stage_;
  const std::optional<TextFormat> text_;
  const CollectionSchema schema_;
  const std::string split_id_;
  PartWriter parts_;
  std::vector<DataFile> committed_;
  const StopToken stop_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Deleting

/// A set of keys of one type: integers, strings, and whatever else has its value in one run of bytes.
class KeySet {
 public:
  static arrow::Result<KeySet> Make(std::shared_ptr<arrow::Array> keys) {
    const auto& type = *keys->type();
    if (!arrow::is_binary_like(type.id()) && !(arrow::is_fixed_width(type.id()) && type.bit_width() % 8 == 0)) {
      return MakeError(ErrorKind::kUnsupported, "keys of type " + type.ToString() + " can't be deleted");
    }
    return KeySet(std::move(keys));
  }

  bool Contains(const arrow::Array& keys, int64_t row) const { return bytes_.contains(BytesOf(keys, row)); }

 private:
  explicit KeySet(std::shared_ptr<arrow::Array> keys) : keys_(std::move(keys)) {
    for (int64_t i = 0; i < keys_->length(); ++i) bytes_.insert(BytesOf(*keys_, i));
  }

  static std::string_view BytesOf(const arrow::Array& keys, int64_t row) {
    if (arrow::is_binary_like(keys.type_id())) return static_cast<const arrow::BinaryArray&>(keys).GetView(row);
    const auto width = static_cast<size_t>(keys.type()->byte_width());
    const uint8_t* values = keys.data()->buffers[1]->data();
    return {reinterpret_cast<const char*>(values) + static_cast<size_t>(keys.offset() + row) * width, width};
  }

  std::shared_ptr<arrow::Array> keys_;  // owns the bytes
  std::unordered_set<std::string_view> bytes_;
};

/// The rows whose key is not in the set, or null when all of them stay.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowsThatStay(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                                int key_column, const KeySet& keys) {
  arrow::BooleanBuilder stays;
  ARROW_RETURN_NOT_OK(stays.Reserve(rows->num_rows()));
  for (int64_t i = 0; i < rows->num_rows(); ++i) stays.UnsafeAppend(!keys.Contains(*rows->column(key_column), i));
  ARROW_ASSIGN_OR_RAISE(auto mask, stays.Finish());
  if (static_cast<const arrow::BooleanArray&>(*mask).true_count() == rows->num_rows()) return nullptr;
  ARROW_ASSIGN_OR_RAISE(arrow::Datum filtered, arrow::compute::Filter(rows, mask));
  return filtered.record_batch();
}

/// Deletes keys from one staged part. Gives the parts that replace it: itself, another one, or none.
class PartCleaner {
 public:
  PartCleaner(const Options& options, const WriteTarget& target, const std::string& folder, const KeySet& keys,
              StopToken stop)
      : options_(options), target_(target), folder_(folder), keys_(keys), stop_(std::move(stop)) {}

  arrow::Result<std::vector<DataFile>> Clean(const DataFile& part, const std::string& split_id) const {
    ARROW_RETURN_NOT_OK(FileChecker(stop_).Check(folder_ + "/" + part.path, part));
    ARROW_ASSIGN_OR_RAISE(bool concerned, HoldsAny(part));
    if (!concerned) return std::vector<DataFile>{part};
    ARROW_RETURN_NOT_OK(before_part_rewrite.Hit());
    PartWriter writer(options_, target_, folder_, split_id);
    RowHasher hasher = MakeHasher(target_.schema);
    HashedRows hashes;
    ARROW_RETURN_NOT_OK(ForEachBatch(part, target_.schema, [&](Batch batch, int key_column) -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(auto rest, RowsThatStay(batch.rows, key_column, keys_));
      if (rest != nullptr) batch.rows = std::move(rest);
      if (batch.rows->num_rows() == 0) return arrow::Status::OK();
      ARROW_RETURN_NOT_OK(hasher.Hash(batch, &hashes));
      return writer.Write(batch, hashes);
    }));
    ARROW_RETURN_NOT_OK(writer.Finish());
    return writer.finished();
  }

 private:
  template <typename Visit>
  arrow::Status ForEachBatch(const DataFile& part, const CollectionSchema& schema, Visit&& visit) const {
    ARROW_ASSIGN_OR_RAISE(auto reader, ReadWholeFile(folder_, part, PartText(options_, target_.schema), schema, stop_));
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(kDeleteBatchBytes));
      if (!batch) return arrow::Status::OK();
      ARROW_RETURN_NOT_OK(visit(std::move(*batch), schema.key_index()));
    }
  }

  arrow::Result<bool> HoldsAny(const DataFile& part) const {
    CollectionSchema only_key = target_.schema;
    std::erase_if(only_key.fields, [](const Field& field) { return !field.primary_key; });
    bool found = false;
    ARROW_RETURN_NOT_OK(ForEachBatch(part, only_key, [&](const Batch& batch, int key_column) {
      for (int64_t i = 0; i < batch.rows->num_rows() && !found; ++i) {
        found = keys_.Contains(*batch.rows->column(key_column), i);
      }
      return arrow::Status::OK();
    }));
    return found;
  }

  const Options& options_;
  const WriteTarget& target_;
  const std::string folder_;
  const KeySet& keys_;
  const StopToken stop_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Publishing

std::string Now() {
  auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  auto second = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     (now - second).count());
}

arrow::Status CheckParts(const WriteTarget& target, const std::string& folder, const std::vector<DataFile>& parts,
                         const Digest& digest) {
  Digest sum;
  for (const DataFile& part : parts) {
    sum += part.digest;
    if (HasFile(folder, part)) continue;
    return MakeError(ErrorKind::kCorruptData,
                     "the staged file is missing or has another size than it was written with; run the job with "
                     "--restart",
                     folder + "/" + part.path);
  }
  if (sum == digest) return arrow::Status::OK();
  return MakeError(
      ErrorKind::kInternal,
      fmt::format("the staged files hold {} rows with another digest than the {} that were proven: {} and {}", sum.rows,
                  digest.rows, sum.ToString(), digest.ToString()),
      Where(target));
}

/// True when this job has published already.
arrow::Result<bool> IsPublished(const Options& options, const WriteTarget& target, const Stage& stage) {
  if (stage.exists() && !Exists(stage.mark())) return false;
  ARROW_ASSIGN_OR_RAISE(auto collection, FindCollection(options, target.schema.ref));
  if (!collection || !collection->manifest || collection->manifest->job != target.job) return false;
  if (!stage.exists()) return true;
  ARROW_ASSIGN_OR_RAISE(std::string mark, ReadFile(stage.mark()));
  return mark == collection->manifest->identity();
}

/// What is left of a stage once its files are published, or given up.
arrow::Status RemoveStage(const Stage& stage) {
  std::error_code error;
  std::filesystem::remove_all(stage.numbered(), error);
  if (error) return ErrnoStatus(error.value(), "can't remove " + stage.numbered());
  if (stage.exists()) ARROW_RETURN_NOT_OK(RemoveStrays(stage.folder(), {}, /*split_id=*/nullptr));
  stage.RemoveEmpty();
  return arrow::Status::OK();
}

/// An empty collection may give way; one with rows may not: the engine drops it first where the job says so.
arrow::Status MakeWay(const Options& options, const WriteTarget& target) {
  ARROW_ASSIGN_OR_RAISE(auto collection, FindCollection(options, target.schema.ref));
  if (collection && collection->manifest && collection->manifest->rows() > 0) {
    return MakeError(ErrorKind::kConflict,
                     fmt::format("somebody wrote a collection of {} rows here while the job ran; move it away and run "
                                 "the job again",
                                 collection->manifest->rows()),
                     Where(target));
  }
  return DropCollection(options, target.schema.ref);
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

arrow::Status FilesSink::CheckNames(const CollectionSchema& wanted) const {
  const arrow::Status names = files::CheckNames(wanted);
  return names.ok() ? names : MakeError(ErrorKind::kInvalidConfig, names.message());
}

arrow::Result<CollectionSchema> FilesSink::Adapt(const CollectionSchema& source) {
  ARROW_RETURN_NOT_OK(files::CheckNames(source));
  // What has no table is refused before anything is written.
  if (options_.create_table) ARROW_RETURN_NOT_OK(CreateTableSql(source).status());
  return source;
}

std::vector<std::string> FilesSink::Notes(const CollectionSchema& target) const {
  return options_.create_table ? CreateTableNotes(target) : std::vector<std::string>();
}

arrow::Result<Recovery> FilesSink::Recover(const WriteTarget& target, const Split& split,
                                           const std::optional<Receipt>& journaled, bool attempted) {
  ARROW_RETURN_NOT_OK(RefuseOverwrite(target));
  const Stage stage(options_, target);
  ARROW_ASSIGN_OR_RAISE(bool published, IsPublished(options_, target, stage));
  if (published) return Recovery{.receipt = journaled, .replay = false};
  ARROW_RETURN_NOT_OK(stage.Enter());
  Recovery recovery;
  std::vector<DataFile> parts;
  if (journaled) {
    ARROW_ASSIGN_OR_RAISE(parts, EvidenceFromJson(journaled->evidence));
    const bool whole =
        std::all_of(parts.begin(), parts.end(), [&](const DataFile& part) { return HasFile(stage.folder(), part); });
    // Somebody removed or cut a part: the split is copied anew.
    if (whole) recovery.receipt = journaled;
    if (!whole) parts.clear();
  }
  if (attempted) ARROW_RETURN_NOT_OK(RemoveStrays(stage.folder(), parts, &split.id));
  return recovery;
}

arrow::Result<std::unique_ptr<Writer>> FilesSink::Open(const WriteTarget& target, const Split& split,
                                                       const Recovery& recovery) {
  ARROW_RETURN_NOT_OK(RefuseOverwrite(target));
  const Stage stage(options_, target);
  ARROW_RETURN_NOT_OK(stage.Enter());
  auto writer = std::make_unique<FilesWriter>(options_, target, split.id, stop_);
  if (recovery.receipt) ARROW_RETURN_NOT_OK(writer->Resume(*recovery.receipt));
  return writer;
}

arrow::Result<WriteResult> FilesSink::FindRejected(const CollectionSchema& target, const Batch& batch) {
  return RejectedRows(options_.text, target, *batch.rows);
}

arrow::Status FilesSink::Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) {
  if (options_.rows_per_file == 0) return arrow::Status::OK();
  const Stage stage(options_, target);
  ARROW_ASSIGN_OR_RAISE(bool published, IsPublished(options_, target, stage));
  if (published) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(stage.Enter());
  ARROW_ASSIGN_OR_RAISE(auto parts, PartsOf(receipts));
  return MakeNumberedFiles(options_, target, stage.folder(), parts, stage.numbered(), stop_).status();
}

arrow::Result<std::unique_ptr<Source>> FilesSink::ReadBack(const WriteTarget& target,
                                                           const std::vector<Receipt>& receipts) {
  const Stage stage(options_, target);
  ARROW_ASSIGN_OR_RAISE(bool published, IsPublished(options_, target, stage));
  if (published) {
    return std::make_unique<FilesSource>(
        options_.path, [options = options_](const CollectionRef& ref) { return GetCollection(options, ref); }, stop_);
  }
  ARROW_ASSIGN_OR_RAISE(auto files, PartsOf(receipts));
  Collection collection{.folder = stage.relative(), .files = {}, .manifest = std::nullopt};
  collection.text = PartText(options_, target.schema);
  if (options_.rows_per_file > 0 && !files.empty()) {
    auto numbered = FindNumberedFiles(options_, stage.folder(), files, stage.numbered());
    if (!numbered) {
      return MakeError(ErrorKind::kConflict, "the numbered files are gone, or those of other parts", Where(target));
    }
    files = *std::move(numbered);
    collection.folder = stage.numbered_relative();
  }
  collection.files = std::move(files);
  return std::make_unique<FilesSource>(
      options_.stage_root(), [collection](const CollectionRef&) { return collection; }, stop_);
}

arrow::Status FilesSink::DeleteKeys(const WriteTarget& target, const std::string& partition,
                                    const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>* receipts) {
  const Stage stage(options_, target);
  ARROW_RETURN_NOT_OK(stage.Enter());
  ARROW_ASSIGN_OR_RAISE(KeySet key_set, KeySet::Make(keys));
  const PartCleaner cleaner(options_, target, stage.folder(), key_set, stop_);
  for (Receipt& receipt : *receipts) {
    ARROW_ASSIGN_OR_RAISE(auto parts, EvidenceFromJson(receipt.evidence));
    std::vector<DataFile> cleaned;
    for (const DataFile& part : parts) {
      if (part.partition != partition) {
        cleaned.push_back(part);
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(auto rest, cleaner.Clean(part, receipt.split_id));
      cleaned.insert(cleaned.end(), rest.begin(), rest.end());
    }
    receipt.evidence = EvidenceToJson(cleaned);
  }
  return arrow::Status::OK();
}

arrow::Status FilesSink::Publish(const WriteTarget& target, const std::vector<Receipt>& receipts,
                                 const Digest& digest) {
  const Stage stage(options_, target);
  ARROW_ASSIGN_OR_RAISE(bool published, IsPublished(options_, target, stage));
  if (published) return RemoveStage(stage);
  ARROW_RETURN_NOT_OK(stage.Enter());
  Manifest manifest{.schema = target.schema, .job = target.job, .created = Now(), .digest = digest, .files = {}};
  manifest.text = options_.text;
  ARROW_ASSIGN_OR_RAISE(auto parts, PartsOf(receipts));
  ARROW_RETURN_NOT_OK(CheckParts(target, stage.folder(), parts, digest));
  const bool numbered = options_.rows_per_file > 0;
  const std::string folder = numbered ? stage.numbered() : stage.folder();
  if (numbered) {
    ARROW_ASSIGN_OR_RAISE(manifest.files, MakeNumberedFiles(options_, target, stage.folder(), parts, folder, stop_));
  } else {
    manifest.files = std::move(parts);
    if (manifest.files.empty()) {
      // Readers without godwit learn the columns from a file.
      PartWriter writer(options_, target, folder, "empty");
      ARROW_RETURN_NOT_OK(writer.Begin(/*partition=*/""));
      ARROW_RETURN_NOT_OK(writer.Finish());
      manifest.files = writer.finished();
    }
    ARROW_RETURN_NOT_OK(RemoveStrays(folder, manifest.files, /*split_id=*/nullptr));
    RemoveEmptyFolders(folder);
  }
  if (options_.create_table) {
    ARROW_ASSIGN_OR_RAISE(std::string sql, CreateTableSql(target.schema));
    manifest.other_files.emplace_back(kTableFileName);
    ARROW_RETURN_NOT_OK(WriteFileDurably(folder + "/" + std::string(kTableFileName), sql));
  }
  ARROW_RETURN_NOT_OK(before_manifest.Hit());
  ARROW_RETURN_NOT_OK(WriteFileDurably(folder + "/" + std::string(kManifestName), ToJson(manifest)));
  ARROW_RETURN_NOT_OK(before_mark.Hit());
  if (numbered) ARROW_RETURN_NOT_OK(WriteFileDurably(stage.mark(), manifest.identity()));

  const CollectionRef& ref = target.schema.ref;
  ARROW_RETURN_NOT_OK(MakeWay(options_, target));
  ARROW_RETURN_NOT_OK(
      MakeFolder(ref.database.empty() ? options_.path : options_.path + "/" + EncodeName(ref.database)));
  ARROW_RETURN_NOT_OK(before_rename.Hit());
  ARROW_RETURN_NOT_OK(RenameDurably(folder, options_.path + "/" + CollectionFolder(ref)));
  ARROW_RETURN_NOT_OK(after_rename.Hit());
  return RemoveStage(stage);
}

arrow::Status FilesSink::Discard(const WriteTarget& target) { return RemoveStage(Stage(options_, target)); }

}  // namespace godwit::files
