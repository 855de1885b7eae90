#include <gtest/gtest.h>

#include <random>

#include "config/document.h"
#include "config/sample_stores.h"

namespace godwit {
namespace {

/// A tree as JSON, without places; nulls as null, everything else that is plain as text.
std::string ToJson(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return node.unset ? "unset" : "'" + node.text + "'";
    case Node::Kind::kList:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + ToJson(item);
      return "[" + out + "]";
    case Node::Kind::kMap:
      for (const Node::Entry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + entry.key + ": " + ToJson(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

std::string Hocon(std::string_view text, const std::map<std::string, std::string>& variables = {}) {
  Problems problems("f");
  auto node = ReadHocon(text, WithVariables(variables).environment, &problems);
  EXPECT_EQ(node.has_value() || !problems.empty(), true);
  return problems.empty() ? ToJson(*node) : Describe(problems.ToStatus());
}

TEST(Hocon, ObjectsSeparatorsAndComments) {
  EXPECT_EQ(Hocon("a = 1, b : 2\nc { d = 3 }\ne = {f: 4,}\n"), "{a: '1', b: '2', c: {d: '3'}, e: {f: '4'}}");
  EXPECT_EQ(Hocon("{ \"a\" : 1 }"), "{a: '1'}");
  EXPECT_EQ(Hocon("# one\na = 1 # two\n// three\nb = 2 // four\nc = \"# // no\""), "{a: '1', b: '2', c: '# // no'}");
  EXPECT_EQ(Hocon("a =\n  # here\n  1\nb\n{\n}\n"), "{a: '1', b: {}}");
  EXPECT_EQ(Hocon("a = 1\r\nb = 2\r\n"), "{a: '1', b: '2'}");
  EXPECT_EQ(Hocon(""), "{}");
  EXPECT_EQ(Hocon("\xef\xbb\xbf"
                  "a = 1"),
            "{a: '1'}");
}

TEST(Hocon, Lists) {
  EXPECT_EQ(Hocon("a = [1, 2, 3,]\nb = [\n 1\n 2 # two\n\n 3\n]\nc = []\nd = [[1], {x = 2}]\n"),
            "{a: ['1', '2', '3'], b: ['1', '2', '3'], c: [], d: [['1'], {x: '2'}]}");
  EXPECT_EQ(Hocon("a = [1,,2]"), "f:1:8: unexpected ','; a value was expected");
  EXPECT_EQ(Hocon("a = [,1]"), "f:1:6: unexpected ','; a value was expected");
}

TEST(Hocon, PlainText) {
  EXPECT_EQ(
      Hocon("a = foo bar  baz \nb = 10 s\nc = true\nd = null\ne = \"null\"\nf = -1.5e+3\ng = a/b.c-d_e;f|g%h<i>'j'\n"),
      "{a: 'foo bar  baz', b: '10 s', c: 'true', d: null, e: 'null', f: '-1.5e+3', g: 'a/b.c-d_e;f|g%h<i>'j''}");
  EXPECT_EQ(Hocon("a = x \"y z\" w\nb = \"\"\nc = null x\n"), "{a: 'x y z w', b: '', c: 'null x'}");
}

TEST(Hocon, QuotedText) {
  EXPECT_EQ(Hocon(R"(a = "\"\\\/\n\t\u00e9\ud83d\ude00")"), "{a: '\"\\/\n\t\xc3\xa9\xf0\x9f\x98\x80'}");
  EXPECT_EQ(Hocon("a = \"\"\"x\"y\\n\n\"z\"\"\"\"\nb = 1"), "{a: 'x\"y\\n\n\"z\"', b: '1'}");
  EXPECT_EQ(Hocon("a = \"\"\"\"\"\"\n"), "{a: ''}");
  EXPECT_EQ(Hocon("x = 1\na = \"open\nb = 2"), "f:2:5: the closing '\"' is missing");
  EXPECT_EQ(Hocon("a = \"\"\"open\nb = 2"), "f:1:5: the closing '\"\"\"' is missing");
  for (const char* bad : {R"("\x")", R"("\u12")", R"("\ud800")", "\"a\tb\""}) {
    EXPECT_EQ(Hocon(std::string("a = ") + bad),
              "f:1:5: an unknown escape or a control character; write \\\\ for a backslash");
  }
}

TEST(Hocon, KeyPaths) {
  EXPECT_EQ(Hocon("a.b.c = 1\na.b { d = 2 }\na.\"x.y\".z = 3"), "{a: {b: {c: '1', d: '2'}, x.y: {z: '3'}}}");
  EXPECT_EQ(Hocon("3.14 : 42\ntrue : 1\na b c : 2\n\"\" = 5"), "{3: {14: '42'}, true: '1', a b c: '2', : '5'}");
  EXPECT_EQ(Hocon("a..b = 1"), "f:1:3: unexpected '.'; a key was expected");
  EXPECT_EQ(Hocon(".a = 1"), "f:1:1: unexpected '.'; a key was expected");
  EXPECT_EQ(Hocon("a. = 1"), "f:1:4: unexpected '='; a key was expected");
  EXPECT_EQ(Hocon("a\nb = 1"), "f:1:1: a key without a value: write key = value or key { ... }");
}

TEST(Hocon, LaterValuesReplaceAndObjectsMerge) {
  EXPECT_EQ(Hocon("a = 1\na = 2"), "{a: '2'}");
  EXPECT_EQ(Hocon("a { x = 1, y = 1 }\na { y = 2, z = 2 }\na.x = 3"), "{a: {x: '3', y: '2', z: '2'}}");
  EXPECT_EQ(Hocon("a { x = 1 }\na = null\na { y = 2 }"), "{a: {y: '2'}}");
  EXPECT_EQ(Hocon("a = { x = 1 } { y = 2 }"), "{a: {x: '1', y: '2'}}");
  EXPECT_EQ(Hocon("a = [1] [2, 3]"), "{a: ['1', '2', '3']}");
}

TEST(Hocon, References) {
  EXPECT_EQ(Hocon("a = ${b.c}\nb { c = 1 }"), "{a: '1', b: {c: '1'}}");
  EXPECT_EQ(Hocon("bar { foo = 42, baz = ${bar.foo} }"), "{bar: {foo: '42', baz: '42'}}");
  EXPECT_EQ(Hocon("a = 1\nb = <${a}>\nc = \"x\"${a}\" y\""), "{a: '1', b: '<1>', c: 'x1 y'}");
  EXPECT_EQ(Hocon("base { x = 1 }\na = ${base} { y = 2 }\na { z = 3 }"),
            "{base: {x: '1'}, a: {x: '1', y: '2', z: '3'}}");
  EXPECT_EQ(Hocon("l = [1]\na = ${l} [2]\nb = [0] ${l}"), "{l: ['1'], a: ['1', '2'], b: ['0', '1']}");
  EXPECT_EQ(Hocon("a = ${\"x.y\"}\n\"x.y\" = 2"), "{a: '2', x.y: '2'}");
  EXPECT_EQ(Hocon("a { b = 1 }\nc = ${a}\nd = ${c.b}"), "{a: {b: '1'}, c: {b: '1'}, d: '1'}");
  EXPECT_EQ(Hocon("a = [1] x"), "f:1:5: text, lists and objects can't be joined with each other; put text into quotes");
}

TEST(Hocon, MissingReferences) {
  EXPECT_EQ(Hocon("a = ${x}\nb = 1\nc = [${y.z}]"),
            "f:1:5: ${x} is set neither in the file nor in the environment\n"
            "f:3:6: ${y.z} is set neither in the file nor in the environment");
  EXPECT_EQ(Hocon("a = ${?x}\nb = 1\nc = [1, ${?x}]\nd = p${?x}q\ne = ${?x}${?x}\nf = ${?x} [1]"),
            "{b: '1', c: ['1'], d: 'pq', f: ['1']}");
  EXPECT_EQ(Hocon("a = 1\na = ${?x}\na = ${?y}"), "{a: '1'}");
  EXPECT_EQ(Hocon("a = ${x} y"), "f:1:5: ${x} is set neither in the file nor in the environment");
}

TEST(Hocon, TheEnvironment) {
  const std::map<std::string, std::string> variables = {{"T", "root:pa ss\"${T}"}, {"A.B", "dot"}};
  EXPECT_EQ(Hocon("a = ${?T}\nb = ${A.B}\nc = \"x\"\nc = ${?T}", variables),
            "{a: 'root:pa ss\"${T}', b: 'dot', c: 'root:pa ss\"${T}'}");
  EXPECT_EQ(Hocon("a = \"<${T}> $${T} ${U:u}\"", variables), "{a: '<root:pa ss\"${T}> ${T} u'}");
  EXPECT_EQ(Hocon("T = 1\na = ${T}", variables), "{T: '1', a: '1'}");  // the file comes first
  EXPECT_EQ(Hocon("x = 1\n a = \"${U}\"", variables), "f:2:6: the environment variable 'U' is not set");
  EXPECT_EQ(Hocon("a = ${U:u}"),
            "f:1:8: unexpected ':'; a reference is written ${name} or ${?name}; with a default, \"${name:default}\" in "
            "quotes");
}

TEST(Hocon, ReferencesToItself) {
  EXPECT_EQ(Hocon("a = 1\na = ${a}2\na = ${a}3"), "{a: '123'}");
  EXPECT_EQ(Hocon("a += 1\na += 2\nb.c = [0]\nb.c += 1\n"), "{a: ['1', '2'], b: {c: ['0', '1']}}");
  EXPECT_EQ(Hocon("s { M { c = [\"x\"]\n c += y } }"), "{s: {M: {c: ['x', 'y']}}}");
  EXPECT_EQ(Hocon("p = ${?p}x", {{"p", "env-"}}), "{p: 'env-x'}");
  EXPECT_EQ(Hocon("a = ${b}\nb = ${a}").substr(0, 6), "f:1:5:");
  EXPECT_EQ(Hocon("a = ${a}"), "f:1:5: ${a} is set neither in the file nor in the environment");
}

TEST(Hocon, Places) {
  Problems problems("f");
  auto node = ReadHocon("a = 1\n  b.c = [ x,\n    \"y\" ]\nd {\n  e = ${a} }\na = 2\nd { e = 3 }", {}, &problems);
  ASSERT_TRUE(node && problems.empty());
  auto expect = [](Place place, int line, int column) {
    EXPECT_EQ(place.line, line);
    EXPECT_EQ(place.column, column);
  };
  expect(node->FindEntry("a")->place, 1, 1);
  expect(node->Find("a")->place, 6, 5);
  ASSERT_EQ(node->FindEntry("a")->again.size(), 1u);
  expect(node->FindEntry("a")->again[0], 6, 1);
  EXPECT_TRUE(node->FindEntry("a")->referenced);
  EXPECT_FALSE(node->FindEntry("b")->referenced);
  expect(node->FindEntry("b")->place, 2, 3);
  const Node* list = node->Find("b")->Find("c");
  expect(list->place, 2, 9);
  expect(list->items[0].place, 2, 11);
  expect(list->items[1].place, 3, 5);
  expect(node->Find("d")->FindEntry("e")->place, 5, 3);
  expect(node->FindEntry("d")->again[0], 7, 1);
}

// Not in the specification: SeaTunnel's documents are often seen with their line breaks lost.
TEST(Hocon, MembersOnOneLine) {
  EXPECT_EQ(Hocon("env { parallelism = 1 job.mode = \"BATCH\" } source { Milvus { url = \"http://x:1\" token = \"a b\" "
                  "c = [\"d\"] e = 5 } } sink { Milvus { f = x y g : 1 } }"),
            "{env: {parallelism: '1', job: {mode: 'BATCH'}}, source: {Milvus: {url: 'http://x:1', token: 'a b', "
            "c: ['d'], e: '5'}}, sink: {Milvus: {f: 'x y', g: '1'}}}");
}

TEST(Hocon, BrokenSyntaxIsNamedWithItsPlace) {
  EXPECT_EQ(Hocon("a = 1\nb {\n c = 2\n"), "f:2:3: the '}' to this '{' is missing");
  EXPECT_EQ(Hocon("a = 1\n}\n"), "f:2:1: '}' without '{'");
  EXPECT_EQ(Hocon("{ a = 1 } b = 2"), "f:1:11: more text after the end of the file's object");
  EXPECT_EQ(Hocon("a = [1, 2\nb = 3"), "f:2:3: unexpected '='; put the value into quotes");
  EXPECT_EQ(Hocon("a = [1, 2\n"), "f:1:5: the ']' to this '[' is missing");
  EXPECT_EQ(Hocon("token = root:Milvus"), "f:1:13: unexpected ':'; put the value into quotes");
  EXPECT_EQ(Hocon("url = http://x"), "f:1:11: unexpected ':'; put the value into quotes");
  EXPECT_EQ(Hocon("a = @x"), "f:1:5: unexpected '@'; put the value into quotes");
  EXPECT_EQ(Hocon("a =\n"), "f:2:1: the file ends too early; a value was expected");
  EXPECT_EQ(Hocon("a = ${b"),
            "f:1:8: the file ends too early; a reference is written ${name} or ${?name}; with a "
            "default, \"${name:default}\" in quotes");
  EXPECT_EQ(Hocon("[1, 2]"), "f:1:1: unexpected '['; a key was expected");
  EXPECT_EQ(Hocon("a = 1\ninclude \"other.conf\""), "f:2:1: include is not offered; write the job in one file");
  EXPECT_EQ(Hocon("include = 1\n\"include\" x = 2"), "{include: '1', include x: '2'}");
}

TEST(Hocon, LimitsOfDepthAndSize) {
  const std::string braces = [] {
    std::string text = "a = ";
    for (int i = 0; i < 100'000; ++i) text += "[";
    return text;
  }();
  EXPECT_NE(Hocon(braces).find("nested too deeply"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "a{";
  EXPECT_NE(Hocon(objects).find("nested too deeply"), std::string::npos);
  std::string path = "a";
  for (int i = 0; i < 1000; ++i) path += ".a";
  EXPECT_NE(Hocon(path + " = 1").find("too many parts"), std::string::npos);
  std::string lists = "a0 = [1, 1, 1, 1]\n";
  std::string texts = "t0 = xxxxxxxxxx\n";
  std::string chain = "c0 = 1\n";
  std::string appended;
  for (int i = 1; i < 60; ++i) {
    lists += fmt::format("a{0} = [${{a{1}}}, ${{a{1}}}]\n", i, i - 1);
    texts += fmt::format("t{0} = ${{t{1}}}${{t{1}}}\n", i, i - 1);
  }
  for (int i = 1; i < 10'000; ++i) {
    chain += fmt::format("c{} = ${{c{}}}\n", i, i - 1);
    appended += "l += 1\n";
  }
  const std::string too_much = "the file's references stand for too much";
  EXPECT_NE(Hocon(lists).find(too_much), std::string::npos);
  EXPECT_NE(Hocon(texts).find(too_much), std::string::npos);
  EXPECT_NE(Hocon(chain).find(too_much), std::string::npos);
  EXPECT_NE(Hocon(appended).find(too_much), std::string::npos);
}

// Whatever the bytes: an answer, and never a crash, an endless loop or an exception.
TEST(Hocon, RandomText) {
  static constexpr std::string_view kPieces[] = {
      "a",  "b",   ".", "=", ":",  "+=", "{", "}",   "[",    "]",    ",",  "\n", " ",   "\"",      "\"\"\"", "$",
      "${", "${?", "}", "#", "//", "\\", "1", "1e+", "null", "true", "\t", "\r", "a=1", "include", "\"a\"",  "\xff"};
  std::minstd_rand random(7);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t n = random() % 25; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    Problems problems("f");
    auto node = ReadHocon(text, WithVariables({{"a", "v"}}).environment, &problems);
    ASSERT_TRUE(node.has_value() || !problems.empty()) << text;
    accepted += node.has_value() && problems.empty() ? 1 : 0;
    for (char& c : text) c = static_cast<char>(random());
    Problems others("f");
    ReadHocon(text, WithVariables({}).environment, &others);
    Problems yaml("f");
    ReadYaml(text, WithVariables({}).environment, &yaml);
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace godwit
