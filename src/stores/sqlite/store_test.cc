// What the room does beyond the contract that tests/conformance holds it to: tables of others, names, locks.
#include "stores/sqlite/store.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "base/sqlite.h"

namespace godwit::sqlite {
namespace {

namespace fs = std::filesystem;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest()
      : folder_(fs::temp_directory_path() / ("godwit-sqlite-" + std::to_string(::getpid()) + "-" +
                                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~SqliteStoreTest() override { fs::remove_all(folder_); }

  std::string path() const { return (folder_ / "test.db").string(); }

  void Execute(const std::string& sql) {
    auto db = SqliteDatabase::Open(path(), SqliteDatabase::Mode::kCreate, 1000).ValueOrDie();
    const arrow::Status status = db->Execute(sql);
    ASSERT_TRUE(status.ok()) << Describe(status);
  }

  arrow::Result<std::unique_ptr<Store>> TryOpen(const std::map<std::string, std::string>& texts, StopToken stop = {}) {
    const StoreFactory factory = Factory();
    OptionValues values;
    for (const Option& option : factory.options) {
      if (!texts.contains(option.name)) continue;
      ARROW_ASSIGN_OR_RAISE(auto value, ParseOption(option, texts.at(option.name)));
      values.Set(option.name, value);
    }
    ARROW_RETURN_NOT_OK(FillDefaults(factory.options, OptionScope::kBoth, &values));
    return factory.open(values, stop);
  }
  std::unique_ptr<Store> Open(std::map<std::string, std::string> texts = {}, StopToken stop = {}) {
    texts.emplace("path", path());
    return TryOpen(texts, stop).ValueOrDie();
  }

  /// All rows of a table, as one text: fields by comma, rows by line.
  static arrow::Result<std::string> ReadTable(Store& store, const std::string& name) {
    ARROW_ASSIGN_OR_RAISE(auto schema, store.catalog()->Describe({"", name}));
    ARROW_ASSIGN_OR_RAISE(auto splits, store.source()->PlanSplits(schema, {}, {.target_bytes = 1, .min_splits = 1}));
    std::string text;
    for (const Split& split : splits) {
      ARROW_ASSIGN_OR_RAISE(auto reader, store.source()->Open(schema, split, {}, ""));
      while (true) {
        ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(1));
        if (!batch) break;
        for (int i = 0; i < batch->rows->num_columns(); ++i) {
          ARROW_ASSIGN_OR_RAISE(auto value, batch->rows->column(i)->GetScalar(0));
          text += (i > 0 ? "," : "") + value->ToString();
        }
        text += "\n";
      }
    }
    return text;
  }

  static std::string Message(const arrow::Status& status, ErrorKind kind) {
    if (status.ok()) return "ok";
    EXPECT_EQ(KindOf(status), kind) << Describe(status);
    return Describe(status);
  }

  static CollectionSchema Schema(const std::string& name) {
    CollectionSchema schema;
    schema.ref.name = name;
    schema.fields.push_back({.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true});
    schema.fields.push_back({.name = "text", .type = Type::Of(TypeKind::kString)});
    return schema;
  }

  /// One row of Schema(); null = no text.
  static Batch Row(int64_t id, const char* text) {
    arrow::Int64Builder ids;
    arrow::StringBuilder texts;
    EXPECT_TRUE(ids.Append(id).ok());
    EXPECT_TRUE((text == nullptr ? texts.AppendNull() : texts.Append(text)).ok());
    auto rows =
        arrow::RecordBatch::Make(Schema("").ArrowSchema(), 1, {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
    return {.rows = rows, .partition = "", .position = std::to_string(id)};
  }

  const fs::path folder_;
};

TEST_F(SqliteStoreTest, ReadsTablesOfOthers) {
  Execute(
      "CREATE TABLE items(id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, price REAL, v BLOB, day DATE);"
      "INSERT INTO items VALUES(-1, 'a', 1.5, x'0000803f', 3), (2, 'b', NULL, x'00000040', NULL)");
  auto store = Open({{"types", "v=float_vector(1),items.day=date"}});
  const CollectionSchema schema = store->catalog()->Describe({"", "items"}).ValueOrDie();
  EXPECT_EQ(schema.key_index(), 0);
  EXPECT_FALSE(schema.fields[1].nullable);
  EXPECT_TRUE(schema.fields[2].nullable);
  EXPECT_EQ(schema.fields[3].type, Type::Vector(TypeKind::kFloatVector, 1));
  EXPECT_EQ(schema.fields[4].type, Type::Of(TypeKind::kDate));
  const std::string rows = ReadTable(*store, "items").ValueOrDie();
  EXPECT_NE(rows.find("-1,a,1.5,"), std::string::npos) << rows;
  EXPECT_NE(rows.find("2,b,null,"), std::string::npos) << rows;
}

TEST_F(SqliteStoreTest, NamesTypesOfColumnsThatAreNotThere) {
  Execute("CREATE TABLE items(id INTEGER PRIMARY KEY, embedding BLOB)");
  auto store = Open({{"types", "items.embeding=float_vector(2)"}});
  EXPECT_EQ(Message(store->catalog()->Describe({"", "items"}).status(), ErrorKind::kInvalidConfig),
            "types.items.embeding: there is no column 'items.embeding'; did you mean 'items.embedding'?");
  // Without a table, it may be a column of any.
  Execute("CREATE TABLE others(id INTEGER PRIMARY KEY, at INTEGER)");
  EXPECT_TRUE(Open({{"types", "at=timestamp"}})->catalog()->Describe({"", "items"}).ok());
  for (const std::string wrong : {"embeding", "item.embedding"}) {
    store = Open({{"types", wrong + "=float_vector(2)"}});
    const std::string message = Message(store->catalog()->Describe({"", "items"}).status(), ErrorKind::kInvalidConfig);
    EXPECT_TRUE(message.starts_with("types." + wrong + ": there is no column '" + wrong + "'; did you mean '"))
        << message;
  }
}

TEST_F(SqliteStoreTest, ListsTablesOnly) {
  Execute(
      "CREATE TABLE b(x INT); CREATE TABLE a(x INT); CREATE VIEW v AS SELECT * FROM a; CREATE INDEX i ON a(x);"
      "CREATE VIRTUAL TABLE f USING fts5(t)");
  EXPECT_EQ(Open()->catalog()->List("").ValueOrDie(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(SqliteStoreTest, NamesColumnsOfUncertainType) {
  Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME)");
  EXPECT_EQ(
      Message(Open()->catalog()->Describe({"", "t"}).status(), ErrorKind::kUnsupported),
      "column 'at' of table 't': is declared as 'DATETIME', which says nothing certain about its values; name its "
      "type in the option `types`");
}

TEST_F(SqliteStoreTest, NamesTheRowThatIsNotAsDeclared) {
  Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES(1, 5), (7, 'seven')");
  EXPECT_EQ(Message(ReadTable(*Open(), "t").status(), ErrorKind::kCorruptData),
            "t, key 7: field 'n': holds a text instead of an integer");
}

TEST_F(SqliteStoreTest, KeysThatAreNotAsDeclaredAreNotLost) {
  Execute("CREATE TABLE t(id TEXT PRIMARY KEY, n INT); INSERT INTO t VALUES('a', 1), (NULL, 2)");
  EXPECT_NE(Message(ReadTable(*Open(), "t").status(), ErrorKind::kCorruptData), "ok");
  Execute("DELETE FROM t; INSERT INTO t VALUES('a', 1), (x'62', 2)");
  EXPECT_NE(Message(ReadTable(*Open(), "t").status(), ErrorKind::kCorruptData), "ok");
}

TEST_F(SqliteStoreTest, PagesTablesWithoutAKeyByRowid) {
  Execute("CREATE TABLE t(rowid TEXT, n INT); INSERT INTO t VALUES('x', 1), ('x', 1), ('y', 2)");
  EXPECT_EQ(ReadTable(*Open(), "t").ValueOrDie(), "x,1\nx,1\ny,2\n");
  Execute("CREATE TABLE w(a INT, b INT, PRIMARY KEY(a, b)) WITHOUT ROWID");
  EXPECT_NE(Message(Open()->catalog()->Describe({"", "w"}).status(), ErrorKind::kUnsupported).find("table 'w'"),
            std::string::npos);
}

TEST_F(SqliteStoreTest, PagesByTheCollationOfTheKey) {
  Execute(
      "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, n INT); INSERT INTO t VALUES('b', 1), ('A', 2), "
      "('C', 3)");
  EXPECT_EQ(ReadTable(*Open(), "t").ValueOrDie(), "A,2\nb,1\nC,3\n");
}

TEST_F(SqliteStoreTest, LeavesSourcesAlone) {
  Execute("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)");
  auto contents = [this] {
    std::ostringstream text;
    text << std::ifstream(path(), std::ios::binary).rdbuf();
    return text.str();
  };
  const std::string before = contents();
  auto store = Open();
  EXPECT_EQ(ReadTable(*store, "t").ValueOrDie(), "1\n");
  (void)store->catalog()->State({"", "t"});
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(SqliteStoreTest, DoesNotWriteTablesOfOthers) {
  Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  EXPECT_NE(Message(Open()->catalog()->Create(Schema("t")), ErrorKind::kConflict).find("godwit did not make the"),
            std::string::npos);
  auto store = Open();
  Sink& checks = *store->sink();
  EXPECT_NE(Message(checks.CheckUse(Schema("t"), {.write = true}), ErrorKind::kConflict).find("schema: recreate"),
            std::string::npos);
  EXPECT_TRUE(checks.CheckUse(Schema("t"), {.create = true, .drop = true}).ok());
  EXPECT_NE(Message(checks.CheckUse(Schema("T"), {.create = true}), ErrorKind::kConflict).find("is taken"),
            std::string::npos);
  EXPECT_TRUE(checks.CheckNames(Schema("T")).ok());
  EXPECT_NE(Message(checks.CheckNames(Schema("sqlite_x")), ErrorKind::kInvalidConfig).find("reserved"),
            std::string::npos);
}

TEST_F(SqliteStoreTest, CaseOfNames) {
  auto store = Open();
  ASSERT_TRUE(store->catalog()->Create(Schema("t")).ok());
  EXPECT_NE(Message(store->catalog()->Create(Schema("T")), ErrorKind::kConflict).find("upper and lower case"),
            std::string::npos);
  ASSERT_TRUE(store->catalog()->Drop({"", "T"}).ok());
  EXPECT_TRUE(store->catalog()->State({"", "t"}).ValueOrDie().exists);
  CollectionSchema schema = Schema("u");
  schema.fields.push_back({.name = "TEXT", .type = Type::Of(TypeKind::kBool)});
  EXPECT_NE(Message(store->sink()->Adapt(schema).status(), ErrorKind::kUnsupported).find("'TEXT'"), std::string::npos);
}

TEST_F(SqliteStoreTest, RefusesWhatItCanNotHoldByName) {
  auto refusal = [&](CollectionSchema schema) {
    return Message(Open()->sink()->Adapt(schema).status(), ErrorKind::kUnsupported);
  };
  CollectionSchema schema = Schema("sqlite_x");
  schema.ref.database = "db";
  schema.fields[0].type = Type::Of(TypeKind::kDouble);
  schema.fields.push_back({.name = "b", .type = Type::Array(TypeKind::kBytes)});
  const std::string message = refusal(schema);
  for (const char* part : {"'db'", "'sqlite_x' is reserved", "the key 'id' of type double", "field 'b'"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  schema = Schema("x");
  schema.fields[0].auto_id = true;
  EXPECT_NE(refusal(schema).find("auto_id"), std::string::npos);
}

TEST_F(SqliteStoreTest, AnyNameIsAName) {
  auto store = Open();
  CollectionSchema schema = Schema("we\"ird; DROP TABLE x --");
  schema.fields[1].name = "a\"b'c $meta \xf0\x9f\x90\xa6";
  ASSERT_TRUE(store->catalog()->Create(schema).ok());
  EXPECT_EQ(store->catalog()->Describe(schema.ref).ValueOrDie(), schema);
  EXPECT_EQ(store->catalog()->List("").ValueOrDie(), std::vector<std::string>{schema.ref.name});
}

TEST_F(SqliteStoreTest, KnowsThatATableWasAltered) {
  auto store = Open();
  ASSERT_TRUE(store->catalog()->Create(Schema("t")).ok());
  Execute("ALTER TABLE t ADD COLUMN more INT");
  EXPECT_NE(Message(store->catalog()->Describe({"", "t"}).status(), ErrorKind::kConflict).find("godwit_collections"),
            std::string::npos);
  Execute("DROP TABLE t");
  EXPECT_FALSE(store->catalog()->State({"", "t"}).ValueOrDie().exists);
  ASSERT_TRUE(store->catalog()->Create(Schema("t")).ok());
}

class SqliteWriteTest : public SqliteStoreTest {
 protected:
  SqliteWriteTest() : store_(Open({{"busy_timeout", "20ms"}}, stop_)) {
    CollectionSchema schema = Schema("t");
    schema.indexes.push_back({.name = "by_text", .field = "text", .type = "", .metric = "", .params = {}});
    target_.schema = schema;
    EXPECT_TRUE(store_->catalog()->Create(schema).ok());
  }

  std::unique_ptr<Writer> OpenWriter() { return store_->sink()->Open(target_, split_, {}).ValueOrDie(); }

  StopToken stop_;
  std::unique_ptr<Store> store_;
  WriteTarget target_{.schema = {}, .job = "job", .epoch = 1};
  const Split split_{.id = "s", .spec = "{}"};
};

TEST_F(SqliteWriteTest, RejectsNullsByKeyAndField) {
  auto writer = OpenWriter();
  const WriteResult result = writer->Write(Row(42, nullptr), {}).ValueOrDie();
  ASSERT_EQ(result.rejected.size(), 1u);
  EXPECT_EQ(result.rejected[0].key, "42");
  EXPECT_EQ(result.rejected[0].reason, "field 'text' is null, which the schema does not allow");
  EXPECT_EQ(result.rejected_rows, std::vector<int64_t>{0});
}

TEST_F(SqliteWriteTest, KeysThatAreThereAreAConflict) {
  auto writer = OpenWriter();
  ASSERT_TRUE(writer->Write(Row(1, "a"), {}).ok());
  ASSERT_TRUE(writer->Commit({}).ok());
  ASSERT_TRUE(writer->Write(Row(1, "b"), {}).ok());
  EXPECT_NE(Message(writer->Commit({}).status(), ErrorKind::kConflict), "ok");
  EXPECT_EQ(ReadTable(*store_, "t").ValueOrDie(), "1,a\n");
}

TEST_F(SqliteWriteTest, PublishMakesScalarIndexesAndLeavesNoTraces) {
  auto writer = OpenWriter();
  ASSERT_TRUE(writer->Commit({.position = "x", .digest = {}, .complete = true}).ok());
  writer.reset();
  ASSERT_TRUE(store_->sink()->Publish(target_, {}, {}).ok());
  auto db = SqliteDatabase::Open(path(), SqliteDatabase::Mode::kReadOnly, 0).ValueOrDie();
  auto query = db->Prepare(
                     "SELECT (SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 't.by_text'),"
                     " (SELECT count(*) FROM godwit_progress)")
                   .ValueOrDie();
  ASSERT_TRUE(query.Step().ValueOrDie());
  EXPECT_EQ(query.Int(0), 1);
  EXPECT_EQ(query.Int(1), 0);
}

TEST_F(SqliteWriteTest, LockOfAnotherProgramIsUnavailable) {
  auto writer = OpenWriter();
  ASSERT_TRUE(writer->Write(Row(1, "a"), {}).ok());
  auto other = SqliteDatabase::Open(path(), SqliteDatabase::Mode::kReadWrite, 0).ValueOrDie();
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  const arrow::Status status = writer->Commit({}).status();
  EXPECT_NE(Message(status, ErrorKind::kUnavailable).find("busy_timeout"), std::string::npos);
  ASSERT_TRUE(other->Execute("ROLLBACK").ok());
}

TEST_F(SqliteStoreTest, StopEndsTheWaitForALock) {
  StopToken stop;
  auto store = Open({{"busy_timeout", "10m"}}, stop);
  ASSERT_TRUE(store->catalog()->Create(Schema("t")).ok());
  auto other = SqliteDatabase::Open(path(), SqliteDatabase::Mode::kReadWrite, 0).ValueOrDie();
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  std::thread stopper([&] { stop.RequestStop(); });
  EXPECT_NE(Message(store->catalog()->Create(Schema("u")), ErrorKind::kCancelled), "ok");
  stopper.join();
}

TEST_F(SqliteStoreTest, ChecksOptions) {
  auto refusal = [&](const std::string& types) {
    return Message(TryOpen({{"path", path()}, {"types", types}}).status(), ErrorKind::kInvalidConfig);
  };
  EXPECT_EQ(refusal("a=sparse_vector,b=binary_vector(16),c=json"), "ok");
  EXPECT_NE(refusal("a=float_vektor(3)").find("float_vector"), std::string::npos);
  EXPECT_NE(refusal("a=float_vector").find("float_vector(128)"), std::string::npos);
  for (const char* text : {"a=float_vector(0)", "a=float_vector(3", "a=float_vector(3)x", "a=binary_vector(12)",
                           "a=string(3)", "a=decimal", "a=array"}) {
    EXPECT_NE(refusal(text), "ok") << text;
  }
  EXPECT_NE(Message(TryOpen({}).status(), ErrorKind::kInvalidConfig).find("path"), std::string::npos);
}

TEST_F(SqliteStoreTest, ChecksTheFile) {
  EXPECT_EQ(Open()->Check(OptionScope::kTarget)[0].verdict, CheckItem::Verdict::kPassed);  // no file yet
  EXPECT_EQ(Open()->Check(OptionScope::kSource)[0].verdict, CheckItem::Verdict::kFailed);
  EXPECT_EQ(Open({{"path", "/absent/folder/x.db"}})->Check(OptionScope::kTarget)[0].verdict,
            CheckItem::Verdict::kFailed);
  std::ofstream(path()) << "this is text and no database, and it is long enough to be seen as such";
  EXPECT_EQ(Open()->Check(OptionScope::kTarget)[0].verdict, CheckItem::Verdict::kFailed);
}

}  // namespace
}  // namespace godwit::sqlite
