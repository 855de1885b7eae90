#include "stores/files/options.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace godwit::files {
namespace {

/// `name` was checked against the table.
arrow::Compression::type ParseCompression(const std::string& name) {
  if (name == "snappy") return arrow::Compression::SNAPPY;
  if (name == "zstd") return arrow::Compression::ZSTD;
  if (name == "lz4") return arrow::Compression::LZ4;  // Parquet's LZ4_RAW
  if (name == "gzip") return arrow::Compression::GZIP;
  return arrow::Compression::UNCOMPRESSED;
}

arrow::Result<int32_t> ParseDimension(const std::string& field, const std::string& text) {
  int32_t dim = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dim);
  if (error == std::errc() && end == text.data() + text.size() && dim > 0) return dim;
  return MakeError(ErrorKind::kInvalidConfig,
                   "'" + text + "' is not the dimension of field '" + field +
                       "'; give a positive number, for example {" + field + ": 768}",
                   "vectors." + field);
}

std::string WithoutSpaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

/// The inverse of Type::Name(). A dense vector may leave its dimension to `vectors`.
arrow::Result<Type> ParseType(const std::string& field, const std::string& text,
                              const std::map<std::string, int32_t>& vectors) {
  std::string want = WithoutSpaces(text);
  if (vectors.contains(field) && want.find('(') == want.npos) want += fmt::format("({})", vectors.at(field));
  const size_t open = std::min(want.find_first_of("(<"), want.size());
  const std::string name = want.substr(0, open);
  const std::string inner = open == want.size() ? "" : want.substr(open + 1, want.size() - open - 2);
  int32_t first = 0;
  int32_t second = 0;
  const char* end = inner.data() + inner.size();
  const char* rest = std::from_chars(inner.data(), end, first).ptr;
  if (rest != end) std::from_chars(rest + 1, end, second);

  Type type;
  if (name == "array") {
    auto element = ParseTypeKind(inner);
    type = Type::Array(element.ok() && *element < TypeKind::kArray ? *element : TypeKind::kArray);
  } else if (auto kind = ParseTypeKind(name); kind.ok()) {
    type = Type::Of(*kind);
    if (*kind == TypeKind::kTimestamp) type.utc = inner == "utc";
    if (*kind == TypeKind::kDecimal) type = {.kind = *kind, .precision = first, .scale = second};
    if (type.is_vector() && *kind != TypeKind::kSparseVector) type.dim = first;
  }
  const bool bits = type.kind == TypeKind::kBinaryVector;
  const bool dense = type.is_vector() && type.kind != TypeKind::kSparseVector;
  const bool good = WithoutSpaces(type.Name()) == want && (!dense || type.dim > 0) && (!bits || type.dim % 8 == 0) &&
                    (type.kind != TypeKind::kDecimal || (type.precision >= 1 && type.precision <= 38 &&
                                                         type.scale >= 0 && type.scale <= type.precision)) &&
                    (type.kind != TypeKind::kArray || (type.element < TypeKind::kDecimal));
  if (good) return type;
  return MakeError(ErrorKind::kInvalidConfig,
                   "'" + text + "' is not the type of field '" + field +
                       "'; give one of bool, int8, int16, int32, int64, float, double, string, json, bytes, timestamp, "
                       "timestamp(utc), date, decimal(10, 2), array<int64>, float_vector(768), float16_vector(768), "
                       "bfloat16_vector(768), int8_vector(768), binary_vector(768), sparse_vector",
                   "types." + field);
}

arrow::Result<std::optional<char>> ParseDelimiter(const OptionValues& values) {
  if (!values.Has("delimiter")) return std::nullopt;
  const std::string& text = values.GetString("delimiter");
  if (text == "\\t" || text == "tab") return '\t';
  if (text.size() == 1) return text.front();
  return MakeError(ErrorKind::kInvalidConfig, "'" + text + "' is not one character; give one, or tab", "delimiter");
}

arrow::Status Refuse(const std::string& option, const std::string& why) {
  return MakeError(ErrorKind::kInvalidConfig, why, option);
}

arrow::Status ParseFormat(const OptionValues& values, Options* options) {
  options->format = values.GetString("format");
  ARROW_ASSIGN_OR_RAISE(options->delimiter, ParseDelimiter(values));
  options->header = values.GetBool("header");
  options->rows_per_file = values.GetInt("rows_per_file");
  options->create_table = values.GetBool("create_table");
  const std::string compression = values.GetString("compression");
  if (options->format.empty() || options->format == "parquet") {
    options->compression = compression.empty() ? arrow::Compression::ZSTD : ParseCompression(compression);
    if (options->rows_per_file > 0) return Refuse("rows_per_file", "only csv, jsonl and postgres files are numbered");
    if (options->delimiter && !options->format.empty()) return Refuse("delimiter", "parquet has none");
    // Files of others may be text by their names.
    if (options->delimiter) ARROW_RETURN_NOT_OK(CheckDelimiter(TextKind::kCsv, *options->delimiter));
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(TextKind kind, ParseTextKind(options->format));
  if (compression == "snappy" || compression == "lz4") {
    return Refuse("compression", "'" + compression + "' is for parquet; a text file can have none, gzip or zstd");
  }
  options->compression = ParseCompression(compression);
  if (options->delimiter && kind == TextKind::kJsonl) return Refuse("delimiter", "jsonl has none");
  options->text = options->FormatOf(kind);
  return kind == TextKind::kJsonl ? arrow::Status::OK() : CheckDelimiter(kind, options->text->delimiter);
}

}  // namespace

TextFormat Options::FormatOf(TextKind kind) const {
  const char usual = kind == TextKind::kPostgres ? '\t' : ',';
  return {.kind = kind, .delimiter = delimiter.value_or(usual), .header = header};
}

OptionTable MakeOptionTable() {
  return {
      {.name = "path",
       .type = OptionType::kPath,
       .help = "Folder that holds the collections, one folder each.",
       .required = true,
       .example = "/data/export"},
      {.name = "format",
       .type = OptionType::kEnum,
       .help = "Format of the data files; left out, a target is written as parquet, and of collections that godwit did "
               "not write each file is what its name says.",
       .allowed = {"parquet", "csv", "jsonl", "postgres"}},
      {.name = "delimiter",
       .help = "What stands between two fields of csv (default: a comma) and postgres (default: a tab, as in COPY).",
       .example = "|"},
      {.name = "header",
       .type = OptionType::kBool,
       .help = "The first line of each csv or postgres file names the fields.",
       .default_text = "true"},
      {.name = "compression",
       .type = OptionType::kEnum,
       .help =
           "Compression: of parquet everything but vectors, whose bytes hardly shrink (default: zstd); of text whole "
           "files (none, gzip or zstd; default: none).",
       .scope = OptionScope::kTarget,
       .allowed = {"none", "snappy", "zstd", "lz4", "gzip"},
       .tuning = true},
      {.name = "row_group_bytes",
       .type = OptionType::kBytes,
       .help = "Size of a row group in memory; each split in work holds one.",
       .default_text = "16MiB",
       .scope = OptionScope::kTarget,
       .min = 1024,
       .max = 1LL << 30,
       .tuning = true},
      {.name = "file_bytes",
       .type = OptionType::kBytes,
       .help = "Size at which a file is closed and the next one begun.",
       .default_text = "256MiB",
       .scope = OptionScope::kTarget,
       .min = 1024,
       .tuning = true},
      {.name = "rows_per_file",
       .type = OptionType::kInt,
       .help =
           "Rows of a text file: the collection becomes numbered files of so many rows each, the last one of fewer, "
           "with all partitions in one folder; 0 leaves the size to file_bytes.",
       .default_text = "0",
       .scope = OptionScope::kTarget,
       .min = 0,
       .example = "40000"},
      {.name = "create_table",
       .type = OptionType::kBool,
       .help = "Puts a create_table.sql for PostgreSQL beside the files.",
       .default_text = "false",
       .scope = OptionScope::kTarget},
      {.name = "staging",
       .type = OptionType::kPath,
       .help =
           "Folder for what is not published yet, on the file system of `path`; left out, a hidden folder in `path`.",
       .scope = OptionScope::kTarget,
       .example = "/data/staging"},
      {.name = "primary_key",
       .help = "Field that is the key, in collections that godwit did not write.",
       .scope = OptionScope::kSource,
       .example = "id"},
      {.name = "vectors",
       .type = OptionType::kMap,
       .help = "Fields that are vectors though their file only says list, with their dimension.",
       .scope = OptionScope::kSource,
       .example = "embedding=768"},
      {.name = "types",
       .type = OptionType::kMap,
       .help =
           "Types of fields of text files that godwit did not write; those of other fields follow from all of their "
           "values.",
       .scope = OptionScope::kSource,
       .example = "id=string, embedding=float16_vector(768)"},
  };
}

arrow::Result<Options> ParseOptions(const OptionValues& values) {
  Options options;
  options.path = values.GetString("path");
  if (options.path.empty()) return MakeError(ErrorKind::kInvalidConfig, "'' is not a folder", "path");
  while (options.path.size() > 1 && options.path.back() == '/') options.path.pop_back();

  if (values.Has("staging")) {
    options.staging = values.GetString("staging");
    while (options.staging.size() > 1 && options.staging.back() == '/') options.staging.pop_back();
    if (options.staging == options.path) options.staging.clear();
  }
  ARROW_RETURN_NOT_OK(ParseFormat(values, &options));
  options.row_group_bytes = values.GetInt("row_group_bytes");
  options.file_bytes = values.GetInt("file_bytes");
  options.primary_key = values.GetString("primary_key");
  for (const auto& [field, text] : values.GetMap("vectors")) {
    ARROW_ASSIGN_OR_RAISE(options.vectors[field], ParseDimension(field, text));
  }
  for (const auto& [field, dim] : options.vectors) options.types[field] = Type::Vector(TypeKind::kFloatVector, dim);
  for (const auto& [field, text] : values.GetMap("types")) {
    ARROW_ASSIGN_OR_RAISE(options.types[field], ParseType(field, text, options.vectors));
  }
  return options;
}

}  // namespace godwit::files
