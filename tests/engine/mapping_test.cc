// Whole jobs from their file on: what is selected, renamed, filtered and added arrives, is proven, and survives a
// crash.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "base/durable_file.h"
#include "base/sqlite.h"
#include "config/load.h"
#include "engine/faulty_store.h"
#include "godwit/job.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRows = 5'000;

class MappingTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("godwit-mapping-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.state_dir = dir_ / "state";
    Execute("in.db",
            "CREATE TABLE log_a(id INTEGER PRIMARY KEY NOT NULL, year INTEGER NOT NULL, body TEXT, extra BLOB);"
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
                std::to_string(kRows) +
                ") INSERT INTO log_a SELECT i, 2000 + i % 10, 'row ' || i, NULL FROM n;"
                "CREATE TABLE log_b(id INTEGER PRIMARY KEY NOT NULL, year INTEGER NOT NULL, body TEXT, extra BLOB);"
                "INSERT INTO log_b SELECT * FROM log_a WHERE id < 10;"
                "CREATE TABLE other(id INTEGER PRIMARY KEY NOT NULL)");
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string Path(const std::string& name) const { return (dir_ / name).string(); }

  void Execute(const std::string& file, const std::string& sql) {
    auto db = SqliteDatabase::Open(Path(file), SqliteDatabase::Mode::kCreate, 1000).ValueOrDie();
    arrow::Status status = db->Execute(sql.c_str());
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  int64_t Query(const std::string& file, const std::string& sql) {
    auto db = SqliteDatabase::Open(Path(file), SqliteDatabase::Mode::kReadWrite, 1000).ValueOrDie();
    auto query = db->Prepare(sql);
    EXPECT_TRUE(query.ok()) << sql << ": " << query.status().ToString();
    if (!query.ok()) return -1;
    EXPECT_TRUE(query->Step().ok());
    return query->Int(0);
  }

  arrow::Result<JobSpec> Load(const std::string& more, const std::string& target = "{store: sqlite, path: OUT}") {
    std::string text = "name: job\nsource: {store: sqlite, path: " + Path("in.db") + "}\ntarget: " + target +
                       "\ntuning: {parallelism: 2, batch: 8KiB, split: 64KiB, commit_bytes: 8KiB}\n" + more;
    if (size_t out = text.find("OUT"); out != text.npos) text.replace(out, 3, Path("out.db"));
    return LoadJobText(text, "job.yaml", AllStores(), LoadOptions{});
  }

  Report Run(const std::string& more, const StoreRegistry& stores = AllStores()) {
    return RunJob(stores, Load(more).ValueOrDie(), options_).ValueOrDie();
  }

  static void ExpectVerified(const Report& report) {
    EXPECT_EQ(report.exit_code, 0) << ToJson(report);
    EXPECT_EQ(report.verdict, Verdict::kVerified) << ToJson(report);
  }

  fs::path dir_;
  RunOptions options_;
};

constexpr const char* kMapped = R"(
collections:
- source: log_*
  target: archive_*
  filter: "year >= 2005 and body like 'row %'"
  fields: {exclude: [extra], rename: {body: text}}
  constants: {tenant: {value: acme}, version: {type: int32, value: 3}}
exclude: [log_b]
)";

TEST_F(MappingTest, RowsArriveMapped) {
  Report report = Run(kMapped);
  ExpectVerified(report);
  ASSERT_EQ(report.collections.size(), 1);
  EXPECT_EQ(report.collections[0].rows, kRows / 2);
  EXPECT_EQ(Query("out.db",
                  "SELECT count(*) FROM archive_a WHERE year >= 2005 AND tenant = 'acme' AND version = 3 AND "
                  "text = 'row ' || id"),
            kRows / 2);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM pragma_table_xinfo('archive_a')"), 5);
  Report compared = VerifyJob(AllStores(), Load(kMapped).ValueOrDie(), options_).ValueOrDie();
  ExpectVerified(compared);
  Execute("out.db", "UPDATE archive_a SET version = 4 WHERE id = 5");
  EXPECT_EQ(VerifyJob(AllStores(), Load(kMapped).ValueOrDie(), options_).ValueOrDie().exit_code, 3);
}

TEST_F(MappingTest, AMappedJobIsResumed) {
  std::atomic<int> commits = 0;
  Fault fault = [&](const std::string& call) {
    return call == "after_commit" && ++commits == 3 ? MakeError(ErrorKind::kInternal, "injected") : arrow::Status::OK();
  };
  StoreRegistry faulty;
  for (const StoreFactory& store : AllStores()) faulty.push_back(WithFaults(store, fault));
  EXPECT_EQ(Run(kMapped, faulty).exit_code, 1);
  Report resumed = Run(kMapped);
  EXPECT_TRUE(resumed.resumed);
  ExpectVerified(resumed);
  EXPECT_EQ(resumed.collections[0].rows, kRows / 2);
}

/// Rows come, change and leave the filter between copy and comparison.
TEST_F(MappingTest, CorrectionsAreMapped) {
  std::atomic<bool> done = false;
  Fault fault = [&](const std::string& call) {
    if (call == "finalize" && !done.exchange(true)) {
      Execute("in.db",
              "UPDATE log_a SET body = 'row new' WHERE id = 5; UPDATE log_a SET year = 1999 WHERE id = 6;"
              "INSERT INTO log_a VALUES(1000000, 2009, 'row 1000000', NULL);"
              "INSERT INTO log_a VALUES(1000001, 2001, 'row 1000001', NULL)");
    }
    return arrow::Status::OK();
  };
  StoreRegistry faulty;
  for (const StoreFactory& store : AllStores()) faulty.push_back(WithFaults(store, fault));
  Report report = Run(kMapped, faulty);
  ExpectVerified(report);
  EXPECT_EQ(report.collections[0].rounds, 1);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM archive_a"), kRows / 2);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM archive_a WHERE text = 'row new' AND version = 3"), 1);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM archive_a WHERE id = 6 OR id = 1000001"), 0);
}

TEST_F(MappingTest, AnotherMappingIsAnotherJob) {
  ExpectVerified(Run(kMapped));
  std::string other = kMapped;
  other.replace(other.find("acme"), 4, "else");
  EXPECT_EQ(KindOf(RunJob(AllStores(), Load(other).ValueOrDie(), options_).status()), ErrorKind::kConflict);
}

TEST_F(MappingTest, FiltersOfOthersAreRefused) {
  for (const char* filter : {"year >", "nothing = 1", "1) or (1", "1; DROP TABLE log_a", "id = ?"}) {
    Report report = Run("collections: [{source: log_a, filter: \"" + std::string(filter) + "\"}]");
    EXPECT_EQ(report.exit_code, 2) << filter << ToJson(report);
    EXPECT_NE(report.collections[0].error.find("job.yaml:5"), std::string::npos) << report.collections[0].error;
    EXPECT_FALSE(fs::exists(Path("out.db"))) << filter;
    fs::remove_all(Path("state"));
  }
  JobSpec spec = Load("collections: [{source: a, filter: \"id > 1\"}]").ValueOrDie();
  spec.source.store = "files";
  OptionValues files;
  files.Set("path", Path("in"));
  ASSERT_TRUE(FillDefaults(FindStore(AllStores(), "files")->options, OptionScope::kSource, &files).ok());
  spec.source.options = files;
  arrow::Status status = RunJob(AllStores(), spec, options_).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig);
  EXPECT_NE(status.message().find("'files' can't be filtered"), std::string::npos) << status.message();
}

TEST_F(MappingTest, ValuesThatDoNotFitTheirColumnAreFoundByACheckOfAllRows) {
  fs::create_directories(Path("in"));
  ASSERT_TRUE(WriteFileDurably(Path("in/things.jsonl"), R"({"id": 1, "$meta": {"size": 3}}
{"id": 2, "$meta": {"size": "big"}}
{"id": 3, "$meta": {"size": 4, "a": 1, "a": 2}}
{"id": 4, "$meta": {"size": 5}}
{"id": 5, "$meta": {"size": []}}
)")
                  .ok());
  const std::string text = "name: job\nsource: {store: files, path: " + Path("in") +
                           ", primary_key: id}\ntarget: {store: sqlite, path: " + Path("out.db") +
                           "}\ncollections: [{source: things, meta: {spread: {size: int64}}}]\n";
  const JobSpec spec = LoadJobText(text, Path("job.yaml"), AllStores(), {}).ValueOrDie();
  EXPECT_TRUE(CheckJob(AllStores(), spec, options_).ValueOrDie().passed());
  const CheckReport report = CheckJob(AllStores(), spec, options_, {.read_rows = true}).ValueOrDie();
  const CheckItem& item = report.items.at(report.items.size() - 2);  // before the space
  EXPECT_EQ(item.name, "rows");
  EXPECT_EQ(item.verdict, CheckItem::Verdict::kFailed);
  EXPECT_TRUE(
      item.message.starts_with("of 5 rows: 3 can't be mapped, for example field '$meta' of the row with id = 3"))
      << item.message;
  for (const char* said : {R"(key 2: $meta has "big" under the key 'size', which is no int64)", "key 5: $meta has []",
                           "Mend them at the source"}) {
    EXPECT_NE(item.message.find(said), std::string::npos) << item.message;
  }
  EXPECT_FALSE(fs::exists(Path("out.db")));
  EXPECT_EQ(RunJob(AllStores(), spec, options_).ValueOrDie().exit_code, 1);
}

TEST_F(MappingTest, RulesAreTakenInOrder) {
  ASSERT_TRUE(WriteFileDurably(Path("names.csv"), "source,target\nother,rest\n").ok());
  Report report = Run("collections: [{source: log_b, target: b}, \"log_*\"]\ncollections_file: " + Path("names.csv"));
  ExpectVerified(report);
  ASSERT_EQ(report.collections.size(), 3);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM b"), 10);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM log_a"), kRows);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM rest"), 0);
}

TEST_F(MappingTest, WhatFitsNothingIsNamed) {
  auto error = [&](const std::string& more) {
    arrow::Status status = RunJob(AllStores(), Load(more).ValueOrDie(), options_).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig) << more;
    fs::remove_all(Path("state"));
    return Describe(status);
  };
  EXPECT_NE(error("collections: [\"lag_*\"]").find("'lag_*' fits no collection"), std::string::npos);
  EXPECT_NE(error("exclude:\n- log_a\n- nothing").find("job.yaml:7:3: exclude: 'nothing' fits no collection"),
            std::string::npos);
  EXPECT_NE(error("exclude: [log_x]").find("did you mean 'log_"), std::string::npos);
  EXPECT_NE(error("allow_lossy: [\"lag_*\", log_a]")
                .find("job.yaml:5:15: allow_lossy: 'lag_*' names no collection of the job"),
            std::string::npos);
  EXPECT_NE(error("collections: [{source: \"log_*\", target: one}]").find("'log_a' and 'log_b' would both be written"),
            std::string::npos);
}

TEST_F(MappingTest, AnExclusionMayFitWhatNoRuleWants) {
  Report report = Run("collections: [log_a]\nexclude: [\"log_b*\"]");
  ExpectVerified(report);
  EXPECT_EQ(report.collections.size(), 1);
}

TEST_F(MappingTest, AMisspelledNameIsAMistakeOfTheFile) {
  auto report = [&](const std::string& more) {
    Report ended = Run(more);
    fs::remove_all(Path("state"));
    EXPECT_EQ(ended.exit_code, 2) << ToJson(ended);
    return ended.collections.at(0).error;
  };
  std::string why = report("collections:\n- log_aa");
  EXPECT_NE(why.find("job.yaml:"), std::string::npos) << why;
  EXPECT_NE(why.find("did you mean 'log_a'?"), std::string::npos) << why;
  why = report("collections: [log_a]\nallow_lossy: [log_a.boddy]");
  EXPECT_NE(why.find("job.yaml:6:15: allow_lossy: the collection 'log_a' has no field 'boddy'; did you mean 'body'?"),
            std::string::npos)
      << why;
}

TEST_F(MappingTest, AnOptionThatIsRefusedOnlyAtTheStoreNamesItsLine) {
  JobSpec spec = Load("collections: [log_a]").ValueOrDie();
  OptionValues::Value types = std::map<std::string, std::string>{{"boddy", "json"}};
  spec.source.options.Set("types", types);
  spec.source.option_where["types.boddy"] = "job.yaml:9:3";
  const Report report = RunJob(AllStores(), spec, options_).ValueOrDie();
  EXPECT_EQ(report.exit_code, 2);
  EXPECT_NE(report.collections[0].error.find("job.yaml:9:3: sqlite: types.boddy: there is no column 'boddy'"),
            std::string::npos)
      << report.collections[0].error;
}

TEST_F(MappingTest, StagesRunAlone) {
  const std::string rule = "collections: [log_a]\n";
  Report schema = Run(rule + "stages: [schema]");
  EXPECT_EQ(schema.exit_code, 0) << ToJson(schema);
  EXPECT_EQ(schema.verdict, Verdict::kStructureOnly);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM log_a"), 0);
  fs::remove_all(Path("state"));
  Report full = Run(rule + "stages: [full]");
  EXPECT_EQ(full.exit_code, 5) << ToJson(full);
  EXPECT_EQ(Query("out.db", "SELECT count(*) FROM log_a"), kRows);
  fs::remove_all(Path("state"));
  Report verify = Run(rule + "stages: [verify]");
  ExpectVerified(verify);
  fs::remove(Path("out.db"));
  Report absent = Run(rule + "stages: [full, verify]");
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_NE(absent.collections[0].error.find("does not exist"), std::string::npos) << absent.collections[0].error;
  EXPECT_FALSE(Load("stages: [full, schema]").ok());
  EXPECT_FALSE(Load("stages: [schema, verify]").ok());
  EXPECT_FALSE(Load("stages: []").ok());
  arrow::Status incremental = Load("stages: [schema, full, incremental]").status();
  EXPECT_NE(Describe(incremental).find("change feed"), std::string::npos);
}

}  // namespace
}  // namespace godwit
