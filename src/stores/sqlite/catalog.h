// Collections as tables, and the registry table that keeps their exact schemas.
//
// godwit_collections(name, schema_json, identity): one row for each table that godwit made. Other tables of the file
// can be read, their types follow from what they are declared as; they are never written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/sqlite/database.h"

namespace godwit::sqlite {

/// Column of the partition of a row, "" = the default one; in tables of collections with named partitions.
inline constexpr std::string_view kPartitionColumn = "$partition";

/// A table as it is.
struct TableInfo {
  CollectionSchema schema;  // every field
  std::string identity;
  bool registered = false;    // made by godwit
  bool partitioned = false;   // has kPartitionColumn
  std::string paging_column;  // quoted: the key, or the rowid of a table without one; unique inside a partition
  bool paging_by_text = false;
};

/// Nothing when there is no such table; kUnsupported when it can't be read, the message says what to do.
arrow::Result<std::optional<TableInfo>> FindTable(SqliteDatabase& db, const Options& options, const std::string& name);
/// As FindTable, absence being kNotFound.
arrow::Result<TableInfo> GetTable(SqliteDatabase& db, const Options& options, const CollectionRef& ref);

/// What is wrong with the names; empty when the room takes all.
std::vector<std::string> BadNames(const CollectionSchema& schema);

/// Names each feature of the schema that the room can't hold; empty when it can hold all.
std::vector<std::string> UnsupportedFeatures(const CollectionSchema& schema);

/// kConflict where the table is there and can't be the target's, or where its name is taken. Writes nothing.
arrow::Status CheckCreation(SqliteDatabase& db, const Options& options, const CollectionSchema& wanted);

/// A statement for each index that SQLite can have: those on plain columns.
std::vector<std::string> CreateIndexSql(const CollectionSchema& schema);

/// Thread-safe; each call uses a connection of its own.
class SqliteCatalog : public Catalog {
 public:
  explicit SqliteCatalog(Database* database) : database_(*database) {}

  arrow::Result<std::vector<std::string>> List(const std::string& database) override;
  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override;
  arrow::Result<TargetState> State(const CollectionRef& ref) override;
  /// Hard links give one file many paths.
  arrow::Result<std::string> GlobalId(const CollectionRef& ref) override;
  arrow::Status Create(const CollectionSchema& schema) override;
  arrow::Status Drop(const CollectionRef& ref) override;
  arrow::Result<std::string> Ddl(const CollectionSchema& schema) override;

 private:
  Database& database_;
};

}  // namespace godwit::sqlite
