#include "config/selection_file.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

std::string Parsed(std::string_view text) {
  Problems problems("names");
  std::string out;
  for (const SelectedName& name : ParseSelection(text, &problems)) {
    out += std::to_string(name.line) + ":" + name.source + ">" + name.target + " ";
  }
  arrow::Status status = problems.ToStatus();
  return status.ok() ? out : Describe(status);
}

TEST(SelectionFile, TextAndCsv) {
  EXPECT_EQ(Parsed("# mine\n\na.b\n  c \r\nd_*"), "3:a.b> 4:c> 5:d_*> ");
  EXPECT_EQ(Parsed("\xEF\xBB\xBFsource,target\na.b, x.y\nc,\n"), "2:a.b>x.y 3:c> ");
  EXPECT_EQ(Parsed("# all\n"), "");
}

TEST(SelectionFile, NamesTheLineThatIsWrong) {
  EXPECT_NE(Parsed("a\n,b\n").find("names:2"), std::string::npos);
  EXPECT_NE(Parsed("a,b,c\n").find("names:1"), std::string::npos);
  EXPECT_NE(Parsed("\"a\"\n").find("without quotes"), std::string::npos);
}

}  // namespace
}  // namespace godwit
