#include "stores/files/text_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>
#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include "stores/files/hashed_file.h"
#include "stores/files/layout.h"

namespace godwit::files {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kFirstReadBytes = size_t{64} << 10;
constexpr int64_t kBatchRows = 1024;  // formatted before they are written, so that a large batch needs no large buffer
constexpr int kZstdLevel = 1;
constexpr int kGzipLevel = 6;

arrow::Result<std::unique_ptr<arrow::util::Codec>> CodecOf(arrow::Compression::type compression) {
  return arrow::util::Codec::Create(compression, compression == arrow::Compression::GZIP ? kGzipLevel : kZstdLevel);
}

/// What went wrong while reading `path`: what is no failure of the system means that the bytes make no sense.
arrow::Status ReadError(const arrow::Status& status, const std::string& path) {
  if (status.ok() || status.IsOutOfMemory()) return status;
  if (KindOf(status) != ErrorKind::kInternal) return MakeError(KindOf(status), status.message(), path);
  if (arrow::internal::ErrnoFromStatus(status) != 0) return MakeError(ErrorKind::kInternal, status.message(), path);
  return MakeError(ErrorKind::kCorruptData, "it can't be decompressed: " + status.message(), path);
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

arrow::Result<std::unique_ptr<TextOutput>> TextOutput::Create(const std::string& path,
                                                              arrow::Compression::type compression) {
  std::unique_ptr<TextOutput> self(new TextOutput(path));
  ARROW_ASSIGN_OR_RAISE(self->file_, HashingOutputStream::Create(path));
  self->out_ = self->file_;
  if (compression == arrow::Compression::UNCOMPRESSED) return self;
  ARROW_ASSIGN_OR_RAISE(auto codec, CodecOf(compression));
  ARROW_ASSIGN_OR_RAISE(self->out_, arrow::io::CompressedOutputStream::Make(codec.get(), self->file_));
  return self;
}

arrow::Status TextOutput::Write(std::string_view text) {
  arrow::Status status = out_->Write(text.data(), static_cast<int64_t>(text.size()));
  if (!status.ok() && !file_->failure().ok()) status = file_->failure();
  ARROW_RETURN_NOT_OK(WithContext(status, "can't write " + path_));
  bytes_ += static_cast<int64_t>(text.size());
  return arrow::Status::OK();
}

arrow::Result<FileWriter::Written> TextOutput::Close(int64_t rows) {
  arrow::Status status = out_->Close();  // closes the file, too
  if (!status.ok() && !file_->failure().ok()) status = file_->failure();
  ARROW_RETURN_NOT_OK(WithContext(status, "can't write " + path_));
  return FileWriter::Written{.rows = rows, .bytes = file_->bytes(), .hash = file_->hash()};
}

// ---------------------------------------------------------------------------------------------------------------------

arrow::Result<std::unique_ptr<FileWriter>> TextFileWriter::Create(const std::string& path,
                                                                  const CollectionSchema& schema,
                                                                  const TextFormat& format,
                                                                  arrow::Compression::type compression) {
  std::unique_ptr<TextFileWriter> self(new TextFileWriter(schema, format));
  ARROW_ASSIGN_OR_RAISE(self->out_, TextOutput::Create(path, compression));
  self->text_.WriteHeader();
  return self;
}

arrow::Status TextFileWriter::Write(const arrow::RecordBatch& rows) {
  for (int64_t row = 0; row < rows.num_rows(); row += kBatchRows) {
    ARROW_RETURN_NOT_OK(text_.Write(*rows.Slice(row, kBatchRows)));
    if (text_.text().size() >= kReadBytes) ARROW_RETURN_NOT_OK(WriteOut());
  }
  rows_ += rows.num_rows();
  return arrow::Status::OK();
}

arrow::Status TextFileWriter::WriteOut() {
  ARROW_RETURN_NOT_OK(out_->Write(text_.text()));
  text_.Clear();
  return arrow::Status::OK();
}

int64_t TextFileWriter::bytes() const { return out_->bytes() + static_cast<int64_t>(text_.text().size()); }

arrow::Result<FileWriter::Written> TextFileWriter::Close() {
  ARROW_RETURN_NOT_OK(WriteOut());
  return out_->Close(rows_);
}

// ---------------------------------------------------------------------------------------------------------------------

arrow::Result<std::unique_ptr<TextInput>> TextInput::Open(const std::string& path) {
  std::unique_ptr<TextInput> self(new TextInput(path));
  ARROW_ASSIGN_OR_RAISE(self->in_, arrow::io::ReadableFile::Open(path));
  const auto kind = KindOfFile(path.substr(path.find_last_of('/') + 1), "csv");
  const auto lines = KindOfFile(path.substr(path.find_last_of('/') + 1), "jsonl");
  const auto compression = kind ? kind->compression : lines ? lines->compression : arrow::Compression::UNCOMPRESSED;
  if (compression == arrow::Compression::UNCOMPRESSED) return self;
  ARROW_ASSIGN_OR_RAISE(auto codec, CodecOf(compression));
  ARROW_ASSIGN_OR_RAISE(self->in_, arrow::io::CompressedInputStream::Make(codec.get(), self->in_));
  return self;
}

arrow::Status TextInput::ReadMore() {
  if (at_end_) return arrow::Status::OK();
  const size_t rest = end_ - begin_;
  if (rest > kLongestRow) {
    return MakeError(ErrorKind::kCorruptData,
                     fmt::format("a row is longer than {} MiB; is a quote or a line end missing?", kLongestRow >> 20),
                     path_);
  }
  if (end_ == capacity_ && capacity_ - rest < kReadBytes) {  // a small file never fills the first buffer
    const size_t capacity = std::max(2 * capacity_, kFirstReadBytes);
    auto grown = std::make_unique_for_overwrite<char[]>(capacity);
    if (rest > 0) std::memcpy(grown.get(), buffer_.get() + begin_, rest);
    buffer_ = std::move(grown);
    capacity_ = capacity;
  } else if (rest > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, rest);
  }
  begin_ = 0;
  end_ = rest;
  // As much as there is room: what is read of a long row is looked at from its beginning each time.
  auto count = in_->Read(static_cast<int64_t>(capacity_ - end_), buffer_.get() + end_);
  if (!count.ok()) return ReadError(count.status(), path_);
  end_ += static_cast<size_t>(*count);
  at_end_ = *count == 0;
  return arrow::Status::OK();
}

// ---------------------------------------------------------------------------------------------------------------------

arrow::Result<std::unique_ptr<TextFileReader>> TextFileReader::Open(const std::string& path,
                                                                    const CollectionSchema& schema,
                                                                    const TextSource& source, int64_t skip_rows) {
  std::unique_ptr<TextFileReader> self(new TextFileReader(path, schema, source));
  ARROW_ASSIGN_OR_RAISE(self->in_, TextInput::Open(path));
  self->reader_.Skip(skip_rows);
  return self;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TextFileReader::Next(int64_t max_bytes) {
  while (true) {
    auto taken = reader_.Read(in_->text(), in_->at_end(), max_bytes);
    if (!taken.ok()) return ReadError(taken.status(), path_);
    in_->Take(*taken);
    const bool at_end = in_->at_end() && in_->text().empty();
    if (reader_.rows() > 0 && (at_end || reader_.bytes() >= max_bytes)) return reader_.Finish();
    if (at_end) return nullptr;
    if (*taken == 0) ARROW_RETURN_NOT_OK(in_->ReadMore());
  }
}

}  // namespace godwit::files
