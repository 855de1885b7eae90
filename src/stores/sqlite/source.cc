#include "stores/sqlite/source.h"

#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "formats/condition.h"
#include "stores/sqlite/catalog.h"
#include "stores/sqlite/codec.h"

namespace godwit::sqlite {
namespace {

using Json = nlohmann::json;
using Mode = SqliteDatabase::Mode;

/// A value of the paging column.
using Key = std::variant<int64_t, std::string>;

/// Rows with after < key <= through that pass the filter, of one partition in a partitioned table.
struct KeyRange {
  std::string filter = {};
  std::optional<std::string> partition;
  std::optional<Key> after;
  std::optional<Key> through;
};

// A key in a split and a position is JSON: 42 or "abc", so that an empty string is not nothing.
Json ToJson(const Key& key) {
  return std::visit([](const auto& value) { return Json(value); }, key);
}

Json ToJson(const std::optional<Key>& key) { return key ? ToJson(*key) : Json(); }

std::optional<Key> KeyFromJson(const Json& json, bool text) {
  if (text && json.is_string()) return json.get<std::string>();
  if (!text && json.is_number_integer()) return json.get<int64_t>();
  return std::nullopt;
}

std::string ToText(const KeyRange& range) {
  Json json = {{"after", ToJson(range.after)}, {"through", ToJson(range.through)}};
  if (range.partition) json["partition"] = *range.partition;
  if (!range.filter.empty()) json["filter"] = range.filter;
  return json.dump();
}

arrow::Result<KeyRange> ParseRange(const Split& split, const TableInfo& table) {
  const Json json = Json::parse(split.spec, nullptr, false);
  bool valid = json.is_object() && json.contains("after") && json.contains("through") &&
               json.contains("partition") == table.partitioned;
  KeyRange range;
  for (auto [name, key] : {std::pair{"after", &range.after}, std::pair{"through", &range.through}}) {
    if (!valid || json[name].is_null()) continue;
    *key = KeyFromJson(json[name], table.paging_by_text);
    valid = key->has_value();
  }
  if (valid && table.partitioned) {
    valid = json["partition"].is_string();
    if (valid) range.partition = json["partition"].get<std::string>();
  }
  if (valid && json.contains("filter")) {
    valid = json["filter"].is_string();
    if (valid) range.filter = json["filter"].get<std::string>();
  }
  if (valid) return range;
  return MakeError(ErrorKind::kCorruptData, "split '" + split.id + "' is not of this table: " + split.spec,
                   table.schema.ref.ToString());
}

/// The key in a column of the current row; kCorruptData when the column holds anything else, which SQLite allows.
arrow::Result<Key> ReadKey(const SqliteStatement& row, int column, const TableInfo& table) {
  if (!table.paging_by_text && row.type(column) == SQLITE_INTEGER) return Key(row.Int(column));
  if (table.paging_by_text && row.type(column) == SQLITE_TEXT && simdjson::validate_utf8(row.Text(column))) {
    return Key(std::string(row.Text(column)));
  }
  return MakeError(ErrorKind::kCorruptData,
                   "the key column " + table.paging_column + " holds NULL or a value of another type in some row",
                   table.schema.ref.ToString());
}

void BindKey(const Key& key, int parameter, SqliteStatement* statement) {
  if (const auto* number = std::get_if<int64_t>(&key)) {
    statement->Bind(parameter, *number);
  } else {
    statement->Bind(parameter, std::string_view(std::get<std::string>(key)));
  }
}

/// CheckCondition has passed: the parentheses hold it together.
std::string FilterSql(const std::string& filter) { return filter.empty() ? "TRUE" : "(" + filter + ")"; }

std::string TableName(const TableInfo& table) { return "main." + QuoteSqliteIdentifier(table.schema.ref.name); }

// ---------------------------------------------------------------------------------------------------------------------
// Splits

arrow::Result<int64_t> CountRows(SqliteDatabase& db, const TableInfo& table, const std::string& filter) {
  ARROW_ASSIGN_OR_RAISE(auto query,
                        db.Prepare("SELECT count(*) FROM " + TableName(table) + " WHERE " + FilterSql(filter)));
  ARROW_RETURN_NOT_OK(query.Step());
  return query.Int(0);
}

/// Cuts the keys of a table, given in order, into splits.
class SplitCutter {
 public:
  SplitCutter(int64_t rows_a_split, int64_t row_bytes, const std::string& filter)
      : rows_a_split_(rows_a_split), row_bytes_(row_bytes), range_{.filter = filter} {}

  void Add(const std::optional<std::string>& partition, Key key) {
    if (rows_ > 0 && partition != range_.partition) {
      Close(std::nullopt);
      range_ = {.filter = range_.filter};
    } else if (rows_ == rows_a_split_) {
      Close(last_);
      range_.after = std::exchange(range_.through, std::nullopt);
    }
    range_.partition = partition;
    last_ = std::move(key);
    ++rows_;
  }

  std::vector<Split> Finish() {
    if (rows_ > 0) Close(std::nullopt);
    return std::move(splits_);
  }

 private:
  void Close(std::optional<Key> through) {
    range_.through = std::move(through);
    splits_.push_back({.id = "keys-" + std::to_string(splits_.size()),
                       .spec = ToText(range_),
                       .estimated_rows = rows_,
                       .estimated_bytes = rows_ * row_bytes_});
    rows_ = 0;
  }

  const int64_t rows_a_split_;
  const int64_t row_bytes_;
  std::vector<Split> splits_;
  KeyRange range_;  // of the open split
  Key last_;
  int64_t rows_ = 0;
};

arrow::Result<std::vector<Split>> CutSplits(SqliteDatabase& db, const TableInfo& table, int64_t row_bytes,
                                            const SplitPolicy& policy) {
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, CountRows(db, table, policy.filter));
  const int64_t evenly = (rows + policy.min_splits - 1) / std::max(policy.min_splits, 1);
  const int64_t rows_a_split = std::max<int64_t>(1, std::min(policy.target_bytes / row_bytes, evenly));
  SplitCutter cutter(rows_a_split, row_bytes, policy.filter);
  const std::string partition = table.partitioned ? QuoteSqliteIdentifier(kPartitionColumn) + ", " : "";
  ARROW_ASSIGN_OR_RAISE(
      auto query, db.Prepare("SELECT " + partition + table.paging_column + " FROM " + TableName(table) + " WHERE " +
                             FilterSql(policy.filter) + " ORDER BY " + partition + table.paging_column));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, query.Step());
    if (!row) return cutter.Finish();
    ARROW_ASSIGN_OR_RAISE(Key key, ReadKey(query, table.partitioned ? 1 : 0, table));
    cutter.Add(table.partitioned ? std::optional(std::string(query.Text(0))) : std::nullopt, std::move(key));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reader

/// Pages through a range: each batch is one SELECT of the keys after the last one, ended when it is large enough.
class SqliteReader : public Reader {
 public:
  static arrow::Result<std::unique_ptr<Reader>> Open(std::unique_ptr<Connection> connection, const TableInfo& table,
                                                     const CollectionSchema& schema, KeyRange range) {
    ARROW_ASSIGN_OR_RAISE(RowDecoder decoder, RowDecoder::Make(schema));
    return std::unique_ptr<Reader>(
        new SqliteReader(std::move(connection), table, schema, std::move(range), std::move(decoder)));
  }

  arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) override {
    ARROW_RETURN_NOT_OK(connection_->CheckStop());
    if (at_end_) return std::nullopt;
    return connection_->Translate(Page(max_bytes));
  }

 private:
  SqliteReader(std::unique_ptr<Connection> connection, const TableInfo& table, const CollectionSchema& schema,
               KeyRange range, RowDecoder decoder)
      : connection_(std::move(connection)),
        table_(table),
        schema_(schema),
        range_(std::move(range)),
        row_bytes_(std::max<int64_t>(1, schema.EstimatedRowBytes())),
        decoder_(std::move(decoder)) {}

  arrow::Result<std::optional<Batch>> Page(int64_t max_bytes) {
    if (!select_ || !range_.after) ARROW_RETURN_NOT_OK(Prepare());
    int parameter = 0;
    if (range_.partition) select_->Bind(++parameter, std::string_view(*range_.partition));
    if (range_.through) BindKey(*range_.through, ++parameter, &*select_);
    if (range_.after) BindKey(*range_.after, ++parameter, &*select_);

    constexpr int64_t kMostReserved = 1 << 16;  // a split may be much shorter than its batches may be
    ARROW_RETURN_NOT_OK(decoder_.Reserve(std::clamp<int64_t>(max_bytes / row_bytes_, 1, kMostReserved)));
    std::optional<Key> last;
    while (decoder_.bytes() < max_bytes) {
      ARROW_ASSIGN_OR_RAISE(bool row, select_->Step());
      at_end_ = !row;
      if (at_end_) break;
      ARROW_ASSIGN_OR_RAISE(last, ReadKey(*select_, 0, table_));
      arrow::Status status = decoder_.Append(*select_, 1);
      if (!status.ok()) return WithContext(status, table_.schema.ref.ToString() + ", key " + ToJson(*last).dump());
    }
    select_->Reset();
    if (!last) return std::nullopt;

    Batch batch;
    ARROW_ASSIGN_OR_RAISE(batch.rows, decoder_.Finish());
    batch.partition = range_.partition.value_or("");
    batch.position = ToJson(*last).dump();
    if (!range_.after) select_.reset();  // the next page has one condition more
    range_.after = std::move(last);
    return batch;
  }

  arrow::Status Prepare() {
    const std::string& key = table_.paging_column;
    std::string sql = "SELECT " + key;
    for (const Field& field : schema_.fields) sql += ", " + QuoteSqliteIdentifier(field.name);
    sql += " FROM " + TableName(table_) + " WHERE " + FilterSql(range_.filter);
    if (range_.partition) sql += " AND " + QuoteSqliteIdentifier(kPartitionColumn) + " = ?";
    if (range_.through) sql += " AND " + key + " <= ?";
    if (range_.after) sql += " AND " + key + " > ?";
    sql += " ORDER BY " + key;
    ARROW_ASSIGN_OR_RAISE(auto select, connection_->db().Prepare(sql));
    select_.emplace(std::move(select));
    return arrow::Status::OK();
  }

  const std::unique_ptr<Connection> connection_;
  const TableInfo table_;
  const CollectionSchema schema_;
  KeyRange range_;  // what is left
  const int64_t row_bytes_;
  RowDecoder decoder_;
  std::optional<SqliteStatement> select_;
  bool at_end_ = false;
};

}  // namespace

arrow::Result<std::string> SqliteSource::Preparation(const CollectionRef& ref, ReadPurpose) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  ARROW_RETURN_NOT_OK(connection->Translate(GetTable(connection->db(), database_.options(), ref)));
  return std::string();
}

arrow::Status SqliteSource::Prepare(const CollectionRef&, const std::string&) { return arrow::Status::OK(); }
arrow::Status SqliteSource::Restore(const CollectionRef&, const std::string&) { return arrow::Status::OK(); }
arrow::Result<Snapshot> SqliteSource::OpenSnapshot(const CollectionRef&) { return Snapshot{}; }

arrow::Status SqliteSource::CheckFilter(const CollectionSchema& schema, const std::string& filter) {
  ARROW_RETURN_NOT_OK(CheckCondition(filter, ConditionLanguage::kSql));
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  ARROW_ASSIGN_OR_RAISE(TableInfo table,
                        connection->Translate(GetTable(connection->db(), database_.options(), schema.ref)));
  auto query = connection->db().Prepare("SELECT 1 FROM " + TableName(table) + " WHERE " + FilterSql(filter));
  if (query.ok()) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidConfig, "SQLite says: " + query.status().message());
}

arrow::Result<std::vector<Split>> SqliteSource::PlanSplits(const CollectionSchema& schema, const Snapshot&,
                                                           const SplitPolicy& policy) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  auto plan = [&]() -> arrow::Result<std::vector<Split>> {
    ARROW_ASSIGN_OR_RAISE(TableInfo table, GetTable(connection->db(), database_.options(), schema.ref));
    return CutSplits(connection->db(), table, std::max<int64_t>(1, schema.EstimatedRowBytes()), policy);
  };
  return connection->Translate(plan());
}

arrow::Result<std::unique_ptr<Reader>> SqliteSource::Open(const CollectionSchema& schema, const Split& split,
                                                          const Snapshot&, const std::string& resume_after) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  ARROW_ASSIGN_OR_RAISE(TableInfo table,
                        connection->Translate(GetTable(connection->db(), database_.options(), schema.ref)));
  ARROW_ASSIGN_OR_RAISE(KeyRange range, ParseRange(split, table));
  if (!resume_after.empty()) {
    range.after = KeyFromJson(Json::parse(resume_after, nullptr, false), table.paging_by_text);
    if (!range.after) {
      return MakeError(ErrorKind::kCorruptData, "'" + resume_after + "' is not a position of this table",
                       schema.ref.ToString());
    }
  }
  return SqliteReader::Open(std::move(connection), table, schema, std::move(range));
}

}  // namespace godwit::sqlite
