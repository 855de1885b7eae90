#include <cstdlib>

#include "conformance/quirks.h"

namespace godwit::conformance {
namespace {

const std::vector<std::string> kAllFields = {
    "bool",         "int8",          "int16",         "int32",          "int64",
    "float",        "double",        "string",        "json",           "bytes",
    "timestamp",    "timestamp_utc", "date",          "decimal",        "array_bool",
    "array_int8",   "array_int16",   "array_int32",   "array_int64",    "array_float",
    "array_double", "array_string",  "vector",        "float16_vector", "bfloat16_vector",
    "int8_vector",  "binary_vector", "sparse_vector", "$meta"};

Quirks Sqlite() {
  auto options = [](const std::string& scratch) { return OptionTexts{{"path", scratch + "/test.db"}}; };
  return {.room = "sqlite",
          .target_options = options,
          .source_options = options,
          .fields = kAllFields,
          .refused_fields = {},
          .nulls = true,
          .hostile = true,
          .commit_mode = CommitMode::kTransactional};
}

Quirks Files() {
  auto options = [](const std::string& scratch) { return OptionTexts{{"path", scratch + "/collections"}}; };
  return {.room = "files",
          .target_options = options,
          .source_options = options,
          .fields = kAllFields,
          .refused_fields = {},
          .nulls = true,
          .hostile = true,
          .overwrite = false,
          .created_is_visible = false,
          .commit_mode = CommitMode::kStagedPublish};
}

Quirks TextFiles(const std::string& variant, const OptionTexts& more) {
  Quirks quirks = Files();
  quirks.variant = "_" + variant;
  quirks.target_options = [more](const std::string& scratch) {
    OptionTexts options = more;
    options["path"] = scratch + "/collections";
    return options;
  };
  quirks.source_options = quirks.target_options;
  quirks.hostile = more.at("format") != "postgres";  // PostgreSQL holds no NUL in text
  return quirks;
}

/// Every text format, whole and numbered, plain and compressed.
std::vector<Quirks> AllTextFiles() {
  return {TextFiles("csv", {{"format", "csv"}}),
          TextFiles("csv_numbered", {{"format", "csv"}, {"rows_per_file", "37"}, {"file_bytes", "4KiB"}}),
          TextFiles("postgres", {{"format", "postgres"}, {"compression", "zstd"}, {"header", "false"}}),
          TextFiles("postgres_numbered", {{"format", "postgres"}, {"delimiter", "|"}, {"rows_per_file", "100"}}),
          TextFiles("jsonl", {{"format", "jsonl"}, {"compression", "gzip"}}),
          TextFiles("jsonl_numbered", {{"format", "jsonl"}, {"compression", "gzip"}, {"rows_per_file", "1"}})};
}

std::vector<Quirks> With(std::vector<Quirks> rooms, const std::vector<Quirks>& more) {
  rooms.insert(rooms.end(), more.begin(), more.end());
  return rooms;
}

/// Milvus 2.3.5 at the address in GODWIT_TEST_MILVUS_URL.
Quirks Milvus(const std::string& address) {
  auto options = [address](const std::string&) { return OptionTexts{{"url", address}}; };
  return {.room = "milvus",
          .target_options = options,
          .source_options = options,
          .fields = {"bool", "int8", "int16", "int32", "int64", "float", "double", "string", "json", "array_bool",
                     "array_int8", "array_int16", "array_int32", "array_int64", "array_float", "array_double",
                     "array_string", "vector", "$meta"},
          .refused_fields = {"bytes", "timestamp", "timestamp_utc", "date", "decimal", "float16_vector",
                             "bfloat16_vector", "int8_vector", "binary_vector", "sparse_vector"},
          .huge_value_bytes = 65535,
          .commit_mode = CommitMode::kUpsertByKey,
          .indexes = {{.name = "vector", .field = "vector", .type = "FLAT", .metric = "L2", .params = {}}},
          .loaded = true};
}

/// With the servers that the environment names.
std::vector<Quirks> WithServers(std::vector<Quirks> rooms) {
  if (const char* address = std::getenv("GODWIT_TEST_MILVUS_URL")) rooms.push_back(Milvus(address));
  return rooms;
}

Quirks Synthetic() {
  return {.room = "synthetic", .target_options = {}, .source_options = {}, .fields = kAllFields, .refused_fields = {}};
}

}  // namespace

const std::vector<Quirks>& TargetRooms() {
  static const std::vector<Quirks> rooms = WithServers(With({Sqlite(), Files()}, AllTextFiles()));
  return rooms;
}

const std::vector<Quirks>& SourceRooms() {
  static const std::vector<Quirks> rooms = WithServers(With({Synthetic(), Sqlite(), Files()}, AllTextFiles()));
  return rooms;
}

}  // namespace godwit::conformance
