#include "config/document.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "config/sample_stores.h"

namespace godwit {
namespace {

/// A tree as "line:column kind text", one node a line, indented.
void Print(const Node& node, const std::string& indent, std::string* out) {
  *out += fmt::format("{}:{} ", node.place.line, node.place.column);
  if (node.kind == Node::Kind::kNull) *out += "null\n";
  if (node.kind == Node::Kind::kScalar) *out += "'" + node.text + "'\n";
  if (node.kind == Node::Kind::kList) *out += "list\n";
  if (node.kind == Node::Kind::kMap) *out += "map\n";
  for (const Node& item : node.items) {
    *out += indent + "  - ";
    Print(item, indent + "  ", out);
  }
  for (const Node::Entry& entry : node.entries) {
    *out += fmt::format("{}  {}:{} {}: ", indent, entry.place.line, entry.place.column, entry.key);
    Print(entry.value, indent + "  ", out);
  }
}

const std::map<std::string, std::string> kVariables = {{"A", "x"}, {"EMPTY", ""}, {"SECRET", "pa${A}ss"}};

std::string Yaml(std::string_view text) {
  Problems problems("f");
  auto node = ReadYaml(text, WithVariables(kVariables).environment, &problems);
  EXPECT_EQ(node.has_value() || !problems.empty(), true);
  if (!problems.empty()) return Describe(problems.ToStatus());
  std::string out;
  Print(*node, "", &out);
  return out;
}

TEST(Yaml, EverythingKnowsItsPlace) {
  EXPECT_EQ(Yaml("a: 1\n"
                 "b:\n"
                 "  - x\n"
                 "  - {c: 'd', \"e f\": [1, 2]}\n"
                 "g:\n"
                 "h: ~\n"),
            "1:1 map\n"
            "  1:1 a: 1:4 '1'\n"
            "  2:1 b: 3:3 list\n"
            "    - 3:5 'x'\n"
            "    - 4:5 map\n"
            "      4:6 c: 4:9 'd'\n"
            "      4:14 e f: 4:21 list\n"
            "        - 4:22 '1'\n"
            "        - 4:25 '2'\n"
            "  5:1 g: 5:1 null\n"
            "  6:1 h: 6:1 null\n");
}

TEST(Yaml, JsonAnchorsAndByteOrderMark) {
  EXPECT_EQ(Yaml("{\"a\": true, \"b\": [null, \"\\u00e9\"]}"),
            "1:1 map\n  1:2 a: 1:7 'true'\n  1:13 b: 1:18 list\n    - 1:19 null\n    - 1:25 '\xc3\xa9'\n");
  EXPECT_EQ(Yaml("a: &x [1]\nb: *x\n"),
            "1:1 map\n  1:1 a: 1:4 list\n    - 1:8 '1'\n  2:1 b: 1:4 list\n    - 1:8 '1'\n");
  EXPECT_EQ(Yaml("\xef\xbb\xbf"
                 "a: 1\n")
                .substr(4),
            "map\n  1:1 a: 1:4 '1'\n");
}

TEST(Yaml, Refused) {
  EXPECT_EQ(Yaml(""), "f: the file is empty");
  EXPECT_EQ(Yaml("# only a comment\n"), "f: the file is empty");
  EXPECT_EQ(Yaml("a: 1\nb: 2\na: 3\n"), "f:3:1: the key 'a' is given twice, first in line 1");
  EXPECT_EQ(Yaml("a: 1\n---\nb: 2\n"), "f:2:1: the file holds several documents; write one job a file");
  EXPECT_EQ(Yaml("[a, b]: 1\n"), "f:1:1: a key must be plain text");
  EXPECT_EQ(Yaml("a: [1, 2\n"), "f:2:1: end of sequence flow not found");
  EXPECT_EQ(Yaml("a: 1\n\tb: 2\n").substr(0, 4), "f:2:");
  EXPECT_EQ(Yaml("a: &x {b: *x}\n"), "f:1:11: an alias inside of what it stands for");
}

// Unquoted, these mean something else to YAML, and a part of the password would be lost without a word.
TEST(Yaml, PasswordsThatMustBeQuoted) {
  EXPECT_EQ(Yaml("token: !abc\n"), "f:1:8: tags are not offered; a value that begins with '!' must stand in quotes");
  EXPECT_EQ(Yaml("token: !abc def\n"),
            "f:1:8: tags are not offered; a value that begins with '!' must stand in quotes");
  EXPECT_EQ(Yaml("token: &abc\n"), "f:1:8: a value that begins with '&' must stand in quotes");
  EXPECT_EQ(Yaml("token: *abc\n"), "f:1:8: an alias of nothing; a value that begins with '*' must stand in quotes");
  EXPECT_EQ(Yaml("token: #abc\n"), "1:1 map\n  1:1 token: 1:1 null\n");  // which no section takes
}

TEST(Yaml, LimitsOfDepthAndSize) {
  for (const std::string open : {"[", "{a: ", "- ", "? "}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += open;
    EXPECT_NE(Yaml(text).find("f:"), std::string::npos) << open;
  }
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 30; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_NE(Yaml(bomb).find("the file, with its aliases, is too large"), std::string::npos);
}

TEST(Variables, AreReplacedInValuesOnly) {
  EXPECT_EQ(Yaml("a: ${A}\nb: \"<${A}${EMPTY}>\"\nc: $${A}\n${A}: 1\nd: ${B:a:b}\ne: '${SECRET}'\nf: $A\n"),
            "1:1 map\n"
            "  1:1 a: 1:4 'x'\n"
            "  2:1 b: 2:4 '<x>'\n"
            "  3:1 c: 3:4 '${A}'\n"
            "  4:1 ${A}: 4:7 '1'\n"
            "  5:1 d: 5:4 'a:b'\n"
            "  6:1 e: 6:4 'pa${A}ss'\n"  // a variable's value is not looked at again
            "  7:1 f: 7:4 '$A'\n");
}

TEST(Variables, NeedNoQuotesInsideOfBraces) {
  EXPECT_EQ(Yaml("a: {b: ${A}, c: [${A}${A}, ${B:x}], ${A}: '${A}'}\n"),
            "1:1 map\n"
            "  1:1 a: 1:4 map\n"
            "    1:5 b: 1:8 'x'\n"
            "    1:14 c: 1:17 list\n"
            "      - 1:18 'xx'\n"
            "      - 1:28 'x'\n"
            "    1:37 ${A}: 1:43 'x'\n");
  EXPECT_EQ(Yaml("a: {b: ${NONE}}\n"), "f:1:8: the environment variable 'NONE' is not set");
  EXPECT_EQ(Yaml("a: {b: ${A\n}\nc: }\n").substr(0, 4), "f:1:");
}

TEST(Variables, ProblemsNameTheVariableAndItsPlaceAndAreAllTold) {
  EXPECT_EQ(Yaml("a: ${NONE}\nb: [ok, \"${OTHER}\"]\n"),
            "f:1:4: the environment variable 'NONE' is not set\nf:2:9: the environment variable 'OTHER' is not set");
  EXPECT_EQ(Yaml("a: ab${A"), "f:1:4: '${' without '}'; write $${ for the two characters");
  const std::string strange = Yaml("a: 'pass${w0rd!}'");
  EXPECT_EQ(strange, "f:1:4: what stands between '${' and '}' is no variable's name; write $${ for the two characters");
  EXPECT_NE(Yaml("a: ${}").find("no variable's name"), std::string::npos);
}

TEST(Variables, Files) {
  const std::string path = std::filesystem::temp_directory_path() / fmt::format("godwit-token-{}", ::getpid());
  std::ofstream(path) << "root:secret\n\n";
  EXPECT_EQ(Yaml("a: ${file:" + path + "}"), "1:1 map\n  1:1 a: 1:4 'root:secret\n'\n");
  std::filesystem::remove(path);
  const std::string absent = Yaml("a: ${file:" + path + "}");
  EXPECT_TRUE(absent.starts_with("f:1:4: ${file:" + path + "}: ")) << absent;
}

TEST(Problems, AreSortedAndTheFirstOneIsTheStatus) {
  Problems problems("job.yaml");
  EXPECT_TRUE(problems.ToStatus().ok());
  problems.Add({7, 3}, "later");
  problems.Add({2, 0}, "no column");
  problems.Add({7, 3}, "later");
  EXPECT_EQ(Describe(problems.ToStatus()), "job.yaml:2: no column\njob.yaml:7:3: later");
  problems.Add({}, "of the whole");
  EXPECT_EQ(Describe(problems.ToStatus()), "job.yaml: of the whole\njob.yaml:2: no column\njob.yaml:7:3: later");
}

}  // namespace
}  // namespace godwit
