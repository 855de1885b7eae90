// What every source promises: splits that cover, batches within bounds, positions to go on from.
#include <map>
#include <set>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include "conformance/rows.h"
#include "conformance/scratch.h"

namespace godwit::conformance {
namespace {

class SourceTest : public testing::TestWithParam<Quirks> {
 protected:
  ~SourceTest() override {
    if (prepared_.empty()) return;
    (void)store_->source()->Restore(schema_.ref, prepared_);
  }

  const Quirks& quirks() const { return GetParam(); }
  Source& source() { return *store_->source(); }

  /// Opens the store with a collection of these rows, ready to be read.
  void Fill(OptionTexts options) {
    options.merge(OptionTexts{
        {"rows", "500"}, {"dim", "8"}, {"fields", "vector,string"}, {"partitions", quirks().partitions ? "3" : "0"}});
    rows_ = MakeRows(options, 4 << 10);
    if (quirks().target_options) {
      Write();
      store_ = OpenStore(quirks().room, OptionScope::kSource, quirks().source_options(scratch_.path()), stop_);
    } else {
      store_ = OpenStore(quirks().room, OptionScope::kSource, options, stop_);
      schema_ = rows_.schema;
    }
    schema_ = Must(store_->catalog()->Describe(schema_.ref));
    prepared_ = Must(source().Preparation(schema_.ref, ReadPurpose::kCopy));
    if (!prepared_.empty()) Must(source().Prepare(schema_.ref, prepared_));
    snapshot_ = Must(source().OpenSnapshot(schema_.ref));
  }

  std::vector<Split> Plan(const SplitPolicy& policy) { return Must(source().PlanSplits(schema_, snapshot_, policy)); }

  std::unique_ptr<Reader> Open(const Split& split, const std::string& resume_after = "") {
    return Must(source().Open(schema_, split, snapshot_, resume_after));
  }

  Scratch scratch_;
  StopToken stop_;
  std::unique_ptr<Store> store_;
  Rows rows_;  // what the collection holds
  CollectionSchema schema_;
  Snapshot snapshot_;

 private:
  void Write() {
    store_ = OpenStore(quirks().room, OptionScope::kTarget, quirks().target_options(scratch_.path()));
    CollectionSchema wanted = rows_.schema;
    wanted.ref = {store_->default_database(), "conformance_source"};
    wanted.indexes = quirks().indexes;
    wanted.loaded = quirks().loaded;
    Sink& sink = *store_->sink();
    const WriteTarget target{.schema = Must(sink.Adapt(wanted)), .job = "conformance", .epoch = 1};
    const Split split{.id = "all", .spec = "{}"};
    Must(store_->catalog()->Drop(target.schema.ref));
    Must(store_->catalog()->Create(target.schema));
    auto writer = Must(sink.Open(target, split, Must(sink.Recover(target, split, std::nullopt, false))));
    rows_ = MapRows(rows_, target.schema);
    for (const Batch& batch : rows_.batches) Must(WriteBatch(writer.get(), rows_.schema, batch));
    const Digest digest = DigestOf(rows_.schema, rows_.batches);
    const std::vector<Receipt> receipts = {
        Must(writer->Commit({.position = "end", .digest = digest, .complete = true}))};
    writer.reset();
    Must(sink.Finalize(target, receipts));
    Must(sink.Publish(target, receipts, digest));
    schema_ = target.schema;
  }

  std::string prepared_;
};

TEST_P(SourceTest, DescribesAndCounts) {
  Fill({});
  const auto names = Must(store_->catalog()->List(schema_.ref.database));
  EXPECT_EQ(std::count(names.begin(), names.end(), schema_.ref.name), 1);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(FirstDifference(rows_.schema, schema_), "");
  const TargetState state = Must(store_->catalog()->State(schema_.ref));
  EXPECT_TRUE(state.exists);
  EXPECT_EQ(state.rows, rows_.count());
}

TEST_P(SourceTest, AbsentCollection) {
  Fill({});
  const CollectionRef absent{schema_.ref.database, "conformance_absent"};
  EXPECT_EQ(KindName(store_->catalog()->Describe(absent).status()), "not found");
  EXPECT_EQ(KindName(source().Preparation(absent, ReadPurpose::kCopy).status()), "not found");
}

TEST_P(SourceTest, SplitsCoverEveryRowOnce) {
  Fill({});
  for (const SplitPolicy& policy : {SplitPolicy{}, SplitPolicy{.target_bytes = 2048, .min_splits = 1},
                                    SplitPolicy{.target_bytes = 1 << 30, .min_splits = 7}}) {
    Rows have{.schema = schema_, .batches = {}};
    std::set<std::string> ids;
    for (const Split& split : Plan(policy)) {
      EXPECT_TRUE(ids.insert(split.id).second) << split.id;
      EXPECT_FALSE(split.id.empty());
      EXPECT_EQ(split.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos) << split.id;
      for (Batch& batch : Drain(Open(split).get(), 4096)) have.batches.push_back(std::move(batch));
    }
    EXPECT_TRUE(SameRows(rows_, have)) << "target_bytes " << policy.target_bytes << ", min_splits "
                                       << policy.min_splits;
  }
}

TEST_P(SourceTest, SplitsAreTheSameInAnotherProcess) {
  Fill({});
  const std::vector<Split> splits = Plan({.min_splits = 4});
  const OptionTexts again = quirks().target_options ? quirks().source_options(scratch_.path())
                                                    : OptionTexts{{"rows", "500"},
                                                                  {"dim", "8"},
                                                                  {"fields", "vector,string"},
                                                                  {"partitions", quirks().partitions ? "3" : "0"}};
  auto other = OpenStore(quirks().room, OptionScope::kSource, again);
  Rows have{.schema = schema_, .batches = {}};
  for (const Split& split : splits) {
    auto reader = Must(other->source()->Open(schema_, split, snapshot_, ""));
    for (Batch& batch : Drain(reader.get(), 4096)) have.batches.push_back(std::move(batch));
  }
  EXPECT_TRUE(SameRows(rows_, have));
}

TEST_P(SourceTest, ResumesAfterEveryBatch) {
  Fill({{"key", quirks().varchar_keys ? "varchar" : "int64"}});
  for (const Split& split : Plan({.min_splits = 2})) {
    const std::vector<Batch> batches = Drain(Open(split).get(), 2048);
    for (size_t i = 0; i < batches.size(); ++i) {
      const Rows want{.schema = schema_,
                      .batches = {batches.begin() + static_cast<std::ptrdiff_t>(i) + 1, batches.end()}};
      const Rows have{.schema = schema_, .batches = Drain(Open(split, batches[i].position).get(), 3000)};
      ASSERT_TRUE(SameRows(want, have)) << split.id << " after batch " << i << " at " << batches[i].position;
    }
  }
}

TEST_P(SourceTest, ExtremeIntegerKeysResume) {
  Fill({{"rows", "40"}, {"fields", "vector,int64"}});
  for (const Split& split : Plan({})) {
    const std::vector<Batch> batches = Drain(Open(split).get(), 1);
    for (size_t i = 0; i < batches.size(); ++i) {
      const Rows want{.schema = schema_,
                      .batches = {batches.begin() + static_cast<std::ptrdiff_t>(i) + 1, batches.end()}};
      ASSERT_TRUE(SameRows(want, {.schema = schema_, .batches = Drain(Open(split, batches[i].position).get(), 1)}))
          << split.id << " after " << batches[i].position;
    }
  }
}

TEST_P(SourceTest, BatchesStayWithinBounds) {
  Fill({{"rows", "2000"}});
  constexpr int64_t kMaxBytes = 16 << 10;
  for (const Split& split : Plan({})) {
    for (const Batch& batch : Drain(Open(split).get(), kMaxBytes)) {
      EXPECT_LE(Must(arrow::util::ReferencedBufferSize(*batch.rows)), 2 * kMaxBytes);
    }
  }
}

TEST_P(SourceTest, BatchesHaveTheSchemaAndOnePartition) {
  Fill({});
  const std::set<std::string> partitions(schema_.partitions.begin(), schema_.partitions.end());
  for (const Split& split : Plan({})) {
    for (const Batch& batch : Drain(Open(split).get(), 4096)) {
      Must(batch.rows->ValidateFull());
      EXPECT_TRUE(batch.rows->schema()->Equals(*schema_.ArrowSchema())) << batch.rows->schema()->ToString();
      EXPECT_TRUE(batch.partition.empty() || partitions.contains(batch.partition)) << batch.partition;
      EXPECT_NE(batch.position, "");
    }
  }
}

TEST_P(SourceTest, ReadsTheFieldsThatAreAskedFor) {
  Fill({});
  CollectionSchema narrow = schema_;
  std::erase_if(narrow.fields, [](const Field& field) { return field.name != "string"; });
  int64_t rows = 0;
  for (const Split& split : Plan({.min_splits = 3})) {
    for (const Batch& batch : Drain(Must(source().Open(narrow, split, snapshot_, "")).get(), 4096)) {
      EXPECT_TRUE(batch.rows->schema()->Equals(*narrow.ArrowSchema())) << batch.rows->schema()->ToString();
      rows += batch.rows->num_rows();
    }
  }
  EXPECT_EQ(rows, rows_.count());
}

TEST_P(SourceTest, SnapshotOfTheSameRowsHasTheSameId) {
  Fill({});
  if (snapshot_.life == SnapshotLife::kNone) GTEST_SKIP() << "the room has no snapshots";
  EXPECT_EQ(Must(source().OpenSnapshot(schema_.ref)).id, snapshot_.id);
  EXPECT_NE(snapshot_.id, "");
}

TEST_P(SourceTest, EmptyCollection) {
  Fill({{"rows", "0"}});
  for (const Split& split : Plan({.min_splits = 4})) EXPECT_TRUE(Drain(Open(split).get(), 4096).empty());
}

TEST_P(SourceTest, RefusesSplitsAndPositionsOfOthers) {
  Fill({});
  const Split alien{.id = "alien", .spec = R"({"segment": "x"})"};
  EXPECT_NE(KindName(source().Open(schema_, alien, snapshot_, "").status()), "ok");
  const Split mine = Plan({}).front();
  auto reader = source().Open(schema_, mine, snapshot_, "no such position");
  EXPECT_NE(KindName(reader.ok() ? (*reader)->Next(4096).status() : reader.status()), "ok");
}

TEST_P(SourceTest, StopEndsReading) {
  Fill({{"rows", "2000"}});
  const Split split = Plan({}).front();
  auto reader = Open(split);
  ASSERT_TRUE(Must(reader->Next(2048)).has_value());
  stop_.RequestStop();
  arrow::Status status;
  for (bool at_end = false; status.ok() && !at_end;) {
    auto next = reader->Next(2048);
    status = next.status();
    at_end = next.ok() && !next->has_value();
  }
  EXPECT_EQ(KindName(status), "cancelled");
}

std::string RoomName(const testing::TestParamInfo<Quirks>& info) { return info.param.room + info.param.variant; }

INSTANTIATE_TEST_SUITE_P(Rooms, SourceTest, testing::ValuesIn(SourceRooms()), RoomName);

}  // namespace
}  // namespace godwit::conformance
