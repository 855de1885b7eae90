#include "formats/postgres_ddl.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace godwit {
namespace {

constexpr size_t kMaxNameBytes = 63;         // NAMEDATALEN - 1
constexpr size_t kMaxColumns = 1600;         // MaxHeapAttributeNumber
constexpr int64_t kMaxVarchar = 10'485'760;  // MaxAttrSize

// What can't be a column or a table without quotes: the reserved words of PostgreSQL 18, those reserved but for
// functions and types, and what Greenplum, which AnalyticDB stems from, reserves beyond them. Sorted.
// clang-format off
constexpr std::array<std::string_view, 113> kReserved = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "binary", "both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint",
    "create", "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "decode", "default", "deferrable", "desc", "distinct", "distributed", "do",
    "else", "end", "except", "exclude", "false", "fetch", "filter", "following", "for", "foreign", "freeze", "from",
    "full", "grant", "group", "having", "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull",
    "join", "lateral", "leading", "left", "like", "limit", "localtime", "localtimestamp", "log", "natural", "not",
    "notnull", "null", "offset", "on", "only", "or", "order", "outer", "over", "overlaps", "partition", "placing",
    "preceding", "primary", "references", "returning", "right", "scatter", "select", "session_user", "similar",
    "some", "symmetric", "system_user", "table", "tablesample", "then", "to", "trailing", "true", "unbounded",
    "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window", "with",
};
// clang-format on
static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));

constexpr std::array<std::string_view, 6> kSystemColumns = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};

bool NeedsQuotes(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return true;
  if (!std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); })) return true;
  return std::binary_search(kReserved.begin(), kReserved.end(), name);
}

arrow::Status CheckName(std::string_view name, const std::string& what) {
  if (name.empty()) return MakeError(ErrorKind::kUnsupported, what + " has no name, which PostgreSQL needs");
  if (name.find('\0') != std::string_view::npos) {
    return MakeError(ErrorKind::kUnsupported, what + " has a NUL in its name, which PostgreSQL can't hold");
  }
  if (name.size() > kMaxNameBytes) {
    return MakeError(ErrorKind::kUnsupported,
                     fmt::format("{} has a name of {} bytes, of which PostgreSQL keeps {}; give it a shorter one", what,
                                 name.size(), kMaxNameBytes));
  }
  return arrow::Status::OK();
}

std::string StringType(const Field& field) {
  if (!field.max_length || *field.max_length < 1 || *field.max_length > kMaxVarchar) return "text";
  return fmt::format("varchar({})", *field.max_length);
}

std::string ScalarType(TypeKind kind, const Field& field) {
  switch (kind) {
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt8:
    case TypeKind::kInt16:
      return "smallint";
    case TypeKind::kInt32:
      return "integer";
    case TypeKind::kInt64:
      return "bigint";
    case TypeKind::kFloat:
      return "real";
    case TypeKind::kDouble:
      return "double precision";
    case TypeKind::kString:
      return StringType(field);
    case TypeKind::kBytes:
      return "bytea";
    case TypeKind::kTimestamp:
      return field.type.utc ? "timestamptz" : "timestamp";
    case TypeKind::kDate:
      return "date";
    case TypeKind::kDecimal:
      return fmt::format("numeric({}, {})", field.type.precision, field.type.scale);
    default:
      return "json";
  }
}

std::string ColumnType(const Field& field) {
  switch (field.type.kind) {
    case TypeKind::kArray:
      return ScalarType(field.type.element, field) + "[]";
    case TypeKind::kFloatVector:
    case TypeKind::kFloat16Vector:
    case TypeKind::kBFloat16Vector:
      return "real[]";
    case TypeKind::kInt8Vector:
      return "smallint[]";
    case TypeKind::kBinaryVector:
      return "bit[]";
    default:
      return ScalarType(field.type.kind, field);
  }
}

}  // namespace

std::string QuotedIdentifier(std::string_view name) {
  if (!NeedsQuotes(name)) return std::string(name);
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

arrow::Result<std::string> CreateTableSql(const CollectionSchema& schema) {
  ARROW_RETURN_NOT_OK(CheckName(schema.ref.name, "collection '" + schema.ref.ToString() + "'"));
  if (schema.fields.size() > kMaxColumns) {
    return MakeError(ErrorKind::kUnsupported, fmt::format("collection '{}' has {} fields, a table {} columns at most",
                                                          schema.ref.ToString(), schema.fields.size(), kMaxColumns));
  }
  std::string sql = "CREATE TABLE " + QuotedIdentifier(schema.ref.name) + " (";
  std::set<std::string_view> names;
  for (const Field& field : schema.fields) {
    ARROW_RETURN_NOT_OK(CheckName(field.name, "field '" + field.name + "'"));
    if (std::find(kSystemColumns.begin(), kSystemColumns.end(), field.name) != kSystemColumns.end()) {
      return MakeError(ErrorKind::kUnsupported, "field '" + field.name +
                                                    "' has the name of a system column of PostgreSQL; give it another "
                                                    "one");
    }
    if (!names.insert(field.name).second) {
      return MakeError(ErrorKind::kUnsupported, "field '" + field.name + "' is there twice; rename one of them");
    }
    if (names.size() > 1) sql += ", ";
    sql += QuotedIdentifier(field.name) + " " + ColumnType(field);
    if (field.primary_key) sql += " PRIMARY KEY";
  }
  return sql + ");\n";
}

std::vector<std::string> CreateTableNotes(const CollectionSchema& schema) {
  std::vector<std::string> notes;
  if (const std::string table = QuotedIdentifier(schema.ref.name); table != schema.ref.name) {
    notes.push_back("the name of the table needs its quotes in PostgreSQL: COPY " + table + " FROM STDIN ...");
  }
  if (!schema.partitions.empty() && schema.key_index() >= 0) {
    notes.push_back(
        "keys that stand in several partitions do not fit the PRIMARY KEY of create_table.sql: PostgreSQL refuses to "
        "load them; take PRIMARY KEY out of the file to load all rows");
  }
  return notes;
}

}  // namespace godwit
