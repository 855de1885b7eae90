// godwit plan FILE
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

ordered_json ToJsonObject(const CollectionPlan& plan) {
  return {{"source", plan.source.ref.ToString()},
          {"target", plan.target.ref.ToString()},
          {"target_exists", plan.state.exists},
          {"target_rows", plan.state.rows},
          {"actions", plan.actions},
          {"notes", plan.notes},
          {"source_schema", ordered_json::parse(ToJson(plan.source))},
          {"target_schema", ordered_json::parse(ToJson(plan.target))}};
}

void PrintPlan(const CollectionPlan& plan) {
  std::cout << plan.source.ref.ToString() << " -> " << plan.target.ref.ToString() << "\n";
  std::vector<std::vector<std::string>> rows = {{"  field", "type", "at the target", "", ""}};
  for (const Field& field : plan.source.fields) {
    const Field* target = plan.target.FindField(field.name);
    rows.push_back({"  " + field.name, field.type.Name(), target == nullptr ? "left out" : target->type.Name(),
                    field.primary_key ? "key" : "", field.nullable ? "nullable" : ""});
  }
  std::cout << FormatTable(rows);
  for (const std::string& action : plan.actions) std::cout << "  * " << action << "\n";
  for (const std::string& note : plan.notes) std::cout << "  note: " << note << "\n";
}

arrow::Result<int> Run(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJob(options));
  ARROW_ASSIGN_OR_RAISE(Plan plan, PlanJob(AllStores(), spec, MakeRunOptions(options)));
  ordered_json collections = ordered_json::array();
  for (const CollectionPlan& collection : plan.collections) {
    if (options.json) {
      collections.push_back(ToJsonObject(collection));
    } else {
      PrintPlan(collection);
    }
  }
  if (options.json) std::cout << ordered_json{{"event", "plan"}, {"collections", collections}}.dump() << "\n";
  return 0;
}

}  // namespace

void AddPlan(CLI::App* app, CommandOptions* options, Action* action) {
  CLI::App* verb = app->add_subcommand("plan", "Show what a run would do; writes nothing");
  AddJobFlags(verb, options);
  verb->footer("Example:\n  godwit plan godwit.yaml");
  verb->callback([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
