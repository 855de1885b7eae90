// godwit verify FILE
#include <iostream>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

arrow::Result<int> Run(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJob(options));
  ARROW_ASSIGN_OR_RAISE(Report report, VerifyJob(AllStores(), spec, MakeRunOptions(options)));
  std::cout << (options.json ? ToJson(report) + "\n" : FormatReport(report)) << std::flush;
  return report.exit_code;
}

}  // namespace

void AddVerify(CLI::App* app, CommandOptions* options, Action* action) {
  CLI::App* verb = app->add_subcommand("verify", "Compare source and target of a job, row by row; writes nothing");
  AddJobFlags(verb, options);
  verb->footer("Example:\n  godwit verify godwit.yaml\n\nExit codes: 0 equal; 3 different; others as of run.");
  verb->callback([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
