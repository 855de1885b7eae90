#include "godwit/options.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

std::string ErrorOf(const Option& option, std::string_view text) {
  auto value = ParseOption(option, text);
  if (value.ok()) return "";
  EXPECT_EQ(KindOf(value.status()), ErrorKind::kInvalidConfig);
  return value.status().message();
}

TEST(Options, Bytes) {
  const std::pair<const char*, int64_t> good[] = {{"0", 0},
                                                  {"1000", 1000},
                                                  {"64 KB", 64000},
                                                  {"64KiB", 65536},
                                                  {"512MiB", 512LL << 20},
                                                  {"2gib", 2LL << 30},
                                                  {"1 TB", 1000000000000},
                                                  {" 7B ", 7},
                                                  {"1TiB", 1LL << 40},
                                                  {"9223372036854775807", INT64_MAX}};
  for (const auto& [text, bytes] : good) {
    auto parsed = ParseBytes(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, bytes) << text;
  }
  for (const char* bad : {"", "MiB", "-1", "1.5GiB", "64K", "1 XB", "0x10", "1 2", "10 m b"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
  EXPECT_EQ(ParseBytes("9223372036854775808").status().message(), "'9223372036854775808' is too large");
  EXPECT_EQ(ParseBytes("99999999TiB").status().message(), "'99999999TiB' is too large");
  EXPECT_EQ(ParseBytes("-1").status().message(),
            "'-1' is not a size: write a whole number and a unit, for example 512MiB or 64KB");
}

TEST(Options, Durations) {
  const std::pair<const char*, int64_t> good[] = {{"0", 0},       {"100ms", 100},   {"30s", 30000},  {"30 s", 30000},
                                                  {"5m", 300000}, {"5min", 300000}, {"2h", 7200000}, {"1d", 86400000}};
  for (const auto& [text, ms] : good) {
    auto parsed = ParseDurationMs(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, ms) << text;
  }
  // Without a unit nobody knows whether seconds or milliseconds were meant.
  for (const char* bad : {"", "30", "s", "-1s", "1.5s", "1 week", "99999999999999d"}) {
    EXPECT_FALSE(ParseDurationMs(bad).ok()) << bad;
  }
}

TEST(Options, RangesAreNamedInTheOptionsOwnUnit) {
  Option count{.name = "workers", .type = OptionType::kInt, .min = 1, .max = 64};
  EXPECT_EQ(ErrorOf(count, "0"), "workers: '0' is too small; at least 1 is needed");
  EXPECT_EQ(ErrorOf(count, "65"), "workers: '65' is too large; at most 64 is allowed");
  EXPECT_EQ(ErrorOf(count, "64"), "");
  EXPECT_EQ(ErrorOf(count, "6x"), "workers: '6x' is not a whole number");
  EXPECT_EQ(ErrorOf(count, "99999999999999999999"), "workers: '99999999999999999999' is not a whole number");
  Option wait{.name = "timeout", .type = OptionType::kDuration, .min = 1000};
  EXPECT_EQ(ErrorOf(wait, "1ms"), "timeout: '1ms' is too small; at least 1000ms is needed");
}

TEST(Options, EnumsNameTheNearest) {
  Option option{.name = "format", .type = OptionType::kEnum, .allowed = {"parquet", "jsonl", "csv"}};
  EXPECT_EQ(std::get<std::string>(*ParseOption(option, "csv")), "csv");
  EXPECT_EQ(ErrorOf(option, "parqet"), "format: 'parqet' is not one of: parquet, jsonl, csv; did you mean 'parquet'?");
  EXPECT_EQ(ErrorOf(option, "avro"), "format: 'avro' is not one of: parquet, jsonl, csv");
}

TEST(Options, OtherTypes) {
  Option option{.name = "x"};
  EXPECT_EQ(std::get<std::string>(*ParseOption(option, " kept ")), " kept ");
  option.type = OptionType::kBool;
  EXPECT_TRUE(std::get<bool>(*ParseOption(option, "yes")));
  EXPECT_FALSE(std::get<bool>(*ParseOption(option, "false")));
  EXPECT_EQ(ErrorOf(option, "maybe"), "x: 'maybe' is not true or false");
  option.type = OptionType::kDouble;
  EXPECT_EQ(std::get<double>(*ParseOption(option, "1e-3")), 1e-3);
  EXPECT_EQ(ErrorOf(option, "nan"), "x: 'nan' is not a number");
  option.type = OptionType::kList;
  EXPECT_EQ(std::get<std::vector<std::string>>(*ParseOption(option, "a, b,c")),
            (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(std::get<std::vector<std::string>>(*ParseOption(option, " ")).empty());
  EXPECT_EQ(ErrorOf(option, "a,,b"), "x: 'a,,b' has an empty element");
  option.type = OptionType::kMap;
  EXPECT_EQ((std::get<std::map<std::string, std::string>>(*ParseOption(option, "a=1, b = 2=3 ,c="))),
            (std::map<std::string, std::string>{{"a", "1"}, {"b", "2=3"}, {"c", ""}}));
  EXPECT_EQ(ErrorOf(option, "a"), "x: 'a' is not key=value[,key=value ...]");
  EXPECT_EQ(ErrorOf(option, "a=1,a=2"), "x: the key 'a' is given twice");
}

TEST(Options, DefaultsAndMissingOnes) {
  OptionTable table = {
      {.name = "uri", .help = "Address of the server.", .required = true, .example = "http://h:1"},
      {.name = "page", .type = OptionType::kBytes, .default_text = "4MiB", .scope = OptionScope::kSource},
      {.name = "bucket", .required = true, .scope = OptionScope::kTarget},
      {.name = "token", .type = OptionType::kSecret},
  };
  OptionValues values;
  EXPECT_EQ(FillDefaults(table, OptionScope::kSource, &values).message(),
            "'uri' is missing: Address of the server. For example: http://h:1");
  values.Set("uri", std::string("u"));
  ASSERT_TRUE(FillDefaults(table, OptionScope::kSource, &values).ok());
  EXPECT_EQ(values.GetInt("page"), 4 << 20);
  EXPECT_FALSE(values.Has("bucket"));
  EXPECT_EQ(values.GetString("bucket"), "");
  EXPECT_FALSE(values.Has("token"));
  EXPECT_TRUE(values.GetSecret("token").empty());
  EXPECT_FALSE(FillDefaults(table, OptionScope::kTarget, &values).ok());
  values.Set("bucket", std::string("b"));
  EXPECT_TRUE(FillDefaults(table, OptionScope::kTarget, &values).ok());
  EXPECT_EQ(values.GetInt("page"), 4 << 20) << "a target is also read back";
}

TEST(OptionsDeathTest, GettersAbortOnADefect) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  OptionValues values;
  values.Set("x", int64_t{1});
  EXPECT_DEATH(values.GetInt("y"), "option 'y' is not in the table");
  EXPECT_DEATH(values.GetString("x"), "option 'x' has another type");
}

TEST(Options, NearestName) {
  const std::vector<std::string> names = {"collection", "partition", "batch_bytes", "uri"};
  EXPECT_EQ(NearestName("colection", names), "collection");
  EXPECT_EQ(NearestName("Batch-Bytes", names), "batch_bytes");
  EXPECT_EQ(NearestName("rui", names), "uri");
  EXPECT_EQ(NearestName("password", names), "");
  EXPECT_EQ(NearestName("", names), "");
}

}  // namespace
}  // namespace godwit
