#include "stores/files/options.h"

#include <charconv>
#include <filesystem>

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
  return MakeError(ErrorKind::kInvalidConfig, "option 'vectors': '" + text + "' is not the dimension of field '" +
                                                  field + "'; give a positive number, for example {" + field +
                                                  ": 768}");
}

}  // namespace

OptionTable MakeOptionTable() {
  return {
      {.name = "path",
       .type = OptionType::kPath,
       .help = "Folder that holds the collections, one folder each.",
       .required = true,
       .example = "/data/export"},
      {.name = "format",
       .type = OptionType::kEnum,
       .help = "Format of the data files.",
       .default_text = "parquet",
       .allowed = {"parquet"}},
      {.name = "compression",
       .type = OptionType::kEnum,
       .help = "Compression of everything but vectors, whose bytes hardly shrink.",
       .default_text = "zstd",
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
      {.name = "primary_key",
       .help = "Field that is the key, in collections that godwit did not write.",
       .scope = OptionScope::kSource,
       .example = "id"},
      {.name = "vectors",
       .type = OptionType::kMap,
       .help = "Fields that are vectors though their file only says list, with their dimension.",
       .scope = OptionScope::kSource,
       .example = "embedding=768"},
  };
}

arrow::Result<Options> ParseOptions(const OptionValues& values) {
  Options options;
  options.path = values.GetString("path");
  if (options.path.empty()) return MakeError(ErrorKind::kInvalidConfig, "option 'path': '' is not a folder");
  while (options.path.size() > 1 && options.path.back() == '/') options.path.pop_back();

  options.compression = ParseCompression(values.GetString("compression"));
  options.row_group_bytes = values.GetInt("row_group_bytes");
  options.file_bytes = values.GetInt("file_bytes");
  options.primary_key = values.GetString("primary_key");
  for (const auto& [field, text] : values.GetMap("vectors")) {
    ARROW_ASSIGN_OR_RAISE(options.vectors[field], ParseDimension(field, text));
  }
  return options;
}

}  // namespace godwit::files
