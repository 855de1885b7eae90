#include "verify/difference_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"

namespace godwit {
namespace {

const CollectionRef kSource{"", "a"};
const CollectionRef kTarget{"", "b"};

Difference Changed() {
  return {.side = Difference::Side::kDifferent,
          .partition = "p",
          .key = "7",
          .fields = {{"title", "\"x, \\\"y\\\"\"", "null"}, {"n", "1", "2"}}};
}

Difference Missing() { return {.side = Difference::Side::kOnlySource, .partition = {}, .key = "\"k\"", .fields = {}}; }

class DifferenceFileTest : public testing::Test {
 protected:
  std::string Write(DifferenceFormat format, bool with_rows = true) {
    auto file = DifferenceFile::Create(path_, format).ValueOrDie();
    if (with_rows) {
      EXPECT_TRUE(file->Add(kSource, kTarget, Changed()).ok());
      EXPECT_TRUE(file->Add(kSource, kTarget, Missing()).ok());
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_TRUE(file->Finish().ok());
    std::string text = ReadFile(path_).ValueOrDie();
    std::filesystem::remove(path_);
    return text;
  }

  const std::string path_ =
      (std::filesystem::temp_directory_path() / ("godwit-differences-" + std::to_string(::getpid()))).string();
};

TEST_F(DifferenceFileTest, Text) {
  EXPECT_EQ(Write(DifferenceFormat::kText),
            "b: partition p, key 7, field title: \"x, \\\"y\\\"\" in the source, null in the target; field n: 1 in the "
            "source, 2 in the target\nb: key \"k\": only in the source\n");
}

TEST_F(DifferenceFileTest, CsvHasALineAField) {
  EXPECT_EQ(Write(DifferenceFormat::kCsv),
            "source,target,difference,partition,key,field,source_value,target_value\r\n"
            "a,b,different,p,7,title,\"\"\"x, \\\"\"y\\\"\"\"\"\",null\r\n"
            "a,b,different,p,7,n,1,2\r\n"
            "a,b,only in source,,\"\"\"k\"\"\",,,\r\n");
}

TEST_F(DifferenceFileTest, JsonIsOneDocument) {
  auto rows = nlohmann::json::parse(Write(DifferenceFormat::kJson));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["fields"][1]["target"], "2");
  EXPECT_EQ(rows[1]["side"], "only in source");
  EXPECT_EQ(nlohmann::json::parse(Write(DifferenceFormat::kJson, false)).size(), 0u);
}

TEST_F(DifferenceFileTest, WhatIsNotFinishedIsRemoved) {
  { auto file = DifferenceFile::Create(path_, DifferenceFormat::kText).ValueOrDie(); }
  EXPECT_FALSE(std::filesystem::exists(path_ + ".part"));
  EXPECT_FALSE(DifferenceFile::Create("/no/such/folder/x.txt", DifferenceFormat::kText).ok());
}

}  // namespace
}  // namespace godwit
