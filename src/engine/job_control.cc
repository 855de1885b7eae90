// ListJobs, LimitJob and StopJob: jobs as seen from another process, by their state folder.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/durable_file.h"
#include "engine/limits.h"
#include "journal/journal.h"
#include "journal/lease.h"

namespace godwit {
namespace {

std::string StateOf(const std::optional<Journal::SavedReport>& report) {
  if (!report) return "stopped";
  switch (report->verdict) {
    case Verdict::kVerified:
    case Verdict::kCopiedNotVerified:
    case Verdict::kStructureOnly:
      return "done";
    case Verdict::kStopped:
      return "stopped";
    default:
      return "failed";
  }
}

arrow::Result<JobStatus> ReadStatus(const std::string& state_dir, const std::string& name) {
  JobStatus status{.name = name, .state = {}, .pid = 0, .collections = {}, .report_file = {}};
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(JournalPath(state_dir, name)));
  ARROW_ASSIGN_OR_RAISE(auto holder, Lease::Holder(LockPath(state_dir, name)));
  ARROW_ASSIGN_OR_RAISE(auto report, journal->LastReport());
  status.state = holder ? "running" : StateOf(report);
  status.pid = holder.value_or(0);
  if (report) status.report_file = ReportPath(state_dir, name);
  ARROW_ASSIGN_OR_RAISE(JournaledLimits limits, journal->ReadLimits());
  status.limits = InForce(limits);
  status.limits_changed = !(status.limits == InForce({limits.file, {}}));
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  for (const JournaledCollection& collection : collections) {
    CollectionProgress progress{.source = collection.source.ref, .target = collection.target.ref, .stage = {}};
    progress.stage = ToString(collection.stage);
    ARROW_ASSIGN_OR_RAISE(auto splits, journal->Splits(collection.id));
    for (const JournaledSplit& split : splits) {
      progress.expected_rows += split.split.estimated_rows;
      if (!split.receipt) continue;
      progress.rows += split.receipt->progress.digest.rows;
      progress.bytes += split.receipt->progress.bytes;
    }
    status.collections.push_back(std::move(progress));
  }
  return status;
}

}  // namespace

arrow::Result<std::vector<JobStatus>> ListJobs(const std::string& state_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir, error)) {
    if (entry.path().extension() == ".journal") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<JobStatus> jobs;
  for (const std::string& name : names) {
    auto status = ReadStatus(state_dir, name);
    if (!status.ok()) status = JobStatus{.name = name, .state = "unreadable: " + Describe(status.status())};
    jobs.push_back(std::move(*status));
  }
  return jobs;
}

arrow::Result<Limits> LimitJob(const std::string& state_dir, const std::string& name, const LimitChange& change) {
  const std::string path = JournalPath(state_dir, name);
  if (!std::filesystem::exists(path)) {
    return MakeError(ErrorKind::kNotFound, "no job '" + name + "' in " + state_dir +
                                               "; see `godwit list`. The limits of a job that was not begun are those "
                                               "of its file");
  }
  constexpr int32_t kMostAtOnce = 256;
  for (const auto& rate : {change.rows_per_second, change.bytes_per_second}) {
    if (rate.value_or(0) < 0) return MakeError(ErrorKind::kInvalidConfig, "a rate is 0 (no limit) or more");
  }
  for (const auto& at_once : {change.parallelism, change.read_parallelism, change.write_parallelism}) {
    if (at_once.value_or(0) < 0 || at_once.value_or(0) > kMostAtOnce) {
      return MakeError(ErrorKind::kInvalidConfig, "a parallelism is from 0 (as usual) to 256");
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(path));
  ARROW_ASSIGN_OR_RAISE(JournaledLimits limits, journal->ReadLimits());
  LimitChange& now = limits.change;
  if (change.reset) now = {};
  auto set = [](const auto& from, auto* to) {
    if (from) *to = from;
  };
  set(change.rows_per_second, &now.rows_per_second);
  set(change.bytes_per_second, &now.bytes_per_second);
  set(change.parallelism, &now.parallelism);
  set(change.read_parallelism, &now.read_parallelism);
  set(change.write_parallelism, &now.write_parallelism);
  if (!(change == LimitChange{})) ARROW_RETURN_NOT_OK(journal->SaveLimitChange(now));
  return InForce(limits);
}

arrow::Status StopJob(const std::string& state_dir, const std::string& name) {
  if (!std::filesystem::exists(JournalPath(state_dir, name))) {
    return MakeError(ErrorKind::kNotFound, "no job '" + name + "' in " + state_dir + "; see `godwit list`");
  }
  const std::string lock = LockPath(state_dir, name);
  ARROW_ASSIGN_OR_RAISE(auto holder, Lease::Holder(lock));
  if (!holder) return arrow::Status::OK();
  if (*holder <= 0) return MakeError(ErrorKind::kUnavailable, "the job is just being started; try again");
  if (::kill(*holder, SIGTERM) != 0) return ErrnoStatus(errno, "stop process " + std::to_string(*holder));
  constexpr auto kPatience = std::chrono::seconds(30);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  while (Clock::now() - start < kPatience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ARROW_ASSIGN_OR_RAISE(auto now, Lease::Holder(lock));
    if (now != holder) return arrow::Status::OK();
  }
  return MakeError(ErrorKind::kUnavailable, "process " + std::to_string(*holder) + " did not stop within 30 s");
}

}  // namespace godwit
