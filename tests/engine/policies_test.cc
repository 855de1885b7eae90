// Rows that do not go to the target: refused, or in conflict with what is there; and targets that change hands.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>

#include "base/sqlite.h"
#include "engine/faulty_store.h"
#include "godwit/job.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kRows = 3000;

/// synthetic `seed` -> sqlite, in small batches that are all committed.
class PoliciesTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("godwit-policies-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    Begin();
  }
  void TearDown() override { fs::remove_all(dir_); }

  void Begin() {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.state_dir = dir_ / "state";
  }

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

  JobSpec Spec(const std::string& name, int64_t rows = kRows, const std::string& seed = "1") {
    JobSpec spec;
    spec.name = name;
    spec.dialect = "test";
    spec.source = Store("synthetic", OptionScope::kSource,
                        {{"rows", std::to_string(rows)}, {"dim", "8"}, {"seed", seed}, {"fields", "vector,string"}});
    spec.target = Store("sqlite", OptionScope::kTarget, {{"path", (dir_ / "out.db").string()}});
    spec.tuning.parallelism = 2;
    spec.tuning.batch_bytes = 16 << 10;
    spec.tuning.split_bytes = 64 << 10;
    spec.tuning.commit_bytes = 16 << 10;
    spec.tuning.retry_for_ms = 5000;
    return spec;
  }

  Report Run(const JobSpec& spec, const StoreRegistry& stores = AllStores()) {
    return RunJob(stores, spec, options_).ValueOrDie();
  }

  static StoreRegistry Faulty(const Fault& fault, const Refusal& refusal = {}) {
    StoreRegistry stores;
    for (const StoreFactory& store : AllStores()) stores.push_back(WithFaults(store, fault, refusal));
    return stores;
  }
  static arrow::Status NoFault(const std::string&) { return arrow::Status::OK(); }

  /// Rows 100 to 599 of another seed are at the target: as many keys, other values. Row 100 is equal.
  void Fill() {
    ASSERT_EQ(Run(Spec("fill", 600, "2")).exit_code, 0);
    ASSERT_EQ(Run(Spec("equal", 101, "1"), AllStores()).exit_code, 1);  // stopped by if_not_empty
    JobSpec equal = Spec("overwrite", 101, "1");
    equal.data_policy = DataPolicy::kOverwrite;
    ASSERT_EQ(Run(equal).exit_code, 0);
    Execute("DELETE FROM synthetic WHERE rowid IN (SELECT rowid FROM synthetic ORDER BY id LIMIT 100)");
    ASSERT_EQ(Count("SELECT count(*) FROM synthetic"), 500);
  }

  void Execute(const std::string& sql) {
    auto db = SqliteDatabase::Open(dir_ / "out.db", SqliteDatabase::Mode::kReadWrite, 10'000).ValueOrDie();
    const arrow::Status status = db->Execute(sql);
    ASSERT_TRUE(status.ok()) << Describe(status);
  }

  int64_t Count(const std::string& sql) {
    auto db = SqliteDatabase::Open(dir_ / "out.db", SqliteDatabase::Mode::kReadOnly, 1000).ValueOrDie();
    auto statement = db->Prepare(sql).ValueOrDie();
    EXPECT_TRUE(statement.Step().ValueOrDie());
    return statement.Int(0);
  }

  static std::vector<json> Lines(const std::string& path) {
    std::vector<json> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }

  void ExpectIgnored(const Report& report) {
    EXPECT_EQ(report.verdict, Verdict::kVerified) << ToJson(report);
    const CollectionReport& c = report.collections.at(0);
    EXPECT_EQ(c.conflicts, 499);
    EXPECT_EQ(c.rows, kRows - 499);
    EXPECT_EQ(c.conflict_sample.size(), 499u);
    EXPECT_NE(c.conflict_sample[0].reason.find("at the source and"), std::string::npos);
    EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
    std::set<std::string> keys;
    for (const json& line : Lines(report.conflicts_file)) {
      keys.insert(line.at("key").get<std::string>());
      EXPECT_EQ(line.at("source_row").at("id"), line.at("target_row").at("id"));
      EXPECT_NE(line.at("source_row").at("vector"), line.at("target_row").at("vector"));
      EXPECT_EQ(line.at("source_row").at("vector").size(), 8u);
    }
    EXPECT_EQ(keys.size(), 499u);
    EXPECT_EQ(Lines(report.conflicts_file).size(), 499u);
  }

  fs::path dir_;
  RunOptions options_;
};

/// Every seventh key, told by its value so that all attempts agree.
std::string RefuseSevenths(const arrow::RecordBatch& rows, int64_t row) {
  const int64_t key = static_cast<const arrow::Int64Array&>(*rows.column(0)).Value(row);
  return key % 7 == 3 ? "not on a day like this" : "";
}
constexpr int64_t kSevenths = 429;  // ids 0 .. 2999, or 1 .. 3000: 428 or 429

class IgnoreTest : public PoliciesTest {
 protected:
  JobSpec Ignore() {
    JobSpec spec = Spec("job");
    spec.data_policy = DataPolicy::kIgnore;
    return spec;
  }
};

TEST_F(IgnoreTest, KeepsTheTargetsRowsAndListsBothVersions) {
  Fill();
  const int64_t kept = Count("SELECT sum(length(string)) FROM synthetic");
  const Report report = Run(Ignore());
  ExpectIgnored(report);
  EXPECT_GE(Count("SELECT sum(length(string)) FROM synthetic"), kept);
  EXPECT_EQ(report.conflicts_file, options_.state_dir + "/job.conflicts.jsonl");
  EXPECT_EQ(report.rejects_file, "");
  // Again: done, and the same report; verify counts no difference.
  ExpectIgnored(Run(Ignore()));
  const Report verified = VerifyJob(AllStores(), Ignore(), options_).ValueOrDie();
  EXPECT_EQ(verified.exit_code, 0) << ToJson(verified);
}

TEST_F(IgnoreTest, ConflictsAreCountedOnceWhateverFails) {
  for (const std::string call : {"write", "commit", "after_commit", "next", "recover"}) {
    for (int nth : {1, 3, 7}) {
      Begin();
      Fill();
      std::atomic<int> hits = 0;
      Fault fault = [&](const std::string& name) {
        if (name != call || ++hits != nth) return arrow::Status::OK();
        return MakeError(nth == 3 ? ErrorKind::kInternal : ErrorKind::kOutcomeUnknown, "injected");
      };
      Report report = Run(Ignore(), Faulty(fault));
      if (report.exit_code != 0) report = Run(Ignore());
      ExpectIgnored(report);
      if (HasFailure()) FAIL() << call << " " << nth;
    }
  }
}

TEST_F(IgnoreTest, TheListIsWrittenWhereTheJobSays) {
  Fill();
  JobSpec spec = Ignore();
  fs::create_directories(dir_ / "lists");
  spec.conflicts_file = (dir_ / "lists" / "conflicts.jsonl").string();
  const Report report = Run(spec);
  ExpectIgnored(report);
  EXPECT_EQ(report.conflicts_file, spec.conflicts_file);
}

TEST_F(PoliciesTest, AppendAddsAndRefusesKeysThatAreThere) {
  Fill();
  JobSpec spec = Spec("job");
  spec.data_policy = DataPolicy::kAppend;
  Report report = Run(spec);
  EXPECT_EQ(report.exit_code, 1) << ToJson(report);
  EXPECT_NE(report.collections[0].error.find("if_not_empty: append"), std::string::npos) << report.collections[0].error;
  EXPECT_EQ(Count("SELECT count(*) - count(DISTINCT id) FROM synthetic"), 0);

  Begin();
  ASSERT_EQ(Run(Spec("fill", 100)).exit_code, 0);
  Execute("UPDATE synthetic SET id = -1 - id");
  report = Run(spec);
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  EXPECT_EQ(report.collections[0].rows, kRows);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows + 100);
}

TEST_F(PoliciesTest, FilesTakeNoPolicyButDrop) {
  for (DataPolicy policy : {DataPolicy::kIgnore, DataPolicy::kAppend, DataPolicy::kOverwrite}) {
    Begin();
    JobSpec spec = Spec("fill", 100);
    spec.target = Store("files", OptionScope::kTarget, {{"path", (dir_ / "out").string()}});
    ASSERT_EQ(Run(spec).exit_code, 0);
    spec.name = "job";
    spec.data_policy = policy;
    const Report report = Run(spec);
    EXPECT_EQ(report.exit_code, 1) << ToJson(report);
    EXPECT_NE(report.collections[0].error.find("if_not_empty: drop"), std::string::npos) << report.collections[0].error;
  }
}

class RejectsTest : public PoliciesTest {
 protected:
  JobSpec Continue() {
    JobSpec spec = Spec("job");
    spec.reject_policy = RejectPolicy::kContinue;
    return spec;
  }

  void ExpectListed(const Report& report) {
    EXPECT_EQ(report.verdict, Verdict::kVerified) << ToJson(report);
    const CollectionReport& c = report.collections.at(0);
    EXPECT_NEAR(static_cast<double>(c.rejects), kSevenths, 1);
    EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows - c.rejects);
    EXPECT_EQ(Count("SELECT count(*) FROM synthetic WHERE id % 7 = 3"), 0);
    std::set<int64_t> keys;
    for (const json& line : Lines(report.rejects_file)) {
      EXPECT_EQ(line.at("reason"), "not on a day like this");
      EXPECT_EQ(line.at("target"), "synthetic");
      EXPECT_EQ(line.at("row").at("vector").size(), 8u);
      keys.insert(line.at("row").at("id").get<int64_t>());
    }
    EXPECT_EQ(static_cast<int64_t>(keys.size()), c.rejects);
    EXPECT_EQ(static_cast<int64_t>(Lines(report.rejects_file).size()), c.rejects);
  }
};

TEST_F(RejectsTest, AreListedInFullAndTheRestGoesOn) {
  const Report report = Run(Continue(), Faulty(NoFault, RefuseSevenths));
  ExpectListed(report);
  EXPECT_EQ(report.rejects_file, options_.state_dir + "/job.rejects.jsonl");
  const Report verified = VerifyJob(AllStores(), Continue(), options_).ValueOrDie();
  EXPECT_EQ(verified.exit_code, 0) << ToJson(verified);
}

TEST_F(RejectsTest, AreListedOnceWhateverFails) {
  for (const std::string call : {"write", "commit", "after_commit", "next", "recover"}) {
    for (int nth : {1, 3, 7}) {
      Begin();
      std::atomic<int> hits = 0;
      Fault fault = [&](const std::string& name) {
        if (name != call || ++hits != nth) return arrow::Status::OK();
        return MakeError(nth == 3 ? ErrorKind::kInternal : ErrorKind::kOutcomeUnknown, "injected");
      };
      Report report = Run(Continue(), Faulty(fault, RefuseSevenths));
      if (report.exit_code != 0) report = Run(Continue(), Faulty(NoFault, RefuseSevenths));
      ExpectListed(report);
      if (HasFailure()) FAIL() << call << " " << nth;
    }
  }
}

TEST_F(RejectsTest, StopAtTheFirstAndGoOnWhenAllowed) {
  JobSpec spec = Spec("job");
  const Report stopped = Run(spec, Faulty(NoFault, RefuseSevenths));
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_NE(stopped.collections[0].error.find("on_reject: continue"), std::string::npos) << ToJson(stopped);
  EXPECT_GT(stopped.collections[0].rejects, 0);
  EXPECT_LT(stopped.collections[0].rejects, kSevenths / 2);
  EXPECT_EQ(static_cast<int64_t>(Lines(stopped.rejects_file).size()), stopped.collections[0].rejects);
  // Still refused, without copying on.
  EXPECT_EQ(Run(spec, Faulty(NoFault, RefuseSevenths)).exit_code, 1);
  ExpectListed(Run(Continue(), Faulty(NoFault, RefuseSevenths)));
}

TEST_F(RejectsTest, ACheckOfAllRowsTellsThemBeforehand) {
  auto check = [&](const JobSpec& spec, bool read_rows) {
    const CheckReport report =
        CheckJob(Faulty(NoFault, RefuseSevenths), spec, options_, {.read_rows = read_rows}).ValueOrDie();
    auto item = std::ranges::find(report.items, std::string("rows"), &CheckItem::name);
    if (item == report.items.end()) return std::string("not looked at");
    return "PWF"[static_cast<int>(item->verdict)] + (" " + item->message);
  };
  JobSpec spec = Spec("job");
  EXPECT_EQ(check(spec, false), "not looked at");
  std::string said = check(spec, true);
  EXPECT_TRUE(said.starts_with("F of " + std::to_string(kRows) + " rows: ")) << said;
  EXPECT_NE(said.find(" the target refuses, for example row "), std::string::npos) << said;
  EXPECT_NE(said.find("not on a day like this"), std::string::npos) << said;
  EXPECT_NE(said.find("(on_reject: continue)"), std::string::npos) << said;
  spec = Continue();
  EXPECT_TRUE(check(spec, true).starts_with("W of "));
  spec.max_rejects = 3;
  EXPECT_TRUE(check(spec, true).starts_with("F of "));
  EXPECT_NE(check(spec, true).find("The job allows 3 (max_rejects)"), std::string::npos);
  spec.source.options.Set("rows", int64_t{3});
  EXPECT_EQ(check(spec, true), "P 3 rows of the source can be copied");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "state/job.journal"));
}

TEST_F(RejectsTest, MoreThanAllowedStop) {
  JobSpec spec = Continue();
  spec.max_rejects = 50;
  const Report stopped = Run(spec, Faulty(NoFault, RefuseSevenths));
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_NE(stopped.collections[0].error.find("max_rejects"), std::string::npos) << ToJson(stopped);
  EXPECT_GT(stopped.collections[0].rejects, 50);
  spec.max_rejects = 1000;
  ExpectListed(Run(spec, Faulty(NoFault, RefuseSevenths)));
}

TEST_F(RejectsTest, TogetherWithConflicts) {
  Fill();
  JobSpec spec = Continue();
  spec.data_policy = DataPolicy::kIgnore;
  const Report report = Run(spec, Faulty(NoFault, RefuseSevenths));
  EXPECT_EQ(report.exit_code, 0) << ToJson(report);
  const CollectionReport& c = report.collections[0];
  EXPECT_NEAR(static_cast<double>(c.rejects), kSevenths, 1);
  EXPECT_NEAR(static_cast<double>(c.conflicts), 499.0 * 6 / 7, 2);
  EXPECT_EQ(c.rows, kRows - c.rejects - c.conflicts);
}

class ChangingHandsTest : public PoliciesTest {
 protected:
  /// Without a second worker that is further than the one that the test looks at.
  JobSpec OneByOne(const std::string& name) {
    JobSpec spec = Spec(name);
    spec.tuning.parallelism = 1;
    return spec;
  }

  /// Runs `other` once, when the job is at `call`.
  Report RunAt(const std::string& call, const JobSpec& spec, const std::function<void()>& other) {
    std::atomic<bool> done = false;
    return Run(spec, Faulty([&](const std::string& name) {
                 if (name == call && !done.exchange(true)) other();
                 return arrow::Status::OK();
               }));
  }
};

TEST_F(ChangingHandsTest, OfTwoJobsForOneNewTableOneWins) {
  Report second;
  const Report first = RunAt("write", OneByOne("first"), [&] { second = Run(Spec("second", kRows, "2")); });
  EXPECT_EQ(first.exit_code, 0) << ToJson(first);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.collections[0].error.find("is being written by job 'first"), std::string::npos) << ToJson(second);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), kRows);
  EXPECT_EQ(VerifyJob(AllStores(), Spec("first"), options_).ValueOrDie().exit_code, 0);
}

TEST_F(ChangingHandsTest, AJobThatComesLaterWritesNothing) {
  Report other;
  const Report report =
      RunAt("recover", OneByOne("job"), [&] { other = Run(Spec("other", kRows, "2")); });  // both found it empty
  EXPECT_EQ(other.exit_code, 0) << ToJson(other);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("filled by somebody else"), std::string::npos) << ToJson(report);
  EXPECT_EQ(VerifyJob(AllStores(), Spec("other", kRows, "2"), options_).ValueOrDie().exit_code, 0);
}

TEST_F(ChangingHandsTest, FilledBetweenPlanAndCreate) {
  const Report report = RunAt("create", Spec("job"), [&] { EXPECT_EQ(Run(Spec("other", 10, "2")).exit_code, 0); });
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.collections[0].error.find("filled by somebody else"), std::string::npos) << ToJson(report);
  EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), 10);
}

TEST_F(ChangingHandsTest, ReplacedBeforeItIsPublished) {
  for (const std::string call : {"finalize", "publish"}) {
    Begin();
    const Report report = RunAt(call, Spec("job"), [&] {
      JobSpec other = Spec("other", 10, "2");
      other.data_policy = DataPolicy::kDrop;
      EXPECT_EQ(Run(other).exit_code, 0);
    });
    EXPECT_NE(report.exit_code, 0) << call;
    if (call == "publish") {
      EXPECT_NE(report.collections[0].error.find("is not the one that this job wrote"), std::string::npos)
          << ToJson(report);
    }
    EXPECT_EQ(Count("SELECT count(*) FROM synthetic"), 10) << call;
  }
}

}  // namespace
}  // namespace godwit
