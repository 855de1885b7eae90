// godwit verify FILE
#include <filesystem>
#include <iostream>
#include <map>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

arrow::Result<DifferenceFormat> FormatOf(const CommandOptions& options) {
  static const std::map<std::string, DifferenceFormat> kFormats = {{"text", DifferenceFormat::kText},
                                                                   {"txt", DifferenceFormat::kText},
                                                                   {"json", DifferenceFormat::kJson},
                                                                   {"csv", DifferenceFormat::kCsv}};
  std::string name = options.format;
  if (name.empty()) {
    name = std::filesystem::path(options.differences).extension().string();
    if (!name.empty()) name.erase(0, 1);
  }
  auto found = kFormats.find(name);
  if (found != kFormats.end()) return found->second;
  return MakeError(ErrorKind::kInvalidConfig,
                   "the format of the differences is not known from '" + options.differences +
                       "'; name the file *.txt, *.json or *.csv, or say --format text, json or csv");
}

arrow::Result<VerifyOptions> ReadVerifyOptions(const CommandOptions& options) {
  VerifyOptions verify{.collections = options.collections, .filter = options.filter, .repair = options.repair};
  if (!options.sample.empty()) {
    ARROW_ASSIGN_OR_RAISE(verify.sample, SampleSize::Parse(options.sample));
  }
  if (!options.differences.empty()) {
    verify.differences_file = options.differences;
    ARROW_ASSIGN_OR_RAISE(verify.differences_format, FormatOf(options));
  } else if (!options.format.empty()) {
    return MakeError(ErrorKind::kInvalidConfig, "--format is of the file that --differences names");
  }
  return verify;
}

arrow::Result<int> Run(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(VerifyOptions verify, ReadVerifyOptions(options));
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJob(options));
  ARROW_ASSIGN_OR_RAISE(Report report, VerifyJob(AllStores(), spec, MakeRunOptions(options), verify));
  std::cout << (options.json ? ToJson(report) + "\n" : FormatReport(report)) << std::flush;
  return report.exit_code;
}

}  // namespace

void AddVerify(const Verb& app, CommandOptions* options, Action* action) {
  const Verb verb = app.Add("verify", "Compare source and target of a job, row by row");
  AddJobFlags(verb, options);
  verb.Option("--collection", &options->collections,
              "Only this collection of the source, by name or pattern (* ? [a-z]); may be given several times");
  verb.Option(
      "--sample", &options->sample,
      "Compare only a part, 1% or about 10000 rows: the rows are read, but fewer are hashed and kept. With a filter, "
      "of the rows that pass it, which are counted first");
  verb.Option("--filter", &options->filter,
              "Look only for the source's rows that pass this condition, in the source's own language");
  verb.Option(
      "--differences", &options->differences,
      "Write every difference, with all fields and whole values, to a new FILE.txt, FILE.json or FILE.csv; one that "
      "is there and not empty is refused");
  verb.Option("--format", &options->format, "Format of --differences: text, json or csv (default: by its name)");
  verb.Flag("--repair", &options->repair,
            "Write at the target what differs and delete what the source lacks, then compare again; without it, "
            "nothing is written");
  verb.Footer(
      "Examples:\n"
      "  godwit verify godwit.yaml\n"
      "  godwit verify godwit.yaml --collection 'log_*' --differences differences.csv\n"
      "  godwit verify godwit.yaml --sample 1%\n"
      "  godwit verify godwit.yaml --collection orders --filter 'year >= 2024'\n"
      "  godwit verify godwit.yaml --repair --differences repaired.csv\n"
      "\n"
      "Exit codes: 0 equal, with --sample or --filter: what was compared is equal; 3 different; others as of run.");
  verb.OnChosen([options, action] {
    *action = [options] {
      auto code = Run(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace godwit
