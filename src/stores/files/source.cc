#include "stores/files/source.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "stores/files/parquet_file.h"
#include "stores/files/text_file.h"

namespace godwit::files {
namespace {

constexpr int64_t kMaxSplitBytes = 1LL << 30;
constexpr int64_t kMinShareBytes = 1 << 20;  // less is not worth a worker of its own

/// Consecutive row groups of one file; a text file is one piece.
struct Piece {
  DataFile file;  // `rows` are those of the piece
  int first_group = 0;
  int end_group = -1;  // -1 = the last one of the file
  int64_t bytes = 0;   // of the row groups
};

// ---------------------------------------------------------------------------------------------------------------------
// Splits

using Json = nlohmann::json;

Json TextToJson(const TextSource& text) {
  return {{"kind", ToString(text.format.kind)},
          {"delimiter", std::string(1, text.format.delimiter)},
          {"header", text.format.header},
          {"columns", text.columns},
          {"own", text.own}};
}

// Throws what nlohmann throws.
arrow::Result<TextSource> TextFromJson(const Json& json) {
  TextSource text{
      .format = {.delimiter = json.at("delimiter").get<std::string>().at(0), .header = json.at("header").get<bool>()},
      .columns = json.at("columns").get<std::vector<std::string>>(),
      .own = json.at("own").get<bool>()};
  ARROW_ASSIGN_OR_RAISE(text.format.kind, ParseTextKind(json.at("kind").get<std::string>()));
  return text;
}

/// What a split names.
struct Pieces {
  std::string folder;
  std::optional<TextSource> text;  // none = Parquet
  std::vector<Piece> list;
};

std::string SpecToJson(const std::string& folder, const std::optional<TextSource>& text,
                       const std::vector<Piece>& pieces) {
  nlohmann::json list = nlohmann::json::array();
  for (const Piece& piece : pieces) {
    nlohmann::json entry = {{"path", piece.file.path},          {"partition", piece.file.partition},
                            {"rows", piece.file.rows},          {"bytes", piece.file.bytes},
                            {"first_group", piece.first_group}, {"end_group", piece.end_group}};
    if (piece.file.hash) {
      entry["xxh3"] = {piece.file.hash->high, piece.file.hash->low};
    } else {
      entry["modified_ns"] = piece.file.modified_ns;
    }
    for (const RowRange& range : piece.file.ranges) entry["ranges"].push_back({range.partition, range.rows});
    list.push_back(std::move(entry));
  }
  Json spec = {{"folder", folder}, {"pieces", std::move(list)}};
  if (text) spec["text"] = TextToJson(*text);
  return spec.dump(-1, ' ', false, Json::error_handler_t::replace);
}

arrow::Result<Pieces> PiecesFromJson(const std::string& spec) {
  try {
    Pieces pieces;
    Json json = Json::parse(spec);
    pieces.folder = json.at("folder").get<std::string>();
    if (json.contains("text")) {
      ARROW_ASSIGN_OR_RAISE(pieces.text, TextFromJson(json["text"]));
    }
    for (const auto& entry : json.at("pieces")) {
      Piece& piece = pieces.list.emplace_back();
      piece.file = {.path = entry.at("path").get<std::string>(),
                    .partition = entry.at("partition").get<std::string>(),
                    .rows = entry.at("rows").get<int64_t>(),
                    .bytes = entry.at("bytes").get<int64_t>(),
                    .hash = std::nullopt,
                    .modified_ns = entry.value("modified_ns", int64_t{0})};
      if (entry.contains("xxh3")) {
        piece.file.hash = Hash128{entry["xxh3"].at(0).get<uint64_t>(), entry["xxh3"].at(1).get<uint64_t>()};
      }
      if (entry.contains("ranges")) {
        for (const auto& range : entry["ranges"]) {
          piece.file.ranges.push_back({range.at(0).get<std::string>(), range.at(1).get<int64_t>()});
        }
      }
      piece.first_group = entry.at("first_group").get<int>();
      piece.end_group = entry.at("end_group").get<int>();
    }
    return pieces;
  } catch (const std::exception& error) {
    return MakeError(ErrorKind::kCorruptData, std::string("the split can't be read: ") + error.what());
  }
}

/// Cuts a file into pieces of about `target_bytes`. What is not known without its footer is read from there.
arrow::Status CutFile(const std::string& path, const DataFile& file, bool text, int64_t target_bytes,
                      std::vector<Piece>* pieces) {
  if (text || (file.hash && file.bytes <= target_bytes)) {
    pieces->push_back({.file = file, .bytes = file.bytes});
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto parquet, ParquetFile::Open(path));
  Piece piece{.file = file};
  piece.file.rows = 0;
  for (int group = 0; group < parquet->row_groups(); ++group) {
    if (piece.bytes > 0 && piece.bytes + parquet->bytes_of(group) > target_bytes) {
      piece.end_group = group;
      pieces->push_back(piece);
      piece.first_group = group;
      piece.file.rows = piece.bytes = 0;
    }
    piece.file.rows += parquet->rows_of(group);
    piece.bytes += parquet->bytes_of(group);
  }
  piece.end_group = parquet->row_groups();
  pieces->push_back(std::move(piece));
  return arrow::Status::OK();
}

/// Neighbouring pieces that fit together become one split.
std::vector<Split> MakeSplits(const std::string& folder, const std::optional<TextSource>& text,
                              std::vector<Piece> pieces, int64_t target_bytes) {
  std::vector<Split> splits;
  std::vector<Piece> run;
  int64_t run_bytes = 0;
  auto finish = [&] {
    if (run.empty()) return;
    Split split{.id = fmt::format("f{:06}", splits.size()),
                .spec = SpecToJson(folder, text, run),
                .estimated_bytes = run_bytes};
    for (const Piece& piece : run) split.estimated_rows += std::max<int64_t>(0, piece.file.rows);
    splits.push_back(std::move(split));
    run.clear();
    run_bytes = 0;
  };
  for (Piece& piece : pieces) {
    if (run_bytes + piece.bytes > target_bytes) finish();
    run_bytes += piece.bytes;
    run.push_back(std::move(piece));
  }
  finish();
  return splits;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

class FilesReader : public Reader {
 public:
  FilesReader(std::string folder, std::optional<TextSource> text, std::vector<Piece> pieces, CollectionSchema schema,
              int64_t skip_rows, std::shared_ptr<FileChecker> checker, StopToken stop)
      : folder_(std::move(folder)),
        text_(std::move(text)),
        pieces_(std::move(pieces)),
        schema_(std::move(schema)),
        checker_(std::move(checker)),
        stop_(std::move(stop)),
        skip_rows_(skip_rows) {}

  arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) override {
    if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", "files");
    while (rows_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(bool more, Advance(max_bytes));
      if (!more) return std::nullopt;
    }
    // Arrow aimed at `max_bytes` by what the file says of its columns; the batch knows better.
    ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(*rows_));
    const int64_t row_bytes = 1 + bytes / rows_->num_rows();
    const RowRange range = RangeAhead();
    const int64_t most = std::min(range.rows, rows_->num_rows());
    const int64_t count = std::clamp<int64_t>(max_bytes / row_bytes, 1, most);
    position_ += count;
    piece_position_ += count;
    Batch batch{.rows = rows_->Slice(0, count), .partition = range.partition, .position = std::to_string(position_)};
    rows_ = count < rows_->num_rows() ? rows_->Slice(count) : nullptr;
    return batch;
  }

 private:
  std::string path() const { return folder_ + "/" + pieces_[piece_].file.path; }

  /// The partition of the next row of the piece, and how many rows of it follow each other.
  RowRange RangeAhead() const {
    const DataFile& file = pieces_[piece_].file;
    int64_t end = 0;
    for (const RowRange& range : file.ranges) {
      end += range.rows;
      if (piece_position_ < end) return {range.partition, end - piece_position_};
    }
    return {file.partition, std::numeric_limits<int64_t>::max()};
  }

  /// Takes the next step towards rows; false at the end of the split.
  arrow::Result<bool> Advance(int64_t max_bytes) {
    if (piece_ == pieces_.size()) return false;
    if (text_) return AdvanceText(max_bytes);
    if (file_ == nullptr) ARROW_RETURN_NOT_OK(OpenFile());
    if (batches_ != nullptr) {
      ARROW_RETURN_NOT_OK(batches_->ReadNext(&rows_));
      if (rows_ == nullptr) {
        batches_ = nullptr;
      } else {
        SkipRows();
      }
      return true;
    }
    if (group_ == end_group_) {
      ARROW_RETURN_NOT_OK(FinishFile());
      return true;
    }
    if (skip_rows_ >= file_->rows_of(group_)) {
      Skip(file_->rows_of(group_));
    } else {
      ARROW_ASSIGN_OR_RAISE(batches_, file_->Read(group_, schema_, max_bytes));
    }
    ++group_;
    return true;
  }

  arrow::Result<bool> AdvanceText(int64_t max_bytes) {
    if (text_file_ == nullptr) {
      ARROW_RETURN_NOT_OK(CheckFile());
      if (const int64_t known = pieces_[piece_].file.rows; known >= 0 && known <= skip_rows_) {
        Skip(known);
        ARROW_RETURN_NOT_OK(FinishFile());
        return true;
      }
      ARROW_ASSIGN_OR_RAISE(text_file_, TextFileReader::Open(path(), schema_, *text_, skip_rows_));
      text_skipped_ = 0;
    }
    ARROW_ASSIGN_OR_RAISE(rows_, text_file_->Next(max_bytes));
    Skip(text_file_->skipped() - text_skipped_);
    text_skipped_ = text_file_->skipped();
    if (rows_ != nullptr) {
      piece_rows_ += rows_->num_rows();
      return true;
    }
    text_file_ = nullptr;
    ARROW_RETURN_NOT_OK(FinishFile());
    return true;
  }

  arrow::Status CheckFile() const {
    return checker_ == nullptr ? arrow::Status::OK() : checker_->Check(path(), pieces_[piece_].file);
  }

  arrow::Status OpenFile() {
    const Piece& piece = pieces_[piece_];
    ARROW_RETURN_NOT_OK(CheckFile());
    ARROW_ASSIGN_OR_RAISE(file_, ParquetFile::Open(path()));
    group_ = piece.first_group;
    end_group_ = piece.end_group < 0 ? file_->row_groups() : piece.end_group;
    if (end_group_ <= file_->row_groups()) return arrow::Status::OK();
    return MakeError(ErrorKind::kCorruptData,
                     fmt::format("the file has {} row groups where {} were planned", file_->row_groups(), end_group_),
                     path());
  }

  arrow::Status FinishFile() {
    const int64_t expected = pieces_[piece_].file.rows;
    if (expected >= 0 && piece_rows_ != expected) {
      return MakeError(ErrorKind::kCorruptData,
                       fmt::format("{} rows were read where there should be {}", piece_rows_, expected), path());
    }
    file_ = nullptr;
    piece_rows_ = 0;
    piece_position_ = 0;
    ++piece_;
    return arrow::Status::OK();
  }

  void Skip(int64_t count) {
    skip_rows_ -= count;
    position_ += count;
    piece_rows_ += count;
    piece_position_ += count;
  }

  /// Leaves out of a new batch what was read before a resume.
  void SkipRows() {
    const int64_t skipped = std::min(skip_rows_, rows_->num_rows());
    Skip(skipped);
    piece_rows_ += rows_->num_rows() - skipped;
    rows_ = skipped < rows_->num_rows() ? rows_->Slice(skipped) : nullptr;
  }

  const std::string folder_;
  const std::optional<TextSource> text_;  // none = Parquet
  const std::vector<Piece> pieces_;
  const CollectionSchema schema_;
  const std::shared_ptr<FileChecker> checker_;  // null = the caller has checked
  const StopToken stop_;
  int64_t skip_rows_;           // still to be left out
  int64_t position_ = 0;        // rows of the split left behind
  int64_t piece_rows_ = 0;      // rows of the piece read, left out ones too
  int64_t piece_position_ = 0;  // rows of the piece left behind
  size_t piece_ = 0;
  std::unique_ptr<TextFileReader> text_file_;  // of the piece
  int64_t text_skipped_ = 0;                   // rows that it had left out before
  std::unique_ptr<ParquetFile> file_;          // of the piece
  int group_ = 0;                              // the next one
  int end_group_ = 0;
  std::shared_ptr<arrow::RecordBatchReader> batches_;  // of the row group in work
  std::shared_ptr<arrow::RecordBatch> rows_;           // read and not yet handed out
};

arrow::Result<int64_t> ParsePosition(const std::string& text) {
  int64_t position = 0;
  if (text.empty()) return position;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error == std::errc() && end == text.data() + text.size() && position >= 0) return position;
  return MakeError(ErrorKind::kCorruptData, "'" + text + "' is not a position in a file");
}

}  // namespace

FilesSource::FilesSource(std::string root, Find find, StopToken stop)
    : root_(std::move(root)), find_(std::move(find)), stop_(stop), checker_(std::make_shared<FileChecker>(stop)) {}

arrow::Result<std::string> FilesSource::Preparation(const CollectionRef& ref, ReadPurpose) {
  ARROW_RETURN_NOT_OK(find_(ref));
  return std::string();  // nothing to do
}

/// godwit's own files were compared with their source before they were published; of others nobody knows.
arrow::Result<bool> FilesSource::KeysMayRepeat(const CollectionSchema& schema) {
  ARROW_ASSIGN_OR_RAISE(Collection collection, find_(schema.ref));
  return !collection.manifest && schema.key_index() >= 0;
}

arrow::Result<Snapshot> FilesSource::OpenSnapshot(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(Collection collection, find_(ref));
  if (collection.manifest) {
    for (const DataFile& file : collection.files) {
      ARROW_RETURN_NOT_OK(CheckStamp(root_ + "/" + collection.folder + "/" + file.path, file));
    }
  }
  return Snapshot{.life = SnapshotLife::kDurable, .id = collection.SnapshotId()};
}

arrow::Result<std::vector<Split>> FilesSource::PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                                          const SplitPolicy& policy) {
  ARROW_ASSIGN_OR_RAISE(Collection collection, find_(schema.ref));
  if (collection.SnapshotId() != snapshot.id) {
    return MakeError(ErrorKind::kSourceChanging,
                     "the files of '" + schema.ref.ToString() + "' changed while the job began; run it again",
                     "files " + collection.folder);
  }
  int64_t total = 0;
  for (const DataFile& file : collection.files) total += file.bytes;
  const int64_t share = std::max(kMinShareBytes, total / std::max(1, policy.min_splits) + 1);
  const int64_t target = std::min({policy.target_bytes, kMaxSplitBytes, share});
  std::vector<Piece> pieces;
  for (const DataFile& file : collection.files) {
    if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", "files");
    ARROW_RETURN_NOT_OK(
        CutFile(root_ + "/" + collection.folder + "/" + file.path, file, collection.text.has_value(), target, &pieces));
  }
  return MakeSplits(collection.folder, collection.text, std::move(pieces), target);
}

arrow::Result<std::unique_ptr<Reader>> FilesSource::Open(const CollectionSchema& schema, const Split& split,
                                                         const Snapshot&, const std::string& resume_after) {
  ARROW_ASSIGN_OR_RAISE(Pieces pieces, PiecesFromJson(split.spec));
  ARROW_ASSIGN_OR_RAISE(int64_t skip_rows, ParsePosition(resume_after));
  return std::make_unique<FilesReader>(root_ + "/" + pieces.folder, std::move(pieces.text), std::move(pieces.list),
                                       schema, skip_rows, checker_, stop_);
}

arrow::Result<std::unique_ptr<Reader>> ReadWholeFile(const std::string& folder, const DataFile& file,
                                                     const std::optional<TextSource>& text,
                                                     const CollectionSchema& schema, const StopToken& stop) {
  std::vector<Piece> pieces{{.file = file, .bytes = file.bytes}};
  return std::make_unique<FilesReader>(folder, text, std::move(pieces), schema, 0, nullptr, stop);
}

}  // namespace godwit::files
