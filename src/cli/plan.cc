// godwit plan FILE
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
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

/// As `collections_file` takes it: CSV where the file is named so, else the sources alone.
std::string SelectionText(const Plan& plan, bool csv) {
  std::string text = csv ? "source,target\n" : "";
  for (const CollectionPlan& collection : plan.collections) {
    text += collection.source.ref.ToString();
    if (csv) text += "," + collection.target.ref.ToString();
    text += "\n";
  }
  return text;
}

/// What becomes of a field of the source; its name at the target where that is another.
std::string Arrives(const CollectionPlan& plan, const Field& field) {
  auto renamed = plan.mapping.fields.find(field.name);
  const std::string& name = renamed == plan.mapping.fields.end() ? field.name : renamed->second;
  const Field* target = plan.target.FindField(name);
  if (target == nullptr) return "left out";
  return target->type.Name() + (name == field.name ? "" : ", as " + name);
}

void PrintPlan(const CollectionPlan& plan) {
  std::cout << plan.source.ref.ToString() << " -> " << plan.target.ref.ToString() << "\n";
  std::vector<std::vector<std::string>> rows = {{"  field", "type", "at the target", "", ""}};
  for (const Field& field : plan.source.fields) {
    rows.push_back({"  " + field.name, field.type.Name(), Arrives(plan, field), field.primary_key ? "key" : "",
                    field.nullable ? "nullable" : ""});
  }
  for (const auto* added : {&plan.mapping.spread, &plan.mapping.constants}) {
    for (const AddedField& field : *added) {
      rows.push_back({"  " + field.name, added == &plan.mapping.spread ? "out of $meta" : "constant", field.type.Name(),
                      "", field.value_json ? "" : "nullable"});
    }
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
    std::string ddl;
    if (options.ddl) {
      ARROW_ASSIGN_OR_RAISE(ddl, TargetDdl(AllStores(), spec, collection));
    }
    if (options.json) {
      collections.push_back(ToJsonObject(collection));
      if (options.ddl) collections.back()["ddl"] = ddl;
    } else {
      PrintPlan(collection);
      if (options.ddl) std::cout << ddl << "\n";
    }
  }
  if (!options.selection.empty()) {
    ARROW_RETURN_NOT_OK(WriteFileDurably(options.selection, SelectionText(plan, options.selection.ends_with(".csv"))));
  }
  if (options.json) std::cout << ordered_json{{"event", "plan"}, {"collections", collections}}.dump() << "\n";
  return 0;
}

}  // namespace

void AddPlan(const Verb& app, CommandOptions* options, Action* action) {
  const Verb verb = app.Add("plan", "Show what a run would do; writes nothing");
  AddJobFlags(verb, options);
  verb.Flag("--ddl", &options->ddl, "Show what would be created at the target, by its own means");
  verb.Option("--selection", &options->selection,
              "Write the list of collections to this file, as collections_file takes it: CSV with the targets "
              "where its name ends in .csv, else one source a line");
  verb.Footer("Example:\n  godwit plan godwit.yaml --ddl");
  verb.OnChosen([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
