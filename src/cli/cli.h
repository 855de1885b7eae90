// The command line: one file a verb. Each adds its verbs and puts into the Action what is done.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "godwit/job.h"
#include "godwit/stop_token.h"

namespace godwit {

/// Flags that most verbs share.
struct CommandOptions {
  std::string file;
  std::string state_dir;
  bool json = false;
  bool verbose = false;
  bool restart = false;
  std::string master;                    // SeaTunnel's -m
  std::vector<std::string> collections;  // verify: names and patterns
  std::string filter;                    // verify: a condition on the rows of the source
  std::string sample;                    // verify: as in SampleSize::Parse
  bool repair = false;
  std::vector<std::string> skip;  // check and run: items of the precheck
  bool read_keys = false;         // check
  bool read_rows = false;         // check
  std::string differences;        // a file
  std::string format;             // of it
  bool ddl = false;               // plan: what would be created
  std::string selection;          // plan: a file for the list of collections
  LimitChange limits;
  StopToken stop;
};

/// What was chosen on the command line; returns the exit code.
using Action = std::function<int()>;

/// `options` and `action` live longer than the app.
void AddRun(const Verb& app, CommandOptions* options, Action* action);
void AddCheck(const Verb& app, CommandOptions* options, Action* action);
void AddPlan(const Verb& app, CommandOptions* options, Action* action);
void AddVerify(const Verb& app, CommandOptions* options, Action* action);
void AddJobs(const Verb& app, CommandOptions* options, Action* action);    // status, list, limit, stop
void AddStores(const Verb& app, CommandOptions* options, Action* action);  // stores, failpoints

/// FILE, --config, --state-dir, --json, -v.
void AddJobFlags(const Verb& verb, CommandOptions* options);
/// --skip.
void AddSkip(const Verb& verb, CommandOptions* options);
void AddStateDir(const Verb& verb, CommandOptions* options);

/// Loads the job file and prints what the user should know of how it was understood.
arrow::Result<JobSpec> LoadJob(const CommandOptions& options);
/// The options of a run, without its callbacks.
RunOptions MakeRunOptions(const CommandOptions& options);
/// Prints the error, as text to stderr or as JSON to stdout; returns the exit code.
int PrintError(const CommandOptions& options, const arrow::Status& status);

}  // namespace godwit
