#include "stores/sqlite/options.h"

#include <charconv>
#include <filesystem>
#include <system_error>

namespace godwit::sqlite {
namespace {

/// A type as Type::Name() writes it, of those that a column may be declared as.
arrow::Result<Type> ParseColumnType(const std::string& text) {
  const size_t open = text.find('(');
  Type type;
  ARROW_ASSIGN_OR_RAISE(type.kind, ParseTypeKind(text.substr(0, open)));
  if (type.kind == TypeKind::kArray || type.kind == TypeKind::kDecimal) {
    return MakeError(ErrorKind::kInvalidConfig,
                     std::string(ToString(type.kind)) + " can't be declared; read it as string or json");
  }
  const bool has_dim = type.is_vector() && type.kind != TypeKind::kSparseVector;
  if (has_dim != (open != std::string::npos)) {
    return MakeError(ErrorKind::kInvalidConfig, has_dim
                                                    ? "'" + text + "' has no dimension; write " + text + "(128)"
                                                    : "'" + text + "' has no dimension; write " + text.substr(0, open));
  }
  if (!has_dim) return type;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + open + 1, end, type.dim);
  const bool whole_bytes = type.kind != TypeKind::kBinaryVector || type.dim % 8 == 0;
  if (error != std::errc() || std::string_view(rest, end) != ")" || type.dim <= 0 || !whole_bytes) {
    return MakeError(ErrorKind::kInvalidConfig, "'" + text + "' has no valid dimension; write for example " +
                                                    std::string(ToString(type.kind)) + "(128)");
  }
  return type;
}

}  // namespace

OptionTable Table() {
  return {
      {.name = "path",
       .type = OptionType::kPath,
       .help = "The database file; a target creates it where it is absent.",
       .required = true,
       .example = "/data/vectors.db"},
      {.name = "types",
       .type = OptionType::kMap,
       .help = "Logical types of columns in tables that godwit did not make, by column or table.column: what SQLite's "
               "declared types can't say (json, timestamp, float_vector(128), ...).",
       .scope = OptionScope::kSource,
       .example = "{embedding: float_vector(768), items.payload: json}"},
      {.name = "busy_timeout",
       .type = OptionType::kDuration,
       .help = "How long to wait for another program that holds the database's lock.",
       .default_text = "30s",
       .min = 0,
       .tuning = true},
  };
}

arrow::Result<Options> ParseOptions(const OptionValues& values) {
  Options options;
  // Absolute, so that SQLite takes no name for a URI or for a database in memory.
  options.path = values.GetString("path");
  if (options.path.empty()) return MakeError(ErrorKind::kInvalidConfig, "must name a database file", "path");
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(options.path, error);
  if (!error) options.path = real.string();
  for (const auto& [column, text] : values.GetMap("types")) {
    auto type = ParseColumnType(text);
    if (!type.ok()) return MakeError(KindOf(type.status()), type.status().message(), "types." + column);
    options.types[column] = *type;
  }
  options.busy_timeout_ms = values.GetInt("busy_timeout");
  return options;
}

}  // namespace godwit::sqlite
