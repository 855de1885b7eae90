#include "cli/cli.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "config/load.h"

namespace godwit {
namespace {

std::string DefaultStateDir() {
  if (const char* dir = std::getenv("GODWIT_STATE_DIR"); dir != nullptr && *dir != 0) return dir;
  if (const char* dir = std::getenv("XDG_STATE_HOME"); dir != nullptr && *dir != 0) return std::string(dir) + "/godwit";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0) {
    return std::string(home) + "/.local/state/godwit";
  }
  return ".godwit";
}

int ExitCodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidConfig:
      return 2;
    case ErrorKind::kSourceChanging:
      return 3;
    case ErrorKind::kCancelled:
      return 130;
    default:
      return 1;
  }
}

}  // namespace

void AddStateDir(const Verb& verb, CommandOptions* options) {
  verb.Option("--state-dir", &options->state_dir,
              "Folder of journals and reports (default: $GODWIT_STATE_DIR, else $XDG_STATE_HOME/godwit or "
              "~/.local/state/godwit)");
  verb.Flag("--json", &options->json, "Print JSON, one object a line");
}

void AddJobFlags(const Verb& verb, CommandOptions* options) {
  const Verb group = verb.OneOf("job file");
  group.Option("FILE", &options->file, "godwit.yaml, migration.conf, ...");
  group.Option("-c,--config", &options->file, "The same, as other tools write it");
  AddStateDir(verb, options);
  verb.Flag("-v,--verbose", &options->verbose, "Tell more of what is done");
}

void AddSkip(const Verb& verb, CommandOptions* options) {
  verb.Option("--skip", &options->skip, "An item of the precheck to leave out; may be given several times");
}

arrow::Result<JobSpec> LoadJob(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(JobSpec spec, LoadJobFile(options.file, AllStores(), LoadOptions{}));
  if (options.json) return spec;
  std::cerr << options.file << ": read as " << spec.dialect << ", job '" << spec.name << "'\n";
  for (const std::string& note : spec.notes) std::cerr << options.file << ": note: " << note << "\n";
  return spec;
}

RunOptions MakeRunOptions(const CommandOptions& options) {
  RunOptions run;
  run.state_dir = options.state_dir.empty() ? DefaultStateDir() : options.state_dir;
  run.restart = options.restart;
  run.skip = options.skip;
  run.stop = options.stop;
  return run;
}

int PrintError(const CommandOptions& options, const arrow::Status& status) {
  const int code = ExitCodeOf(KindOf(status));
  if (options.json) {
    nlohmann::ordered_json object = {
        {"event", "error"}, {"kind", ToString(KindOf(status))}, {"error", Describe(status)}, {"exit_code", code}};
    std::cout << object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    std::cerr << "godwit: " << Describe(status) << "\n";
  }
  return code;
}

}  // namespace godwit
