// godwit list | status [JOB] | stop JOB
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/output.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

ordered_json ToJsonObject(const JobStatus& job) {
  ordered_json collections = ordered_json::array();
  for (const CollectionProgress& c : job.collections) {
    collections.push_back({{"source", c.source.ToString()},
                           {"target", c.target.ToString()},
                           {"stage", c.stage},
                           {"rows", c.rows},
                           {"expected_rows", c.expected_rows},
                           {"bytes", c.bytes}});
  }
  return {{"event", "job"},
          {"name", job.name},
          {"state", job.state},
          {"pid", job.pid},
          {"report_file", job.report_file},
          {"collections", std::move(collections)}};
}

void PrintJobs(const std::vector<JobStatus>& jobs) {
  std::vector<std::vector<std::string>> rows = {{"job", "state", "process", "collections", "rows", "size"}};
  for (const JobStatus& job : jobs) {
    int64_t count = 0;
    int64_t bytes = 0;
    for (const CollectionProgress& c : job.collections) {
      count += c.rows;
      bytes += c.bytes;
    }
    rows.push_back({job.name, job.state, job.pid > 0 ? std::to_string(job.pid) : "-",
                    std::to_string(job.collections.size()), FormatCount(count),
                    FormatBytes(static_cast<double>(bytes))});
  }
  std::cout << FormatTable(rows);
}

void PrintCollections(const JobStatus& job) {
  std::vector<std::vector<std::string>> rows = {{"source", "target", "stage", "rows", "of about", "size"}};
  for (const CollectionProgress& c : job.collections) {
    rows.push_back({c.source.ToString(), c.target.ToString(), c.stage, FormatCount(c.rows),
                    FormatCount(c.expected_rows), FormatBytes(static_cast<double>(c.bytes))});
  }
  std::cout << "job " << job.name << ": " << job.state;
  if (job.pid > 0) std::cout << " (process " << job.pid << ")";
  std::cout << "\n" << FormatTable(rows);
  if (!job.report_file.empty()) std::cout << "report: " << job.report_file << "\n";
}

arrow::Result<int> ShowJobs(const CommandOptions& options, const std::string& name) {
  const std::string state_dir = MakeRunOptions(options).state_dir;
  ARROW_ASSIGN_OR_RAISE(auto jobs, ListJobs(state_dir));
  if (!name.empty()) {
    std::erase_if(jobs, [&](const JobStatus& job) { return job.name != name; });
    if (jobs.empty()) return MakeError(ErrorKind::kNotFound, "no job '" + name + "' in " + state_dir);
  }
  if (options.json) {
    for (const JobStatus& job : jobs) std::cout << ToJsonObject(job).dump() << "\n";
  } else if (name.empty()) {
    PrintJobs(jobs);
  } else {
    PrintCollections(jobs.front());
  }
  return 0;
}

}  // namespace

void AddJobs(CLI::App* app, CommandOptions* options, Action* action) {
  auto show = [options, action] {
    *action = [options] {
      auto code = ShowJobs(*options, options->file);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  };
  CLI::App* list = app->add_subcommand("list", "The jobs known in the state folder");
  AddStateDir(list, options);
  list->callback(show);

  CLI::App* status = app->add_subcommand("status", "How far a job is, collection by collection");
  status->add_option("JOB", options->file, "Name of the job; see `godwit list`");
  AddStateDir(status, options);
  status->callback(show);

  CLI::App* stop = app->add_subcommand("stop", "Ask a running job to stop, and wait until it has");
  stop->add_option("JOB", options->file, "Name of the job; see `godwit list`")->required();
  AddStateDir(stop, options);
  stop->callback([options, action] {
    *action = [options] {
      arrow::Status stopped = StopJob(MakeRunOptions(*options).state_dir, options->file);
      return stopped.ok() ? 0 : PrintError(*options, stopped);
    };
  });
}

}  // namespace godwit
