#include "stores/synthetic/source.h"

#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "stores/synthetic/catalog.h"

namespace godwit::synthetic {
namespace {

TEST(SyntheticSource, CountsDuplicatesOnce) {
  Options options;
  options.collection = "c";
  options.rows = 100;
  options.dim = 4;
  options.fields = {"vector"};
  options.duplicates = 30;
  SyntheticCatalog catalog(options);
  EXPECT_EQ(catalog.State({"", "c"}).ValueOrDie().rows, 130);
  SyntheticSource source(options, {});
  const CollectionSchema schema = catalog.Describe({"", "c"}).ValueOrDie();
  const Snapshot snapshot = source.OpenSnapshot(schema.ref).ValueOrDie();
  int64_t rows = 0, surplus = 0, noted = 0;
  std::vector<std::string> sample;
  for (const Split& split : source.PlanSplits(schema, snapshot, {.min_splits = 4}).ValueOrDie()) {
    auto reader = source.Open(schema, split, snapshot, "").ValueOrDie();
    while (auto batch = reader->Next(256).ValueOrDie()) {
      rows += batch->rows->num_rows();
      surplus += batch->surplus_rows;
    }
    noted += reader->duplicates().surplus_rows;
    for (const std::string& key : reader->duplicates().sample) sample.push_back(key);
  }
  EXPECT_EQ(rows, 100);
  EXPECT_EQ(surplus, 30);
  EXPECT_EQ(noted, 30);
  ASSERT_EQ(sample.size(), 30u);
  EXPECT_EQ(sample.front(), "0 x2");
}

TEST(SyntheticSource, RefusesASnapshotOfOtherOptions) {
  Options options;
  options.collection = "c";
  options.rows = 10;
  options.dim = 4;
  options.fields = {"vector"};
  SyntheticSource before(options, {});
  const CollectionSchema schema = SyntheticCatalog(options).Describe({"", "c"}).ValueOrDie();
  const Snapshot snapshot = before.OpenSnapshot(schema.ref).ValueOrDie();
  const Split split = before.PlanSplits(schema, snapshot, {}).ValueOrDie().front();
  options.seed = 5;
  SyntheticSource after(options, {});
  EXPECT_EQ(KindOf(after.Open(schema, split, snapshot, "").status()), ErrorKind::kConflict);
}

}  // namespace
}  // namespace godwit::synthetic
