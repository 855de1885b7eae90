// What the room does beyond the contract that tests/conformance holds it to: what lies on the disk, damaged and foreign
// files, crashes.
#include "stores/files/store.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "base/failpoint.h"
#include "model/canonical.h"
#include "stores/files/manifest.h"
#include "stores/files/parquet_file.h"

namespace godwit::files {
namespace {

namespace fs = std::filesystem;

class FilesStoreTest : public testing::Test {
 protected:
  FilesStoreTest()
      : root_(fs::temp_directory_path() / ("godwit-files-" + std::to_string(::getpid()) + "-" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    store_ = Open();
    schema_.ref = {"", "books"};
    schema_.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                      {.name = "title", .type = Type::Of(TypeKind::kString), .nullable = true},
                      {.name = "v", .type = Type::Vector(TypeKind::kFloatVector, 2)}};
    target_ = {.schema = schema_, .job = "job-1", .epoch = 1};
  }
  ~FilesStoreTest() override { fs::remove_all(root_); }

  arrow::Result<std::unique_ptr<Store>> TryOpen(const std::map<std::string, std::string>& texts) {
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
  std::unique_ptr<Store> Open(std::map<std::string, std::string> texts = {}) {
    texts.emplace("path", root_.string());
    return TryOpen(texts).ValueOrDie();
  }

  Sink& sink() { return *store_->sink(); }
  Catalog& catalog() { return *store_->catalog(); }

  Batch MakeBatch(int64_t first_key, int64_t rows, const std::string& partition = "") const {
    std::string ids = "[", titles = "[", vectors = "[";
    for (int64_t i = first_key; i < first_key + rows; ++i) {
      std::string comma = i > first_key ? "," : "";
      ids += comma + std::to_string(i);
      titles += comma + (i % 3 == 0 ? "null" : "\"title " + std::to_string(i) + "\"");
      vectors += comma + "[" + std::to_string(i) + "," + std::to_string(i) + ".5]";
    }
    arrow::ArrayVector columns;
    for (const auto& [field, text] : {std::pair{0, ids}, {1, titles}, {2, vectors}}) {
      columns.push_back(
          arrow::json::ArrayFromJSONString(schema_.fields[static_cast<size_t>(field)].type.Storage(), text + "]")
              .ValueOrDie());
    }
    return {.rows = arrow::RecordBatch::Make(schema_.ArrowSchema(), rows, columns),
            .partition = partition,
            .position = std::to_string(first_key + rows)};
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

  /// Batches of a split, and their receipt.
  arrow::Result<Receipt> Write(const std::vector<Batch>& batches, const std::string& split_id = "s-0") {
    const Split split{.id = split_id, .spec = "{}"};
    ARROW_ASSIGN_OR_RAISE(Recovery recovery, sink().Recover(target_, split, std::nullopt, false));
    ARROW_ASSIGN_OR_RAISE(auto writer, sink().Open(target_, split, recovery));
    Progress progress{.complete = true};
    for (const Batch& batch : batches) {
      ARROW_RETURN_NOT_OK(writer->Write(batch, HashesOf(batch)));
      progress.position = batch.position;
      progress.digest += DigestOf(batch);
    }
    return writer->Commit(progress);
  }
  static Digest Sum(const std::vector<Receipt>& receipts) {
    Digest digest;
    for (const Receipt& receipt : receipts) digest += receipt.progress.digest;
    return digest;
  }
  arrow::Status Publish(const std::vector<Receipt>& receipts) {
    return sink().Publish(target_, receipts, Sum(receipts));
  }
  /// A published collection of `rows` rows with keys from 0.
  void MakeCollection(int64_t rows) {
    auto receipt = Write({MakeBatch(0, rows)});
    ASSERT_TRUE(receipt.ok()) << Describe(receipt.status());
    arrow::Status status = Publish({*receipt});
    ASSERT_TRUE(status.ok()) << Describe(status);
  }

  /// Keys with their partitions, in order; an error that names no file is a failure of the test.
  static arrow::Result<std::multiset<std::string>> Keys(Source* source, const CollectionSchema& schema) {
    std::multiset<std::string> keys;
    ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, source->OpenSnapshot(schema.ref));
    ARROW_ASSIGN_OR_RAISE(auto splits, source->PlanSplits(schema, snapshot, {}));
    for (const Split& split : splits) {
      ARROW_ASSIGN_OR_RAISE(auto reader, source->Open(schema, split, snapshot, ""));
      while (true) {
        ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(1 << 20));
        if (!batch) break;
        const auto& ids = static_cast<const arrow::Int64Array&>(*batch->rows->GetColumnByName("id"));
        for (int64_t i = 0; i < ids.length(); ++i) keys.insert(batch->partition + ":" + std::to_string(ids.Value(i)));
      }
    }
    return keys;
  }
  arrow::Result<std::multiset<std::string>> Keys(Store& store, const CollectionRef& ref) {
    ARROW_ASSIGN_OR_RAISE(auto schema, store.catalog()->Describe(ref));
    return Keys(store.source(), schema);
  }
  arrow::Result<std::multiset<std::string>> StagedKeys(const std::vector<Receipt>& receipts) {
    ARROW_ASSIGN_OR_RAISE(auto source, sink().ReadBack(target_, receipts));
    return Keys(source.get(), schema_);
  }
  static std::multiset<std::string> Range(int64_t first, int64_t end, const std::string& partition = "") {
    std::multiset<std::string> keys;
    for (int64_t i = first; i < end; ++i) keys.insert(partition + ":" + std::to_string(i));
    return keys;
  }

  /// Everything below the root, folders with a slash at their end.
  std::set<std::string> Tree() const {
    std::set<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      paths.insert(fs::relative(entry.path(), root_).string() + (entry.is_directory() ? "/" : ""));
    }
    return paths;
  }

  void Copy(const std::string& from, const std::string& to) {
    fs::create_directories((root_ / to).parent_path());
    fs::copy_file(root_ / from, root_ / to);
  }

  /// Ends `call` at the failpoint. It keeps nothing in memory, so that is what a crash there leaves, too.
  template <typename Call>
  void StopAt(const std::string& failpoint, Call&& call) {
    ::setenv("GODWIT_FAILPOINTS", (failpoint + "=error").c_str(), 1);
    ASSERT_TRUE(Failpoint::ArmFromEnvironment().ok());
    ::unsetenv("GODWIT_FAILPOINTS");
    EXPECT_NE(call().message().find(failpoint), std::string::npos) << failpoint;
    store_ = Open();
  }

  const fs::path root_;
  std::unique_ptr<Store> store_;
  CollectionSchema schema_;
  WriteTarget target_;
};

// ---------------------------------------------------------------------------------------------------------------------
// What lies on the disk

TEST_F(FilesStoreTest, NothingIsSeenBeforePublishAndNothingElseAfter) {
  auto receipt = Write({MakeBatch(0, 5), MakeBatch(5, 2, "p 1"), MakeBatch(0, 1, "p 1"), MakeBatch(9, 1)}).ValueOrDie();
  EXPECT_EQ(catalog().List("").ValueOrDie(), std::vector<std::string>());
  EXPECT_FALSE(catalog().State({"", "books"}).ValueOrDie().exists);
  for (const std::string& path : Tree()) EXPECT_TRUE(path.starts_with(".godwit-stage-job-1/")) << path;

  ASSERT_TRUE(Publish({receipt}).ok());
  EXPECT_EQ(Tree(),
            (std::set<std::string>{"books/", "books/_godwit-manifest.json", "books/part-s-0.1.0.parquet",
                                   "books/part-s-0.1.2.parquet", "books/p%201/", "books/p%201/part-s-0.1.1.parquet"}));
  const TargetState state = catalog().State({"", "books"}).ValueOrDie();
  EXPECT_EQ(state.rows, 9);
  EXPECT_TRUE(state.identity.ends_with("Z job-1")) << state.identity;
  auto want = Range(0, 5);
  want.merge(Range(9, 10));
  for (const char* key : {"p 1:5", "p 1:6", "p 1:0"}) want.insert(key);
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), want);
}

TEST_F(FilesStoreTest, TheManifestHasTheDigestOfEveryFile) {
  // One commit of three parts: two of them are hashed by the room, the rest follows.
  auto receipt = Write({MakeBatch(0, 5), MakeBatch(5, 2, "p"), MakeBatch(7, 1, "q")}).ValueOrDie();
  ASSERT_TRUE(Publish({receipt}).ok());
  const Manifest manifest =
      ManifestFromJson(ReadFile((root_ / "books/_godwit-manifest.json").string()).ValueOrDie()).ValueOrDie();
  std::map<std::string, Digest> digests;
  for (const DataFile& file : manifest.files) digests[file.partition] = file.digest;
  EXPECT_EQ(digests, (std::map<std::string, Digest>{{"", DigestOf(MakeBatch(0, 5))},
                                                    {"p", DigestOf(MakeBatch(5, 2, "p"))},
                                                    {"q", DigestOf(MakeBatch(7, 1, "q"))}}));
  EXPECT_EQ(manifest.digest, receipt.progress.digest);
}

TEST_F(FilesStoreTest, ADatabaseIsAFolder) {
  target_.schema.ref = {"copy", "books"};
  ASSERT_TRUE(catalog().Create(target_.schema).ok());
  auto receipt = Write({MakeBatch(0, 1)}).ValueOrDie();
  ASSERT_TRUE(Publish({receipt}).ok());
  EXPECT_EQ(Tree(), (std::set<std::string>{"copy/", "copy/books/", "copy/books/_godwit-manifest.json",
                                           "copy/books/part-s-0.1.0.parquet"}));
  EXPECT_EQ(catalog().List("").ValueOrDie(), std::vector<std::string>());
  EXPECT_EQ(catalog().List("copy").ValueOrDie(), std::vector<std::string>{"books"});
  EXPECT_EQ(KindOf(catalog().List("other").status()), ErrorKind::kNotFound);
  EXPECT_EQ(Keys(*store_, {"copy", "books"}).ValueOrDie(), Range(0, 1));
}

TEST_F(FilesStoreTest, FilesEndAtTheirSize) {
  store_ = Open({{"file_bytes", "10KB"}, {"row_group_bytes", "4KB"}, {"compression", "none"}});
  std::vector<Batch> batches;
  for (int64_t i = 0; i < 20; ++i) batches.push_back(MakeBatch(i * 100, 100));
  auto receipt = Write(batches).ValueOrDie();
  const auto parts = EvidenceFromJson(receipt.evidence).ValueOrDie();
  EXPECT_GE(parts.size(), 3u);
  for (const DataFile& part : parts) EXPECT_LT(part.bytes, 20'000);
  ASSERT_TRUE(Publish({receipt}).ok());
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 2000));
}

TEST_F(FilesStoreTest, AnEmptyCollectionHasItsColumns) {
  ASSERT_TRUE(Publish({}).ok());
  EXPECT_EQ(Tree(), (std::set<std::string>{"books/", "books/_godwit-manifest.json", "books/part-empty.1.0.parquet"}));
  auto file = ParquetFile::Open((root_ / "books/part-empty.1.0.parquet").string()).ValueOrDie();
  EXPECT_EQ(file->rows(), 0);
  EXPECT_EQ(file->schema()->field_names(), (std::vector<std::string>{"id", "title", "v"}));
  // It gives way to a later job.
  target_.job = "job-2";
  MakeCollection(3);
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 3));
}

TEST_F(FilesStoreTest, AMovedFolderIsTheSameCollection) {
  MakeCollection(3);
  fs::rename(root_ / "books", root_ / "my books");
  EXPECT_EQ(catalog().List("").ValueOrDie(), std::vector<std::string>{"my books"});
  EXPECT_EQ(Keys(*store_, {"", "my books"}).ValueOrDie(), Range(0, 3));
  EXPECT_EQ(catalog().Describe({"", "my books"}).ValueOrDie().key_index(), 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Damage

TEST_F(FilesStoreTest, EveryCutAndEveryFlippedByteIsFound) {
  MakeCollection(3);
  for (const char* name : {"books/part-s-0.1.0.parquet", "books/_godwit-manifest.json"}) {
    const std::string path = (root_ / name).string();
    const std::string whole = ReadFile(path).ValueOrDie();
    auto expect_found = [&](const std::string& what) {
      auto keys = Keys(*store_, {"", "books"});
      ASSERT_FALSE(keys.ok()) << what;
      EXPECT_EQ(KindOf(keys.status()), ErrorKind::kCorruptData) << what << ": " << Describe(keys.status());
      EXPECT_TRUE(Describe(keys.status()).starts_with(path)) << Describe(keys.status());
    };
    for (size_t i = 0; i < whole.size(); ++i) {
      if (whole.substr(i).starts_with("2\n}")) continue;  // the version: another one is unsupported, not damage
      auto put = [&](char byte) {
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(i)).put(byte);
      };
      put(static_cast<char>(whole[i] ^ (1 << (i % 8))));
      expect_found("byte " + std::to_string(i));
      put(whole[i]);
    }
    for (size_t size = whole.size(); size-- > 0;) {
      fs::resize_file(path, size);
      expect_found("cut to " + std::to_string(size));
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
  fs::remove(root_ / "books/part-s-0.1.0.parquet");
  EXPECT_EQ(KindOf(Keys(*store_, {"", "books"}).status()), ErrorKind::kCorruptData);
}

TEST_F(FilesStoreTest, ADamagedPartIsFoundBeforeItIsPublished) {
  auto receipt = Write({MakeBatch(0, 3)}).ValueOrDie();
  const fs::path part = root_ / ".godwit-stage-job-1/books/part-s-0.1.0.parquet";
  std::string bytes = ReadFile(part.string()).ValueOrDie();
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(part, std::ios::binary) << bytes;
  EXPECT_EQ(KindOf(StagedKeys({receipt}).status()), ErrorKind::kCorruptData);
  fs::resize_file(part, 10);
  EXPECT_EQ(KindOf(Publish({receipt})), ErrorKind::kCorruptData);
  // The split is copied anew, and what was left of it is gone.
  EXPECT_FALSE(sink().Recover(target_, {.id = "s-0", .spec = "{}"}, receipt, true).ValueOrDie().receipt.has_value());
  EXPECT_FALSE(fs::exists(part));
}

// ---------------------------------------------------------------------------------------------------------------------
// Crashes

TEST_F(FilesStoreTest, OnlyCommittedPartsCount) {
  const Split split{.id = "s-0", .spec = "{}"};
  auto writer = sink().Open(target_, split, {}).ValueOrDie();
  Progress progress;
  auto write = [&](int64_t first_key, int64_t rows) {
    const Batch batch = MakeBatch(first_key, rows);
    progress.digest += DigestOf(batch);
    return writer->Write(batch, HashesOf(batch)).status();
  };
  ASSERT_TRUE(write(0, 3).ok());
  const Receipt first = writer->Commit(progress).ValueOrDie();
  ASSERT_TRUE(write(3, 2).ok());
  ASSERT_TRUE(writer->Commit(progress).ok());  // the journal missed it
  ASSERT_TRUE(write(5, 1).ok());
  writer.reset();

  ++target_.epoch;
  const Recovery recovery = sink().Recover(target_, split, first, true).ValueOrDie();
  ASSERT_TRUE(recovery.receipt.has_value());
  EXPECT_FALSE(recovery.replay);
  progress = recovery.receipt->progress;
  writer = sink().Open(target_, split, recovery).ValueOrDie();
  ASSERT_TRUE(write(3, 4).ok());
  const Receipt last = writer->Commit(progress).ValueOrDie();
  EXPECT_EQ(StagedKeys({last}).ValueOrDie(), Range(0, 7));
  ASSERT_TRUE(Publish({last}).ok());
  EXPECT_EQ(Tree(), (std::set<std::string>{"books/", "books/_godwit-manifest.json", "books/part-s-0.1.0.parquet",
                                           "books/part-s-0.2.0.parquet"}));
}

TEST_F(FilesStoreTest, PublishGoesOnAfterACrashAnywhere) {
  for (const char* failpoint : {"files.publish.before_manifest", "base.write", "base.fsync", "base.rename",
                                "files.publish.before_rename", "files.publish.after_rename"}) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    auto receipt = Write({MakeBatch(0, 3), MakeBatch(0, 2, "p")}).ValueOrDie();
    StopAt(failpoint, [&] { return Publish({receipt}); });
    // All or nothing for who looks now.
    if (catalog().State({"", "books"}).ValueOrDie().exists) {
      EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie().size(), 5u) << failpoint;
    } else {
      EXPECT_FALSE(fs::exists(root_ / "books")) << failpoint;
    }
    EXPECT_EQ(StagedKeys({receipt}).ValueOrDie().size(), 5u) << failpoint;
    ASSERT_TRUE(Publish({receipt}).ok()) << failpoint;
    EXPECT_EQ(Tree(), (std::set<std::string>{"books/", "books/_godwit-manifest.json", "books/part-s-0.1.0.parquet",
                                             "books/p/", "books/p/part-s-0.1.1.parquet"}))
        << failpoint;
    EXPECT_TRUE(sink().Recover(target_, {.id = "s-0", .spec = "{}"}, receipt, true).ValueOrDie().receipt.has_value());
  }
}

TEST_F(FilesStoreTest, DropGoesOnAfterACrashAnywhere) {
  for (const char* failpoint : {"files.drop.before_rename", "files.drop.after_rename", "files.drop.before_manifest"}) {
    MakeCollection(3);
    StopAt(failpoint, [&] { return catalog().Drop({"", "books"}); });
    const bool exists = catalog().State({"", "books"}).ValueOrDie().exists;
    EXPECT_EQ(exists, fs::exists(root_ / "books")) << failpoint;
    if (exists) {
      EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 3));
    }
    ASSERT_TRUE(catalog().Drop({"", "books"}).ok()) << failpoint;
    EXPECT_EQ(Tree(), std::set<std::string>()) << failpoint;
  }
}

TEST_F(FilesStoreTest, DeletingKeysKeepsTheReceiptsOfBefore) {
  std::vector<Receipt> receipts = {Write({MakeBatch(0, 10), MakeBatch(0, 3, "p")}).ValueOrDie(),
                                   Write({MakeBatch(10, 10)}, "s-1").ValueOrDie()};
  const std::vector<Receipt> before = receipts;
  auto keys = arrow::json::ArrayFromJSONString(arrow::int64(), "[2, 5, 99]").ValueOrDie();
  ASSERT_TRUE(sink().DeleteKeys(target_, "", keys, &receipts).ok());
  EXPECT_NE(receipts[0].evidence, before[0].evidence);
  EXPECT_EQ(receipts[1].evidence, before[1].evidence);  // held none of them
  auto want = Range(0, 20);
  want.merge(Range(0, 3, "p"));
  EXPECT_EQ(StagedKeys(before).ValueOrDie(), want);  // a crash now, and the journal knows only these
  want.erase(":2");
  want.erase(":5");
  EXPECT_EQ(StagedKeys(receipts).ValueOrDie(), want);

  keys = arrow::json::ArrayFromJSONString(arrow::int64(), "[0, 1, 2]").ValueOrDie();
  ASSERT_TRUE(sink().DeleteKeys(target_, "p", keys, &receipts).ok());
  std::erase_if(want, [](const std::string& key) { return key.starts_with("p:"); });
  Digest digest;
  for (const Batch& batch : {MakeBatch(0, 2), MakeBatch(3, 2), MakeBatch(6, 14)}) digest += DigestOf(batch);
  arrow::Status status = sink().Publish(target_, receipts, digest);
  ASSERT_TRUE(status.ok()) << Describe(status);
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), want);
  for (const std::string& path : Tree())
    EXPECT_FALSE(path.starts_with("books/p/")) << "its last part is gone: " << path;
}

// ---------------------------------------------------------------------------------------------------------------------
// What is there already

TEST_F(FilesStoreTest, RowsOfAnotherJobAreNeverReplaced) {
  MakeCollection(3);
  target_.job = "job-2";
  auto receipt = Write({MakeBatch(0, 1)}).ValueOrDie();
  EXPECT_EQ(KindOf(Publish({receipt})), ErrorKind::kConflict);
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 3));
  ASSERT_TRUE(catalog().Drop({"", "books"}).ok());
  ASSERT_TRUE(Publish({receipt}).ok());
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 1));
}

TEST_F(FilesStoreTest, NamesThatAreTooLongAreToldBeforehand) {
  EXPECT_TRUE(sink().CheckNames(schema_).ok());
  CollectionSchema schema = schema_;
  schema.ref.name = std::string(256, 'a');
  EXPECT_EQ(KindOf(sink().CheckNames(schema)), ErrorKind::kInvalidConfig);
}

TEST_F(FilesStoreTest, OverwritingByKeyIsRefused) {
  target_.existing = ExistingRows::kReplace;
  EXPECT_EQ(KindOf(sink().Recover(target_, {.id = "a", .spec = "{}"}, std::nullopt, false).status()),
            ErrorKind::kUnsupported);
  EXPECT_EQ(KindOf(sink().Open(target_, {.id = "a", .spec = "{}"}, {}).status()), ErrorKind::kUnsupported);
}

TEST_F(FilesStoreTest, PartsThatAreNotWhatWasProvenAreNotPublished) {
  auto receipt = Write({MakeBatch(0, 3)}).ValueOrDie();
  EXPECT_EQ(KindOf(sink().Publish(target_, {receipt}, DigestOf(MakeBatch(0, 4)))), ErrorKind::kInternal);
  EXPECT_EQ(KindOf(sink().Publish(target_, {receipt}, DigestOf(MakeBatch(1, 3)))), ErrorKind::kInternal);
  EXPECT_TRUE(sink().Publish(target_, {receipt}, DigestOf(MakeBatch(0, 3))).ok());
}

TEST_F(FilesStoreTest, FilesOfOthersAreNeverTouched) {
  MakeCollection(3);
  std::ofstream(root_ / "books/notes.txt") << "mine";
  arrow::Status status = catalog().Drop({"", "books"});
  EXPECT_EQ(KindOf(status), ErrorKind::kConflict);
  EXPECT_NE(status.message().find("'notes.txt'"), std::string::npos) << status.message();
  EXPECT_EQ(Keys(*store_, {"", "books"}).ValueOrDie(), Range(0, 3));  // it does no harm to readers

  Copy("books/part-s-0.1.0.parquet", "books/more.parquet");  // this does
  EXPECT_EQ(KindOf(Keys(*store_, {"", "books"}).status()), ErrorKind::kConflict);
  EXPECT_EQ(KindOf(catalog().Drop({"", "books"})), ErrorKind::kConflict);
  EXPECT_EQ(KindOf(catalog().Create(schema_)), ErrorKind::kConflict);

  Copy("books/more.parquet", "others/a.parquet");
  Copy("books/more.parquet", "single.parquet");
  for (const char* name : {"others", "single"}) {
    EXPECT_EQ(KindOf(catalog().Drop({"", name})), ErrorKind::kConflict) << name;
    schema_.ref.name = name;
    EXPECT_EQ(KindOf(catalog().Create(schema_)), ErrorKind::kConflict) << name;
  }
  EXPECT_TRUE(fs::exists(root_ / "others/a.parquet"));
  EXPECT_TRUE(fs::exists(root_ / "single.parquet"));
}

TEST_F(FilesStoreTest, DiscardLeavesTheJobsOtherCollections) {
  auto receipt = Write({MakeBatch(0, 3)}).ValueOrDie();
  WriteTarget other = target_;
  other.schema.ref.name = "films";
  auto writer = sink().Open(other, {.id = "a", .spec = "{}"}, {}).ValueOrDie();
  ASSERT_TRUE(sink().Discard(other).ok());
  EXPECT_EQ(KindOf(writer->Commit({}).status()), ErrorKind::kConflict);
  EXPECT_EQ(StagedKeys({receipt}).ValueOrDie(), Range(0, 3));
  ASSERT_TRUE(sink().Discard(target_).ok());
  EXPECT_EQ(Tree(), std::set<std::string>());
}

// ---------------------------------------------------------------------------------------------------------------------
// Collections of others

class ForeignTest : public FilesStoreTest {
 protected:
  /// A file as another program would leave it: without godwit's metadata, every field nullable.
  void WriteForeign(const std::string& name, int64_t first_key, int64_t rows) {
    CollectionSchema schema = schema_;
    for (Field& field : schema.fields) field.nullable = true;
    fs::create_directories((root_ / name).parent_path());
    auto writer = ParquetWriter::Create((root_ / name).string(), schema, {}).ValueOrDie();
    ASSERT_TRUE(writer->Write(*MakeBatch(first_key, rows).rows).ok());
    ASSERT_TRUE(writer->Close().ok());
    Rename((root_ / name).string(), kSchemaKey, "somebody.else");
  }
  /// Replaces a text of equal length in a file.
  static void Rename(const std::string& path, const std::string& from, const std::string& to) {
    ASSERT_EQ(from.size(), to.size());
    std::string bytes = ReadFile(path).ValueOrDie();
    ASSERT_NE(bytes.find(from), std::string::npos);
    bytes.replace(bytes.find(from), from.size(), to);
    std::ofstream(path, std::ios::binary) << bytes;
  }
};

TEST_F(ForeignTest, AFolderIsACollection) {
  WriteForeign("data/b.parquet", 3, 2);
  WriteForeign("data/a.parquet", 0, 3);
  std::ofstream(root_ / "data/_SUCCESS");
  std::ofstream(root_ / "data/.a.parquet.crc") << "x";
  EXPECT_EQ(catalog().List("").ValueOrDie(), std::vector<std::string>{"data"});
  store_ = Open({{"primary_key", "id"}, {"vectors", "v=2"}});
  const CollectionSchema schema = catalog().Describe({"", "data"}).ValueOrDie();
  ASSERT_EQ(schema.fields.size(), 3u);
  EXPECT_TRUE(schema.fields[0].primary_key);
  EXPECT_FALSE(schema.fields[0].nullable);
  EXPECT_TRUE(schema.fields[1].nullable);
  EXPECT_EQ(schema.fields[2].type, Type::Vector(TypeKind::kFloatVector, 2));
  EXPECT_EQ(catalog().State({"", "data"}).ValueOrDie().rows, 5);
  EXPECT_EQ(Keys(*store_, {"", "data"}).ValueOrDie(), Range(0, 5));
}

TEST_F(ForeignTest, AFileIsACollection) {
  WriteForeign("data.parquet", 0, 3);
  WriteForeign("db/inner.parquet", 0, 2);
  EXPECT_EQ(catalog().List("").ValueOrDie(), (std::vector<std::string>{"data", "db"}));
  EXPECT_EQ(catalog().List("db").ValueOrDie(), std::vector<std::string>{"inner"});
  EXPECT_EQ(Keys(*store_, {"", "data"}).ValueOrDie(), Range(0, 3));
  EXPECT_EQ(Keys(*store_, {"db", "inner"}).ValueOrDie(), Range(0, 2));
}

TEST_F(ForeignTest, FilesOfGodwitWithoutTheirManifestKeepTheirSchema) {
  MakeCollection(3);
  fs::rename(root_ / "books/part-s-0.1.0.parquet", root_ / "lone.parquet");
  EXPECT_EQ(FirstDifference(schema_, catalog().Describe({"", "lone"}).ValueOrDie()), "");
}

TEST_F(ForeignTest, NothingBelowIsLeftOutInSilence) {
  WriteForeign("data/a.parquet", 0, 3);
  WriteForeign("data/year=2024/b.parquet", 3, 3);
  const arrow::Status status = catalog().Describe({"", "data"}).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnsupported);
  EXPECT_NE(status.message().find("'year=2024/b.parquet' lies deeper"), std::string::npos) << status.message();
}

TEST_F(ForeignTest, UpperCaseIsReadAndOtherCompressionsAreNamed) {
  WriteForeign("data/a.parquet", 0, 3);
  WriteForeign("data/B.PARQUET", 3, 3);
  EXPECT_EQ(catalog().State({"", "data"}).ValueOrDie().rows, 6);
  for (const std::string name : {"c.csv.bz2", "d.TSV", "e.parquet.zip"}) {
    std::ofstream(root_ / "data" / name) << "x";
    const arrow::Status status = catalog().Describe({"", "data"}).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kUnsupported) << name;
    EXPECT_NE(status.message().find("'" + name + "' would be left out"), std::string::npos) << status.message();
    fs::remove(root_ / "data" / name);
  }
  std::ofstream(root_ / "data/README.txt") << "x";
  EXPECT_TRUE(catalog().Describe({"", "data"}).ok());
}

TEST_F(ForeignTest, FilesWithOtherFieldsAreNamed) {
  WriteForeign("data/a.parquet", 0, 3);
  schema_.fields[1].name = "text";
  WriteForeign("data/b.parquet", 3, 3);
  const arrow::Status status = catalog().Describe({"", "data"}).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnsupported);
  EXPECT_TRUE(Describe(status).starts_with((root_ / "data/b.parquet").string())) << Describe(status);
  EXPECT_NE(status.message().find("no field 'title'"), std::string::npos) << status.message();
}

TEST_F(ForeignTest, AnUnknownKeyIsNamed) {
  WriteForeign("data/a.parquet", 0, 3);
  store_ = Open({{"primary_key", "idd"}});
  const arrow::Status status = catalog().Describe({"", "data"}).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kInvalidConfig);
  EXPECT_NE(status.message().find("did you mean 'id'?"), std::string::npos) << status.message();
}

TEST_F(ForeignTest, AFieldThatNoCollectionHasIsNamed) {
  WriteForeign("data/a.parquet", 0, 3);
  std::ofstream(root_ / "more.csv") << "id,weight\n1,[1]\n";
  auto error = [&](const std::string& option, const std::string& value) {
    store_ = Open({{option, value}});
    const arrow::Status status = catalog().Describe({"", "data"}).status();
    return status.ok() ? "" : std::string(ToString(KindOf(status))) + ": " + Describe(status);
  };
  const std::string vector = schema_.fields[2].name;
  EXPECT_EQ(
      error("vectors", vector + "x=2"),
      "invalid config: vectors." + vector + "x: no collection there has a field '" + vector + "x'; did you mean 'v'?");
  EXPECT_EQ(error("types", "wieght=string"),
            "invalid config: types.wieght: no collection there has a field 'wieght'; did you mean 'weight'?");
  // It may be one of another collection of the job.
  EXPECT_EQ(error("vectors", "weight=1"), "");
  EXPECT_EQ(error("types", "weight=json"), "");
}

TEST_F(ForeignTest, AChangedFileIsASourceThatMoves) {
  WriteForeign("data/a.parquet", 0, 3);
  const CollectionSchema schema = catalog().Describe({"", "data"}).ValueOrDie();
  Source& source = *store_->source();
  const Snapshot snapshot = source.OpenSnapshot(schema.ref).ValueOrDie();
  const auto splits = source.PlanSplits(schema, snapshot, {}).ValueOrDie();
  WriteForeign("data/a.parquet", 0, 4);
  auto reader = source.Open(schema, splits.at(0), snapshot, "").ValueOrDie();
  EXPECT_EQ(KindOf(reader->Next(1 << 20).status()), ErrorKind::kSourceChanging);
  EXPECT_EQ(KindOf(source.PlanSplits(schema, snapshot, {}).status()), ErrorKind::kSourceChanging);
  EXPECT_NE(source.OpenSnapshot(schema.ref).ValueOrDie().id, snapshot.id);
}

TEST_F(ForeignTest, SmallFilesShareSplitsAndLargeOnesAreCut) {
  for (int64_t i = 0; i < 10; ++i) WriteForeign("data/" + std::to_string(i) + ".parquet", i * 10, 10);
  CollectionSchema schema = catalog().Describe({"", "data"}).ValueOrDie();
  Snapshot snapshot = store_->source()->OpenSnapshot(schema.ref).ValueOrDie();
  EXPECT_EQ(store_->source()->PlanSplits(schema, snapshot, {.target_bytes = 1 << 20}).ValueOrDie().size(), 1u);
  EXPECT_EQ(store_->source()->PlanSplits(schema, snapshot, {.target_bytes = 1}).ValueOrDie().size(), 10u);

  store_ = Open({{"row_group_bytes", "2KB"}});
  MakeCollection(1000);
  schema = catalog().Describe({"", "books"}).ValueOrDie();
  snapshot = store_->source()->OpenSnapshot(schema.ref).ValueOrDie();
  EXPECT_GT(store_->source()->PlanSplits(schema, snapshot, {.target_bytes = 1}).ValueOrDie().size(), 5u);
}

// ---------------------------------------------------------------------------------------------------------------------

TEST_F(FilesStoreTest, OptionsAreChecked) {
  auto message = [&](std::map<std::string, std::string> texts) {
    texts.emplace("path", root_.string());
    const arrow::Status status = TryOpen(texts).status();
    return status.ok() ? "ok" : std::string(ToString(KindOf(status))) + ": " + status.message();
  };
  EXPECT_EQ(message({{"compression", "lz4"}, {"format", "parquet"}}), "ok");
  EXPECT_TRUE(message({{"vectors", "v=many"}}).starts_with("invalid config: 'many'"));
  EXPECT_TRUE(message({{"compression", "brotli"}}).starts_with("invalid config"));
  EXPECT_TRUE(message({{"file_bytes", "1"}}).starts_with("invalid config"));
  EXPECT_EQ(TryOpen({{"path", "/tmp/x/../y//"}}).ValueOrDie()->address(), "file:///tmp/y");
}

TEST_F(FilesStoreTest, ChecksTellWhatIsWrong) {
  auto verdicts = [](const std::unique_ptr<Store>& store, OptionScope role = OptionScope::kTarget) {
    std::string text;
    for (const CheckItem& item : store->Check(role)) text += "PWF"[static_cast<int>(item.verdict)];
    return text;
  };
  EXPECT_EQ(verdicts(store_), "PP");
  EXPECT_EQ(verdicts(Open({{"path", (root_ / "not/yet").string()}})), "PP");
  EXPECT_GT(Open({{"path", (root_ / "not/yet").string()}})->FreeBytes().value_or(0), 0);
  EXPECT_EQ(verdicts(Open({{"path", (root_ / "not/yet").string()}}), OptionScope::kSource), "FP");
  std::ofstream(root_ / "file") << "x";
  EXPECT_EQ(verdicts(Open({{"path", (root_ / "file").string()}}))[0], 'F');
}

}  // namespace
}  // namespace godwit::files
