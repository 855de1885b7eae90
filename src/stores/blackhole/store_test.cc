#include "stores/blackhole/store.h"

#include <gtest/gtest.h>

namespace godwit::blackhole {
namespace {

TEST(Blackhole, TakesEverythingAndKeepsNothing) {
  auto store = Factory().open({}, {}).ValueOrDie();
  WriteTarget target{.schema = {}, .job = "job", .epoch = 1};
  target.schema.ref.name = "c";
  target.schema.fields.push_back({.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true});
  EXPECT_FALSE(store->catalog()->State(target.schema.ref).ValueOrDie().exists);
  ASSERT_TRUE(store->catalog()->Create(target.schema).ok());
  ASSERT_TRUE(store->catalog()->Create(target.schema).ok());
  EXPECT_EQ(store->catalog()->Describe(target.schema.ref).ValueOrDie(), target.schema);
  CollectionSchema other = target.schema;
  other.fields[0].type = Type::Of(TypeKind::kString);
  EXPECT_EQ(KindOf(store->catalog()->Create(other)), ErrorKind::kConflict);

  Sink& sink = *store->sink();
  EXPECT_EQ(sink.commit_mode(target.schema), CommitMode::kNone);
  const Split split{.id = "s", .spec = "{}"};
  const Recovery recovery = sink.Recover(target, split, std::nullopt, false).ValueOrDie();
  auto writer = sink.Open(target, split, recovery).ValueOrDie();
  ASSERT_TRUE(writer->Write({}, {}).ok());
  const Receipt receipt = writer->Commit({.position = "5", .digest = {}, .bytes = 9}).ValueOrDie();
  EXPECT_EQ(receipt.split_id, "s");
  EXPECT_EQ(receipt.progress.bytes, 9);
  EXPECT_EQ(sink.ReadBack(target, {receipt}).ValueOrDie(), nullptr);
  EXPECT_TRUE(sink.Publish(target, {receipt}, {}).ok());
  EXPECT_TRUE(store->catalog()->Drop(target.schema.ref).ok());
}

}  // namespace
}  // namespace godwit::blackhole
