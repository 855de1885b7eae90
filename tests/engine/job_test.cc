// Whole jobs inside one process, on the rooms that need no server: every failure of a peer ends in an exact target.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>

#include "base/sqlite.h"
#include "engine/faulty_store.h"
#include "godwit/job.h"
#include "journal/journal.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRows = 20'000;

class JobTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("godwit-job-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.state_dir = dir_ / "state";
  }
  void TearDown() override { fs::remove_all(dir_); }

  static OptionValues Values(const StoreFactory& factory, OptionScope scope,
                             const std::map<std::string, std::string>& texts) {
    OptionValues values;
    for (const Option& option : factory.options) {
      if (auto text = texts.find(option.name); text != texts.end()) {
        values.Set(option.name, ParseOption(option, text->second).ValueOrDie());
      }
    }
    EXPECT_TRUE(FillDefaults(factory.options, scope, &values).ok());
    return values;
  }

  StoreSpec SourceSpec(const std::string& store, const std::map<std::string, std::string>& texts) {
    return {store, Values(*FindStore(AllStores(), store), OptionScope::kSource, texts), "test"};
  }
  StoreSpec TargetSpec(const std::string& store, const std::map<std::string, std::string>& texts) {
    return {store, Values(*FindStore(AllStores(), store), OptionScope::kTarget, texts), "test"};
  }

  /// synthetic -> sqlite, with small batches and a commit at every batch.
  JobSpec Spec() {
    JobSpec spec;
    spec.name = "job";
    spec.dialect = "test";
    spec.source = SourceSpec("synthetic", {{"rows", std::to_string(kRows)}, {"dim", "8"}});
    spec.target = TargetSpec("sqlite", {{"path", Path("out.db")}});
    spec.tuning.parallelism = 2;
    spec.tuning.batch_bytes = 64 << 10;
    spec.tuning.split_bytes = 256 << 10;
    spec.tuning.commit_bytes = 64 << 10;
    spec.tuning.retry_for_ms = 5000;
    return spec;
  }

  std::string Path(const std::string& name) const { return (dir_ / name).string(); }

  /// Both stores of the registry ask the same fault.
  static StoreRegistry Faulty(const Fault& fault) {
    StoreRegistry stores;
    for (const StoreFactory& store : AllStores()) stores.push_back(WithFaults(store, fault));
    return stores;
  }

  int64_t Count(const std::string& sql) {
    auto db = SqliteDatabase::Open(Path("out.db"), SqliteDatabase::Mode::kReadOnly, 1000).ValueOrDie();
    auto statement = db->Prepare(sql).ValueOrDie();
    EXPECT_TRUE(statement.Step().ValueOrDie());
    return statement.Int(0);
  }

  void ExpectWhole(const Report& report) {
    EXPECT_EQ(report.verdict, Verdict::kVerified) << ToJson(report);
    EXPECT_EQ(report.exit_code, 0);
    ASSERT_EQ(report.collections.size(), 1u);
    EXPECT_EQ(report.collections[0].rows, kRows);
    EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
    EXPECT_EQ(Count("SELECT count(DISTINCT id) FROM synthetic"), kRows);
  }

  fs::path dir_;
  RunOptions options_;
};

TEST_F(JobTest, CopiesAndVerifies) {
  Report report = RunJob(AllStores(), Spec(), options_).ValueOrDie();
  ExpectWhole(report);
  EXPECT_FALSE(report.resumed);
  EXPECT_TRUE(fs::exists(report.report_file));
}

TEST_F(JobTest, AFinishedJobWritesNothingAgain) {
  Report first = RunJob(AllStores(), Spec(), options_).ValueOrDie();
  std::atomic<int> calls = 0;
  Report second =
      RunJob(Faulty([&](const std::string&) { return ++calls, arrow::Status::OK(); }), Spec(), options_).ValueOrDie();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(second.collections[0].digest, first.collections[0].digest);
  EXPECT_EQ(second.collections[0].rows, first.collections[0].rows);
  ExpectWhole(second);
  EXPECT_FALSE(first.collections[0].done_earlier);
  EXPECT_TRUE(second.collections[0].done_earlier);
  EXPECT_EQ(first.collections[0].verified_at.size(), std::string("2025-01-31T12:00:00Z").size());
  EXPECT_EQ(second.collections[0].verified_at, first.collections[0].verified_at);
  EXPECT_NE(second.collections[0].notes.back().find("not compared again"), std::string::npos);
}

TEST_F(JobTest, AFinishedJobNoticesThatItsRowsAreGone) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  auto change = [&](const std::string& sql) {
    auto db = SqliteDatabase::Open(Path("out.db"), SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
    ASSERT_TRUE(db->Execute(sql).ok());
  };
  auto again = [&] { return RunJob(AllStores(), Spec(), options_).ValueOrDie(); };
  change("DELETE FROM synthetic WHERE id = (SELECT min(id) FROM synthetic)");
  Report report = again();
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_NE(report.collections[0].error.find("it holds 19999 rows"), std::string::npos) << report.collections[0].error;
  EXPECT_EQ(VerifyJob(AllStores(), Spec(), options_, {.repair = true}).ValueOrDie().exit_code, 0);
  report = again();
  ExpectWhole(report);
  EXPECT_TRUE(report.collections[0].done_earlier);
  change("DROP TABLE synthetic");
  report = again();
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("is gone"), std::string::npos) << report.collections[0].error;
}

/// synthetic -> files.
class ExportTest : public JobTest {
 protected:
  JobSpec Export(const std::string& folder, int64_t rows = kRows) {
    JobSpec spec = Spec();
    spec.source = SourceSpec("synthetic", {{"rows", std::to_string(rows)}, {"dim", "8"}});
    spec.target = TargetSpec("files", {{"path", Path(folder)}});
    spec.data_policy = DataPolicy::kDrop;
    return spec;
  }
  Report Run(const JobSpec& spec) { return RunJob(AllStores(), spec, options_).ValueOrDie(); }

  std::string DataFile(const std::string& folder) const {
    for (const auto& entry : fs::recursive_directory_iterator(Path(folder))) {
      if (entry.path().extension() == ".parquet") return entry.path().string();
    }
    return {};
  }
};

TEST_F(ExportTest, AFinishedOneNoticesThatItsFilesChanged) {
  JobSpec spec = Export("out");
  spec.data_policy = DataPolicy::kStop;
  EXPECT_EQ(Run(spec).exit_code, 0);
  Report report = Run(spec);
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_TRUE(report.collections[0].done_earlier);
  const std::string file = DataFile("out");
  fs::resize_file(file, 100);
  report = Run(spec);
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_NE(report.collections[0].error.find(file), std::string::npos) << report.collections[0].error;
  EXPECT_NE(report.collections[0].error.find("100 bytes"), std::string::npos);
  fs::remove(file);
  report = Run(spec);
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_NE(report.collections[0].error.find("missing"), std::string::npos) << report.collections[0].error;
  fs::remove_all(Path("out"));
  report = Run(spec);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("run --restart"), std::string::npos) << report.collections[0].error;
}

TEST_F(ExportTest, ThatReplacesIsMadeAgain) {
  Report report = Run(Export("out"));
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_TRUE(report.collections[0].notes.empty()) << report.collections[0].notes[0];
  ASSERT_TRUE(LimitJob(options_.state_dir, "job", {.read_parallelism = 1}).ok());
  for (const bool removed : {false, true}) {
    if (removed) fs::remove_all(Path("out"));
    EXPECT_EQ(PlanJob(AllStores(), Export("out"), options_).ValueOrDie().collections[0].drop_target, !removed);
    report = Run(Export("out"));
    EXPECT_EQ(report.exit_code, 0) << ToJson(report);
    EXPECT_FALSE(report.collections[0].done_earlier);
    EXPECT_FALSE(report.resumed);
    EXPECT_EQ(report.collections[0].notes.empty(), removed) << ToJson(report);
    EXPECT_FALSE(DataFile("out").empty());
  }
  EXPECT_EQ(ListJobs(options_.state_dir).ValueOrDie().at(0).limits.read_parallelism, 1);
  // To another place, and of another source.
  report = Run(Export("elsewhere", 100));
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, 100);
  EXPECT_FALSE(DataFile("out").empty());
}

TEST_F(ExportTest, ThatWasInterruptedGoesOn) {
  ASSERT_EQ(Run(Export("out")).exit_code, 0);
  for (const std::string call : {"commit", "finalize", "publish"}) {
    Fault fault = [&](const std::string& name) {
      return name == call ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
    };
    Report report = RunJob(Faulty(fault), Export("out"), options_).ValueOrDie();
    EXPECT_EQ(report.exit_code, 1) << ToJson(report);
    EXPECT_FALSE(report.resumed);
    EXPECT_EQ(RunJob(AllStores(), Export("elsewhere"), options_).status().message().find("was begun with another"),
              std::string("job 'job' ").size());
    report = Run(Export("out"));
    EXPECT_EQ(report.exit_code, 0) << ToJson(report);
    EXPECT_TRUE(report.resumed);
    EXPECT_FALSE(report.collections[0].done_earlier);
  }
}

TEST_F(ExportTest, IsRefusedInsideWhatItReads) {
  ASSERT_EQ(Run(Export("in")).exit_code, 0);
  fs::create_directory_symlink(Path("in"), Path("link"));
  auto refusal = [&](const std::map<std::string, std::string>& target) {
    JobSpec spec = Export("");
    spec.name = "nested";
    spec.source = SourceSpec("files", {{"path", Path("in")}});
    spec.target = TargetSpec("files", target);
    return RunJob(AllStores(), spec, options_).status();
  };
  for (const auto& target : std::vector<std::map<std::string, std::string>>{
           {{"path", Path("in/synthetic/out")}},
           {{"path", Path("link/synthetic/out")}},
           {{"path", Path("out")}, {"staging", Path("in/synthetic/stage")}}}) {
    const arrow::Status status = refusal(target);
    EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig) << Describe(status);
    EXPECT_NE(status.message().find("inside the folder of the source"), std::string::npos) << Describe(status);
  }
  EXPECT_TRUE(refusal({{"path", Path("in/out")}}).ok());  // beside the collection
}

/// Files that a job is asked to write, and what is said against each.
TEST_F(JobTest, ListsNeverReplaceWhatIsNotTheirs) {
  const auto write = [&](const std::string& name, const std::string& text) { std::ofstream(Path(name)) << text; };
  const std::string list = R"({"source":"a","target":"b","partition":"","key":"1","reason":"x","row":{}})";
  write("job.yaml", "source: x\n");
  write("foreign.jsonl", "{}\n");
  write("list.jsonl", list + "\n");
  write("empty.jsonl", "");
  fs::create_directories(Path("state"));
  fs::create_directories(Path("folder"));
  fs::create_directories(Path("in"));
  fs::create_symlink(Path("in"), Path("link"));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"job.yaml", "is the job file"},
      {"foreign.jsonl", "no list of godwit's"},
      {"in/r.jsonl", "is in the source (path: "},
      {"link/r.jsonl", "is in the source (path: "},
      {"out.db", "is in the target (path: "},
      {"state/other.journal", "state folder"},
      {"state/other.rejects.jsonl", "state folder"},
      {"state/job.conflicts.jsonl", "state folder"},
      {"folder", "is no file"},
      {"absent/r.jsonl", "there is no folder"},
      {"state/job.rejects.jsonl", ""},
      {"state/refused.jsonl", ""},
      {"list.jsonl", ""},
      {"empty.jsonl", ""},
      {"new.jsonl", ""},
  };
  JobSpec spec = Spec();
  spec.file = Path("job.yaml");
  spec.source = SourceSpec("files", {{"path", Path("in")}});
  auto expect = [](const arrow::Status& status, const std::string& path, const std::string& said) {
    EXPECT_EQ(KindOf(status) == ErrorKind::kInvalidConfig, !said.empty()) << path << Describe(status);
    EXPECT_NE(Describe(status).find(said), std::string::npos) << path << ": " << Describe(status);
  };
  for (const auto& [path, said] : cases) {
    spec.rejects_file = Path(path);
    if (!said.empty()) expect(RunJob(AllStores(), spec, options_).status(), path, said);
    expect(CheckJob(AllStores(), spec, options_).status(), path, said);
  }
  spec.setting_where["rejects_file"] = "job.yaml:4:15";
  expect(CheckJob(AllStores(), spec, options_).status(), "new", "");
  spec.rejects_file = Path("absent/r.jsonl");
  expect(CheckJob(AllStores(), spec, options_).status(), "place", "job.yaml:4:15: rejects_file: ");
  spec.rejects_file = spec.conflicts_file = Path("both.jsonl");
  expect(RunJob(AllStores(), spec, options_).status(), "both", "name two files");
  EXPECT_EQ(std::ifstream(Path("foreign.jsonl")).get(), '{');
}

TEST_F(JobTest, DifferencesNeverReplaceAFile) {
  ASSERT_EQ(RunJob(AllStores(), Spec(), options_).ValueOrDie().exit_code, 0);
  auto verify = [&](const std::string& name) {
    return VerifyJob(AllStores(), Spec(), options_, {.differences_file = Path(name)}).status();
  };
  EXPECT_TRUE(verify("d.txt").ok());
  std::ofstream(Path("old.txt")) << "mine";
  for (const std::string name : {"old.txt", "out.db", "absent/d.txt", "state/x.lock"}) {
    EXPECT_EQ(KindOf(verify(name)), ErrorKind::kInvalidConfig) << name;
  }
  EXPECT_FALSE(fs::exists(Path("absent")));
  EXPECT_EQ(fs::file_size(Path("old.txt")), 4u);
}

/// Every call of every kind fails once, in turn: as unavailable, and with an unknown outcome.
class FaultTest : public JobTest, public testing::WithParamInterface<std::tuple<const char*, ErrorKind>> {};

TEST_P(FaultTest, AFailureThatPassesIsSurvived) {
  auto [name, kind] = GetParam();
  for (int nth : {1, 2, 5, 11}) {
    fs::remove_all(dir_);
    std::atomic<int> hits = 0;
    Fault fault = [&, name = std::string(name), kind = kind](const std::string& call) {
      if (call != name || ++hits != nth) return arrow::Status::OK();
      return MakeError(kind, "injected");
    };
    Report report = RunJob(Faulty(fault), Spec(), options_).ValueOrDie();
    ExpectWhole(report);
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultTest,
                         testing::Combine(testing::Values("next", "write", "commit", "after_commit", "recover"),
                                          testing::Values(ErrorKind::kUnavailable, ErrorKind::kOutcomeUnknown,
                                                          ErrorKind::kThrottled)),
                         [](const auto& param) {
                           std::string name = std::get<0>(param.param);
                           name += "_" + std::to_string(static_cast<int>(std::get<1>(param.param)));
                           return name;
                         });

/// Every call fails for good, in turn; the next run goes on.
TEST_F(JobTest, ALastingFailureIsResumed) {
  for (const std::string name : {"next", "write", "commit", "after_commit", "recover"}) {
    fs::remove_all(dir_);
    for (int nth = 1; nth <= 40; nth += 13) {
      std::atomic<int> hits = 0;
      Fault fault = [&](const std::string& call) {
        return call == name && ++hits >= nth ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
      };
      Report report = RunJob(Faulty(fault), Spec(), options_).ValueOrDie();
      if (report.exit_code == 0) break;  // everything before the n-th call was done by the earlier tries
      EXPECT_EQ(report.exit_code, 1);
      EXPECT_NE(report.collections[0].error.find("injected"), std::string::npos);
    }
    ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  }
}

TEST_F(JobTest, AStopLeavesACleanJournal) {
  std::atomic<int> hits = 0;
  RunOptions stopped = options_;
  stopped.stop = StopToken();  // a copy would share the flag
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++hits == 7) stopped.stop.RequestStop();
    return arrow::Status::OK();
  };
  Report report = RunJob(Faulty(fault), Spec(), stopped).ValueOrDie();
  EXPECT_EQ(report.exit_code, 130) << ToJson(report);
  Report resumed = RunJob(AllStores(), Spec(), options_).ValueOrDie();
  EXPECT_TRUE(resumed.resumed);
  ExpectWhole(resumed);
}

TEST_F(JobTest, ASecondRunnerIsRefused) {
  arrow::Status second;
  std::atomic<int> hits = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++hits == 1) second = RunJob(AllStores(), Spec(), options_).status();
    return arrow::Status::OK();
  };
  ExpectWhole(RunJob(Faulty(fault), Spec(), options_).ValueOrDie());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(KindOf(second), ErrorKind::kConflict);
}

TEST_F(JobTest, AnotherJobOfTheSameNameIsRefused) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  JobSpec other = Spec();
  other.target = TargetSpec("sqlite", {{"path", Path("other.db")}});
  arrow::Status status = RunJob(AllStores(), other, options_).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kConflict);
  EXPECT_FALSE(fs::exists(Path("other.db")));
}

TEST_F(JobTest, TuningMayChangeBetweenRuns) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  JobSpec tuned = Spec();
  tuned.tuning.parallelism = 1;
  tuned.tuning.batch_bytes = 1 << 20;
  ExpectWhole(RunJob(AllStores(), tuned, options_).ValueOrDie());
}

TEST_F(JobTest, ATargetThatHoldsRowsStopsTheJob) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  options_.state_dir = Path("state2");
  Report report = RunJob(AllStores(), Spec(), options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("if_not_empty"), std::string::npos) << report.collections[0].error;
}

TEST_F(JobTest, OverwriteKeepsOtherRows) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  JobSpec spec = Spec();
  spec.source = SourceSpec("synthetic", {{"rows", "100"}, {"dim", "8"}, {"seed", "2"}});
  spec.data_policy = DataPolicy::kOverwrite;
  options_.state_dir = Path("state2");
  Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, 100);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
}

TEST_F(JobTest, DropReplacesEverything) {
  ExpectWhole(RunJob(AllStores(), Spec(), options_).ValueOrDie());
  JobSpec spec = Spec();
  spec.source = SourceSpec("synthetic", {{"rows", "100"}, {"dim", "8"}, {"seed", "2"}});
  spec.data_policy = DataPolicy::kDrop;
  options_.state_dir = Path("state2");
  Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), 100);
}

TEST_F(JobTest, ACollectionThatVanishesHalfwayFailsByName) {
  JobSpec fill = Spec();
  fill.name = "fill";
  fill.source = SourceSpec("synthetic", {{"rows", "5000"}, {"dim", "8"}, {"collections", "2"}});
  fill.target = TargetSpec("sqlite", {{"path", Path("in.db")}});
  ASSERT_EQ(RunJob(AllStores(), fill, options_).ValueOrDie().exit_code, 0);
  JobSpec spec = Spec();
  spec.source = SourceSpec("sqlite", {{"path", Path("in.db")}});
  RunOptions stopped = options_;
  stopped.stop = StopToken();
  std::atomic<int> writes = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++writes == 3) stopped.stop.RequestStop();
    return arrow::Status::OK();
  };
  EXPECT_EQ(RunJob(Faulty(fault), spec, stopped).ValueOrDie().exit_code, 130);
  auto db = SqliteDatabase::Open(Path("in.db"), SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
  ASSERT_TRUE(db->Execute("DROP TABLE synthetic_0000").ok());
  ASSERT_TRUE(db->Execute("DELETE FROM godwit_collections WHERE name = 'synthetic_0000'").ok());
  Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1) << ToJson(report);
  ASSERT_EQ(report.collections.size(), 2u);
  EXPECT_NE(ToJson(report).find("synthetic_0000"), std::string::npos);
}

TEST_F(JobTest, ABatchMayBeSmallerThanTheSmallestUsual) {
  JobSpec spec = Spec();
  spec.tuning.batch_bytes = 4 << 10;
  ExpectWhole(RunJob(AllStores(), spec, options_).ValueOrDie());
}

TEST_F(JobTest, VerificationOffIsSaid) {
  JobSpec spec = Spec();
  spec.verify = false;
  Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 5);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
}

TEST_F(JobTest, OneFailureDoesNotStopTheOthers) {
  JobSpec spec = Spec();
  spec.source = SourceSpec("synthetic", {{"rows", "100"}, {"dim", "8"}, {"collections", "2"}});
  spec.collections = {
      {.source = {"", "synthetic_0000"}}, {.source = {"", "absent"}}, {.source = {"", "synthetic_0001"}}};
  Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1);
  ASSERT_EQ(report.collections.size(), 3u);
  int verified = 0;
  for (const CollectionReport& c : report.collections) verified += c.verdict == Verdict::kVerified ? 1 : 0;
  EXPECT_EQ(verified, 2) << ToJson(report);
}

/// sqlite -> sqlite with a table that changes while it is copied: a source without snapshots.
class ChangingSourceTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    JobSpec fill = Spec();
    fill.name = "fill";
    fill.target = TargetSpec("sqlite", {{"path", Path("in.db")}});
    ASSERT_EQ(RunJob(AllStores(), fill, options_).ValueOrDie().exit_code, 0);
    spec_ = Spec();
    spec_.source = SourceSpec("sqlite", {{"path", Path("in.db")}});
  }

  void Change(const std::string& sql) {
    auto db = SqliteDatabase::Open(Path("in.db"), SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
    ASSERT_TRUE(db->Execute(sql).ok());
  }

  JobSpec spec_;
};

TEST_F(ChangingSourceTest, EndsEqualWhenTheSourceComesToRest) {
  std::atomic<int> writes = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++writes == 5) {
      Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id IN (1, 2, 19999)");
      Change("DELETE FROM synthetic WHERE id IN (3, 4, 19998)");
      Change("INSERT INTO synthetic SELECT id + 1000000, vector FROM synthetic WHERE id IN (7, 8)");
    }
    return arrow::Status::OK();
  };
  Report report = RunJob(Faulty(fault), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, kRows - 1);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows - 1);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic WHERE id IN (3, 4, 19998)"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic WHERE id IN (1000007, 1000008)"), 2);
  EXPECT_EQ(Count("SELECT count(DISTINCT vector) FROM synthetic WHERE id IN (1, 2, 5, 19999)"), 1);
}

TEST_F(ChangingSourceTest, EndsEqualInFilesToo) {
  std::atomic<int> writes = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++writes == 5) {
      Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id IN (1, 2, 19999)");
      Change("DELETE FROM synthetic WHERE id IN (3, 4, 19998)");
    }
    return arrow::Status::OK();
  };
  spec_.target = TargetSpec("files", {{"path", Path("out")}});
  Report report = RunJob(Faulty(fault), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, kRows - 3);
  EXPECT_EQ(report.collections[0].rounds, 1);
}

TEST_F(ChangingSourceTest, IsRefusedWhenTheSourceNeverRests) {
  std::atomic<int64_t> reads = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "next")
      Change("UPDATE synthetic SET vector = randomblob(32) WHERE id = " + std::to_string(reads++ % 5));
    return arrow::Status::OK();
  };
  // 32 random bytes may hold a NaN, which is no matter: all NaN are equal, and the rest of the vector is not.
  Report report = RunJob(Faulty(fault), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_EQ(report.verdict, Verdict::kDifferent);
  EXPECT_FALSE(report.collections[0].difference_sample.empty());
}

TEST_F(ChangingSourceTest, IsRefusedWhenTheSourceChangesItsSchema) {
  std::atomic<int> finalized = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "finalize" && ++finalized == 1) {
      Change("ALTER TABLE synthetic ADD COLUMN extra INTEGER NOT NULL DEFAULT 0");
      Change(R"(UPDATE godwit_collections SET schema_json = json_insert(schema_json, '$.fields[#]', json_remove(
                json_set(json_extract(schema_json, '$.fields[0]'), '$.name', 'extra'), '$.primary_key')))");
    }
    return arrow::Status::OK();
  };
  Report report = RunJob(Faulty(fault), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_NE(report.collections[0].error.find("changed its schema"), std::string::npos) << ToJson(report);
}

TEST_F(ChangingSourceTest, VerifyNamesEveryDifference) {
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  EXPECT_EQ(VerifyJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id = 11");
  Change("DELETE FROM synthetic WHERE id = 12");
  Change("INSERT INTO synthetic SELECT 1000013, vector FROM synthetic WHERE id = 13");
  Report report = VerifyJob(AllStores(), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 3);
  ASSERT_EQ(report.collections[0].differences, 3);
  std::map<std::string, Difference> found;
  for (const Difference& d : report.collections[0].difference_sample) found[d.key] = d;
  EXPECT_EQ(found["11"].side, Difference::Side::kDifferent);
  ASSERT_EQ(found["11"].fields.size(), 1u);
  EXPECT_EQ(found["11"].fields[0].field, "vector");
  EXPECT_EQ(found["11"].fields[0].source_value.substr(0, 1), "[");
  EXPECT_EQ(found["12"].side, Difference::Side::kOnlyTarget);
  EXPECT_EQ(found["1000013"].side, Difference::Side::kOnlySource);
}

TEST_F(ChangingSourceTest, VerifyComparesOnlyWhatItIsAskedFor) {
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  VerifyOptions verify{.collections = {"synth*"}};
  EXPECT_EQ(VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie().collections.size(), 1u);
  verify.collections = {"synthetic", "syntetic"};
  arrow::Status status = VerifyJob(AllStores(), spec_, options_, verify).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig);
  EXPECT_NE(Describe(status).find("did you mean 'synthetic'"), std::string::npos) << Describe(status);
}

TEST_F(ChangingSourceTest, VerifyByARuleLooksForItsRowsOnly) {
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id = 11");
  Change("DELETE FROM synthetic WHERE id = 3");
  Report report = VerifyJob(AllStores(), spec_, options_, {.filter = "id < 10 OR id = 10"}).ValueOrDie();
  EXPECT_EQ(report.verdict, Verdict::kSampleEqual) << ToJson(report);
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_EQ(report.collections[0].sample_rows, report.collections[0].rows);
  EXPECT_GT(report.collections[0].rows, 5);
  EXPECT_LT(report.collections[0].rows, 12);
  report = VerifyJob(AllStores(), spec_, options_, {.filter = "id = 11"}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 3);
  ASSERT_EQ(report.collections[0].differences, 1);
  EXPECT_EQ(report.collections[0].difference_sample[0].key, "11");
  const auto refused = [&](const VerifyOptions& verify) {
    auto ran = VerifyJob(AllStores(), spec_, options_, verify);
    return ran.ok() ? ToJson(*ran) : Describe(ran.status());
  };
  EXPECT_NE(refused({.filter = "no_field = 1"}).find("--filter: "), std::string::npos);
  EXPECT_NE(refused({.filter = "id = 1", .repair = true}).find("leave out --filter"), std::string::npos);
}

TEST_F(ChangingSourceTest, VerifyByARuleReadsTheWholeTargetOnce) {
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  std::atomic<int> batches = 0;
  Fault count = [&](const std::string& call) {
    if (call == "next") ++batches;
    return arrow::Status::OK();
  };
  auto compare = [&](const VerifyOptions& verify) {
    batches = 0;
    return VerifyJob(Faulty(count), spec_, options_, verify).ValueOrDie();
  };
  EXPECT_EQ(compare({}).exit_code, 0);
  const int both_once = batches;
  // A condition on a value: at the target no row passes it any more, and another one of the source's rows is gone.
  const std::string filter = "vector IN (SELECT vector FROM synthetic WHERE id IN (11, 14))";
  EXPECT_EQ(compare({.filter = filter}).verdict, Verdict::kSampleEqual);
  EXPECT_LE(batches, both_once);
  // Nor is the source read to be counted.
  EXPECT_EQ(compare({.sample = SampleSize{.rows = 1}, .filter = filter}).verdict, Verdict::kSampleEqual);
  EXPECT_LE(batches, both_once);
  auto target = SqliteDatabase::Open(Path("out.db"), SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
  ASSERT_TRUE(target
                  ->Execute("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) "
                            "WHERE id IN (11, 12)")
                  .ok());
  ASSERT_TRUE(target->Execute("DELETE FROM synthetic WHERE id = 14").ok());
  Report report = compare({.filter = filter});
  EXPECT_EQ(report.verdict, Verdict::kDifferent) << ToJson(report);
  ASSERT_EQ(report.collections[0].differences, 2) << ToJson(report);
  std::map<std::string, Difference> found;
  for (const Difference& d : report.collections[0].difference_sample) found[d.key] = d;
  EXPECT_EQ(found["11"].side, Difference::Side::kDifferent);
  ASSERT_EQ(found["11"].fields.size(), 1u);
  EXPECT_EQ(found["11"].fields[0].field, "vector");
  EXPECT_EQ(found["14"].side, Difference::Side::kOnlySource);
}

TEST_F(ChangingSourceTest, ASampleIsTheSameOnBothSides) {
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  VerifyOptions verify{.sample = SampleSize{.rows = 1000}};
  Report report = VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie();
  EXPECT_EQ(report.verdict, Verdict::kSampleEqual) << ToJson(report);
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_GT(report.collections[0].sample_rows, 800);
  EXPECT_LT(report.collections[0].sample_rows, 1200);
  verify.sample = SampleSize{.share = 0.1};
  report = VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie();
  EXPECT_NEAR(static_cast<double>(report.collections[0].sample_rows), 2000, 300);
  // Of 2,000 rows that pass a filter, not of all.
  report = VerifyJob(AllStores(), spec_, options_,
                     {.sample = SampleSize{.rows = 1000},
                      .filter = "id IN (SELECT id FROM synthetic ORDER BY id LIMIT 2000)"})
               .ValueOrDie();
  EXPECT_GT(report.collections[0].sample_rows, 800);
  EXPECT_LT(report.collections[0].sample_rows, 1200);
  // Every row differs, so those of the sample do.
  Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5)");
  report = VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie();
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_GE(report.collections[0].differences, report.collections[0].sample_rows - 1);
  // More than there is: every row.
  verify.sample = SampleSize{.rows = kRows};
  report = VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie();
  EXPECT_EQ(report.collections[0].sample_rows, 0);
  EXPECT_EQ(report.collections[0].differences, kRows - 1);
}

TEST_F(ChangingSourceTest, ASampledRunIsNotCalledVerified) {
  spec_.sample = SampleSize{.share = 0.05};
  Report report = RunJob(AllStores(), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 5) << ToJson(report);
  EXPECT_GT(report.collections[0].sample_rows, 0);
  EXPECT_EQ(report.collections[0].rows, kRows);
}

TEST_F(ChangingSourceTest, ASampleThatDiffersIsFollowedByEveryRow) {
  spec_.sample = SampleSize{.share = 0.05};
  std::atomic<int> writes = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "write" && ++writes == 5) Change("DELETE FROM synthetic WHERE id < 5000");
    return arrow::Status::OK();
  };
  Report report = RunJob(Faulty(fault), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, kRows - 5000);
  EXPECT_GT(report.collections[0].deleted, 0);
}

/// A finished job whose target somebody else changed.
class RepairTest : public ChangingSourceTest {
 protected:
  void SetUp() override {
    ChangingSourceTest::SetUp();
    ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  }

  void ChangeTarget(const std::string& sql) {
    auto db = SqliteDatabase::Open(Path("out.db"), SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
    ASSERT_TRUE(db->Execute(sql).ok());
  }

  /// 3 rows changed, 2 gone, 1 more.
  void Damage() {
    ChangeTarget("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id IN (11, 12, 13)");
    ChangeTarget("DELETE FROM synthetic WHERE id IN (14, 15)");
    ChangeTarget("INSERT OR REPLACE INTO synthetic SELECT 1000013, vector FROM synthetic WHERE id = 20");
  }

  Report Repair(const StoreRegistry& stores = AllStores()) {
    return VerifyJob(stores, spec_, options_, {.repair = true}).ValueOrDie();
  }
  Report Compare() { return VerifyJob(AllStores(), spec_, options_).ValueOrDie(); }
  bool RepairIsOpen() const { return fs::exists(Path("state/job.repair")); }
};

TEST_F(RepairTest, WritesWhatDiffersAndDeletesWhatTheSourceLacks) {
  Damage();
  VerifyOptions repair{.differences_file = Path("d.txt"), .repair = true};
  Report report = VerifyJob(AllStores(), spec_, options_, repair).ValueOrDie();
  EXPECT_EQ(report.verdict, Verdict::kVerified) << ToJson(report);
  EXPECT_EQ(report.collections[0].written, 5);
  EXPECT_EQ(report.collections[0].deleted, 1);
  EXPECT_EQ(report.collections[0].rounds, 1);
  std::ifstream file(Path("d.txt"));
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(file), {}, '\n'), 6);
  EXPECT_EQ(Compare().exit_code, 0);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
  EXPECT_EQ(Count("SELECT count(*) FROM godwit_progress"), 0);
  EXPECT_FALSE(RepairIsOpen());
  report = Repair();  // nothing left to do
  EXPECT_EQ(report.verdict, Verdict::kVerified);
  EXPECT_EQ(report.collections[0].written + report.collections[0].deleted, 0);
}

TEST_F(RepairTest, GoesOnWhereItWasStopped) {
  for (const std::string call : {"next", "write", "commit", "after_commit", "recover", "finalize"}) {
    for (int nth : {1, 2, 7}) {
      Damage();
      std::atomic<int> hits = 0;
      RunOptions stopped = options_;
      stopped.stop = StopToken();
      Fault fault = [&](const std::string& name) {
        if (name != call || ++hits != nth) return arrow::Status::OK();
        stopped.stop.RequestStop();
        return MakeError(ErrorKind::kCancelled, "stopped");
      };
      Report first = VerifyJob(Faulty(fault), spec_, stopped, {.repair = true}).ValueOrDie();
      EXPECT_EQ(first.exit_code, hits >= nth ? 130 : 0) << call << nth << ToJson(first);
      EXPECT_EQ(RepairIsOpen(), hits >= nth);
      Report second = Repair();
      EXPECT_EQ(second.exit_code, 0) << call << nth << ToJson(second);
      EXPECT_EQ(second.resumed, hits >= nth);
      EXPECT_EQ(Compare().exit_code, 0) << call << nth;
    }
  }
}

TEST_F(RepairTest, NeverDeletesRowsOfATargetThatIsNotTheJobs) {
  Damage();
  options_.state_dir = Path("elsewhere");  // no journal says who made it
  Report report = Repair();
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_EQ(report.collections[0].written, 5);
  EXPECT_EQ(report.collections[0].deleted, 0);
  ASSERT_EQ(report.collections[0].difference_sample.size(), 1u);
  EXPECT_EQ(report.collections[0].difference_sample[0].key, "1000013");
  EXPECT_NE(report.collections[0].error.find("left there"), std::string::npos);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows + 1);
  spec_.data_policy = DataPolicy::kOverwrite;  // the target may hold other rows
  Damage();
  ChangeTarget("DELETE FROM synthetic WHERE id = 16");
  report = Repair();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows + 1);
}

TEST_F(RepairTest, RefusesWhatItCantRepair) {
  JobSpec files = spec_;
  files.name = "files";
  files.target = TargetSpec("files", {{"path", Path("out")}});
  ASSERT_EQ(RunJob(AllStores(), files, options_).ValueOrDie().exit_code, 0);
  Report report = VerifyJob(AllStores(), files, options_, {.repair = true}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);  // there is nothing to repair
  Change("DELETE FROM synthetic WHERE id = 7");
  report = VerifyJob(AllStores(), files, options_, {.repair = true}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.collections[0].differences, 1);
  EXPECT_NE(report.collections[0].error.find("run --restart"), std::string::npos) << ToJson(report);

  JobSpec ignore = spec_;
  ignore.data_policy = DataPolicy::kIgnore;
  report = VerifyJob(AllStores(), ignore, options_, {.repair = true}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);  // the row that is only at the target may be somebody's
  ChangeTarget("DELETE FROM synthetic WHERE id = 8");
  report = VerifyJob(AllStores(), ignore, options_, {.repair = true}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1) << ToJson(report);
  EXPECT_NE(report.collections[0].error.find("are to stay"), std::string::npos) << ToJson(report);

  JobSpec changed = spec_;
  changed.target = TargetSpec("sqlite", {{"path", Path("other.db")}});
  const arrow::Status refused = VerifyJob(AllStores(), changed, options_, {.repair = true}).status();
  EXPECT_EQ(KindOf(refused), ErrorKind::kConflict);
  EXPECT_NE(refused.message().find("was begun with another source, target"), std::string::npos) << Describe(refused);

  JobSpec stopped = spec_;
  stopped.name = "stopped";
  stopped.target = TargetSpec("sqlite", {{"path", Path("stopped.db")}});
  Fault fault = [&](const std::string& call) {
    return call == "finalize" ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
  };
  ASSERT_EQ(RunJob(Faulty(fault), stopped, options_).ValueOrDie().exit_code, 1);
  report = VerifyJob(AllStores(), stopped, options_, {.repair = true}).ValueOrDie();
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("has not ended"), std::string::npos) << ToJson(report);

  VerifyOptions sampled{.sample = SampleSize{.share = 0.1}, .repair = true};
  EXPECT_EQ(KindOf(VerifyJob(AllStores(), spec_, options_, sampled).status()), ErrorKind::kInvalidConfig);
}

TEST_F(RepairTest, EndsWhenTheSourceNeverRests) {
  std::atomic<int64_t> reads = 0;
  Fault fault = [&](const std::string& call) {
    if (call == "next") {
      Change("UPDATE synthetic SET vector = randomblob(32) WHERE id = " + std::to_string(reads++ % 5));
    }
    return arrow::Status::OK();
  };
  Report report = Repair(Faulty(fault));
  EXPECT_EQ(report.exit_code, 3) << ToJson(report);
  EXPECT_EQ(report.collections[0].rounds, spec_.tuning.max_rounds);
}

TEST_F(ChangingSourceTest, EveryDifferenceIsInTheFileWhateverTheMemory) {
  spec_.tuning.memory_bytes = 1 << 20;  // the keys of 20,000 rows do not fit a quarter of it
  ASSERT_EQ(RunJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
  Change("UPDATE synthetic SET vector = (SELECT vector FROM synthetic WHERE id = 5) WHERE id >= 6 AND id < 5006");
  Change("DELETE FROM synthetic WHERE id >= 6000 AND id < 7000");
  VerifyOptions verify{.differences_file = Path("differences.csv"), .differences_format = DifferenceFormat::kCsv};
  Report report = VerifyJob(AllStores(), spec_, options_, verify).ValueOrDie();
  EXPECT_EQ(report.collections[0].differences, 6000);
  EXPECT_EQ(report.collections[0].difference_sample.size(), 1000u);
  std::ifstream file(Path("differences.csv"));
  std::map<std::string, int> sides;
  for (std::string line; std::getline(file, line);) {
    for (const char* side : {",different,", ",only in target,", ",only in source,"}) {
      if (line.find(side) != std::string::npos) ++sides[side];
    }
  }
  EXPECT_EQ(sides[",different,"], 5000);
  EXPECT_EQ(sides[",only in target,"], 1000);
  EXPECT_EQ(sides[",only in source,"], 0);
}

/// The verdict of each item, "item=P|W|F", those of a collection with its name before.
std::string Verdicts(const CheckReport& report) {
  std::string text;
  for (const CheckItem& item : report.items) {
    text += item.subject + " " + item.name + "=" + "PWF"[static_cast<int>(item.verdict)] + "\n";
  }
  return text;
}

std::string MessageOf(const CheckReport& report, const std::string& subject, const std::string& name) {
  for (const CheckItem& item : report.items) {
    if (item.subject == subject && item.name == name) return item.message;
  }
  return "no such item";
}

TEST_F(JobTest, ThePrecheckLooksAtEverything) {
  JobSpec spec = Spec();
  CheckReport report = CheckJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(Verdicts(report),
            "job state=P\nsource synthetic reachable=P\ntarget sqlite reachable=P\njob collections=P\n"
            "synthetic -> synthetic source=P\nsynthetic -> synthetic loaded=P\nsynthetic -> synthetic names=P\n"
            "synthetic -> synthetic types=P\nsynthetic -> synthetic target=P\nsynthetic -> synthetic "
            "row_size=P\ntarget space=P\n");
  EXPECT_FALSE(fs::exists(Path("out.db")));
  report = CheckJob(AllStores(), spec, options_, {.read_keys = true}).ValueOrDie();
  EXPECT_EQ(MessageOf(report, "synthetic -> synthetic", "keys"), "every key is in one row");
}

TEST_F(JobTest, ThePrecheckTellsAllProblemsOfAllCollections) {
  JobSpec fill = Spec();
  fill.name = "fill";
  fill.source = SourceSpec("synthetic", {{"rows", "100"}, {"dim", "8"}, {"collections", "2"}});
  ASSERT_EQ(RunJob(AllStores(), fill, options_).ValueOrDie().exit_code, 0);
  JobSpec spec = fill;
  spec.name = "job";
  spec.collections = {{.source = {"", "synthetic_0000"}},
                      {.source = {"", "absent"}},
                      {.source = {"", "synthetic_0001"}, .target_name = "other"}};
  CheckReport report = CheckJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_FALSE(report.passed());
  const std::string verdicts = Verdicts(report);
  EXPECT_NE(verdicts.find("synthetic_0000 -> synthetic_0000 target=F"), std::string::npos) << verdicts;
  EXPECT_NE(verdicts.find("absent -> absent source=F"), std::string::npos) << verdicts;
  EXPECT_NE(verdicts.find("synthetic_0001 -> other target=P"), std::string::npos) << verdicts;
  EXPECT_NE(MessageOf(report, "synthetic_0000 -> synthetic_0000", "target").find("if_not_empty"), std::string::npos);

  options_.skip = {"target", "source"};
  EXPECT_TRUE(CheckJob(AllStores(), spec, options_).ValueOrDie().passed());
  options_.skip = {"tagret"};
  for (arrow::Status status :
       {CheckJob(AllStores(), spec, options_).status(), RunJob(AllStores(), spec, options_).status()}) {
    EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig);
    EXPECT_NE(Describe(status).find("did you mean 'target'"), std::string::npos) << Describe(status);
  }
}

TEST_F(JobTest, ThePrecheckKnowsTheJournalOfAnotherJob) {
  JobSpec spec = Spec();
  ASSERT_EQ(RunJob(AllStores(), spec, options_).ValueOrDie().exit_code, 0);
  EXPECT_EQ(MessageOf(CheckJob(AllStores(), spec, options_).ValueOrDie(), "job", "journal"),
            "the run goes on where an earlier one ended");
  spec.target = TargetSpec("sqlite", {{"path", Path("other.db")}});
  const CheckReport report = CheckJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_FALSE(report.passed());
  EXPECT_NE(MessageOf(report, "job", "journal").find("was begun with another source"), std::string::npos);
}

TEST_F(JobTest, ThePrecheckKnowsThatATableOfOthersIsNotWritten) {
  for (const char* name : {"in.db", "out.db"}) {
    auto db = SqliteDatabase::Open(Path(name), SqliteDatabase::Mode::kCreate, 1000).ValueOrDie();
    ASSERT_TRUE(db->Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT); INSERT INTO t VALUES(1, 'a')").ok());
  }
  JobSpec spec = Spec();
  spec.source = SourceSpec("sqlite", {{"path", Path("in.db")}});
  spec.data_policy = DataPolicy::kOverwrite;
  CheckReport report = CheckJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_FALSE(report.passed());
  EXPECT_NE(MessageOf(report, "t -> t", "target").find("godwit did not make the table 't'"), std::string::npos)
      << MessageOf(report, "t -> t", "target");
  spec.data_policy = DataPolicy::kDrop;
  EXPECT_TRUE(CheckJob(AllStores(), spec, options_).ValueOrDie().passed());
  EXPECT_EQ(RunJob(AllStores(), spec, options_).ValueOrDie().exit_code, 0);
}

/// Parquet files of somebody else: nothing keeps their keys from repeating.
class RepeatedKeysTest : public JobTest {
 protected:
  /// Two files of the same rows, without a manifest: each key twice.
  void SetUp() override {
    JobTest::SetUp();
    JobSpec fill = Spec();
    fill.name = "fill";
    fill.target = TargetSpec("files", {{"path", Path("made")}});
    ASSERT_EQ(RunJob(AllStores(), fill, options_).ValueOrDie().exit_code, 0);
    fs::create_directories(Path("in/rows"));
    for (const auto& entry : fs::recursive_directory_iterator(Path("made"))) {
      if (entry.path().extension() != ".parquet") continue;
      fs::copy(entry.path(), Path("in/rows/") + entry.path().filename().string());
      if (extra_.empty()) extra_ = Path("in/rows/again.parquet");
      if (!fs::exists(extra_)) fs::copy(entry.path(), extra_);
    }
    spec_ = Spec();
    spec_.source = SourceSpec("files", {{"path", Path("in")}});
    spec_.tuning.memory_bytes = 1 << 20;  // 20,000 keys and more do not fit a part of it
  }

  std::string extra_;
  JobSpec spec_;
};

TEST_F(RepeatedKeysTest, AreRefusedBeforeARowIsWritten) {
  for (const std::string target : {"files", "sqlite"}) {
    spec_.name = target;
    spec_.target = TargetSpec(target, {{"path", Path(target == "files" ? "out" : "out.db")}});
    EXPECT_NE(
        MessageOf(CheckJob(AllStores(), spec_, options_, {.read_keys = true}).ValueOrDie(), "rows -> rows", "keys")
            .find("keys repeat"),
        std::string::npos);
    Report report = RunJob(AllStores(), spec_, options_).ValueOrDie();
    EXPECT_EQ(report.exit_code, 1) << ToJson(report);
    ASSERT_EQ(report.collections.size(), 1u);
    EXPECT_EQ(report.collections[0].error_kind, ErrorKind::kConflict) << ToJson(report);
    EXPECT_GT(report.collections[0].duplicates, 0);
    EXPECT_LE(report.collections[0].duplicate_sample.size(), 1000u);
    EXPECT_NE(report.collections[0].error.find(" x2"), std::string::npos) << report.collections[0].error;
  }
  EXPECT_EQ(Count("SELECT count(*) FROM \"rows\""), 0);
}

TEST_F(RepeatedKeysTest, FilesWithoutThemAreCopied) {
  fs::remove(extra_);
  spec_.target = TargetSpec("files", {{"path", Path("out")}});
  const CheckReport check = CheckJob(AllStores(), spec_, options_).ValueOrDie();
  EXPECT_TRUE(check.passed());
  EXPECT_NE(MessageOf(check, "rows -> rows", "keys").find("not looked at"), std::string::npos);
  Report report = RunJob(AllStores(), spec_, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, kRows);
  EXPECT_EQ(VerifyJob(AllStores(), spec_, options_).ValueOrDie().exit_code, 0);
}

}  // namespace
}  // namespace godwit
