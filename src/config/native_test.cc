#include <gtest/gtest.h>

#include "config/sample_stores.h"

namespace godwit {
namespace {

std::string Error(std::string_view text, std::map<std::string, std::string> variables = {}) {
  return ErrorOf("job.yaml", text, std::move(variables));
}

constexpr std::string_view kSmall =
    "source: {store: generator}\n"
    "target: {store: sink}\n";

std::string With(std::string_view more) { return std::string(kSmall) + std::string(more); }

TEST(Native, DefaultsAreThoseOfJobSpec) {
  auto spec = Load("dir/my job.yaml", kSmall);
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  JobSpec expected;
  expected.name = spec->name;
  expected.dialect = "godwit.yaml";
  expected.source = spec->source;
  expected.target = spec->target;
  EXPECT_EQ(ToText(*spec), ToText(expected));
  EXPECT_EQ(spec->file, "dir/my job.yaml");
  EXPECT_EQ(spec->source.where, "dir/my job.yaml:1");
  EXPECT_EQ(spec->target.where, "dir/my job.yaml:2");
  EXPECT_EQ(ToText(spec->source.options), " fields=a;b; rows=10");
  EXPECT_TRUE(spec->name.starts_with("job-my-job-")) << spec->name;
  EXPECT_EQ(Load("dir/my job.yaml", kSmall)->name, spec->name);
  EXPECT_NE(Load("other/my job.yaml", kSmall)->name, spec->name);
  EXPECT_TRUE(spec->notes.empty());
}

TEST(Native, EveryKey) {
  auto spec = Load("job.yaml", R"(
name: digits_1.2-x
source: {store: milvus, url: "http://127.0.0.1:19530", token: "${TOKEN}", database: db1, timeout: 5s, batch_rows: 7}
target:
  store: files
  path: ./out
  format: parquet
  ratio: 0.5
  database: db2
collections: [digits, {source: a, target: b}, {source: c}]
schema: recreate
if_not_empty: overwrite
duplicates: any
auto_id: new
accept_duplicates: true
on_reject: continue
max_rejects: 7
rejects_file: /r.jsonl
conflicts_file: /c.jsonl
indexes: none
load: always
source_load: never
create: {dynamic_fields: true, shards: 2, consistency_level: Bounded, descriptions: {digits: "some, text"}}
verify: off
fail_fast: on
tuning: {parallelism: 4, memory: 1GiB, batch: 1MiB, split: 64MiB, commit_every: 100ms, commit_bytes: 8MiB, retry_for: 1h, max_rounds: 0}
)",
                   {{"TOKEN", "root:pass"}});
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(
      ToText(*spec),
      "digits_1.2-x godwit.yaml | milvus batch_rows=7 ca_pem_path= client_key_path= client_pem_path= database=db1 "
      "password= server_name= timeout=5000 token=root:pass url=http://127.0.0.1:19530 user= write_mode=auto | "
      "files format=parquet path=./out ratio=0.500000 vectors= | db1 db2 | digits> a>b c> | "
      "1 2 1 1 true true false 1 2 false true | 1 2 Bounded digits:some, text | "
      "4 1073741824 1048576 67108864 100 8388608 3600000 0");
  EXPECT_EQ(spec->collections[1].where, "job.yaml:10:23");
  EXPECT_EQ(spec->WhereOf("rejects_file"), "job.yaml:18:15");
  EXPECT_EQ(spec->WhereOf("descriptions.digits"), "job.yaml:23:86");
}

TEST(Native, Limits) {
  auto tuning = [](const std::string& text) { return Load("j.yaml", With("tuning: {" + text + "}\n"))->tuning; };
  Tuning t = tuning("preset: small, memory: 64MiB");
  EXPECT_EQ(t.parallelism, 1);
  EXPECT_EQ(t.memory_bytes, 64 << 20);
  EXPECT_EQ(t.batch_bytes, 2 << 20);
  EXPECT_EQ(tuning("preset: medium").parallelism, 4);
  t = tuning("parallelism: 3, preset: large");
  EXPECT_EQ(t.parallelism, 3);
  EXPECT_EQ(t.memory_bytes, 2LL << 30);
  EXPECT_EQ(t.batch_bytes, 16 << 20);
  t = tuning(
      "rows_per_second: 500, bytes_per_second: 2MiB, read_parallelism: 2, write_parallelism: 1, limit_verify: true");
  EXPECT_EQ(t.rows_per_second, 500);
  EXPECT_EQ(t.bytes_per_second, 2 << 20);
  EXPECT_EQ(t.read_parallelism, 2);
  EXPECT_EQ(t.write_parallelism, 1);
  EXPECT_TRUE(t.limit_verify);
  EXPECT_EQ(tuning("split: 1MiB").rows_per_second, 0);
}

TEST(Native, WithoutIndexesNothingIsLoadedUnlessTold) {
  EXPECT_EQ(Load("j.yaml", With("indexes: none\n"))->load, LoadPolicy::kNever);
  EXPECT_EQ(Load("j.yaml", With("indexes: none\nload: always\n"))->load, LoadPolicy::kAlways);
  EXPECT_EQ(Load("j.yaml", With("indexes: copy\n"))->load, LoadPolicy::kAuto);
}

TEST(Native, UnknownKeys) {
  EXPECT_EQ(
      Error(With("colections: [a]\n")),
      "job.yaml:3:1: unknown key 'colections'; did you mean 'collections'? allowed: source, target, databases, "
      "collections, collections_file, exclude, indexes, stages, allow_lossy, create, tuning, name, schema, "
      "if_not_empty, duplicates, auto_id, accept_duplicates, on_reject, max_rejects, rejects_file, conflicts_file, "
      "load, source_load, verify, sample, fail_fast");
  EXPECT_EQ(Error(With("tuning: {split: 1MiB, zzz: 3}\n")),
            "job.yaml:3:23: unknown key 'zzz' in tuning; allowed: preset, parallelism, read_parallelism, "
            "write_parallelism, rows_per_second, bytes_per_second, limit_verify, memory, batch, split, commit_every, "
            "commit_bytes, retry_for, max_rounds");
  EXPECT_EQ(Error(With("create: {shard: 1}\n")),
            "job.yaml:3:10: unknown key 'shard' in create; did you mean 'shards'? allowed: dynamic_fields, shards, "
            "consistency_level, descriptions");
  EXPECT_EQ(Error("source: {store: generator, row: 1}\ntarget: {store: sink, rows: 1}\n"),
            "job.yaml:1:28: unknown key 'row' in source; did you mean 'rows'? allowed: store, rows, fields\n"
            "job.yaml:2:23: unknown key 'rows' in target; allowed: store");
  // An option of the other end.
  EXPECT_EQ(Error("source: {store: milvus, url: u, write_mode: auto}\ntarget: {store: sink}\n").substr(0, 54),
            "job.yaml:1:33: unknown key 'write_mode' in source; all");
  EXPECT_EQ(Error("source: {store: generator, database: d}\ntarget: {store: sink}\n"),
            "job.yaml:1:28: unknown key 'database' in source; allowed: store, rows, fields");
  EXPECT_EQ(
      Error(With("collections: [{source: a, to: b}]\n")),
      "job.yaml:3:27: unknown key 'to' in collections; allowed: fields, meta, constants, indexes, source, database, "
      "target, filter, partitions");
}

TEST(Native, WrongTypesAndValues) {
  const std::pair<const char*, const char*> cases[] = {
      {"verify: perhaps", "3:9: verify: 'perhaps' is not one of: full, sample, off"},
      {"verify: sample\nsample: 0%", "4:9: sample: '0%' is not the size of a sample"},
      {"sample: 1%", "3:9: sample: is only of use with `verify: sample`"},
      {"schema: Create", "3:9: schema: 'Create' is not one of: create, recreate, existing; did you mean 'create'?"},
      {"fail_fast: maybe", "3:12: fail_fast: 'maybe' is not true or false"},
      {"fail_fast: [true]", "3:12: fail_fast: a plain value was expected, not a list"},
      {"fail_fast:", "3:1: fail_fast has no value; write a plain value, or leave the key out"},
      {"load: {a: b}", "3:7: load: a plain value was expected, not a map"},
      {"tuning: 5", "3:9: tuning: a map was expected, not a plain value"},
      {"tuning: []", "3:9: tuning: a map was expected, not a list"},
      {"tuning:", "3:1: tuning has no value; write a map, or leave the key out"},
      {"tuning: {memory: lots}", "3:18: tuning.memory: 'lots' is not a size"},
      {"tuning: {memory: 1MiB}", "3:18: tuning.memory: '1MiB' is too small; at least 16777216 is needed"},
      {"tuning: {split: 2GiB}", "3:17: tuning.split: '2GiB' is too large; at most 1073741824 is allowed"},
      {"tuning: {parallelism: -1}", "3:23: tuning.parallelism: '-1' is too small"},
      {"tuning: {parallelism: 1.5}", "3:23: tuning.parallelism: '1.5' is not a whole number"},
      {"tuning: {retry_for: 10}", "3:21: tuning.retry_for: '10' is not a duration"},
      {"tuning: {memory: 16MiB, batch: 16MiB}", "3:9: tuning: 'batch' is more than half of 'memory'"},
      {"create: {shards: 0}", "3:18: create.shards: '0' is too small"},
      {"create: {descriptions: text}", "3:24: create.descriptions: a map was expected, not a plain value"},
      {"create: {descriptions: {a: [x]}}", "3:28: create.descriptions.a: a plain value was expected, not a list"},
      {"collections: a", "3:14: collections: a list was expected, not a plain value"},
      {"collections: [a, [b]]", "3:18: collections: a plain value was expected, not a list"},
      {"collections: [a, {target: b}]", "3:18: collections: 'source' is missing: The source's name, or"},
      {"collections: [{source: ''}]", "3:24: collections.source is empty: The source's name, or"},
      {"collections: [a, '']", "3:18: collections: a name is empty"},
      {"collections: [a, b, a]", "3:21: collections: 'a' is named twice"},
      {"collections: [a, {source: b, target: a}]", "3:18: collections: 'a' and 'b' would both be written to 'a'"},
      {"collections: [abc]\ncreate: {descriptions: {abd: x}}",
       "4:25: create.descriptions: 'abd' is not among the collections to move; did you mean 'abc'?"},
      {"name: a/b", "3:7: name: 'a/b' is no name for a job"},
      {"name: .hidden", "3:7: name: '.hidden' is no name for a job"},
      {"name: ''", "3:7: name: '' is no name for a job"},
      {"name: x\nname: y", "4:1: the key 'name' is given twice, first in line 3"},
  };
  for (const auto& [line, expected] : cases) {
    const std::string error = Error(With(line));
    const std::string wanted = std::string("job.yaml:") + expected;
    EXPECT_EQ(error.substr(0, wanted.size()), wanted) << line;
  }
}

TEST(Native, Stores) {
  EXPECT_EQ(
      Error("target: {store: sink}\n"),
      "job.yaml:1:1: 'source' is missing: The store to read: `store: NAME` and the options of that store; relative "
      "paths are relative to the current directory. For example: {store: milvus, url: \"http://127.0.0.1:19530\", "
      "token: \"${MILVUS_TOKEN}\"}");
  EXPECT_EQ(Error("source: {store: sink}\ntarget: {store: generatr}\n"),
            "job.yaml:1:17: source.store: 'sink' is not one of: milvus, files, generator\n"
            "job.yaml:2:17: target.store: 'generatr' is not one of: milvus, files, sink");
  EXPECT_EQ(Error("source: {store: milvsu, url: x}\ntarget: {path: ./out}\n"),
            "job.yaml:1:17: source.store: 'milvsu' is not one of: milvus, files, generator; did you mean 'milvus'?\n"
            "job.yaml:2:9: target: 'store' is missing; allowed: milvus, files, sink");
  EXPECT_EQ(Error("source: {store: milvus}\ntarget: {store: files, path: ''}\n"),
            "job.yaml:1:9: source: 'url' is missing: Address. For example: http://127.0.0.1:19530\n"
            "job.yaml:2:30: target.path is empty: Folder.");
  EXPECT_EQ(Error("source: [milvus]\ntarget: {store: [sink]}\n"),
            "job.yaml:1:9: source: a map was expected, not a list\n"
            "job.yaml:2:17: target.store: a plain value was expected, not a list");
  EXPECT_EQ(Error("source: {store: milvus, url: u, token: a, user: b, password: c}\ntarget: {store: sink}\n"),
            "job.yaml:1:33: source: 'token' and 'user' are both given; leave one out\n"
            "job.yaml:1:33: source: 'token' and 'password' are both given; leave one out");
  EXPECT_EQ(Error("source: {store: milvus, url: u, token: '', user: b, password: c}\ntarget: {store: sink}\n"), "");
  EXPECT_EQ(Error("source: {store: files, path: p, database: [x]}\ntarget: {store: sink}\n"),
            "job.yaml:1:43: source.database: a plain value was expected, not a list");
  EXPECT_EQ(Error("- a\n- b\n"), "job.yaml:1:1: the file: a map was expected, not a list");
}

TEST(Native, EveryProblemIsTold) {
  EXPECT_EQ(
      Error("source: {store: generator, rows: ${ROWS}, colums: 1}\n"
            "target: {store: nowhere}\n"
            "schema: new\n"
            "tuning: {batch: x, split: y}\n"
            "collections: [a, a]\n"
            "name: '?'\n"),
      "job.yaml:1:34: the environment variable 'ROWS' is not set\n"
      "job.yaml:1:43: unknown key 'colums' in source; allowed: store, rows, fields\n"
      "job.yaml:2:17: target.store: 'nowhere' is not one of: milvus, files, sink\n"
      "job.yaml:3:9: schema: 'new' is not one of: create, recreate, existing\n"
      "job.yaml:4:17: tuning.batch: 'x' is not a size: write a whole number and a unit, for example 512MiB or 64KB\n"
      "job.yaml:4:27: tuning.split: 'y' is not a size: write a whole number and a unit, for example 512MiB or 64KB\n"
      "job.yaml:5:18: collections: 'a' is named twice\n"
      "job.yaml:6:7: name: '?' is no name for a job: at most 100 letters, digits, '_', '.' and '-', the first one "
      "a letter, a digit or '_'");
}

TEST(Native, AMessageNeverHoldsAVariable) {
  const std::map<std::string, std::string> variables = {{"S", "hunter2"}};
  EXPECT_EQ(Error(With("tuning: {parallelism: \"${S}\"}"), variables),
            "job.yaml:3:23: tuning.parallelism: '${S}' is not a whole number");
  EXPECT_EQ(Error(With("verify: \"a${S}b\""), variables),
            "job.yaml:3:9: verify: 'a${S}b' is not one of: full, sample, off");
  EXPECT_EQ(Error(With("name: \"${S}/\""), variables).substr(0, 54),
            "job.yaml:3:7: name: '${S}/' is no name for a job: at m");
  for (const char* text :
       {"source: {store: \"${S}\"}\ntarget: {store: sink}", "source: {store: milvus, token: [\"${S}\"]}",
        "source: {store: milvus, token: {a: \"${S}\"}}"}) {
    const std::string error = Error(text, variables);
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(error.find("hunter2"), error.npos) << error;
  }
}

TEST(Native, TheReferenceKnowsEveryKey) {
  std::string names;
  for (const DocumentedSection& section : NativeSections()) {
    names += "[" + section.name + "]";
    for (const Option& option : section.options) {
      names += " " + option.name;
      EXPECT_TRUE(option.help.ends_with('.')) << option.name;
      // A default has to be what its own option takes.
      EXPECT_TRUE(option.default_text.empty() || ParseOption(option, option.default_text).ok()) << option.name;
    }
  }
  EXPECT_EQ(
      names,
      "[] source target databases collections collections_file exclude indexes stages allow_lossy create tuning "
      "name schema if_not_empty duplicates auto_id accept_duplicates "
      "on_reject max_rejects rejects_file conflicts_file load source_load verify sample fail_fast"
      "[collections] source database target filter partitions fields meta constants indexes"
      "[collections.fields] include exclude rename[collections.meta] rest mismatch spread"
      "[collections.meta.spread.NAME] type default max_length[collections.constants.NAME] type value max_length"
      "[collections.indexes] field name type metric params"
      "[create] dynamic_fields shards consistency_level descriptions"
      "[tuning] preset parallelism read_parallelism write_parallelism rows_per_second bytes_per_second limit_verify "
      "memory batch split commit_every commit_bytes retry_for max_rounds");
}

TEST(Native, RulesOfCollections) {
  auto spec = Load("job.yaml", R"(
source: {store: milvus, url: "http://h:1"}
target: {store: files, path: ./out}
databases: {sales: shop, "t_*": "u_*"}
collections:
- plain
- db.named
- source: "a.log_*"
  target: "b.old_*"
  filter: "x > 1"
  partitions: {p: q, "": rest}
  fields: {include: [x, y], exclude: z, rename: {x: w}}
  meta: {spread: {color: string, size: {type: int64, default: 3}}, mismatch: leave}
  constants: {who: {value: me, max_length: 4}, n: {type: int32, value: -1}}
  indexes: [{field: v, type: HNSW, metric: L2, params: {M: 8}}]
- {source: x.y, database: "", meta: drop}
exclude: [tmp_*, a.b]
indexes: [{field: v, type: FLAT}]
allow_lossy: [plain.x]
stages: [schema, full]
)");
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  ASSERT_EQ(spec->databases.size(), 2);
  EXPECT_EQ(spec->databases[1].target, "u_*");
  ASSERT_EQ(spec->collections.size(), 4);
  EXPECT_EQ(spec->collections[1].source, (CollectionRef{"db", "named"}));
  const CollectionRule& rule = spec->collections[2];
  EXPECT_EQ(rule.source, (CollectionRef{"a", "log_*"}));
  EXPECT_EQ(rule.target_database + "/" + rule.target_name, "b/old_*");
  EXPECT_EQ(ToJson(rule.mapping),
            R"({"constants":[{"max_length":4,"name":"who","type":"string","value":"\"me\""},)"
            R"({"name":"n","type":"int32","value":"-1"}],"exclude":["z"],"fields":{"x":"w"},"filter":"x > 1",)"
            R"("include":["x","y"],"indexes":[{"field":"v","metric":"L2","name":"","params":{"M":"8"},"type":"HNSW"}],)"
            R"("leave_mismatches":true,"partitions":{"":"rest","p":"q"},)"
            R"("spread":[{"name":"color","type":"string"},{"name":"size","type":"int64","value":"3"}]})");
  EXPECT_EQ(spec->collections[3].source, (CollectionRef{"", "x.y"}));
  EXPECT_TRUE(spec->collections[3].mapping.drop_meta);
  ASSERT_EQ(spec->collections[0].mapping.indexes.size(), 1);
  EXPECT_EQ(spec->collections[0].mapping.indexes[0].type, "FLAT");
  EXPECT_EQ(spec->exclude[1], (CollectionRef{"a", "b"}));
  EXPECT_EQ(spec->WhereOf("exclude.a.b"), "job.yaml:17:18");
  EXPECT_EQ(spec->WhereOf("allow_lossy.plain.x"), "job.yaml:19:15");
  EXPECT_EQ(spec->WhereOf("rejects_file"), "job.yaml");
  EXPECT_EQ(spec->source.WhereOf("url"), spec->source.option_where.at("url"));
  EXPECT_EQ(spec->source.WhereOf("absent"), spec->source.where);
  EXPECT_FALSE(spec->verify);
  EXPECT_TRUE(spec->stages.schema && spec->stages.full && spec->stages.indexes);
}

TEST(Native, RulesThatAreWrongAreNamed) {
  EXPECT_NE(Error(With("databases: [a]\n")).find("the source has none"), std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, target: \"*\"}]\n")).find("more stars"), std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, meta: spread}]\n")).find("not keep, drop or"), std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, meta: {spread: {b: vector}}}]\n")).find("spread.b.type"),
            std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, constants: {t: {value: abcdef, max_length: 3}}}]\n"))
                .find("collections.constants.t.value has 6 bytes, more than its max_length 3"),
            std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, constants: {b: {type: int8, value: 300}}}]\n"))
                .find("is not a value of type int8: 300"),
            std::string::npos);
  EXPECT_NE(Error(With("collections: [{source: a, fields: {includes: [b]}}]\n")).find("did you mean 'include'"),
            std::string::npos);
  EXPECT_NE(Error(With("collections_file: /nonexistent/names\n")).find("can't be read"), std::string::npos);
  EXPECT_NE(Error(With("stages: [load]\n")).find("'load' is not one of"), std::string::npos);
  EXPECT_NE(Error(With("stages: [schema, schema]\n")).find("the order is"), std::string::npos);
  EXPECT_NE(Error(With("indexes: some\n")).find("not one of: copy, none, or a list"), std::string::npos);
}

}  // namespace
}  // namespace godwit
