// godwit check FILE
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

std::string ToString(CheckItem::Verdict verdict) {
  switch (verdict) {
    case CheckItem::Verdict::kPassed:
      return "passed";
    case CheckItem::Verdict::kWarning:
      return "warning";
    case CheckItem::Verdict::kFailed:
      return "failed";
  }
  return "";
}

void Print(const CommandOptions& options, const CheckReport& report) {
  if (options.json) {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    for (const CheckItem& item : report.items) {
      items.push_back({{"subject", item.subject},
                       {"name", item.name},
                       {"verdict", ToString(item.verdict)},
                       {"message", item.message}});
    }
    std::cout << nlohmann::ordered_json{{"event", "check"}, {"passed", report.passed()}, {"items", items}}.dump()
              << "\n";
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"of", "item", "result", ""}};
  for (const CheckItem& item : report.items)
    rows.push_back({item.subject, item.name, ToString(item.verdict), item.message});
  std::cout << FormatTable(rows);
}

arrow::Result<int> Run(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJob(options));
  const CheckOptions check{.read_keys = options.read_keys, .read_rows = options.read_rows};
  ARROW_ASSIGN_OR_RAISE(CheckReport report, CheckJob(AllStores(), spec, MakeRunOptions(options), check));
  Print(options, report);
  return report.passed() ? 0 : ExitCode(Verdict::kPrecheckFailed);
}

}  // namespace

void AddCheck(const Verb& app, CommandOptions* options, Action* action) {
  const Verb verb = app.Add("check", "Precheck: can this job run? Writes nothing");
  AddJobFlags(verb, options);
  AddSkip(verb, options);
  verb.Flag("--keys", &options->read_keys, "Read every key of the source, to find those that repeat");
  verb.Flag("--rows", &options->read_rows, "Read every row of the source, to find those that a run would refuse");
  std::string footer = "Example:\n  godwit check godwit.yaml --skip version\n\nItems:\n";
  for (const PrecheckItem& item : PrecheckItems()) {
    footer += "  " + std::string(item.name) + std::string(14 - item.name.size(), ' ') + std::string(item.help) + "\n";
  }
  verb.Footer(footer + "\nExit codes: 0 passed, perhaps with warnings; 4 an item failed; 2 bad config or usage.");
  verb.OnChosen([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
