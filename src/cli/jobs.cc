// godwit list | status [JOB] | limit JOB | stop JOB
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/output.h"
#include "engine/limits.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

ordered_json ToJsonObject(const Limits& limits) {
  return {{"rows_per_second", limits.rows_per_second},
          {"bytes_per_second", limits.bytes_per_second},
          {"parallelism", limits.parallelism},
          {"read_parallelism", limits.read_parallelism},
          {"write_parallelism", limits.write_parallelism}};
}

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
          {"limits", ToJsonObject(job.limits)},
          {"limits_changed", job.limits_changed},
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
  std::cout << "limits: " << DescribeLimits(job.limits)
            << (job.limits_changed ? " (set by `godwit limit`, not those of the job file)" : "") << "\n";
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

arrow::Result<int> ChangeLimits(const CommandOptions& options) {
  ARROW_ASSIGN_OR_RAISE(Limits limits, LimitJob(MakeRunOptions(options).state_dir, options.file, options.limits));
  if (options.json) {
    std::cout << ordered_json{{"event", "limits"}, {"name", options.file}, {"limits", ToJsonObject(limits)}}.dump()
              << "\n";
  } else {
    std::cout << "job " << options.file << ": " << DescribeLimits(limits) << "\n";
  }
  return 0;
}

void AddLimit(const Verb& app, CommandOptions* options, Action* action) {
  const Verb limit = app.Add("limit", "Change the limits of a job, also while it runs");
  limit.Required("JOB", &options->file, "Name of the job; see `godwit list`");
  limit.Option("--rows-per-second", &options->limits.rows_per_second, "Most rows a second; 0: no limit");
  limit.Option(
      "--bytes-per-second", "SIZE",
      [options](const std::string& text) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(
            auto value,
            ParseOption({.name = "--bytes-per-second", .type = OptionType::kBytes, .help = {}, .min = 0}, text));
        options->limits.bytes_per_second = std::get<int64_t>(value);
        return arrow::Status::OK();
      },
      "Most bytes a second, as 20MiB; 0: no limit");
  limit.Option("--parallelism", &options->limits.parallelism, "Splits in work at once; 0: by the cores");
  limit.Option("--read-parallelism", &options->limits.read_parallelism,
               "Batches being read at once; 0: as parallelism");
  limit.Option("--write-parallelism", &options->limits.write_parallelism,
               "Batches being written at once; 0: as parallelism");
  limit.Flag("--reset", &options->limits.reset, "Back to the limits of the job file, before what else is given");
  AddStateDir(limit, options);
  limit.Footer(
      "A running job takes them within a second; they hold in later runs, too, until the limits in the job file "
      "change.\n"
      "Without any of these flags the limits in force are shown.\n"
      "Example:\n  godwit limit digits --rows-per-second 500 --parallelism 1");
  limit.OnChosen([options, action] {
    *action = [options] {
      auto code = ChangeLimits(*options);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  });
}

}  // namespace

void AddJobs(const Verb& app, CommandOptions* options, Action* action) {
  auto show = [options, action] {
    *action = [options] {
      auto code = ShowJobs(*options, options->file);
      return code.ok() ? *code : PrintError(*options, code.status());
    };
  };
  const Verb list = app.Add("list", "The jobs known in the state folder");
  AddStateDir(list, options);
  list.OnChosen(show);

  const Verb status = app.Add("status", "How far a job is, collection by collection");
  status.Option("JOB", &options->file, "Name of the job; see `godwit list`");
  AddStateDir(status, options);
  status.OnChosen(show);

  AddLimit(app, options, action);

  const Verb stop = app.Add("stop", "Ask a running job to stop, and wait until it has");
  stop.Required("JOB", &options->file, "Name of the job; see `godwit list`");
  AddStateDir(stop, options);
  stop.OnChosen([options, action] {
    *action = [options] {
      arrow::Status stopped = StopJob(MakeRunOptions(*options).state_dir, options->file);
      return stopped.ok() ? 0 : PrintError(*options, stopped);
    };
  });
}

}  // namespace godwit
