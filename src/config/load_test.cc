#include "config/load.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <unistd.h>

#include "config/dialects.h"
#include "config/sample_stores.h"

namespace godwit {
namespace {

TEST(LoadJob, FindsTheDialect) {
  const std::string yaml = "source: {store: generator}\ntarget: {store: sink}\n";
  const std::string conf = "source { Milvus { url = s } }\nsink { Milvus { url = t } }\n";
  const std::string json = R"({"source": {"store": "generator"}, "target": {"store": "sink"}})";
  for (const char* path : {"godwit.yaml", "a.yml", "a", "a.json", "/dev/stdin"}) {
    auto spec = Load(path, path == std::string("a.json") ? json : yaml);
    ASSERT_TRUE(spec.ok()) << Describe(spec.status());
    EXPECT_EQ(spec->dialect, "godwit.yaml") << path;
  }
  for (const char* path : {"migration.conf", "a.hocon", "a", "v2.config"}) {
    auto spec = Load(path, conf);
    ASSERT_TRUE(spec.ok()) << Describe(spec.status());
    EXPECT_EQ(spec->dialect, "migration.conf") << path;
  }
  EXPECT_EQ(DialectNames(), (std::vector<std::string>{"milvus2csv.yaml", "migration.conf", "godwit.yaml"}));
  EXPECT_EQ(LoadJobText(conf, "a.yaml", SampleStores(), WithVariables({}, "migration.conf"))->dialect,
            "migration.conf");
  EXPECT_EQ(Describe(LoadJobText(conf, "a", SampleStores(), WithVariables({}, "godwit.yml")).status()),
            "a: there is no dialect 'godwit.yml'; allowed: milvus2csv.yaml, migration.conf, godwit.yaml");
}

TEST(LoadJob, Files) {
  const auto dir = std::filesystem::temp_directory_path() / fmt::format("godwit-load-{}", ::getpid());
  std::filesystem::create_directories(dir);
  const std::string path = dir / "job.yaml";
  std::ofstream(path) << "source: {store: generator}\ntarget: {store: sink}\nname: ${PATH:x}\n";
  // Without an environment of its own, that of the process counts.
  auto spec = LoadJobFile(path, SampleStores(), {});
  EXPECT_TRUE(Describe(spec.status()).starts_with(path + ":3:7: name: '${PATH:x}' is no name for a job"));
  EXPECT_EQ(LoadJobFile(path, SampleStores(), WithVariables({}))->name, "x");
  for (const std::string& bad : {path + ".absent", dir.string()}) {
    auto absent = LoadJobFile(bad, SampleStores(), {});
    EXPECT_EQ(KindOf(absent.status()), ErrorKind::kInvalidConfig);
    EXPECT_TRUE(Describe(absent.status()).starts_with(bad + ": can't read the job file: "))
        << Describe(absent.status());
  }
  std::filesystem::remove_all(dir);
}

TEST(LoadJob, OnlyText) {
  using namespace std::string_literals;
  EXPECT_EQ(ErrorOf("a.yaml", "source: x\nname: \xff\xfe\n"), "a.yaml:2: not text in UTF-8");
  EXPECT_EQ(ErrorOf("a.conf", "a = 1\n\nb = \0\n"s), "a.conf:3: not text in UTF-8");
  EXPECT_EQ(ErrorOf("a.conf", std::string(kMaxDocumentBytes + 1, ' ')), "a.conf: the file is above 4 MiB");
  EXPECT_EQ(ErrorOf("a.yaml", ""), "a.yaml: the file is empty");
}

// ---------------------------------------------------------------------------------------------------------------------
// Mutants: files that are wrong in one place, made from valid ones.

struct Key {
  std::string path;  // of the section, as messages have it
  std::string key;
  std::string value;
  bool required = false;
  std::vector<std::string> bad;  // values that must be refused at their place
};

/// A file, one key a line, and the line of every key.
struct Sample {
  std::string file;
  std::vector<std::string> lines;
  std::vector<std::pair<size_t, Key>> keys;  // index into `lines`
  std::string separator;                     // between key and value

  std::string Text() const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
  size_t ColumnOf(size_t index) const { return lines[keys[index].first].find(keys[index].second.key) + 1; }
};

/// `layout` has one line a key, "@" where the next of `keys` comes.
Sample MakeSample(std::string file, std::string separator, std::string_view layout, const std::vector<Key>& keys) {
  Sample sample{.file = std::move(file), .lines = {}, .keys = {}, .separator = std::move(separator)};
  size_t next = 0;
  std::istringstream in{std::string(layout)};
  for (std::string line; std::getline(in, line);) {
    if (size_t at = line.find('@'); at != line.npos) {
      const Key& key = keys.at(next++);
      sample.keys.emplace_back(sample.lines.size(), key);
      line = line.substr(0, at) + key.key + sample.separator + key.value;
    }
    sample.lines.push_back(line);
  }
  EXPECT_EQ(next, keys.size());
  return sample;
}

const std::vector<std::string> kNotScalar = {"[]", "[a, b]", "{a: b}", "{}", "null"};
const std::vector<std::string> kNotInt = {"-1",     "many", "1.5", "99999999999999999999", "\"\"", "[1]",
                                          "{a: 1}", "null", "0x10"};
const std::vector<std::string> kNotBool = {"maybe", "1", "\"\"", "[true]", "{a: true}", "null", "tru"};
const std::vector<std::string> kNotBytes = {"lots", "-1", "1.5GiB", "5XB", "999999999999TiB", "\"\"", "[1]", "null"};
const std::vector<std::string> kNotDuration = {"soon", "5", "-1s", "1.5s", "999999999999d", "\"\"", "[1s]", "null"};
const std::vector<std::string> kNotEnum = {"other", "\"\"", "[a]", "{a: b}", "null", "5"};
const std::vector<std::string> kNotMap = {"text", "[a]", "null", "{a: [b]}", "{a: {b: c}}"};
const std::vector<std::string> kNotList = {"{a: b}", "null", "[[a]]", "[a, {b: c}]"};

std::vector<std::string> Plus(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Sample NativeSample() {
  const std::string s = "source";
  const std::string t = "tuning";
  return MakeSample(
      "godwit.yaml", ": ",
      "@\nsource:\n  store: milvus\n  @\n  @\n  @\n  @\n  @\ntarget:\n  store: files\n  @\n  @\n@\n@\n@\n@\n@\n@\n"
      "@\n@\n@\n@\n@\n@\n@\n@\ncreate:\n  @\n  @\n  @\n  @\ntuning:\n  @\n  @\n  @\n  @\n  @\n  @\n  @\n  @\n"
      "  @\n  @\n  @\n  @\n  @\n  @\n",
      {{"", "name", "digits", false, Plus(kNotScalar, {"a/b", "\"\"", "-x", ".x", "a b", "\xc3\xa9"})},
       {s, "url", "\"http://127.0.0.1:19530\"", true, Plus(kNotScalar, {"\"\""})},
       {s, "token", "\"root:s3cret\"", false, kNotScalar},
       {s, "database", "default", false, kNotScalar},
       {s, "timeout", "30s", false, kNotDuration},
       {s, "batch_rows", "100", false, Plus(kNotInt, {"1000001"})},
       {"target", "path", "./out", true, Plus(kNotScalar, {"\"\""})},
       {"target", "format", "parquet", false, kNotEnum},
       {"",
        "collections",
        "[digits, {source: a, target: b}]",
        false,
        {"{a: b}", "null", "text", "[[a]]", "[a, {b: c}]", "[a, a]", "[\"\"]", "[{target: a}]",
         "[{source: collections, target: ''}]"}},
       {"", "schema", "create", false, Plus(kNotEnum, {"CREATE"})},
       {"", "if_not_empty", "stop", false, kNotEnum},
       {"", "duplicates", "stop", false, kNotEnum},
       {"", "auto_id", "keep", false, kNotEnum},
       {"", "accept_duplicates", "false", false, kNotBool},
       {"", "on_reject", "stop", false, kNotEnum},
       {"", "rejects_file", "r.jsonl", false, kNotScalar},
       {"", "conflicts_file", "c.jsonl", false, kNotScalar},
       {"", "indexes", "copy", false, kNotEnum},
       {"", "load", "auto", false, kNotEnum},
       {"", "source_load", "auto", false, Plus(kNotEnum, {"always"})},
       {"", "verify", "full", false, kNotEnum},
       {"", "fail_fast", "false", false, kNotBool},
       {"create", "dynamic_fields", "true", false, kNotBool},
       {"create", "shards", "2", false, Plus(kNotInt, {"0", "1025"})},
       {"create", "consistency_level", "Bounded", false, Plus(kNotEnum, {"bounded"})},
       {"create", "descriptions", "{digits: text}", false, Plus(kNotMap, {"{zzz: text}"})},
       {t, "parallelism", "4", false, Plus(kNotInt, {"257"})},
       {t, "preset", "medium", false, kNotEnum},
       {t, "read_parallelism", "4", false, Plus(kNotInt, {"257"})},
       {t, "write_parallelism", "4", false, Plus(kNotInt, {"257"})},
       {t, "rows_per_second", "500", false, kNotInt},
       {t, "bytes_per_second", "5MiB", false, kNotBytes},
       {t, "limit_verify", "true", false, kNotBool},
       {t, "memory", "512MiB", false, Plus(kNotBytes, {"1MiB"})},
       {t, "batch", "8MiB", false, Plus(kNotBytes, {"1KiB", "65MiB"})},
       {t, "split", "256MiB", false, Plus(kNotBytes, {"1KiB", "2GiB"})},
       {t, "commit_every", "5s", false, Plus(kNotDuration, {"1ms", "2h"})},
       {t, "commit_bytes", "256MiB", false, Plus(kNotBytes, {"2GiB"})},
       {t, "retry_for", "10m", false, Plus(kNotDuration, {"8d"})},
       {t, "max_rounds", "3", false, Plus(kNotInt, {"101"})}});
}

Sample SeaTunnelSample() {
  const std::string s = "source.Milvus";
  const std::string k = "sink.Milvus";
  return MakeSample(
      "migration.conf", " = ",
      "env {\n  @\n  @\n  @\n}\nsource {\n  Milvus {\n    @\n    @\n    @\n    @\n    @\n    @\n  }\n}\n"
      "transform {\n}\nsink {\n  Milvus {\n    @\n    @\n    @\n    @\n    @\n    @\n    @\n    @\n    @\n    "
      "@\n    @\n    @\n    @\n    @\n    @\n  }\n}\n",
      {{"env", "parallelism", "2", false, Plus(kNotInt, {"0", "257"})},
       {"env", "job.mode", "\"BATCH\"", false, {"STREAMING", "x", "\"\"", "[a]", "null"}},
       {"env", "job.name", "nightly", false, {"\"a/b\"", "[a]", "null", "\"a b\""}},
       {s, "url", "\"http://source:19530\"", true, Plus(kNotScalar, {"\"\""})},
       {s, "token", "\"root:s3cret\"", false, kNotScalar},
       {s, "database", "default", false, kNotScalar},
       {s, "collections", "[\"col_a\", \"col_b\"]", false, Plus(kNotList, {"[a, a]", "[\"\"]"})},
       {s, "batch_size", "10000", false, Plus(kNotInt, {"0", "1000001"})},
       {s, "ca_pem_path", "\"/ca.pem\"", false, kNotScalar},
       {k, "url", "\"http://target:19530\"", true, Plus(kNotScalar, {"\"\""})},
       {k, "token", "\"root:s3cret\"", false, kNotScalar},
       {k, "database", "default", false, kNotScalar},
       {k, "batch_size", "1000", false, Plus(kNotInt, {"0"})},
       {k, "enable_auto_id", "false", false, kNotBool},
       {k, "enable_upsert", "true", false, kNotBool},
       {k, "enable_dynamic_field", "true", false, kNotBool},
       {k, "schema_save_mode", "\"CREATE_SCHEMA_WHEN_NOT_EXIST\"", false, kNotEnum},
       {k, "data_save_mode", "\"APPEND_DATA\"", false, kNotEnum},
       {k, "create_index", "true", false, kNotBool},
       {k, "load_collection", "\"true\"", false, kNotBool},
       {k, "collection_rename", "{col_a: col_c}", false, Plus(kNotMap, {"{zzz: x}"})},
       {k, "collection_description", "{col_a: text}", false, kNotMap},
       {k, "shard_num", "2", false, Plus(kNotInt, {"0"})},
       {k, "consistency_level", "Strong", false, kNotEnum}});
}

/// Of the values that must be refused, those that say something: in a milvus2csv.yaml, '' is as good as no line.
std::vector<std::string> Given(std::vector<std::string> bad) {
  std::erase(bad, "\"\"");
  return bad;
}

Sample Milvus2CsvSample() {
  const std::string m = "milvus";
  const std::string e = "export";
  return MakeSample("milvus2csv.yaml", ": ", "milvus:\n  @\n  @\n  @\n  @\n  @\n  @\nexport:\n  @\n  @\n  @\n",
                    {{m, "host", "'127.0.0.1'", false, Given(kNotScalar)},
                     {m, "port", "19530", false, Given(Plus(kNotInt, {"0", "65536"}))},
                     {m, "user", "'root'", false, Given(kNotScalar)},
                     {m, "password", "'s3cret'", false, Given(kNotScalar)},
                     {m, "db_name", "'default'", false, Given(kNotScalar)},
                     {m, "token", "'root:s3cret'", false, Given(kNotScalar)},
                     {e, "collections", "['test', 'other']", false, Given(Plus(kNotList, {"[a, a]", "[\"\"]"}))},
                     {e, "max_line_in_file", "40000", false, Given(Plus(kNotInt, {"0"}))},
                     {e, "output_path", "'./output'", true, Given(kNotScalar)}});
}

class Mutants : public testing::TestWithParam<Sample (*)()> {
 protected:
  const Sample sample_ = GetParam()();
  const bool yaml_ = sample_.file.ends_with(".yaml");

  /// Empty when it is accepted, and then the job is one that can be run.
  std::string Check(const std::string& text) {
    ++count_;
    auto spec = Load(sample_.file, text);
    if (spec.ok()) {
      EXPECT_TRUE(IsJobName(spec->name)) << text;
      EXPECT_NE(FindStore(SampleStores(), spec->source.store), nullptr) << text;
      EXPECT_NE(FindStore(SampleStores(), spec->target.store), nullptr) << text;
      EXPECT_EQ(spec->IdentityHash(SampleStores()).size(), 32u);
      return "";
    }
    EXPECT_EQ(KindOf(spec.status()), ErrorKind::kInvalidConfig);
    const std::string error = Describe(spec.status());
    EXPECT_TRUE(error.starts_with(sample_.file + ":")) << error;
    EXPECT_GT(error.size(), sample_.file.size() + 8) << error;
    EXPECT_EQ(error.find("s3cret"), error.npos) << error;
    return error;
  }

  std::string Mutate(size_t index, const std::function<void(std::vector<std::string>*, size_t)>& change) {
    Sample copy = sample_;
    change(&copy.lines, copy.keys[index].first);
    return copy.Text();
  }

  std::string Where(size_t index, size_t column) const {
    return fmt::format("{}:{}:{}: ", sample_.file, sample_.keys[index].first + 1, column);
  }

  int count_ = 0;
};

TEST_P(Mutants, TheSampleIsValid) { EXPECT_EQ(Check(sample_.Text()), ""); }

TEST_P(Mutants, RenamedKeys) {
  for (size_t i = 0; i < sample_.keys.size(); ++i) {
    const Key& key = sample_.keys[i].second;
    for (const std::string& name : {key.key + "x", "x" + key.key, key.key.substr(1) + "_", std::string("unheard_of"),
                                    std::string(1, static_cast<char>(std::toupper(key.key[0]))) + key.key.substr(1)}) {
      const std::string error = Check(Mutate(i, [&](auto* lines, size_t at) {
        std::string& line = (*lines)[at];
        line.replace(line.find(key.key), key.key.size(), name);
      }));
      const std::string wanted = Where(i, sample_.ColumnOf(i)) + "unknown key '" + name + "'" +
                                 (key.path.empty() ? "" : " in " + key.path) + "; ";
      EXPECT_NE(("\n" + error).find("\n" + wanted), error.npos) << wanted << "\n" << error;
    }
  }
  EXPECT_EQ(count_, static_cast<int>(sample_.keys.size()) * 5);
}

TEST_P(Mutants, UnknownSections) {
  for (size_t line = 0; line <= sample_.lines.size(); ++line) {
    if (line < sample_.lines.size() && (sample_.lines[line].starts_with(' ') || sample_.lines[line] == "}")) continue;
    Sample copy = sample_;
    copy.lines.insert(copy.lines.begin() + static_cast<std::ptrdiff_t>(line),
                      yaml_ ? "sections: {a: b}" : "sections { a = b }");
    const std::string wanted = fmt::format("{}:{}:1: unknown key 'sections'; ", sample_.file, line + 1);
    EXPECT_NE(Check(copy.Text()).find(wanted), std::string::npos) << wanted << Check(copy.Text());
  }
}

TEST_P(Mutants, NoText) {
  for (size_t line = 0; line < sample_.lines.size(); ++line) {
    for (const char* bytes : {"\xff", "\xc3", "\xed\xa0\x80", "\x01", "\xf8\x88\x80\x80\x80"}) {
      for (size_t at : {size_t{0}, sample_.lines[line].size() / 2, sample_.lines[line].size()}) {
        Sample copy = sample_;
        copy.lines[line].insert(at, bytes);
        EXPECT_EQ(Check(copy.Text()), fmt::format("{}:{}: not text in UTF-8", sample_.file, line + 1));
      }
    }
  }
}

TEST_P(Mutants, TabsInFront) {
  for (size_t i = 0; i < sample_.keys.size(); ++i) {
    const std::string error = Check(Mutate(i, [](auto* lines, size_t at) {
      std::string& line = (*lines)[at];
      line = "\t" + line.substr(line.find_first_not_of(' '));
    }));
    if (!yaml_) {
      EXPECT_EQ(error, "");  // HOCON does not care
    } else {
      EXPECT_TRUE(error.starts_with(Where(i, 1) + "here is a tab")) << error;
    }
  }
}

TEST_P(Mutants, WrongValues) {
  for (size_t i = 0; i < sample_.keys.size(); ++i) {
    const Key& key = sample_.keys[i].second;
    for (const std::string& bad : key.bad) {
      const std::string error = Check(Mutate(i, [&](auto* lines, size_t at) {
        std::string& line = (*lines)[at];
        line.replace(line.find(key.key), line.npos, key.key + sample_.separator + bad);
      }));
      // At the value, or inside of it.
      const std::string line = fmt::format("{}:{}:", sample_.file, sample_.keys[i].first + 1);
      EXPECT_TRUE(error.starts_with(line)) << key.key << sample_.separator << bad << "\n" << error;
      EXPECT_NE(error.find(key.key), error.npos) << bad << "\n" << error;
      const int column = std::atoi(error.c_str() + line.size());
      const int begin = static_cast<int>(sample_.ColumnOf(i));
      const int value = begin + static_cast<int>(key.key.size() + sample_.separator.size());
      if (yaml_ && bad == "null") {
        EXPECT_EQ(column, begin) << error;
      } else {
        EXPECT_TRUE(column >= value && column < value + static_cast<int>(bad.size())) << bad << "\n" << error;
      }
    }
  }
  EXPECT_GE(count_, static_cast<int>(sample_.keys.size()) * 4);
}

TEST_P(Mutants, DeletedKeys) {
  for (size_t i = 0; i < sample_.keys.size(); ++i) {
    const Key& key = sample_.keys[i].second;
    const std::string error = Check(Mutate(i, [](auto* lines, size_t at) { lines->erase(lines->begin() + at); }));
    if (key.required) {
      EXPECT_NE(error.find(key.path + ": '" + key.key + "' is missing: "), error.npos) << error;
    } else {
      EXPECT_EQ(error, "") << key.key;
    }
  }
}

TEST_P(Mutants, RepeatedKeys) {
  const std::string original = ToText(*Load(sample_.file, sample_.Text()));
  for (size_t i = 0; i < sample_.keys.size(); ++i) {
    const Key& key = sample_.keys[i].second;
    const std::string text = Mutate(i, [](auto* lines, size_t at) {
      const std::string line = (*lines)[at];
      lines->insert(lines->begin() + at, line);
    });
    const std::string error = Check(text);
    if (yaml_) {
      EXPECT_EQ(error, fmt::format("{}:{}:{}: the key '{}' is given twice, first in line {}", sample_.file,
                                   sample_.keys[i].first + 2, sample_.ColumnOf(i), key.key, sample_.keys[i].first + 1));
    } else {
      EXPECT_EQ(error, "");
      EXPECT_EQ(ToText(*Load(sample_.file, text)), original) << key.key;
    }
  }
}

TEST_P(Mutants, BrokenSyntax) {
  const std::string text = sample_.Text();
  int refused = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    refused += Check(text.substr(0, at)).empty() ? 0 : 1;
    for (const char* insert :
         {"{", "}", "[", "]", "\"", "'", ":", "=", ",", "\n", "\t", "#", "&", "*", "!", "${", "\\", "|"}) {
      refused += Check(text.substr(0, at) + insert + text.substr(at)).empty() ? 0 : 1;
    }
  }
  EXPECT_GE(refused, static_cast<int>(text.size()) * 6);
}

TEST_P(Mutants, RandomEdits) {
  const std::string text = sample_.Text();
  std::minstd_rand random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string mutant = text;
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0; --edits) {
      const size_t at = random() % mutant.size();
      const size_t from = random() % mutant.size();
      switch (random() % 4) {
        case 0:
          mutant.erase(at, 1 + random() % 12);
          break;
        case 1:
          mutant.insert(at, text.substr(from % text.size(), 1 + random() % 12));
          break;
        case 2:
          mutant[at] = static_cast<char>(random() % 128);
          break;
        default:
          std::swap(mutant[at], mutant[from]);
      }
      if (mutant.empty()) mutant = "x";
    }
    // Pieces of a quoted secret may become keys of their own here, which no check can know for secrets.
    auto spec = Load(sample_.file, mutant);
    if (!spec.ok()) {
      EXPECT_EQ(KindOf(spec.status()), ErrorKind::kInvalidConfig);
      EXPECT_TRUE(Describe(spec.status()).starts_with(sample_.file + ":"));
    }
  }
}

std::string SampleName(const testing::TestParamInfo<Sample (*)()>& sample) {
  static const char* const kNames[] = {"Native", "SeaTunnel", "Milvus2Csv"};
  return kNames[sample.index];
}

INSTANTIATE_TEST_SUITE_P(Dialects, Mutants, testing::Values(NativeSample, SeaTunnelSample, Milvus2CsvSample),
                         SampleName);

}  // namespace
}  // namespace godwit
