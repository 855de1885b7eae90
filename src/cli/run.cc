// godwit run FILE
#include <unistd.h>

#include <iostream>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

ProgressPrinter::Style StyleOf(const CommandOptions& options) {
  if (options.json) return ProgressPrinter::Style::kJson;
  return ::isatty(STDERR_FILENO) != 0 ? ProgressPrinter::Style::kTerminal : ProgressPrinter::Style::kPlain;
}

arrow::Result<int> Run(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJob(options));
  if (!options.master.empty() && options.master != "local") {
    return MakeError(ErrorKind::kInvalidConfig, "-m " + options.master + " is not known; use -m local or leave it out");
  }
  RunOptions run = MakeRunOptions(options);
  ProgressPrinter printer(options.json ? &std::cout : &std::cerr, StyleOf(options));
  if (options.master.empty() && spec.dialect == "migration.conf") {
    printer.Note("no -m given: running locally, in this process");
  }
  run.on_progress = [&](const CollectionProgress& progress) { printer.Show(progress); };
  run.on_note = [&](std::string_view text) { printer.Note(text); };
  ARROW_ASSIGN_OR_RAISE(Report report, RunJob(AllStores(), spec, run));
  printer.Finish();
  std::cout << (options.json ? ToJson(report) + "\n" : FormatReport(report)) << std::flush;
  return report.exit_code;
}

}  // namespace

void AddRun(const Verb& app, CommandOptions* options, Action* action) {
  const Verb verb = app.Add("run", "Run a job, or go on where it stopped");
  AddJobFlags(verb, options);
  verb.Flag("--restart", &options->restart, "Forget what an earlier run did and begin anew");
  AddSkip(verb, options);
  verb.Option("-m,--master", &options->master, "Where to run, as in SeaTunnel: local (the default)");
  verb.Footer(
      "Examples:\n"
      "  godwit run godwit.yaml\n"
      "  godwit run --config migration.conf -m local\n"
      "  godwit run godwit.yaml --json > run.log\n"
      "\n"
      "Exit codes: 0 done and verified; 1 failed; 2 bad config or usage; 3 source and target differ, or the source\n"
      "keeps changing; 4 precheck failed; 5 copied, not verified; 130 stopped.");
  verb.OnChosen([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
