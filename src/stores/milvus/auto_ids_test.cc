#include "stores/milvus/auto_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::milvus {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(AckedIds, KeepRunsOfKeys) {
  schema_pb::IDs ids;
  for (int64_t id : {7, 8, 9, 20, 21}) ids.mutable_int_id()->add_data(id);
  AckedIds acked;
  ASSERT_TRUE(acked.Add(ids, 5).ok());
  ids.mutable_int_id()->clear_data();
  ids.mutable_int_id()->add_data(22);
  ASSERT_TRUE(acked.Add(ids, 1).ok());
  EXPECT_THAT(acked.runs, ElementsAre(Pair(7, 9), Pair(20, 22)));
  EXPECT_EQ(acked.count(), 6);
}

TEST(AckedIds, ReadTextKeysAsNumbers) {
  schema_pb::IDs ids;
  ids.mutable_str_id()->add_data("470609411695832553");
  ids.mutable_str_id()->add_data("470609411695832554");
  AckedIds acked;
  ASSERT_TRUE(acked.Add(ids, 2).ok());
  EXPECT_THAT(acked.runs, ElementsAre(Pair(470609411695832553, 470609411695832554)));
  ids.mutable_str_id()->add_data("x");
  EXPECT_EQ(godwit::KindOf(acked.Add(ids, 3)), ErrorKind::kCorruptData);
}

TEST(AckedIds, MustBeAsManyAsTheRows) {
  schema_pb::IDs ids;
  ids.mutable_int_id()->add_data(1);
  EXPECT_EQ(godwit::KindOf(AckedIds().Add(ids, 2)), ErrorKind::kCorruptData);
}

TEST(AckedIds, SurviveTheJournal) {
  AckedIds acked;
  acked.runs = {{1, 9}, {470609411695832553, 470609411695840126}};
  auto read = AckedIds::FromJson(acked.ToJson());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->runs, acked.runs);
  EXPECT_FALSE(read->unsure);
  acked.unsure = true;
  EXPECT_TRUE(AckedIds::FromJson(acked.ToJson()).ValueOrDie().unsure);
  EXPECT_TRUE(AckedIds::FromJson("").ValueOrDie().runs.empty());
  for (const char* json : {"{", "[]", "{}", "{\"ids\":1}", "{\"ids\":[[1]]}", "{\"ids\":[[1,\"2\"]]}"}) {
    EXPECT_EQ(godwit::KindOf(AckedIds::FromJson(json).status()), ErrorKind::kCorruptData) << json;
  }
}

}  // namespace
}  // namespace godwit::milvus
