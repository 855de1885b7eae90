#include <CLI/CLI.hpp>

#include "base/failpoint.h"
#include "cli/cli.h"
#include "cli/signals.h"

int main(int argc, char** argv) {
  godwit::CommandOptions options;
  godwit::Action action;
  CLI::App app("godwit moves vector collections between stores and proves that they arrived.", "godwit");
  app.set_version_flag("--version", "godwit " GODWIT_VERSION);
  app.require_subcommand(1);
  const godwit::Verb verbs(&app);
  godwit::AddRun(verbs, &options, &action);
  godwit::AddCheck(verbs, &options, &action);
  godwit::AddPlan(verbs, &options, &action);
  godwit::AddVerify(verbs, &options, &action);
  godwit::AddJobs(verbs, &options, &action);
  godwit::AddStores(verbs, &options, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0.
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (arrow::Status armed = godwit::Failpoint::ArmFromEnvironment(); !armed.ok()) {
    return godwit::PrintError(options, armed);
  }
  godwit::StopOnSignals(options.stop);
  return action();
}
