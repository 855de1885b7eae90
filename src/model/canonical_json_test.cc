#include "model/canonical_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "model/canonical.h"

namespace godwit {
namespace {

std::string Canonical(std::string_view json) {
  auto text = CanonicalJson(json);
  return text.ok() ? *text : "error: " + text.status().message();
}

std::string ErrorOf(std::string_view json) {
  auto text = CanonicalJson(json);
  if (text.ok()) return "no error: " + *text;
  EXPECT_EQ(KindOf(text.status()), ErrorKind::kCorruptData);
  return text.status().message();
}

TEST(CanonicalJson, Numbers) {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"0.0", "0"},
      {"-0.000e99", "0"},
      {"0e99999999999999999999999999", "0"},
      {"0E-99999999999999999999999999", "0"},
      {"1", "1"},
      {"-1", "-1"},
      {"1.0", "1"},
      {"1.000e0", "1"},
      {"10e-1", "1"},
      {"0.1e1", "1"},
      {"0.01E+2", "1"},
      {"10", "1e1"},
      {"1e1", "1e1"},
      {"1E+01", "1e1"},
      {"1500", "15e2"},
      {"-1500.00", "-15e2"},
      {"0.5", "5e-1"},
      {"0.050", "5e-2"},
      {"100.001", "100001e-3"},
      {"1.5e300", "15e299"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551617", "18446744073709551617"},
      // Neighbours that are one number as a double.
      {"0.1", "1e-1"},
      {"0.1000000000000000055511151231257827", "1000000000000000055511151231257827e-34"},
      {"1e400", "1e400"},
      {"-1e-999999999999", "-1e-999999999999"},
      {"12e1000000000000000000", "12e1000000000000000000"},
      {"1.2e-1000000000000000000", "12e-1000000000000000001"},
  };
  for (const auto& [json, want] : cases) EXPECT_EQ(Canonical(json), want) << json;
}

TEST(CanonicalJson, NumbersThatAreNone) {
  for (const char* bad : {"+1",   "01",    "-01", "00",       ".5",        "1.",  "-",  "1e",  "1e+", "1e-",  "1.e5",
                          "0x10", "1_000", "NaN", "Infinity", "-Infinity", "nan", "1f", "--1", "1 2", "1e5.5"}) {
    EXPECT_TRUE(Canonical(bad).starts_with("error: invalid JSON at byte ")) << bad << ": " << Canonical(bad);
  }
  EXPECT_EQ(ErrorOf("1e1000000000000000001"), "invalid JSON at byte 21: a number with an exponent beyond 10^18");
  EXPECT_EQ(ErrorOf("[1e99999999999999999999]"), "invalid JSON at byte 23: a number with an exponent beyond 10^18");
}

TEST(CanonicalJson, Strings) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("")", R"("")"},
      {R"("plain text, longer than eight bytes")", R"("plain text, longer than eight bytes")"},
      {R"("\u0041\u0062c")", R"("Abc")"},
      {R"("\/")", R"("/")"},
      {R"("\b\f\n\r\t\"\\")", R"("\b\f\n\r\t\"\\")"},
      {R"("\u0008\u000C\u000a\u000D\u0009\u0022\u005c")", R"("\b\f\n\r\t\"\\")"},
      {R"("\u0000\u001F\u007f")", "\"\\u0000\\u001f\x7f\""},
      {R"("\u00e9\u20AC")", "\"\xc3\xa9\xe2\x82\xac\""},
      {"\"\xc3\xa9\xe2\x82\xac\"", "\"\xc3\xa9\xe2\x82\xac\""},
      {R"("\ud83d\ude00")", "\"\xf0\x9f\x98\x80\""},
      {"\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
      {R"("\uDBFF\uDFFF")", "\"\xf4\x8f\xbf\xbf\""},
      // Surrogates without their partner stay escapes, and differ from the text that looks like one.
      {R"("\uD83D")", R"("\ud83d")"},
      {R"("\uDE00\uD83D")", R"("\ude00\ud83d")"},
      {R"("\ud83dx")", R"("\ud83dx")"},
      {R"("\ud83d\n")", R"("\ud83d\n")"},
      {R"("\ud83d\u0041")", R"("\ud83dA")"},
      {R"("\ud83d\ud83d\ude00")", "\"\\ud83d\xf0\x9f\x98\x80\""},
      {R"("\\ud83d")", R"("\\ud83d")"},
      {R"("1234567\n1234567\"12345678\\")", R"("1234567\n1234567\"12345678\\")"},
  };
  for (const auto& [json, want] : cases) EXPECT_EQ(Canonical(json), want) << json;
}

TEST(CanonicalJson, StringsThatAreNone) {
  const std::string bad[] = {"\"",
                             "\"abc",
                             R"("\x")",
                             R"("\u12")",
                             R"("\u123g")",
                             R"("\u-123")",
                             "\"\n\"",
                             "\"\x1f\"",
                             "'a'",
                             R"("\)",
                             "\"\x80\"",
                             "\"\xc3\"",
                             "\"\xc0\x80\"",
                             "\"\xe0\x80\x80\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf0\x80\x80\x80\"",
                             "\"\xf4\x90\x80\x80\"",
                             "\"\xf5\x80\x80\x80\"",
                             "\"\xff\"",
                             R"("\ud83d\u12")",
                             "\"\xe2\x82",
                             std::string("\"\0\"", 3)};
  for (const std::string& json : bad) EXPECT_TRUE(Canonical(json).starts_with("error: ")) << json;
}

TEST(CanonicalJson, ArraysObjectsAndWords) {
  const std::pair<const char*, const char*> cases[] = {
      {" null ", "null"},
      {"\t\r\ntrue\n", "true"},
      {"false", "false"},
      {"[]", "[]"},
      {"{ }", "{}"},
      {"[ 1 , [ ] , { } , \"a\" ]", R"([1,[],{},"a"])"},
      {R"({"b":1,"a":2})", R"({"a":2,"b":1})"},
      {R"({"a":2,"b":1})", R"({"a":2,"b":1})"},
      {R"({ "b" : { "z" : [1.0], "y" : 2 } , "a" : [ { "d" : 4 , "c" : 3 } ] })",
       R"({"a":[{"c":3,"d":4}],"b":{"y":2,"z":[1]}})"},
      {R"({"ab":1,"a b":2,"a":3,"":4})", R"({"":4,"a":3,"a b":2,"ab":1})"},
      {R"({"\u0062":1,"a":2})", R"({"a":2,"b":1})"},
      {R"({"c":null,"b":"","a":{"a":{}}})", R"({"a":{"a":{}},"b":"","c":null})"},
  };
  for (const auto& [json, want] : cases) EXPECT_EQ(Canonical(json), want) << json;
}

TEST(CanonicalJson, StructureThatIsNone) {
  for (const char* bad : {"",
                          " ",
                          "{",
                          "}",
                          "[",
                          "]",
                          "[1",
                          "[1,",
                          "[1,]",
                          "[,1]",
                          "[1 2]",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{,}",
                          "{a:1}",
                          "{1:2}",
                          "{\"a\" 1}",
                          "{\"a\":1 \"b\":2}",
                          "{\"a\":1]",
                          "[1}",
                          "nul",
                          "nulll",
                          "True",
                          "tru",
                          "1 1",
                          "[] []",
                          "\xef\xbb\xbf{}",
                          "// c\n1",
                          "[1]x"}) {
    EXPECT_TRUE(Canonical(bad).starts_with("error: ")) << bad << ": " << Canonical(bad);
  }
  EXPECT_EQ(ErrorOf(""), "invalid JSON at byte 0: no value");
  EXPECT_EQ(ErrorOf(R"({"a":1 "b":2})"), "invalid JSON at byte 7: a comma or a closing brace is missing");
}

TEST(CanonicalJson, DuplicateKeysAreRefused) {
  for (const char* bad :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":1})", R"({"b":1,"a":2,"b":3})", R"([{"x":{"":1,"":2}}])"}) {
    EXPECT_TRUE(ErrorOf(bad).ends_with("a key is given twice")) << bad << ": " << ErrorOf(bad);
  }
  EXPECT_EQ(Canonical(R"({"a":{"a":{"a":1}}})"), R"({"a":{"a":{"a":1}}})") << "one key on several levels";
}

TEST(CanonicalJson, NestingIsBounded) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(Canonical(nested(1000)), nested(1000));
  EXPECT_EQ(ErrorOf(nested(1001)), "invalid JSON at byte 1000: nested more than 1,000 deep");
  EXPECT_EQ(ErrorOf(std::string(1'000'000, '[')), "invalid JSON at byte 1000: nested more than 1,000 deep");
  std::string siblings = "[[]";
  for (int i = 0; i < 5000; ++i) siblings += ",[{}]";
  siblings += "]";
  EXPECT_EQ(Canonical(siblings), siblings);
}

TEST(CanonicalJson, OneCanonicalizerServesManyValues) {
  JsonCanonicalizer canonicalizer;
  auto write = [&](std::string_view json) {
    std::vector<char> out(JsonCanonicalizer::MaxSize(json.size()));
    auto size = canonicalizer.Write(json, out.data());
    return size.ok() ? std::string(out.data(), *size) : "error";
  };
  EXPECT_EQ(write(R"({"b":[{"y":1,"x":)"), "error");
  EXPECT_EQ(write(R"({"b":1,"a":2})"), R"({"a":2,"b":1})");
  EXPECT_EQ(write(std::string(999, '[')), "error");
  EXPECT_EQ(write("[1.50]"), "[15e-1]");
}

// ---------------------------------------------------------------------------------------------------------------------
// Random values, each spelled in several ways

class RandomJson {
 public:
  explicit RandomJson(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t limit) { return random_() % limit; }

  nlohmann::json Value(int depth) {
    switch (Below(depth > 3 ? 5 : 8)) {
      case 0:
        return nullptr;
      case 1:
        return Below(2) == 0;
      case 2:
        return static_cast<int64_t>(random_()) * (Below(2) == 0 ? 1 : -1000);
      case 3:
        return static_cast<double>(Below(100000)) / (1 << Below(12));
      case 4:
        return Text();
      case 5: {
        auto array = nlohmann::json::array();
        for (uint32_t i = Below(5); i > 0; --i) array.push_back(Value(depth + 1));
        return array;
      }
      default: {
        auto object = nlohmann::json::object();
        for (uint32_t i = Below(6); i > 0; --i) object[Text()] = Value(depth + 1);
        return object;
      }
    }
  }

  // The value with its members in random order, and with random spaces and escapes.
  std::string Spell(const nlohmann::json& value) {
    if (value.is_string()) return Space() + SpellText(value.get<std::string>()) + Space();
    if (value.is_number()) return Space() + SpellNumber(value) + Space();
    if (!value.is_structured()) return Space() + value.dump() + Space();
    std::vector<std::string> parts;
    for (const auto& [key, element] : value.items()) {
      parts.push_back(value.is_object() ? Space() + SpellText(key) + Space() + ":" + Spell(element) : Spell(element));
    }
    for (size_t i = parts.size(); value.is_object() && i > 1; --i) {
      std::swap(parts[i - 1], parts[Below(static_cast<uint32_t>(i))]);
    }
    std::string text(value.is_object() ? "{" : "[");
    for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ",") + parts[i];
    if (parts.empty()) text += Space();
    return Space() + text + (value.is_object() ? "}" : "]") + Space();
  }

 private:
  std::string Text() {
    static constexpr std::string_view kPieces[] = {"a",
                                                   "b",
                                                   "key",
                                                   "\n",
                                                   "\"",
                                                   "\\",
                                                   "/",
                                                   "\xc3\xa9",
                                                   "\xf0\x9f\x98\x80",
                                                   " ",
                                                   "\t",
                                                   "\x01",
                                                   "u0041",
                                                   "a longer piece of text"};
    std::string text;
    for (uint32_t i = Below(6); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  std::string SpellText(const std::string& text) {
    std::string spelled = nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/Below(2) == 0);
    if (Below(2) == 0) return spelled;
    std::string escaped;
    for (size_t i = 0; i < spelled.size(); ++i) {
      if (spelled[i] == '\\') {  // an escape stays as it is, with the hex digits that it may have
        size_t length = spelled[i + 1] == 'u' ? 6 : 2;
        escaped += spelled.substr(i, length);
        i += length - 1;
      } else {
        escaped += spelled[i] == 'a' ? "\\u0061" : std::string(1, spelled[i]);
      }
    }
    return escaped;
  }

  std::string SpellNumber(const nlohmann::json& value) {
    std::string text = value.dump();
    if (text.find_first_of(".eE") == std::string::npos) return Below(2) == 0 ? text : text + ".000";
    if (text.find_first_of("eE") == std::string::npos) return Below(2) == 0 ? text : text + "00E+00";
    return text;
  }

  std::string Space() {
    static constexpr std::string_view kSpaces[] = {"", "", "", " ", "\n", "\t \r"};
    return std::string(kSpaces[Below(std::size(kSpaces))]);
  }

  std::mt19937 random_;
};

TEST(CanonicalJson, SpellingsOfOneValueAreEqualAndOfTwoAreNot) {
  RandomJson random(1);
  for (int i = 0; i < 3000; ++i) {
    nlohmann::json value = random.Value(0);
    std::string canonical = Canonical(random.Spell(value));
    ASSERT_FALSE(canonical.starts_with("error")) << canonical << " for " << value;
    EXPECT_EQ(Canonical(random.Spell(value)), canonical);
    EXPECT_EQ(Canonical(canonical), canonical);
    EXPECT_EQ(nlohmann::json::parse(canonical), value) << canonical;
    nlohmann::json other = random.Value(0);
    EXPECT_EQ(Canonical(random.Spell(other)) == canonical, other == value) << other << " and " << value;
  }
}

bool HasLoneSurrogate(const std::string& canonical) { return canonical.find("\\ud") != std::string::npos; }

// Whatever the bytes are: we and another parser agree on what is JSON, and nothing is read or written out of bounds.
TEST(CanonicalJson, DamagedTextIsRefusedAsByAnotherParser) {
  RandomJson random(2);
  constexpr std::string_view kBytes = "{}[]\",:\\u0dDeE+-.19 \n\x01\x80\xc3\xa9";
  for (int i = 0; i < 20000; ++i) {
    std::string json = random.Spell(random.Value(0));
    for (uint32_t change = 1 + random.Below(3); change > 0; --change) {
      size_t at = random.Below(static_cast<uint32_t>(json.size()));
      if (random.Below(3) == 0) {
        json.erase(at, 1 + random.Below(3));
      } else {
        json[at] = kBytes[random.Below(kBytes.size())];
      }
      if (json.empty()) break;
    }
    auto canonical = CanonicalJson(json);
    auto other = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (canonical.ok()) {
      EXPECT_EQ(Canonical(*canonical), *canonical);
      if (!HasLoneSurrogate(*canonical) && other.is_discarded()) {
        // The other one refuses numbers that are no double.
        EXPECT_NE(json.find_first_of("eE"), std::string::npos) << json;
      } else if (!other.is_discarded()) {
        EXPECT_EQ(nlohmann::json::parse(*canonical), other) << json;
      }
    } else if (!other.is_discarded()) {
      EXPECT_TRUE(canonical.status().message().ends_with("a key is given twice")) << json << canonical.status();
    }
  }
}

}  // namespace
}  // namespace godwit
