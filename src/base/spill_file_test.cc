#include "base/spill_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace godwit {
namespace {

TEST(SpillFileTest, GivesBackEachPartInOrder) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("godwit-spill-" + std::to_string(::getpid()));
  auto spill = SpillFile::Make((folder / "new").string(), 3).ValueOrDie();
  std::string expected[3];
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = std::to_string(i) + std::string(static_cast<size_t>(i % 7), '\0');
    const auto part = static_cast<size_t>(i % 2) * 2;  // the one in the middle stays empty
    ASSERT_TRUE(spill->Append(part, bytes).ok());
    expected[part] += bytes;
  }
  for (size_t part : {0, 1, 2}) EXPECT_EQ(spill->Read(part).ValueOrDie(), expected[part]);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "new"));
  std::filesystem::remove_all(folder);
}

TEST(SpillFileTest, AFolderThatCantBeMadeIsNamed) {
  auto spill = SpillFile::Make("/dev/null/spill", 1);
  ASSERT_FALSE(spill.ok());
  EXPECT_NE(spill.status().ToString().find("/dev/null"), std::string::npos);
}

}  // namespace
}  // namespace godwit
