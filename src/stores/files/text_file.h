// One file of rows as text, written and read, as a whole plain or compressed. The codecs are in formats/; here is the
// I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/io/interfaces.h>
#include <arrow/type_fwd.h>
#include <arrow/util/type_fwd.h>

#include "formats/text_reader.h"
#include "formats/text_writer.h"
#include "godwit/schema.h"
#include "stores/files/file_writer.h"

namespace godwit::files {

class HashingOutputStream;

/// A new file that bytes go into, compressed on their way where wanted. Belongs to one thread at a time.
class TextOutput {
 public:
  static arrow::Result<std::unique_ptr<TextOutput>> Create(const std::string& path,
                                                           arrow::Compression::type compression);

  arrow::Status Write(std::string_view text);
  /// Of text.
  int64_t bytes() const { return bytes_; }
  /// `rows` is handed on.
  arrow::Result<FileWriter::Written> Close(int64_t rows);

 private:
  explicit TextOutput(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::shared_ptr<HashingOutputStream> file_;
  std::shared_ptr<arrow::io::OutputStream> out_;  // file_, or what compresses into it
  int64_t bytes_ = 0;
};

class TextFileWriter : public FileWriter {
 public:
  static arrow::Result<std::unique_ptr<FileWriter>> Create(const std::string& path, const CollectionSchema& schema,
                                                           const TextFormat& format,
                                                           arrow::Compression::type compression);

  arrow::Status Write(const arrow::RecordBatch& rows) override;
  int64_t bytes() const override;
  arrow::Result<Written> Close() override;

 private:
  TextFileWriter(const CollectionSchema& schema, const TextFormat& format) : text_(schema, format) {}

  arrow::Status WriteOut();

  TextWriter text_;
  std::unique_ptr<TextOutput> out_;
  int64_t rows_ = 0;
};

/// Reads blocks of a file, decompressed by what its name says. Belongs to one thread at a time.
class TextInput {
 public:
  static arrow::Result<std::unique_ptr<TextInput>> Open(const std::string& path);

  /// The text that was not taken yet.
  std::string_view text() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// Nothing comes after text().
  bool at_end() const { return at_end_; }
  void Take(size_t bytes) { begin_ += bytes; }
  /// Reads more behind text(). An error when a row is longer than any buffer: kLongestRow.
  arrow::Status ReadMore();

  static constexpr size_t kLongestRow = size_t{512} << 20;

 private:
  explicit TextInput(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::shared_ptr<arrow::io::InputStream> in_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

/// Reads a file in batches. Holds one batch and its text. Belongs to one thread at a time.
class TextFileReader {
 public:
  /// The first `skip_rows` rows are passed over.
  static arrow::Result<std::unique_ptr<TextFileReader>> Open(const std::string& path, const CollectionSchema& schema,
                                                             const TextSource& source, int64_t skip_rows);

  /// About `max_bytes`; null at the end. kCorruptData has the path as its place, and line and field in the message.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next(int64_t max_bytes);
  /// Rows passed over so far.
  int64_t skipped() const { return reader_.skipped(); }

 private:
  TextFileReader(std::string path, const CollectionSchema& schema, const TextSource& source)
      : path_(std::move(path)), reader_(schema, source) {}

  const std::string path_;
  TextReader reader_;
  std::unique_ptr<TextInput> in_;
};

}  // namespace godwit::files
