#include "stores/synthetic/options.h"

#include <algorithm>

#include "stores/synthetic/generator.h"

namespace godwit::synthetic {
namespace {

arrow::Status CheckFieldName(const std::string& name) {
  std::vector<std::string> known = FieldNames();
  if (std::find(known.begin(), known.end(), name) != known.end()) return arrow::Status::OK();
  known.insert(known.end(), {"basic", "all"});
  std::string message = "'" + name + "' is unknown";
  std::string nearest = NearestName(name, known);
  if (!nearest.empty()) message += ", did you mean '" + nearest + "'?";
  message += " Allowed: basic, all";
  for (const std::string& field : FieldNames()) message += ", " + field;
  return MakeError(ErrorKind::kInvalidConfig, message, "fields");
}

arrow::Result<std::vector<std::string>> ExpandFields(const std::vector<std::string>& names) {
  std::vector<std::string> fields;
  for (const std::string& name : names) {
    if (name == "all") return FieldNames();
    const std::string field = name == "basic" ? std::string(kVectorField) : name;
    ARROW_RETURN_NOT_OK(CheckFieldName(field));
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) fields.push_back(field);
  }
  // The dynamic field is the last one of a schema.
  std::stable_partition(fields.begin(), fields.end(),
                        [](const std::string& field) { return field != kDynamicFieldName; });
  return fields;
}

}  // namespace

OptionTable Table() {
  return {
      {.name = "collection",
       .help = "Name of the collection; with several, the prefix of their names.",
       .default_text = "synthetic"},
      {.name = "collections",
       .type = OptionType::kInt,
       .help = "Number of collections, the n-th with the seed raised by n.",
       .default_text = "1",
       .min = 1,
       .max = 10000},
      {.name = "rows", .type = OptionType::kInt, .help = "Rows of a collection.", .default_text = "1000000", .min = 0},
      {.name = "dim",
       .type = OptionType::kInt,
       .help = "Dimension of every dense vector; a binary vector has the next multiple of 8.",
       .default_text = "128",
       .min = 1,
       .max = 32768},
      {.name = "seed",
       .type = OptionType::kInt,
       .help = "Equal seeds give equal rows; another seed gives other rows of the same keys.",
       .default_text = "1"},
      {.name = "key",
       .type = OptionType::kEnum,
       .help = "Type of the primary key.",
       .default_text = "int64",
       .allowed = {"int64", "varchar"}},
      {.name = "fields",
       .type = OptionType::kList,
       .help = "Fields beside the key: basic (one float vector of random values), all, or names out of all; anything "
               "but basic has extreme values among the random ones.",
       .default_text = "basic",
       .example = "vector, string, json, array_int64"},
      {.name = "nulls",
       .type = OptionType::kBool,
       .help = "Every field but the key is nullable, and one value in eight is null.",
       .default_text = "false"},
      {.name = "hostile",
       .type = OptionType::kBool,
       .help = "Adds values that many stores can't hold: NaN and infinities, NUL in strings, empty keys, the greatest "
               "int64 as a key, JSON that is "
               "not an object, negative sparse values.",
       .default_text = "false"},
      {.name = "partitions",
       .type = OptionType::kInt,
       .help = "Number of named partitions; the rows are spread evenly over them and the default one.",
       .default_text = "0",
       .min = 0,
       .max = 4096},
      {.name = "duplicates",
       .type = OptionType::kInt,
       .help = "The first so many keys are held twice; one row of each is given, the other counted.",
       .default_text = "0",
       .min = 0},
  };
}

arrow::Result<Options> ParseOptions(const OptionValues& values) {
  Options options;
  options.collection = values.GetString("collection");
  options.collections = values.GetInt("collections");
  options.rows = values.GetInt("rows");
  options.dim = static_cast<int32_t>(values.GetInt("dim"));
  options.seed = static_cast<uint64_t>(values.GetInt("seed"));
  options.varchar_key = values.GetString("key") == "varchar";
  const std::vector<std::string>& fields = values.GetList("fields");
  options.extremes = fields != std::vector<std::string>{"basic"};
  ARROW_ASSIGN_OR_RAISE(options.fields, ExpandFields(fields));
  options.nulls = values.GetBool("nulls");
  options.hostile = values.GetBool("hostile");
  options.partitions = values.GetInt("partitions");
  options.duplicates = values.GetInt("duplicates");
  if (options.collection.empty()) return MakeError(ErrorKind::kInvalidConfig, "must not be empty", "collection");
  if (options.duplicates > options.rows) {
    return MakeError(ErrorKind::kInvalidConfig,
                     std::to_string(options.duplicates) + " is more than rows (" + std::to_string(options.rows) + ")",
                     "duplicates");
  }
  return options;
}

}  // namespace godwit::synthetic
