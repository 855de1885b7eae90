#include "engine/limits.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace godwit {
namespace {

// A change is to hold within a second.
constexpr std::chrono::milliseconds kLookEvery{500};

int32_t Resolve(int32_t parallelism) {
  if (parallelism > 0) return parallelism;
  return std::clamp<int32_t>(static_cast<int32_t>(std::thread::hardware_concurrency()), 2, 8);
}

Limits Resolve(Limits limits) {
  limits.parallelism = Resolve(limits.parallelism);
  for (int32_t* part : {&limits.read_parallelism, &limits.write_parallelism}) {
    *part = *part > 0 ? std::min(*part, limits.parallelism) : limits.parallelism;
  }
  return limits;
}

bool IsEmpty(const LimitChange& change) { return change == LimitChange{}; }

}  // namespace

Limits LimitsOf(const Tuning& tuning) {
  return {.rows_per_second = tuning.rows_per_second,
          .bytes_per_second = tuning.bytes_per_second,
          .parallelism = tuning.parallelism,
          .read_parallelism = tuning.read_parallelism,
          .write_parallelism = tuning.write_parallelism};
}

Limits InForce(const JournaledLimits& journaled) {
  const LimitChange& change = journaled.change;
  Limits limits = journaled.file;
  limits.rows_per_second = change.rows_per_second.value_or(limits.rows_per_second);
  limits.bytes_per_second = change.bytes_per_second.value_or(limits.bytes_per_second);
  limits.parallelism = change.parallelism.value_or(limits.parallelism);
  limits.read_parallelism = change.read_parallelism.value_or(limits.read_parallelism);
  limits.write_parallelism = change.write_parallelism.value_or(limits.write_parallelism);
  return Resolve(limits);
}

std::string DescribeLimits(const Limits& limits) {
  std::string text;
  if (limits.rows_per_second > 0) text += fmt::format("{} rows/s, ", limits.rows_per_second);
  if (limits.bytes_per_second > 0) text += fmt::format("{} bytes/s, ", limits.bytes_per_second);
  if (text.empty()) text = "no rate, ";
  text += fmt::format("parallelism {}", limits.parallelism);
  if (limits.read_parallelism < limits.parallelism) text += fmt::format(", reading {}", limits.read_parallelism);
  if (limits.write_parallelism < limits.parallelism) text += fmt::format(", writing {}", limits.write_parallelism);
  return text;
}

Budgets::Budgets(const Tuning& tuning, const RunOptions& options)
    : memory(tuning.memory_bytes), splits(1), readers(1), writers(1) {
  const Limits now = Resolve(LimitsOf(tuning));
  Set(now);
  limits.memory = &memory;
  limits.splits = &splits;
  limits.readers = &readers;
  limits.writers = &writers;
  limits.rows_rate = &rows_rate;
  limits.bytes_rate = &bytes_rate;
  limits.limit_verify = tuning.limit_verify;
  // A split in work holds about six batches: two being read, two waiting, one or two being written.
  const int64_t smallest = std::min<int64_t>(64 << 10, tuning.batch_bytes);
  limits.batch_bytes = std::clamp<int64_t>(tuning.memory_bytes / (6LL * now.parallelism), smallest, tuning.batch_bytes);
  limits.split_bytes = tuning.split_bytes;
  limits.retry_for_ms = tuning.retry_for_ms;
  limits.scratch_dir = options.state_dir;
  limits.stop = options.stop;
  limits.note = options.on_note;
}

void Budgets::Set(const Limits& now) {
  splits.SetCapacity(now.parallelism);
  readers.SetCapacity(now.read_parallelism);
  writers.SetCapacity(now.write_parallelism);
  rows_rate.SetRate(now.rows_per_second);
  bytes_rate.SetRate(now.bytes_per_second);
}

arrow::Result<std::unique_ptr<LimitWatch>> LimitWatch::Start(Journal* journal, const Tuning& tuning, Budgets* budgets) {
  ARROW_ASSIGN_OR_RAISE(JournaledLimits journaled, journal->ReadLimits());
  const WorkLimits& limits = budgets->limits;
  const Limits file = LimitsOf(tuning);
  if (!(journaled.file == file) && !IsEmpty(journaled.change)) {
    if (limits.note) limits.note("the job file has other limits than before; those of `godwit limit` are forgotten");
    ARROW_RETURN_NOT_OK(journal->SaveLimitChange({}));
    journaled.change = {};
  }
  journaled.file = file;
  ARROW_RETURN_NOT_OK(journal->SaveFileLimits(file));
  const Limits now = InForce(journaled);
  budgets->Set(now);
  if (!IsEmpty(journaled.change) && limits.note) {
    limits.note("limits of `godwit limit` hold, not those of the job file: " + DescribeLimits(now));
  }
  std::unique_ptr<LimitWatch> watch(new LimitWatch(journal, budgets, now));
  watch->thread_ = std::thread([self = watch.get()] { self->Run(); });
  return watch;
}

LimitWatch::~LimitWatch() {
  ended_.RequestStop();
  thread_.join();
}

void LimitWatch::Run() {
  while (!ended_.WaitFor(kLookEvery)) {
    // A journal that can't be read ends the job by itself; its limits then matter no more.
    (void)Look();
  }
}

arrow::Status LimitWatch::Look() {
  ARROW_ASSIGN_OR_RAISE(int64_t version, journal_.OthersVersion());
  if (std::exchange(version_, version) == version) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(JournaledLimits journaled, journal_.ReadLimits());
  const Limits now = InForce(journaled);
  if (now == now_) return arrow::Status::OK();
  now_ = now;
  budgets_.Set(now);
  if (budgets_.limits.note) budgets_.limits.note("limits from now on: " + DescribeLimits(now));
  return arrow::Status::OK();
}

}  // namespace godwit
