#include "stores/files/layout.h"

#include <gtest/gtest.h>

namespace godwit::files {
namespace {

TEST(Layout, PlainNamesStayAsTheyAre) {
  for (const char* name : {"books", "a_b-C9", "logs-2024.01", "v1.0.x", "书籍", "Ärger"})
    EXPECT_EQ(EncodeName(name), name);
}

TEST(Layout, WhatCouldHurtIsEncoded) {
  EXPECT_EQ(EncodeName("a/b"), "a%2Fb");
  EXPECT_EQ(EncodeName(".."), "%2E.");
  EXPECT_EQ(EncodeName(".hidden"), "%2Ehidden");
  EXPECT_EQ(EncodeName("year=2024"), "year%3D2024");
  EXPECT_EQ(EncodeName("what? *[x]"), "what%3F%20%2A%5Bx%5D");
  EXPECT_EQ(EncodeName("100%"), "100%25");
  EXPECT_EQ(EncodeName("x.parquet"), "x%2Eparquet");
  EXPECT_EQ(EncodeName("_godwit-manifest.json"), "_godwit-manifest%2Ejson");
  EXPECT_EQ(EncodeName(std::string_view("a\0b\n", 4)), "a%00b%0A");
}

TEST(Layout, EveryNameComesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(DecodeName(EncodeName(all)), all);
  EXPECT_EQ(DecodeName("100%"), "100%");
  EXPECT_EQ(DecodeName("%zz%4"), "%zz%4");
}

TEST(Layout, FoldersNameTheDatabaseOnlyWhereThereIsOne) {
  EXPECT_EQ(CollectionFolder({"", "books"}), "books");
  EXPECT_EQ(CollectionFolder({"copy", "books"}), "copy/books");
  EXPECT_EQ(StageFolder("job-1", {"copy", "books"}), ".godwit-stage-job-1/copy.books");
  EXPECT_EQ(PartitionPrefix(""), "");
  EXPECT_EQ(PartitionPrefix("p/1"), "p%2F1/");
}

TEST(Layout, APartTellsItsSplit) {
  const std::string name = PartName("s-1", 3, 7, ".parquet");
  EXPECT_EQ(name, "part-s-1.3.7.parquet");
  EXPECT_TRUE(IsPartOf(name, "s-1"));
  EXPECT_FALSE(IsPartOf(name, "s"));
  EXPECT_FALSE(IsPartOf(PartName("s-12", 3, 7, ".parquet"), "s-1"));
}

TEST(Layout, NamesThatNoFileSystemTakesAreRefused) {
  CollectionSchema schema;
  schema.ref = {"", std::string(200, 'a')};
  EXPECT_TRUE(CheckNames(schema).ok());
  schema.ref.name = std::string(86, '/');  // three bytes each
  EXPECT_EQ(KindOf(CheckNames(schema)), ErrorKind::kUnsupported);
  schema.ref.name = "a";
  schema.partitions = {std::string(256, 'p')};
  EXPECT_NE(CheckNames(schema).message().find("partition 'ppp"), std::string::npos);
}

}  // namespace
}  // namespace godwit::files
