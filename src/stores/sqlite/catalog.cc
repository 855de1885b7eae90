#include "stores/sqlite/catalog.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "stores/sqlite/codec.h"

namespace godwit::sqlite {
namespace {

using Mode = SqliteDatabase::Mode;

constexpr size_t kMaxColumns = 2000;  // SQLITE_MAX_COLUMN

// godwit_progress is explained in sink.h.
constexpr const char* kCreateOwnTables =
    "CREATE TABLE IF NOT EXISTS godwit_collections("
    "  name TEXT PRIMARY KEY, schema_json TEXT NOT NULL, identity TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS godwit_progress("
    "  job TEXT NOT NULL, collection TEXT NOT NULL, split TEXT NOT NULL, epoch INTEGER NOT NULL,"
    "  position TEXT, digest TEXT, bytes INTEGER, rejects INTEGER, conflicts INTEGER,"
    "  complete INTEGER,"
    "  PRIMARY KEY(job, collection, split))";

/// SQLite compares names without regard to the case of ASCII letters.
std::string Fold(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

bool IsReserved(std::string_view table) {
  const std::string folded = Fold(table);
  return folded.starts_with("sqlite_") || folded == "godwit_collections" || folded == "godwit_progress";
}

struct Column {
  std::string name;
  std::string declared;
  bool not_null = false;
  int64_t key_part = 0;  // from 1; 0 = not in the primary key
};

struct FoundName {
  bool has_rowid = false;
};

/// The table of exactly this name.
arrow::Result<std::optional<FoundName>> FindName(SqliteDatabase& db, const std::string& name) {
  if (IsReserved(name)) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto query, db.Prepare("SELECT wr FROM pragma_table_list"
                                               " WHERE schema = 'main' AND type = 'table' AND name = ?"));
  query.Bind(1, name);
  ARROW_ASSIGN_OR_RAISE(bool exists, query.Step());
  if (!exists) return std::nullopt;
  return FoundName{.has_rowid = query.Int(0) == 0};
}

arrow::Result<bool> HasOwnTables(SqliteDatabase& db) {
  ARROW_ASSIGN_OR_RAISE(
      auto query, db.Prepare("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'godwit_collections'"));
  return query.Step();
}

arrow::Result<std::vector<Column>> ReadColumns(SqliteDatabase& db, const std::string& table) {
  ARROW_ASSIGN_OR_RAISE(
      auto query, db.Prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?, 'main') ORDER BY cid"));
  query.Bind(1, table);
  std::vector<Column> columns;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, query.Step());
    if (!row) return columns;
    columns.push_back({.name = std::string(query.Text(0)),
                       .declared = std::string(query.Text(1)),
                       .not_null = query.Int(2) != 0,
                       .key_part = query.Int(3)});
  }
}

struct Registration {
  std::string schema_json;
  std::string identity;
};

arrow::Result<std::optional<Registration>> ReadRegistration(SqliteDatabase& db, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(bool present, HasOwnTables(db));
  if (!present) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto query,
                        db.Prepare("SELECT schema_json, identity FROM main.godwit_collections WHERE name = ?"));
  query.Bind(1, name);
  ARROW_ASSIGN_OR_RAISE(bool row, query.Step());
  if (!row) return std::nullopt;
  return Registration{.schema_json = std::string(query.Text(0)), .identity = std::string(query.Text(1))};
}

arrow::Result<TableInfo> FromRegistration(const Registration& registration, const std::string& name,
                                          const std::vector<Column>& columns) {
  TableInfo table;
  ARROW_ASSIGN_OR_RAISE(table.schema, SchemaFromJson(registration.schema_json));
  table.identity = registration.identity;
  table.registered = true;
  table.partitioned = !table.schema.partitions.empty();
  std::vector<std::string> expected;
  if (table.partitioned) expected.emplace_back(kPartitionColumn);
  for (const Field& field : table.schema.fields) expected.push_back(field.name);
  const bool same = std::equal(expected.begin(), expected.end(), columns.begin(), columns.end(),
                               [](const std::string& want, const Column& have) { return want == have.name; });
  if (same) return table;
  return MakeError(ErrorKind::kConflict,
                   "the columns of table '" + name +
                       "' were changed since godwit made it; drop the table, or delete its row from "
                       "godwit_collections to have it read as it is declared now");
}

arrow::Result<Type> TypeOfColumn(const Options& options, const std::string& table, const Column& column) {
  auto declared = options.types.find(table + "." + column.name);
  if (declared == options.types.end()) declared = options.types.find(column.name);
  if (declared != options.types.end()) return declared->second;
  auto type = InferType(column.declared);
  if (!type.ok()) return WithContext(type.status(), "column '" + column.name + "' of table '" + table + "'");
  return type;
}

/// A name of the option that is no column of any table.
arrow::Status CheckTypesOption(SqliteDatabase& db, const Options& options) {
  if (options.types.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto query, db.Prepare("SELECT t.name, c.name FROM pragma_table_list t"
                                               " JOIN pragma_table_xinfo(t.name, 'main') c"
                                               " WHERE t.schema = 'main' AND t.type = 'table'"));
  std::set<std::string> known;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(bool row, query.Step());
    if (!row) break;
    const std::string column(query.Text(1));
    known.insert(std::string(query.Text(0)) + "." + column);
    known.insert(column);
  }
  for (const auto& [name, type] : options.types) {
    if (known.contains(name)) continue;
    const std::string nearest = NearestName(name, {known.begin(), known.end()});
    return MakeError(ErrorKind::kInvalidConfig,
                     "there is no column '" + name + "'" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"),
                     "types." + name);
  }
  return arrow::Status::OK();
}

arrow::Result<TableInfo> FromDeclaration(const Options& options, const std::string& name,
                                         const std::vector<Column>& columns) {
  TableInfo table;
  table.schema.ref.name = name;
  table.identity = "not made by godwit";
  const auto key_parts =
      std::count_if(columns.begin(), columns.end(), [](const Column& column) { return column.key_part > 0; });
  for (const Column& column : columns) {
    Field field;
    field.name = column.name;
    ARROW_ASSIGN_OR_RAISE(field.type, TypeOfColumn(options, name, column));
    const bool can_be_key = field.type.kind == TypeKind::kInt64 || field.type.kind == TypeKind::kString;
    field.primary_key = key_parts == 1 && column.key_part == 1 && can_be_key;
    field.nullable = !column.not_null && !field.primary_key;
    table.schema.fields.push_back(std::move(field));
  }
  return table;
}

/// Finds by which column the table is paged.
arrow::Status SetPaging(const std::vector<Column>& columns, bool has_rowid, TableInfo* table) {
  if (const int key = table->schema.key_index(); key >= 0) {
    const Field& field = table->schema.fields[static_cast<size_t>(key)];
    table->paging_column = QuoteSqliteIdentifier(field.name);
    table->paging_by_text = field.type.kind == TypeKind::kString;
    return arrow::Status::OK();
  }
  for (const char* alias : {"rowid", "_rowid_", "oid"}) {
    table->paging_column = alias;
    const bool hidden =
        std::any_of(columns.begin(), columns.end(), [&](const Column& column) { return Fold(column.name) == alias; });
    if (has_rowid && !hidden) return arrow::Status::OK();
  }
  return MakeError(ErrorKind::kUnsupported,
                   "table '" + table->schema.ref.name +
                       "' has neither a primary key of one integer or text column nor a rowid, so "
                       "it can't be read in parts; copy it into a table that has");
}

std::string CreateTableSql(const CollectionSchema& schema) {
  const int key = schema.key_index();
  std::string sql = "CREATE TABLE " + QuoteSqliteIdentifier(schema.ref.name) + "(";
  const bool partitioned = !schema.partitions.empty();
  if (partitioned) sql += QuoteSqliteIdentifier(kPartitionColumn) + " TEXT NOT NULL, ";
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    if (i > 0) sql += ", ";
    sql += QuoteSqliteIdentifier(field.name) + " ";
    sql += DeclaredType(field.type);
    // An INTEGER PRIMARY KEY is the rowid itself: no second index, and rows are stored in the order of their keys.
    if (static_cast<int>(i) == key && !partitioned) sql += " PRIMARY KEY";
    if (!field.nullable || static_cast<int>(i) == key) sql += " NOT NULL";
  }
  if (partitioned && key >= 0) {
    sql += ", PRIMARY KEY(" + QuoteSqliteIdentifier(kPartitionColumn) + ", " +
           QuoteSqliteIdentifier(schema.fields[static_cast<size_t>(key)].name) + ")";
  }
  return sql + ")";
}

arrow::Status SaveRegistration(SqliteDatabase& db, const CollectionSchema& schema) {
  ARROW_ASSIGN_OR_RAISE(auto insert, db.Prepare("INSERT INTO godwit_collections(name, schema_json, identity)"
                                                " VALUES(?1, ?2, lower(hex(randomblob(16))))"
                                                " ON CONFLICT(name) DO UPDATE SET schema_json = excluded.schema_json"));
  return insert.Bind(1, schema.ref.name).Bind(2, ToJson(schema)).Run();
}

/// Removes what the own tables say of a collection.
arrow::Status Forget(SqliteDatabase& db, const std::string& name) {
  for (const char* sql :
       {"DELETE FROM godwit_collections WHERE name = ?", "DELETE FROM godwit_progress WHERE collection = ?"}) {
    ARROW_ASSIGN_OR_RAISE(auto statement, db.Prepare(sql));
    ARROW_RETURN_NOT_OK(statement.Bind(1, name).Run());
  }
  return arrow::Status::OK();
}

/// Whether the table that is there can be the target's.
arrow::Status CheckFits(const SqliteDatabase& db, const TableInfo& table, const CollectionSchema& wanted) {
  if (!table.registered) {
    return MakeError(ErrorKind::kConflict,
                     "godwit did not make the table '" + wanted.ref.name +
                         "', so it can be read but not written. Give the target another name, or let the job drop the "
                         "table (schema: recreate, and if_not_empty: drop where it holds rows)",
                     db.path());
  }
  std::string difference = FirstDifference(wanted, table.schema);
  if (difference.empty() && table.partitioned != !wanted.partitions.empty()) {
    difference = table.partitioned ? "it has named partitions" : "it was made without named partitions";
  }
  if (!difference.empty()) {
    return MakeError(ErrorKind::kConflict, "table '" + wanted.ref.name + "' is there and different: " + difference,
                     db.path());
  }
  return arrow::Status::OK();
}

/// Accepts the table that is there, with the missing partitions added.
arrow::Status Adopt(SqliteDatabase& db, const TableInfo& table, const CollectionSchema& wanted) {
  ARROW_RETURN_NOT_OK(CheckFits(db, table, wanted));
  CollectionSchema merged = table.schema;
  for (const std::string& partition : wanted.partitions) {
    auto& known = merged.partitions;
    if (std::find(known.begin(), known.end(), partition) == known.end()) known.push_back(partition);
  }
  if (merged.partitions.size() == table.schema.partitions.size()) return arrow::Status::OK();
  return SaveRegistration(db, merged);
}

arrow::Status CheckNameIsFree(SqliteDatabase& db, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto query,
                        db.Prepare("SELECT type, name FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE"));
  query.Bind(1, name);
  ARROW_ASSIGN_OR_RAISE(bool taken, query.Step());
  if (!taken) return arrow::Status::OK();
  return MakeError(ErrorKind::kConflict,
                   "the name '" + name + "' is taken by the " + std::string(query.Text(0)) + " '" +
                       std::string(query.Text(1)) + "' (upper and lower case are the same)",
                   db.path());
}

arrow::Status CreateIn(SqliteDatabase& db, const Options& options, const CollectionSchema& schema) {
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
  ARROW_RETURN_NOT_OK(db.Execute(kCreateOwnTables));
  ARROW_ASSIGN_OR_RAISE(auto found, FindName(db, schema.ref.name));
  if (found) {
    ARROW_ASSIGN_OR_RAISE(TableInfo table, GetTable(db, options, schema.ref));
    ARROW_RETURN_NOT_OK(Adopt(db, table, schema));
  } else {
    ARROW_RETURN_NOT_OK(CheckNameIsFree(db, schema.ref.name));
    ARROW_RETURN_NOT_OK(Forget(db, schema.ref.name));  // of a table that was dropped by hand
    ARROW_RETURN_NOT_OK(db.Execute(CreateTableSql(schema)));
    ARROW_RETURN_NOT_OK(SaveRegistration(db, schema));
  }
  return transaction.Commit();
}

arrow::Status DropIn(SqliteDatabase& db, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto transaction, SqliteTransaction::Begin(&db));
  ARROW_ASSIGN_OR_RAISE(auto found, FindName(db, name));
  if (found) ARROW_RETURN_NOT_OK(db.Execute("DROP TABLE main." + QuoteSqliteIdentifier(name)));
  ARROW_ASSIGN_OR_RAISE(bool own_tables, HasOwnTables(db));
  if (own_tables) ARROW_RETURN_NOT_OK(Forget(db, name));
  return transaction.Commit();
}

arrow::Result<int64_t> CountRows(SqliteDatabase& db, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto query, db.Prepare("SELECT count(*) FROM main." + QuoteSqliteIdentifier(name)));
  ARROW_RETURN_NOT_OK(query.Step());
  return query.Int(0);
}

}  // namespace

arrow::Result<std::optional<TableInfo>> FindTable(SqliteDatabase& db, const Options& options, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto found, FindName(db, name));
  if (!found) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto columns, ReadColumns(db, name));
  ARROW_ASSIGN_OR_RAISE(auto registration, ReadRegistration(db, name));
  if (!registration) ARROW_RETURN_NOT_OK(CheckTypesOption(db, options));
  ARROW_ASSIGN_OR_RAISE(TableInfo table, registration ? FromRegistration(*registration, name, columns)
                                                      : FromDeclaration(options, name, columns));
  ARROW_RETURN_NOT_OK(SetPaging(columns, found->has_rowid, &table));
  return table;
}

arrow::Result<TableInfo> GetTable(SqliteDatabase& db, const Options& options, const CollectionRef& ref) {
  std::optional<TableInfo> table;
  if (ref.database.empty()) {
    ARROW_ASSIGN_OR_RAISE(table, FindTable(db, options, ref.name));
  }
  if (table) return *std::move(table);
  return MakeError(ErrorKind::kNotFound, "there is no table '" + ref.ToString() + "'", db.path());
}

arrow::Status CheckCreation(SqliteDatabase& db, const Options& options, const CollectionSchema& wanted) {
  ARROW_ASSIGN_OR_RAISE(auto table, FindTable(db, options, wanted.ref.name));
  return table ? CheckFits(db, *table, wanted) : CheckNameIsFree(db, wanted.ref.name);
}

std::vector<std::string> CreateIndexSql(const CollectionSchema& schema) {
  std::vector<std::string> statements;
  for (const Index& index : schema.indexes) {
    const Field* field = schema.FindField(index.field);
    const bool is_plain = field != nullptr && !field->primary_key && field->type.kind <= TypeKind::kDate &&
                          field->type.kind != TypeKind::kJson;
    if (!is_plain) continue;
    // Names of indexes are shared by all tables of a file.
    const std::string name = schema.ref.name + "." + (index.name.empty() ? index.field : index.name);
    statements.push_back("CREATE INDEX IF NOT EXISTS main." + QuoteSqliteIdentifier(name) + " ON " +
                         QuoteSqliteIdentifier(schema.ref.name) + "(" + QuoteSqliteIdentifier(index.field) + ")");
  }
  return statements;
}

std::vector<std::string> BadNames(const CollectionSchema& schema) {
  std::vector<std::string> problems;
  auto check_name = [&](const std::string& what, const std::string& name) {
    if (name.empty() || name.find('\0') != std::string::npos) {
      problems.push_back(what + " '" + name + "' is no SQL name");
    }
  };
  if (!schema.ref.database.empty()) problems.push_back("a file has no databases ('" + schema.ref.database + "')");
  check_name("the collection's name", schema.ref.name);
  if (IsReserved(schema.ref.name)) problems.push_back("the name '" + schema.ref.name + "' is reserved");
  std::set<std::string> names;
  if (!schema.partitions.empty()) names.insert(Fold(kPartitionColumn));
  for (const Field& field : schema.fields) {
    check_name("the field name", field.name);
    if (!names.insert(Fold(field.name)).second) {
      problems.push_back("two columns named '" + field.name + "' (upper and lower case are the same)");
    }
  }
  return problems;
}

std::vector<std::string> UnsupportedFeatures(const CollectionSchema& schema) {
  std::vector<std::string> problems = BadNames(schema);
  if (schema.fields.size() + 1 > kMaxColumns) problems.push_back("more than 1,999 fields");
  for (const Field& field : schema.fields) {
    if (const std::string why = WhyUnsupported(field.type); !why.empty()) {
      problems.push_back("field '" + field.name + "': " + why);
    }
    if (!field.primary_key) continue;
    const bool is_integer = field.type.kind >= TypeKind::kInt8 && field.type.kind <= TypeKind::kInt64;
    if (!is_integer && field.type.kind != TypeKind::kString) {
      problems.push_back("the key '" + field.name + "' of type " + field.type.Name());
    }
    if (field.auto_id) problems.push_back("making keys itself ('" + field.name + "' has auto_id)");
  }
  return problems;
}

arrow::Result<std::vector<std::string>> SqliteCatalog::List(const std::string& database) {
  if (!database.empty()) {
    return MakeError(ErrorKind::kNotFound, "there is no database '" + database + "': the file holds tables only",
                     database_.options().path);
  }
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  auto list = [&]() -> arrow::Result<std::vector<std::string>> {
    ARROW_ASSIGN_OR_RAISE(auto query,
                          connection->db().Prepare("SELECT name FROM pragma_table_list"
                                                   " WHERE schema = 'main' AND type = 'table' ORDER BY name"));
    std::vector<std::string> names;
    while (true) {
      ARROW_ASSIGN_OR_RAISE(bool row, query.Step());
      if (!row) return names;
      std::string name(query.Text(0));
      if (!IsReserved(name)) names.push_back(std::move(name));
    }
  };
  return connection->Translate(list());
}

arrow::Result<CollectionSchema> SqliteCatalog::Describe(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  ARROW_ASSIGN_OR_RAISE(TableInfo table, connection->Translate(GetTable(connection->db(), database_.options(), ref)));
  return std::move(table.schema);
}

arrow::Result<TargetState> SqliteCatalog::State(const CollectionRef& ref) {
  TargetState state;
  std::error_code error;
  if (!ref.database.empty() || !std::filesystem::exists(database_.options().path, error)) return state;
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadOnly));
  SqliteDatabase& db = connection->db();
  ARROW_ASSIGN_OR_RAISE(auto table, connection->Translate(FindTable(db, database_.options(), ref.name)));
  if (!table) return state;
  state.exists = true;
  state.identity = table->identity;
  ARROW_ASSIGN_OR_RAISE(state.rows, connection->Translate(CountRows(db, ref.name)));
  state.schema = std::move(table->schema);
  return state;
}

arrow::Result<std::string> SqliteCatalog::GlobalId(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(TargetState state, State(ref));
  struct stat status = {};
  if (!state.exists || ::stat(database_.options().path.c_str(), &status) != 0) return std::string();
  std::string name = ref.name;  // SQLite looks for names without regard to the case of ASCII letters
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return "sqlite " + std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + "/" + name;
}

arrow::Status SqliteCatalog::Create(const CollectionSchema& schema) {
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kCreate));
  return connection->Translate(CreateIn(connection->db(), database_.options(), schema));
}

arrow::Result<std::string> SqliteCatalog::Ddl(const CollectionSchema& schema) {
  std::string sql = CreateTableSql(schema) + ";";
  for (const std::string& index : CreateIndexSql(schema)) sql += "\n" + index + ";";
  return sql;
}

arrow::Status SqliteCatalog::Drop(const CollectionRef& ref) {
  std::error_code error;
  if (!ref.database.empty() || !std::filesystem::exists(database_.options().path, error)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto connection, database_.Connect(Mode::kReadWrite));
  return connection->Translate(DropIn(connection->db(), ref.name));
}

}  // namespace godwit::sqlite
