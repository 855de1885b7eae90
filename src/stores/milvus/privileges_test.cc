#include "stores/milvus/privileges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::milvus {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::string Name(const Privilege& privilege) { return privilege.object + " " + privilege.name; }

std::vector<std::string> Missing(const std::vector<Privilege>& needed, const Grants& grants) {
  std::vector<std::string> names;
  for (const Privilege& privilege : MissingOf(needed, grants, "books")) names.push_back(Name(privilege));
  return names;
}

TEST(Privileges, AreCoveredByNameAndByStar) {
  const std::vector<Privilege> needed = {
      {"Global", "CreateCollection"}, {"Collection", "Insert"}, {"Collection", "Query"}, {"Collection", "Insert"}};
  EXPECT_THAT(Missing(needed, {}), ElementsAre("Global CreateCollection", "Collection Insert", "Collection Query"));
  EXPECT_THAT(Missing(needed, {.everything = true}), IsEmpty());
  EXPECT_THAT(Missing(needed, {.grants = {{"Collection", "books", "Insert"}, {"Collection", "others", "Query"}}}),
              ElementsAre("Global CreateCollection", "Collection Query"));
  EXPECT_THAT(Missing(needed, {.grants = {{"Collection", "*", "*"}}}), ElementsAre("Global CreateCollection"));
  EXPECT_THAT(Missing(needed, {.grants = {{"Global", "*", "*"}, {"Collection", "books", "*"}}}), IsEmpty());
}

TEST(Privileges, FollowWhatTheJobDoes) {
  CollectionSchema schema;
  schema.ref = {"default", "books"};
  schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                   {.name = "v", .type = Type::Vector(TypeKind::kFloatVector, 8)}};
  auto needed = [&](const CollectionSchema* existing, const TargetUse& use) {
    std::vector<std::string> names;
    for (const Privilege& privilege : PrivilegesToWrite(schema, existing, use)) names.push_back(Name(privilege));
    return names;
  };
  auto names = needed(nullptr, {.create = true, .write = true, .read_back = true});
  for (const char* name : {"Global CreateCollection", "Collection Insert", "Collection Upsert", "Collection Flush",
                           "Collection Query", "Collection Release", "Collection DropIndex"}) {
    EXPECT_THAT(names, Contains(name));
  }
  EXPECT_THAT(names, Not(Contains("Global DropCollection")));
  EXPECT_THAT(needed(nullptr, {.create = true, .drop = true}), Contains("Global DropCollection"));
  EXPECT_THAT(needed(nullptr, {.create = true}), Not(Contains("Collection Insert")));

  CollectionSchema existing = schema;
  existing.loaded = true;
  names = needed(&existing, {.write = true, .read_back = true});
  EXPECT_THAT(names, Not(Contains("Global CreateCollection")));
  EXPECT_THAT(names, Not(Contains("Collection Release"))) << "it stays loaded";
  EXPECT_THAT(names, Not(Contains("Collection CreateIndex")));
  schema.partitions = {"p"};
  EXPECT_THAT(needed(&existing, {}), Contains("Collection CreatePartition"));
  existing.partitions = {"p"};
  EXPECT_THAT(needed(&existing, {}), Not(Contains("Collection CreatePartition")));
}

}  // namespace
}  // namespace godwit::milvus
