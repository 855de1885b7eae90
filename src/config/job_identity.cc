#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "godwit/job.h"

namespace godwit {
namespace {

using nlohmann::json;

json ToJsonValue(const OptionValues::Value& value) {
  return std::visit(
      [](const auto& v) -> json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, Secret>) {
          return nullptr;
        } else {
          return v;
        }
      },
      value);
}

/// A later version may add options: their defaults change nothing, and so must not make it another job.
bool IsDefault(const Option& option, const OptionValues::Value& value) {
  if (option.default_text.empty()) return false;
  auto parsed = ParseOption(option, option.default_text);
  return parsed.ok() && *parsed == value;
}

/// What makes it another store or another way of writing: no secrets, which change, and no tuning.
json StoreIdentity(const StoreSpec& spec, const StoreRegistry& stores) {
  json options = json::object();
  const StoreFactory* store = FindStore(stores, spec.store);
  if (store != nullptr) {
    for (const Option& option : store->options) {
      if (option.tuning || option.type == OptionType::kSecret || !spec.options.Has(option.name)) continue;
      const OptionValues::Value& value = spec.options.all().at(option.name);
      if (!IsDefault(option, value)) options[option.name] = ToJsonValue(value);
    }
  }
  return {{"store", spec.store}, {"options", std::move(options)}};
}

}  // namespace

std::string JobSpec::IdentityHash(const StoreRegistry& stores) const {
  json objects = json::array();
  for (const CollectionRule& rule : collections) {
    objects.push_back({rule.source.database, rule.source.name, rule.target_name});
  }
  json identity = {
      {"name", name},
      {"source", StoreIdentity(source, stores)},
      {"target", StoreIdentity(target, stores)},
      {"databases", {source_database, target_database}},
      {"collections", std::move(objects)},
      {"renames", renames},
      {"auto_id", static_cast<int>(auto_id)},
      {"dynamic_fields", overrides.dynamic_fields ? json(*overrides.dynamic_fields) : json()},
      {"shards", overrides.shards ? json(*overrides.shards) : json()},
      {"consistency_level", overrides.consistency_level ? json(*overrides.consistency_level) : json()},
  };
  // What a later version may add, and what most jobs do not say, is there only when it is said.
  json mappings = json::array();
  bool mapped = false;
  for (const CollectionRule& rule : collections) {
    mappings.push_back({rule.target_database, json::parse(ToJson(rule.mapping))});
    mapped = mapped || !rule.target_database.empty() || rule.mapping != Mapping{};
  }
  if (mapped) identity["mappings"] = std::move(mappings);
  for (const DatabaseRule& rule : this->databases) identity["from_databases"].push_back({rule.source, rule.target});
  for (const CollectionRef& ref : exclude) identity["exclude"].push_back({ref.database, ref.name});
  if (stages != Stages{}) identity["stages"] = {stages.schema, stages.full, stages.indexes};
  if (!allow_lossy.empty()) identity["allow_lossy"] = allow_lossy;
  std::string text = identity.dump(-1, ' ', false, json::error_handler_t::replace);
  return ToHex(HashOf(text));
}

}  // namespace godwit
