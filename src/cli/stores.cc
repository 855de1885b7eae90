// godwit stores [STORE] | failpoints | reference
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "config/load.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

std::string TypeName(const Option& option) {
  switch (option.type) {
    case OptionType::kPath:
      return "path";
    case OptionType::kString:
      return "text";
    case OptionType::kSecret:
      return "secret";
    case OptionType::kBool:
      return "true | false";
    case OptionType::kInt:
      return "integer";
    case OptionType::kDouble:
      return "number";
    case OptionType::kBytes:
      return "bytes";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kList:
      return "list";
    case OptionType::kMap:
      return "map";
    case OptionType::kEnum:
      break;
  }
  std::string names;
  for (const std::string& name : option.allowed) names += (names.empty() ? "" : " | ") + name;
  return names;
}

std::string ScopeName(OptionScope scope) {
  return scope == OptionScope::kSource ? "source" : scope == OptionScope::kTarget ? "target" : "both";
}

ordered_json ToJsonObject(const StoreFactory& store) {
  ordered_json options = ordered_json::array();
  for (const Option& option : NativeStoreOptions(store)) {
    options.push_back({{"name", option.name},
                       {"type", TypeName(option)},
                       {"default", option.default_text},
                       {"required", option.required},
                       {"for", ScopeName(option.scope)},
                       {"help", option.help}});
  }
  return {{"event", "store"},
          {"name", store.name},
          {"description", store.description},
          {"source", store.capabilities.source},
          {"target", store.capabilities.target},
          {"databases", store.capabilities.databases},
          {"partitions", store.capabilities.partitions},
          {"splits_by", store.capabilities.splits_by},
          {"read_back", store.capabilities.read_back},
          {"options", std::move(options)}};
}

void PrintStores() {
  std::vector<std::vector<std::string>> rows = {{"store", "source", "target", "verified by", ""}};
  for (const StoreFactory& store : AllStores()) {
    const Capabilities& can = store.capabilities;
    rows.push_back({store.name, can.source ? "yes" : "-", can.target ? "yes" : "-",
                    can.target ? (can.read_back.empty() ? "nothing" : can.read_back) : "-", store.description});
  }
  std::cout << FormatTable(rows)
            << "\nAny source can be moved to any target. `godwit stores STORE` shows its options.\n";
}

void PrintOptions(const StoreFactory& store) {
  std::cout << store.name << ": " << store.description << "\n\n";
  std::vector<std::vector<std::string>> rows = {{"option", "type", "default", "for", ""}};
  for (const Option& option : NativeStoreOptions(store)) {
    rows.push_back({option.name, TypeName(option), option.required ? "(required)" : option.default_text,
                    ScopeName(option.scope), option.help});
  }
  std::cout << FormatTable(rows);
}

arrow::Result<int> ShowStores(const CommandOptions& options) {
  if (!options.file.empty()) {
    const StoreFactory* store = FindStore(AllStores(), options.file);
    if (store == nullptr) {
      return MakeError(ErrorKind::kInvalidConfig, "there is no store '" + options.file + "'; see `godwit stores`");
    }
    if (options.json) {
      std::cout << ToJsonObject(*store).dump() << "\n";
    } else {
      PrintOptions(*store);
    }
    return 0;
  }
  if (!options.json) {
    PrintStores();
    return 0;
  }
  for (const StoreFactory& store : AllStores()) std::cout << ToJsonObject(store).dump() << "\n";
  return 0;
}

/// A cell of a Markdown table.
std::string Cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text.empty() ? " " : text;
}

void PrintOptionTable(const OptionTable& options) {
  std::cout << "| key | type | default | for | |\n|---|---|---|---|---|\n";
  for (const Option& option : options) {
    std::string text = option.help + (option.example.empty() ? "" : " Example: `" + option.example + "`");
    std::cout << "| `" << option.name << "` | " << Cell(TypeName(option)) << " | "
              << Cell(option.required ? "(required)" : option.default_text) << " | " << ScopeName(option.scope) << " | "
              << Cell(text) << " |\n";
  }
  std::cout << "\n";
}

void PrintSections(const std::vector<DocumentedSection>& sections) {
  for (const DocumentedSection& section : sections) {
    if (!section.name.empty()) std::cout << "### " << section.name << "\n\n";
    PrintOptionTable(section.options);
  }
}

/// docs/reference.md, from the same tables that files are read by.
int PrintReference() {
  std::cout << "# Reference\n\nMade by `godwit reference` from the tables that job files are read by.\n\n"
               "## godwit.yaml\n\n";
  PrintSections(NativeSections());
  std::cout << "## migration.conf (SeaTunnel)\n\n| key | what becomes of it |\n|---|---|\n";
  for (const DocumentedKey& key : SeaTunnelKeys()) {
    std::cout << "| `" << key.key << "` | " << Cell(key.meaning) << " |\n";
  }
  std::cout << "\n";
  for (const DocumentedDialect& dialect : OtherDialects()) {
    std::cout << "## " << dialect.name << "\n\n";
    PrintSections(dialect.sections);
  }
  std::cout << "## Stores\n\n";
  for (const StoreFactory& store : AllStores()) {
    std::cout << "### " << store.name << "\n\n" << store.description << "\n\n";
    const OptionTable table = NativeStoreOptions(store);
    if (!table.empty()) PrintOptionTable(table);
  }
  return 0;
}

}  // namespace

void AddStores(const Verb& app, CommandOptions* options, Action* action) {
  const Verb stores = app.Add("stores", "What can be moved where, and the options of a store");
  stores.Option("STORE", &options->file, "A store's name");
  stores.Flag("--json", &options->json, "Print JSON, one object a line");
  stores.OnChosen([options, action] {
    *action = [options] {
      auto code = ShowStores(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });

  // Neither is shown in the help: one is for docs/reference.md, the other for crash sweeps, see tests/crash.
  const Verb reference = app.Add("reference", "Print docs/reference.md");
  reference.Hide();
  reference.OnChosen([action] { *action = PrintReference; });
  const Verb failpoints = app.Add("failpoints", "List the failpoints of this build");
  failpoints.Hide();
  failpoints.OnChosen([action] {
    *action = [] {
      for (const std::string& name : Failpoint::Names()) std::cout << name << "\n";
      return 0;
    };
  });
}

}  // namespace godwit
