// What every target promises: catalog, writing, commits, recovery, the end of a collection.
#include <filesystem>
#include <set>
#include <thread>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "conformance/rows.h"
#include "conformance/scratch.h"

namespace godwit::conformance {
namespace {

class TargetTest : public testing::TestWithParam<Quirks> {
 protected:
  TargetTest() { OpenAgain(); }

  ~TargetTest() override {
    for (const CollectionRef& ref : made_) (void)store_->catalog()->Drop(ref);
  }

  const Quirks& quirks() const { return GetParam(); }
  Catalog& catalog() { return *store_->catalog(); }
  Sink& sink() { return *store_->sink(); }

  /// As a later process would.
  void OpenAgain() {
    store_ = OpenStore(quirks().room, OptionScope::kTarget, quirks().target_options(scratch_.path()));
  }

  /// Rows of every field that the room holds.
  Rows AllTypes(OptionTexts options = {}) const {
    std::string fields;
    for (const std::string& field : quirks().fields) fields += (fields.empty() ? "" : ",") + field;
    options.merge(OptionTexts{{"rows", "300"}, {"dim", "12"}, {"fields", fields}});
    return MakeRows(options);
  }
  /// Key, vector and a string.
  static Rows Small(OptionTexts options = {}) {
    options.merge(OptionTexts{{"rows", "200"}, {"dim", "8"}, {"fields", "vector,string"}});
    return MakeRows(options, 1000);
  }

  /// The source's schema under a name of this test.
  CollectionSchema Named(CollectionSchema schema, const std::string& suffix = "") {
    schema.ref = {store_->default_database(), TestName() + suffix};
    schema.indexes = quirks().indexes;
    schema.loaded = quirks().loaded;
    return schema;
  }

  WriteTarget MakeTarget(const CollectionSchema& source) {
    WriteTarget target{.schema = Must(sink().Adapt(Named(source))), .job = "conformance", .epoch = 1};
    made_.insert(target.schema.ref);
    Must(catalog().Drop(target.schema.ref));
    Must(catalog().Create(target.schema));
    return target;
  }

  static Split MakeSplit(const std::string& id = "rows-0") { return {.id = id, .spec = "{}"}; }

  std::unique_ptr<Writer> OpenWriter(const WriteTarget& target, const Split& split) {
    const Recovery recovery = Must(sink().Recover(target, split, std::nullopt, false));
    return Must(sink().Open(target, split, recovery));
  }

  static Progress ProgressAfter(const CollectionSchema& schema, const std::vector<Batch>& batches, bool complete) {
    return {.position = batches.empty() ? "" : batches.back().position,
            .digest = DigestOf(schema, batches),
            .bytes = 1,
            .complete = complete};
  }

  /// Writes batches and commits them as all that the split has.
  Receipt WriteAll(Writer* writer, const Rows& rows) {
    for (const Batch& batch : rows.batches) {
      const WriteResult result = Must(WriteBatch(writer, rows.schema, batch));
      for (const Rejected& rejected : result.rejected) ADD_FAILURE() << rejected.key << ": " << rejected.reason;
    }
    return Must(writer->Commit(ProgressAfter(rows.schema, rows.batches, true)));
  }

  std::vector<Receipt> CopyAll(const WriteTarget& target, const Rows& rows) {
    auto writer = OpenWriter(target, MakeSplit());
    std::vector<Receipt> receipts = {WriteAll(writer.get(), rows)};
    writer.reset();
    Must(sink().Finalize(target, receipts));
    return receipts;
  }

  Rows ReadBack(const WriteTarget& target, const std::vector<Receipt>& receipts) {
    auto source = Must(sink().ReadBack(target, receipts));
    if (source == nullptr) throw std::runtime_error("the target can't be read back");
    return ReadAll(source.get(), target.schema);
  }

  /// A round trip of these rows, over publication and a new process.
  void ExpectRoundTrip(const Rows& source_rows) {
    const WriteTarget target = MakeTarget(source_rows.schema);
    const Rows rows = MapRows(source_rows, target.schema);
    const std::vector<Receipt> receipts = CopyAll(target, rows);
    EXPECT_EQ(receipts[0].progress.digest, DigestOf(rows.schema, rows.batches));
    EXPECT_TRUE(SameRows(rows, ReadBack(target, receipts)));
    Must(sink().Publish(target, receipts, receipts[0].progress.digest));
    OpenAgain();
    EXPECT_TRUE(SameRows(rows, ReadAll(store_->source(), Must(catalog().Describe(target.schema.ref)))));
    const TargetState state = Must(catalog().State(target.schema.ref));
    EXPECT_TRUE(state.exists);
    if (state.rows_exact) {
      EXPECT_EQ(state.rows, rows.count());
    }
  }

  static std::string TestName() {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    return "conformance_" + name.substr(0, name.find('/'));
  }

  Scratch scratch_;
  std::unique_ptr<Store> store_;
  std::set<CollectionRef> made_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Catalog

TEST_P(TargetTest, ChecksPass) {
  for (const CheckItem& item : store_->Check(OptionScope::kTarget)) {
    EXPECT_NE(item.verdict, CheckItem::Verdict::kFailed) << item.name << ": " << item.message;
  }
}

TEST_P(TargetTest, AbsentCollection) {
  const CollectionRef ref{store_->default_database(), TestName()};
  EXPECT_EQ(KindName(catalog().Describe(ref).status()), "not found");
  EXPECT_FALSE(Must(catalog().State(ref)).exists);
  EXPECT_EQ(KindName(catalog().Drop(ref)), "ok");
}

TEST_P(TargetTest, CreateIsIdempotent) {
  const WriteTarget target = MakeTarget(Small({{"partitions", quirks().partitions ? "3" : "0"}}).schema);
  Must(catalog().Create(target.schema));
  if (!quirks().created_is_visible) return;
  const auto names = Must(catalog().List(target.schema.ref.database));
  EXPECT_EQ(std::count(names.begin(), names.end(), target.schema.ref.name), 1);
  const TargetState state = Must(catalog().State(target.schema.ref));
  EXPECT_TRUE(state.exists);
  EXPECT_EQ(state.rows, 0);
  EXPECT_NE(state.identity, "");
}

TEST_P(TargetTest, DescribesWhatWasCreated) {
  const Rows rows = AllTypes({{"partitions", quirks().partitions ? "3" : "0"}});
  const WriteTarget target = MakeTarget(rows.schema);
  if (!quirks().created_is_visible) {
    const auto receipts = CopyAll(target, MapRows(rows, target.schema));
    Must(sink().Publish(target, receipts, receipts[0].progress.digest));
  }
  OpenAgain();
  const CollectionSchema described = Must(catalog().Describe(target.schema.ref));
  EXPECT_EQ(described.ref, target.schema.ref);
  EXPECT_EQ(FirstDifference(target.schema, described), "");
  EXPECT_EQ(FirstDifference(described, target.schema), "");
  EXPECT_EQ(described.dynamic_fields, target.schema.dynamic_fields);
  EXPECT_EQ(std::set(described.partitions.begin(), described.partitions.end()),
            std::set(target.schema.partitions.begin(), target.schema.partitions.end()));
}

TEST_P(TargetTest, CreateRefusesAnotherSchema) {
  if (!quirks().created_is_visible) GTEST_SKIP() << "nothing is there before it is published";
  WriteTarget target = MakeTarget(Small().schema);
  CollectionSchema other = Named(Small({{"fields", "vector,int64"}}).schema);
  EXPECT_EQ(KindName(catalog().Create(Must(sink().Adapt(other)))), "conflict");
  other = Named(Small({{"dim", "16"}}).schema);
  EXPECT_EQ(KindName(catalog().Create(Must(sink().Adapt(other)))), "conflict");
  EXPECT_EQ(FirstDifference(target.schema, Must(catalog().Describe(target.schema.ref))), "");
}

TEST_P(TargetTest, CreateAddsPartitions) {
  if (!quirks().partitions || !quirks().created_is_visible) GTEST_SKIP();
  MakeTarget(Small({{"partitions", "2"}}).schema);
  const CollectionSchema more = Must(sink().Adapt(Named(Small({{"partitions", "4"}}).schema)));
  Must(catalog().Create(more));
  EXPECT_EQ(Must(catalog().Describe(more.ref)).partitions.size(), 4u);
}

TEST_P(TargetTest, DropIsIdempotentAndIdentityChanges) {
  const WriteTarget target = MakeTarget(Small().schema);
  const std::string before = Must(catalog().State(target.schema.ref)).identity;
  Must(catalog().Drop(target.schema.ref));
  Must(catalog().Drop(target.schema.ref));
  EXPECT_FALSE(Must(catalog().State(target.schema.ref)).exists);
  if (!quirks().created_is_visible) return;
  Must(catalog().Create(target.schema));
  EXPECT_NE(Must(catalog().State(target.schema.ref)).identity, before);
}

// ---------------------------------------------------------------------------------------------------------------------
// Types and rows

TEST_P(TargetTest, RefusesTypesByName) {
  for (const std::string& field : quirks().refused_fields) {
    const CollectionSchema schema = Named(MakeRows({{"rows", "1"}, {"fields", "vector," + field}}).schema);
    const arrow::Status status = sink().Adapt(schema).status();
    EXPECT_EQ(KindName(status), "unsupported") << field;
    EXPECT_NE(Describe(status).find(field), std::string::npos) << Describe(status);
  }
}

TEST_P(TargetTest, EveryTypeComesBack) { ExpectRoundTrip(AllTypes()); }

TEST_P(TargetTest, StringKeysComeBack) {
  if (!quirks().varchar_keys) GTEST_SKIP();
  ExpectRoundTrip(AllTypes({{"key", "varchar"}, {"seed", "2"}}));
}

TEST_P(TargetTest, NullsComeBack) {
  if (!quirks().nulls) GTEST_SKIP();
  ExpectRoundTrip(AllTypes({{"nulls", "true"}, {"seed", "3"}}));
}

TEST_P(TargetTest, HostileValuesComeBack) {
  if (!quirks().hostile) GTEST_SKIP();
  ExpectRoundTrip(AllTypes({{"hostile", "true"}, {"seed", "4"}, {"key", "varchar"}, {"nulls", "true"}}));
}

TEST_P(TargetTest, WhatIsRejectedIsKnownBeforehand) {
  const bool knows_nulls = quirks().commit_mode != CommitMode::kStagedPublish;
  Rows source_rows = AllTypes({{"hostile", "true"}, {"seed", "5"}, {"nulls", knows_nulls ? "true" : "false"}});
  for (Field& field : source_rows.schema.fields) field.nullable = false;
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  int64_t rejected = 0;
  auto writer = OpenWriter(target, MakeSplit());
  auto text = [](const WriteResult& result) {
    std::string all;
    for (size_t i = 0; i < result.rejected.size(); ++i) {
      all += std::to_string(result.rejected_rows[i]) + " " + result.rejected[i].key + " " + result.rejected[i].reason;
    }
    return all;
  };
  for (const Batch& batch : rows.batches) {
    const WriteResult known = Must(sink().FindRejected(target.schema, batch));
    EXPECT_EQ(known.rejected.size(), known.rejected_rows.size());
    EXPECT_EQ(text(known), text(Must(WriteBatch(writer.get(), target.schema, batch))));
    rejected += static_cast<int64_t>(known.rejected.size());
  }
  writer->Abort();
  EXPECT_EQ(rejected > 0, knows_nulls || !quirks().hostile);
}

TEST_P(TargetTest, ACollectionThatIsThereMayHaveAnotherOrderOfFields) {
  CollectionSchema schema = MakeTarget(Small().schema).schema;
  std::swap(schema.fields[1], schema.fields[2]);
  Must(catalog().Create(schema));
  const WriteTarget target{.schema = schema, .job = "conformance", .epoch = 1};
  const Rows rows = MapRows(Small(), schema);
  EXPECT_TRUE(SameRows(rows, ReadBack(target, CopyAll(target, rows))));
}

TEST_P(TargetTest, ManyPartitions) {
  if (!quirks().partitions) GTEST_SKIP();
  ExpectRoundTrip(Small({{"partitions", "20"}}));
}

TEST_P(TargetTest, OneKeyInTwoPartitionsStaysTwoRows) {
  if (!quirks().partitions) GTEST_SKIP();
  Rows rows = Small({{"partitions", "2"}});
  rows.batches = {OneRow(rows.schema, 7, "default"), OneRow(rows.schema, 7, "first", rows.schema.partitions[0]),
                  OneRow(rows.schema, 7, "second", rows.schema.partitions[1])};
  ExpectRoundTrip(rows);
}

TEST_P(TargetTest, EmptyCollection) { ExpectRoundTrip(MakeRows({{"rows", "0"}, {"fields", "vector,string"}})); }

TEST_P(TargetTest, OneHugeRow) {
  Rows rows = MakeRows({{"rows", "3"}, {"dim", "8"}, {"fields", "vector,string"}});
  Field& text = rows.schema.fields.back();
  text.max_length = quirks().huge_value_bytes;
  rows.batches.push_back(OneRow(rows.schema, 7, std::string(static_cast<size_t>(quirks().huge_value_bytes), 'h')));
  ExpectRoundTrip(rows);
}

// ---------------------------------------------------------------------------------------------------------------------
// Commits and recovery

TEST_P(TargetTest, HasItsCommitMode) {
  EXPECT_EQ(sink().commit_mode(Must(sink().Adapt(Named(Small().schema)))), quirks().commit_mode);
}

TEST_P(TargetTest, ReceiptCarriesTheProgress) {
  const Rows source_rows = Small();
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  auto writer = OpenWriter(target, MakeSplit("keys-5"));
  Must(WriteBatch(writer.get(), rows.schema, rows.batches[0]));
  Progress progress = ProgressAfter(rows.schema, {rows.batches[0]}, false);
  progress.rejects = 3;
  const Receipt receipt = Must(writer->Commit(progress));
  EXPECT_EQ(receipt.split_id, "keys-5");
  EXPECT_EQ(receipt.progress.position, progress.position);
  EXPECT_EQ(receipt.progress.digest, progress.digest);
  EXPECT_EQ(receipt.progress.rejects, 3);
  EXPECT_FALSE(receipt.progress.complete);
}

/// A run that dies: commits up to batch `committed`, writes up to `written`, and is never heard of again. The next one
/// knows what `journaled` says and goes on as Recover tells it.
class DeathTest : public TargetTest {
 protected:
  enum class Journal { kKnowsTheReceipt, kMissedTheReceipt };

  void ExpectExactAfterDeath(size_t committed, size_t written, Journal journal) {
    const Rows source_rows = Small();
    WriteTarget target = MakeTarget(source_rows.schema);
    const Rows rows = MapRows(source_rows, target.schema);
    ASSERT_GT(rows.batches.size(), written);
    const Split split = MakeSplit();
    std::optional<Receipt> receipt;
    {
      auto writer = OpenWriter(target, split);
      for (size_t i = 0; i < written; ++i) {
        Must(WriteBatch(writer.get(), rows.schema, rows.batches[i]));
        if (i + 1 == committed) {
          receipt = Must(writer->Commit(ProgressAfter(rows.schema, Head(rows, committed), false)));
        }
      }
    }
    if (journal == Journal::kMissedTheReceipt) receipt.reset();

    OpenAgain();
    ++target.epoch;
    const Recovery recovery = Must(sink().Recover(target, split, receipt, true));
    const Recovery again = Must(sink().Recover(target, split, receipt, true));
    EXPECT_EQ(again.receipt.has_value(), recovery.receipt.has_value());
    if (quirks().commit_mode == CommitMode::kTransactional && committed > 0) {
      ASSERT_TRUE(recovery.receipt.has_value());
      EXPECT_EQ(recovery.receipt->progress.digest, DigestOf(rows.schema, Head(rows, committed)));
    }
    auto writer = Must(sink().Open(target, split, recovery));
    const std::string position = recovery.receipt ? recovery.receipt->progress.position : "";
    for (const Batch& batch : After(rows, position)) Must(WriteBatch(writer.get(), rows.schema, batch));
    const std::vector<Receipt> receipts = {Must(writer->Commit(ProgressAfter(rows.schema, rows.batches, true)))};
    writer.reset();
    Must(sink().Finalize(target, receipts));
    EXPECT_TRUE(SameRows(rows, ReadBack(target, receipts)));
    Must(sink().Publish(target, receipts, receipts[0].progress.digest));
    OpenAgain();
    const CollectionSchema published = Must(catalog().Describe(target.schema.ref));
    EXPECT_TRUE(SameRows(rows, ReadAll(store_->source(), published)));
    EXPECT_EQ(Must(catalog().State(target.schema.ref)).rows, rows.count());
  }

  static std::vector<Batch> Head(const Rows& rows, size_t batches) {
    return {rows.batches.begin(), rows.batches.begin() + static_cast<std::ptrdiff_t>(batches)};
  }

  /// The batches after a position; all of them where it is empty.
  static std::vector<Batch> After(const Rows& rows, const std::string& position) {
    auto last = std::find_if(rows.batches.begin(), rows.batches.end(),
                             [&](const Batch& batch) { return batch.position == position; });
    if (last == rows.batches.end()) return rows.batches;
    return {last + 1, rows.batches.end()};
  }
};

TEST_P(DeathTest, BeforeTheFirstCommit) { ExpectExactAfterDeath(0, 2, Journal::kKnowsTheReceipt); }
TEST_P(DeathTest, AfterACommit) { ExpectExactAfterDeath(3, 3, Journal::kKnowsTheReceipt); }
TEST_P(DeathTest, BetweenTwoCommits) { ExpectExactAfterDeath(2, 5, Journal::kKnowsTheReceipt); }
TEST_P(DeathTest, BetweenCommitAndJournal) { ExpectExactAfterDeath(2, 2, Journal::kMissedTheReceipt); }
TEST_P(DeathTest, WithNothingWritten) { ExpectExactAfterDeath(0, 0, Journal::kKnowsTheReceipt); }

TEST_P(TargetTest, RecoverOfAnUntouchedSplit) {
  const WriteTarget target = MakeTarget(Small().schema);
  const Recovery recovery = Must(sink().Recover(target, MakeSplit(), std::nullopt, false));
  EXPECT_FALSE(recovery.receipt.has_value());
}

TEST_P(TargetTest, AbortedRowsAreNotThere) {
  const Rows source_rows = Small();
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  auto writer = OpenWriter(target, MakeSplit());
  for (const Batch& batch : rows.batches) Must(WriteBatch(writer.get(), rows.schema, batch));
  writer->Abort();
  writer.reset();
  // Rows that went over the wire can stay where replaying them by key is exact.
  if (quirks().commit_mode == CommitMode::kUpsertByKey) return;
  Must(sink().Finalize(target, {}));
  EXPECT_EQ(ReadBack(target, {}).count(), 0);
}

TEST_P(TargetTest, OlderRunIsFenced) {
  if (quirks().commit_mode == CommitMode::kUpsertByKey) GTEST_SKIP() << "the mode does not promise it";
  const Rows source_rows = Small();
  WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  auto old_writer = OpenWriter(target, MakeSplit());
  Must(WriteBatch(old_writer.get(), rows.schema, rows.batches[0]));

  WriteTarget newer = target;
  ++newer.epoch;
  auto other_process = OpenStore(quirks().room, OptionScope::kTarget, quirks().target_options(scratch_.path()));
  Must(other_process->sink()->Recover(newer, MakeSplit(), std::nullopt, true));

  EXPECT_EQ(KindName(old_writer->Commit(ProgressAfter(rows.schema, {rows.batches[0]}, false)).status()), "conflict");
  EXPECT_EQ(KindName(sink().Recover(target, MakeSplit(), std::nullopt, true).status()), "conflict");
  EXPECT_EQ(ReadBack(target, {}).count(), 0);
}

TEST_P(TargetTest, SplitsAreWrittenAtOnce) {
  constexpr size_t kWriters = 4;
  const Rows source_rows = Small({{"rows", "800"}});
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  std::vector<Receipt> receipts(kWriters);
  std::vector<std::string> errors(kWriters);
  auto copy = [&](size_t number) {
    Rows part{.schema = rows.schema, .batches = {}};
    for (size_t i = number; i < rows.batches.size(); i += kWriters) part.batches.push_back(rows.batches[i]);
    auto writer = OpenWriter(target, MakeSplit("rows-" + std::to_string(number)));
    // Commits in between, so that they meet.
    for (size_t i = 0; i + 1 < part.batches.size(); ++i) {
      Must(WriteBatch(writer.get(), rows.schema, part.batches[i]));
      Must(writer->Commit(ProgressAfter(
          rows.schema, {part.batches.begin(), part.batches.begin() + static_cast<std::ptrdiff_t>(i) + 1}, false)));
    }
    Must(WriteBatch(writer.get(), rows.schema, part.batches.back()));
    receipts[number] = Must(writer->Commit(ProgressAfter(rows.schema, part.batches, true)));
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      try {
        copy(i);
      } catch (const std::exception& error) {
        errors[i] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) ASSERT_EQ(error, "");
  Must(sink().Finalize(target, receipts));
  EXPECT_TRUE(SameRows(rows, ReadBack(target, receipts)));
}

TEST_P(TargetTest, OverwriteReplacesEqualKeys) {
  if (!quirks().overwrite) GTEST_SKIP();
  WriteTarget target = MakeTarget(Small().schema);
  const Rows first = MapRows(Small(), target.schema);
  std::vector<Receipt> receipts = CopyAll(target, first);
  Must(sink().Publish(target, receipts, receipts[0].progress.digest));

  target.job = "conformance-2";
  target.existing = ExistingRows::kReplace;
  const Rows second = MapRows(Small({{"seed", "9"}, {"rows", "50"}}), target.schema);
  receipts = CopyAll(target, second);
  Rows expected = MapRows(MakeRows({{"rows", "200"}, {"dim", "8"}, {"fields", "vector,string"}}, 1), target.schema);
  expected.batches.erase(expected.batches.begin(), expected.batches.begin() + 50);
  expected.batches.insert(expected.batches.end(), second.batches.begin(), second.batches.end());
  EXPECT_TRUE(SameRows(expected, ReadBack(target, receipts)));
}

TEST_P(TargetTest, ReportsRowsThatAreThere) {
  if (!quirks().overwrite) GTEST_SKIP();
  WriteTarget target = MakeTarget(Small().schema);
  const Rows there = MapRows(Small({{"rows", "50"}}), target.schema);
  std::vector<Receipt> receipts = CopyAll(target, there);
  Must(sink().Publish(target, receipts, receipts[0].progress.digest));

  target.job = "conformance-2";
  target.existing = ExistingRows::kReport;
  auto readable = Must(sink().ReadBack(target, {}));
  const std::string preparation = Must(readable->Preparation(target.schema.ref, ReadPurpose::kVerify));
  if (!preparation.empty()) Must(readable->Prepare(target.schema.ref, preparation));
  // The first 50 have the same keys and other values. A replay finds its own rows, too.
  const Rows second =
      MapRows(MakeRows({{"rows", "200"}, {"dim", "8"}, {"fields", "vector,string"}, {"seed", "9"}}, 1), target.schema);
  for (const bool replay : {false, true}) {
    const Split split = MakeSplit();
    Must(sink().Recover(target, split, std::nullopt, replay));
    auto writer = Must(sink().Open(target, split, Recovery{.receipt = std::nullopt, .replay = replay}));
    Rows found{target.schema, {}};
    std::vector<Batch> written;
    for (const Batch& batch : second.batches) {
      const WriteResult result = Must(WriteBatch(writer.get(), target.schema, batch));
      EXPECT_TRUE(result.rejected.empty());
      if (result.existing_rows.empty()) {
        written.push_back(batch);
      } else {
        EXPECT_EQ(result.existing_rows, std::vector<int64_t>{0});
        found.batches.push_back({result.existing, batch.partition, ""});
      }
    }
    if (!replay) {
      EXPECT_TRUE(SameRows(there, found));
    }
    EXPECT_EQ(found.count(), replay ? 200 : 50);
    receipts = {Must(writer->Commit(ProgressAfter(target.schema, written, true)))};
    writer.reset();
    Must(sink().Finalize(target, receipts));
    Rows expected = there;
    expected.batches.insert(expected.batches.end(), second.batches.begin() + 50, second.batches.end());
    EXPECT_TRUE(SameRows(expected, ReadBack(target, receipts)));
  }
  if (!preparation.empty()) Must(readable->Restore(target.schema.ref, preparation));
}

TEST_P(TargetTest, DeletesKeys) {
  Rows rows = MapRows(Small(), MakeTarget(Small().schema).schema);
  const WriteTarget target = MakeTarget(rows.schema);
  std::vector<Receipt> receipts = CopyAll(target, rows);
  const auto keys = rows.batches[1].rows->column(rows.schema.key_index());
  Must(sink().DeleteKeys(target, "", keys, &receipts));
  Must(sink().DeleteKeys(target, "", keys, &receipts));  // absent by now
  Must(sink().Finalize(target, receipts));
  rows.batches.erase(rows.batches.begin() + 1);
  EXPECT_TRUE(SameRows(rows, ReadBack(target, receipts)));
  Must(sink().Publish(target, receipts, DigestOf(rows.schema, rows.batches)));
  OpenAgain();
  EXPECT_TRUE(SameRows(rows, ReadAll(store_->source(), Must(catalog().Describe(target.schema.ref)))));
}

TEST_P(TargetTest, FinalizeAndPublishAreIdempotent) {
  const Rows source_rows = Small();
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  const std::vector<Receipt> receipts = CopyAll(target, rows);
  Must(sink().Finalize(target, receipts));
  Must(sink().Publish(target, receipts, receipts[0].progress.digest));
  const std::string identity = Must(catalog().State(target.schema.ref)).identity;
  Must(sink().Publish(target, receipts, receipts[0].progress.digest));
  OpenAgain();
  Must(sink().Publish(target, receipts, receipts[0].progress.digest));
  EXPECT_EQ(Must(catalog().State(target.schema.ref)).identity, identity);
  EXPECT_TRUE(SameRows(rows, ReadAll(store_->source(), Must(catalog().Describe(target.schema.ref)))));
}

TEST_P(TargetTest, DiscardForgetsTheJob) {
  const Rows source_rows = Small();
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  auto writer = OpenWriter(target, MakeSplit());
  Must(WriteBatch(writer.get(), rows.schema, rows.batches[0]));
  Must(writer->Commit(ProgressAfter(rows.schema, {rows.batches[0]}, false)));
  writer.reset();
  Must(sink().Discard(target));
  Must(sink().Discard(target));
  WriteTarget again = target;
  if (quirks().overwrite) again.existing = ExistingRows::kReplace;  // what was committed may have stayed
  EXPECT_FALSE(Must(sink().Recover(again, MakeSplit(), std::nullopt, false)).receipt.has_value());
}

TEST_P(TargetTest, StopEndsWriting) {
  const Rows source_rows = Small();
  const WriteTarget target = MakeTarget(source_rows.schema);
  const Rows rows = MapRows(source_rows, target.schema);
  StopToken stop;
  auto stopped = OpenStore(quirks().room, OptionScope::kTarget, quirks().target_options(scratch_.path()), stop);
  Sink& sink = *stopped->sink();
  auto writer = Must(sink.Open(target, MakeSplit(), Must(sink.Recover(target, MakeSplit(), std::nullopt, false))));
  Must(WriteBatch(writer.get(), rows.schema, rows.batches[0]));
  stop.RequestStop();
  arrow::Status status;
  for (int i = 0; status.ok() && i < 100; ++i) status = WriteBatch(writer.get(), rows.schema, rows.batches[1]).status();
  EXPECT_EQ(KindName(status), "cancelled");
  writer->Abort();
}

std::string RoomName(const testing::TestParamInfo<Quirks>& info) { return info.param.room + info.param.variant; }

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TargetTest);
INSTANTIATE_TEST_SUITE_P(Rooms, TargetTest, testing::ValuesIn(TargetRooms()), RoomName);
INSTANTIATE_TEST_SUITE_P(Rooms, DeathTest, testing::ValuesIn(TargetRooms()), RoomName);

}  // namespace
}  // namespace godwit::conformance
