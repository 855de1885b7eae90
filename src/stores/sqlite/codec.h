// Values of SQLite <-> Arrow columns. No I/O. The table of types is in README.md.
//
// Exactness has two traps. SQLite stores NaN as NULL and, in a column declared REAL, -0.0 as 0: so NaN is written as
// the text 'NaN', and columns of floats are declared without a type. JSON has neither NaN nor infinities: inside arrays
// they are the strings "NaN", "Infinity" and "-Infinity".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array/builder_base.h>
#include <arrow/type_fwd.h>

#include "base/sqlite.h"
#include "godwit/schema.h"

namespace godwit::sqlite {

/// Largest row that SQLite takes in its default build (SQLITE_MAX_LENGTH).
inline constexpr int64_t kMaxRowBytes = 1'000'000'000;

/// What CREATE TABLE says of a column of this type.
std::string_view DeclaredType(const Type& type);

/// The logical type of a column of a table that godwit did not make; kUnsupported where its declared type says nothing
/// certain (dates, numerics).
arrow::Result<Type> InferType(std::string_view declared);

/// Empty when the room can hold the type, else why not.
std::string WhyUnsupported(const Type& type);

/// Binds one value and returns its bytes. Text and blobs are copied. Without a statement it only tells the bytes.
int64_t BindValue(const Type& type, const arrow::Array& column, int64_t row, int parameter, SqliteStatement* statement);

/// The value of a key, for people.
std::string KeyText(const arrow::Array& column, int64_t row);

/// Gathers rows of a statement in columns.
class RowDecoder {
 public:
  static arrow::Result<RowDecoder> Make(const CollectionSchema& schema);

  /// Room for so many rows, so that buffers do not have to grow.
  arrow::Status Reserve(int64_t rows);
  /// Appends the current row, whose columns from `first_column` on are the fields of the schema. kCorruptData names the
  /// field and what it holds.
  arrow::Status Append(const SqliteStatement& statement, int first_column);
  int64_t rows() const { return rows_; }
  /// Bytes of the values so far.
  int64_t bytes() const { return bytes_; }
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  RowDecoder() = default;
  arrow::Status AppendField(const Field& field, const SqliteStatement& statement, int column,
                            arrow::ArrayBuilder* builder);

  std::vector<Field> fields_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace godwit::sqlite
