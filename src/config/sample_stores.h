// A small registry and what else the tests of this folder share. The real tables are tested in all_stores_test.cc.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include <fmt/format.h>

#include "config/load.h"
#include "godwit/job.h"

namespace godwit {

inline const StoreRegistry& SampleStores() {
  static const StoreRegistry stores = {
      {.name = "milvus",
       .capabilities = {.source = true, .target = true, .databases = true},
       .options = {{.name = "url", .help = "Address.", .required = true, .example = "http://127.0.0.1:19530"},
                   {.name = "token", .type = OptionType::kSecret, .help = "Token.", .conflicts = {"user", "password"}},
                   {.name = "user", .help = "User."},
                   {.name = "password", .type = OptionType::kSecret, .help = "Password."},
                   {.name = "database", .help = "Database."},
                   {.name = "ca_pem_path", .help = "CA."},
                   {.name = "client_pem_path", .help = "Certificate."},
                   {.name = "client_key_path", .help = "Key."},
                   {.name = "server_name", .help = "Name."},
                   {.name = "timeout",
                    .type = OptionType::kDuration,
                    .help = "Timeout.",
                    .default_text = "30s",
                    .min = 1000,
                    .tuning = true},
                   {.name = "batch_rows",
                    .type = OptionType::kInt,
                    .help = "Rows.",
                    .default_text = "0",
                    .min = 0,
                    .max = 1'000'000,
                    .tuning = true},
                   {.name = "write_mode",
                    .type = OptionType::kEnum,
                    .help = "Mode.",
                    .default_text = "auto",
                    .scope = OptionScope::kTarget,
                    .allowed = {"auto", "upsert"},
                    .tuning = true}},
       .open = {}},
      {.name = "files",
       .capabilities = {.source = true, .target = true, .databases = true},
       .options = {{.name = "path", .help = "Folder.", .required = true, .example = "./out"},
                   {.name = "format",
                    .type = OptionType::kEnum,
                    .help = "Format.",
                    .default_text = "parquet",
                    .allowed = {"parquet"}},
                   {.name = "vectors", .type = OptionType::kMap, .help = "Dimensions.", .scope = OptionScope::kSource},
                   {.name = "ratio", .type = OptionType::kDouble, .help = "Ratio."}},
       .open = {}},
      {.name = "generator",
       .capabilities = {.source = true},
       .options = {{.name = "rows", .type = OptionType::kInt, .help = "Rows.", .default_text = "10", .min = 0},
                   {.name = "fields", .type = OptionType::kList, .help = "Fields.", .default_text = "a, b"}},
       .open = {}},
      {.name = "sink", .capabilities = {.target = true}, .options = {}, .open = {}},
  };
  return stores;
}

/// No other variables than these, so that nothing depends on where the test runs.
inline LoadOptions WithVariables(std::map<std::string, std::string> variables, std::string dialect = {}) {
  auto find = [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return {.environment = find, .dialect = std::move(dialect)};
}

inline arrow::Result<JobSpec> Load(const std::string& path, std::string_view text,
                                   std::map<std::string, std::string> variables = {}) {
  return LoadJobText(text, path, SampleStores(), WithVariables(std::move(variables)));
}

/// What Describe says of a refused file: "path:line:column: message", and a line for each further problem.
inline std::string ErrorOf(const std::string& path, std::string_view text,
                           std::map<std::string, std::string> variables = {}) {
  auto spec = Load(path, text, std::move(variables));
  if (spec.ok()) return "";
  EXPECT_EQ(KindOf(spec.status()), ErrorKind::kInvalidConfig);
  return Describe(spec.status());
}

inline std::string ToText(const OptionValues& values) {
  std::string text;
  for (const auto& [name, value] : values.all()) {
    text += " " + name + "=";
    if (auto* s = std::get_if<std::string>(&value)) text += *s;
    if (auto* s = std::get_if<Secret>(&value)) text += s->Reveal();
    if (auto* b = std::get_if<bool>(&value)) text += *b ? "true" : "false";
    if (auto* i = std::get_if<int64_t>(&value)) text += std::to_string(*i);
    if (auto* d = std::get_if<double>(&value)) text += std::to_string(*d);
    if (auto* list = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& item : *list) text += item + ";";
    }
    if (auto* map = std::get_if<std::map<std::string, std::string>>(&value)) {
      for (const auto& [key, item] : *map) text += key + "->" + item + ";";
    }
  }
  return text;
}

/// Everything of a job but its notes and places.
inline std::string ToText(const JobSpec& spec) {
  const SchemaOverrides& o = spec.overrides;
  const Tuning& t = spec.tuning;
  std::string text = fmt::format("{} {} | {}{} | {}{} | {} {} |", spec.name, spec.dialect, spec.source.store,
                                 ToText(spec.source.options), spec.target.store, ToText(spec.target.options),
                                 spec.source_database, spec.target_database);
  for (const CollectionRule& rule : spec.collections) text += " " + rule.source.ToString() + ">" + rule.target_name;
  for (const auto& [from, to] : spec.renames) text += " " + from + "=>" + to;
  text += fmt::format(" | {} {} {} {} {} {} {} {} {} {} {} |", static_cast<int>(spec.schema_policy),
                      static_cast<int>(spec.data_policy), static_cast<int>(spec.duplicate_policy),
                      static_cast<int>(spec.auto_id), spec.accept_duplicates,
                      spec.reject_policy == RejectPolicy::kContinue, spec.copy_indexes, static_cast<int>(spec.load),
                      static_cast<int>(spec.source_load), spec.verify, spec.fail_fast);
  text += fmt::format(" {} {} {}", o.dynamic_fields ? int{*o.dynamic_fields} : -1, o.shards.value_or(-1),
                      o.consistency_level.value_or("-"));
  for (const auto& [name, description] : o.descriptions) text += " " + name + ":" + description;
  return text + fmt::format(" | {} {} {} {} {} {} {} {}", t.parallelism, t.memory_bytes, t.batch_bytes, t.split_bytes,
                            t.commit_interval_ms, t.commit_bytes, t.retry_for_ms, t.max_rounds);
}

}  // namespace godwit
