#include "stores/files/manifest.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace godwit::files {
namespace {

Manifest Sample() {
  Manifest manifest;
  manifest.schema.ref = {"db", "books"};
  manifest.schema.fields = {{.name = "id", .type = Type::Of(TypeKind::kInt64), .primary_key = true},
                            {.name = "v", .type = Type::Vector(TypeKind::kFloatVector, 4)}};
  manifest.schema.partitions = {"p"};
  manifest.job = "job-1";
  manifest.created = "2025-01-31T12:00:00.000001Z";
  manifest.digest.Add({1, 2}, {3, 4});
  manifest.files = {
      {.path = "part-a.1.0.parquet", .rows = 1, .bytes = 10, .hash = Hash128{5, 6}, .digest = {.rows = 1}},
      {.path = "p/part-a.1.1.parquet", .partition = "p", .rows = 2, .bytes = 20, .hash = Hash128{0, 1}}};
  return manifest;
}

TEST(Manifest, ComesBack) {
  const Manifest want = Sample();
  const Manifest have = ManifestFromJson(ToJson(want)).ValueOrDie();
  EXPECT_EQ(have.schema, want.schema);
  EXPECT_EQ(have.job, want.job);
  EXPECT_EQ(have.created, want.created);
  EXPECT_EQ(have.digest, want.digest);
  EXPECT_EQ(have.files, want.files);
  EXPECT_EQ(have.rows(), 3);
}

TEST(Manifest, EveryFlippedBitIsFound) {
  const std::string text = ToJson(Sample());
  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(ManifestFromJson(flipped).ok()) << "bit " << bit << " of byte " << i;
    }
  }
}

TEST(Manifest, EveryCutIsFound) {
  const std::string text = ToJson(Sample());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(KindOf(ManifestFromJson(text.substr(0, size)).status()), ErrorKind::kCorruptData) << size;
  }
}

TEST(Manifest, OtherVersionsAreNamed) {
  std::string text = ToJson(Sample());
  text.replace(text.find("\"version\": 2"), 12, "\"version\": 7");
  const arrow::Status status = ManifestFromJson(text).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnsupported);
  EXPECT_NE(status.message().find("version 7"), std::string::npos) << status.message();
}

TEST(Evidence, ComesBack) {
  const auto files = Sample().files;
  EXPECT_EQ(EvidenceFromJson(EvidenceToJson(files)).ValueOrDie(), files);
  EXPECT_EQ(EvidenceFromJson(EvidenceToJson({})).ValueOrDie(), std::vector<DataFile>());
  EXPECT_EQ(KindOf(EvidenceFromJson("{}").status()), ErrorKind::kCorruptData);
  EXPECT_EQ(KindOf(EvidenceFromJson("").status()), ErrorKind::kCorruptData);
}

// The hash of a file is the one that `xxhsum -H128` prints.
TEST(Hash, IsPrintedAsOthersDo) {
  EXPECT_EQ(ToHex(HashOf("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(ToHex({1, 2}), "00000000000000010000000000000002");
}

}  // namespace
}  // namespace godwit::files
