// Text files of the room beyond what tests/conformance holds every format to: what lies on the disk, files of others,
// damage.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "model/canonical.h"
#include "stores/files/manifest.h"
#include "stores/files/store.h"

namespace godwit::files {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Texts = std::map<std::string, std::string>;

class TextStoreTest : public testing::Test {
 protected:
  TextStoreTest()
      : root_(fs::temp_directory_path() / ("godwit-text-" + std::to_string(::getpid()) + "-" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    schema_.ref = {"", "books"};
    schema_.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                      {.name = "title", .type = Type::Of(TypeKind::kString), .nullable = true}};
    schema_.partitions = {"p"};
    target_ = {.schema = schema_, .job = "job-1", .epoch = 1};
  }
  ~TextStoreTest() override { fs::remove_all(root_); }

  arrow::Result<std::unique_ptr<Store>> TryOpen(Texts texts) {
    texts.emplace("path", (root_ / "out").string());
    const StoreFactory factory = Factory();
    OptionValues values;
    for (const Option& option : factory.options) {
      if (!texts.contains(option.name)) continue;
      ARROW_ASSIGN_OR_RAISE(auto value, ParseOption(option, texts.at(option.name)));
      values.Set(option.name, value);
    }
    ARROW_RETURN_NOT_OK(FillDefaults(factory.options, OptionScope::kBoth, &values));
    return factory.open(values, {});
  }
  std::unique_ptr<Store> Open(const Texts& texts = {}) { return TryOpen(texts).ValueOrDie(); }
  std::string OptionError(const Texts& texts) {
    auto store = TryOpen(texts);
    return store.ok() ? "it was taken" : store.status().message();
  }

  Batch MakeBatch(int64_t first, int64_t rows, const std::string& partition = "") const {
    std::string ids = "[", titles = "[";
    for (int64_t i = first; i < first + rows; ++i) {
      const std::string comma = i > first ? "," : "";
      ids += comma + std::to_string(i);
      titles += comma + (i % 4 == 3 ? "null" : "\"title\\n\\\"" + std::to_string(i) + "\\\"\"");
    }
    auto column = [](const std::shared_ptr<arrow::DataType>& type, const std::string& text) {
      return arrow::json::ArrayFromJSONString(type, text + "]").ValueOrDie();
    };
    return {.rows = arrow::RecordBatch::Make(schema_.ArrowSchema(), rows,
                                             {column(arrow::int64(), ids), column(arrow::utf8(), titles)}),
            .partition = partition,
            .position = std::to_string(first + rows)};
  }

  HashedRows HashesOf(const Batch& batch) const {
    HashedRows hashes;
    EXPECT_TRUE(RowHasher(schema_, RowHasher::Identity::kKey).Hash(batch, &hashes).ok());
    return hashes;
  }

  Digest DigestOf(const Batch& batch) const {
    const HashedRows hashes = HashesOf(batch);
    Digest digest;
    for (size_t i = 0; i < hashes.rows.size(); ++i) digest.Add(hashes.keys[i], hashes.rows[i]);
    return digest;
  }

  std::vector<Receipt> Write(Sink& sink, const std::vector<Batch>& batches) {
    const Split split{.id = "s-0", .spec = "{}"};
    const Recovery recovery = sink.Recover(target_, split, std::nullopt, false).ValueOrDie();
    auto writer = sink.Open(target_, split, recovery).ValueOrDie();
    Progress progress{.complete = true};
    for (const Batch& batch : batches) {
      EXPECT_TRUE(writer->Write(batch, HashesOf(batch)).ok());
      progress.position = batch.position;
      progress.digest += DigestOf(batch);
    }
    return {writer->Commit(progress).ValueOrDie()};
  }
  void Publish(Sink& sink, const std::vector<Receipt>& receipts) {
    arrow::Status status = sink.Finalize(target_, receipts);
    ASSERT_TRUE(status.ok()) << Describe(status);
    status = sink.Publish(target_, receipts, receipts[0].progress.digest);
    ASSERT_TRUE(status.ok()) << Describe(status);
  }

  /// Everything below the folder of the test.
  std::set<std::string> Tree() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      names.insert(fs::relative(entry.path(), root_).string() + (entry.is_directory() ? "/" : ""));
    }
    return names;
  }
  void Put(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::string Get(const std::string& name) const { return ReadFile((root_ / name).string()).ValueOrDie(); }

  static arrow::Result<std::vector<Batch>> TryRead(Store& store, const std::string& name) {
    ARROW_ASSIGN_OR_RAISE(auto schema, store.catalog()->Describe({"", name}));
    ARROW_ASSIGN_OR_RAISE(auto snapshot, store.source()->OpenSnapshot(schema.ref));
    ARROW_ASSIGN_OR_RAISE(auto splits, store.source()->PlanSplits(schema, snapshot, {}));
    std::vector<Batch> batches;
    for (const Split& split : splits) {
      ARROW_ASSIGN_OR_RAISE(auto reader, store.source()->Open(schema, split, snapshot, ""));
      while (true) {
        ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(1 << 20));
        if (!batch) break;
        batches.push_back(*std::move(batch));
      }
    }
    return batches;
  }
  static int64_t RowsOf(const std::vector<Batch>& batches) {
    int64_t rows = 0;
    for (const Batch& batch : batches) rows += batch.rows->num_rows();
    return rows;
  }
  static std::string ReadError(Store& store, const std::string& name) {
    auto batches = TryRead(store, name);
    return batches.ok() ? "it was read" : Describe(batches.status());
  }
  static std::vector<std::string> Types(const CollectionSchema& schema) {
    std::vector<std::string> types;
    for (const Field& field : schema.fields) {
      types.push_back(field.name + " " + field.type.Name() + (field.nullable ? "?" : ""));
    }
    return types;
  }

  const fs::path root_;
  CollectionSchema schema_;
  WriteTarget target_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Numbered files

TEST_F(TextStoreTest, NumberedFilesHoldSoManyRows) {
  auto store = Open(
      {{"format", "csv"}, {"rows_per_file", "4"}, {"create_table", "true"}, {"staging", (root_ / "stage").string()}});
  Sink& sink = *store->sink();
  const auto receipts = Write(sink, {MakeBatch(0, 3), MakeBatch(3, 3, "p"), MakeBatch(6, 3)});
  EXPECT_FALSE(fs::exists(root_ / "out"));
  Publish(sink, receipts);
  EXPECT_THAT(Tree(), testing::UnorderedElementsAre("out/", "out/books/", "out/books/_godwit-manifest.json",
                                                    "out/books/0000000000.csv", "out/books/0000000001.csv",
                                                    "out/books/0000000002.csv", "out/books/create_table.sql"));
  EXPECT_THAT(Get("out/books/create_table.sql"), HasSubstr("id bigint"));
  // Partition by partition.
  EXPECT_EQ(
      Get("out/books/0000000000.csv"),
      "id,title\n0,\"title\n\"\"0\"\"\"\n1,\"title\n\"\"1\"\"\"\n2,\"title\n\"\"2\"\"\"\n6,\"title\n\"\"6\"\"\"\n");
  const Manifest manifest = ManifestFromJson(Get("out/books/_godwit-manifest.json")).ValueOrDie();
  ASSERT_EQ(manifest.files.size(), 3u);
  EXPECT_THAT(manifest.files[0].ranges, ElementsAre(RowRange{"", 4}));
  EXPECT_THAT(manifest.files[1].ranges, ElementsAre(RowRange{"", 2}, RowRange{"p", 2}));
  EXPECT_THAT(manifest.files[2].ranges, ElementsAre(RowRange{"p", 1}));

  fs::rename(root_ / "out/books", root_ / "out/moved");
  Digest digest;
  const auto batches = TryRead(*store, "moved").ValueOrDie();
  for (const Batch& batch : batches) digest += DigestOf(batch);
  EXPECT_EQ(digest, receipts[0].progress.digest);
  ASSERT_TRUE(store->catalog()->Drop({"", "moved"}).ok());
  EXPECT_THAT(Tree(), testing::UnorderedElementsAre("out/"));
}

TEST_F(TextStoreTest, NumberedFilesAreMadeAnewAfterADelete) {
  auto store = Open({{"format", "postgres"}, {"rows_per_file", "2"}});
  Sink& sink = *store->sink();
  auto receipts = Write(sink, {MakeBatch(0, 5)});
  ASSERT_TRUE(sink.Finalize(target_, receipts).ok());
  ASSERT_TRUE(sink.DeleteKeys(target_, "", MakeBatch(1, 1).rows->column(0), &receipts).ok());
  receipts[0].progress.digest -= DigestOf(MakeBatch(1, 1));
  Publish(sink, receipts);
  EXPECT_EQ(Get("out/books/0000000000.csv"), "id\ttitle\n0\ttitle\\n\"0\"\n2\ttitle\\n\"2\"\n");
  EXPECT_EQ(Get("out/books/0000000001.csv"), "id\ttitle\n3\t\\N\n4\ttitle\\n\"4\"\n");
  EXPECT_FALSE(fs::exists(root_ / "out/books/0000000002.csv"));
}

TEST_F(TextStoreTest, LargePartsBecomeNumberedFilesWithoutACopy) {
  const std::string long_title(3 << 20, 'x');
  auto long_rows = [&](int64_t first, int64_t rows, const std::string& partition) {
    std::vector<std::string> titles;
    for (int64_t i = 0; i < rows; ++i) titles.push_back(long_title + std::to_string(first + i));
    Batch batch = MakeBatch(first, rows, partition);
    arrow::StringBuilder builder;
    EXPECT_TRUE(builder.AppendValues(titles).ok());
    batch.rows = batch.rows->SetColumn(1, batch.rows->schema()->field(1), builder.Finish().ValueOrDie()).ValueOrDie();
    return batch;
  };
  for (const char* header : {"true", "false"}) {
    auto store =
        Open({{"format", "csv"}, {"rows_per_file", "2"}, {"header", header}, {"staging", (root_ / "stage").string()}});
    Sink& sink = *store->sink();
    const auto receipts =
        Write(sink, {long_rows(0, 5, ""), long_rows(5, 1, "p"), long_rows(6, 2, "p"), MakeBatch(8, 2, "p")});
    ASSERT_TRUE(sink.Finalize(target_, receipts).ok());
    int64_t linked = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "stage")) {
      linked += entry.is_regular_file() && fs::hard_link_count(entry.path()) == 2;
    }
    EXPECT_EQ(linked, 2 * 3);  // 0, 1; 2, 3; 5, 6: twice each
    Publish(sink, receipts);
    EXPECT_FALSE(fs::exists(root_ / "stage"));
    const Manifest manifest = ManifestFromJson(Get("out/books/_godwit-manifest.json")).ValueOrDie();
    std::vector<int64_t> rows;
    for (const DataFile& file : manifest.files) rows.push_back(file.rows);
    EXPECT_THAT(rows, ElementsAre(2, 2, 2, 2, 2));
    EXPECT_THAT(manifest.files[2].ranges, ElementsAre(RowRange{"p", 2}));
    EXPECT_THAT(manifest.files[3].ranges, ElementsAre(RowRange{"", 1}, RowRange{"p", 1}));
    const std::string first_line = header == std::string("true") ? "id,title\n" : "";
    EXPECT_EQ(Get("out/books/0000000001.csv"), first_line + "2," + long_title + "2\n3," + long_title + "3\n");
    EXPECT_EQ(Get("out/books/0000000004.csv"), first_line + "8,\"title\n\"\"8\"\"\"\n9,\"title\n\"\"9\"\"\"\n");
    Digest digest;
    for (const Batch& batch : TryRead(*store, "books").ValueOrDie()) digest += DigestOf(batch);
    EXPECT_EQ(digest, receipts[0].progress.digest);
    ASSERT_TRUE(store->catalog()->Drop({"", "books"}).ok());
  }
}

TEST_F(TextStoreTest, ALinkedPartIsCheckedWhenItIsRead) {
  auto store = Open({{"format", "csv"}, {"rows_per_file", "4"}});
  const auto receipts = Write(*store->sink(), {MakeBatch(0, 4)});
  const std::string part = "out/.godwit-stage-job-1/books/part-s-0.1.0.csv";
  std::string text = Get(part);
  text.back() = '7';
  Put(part, text);
  Publish(*store->sink(), receipts);
  EXPECT_THAT(ReadError(*Open(), "books"), HasSubstr("damaged"));
}

TEST_F(TextStoreTest, ACutPartIsNotLinked) {
  auto store = Open({{"format", "csv"}, {"rows_per_file", "4"}});
  const auto receipts = Write(*store->sink(), {MakeBatch(0, 4)});
  const std::string part = "out/.godwit-stage-job-1/books/part-s-0.1.0.csv";
  const std::string text = Get(part);
  Put(part, text.substr(1));
  const arrow::Status status = store->sink()->Finalize(target_, receipts);
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData);
  EXPECT_THAT(Describe(status), HasSubstr("part-s-0.1.0.csv"));
}

TEST_F(TextStoreTest, AnEmptyCollectionHasOneFileWithAHeader) {
  auto store = Open({{"format", "csv"}, {"rows_per_file", "4"}});
  Publish(*store->sink(), Write(*store->sink(), {}));
  EXPECT_EQ(Get("out/books/0000000000.csv"), "id,title\n");
  EXPECT_EQ(RowsOf(TryRead(*store, "books").ValueOrDie()), 0);
}

TEST_F(TextStoreTest, ADamagedPartIsNotNumbered) {
  auto store = Open({{"format", "csv"}, {"rows_per_file", "4"}});
  const auto receipts = Write(*store->sink(), {MakeBatch(0, 5)});
  const std::string part = "out/.godwit-stage-job-1/books/part-s-0.1.0.csv";
  std::string text = Get(part);
  text[0] = '7';
  Put(part, text);
  const arrow::Status status = store->sink()->Finalize(target_, receipts);
  EXPECT_EQ(KindOf(status), ErrorKind::kCorruptData);
  EXPECT_THAT(Describe(status), HasSubstr("part-s-0.1.0.csv"));
}

TEST_F(TextStoreTest, RowsThatPostgresRefusesAreNamed) {
  auto store = Open({{"format", "postgres"}});
  Batch batch = MakeBatch(0, 3);
  auto titles = arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["a", "b\u0000", null])").ValueOrDie();
  batch.rows = arrow::RecordBatch::Make(batch.rows->schema(), 3, {batch.rows->column(0), titles});
  const Split split{.id = "s-0", .spec = "{}"};
  Sink& sink = *store->sink();
  auto writer = sink.Open(target_, split, sink.Recover(target_, split, std::nullopt, false).ValueOrDie()).ValueOrDie();
  const WriteResult result = writer->Write(batch, HashesOf(batch)).ValueOrDie();
  EXPECT_THAT(result.rejected_rows, ElementsAre(1));
  EXPECT_EQ(result.rejected[0].key, "1");
  EXPECT_THAT(result.rejected[0].reason, HasSubstr("title"));
}

TEST_F(TextStoreTest, EveryCutAndEveryFlippedByteIsFound) {
  for (const char* format : {"csv", "jsonl", "postgres"}) {
    auto store = Open({{"format", format}});
    Publish(*store->sink(), Write(*store->sink(), {MakeBatch(0, 3)}));
    const std::string name =
        std::string("out/books/part-s-0.1.0.") + (format == std::string("jsonl") ? "jsonl" : "csv");
    const std::string whole = Get(name);
    EXPECT_EQ(RowsOf(TryRead(*store, "books").ValueOrDie()), 3);
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      Put(name, flipped);
      EXPECT_THAT(ReadError(*Open(), "books"), HasSubstr("damaged")) << i;
      Put(name, whole.substr(0, i));
      EXPECT_THAT(ReadError(*Open(), "books"), HasSubstr("bytes")) << i;
    }
    Put(name, whole);
    ASSERT_TRUE(store->catalog()->Drop({"", "books"}).ok());
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Files of others

TEST_F(TextStoreTest, TypesFollowFromAllValues) {
  Put("out/t/1.csv",
      "i,d,b,j,s,zero,big,n,mixed,v\n"
      "1,1.5,true,\"{\"\"a\"\": 1}\",x,007,12345678901234567890,,1,\"[1, 2]\"\n"
      "-9223372036854775808,NaN,False,[],,1,1,,x,\"[3,4.5]\"\n");
  Put("out/t/2.csv", "v,d,b,j,s,zero,big,n,mixed,i\n\"[5,6]\",2,true,{},y,1,1,,1,7");
  auto store = Open({{"primary_key", "i"}, {"vectors", "v=2"}});
  EXPECT_THAT(Types(store->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("i int64", "d double", "b bool", "j json", "s string?", "zero string", "big string",
                          "n string?", "mixed string", "v float_vector(2)"));
  const TargetState state = store->catalog()->State({"", "t"}).ValueOrDie();
  EXPECT_EQ(state.rows, 3);
  const auto batches = TryRead(*store, "t").ValueOrDie();
  EXPECT_EQ(RowsOf(batches), 3);
  const auto& keys = static_cast<const arrow::Int64Array&>(*batches.back().rows->GetColumnByName("i"));
  EXPECT_EQ(keys.Value(keys.length() - 1), 7);
}

TEST_F(TextStoreTest, AWrongDelimiterIsNoticed) {
  Put("out/t.csv", "id;name\n1;a\n");
  EXPECT_THAT(Describe(Open()->catalog()->Describe({"", "t"}).status()),
              HasSubstr("line 1: the header names one field, 'id;name'; if ';' separates fields"));
  EXPECT_THAT(Types(Open({{"delimiter", ";"}})->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("id int64", "name string"));
  EXPECT_THAT(Types(Open({{"types", "id;name=string"}})->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("id;name string"));
}

TEST_F(TextStoreTest, TypesOfJsonLines) {
  Put("out/t.jsonl",
      "{\"i\": 1, \"d\": 1, \"s\": \"x\", \"j\": {\"a\": null}, \"mixed\": \"1\", \"big\": 1e999}\n"
      "{\"i\": 2, \"d\": -0.5, \"s\": null, \"j\": [1], \"mixed\": 1, \"big\": 1, \"late\": true}\n");
  auto store = Open({{"primary_key", "i"}});
  EXPECT_THAT(Types(store->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("i int64", "d double", "s string?", "j json", "mixed json", "big json", "late bool?"));
  const auto batches = TryRead(*store, "t").ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*batches[0].rows->GetColumnByName("big")).GetView(0), "1e999");
}

TEST_F(TextStoreTest, TypesCanBeNamed) {
  Put("out/t.csv", "id,code,v,day\na,1,\"[1,2]\",2024-02-29\n");
  auto store = Open({{"primary_key", "id"}, {"types", "code=string, v=bfloat16_vector(2), day=date"}});
  EXPECT_THAT(Types(store->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("id string", "code string", "v bfloat16_vector(2)", "day date"));
  EXPECT_EQ(RowsOf(TryRead(*store, "t").ValueOrDie()), 1);
  store = Open({{"types", "code=bool, id=int8"}});
  EXPECT_THAT(ReadError(*store, "t"), HasSubstr("t.csv: line 2, field 'id': 'a' is not a whole number"));
  EXPECT_THAT(ReadError(*store, "t"), HasSubstr("types"));
  EXPECT_THAT(ReadError(*Open({{"types", "other=bool"}}), "t"), HasSubstr("has a field 'other'"));
  EXPECT_THAT(OptionError({{"types", "id=intt"}}), HasSubstr("'intt' is not the type of field 'id'"));
  EXPECT_THAT(OptionError({{"types", "id=float_vector"}}), HasSubstr("is not the type"));
}

TEST_F(TextStoreTest, TypesThatWereNamedHaveToFit) {
  Put("out/t.csv", "id,v,n\n1,\"[1,2]\",5\n,\"[1,2,3]\",a\n");
  auto error = [&](const Texts& options) { return Describe(Open(options)->catalog()->Describe({"", "t"}).status()); };
  const std::string number = error({{"types", "n=int64"}});
  EXPECT_NE(number.find("t.csv"), std::string::npos) << number;
  EXPECT_NE(number.find("line 3"), std::string::npos) << number;
  EXPECT_NE(number.find("'n'"), std::string::npos) << number;
  EXPECT_NE(error({{"vectors", "v=2"}}).find("'v'"), std::string::npos);
  EXPECT_NE(error({{"primary_key", "id"}}).find("'id' is null in some rows"), std::string::npos);
  EXPECT_EQ(error({{"types", "n=string"}, {"primary_key", "n"}}), "");
}

TEST_F(TextStoreTest, OtherDelimitersHeadersAndCompressions) {
  Put("out/t.tsv", "1|a\\|b\n2|\\N\n");
  auto store = Open({{"format", "postgres"}, {"delimiter", "|"}, {"header", "false"}, {"primary_key", "column1"}});
  EXPECT_THAT(Types(store->catalog()->Describe({"", "t"}).ValueOrDie()),
              ElementsAre("column1 int64", "column2 string?"));
  auto batches = TryRead(*store, "t").ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*batches[0].rows->column(1)).GetView(0), "a|b");

  for (auto [compression, suffix] : {std::pair{arrow::Compression::GZIP, ".gz"}, {arrow::Compression::ZSTD, ".zst"}}) {
    const std::string name = std::string("out/z.csv") + suffix;
    std::string text = "id\n";
    for (int i = 0; i < 100000; ++i) text += std::to_string(i) + "\n";
    auto codec = arrow::util::Codec::Create(compression).ValueOrDie();
    auto file = arrow::io::FileOutputStream::Open((root_ / name).string()).ValueOrDie();
    auto out = arrow::io::CompressedOutputStream::Make(codec.get(), file).ValueOrDie();
    ASSERT_TRUE(out->Write(text).ok());
    ASSERT_TRUE(out->Close().ok());
    store = Open({{"primary_key", "id"}});
    EXPECT_EQ(RowsOf(TryRead(*store, "z").ValueOrDie()), 100000);
    const std::string whole = Get(name);
    for (size_t size : {whole.size() - 1, whole.size() / 2, size_t{1}, size_t{0}}) {
      Put(name, whole.substr(0, size));
      EXPECT_EQ(KindOf(TryRead(*store, "z").status()), ErrorKind::kCorruptData) << size << suffix;
    }
    fs::remove(root_ / name);
  }
}

TEST_F(TextStoreTest, ACutFileOfOthersIsAnErrorOrWholeLines) {
  const std::string csv = "id,v,s\n1,1.5,\"a,b\"\n2,2.5,c\n";
  const std::string lines = "{\"id\":1,\"s\":\"a\"}\n{\"id\":2,\"s\":\"b\"}\n";
  for (const auto& [name, whole] : {std::pair{std::string("t.csv"), csv}, {std::string("u.jsonl"), lines}}) {
    // A cut header is a header.
    for (size_t size = name == "t.csv" ? csv.find('\n') + 1 : 1; size < whole.size(); ++size) {
      Put("out/" + name, whole.substr(0, size));
      auto store = Open({{"primary_key", "id"}});
      auto batches = TryRead(*store, name.substr(0, 1));
      if (!batches.ok()) {
        EXPECT_THAT(Describe(batches.status()), HasSubstr(name)) << size;
        continue;
      }
      // What is left is a file of its own right: every line has all fields.
      const std::string cut = whole.substr(0, size);
      const std::string last = cut.substr(cut.find_last_of('\n') + 1);
      const bool has_all =
          name == "t.csv" ? std::count(last.begin(), last.end(), ',') >= 2 : last.find('}') != last.npos;
      EXPECT_TRUE(last.empty() || last.ends_with('\n') || has_all) << size << " " << last;
    }
  }
}

TEST_F(TextStoreTest, TwoFormatsInOneFolder) {
  Put("out/t/a.csv", "id\n1\n");
  Put("out/t/b.jsonl", "{\"id\":2}\n");
  EXPECT_THAT(ReadError(*Open(), "t"), HasSubstr("two formats"));
  EXPECT_EQ(RowsOf(TryRead(*Open({{"format", "csv"}}), "t").ValueOrDie()), 1);
  EXPECT_THAT(Open()->catalog()->List("").ValueOrDie(), ElementsAre("t"));
}

TEST_F(TextStoreTest, OptionsThatDoNotGoTogether) {
  EXPECT_THAT(OptionError({{"format", "csv"}, {"compression", "lz4"}}), HasSubstr("gzip or zstd"));
  EXPECT_THAT(OptionError({{"format", "jsonl"}, {"delimiter", ";"}}), HasSubstr("jsonl has none"));
  EXPECT_THAT(OptionError({{"format", "csv"}, {"delimiter", ";;"}}), HasSubstr("one character"));
  EXPECT_THAT(OptionError({{"format", "csv"}, {"delimiter", "a"}}), HasSubstr("between its fields"));
  EXPECT_THAT(OptionError({{"rows_per_file", "10"}}), HasSubstr("numbered"));
  EXPECT_EQ(OptionError({{"format", "postgres"}, {"delimiter", "tab"}}), "it was taken");
}

}  // namespace
}  // namespace godwit::files
