// Limits of whole jobs: kept, changed on the way, kept by the next run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "engine/faulty_store.h"
#include "godwit/job.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

class LimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("godwit-limits-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.state_dir = dir_ / "state";
    options_.on_note = [this](std::string_view note) {
      std::lock_guard lock(mutex_);
      notes_ += std::string(note) + "\n";
    };
  }
  void TearDown() override { fs::remove_all(dir_); }

  static StoreSpec Store(const std::string& store, OptionScope scope, const std::map<std::string, std::string>& texts) {
    const StoreFactory& factory = *FindStore(AllStores(), store);
    OptionValues values;
    for (const Option& option : factory.options) {
      if (auto text = texts.find(option.name); text != texts.end()) {
        values.Set(option.name, ParseOption(option, text->second).ValueOrDie());
      }
    }
    EXPECT_TRUE(FillDefaults(factory.options, scope, &values).ok());
    return {store, values, "test"};
  }

  JobSpec Spec(int64_t rows, int64_t rows_per_second) {
    JobSpec spec;
    spec.name = "job";
    spec.dialect = "test";
    spec.source = Store("synthetic", OptionScope::kSource, {{"rows", std::to_string(rows)}, {"dim", "8"}});
    spec.target = Store("sqlite", OptionScope::kTarget, {{"path", (dir_ / "out.db").string()}});
    spec.tuning.parallelism = 2;
    spec.tuning.rows_per_second = rows_per_second;
    return spec;
  }

  Report Run(const JobSpec& spec, const Fault& fault) {
    StoreRegistry stores;
    for (const StoreFactory& store : AllStores()) stores.push_back(WithFaults(store, fault));
    return RunJob(stores, spec, options_).ValueOrDie();
  }

  JobStatus Status() { return ListJobs(options_.state_dir).ValueOrDie().at(0); }

  std::string TakeNotes() {
    std::lock_guard lock(mutex_);
    return std::exchange(notes_, {});
  }

  fs::path dir_;
  RunOptions options_;
  std::mutex mutex_;
  std::string notes_;
};

TEST_F(LimitsTest, TheRateIsNotExceeded) {
  Report report = Run(Spec(4000, 2000), [](const std::string&) { return arrow::Status::OK(); });
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  const CollectionReport& c = report.collections[0];
  EXPECT_LE(static_cast<double>(c.rows) / c.copy_seconds, 2000 * 1.01);
  JobSpec bytes = Spec(4000, 0);
  bytes.name = "bytes";
  bytes.tuning.bytes_per_second = 100'000;
  bytes.data_policy = DataPolicy::kDrop;
  report = Run(bytes, [](const std::string&) { return arrow::Status::OK(); });
  EXPECT_LE(static_cast<double>(report.collections[0].bytes) / report.collections[0].copy_seconds, 101'000);
}

TEST_F(LimitsTest, ARunningJobTakesAChange) {
  std::atomic<int> writes = 0;
  // At 10 rows/s it would take an hour.
  const Report report = Run(Spec(36'000, 10), [&](const std::string& call) {
    if (call == "write" && ++writes == 2) {
      EXPECT_EQ(Status().limits.rows_per_second, 10);
      EXPECT_FALSE(Status().limits_changed);
      const LimitChange change{.rows_per_second = 0, .parallelism = 3, .write_parallelism = 1};
      const Limits now = LimitJob(options_.state_dir, "job", change).ValueOrDie();
      EXPECT_EQ(now, (Limits{0, 0, 3, 3, 1}));
      EXPECT_EQ(Status().limits, now);
      EXPECT_TRUE(Status().limits_changed);
    }
    return arrow::Status::OK();
  });
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_NE(TakeNotes().find("limits from now on: no rate, parallelism 3, writing 1"), std::string::npos);
}

TEST_F(LimitsTest, AChangeHoldsInLaterRunsUntilTheFileChanges) {
  JobSpec spec = Spec(4000, 0);
  const Report stopped = Run(spec, [](const std::string& call) {
    return call == "commit" ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
  });
  EXPECT_EQ(stopped.exit_code, 1);
  ASSERT_TRUE(LimitJob(options_.state_dir, "job", {.rows_per_second = 3000}).ok());
  ASSERT_TRUE(LimitJob(options_.state_dir, "job", {.parallelism = 1}).ok());
  TakeNotes();
  (void)Run(spec, [](const std::string& call) {
    return call == "commit" ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
  });
  EXPECT_NE(TakeNotes().find("limits of `godwit limit` hold, not those of the job file: 3000 rows/s, parallelism 1"),
            std::string::npos);
  EXPECT_EQ(Status().limits.rows_per_second, 3000);
  spec.tuning.rows_per_second = 1'000'000;
  const Report done = Run(spec, [](const std::string&) { return arrow::Status::OK(); });
  EXPECT_EQ(done.exit_code, 0) << ToJson(done);
  EXPECT_NE(TakeNotes().find("are forgotten"), std::string::npos);
  EXPECT_EQ(Status().limits.rows_per_second, 1'000'000);
  EXPECT_FALSE(Status().limits_changed);
}

TEST_F(LimitsTest, ResetAndWrongValues) {
  EXPECT_EQ(KindOf(LimitJob(options_.state_dir, "absent", {}).status()), ErrorKind::kNotFound);
  ASSERT_EQ(Run(Spec(10, 500), [](const std::string&) { return arrow::Status::OK(); }).exit_code, 0);
  EXPECT_EQ(KindOf(LimitJob(options_.state_dir, "job", {.rows_per_second = -1}).status()), ErrorKind::kInvalidConfig);
  EXPECT_EQ(KindOf(LimitJob(options_.state_dir, "job", {.parallelism = 1000}).status()), ErrorKind::kInvalidConfig);
  ASSERT_TRUE(LimitJob(options_.state_dir, "job", {.rows_per_second = 7, .bytes_per_second = 9}).ok());
  const Limits now = LimitJob(options_.state_dir, "job", {.bytes_per_second = 8, .reset = true}).ValueOrDie();
  EXPECT_EQ(now.rows_per_second, 500);
  EXPECT_EQ(now.bytes_per_second, 8);
}

}  // namespace
}  // namespace godwit
