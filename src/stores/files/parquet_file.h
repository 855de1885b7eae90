// One Parquet file, written and read: the whole of what the room knows of the format, next to parquet_columns.h.
// text_file.h is the same for text.
//
// Arrow's Parquet library does the work. It throws in places; nothing of that gets out of here. What it can't decode is
// kCorruptData, with the path as the place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <arrow/type_fwd.h>
#include <arrow/util/type_fwd.h>

#include "godwit/digest.h"
#include "godwit/schema.h"
#include "stores/files/file_writer.h"

namespace parquet::arrow {
class FileReader;
class FileWriter;
}  // namespace parquet::arrow

namespace godwit::files {

class HashingOutputStream;

/// Key in a file's metadata: the schema of the collection, as ToJson gives it.
inline constexpr char kSchemaKey[] = "godwit.schema";

struct ParquetOptions {
  arrow::Compression::type compression = arrow::Compression::ZSTD;  // of all columns but dense vectors
  int64_t row_group_bytes = 16LL << 20;                             // of Arrow buffers
};

/// Writes a new file. Holds at most about one row group in memory: it is encoded column by column when it is full, each
/// page going to the file at once. Belongs to one thread at a time.
class ParquetWriter : public FileWriter {
 public:
  static arrow::Result<std::unique_ptr<ParquetWriter>> Create(const std::string& path, const CollectionSchema& schema,
                                                              const ParquetOptions& options);
  ~ParquetWriter() override;

  /// Columns in the storage types of the schema. The buffers are kept until their row group is written.
  arrow::Status Write(const arrow::RecordBatch& rows) override;
  int64_t rows() const { return rows_; }
  int64_t bytes() const override;

  /// Writes the footer.
  arrow::Result<Written> Close() override;

 private:
  ParquetWriter(std::string path, const CollectionSchema& schema, const ParquetOptions& options);

  arrow::Status WriteRowGroup();

  const std::string path_;
  const CollectionSchema schema_;
  const ParquetOptions options_;
  std::shared_ptr<arrow::Schema> file_schema_;
  std::shared_ptr<HashingOutputStream> out_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  arrow::RecordBatchVector held_;  // the row group to come, in file types
  int64_t held_bytes_ = 0;
  int64_t rows_ = 0;
};

/// Reads a file, godwit's or not. Opening reads the footer. Belongs to one thread at a time.
class ParquetFile {
 public:
  static arrow::Result<std::unique_ptr<ParquetFile>> Open(const std::string& path);
  ~ParquetFile();

  int64_t rows() const;
  int row_groups() const;
  int64_t rows_of(int row_group) const;
  /// In the file.
  int64_t bytes_of(int row_group) const;
  /// As Arrow sees it.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  /// True when the statistics prove that a top-level column has no null at any level.
  bool HasNoNulls(int column) const;
  /// The schema that godwit put in; none in a file of others, or when the columns are not those of that schema any
  /// more.
  std::optional<CollectionSchema> stored_schema() const;

  /// Batches of one row group. Columns: the fields of `schema`, found by name, in their storage types. `max_bytes` of
  /// Arrow buffers are aimed at; where a file does not say how long its strings are, the first batch may exceed it.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(int row_group, const CollectionSchema& schema,
                                                                int64_t max_bytes);

 private:
  ParquetFile(std::string path, std::unique_ptr<parquet::arrow::FileReader> reader,
              std::shared_ptr<arrow::Schema> schema);

  /// Leaf columns of the fields of `schema`, in that order.
  arrow::Result<std::vector<int>> LeavesOf(const CollectionSchema& schema) const;
  int64_t EstimatedRowBytes(int row_group, const std::vector<int>& leaves) const;

  const std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace godwit::files
