#include <gtest/gtest.h>

#include "config/sample_stores.h"

namespace godwit {
namespace {

// As it is printed in Alibaba Cloud's document on the migration of Milvus collections, its placeholders filled in.
constexpr std::string_view kPrinted = R"(env {
parallelism = 1 # Concurrency level. We recommend setting this to 1 initially.
job.mode = "BATCH" # Batch processing mode.
}
source {
Milvus {
url = "http://source:19530" # An internal endpoint is supported.
token = "root:Test123456@" # Example: root:Test123456@
database = "default" # The database to migrate from. Defaults to `default`.
collections = ["col_a", "col_b"] # A list of collections to migrate.
batch_size = 10000 # Entities to read per batch. Increase this for large collections.
}
}
sink {
Milvus {
url = "http://target:19530"
token = "root:TargetPass123@"
database = "default"
batch_size = 1000
enable_auto_id = false # Set to false to preserve auto-generated IDs from the source. Otherwise, set to true.
}
}
)";

// The "full configuration example" of the same page, where its line breaks are lost.
constexpr std::string_view kOnOneLine =
    R"(env { parallelism = 1 job.mode = "BATCH" } source { Milvus { url = "http://source:19530" token = "root:Test123456@" database = "default" collections = ["col_a", "col_b"] batch_size = 10000 } } sink { Milvus { url = "http://target:19530" token = "root:TargetPass123@" database = "default" batch_size = 1000 enable_auto_id = false } })";

constexpr std::string_view kJson = R"({
  "env": {"parallelism": "1", "job.mode": "batch"},
  "source": [{"plugin_name": "Milvus", "url": "http://source:19530", "token": "root:Test123456@",
              "database": "default", "collections": ["col_a", "col_b"], "batch_size": "10000"}],
  "transform": [],
  "sink": [{"plugin_name": "Milvus", "url": "http://target:19530", "token": "root:TargetPass123@",
            "database": "default", "batch_size": 1000, "enable_auto_id": "FALSE"}]
})";

std::string Conf(std::string_view source, std::string_view sink, std::string_view env = "") {
  return fmt::format("env {{ {} }}\nsource {{ Milvus {{ url = s\n{}\n}} }}\nsink {{ Milvus {{ url = t\n{}\n}} }}\n",
                     env, source, sink);
}

arrow::Result<JobSpec> LoadConf(std::string_view text) { return Load("migration.conf", text); }
std::string Error(std::string_view text) { return ErrorOf("migration.conf", text); }

bool HasNote(const JobSpec& spec, std::string_view start) {
  return std::any_of(spec.notes.begin(), spec.notes.end(), [&](const std::string& n) { return n.starts_with(start); });
}

TEST(SeaTunnel, AsPrinted) {
  auto spec = LoadConf(kPrinted);
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(spec->dialect, "migration.conf");
  EXPECT_TRUE(spec->name.starts_with("job-migration-")) << spec->name;
  spec->name = "x";
  const std::string common =
      " ca_pem_path= client_key_path= client_pem_path= database=default password= server_name= timeout=30000 ";
  EXPECT_EQ(ToText(*spec),
            "x migration.conf | milvus batch_rows=10000" + common +
                "token=root:Test123456@ url=http://source:19530 user= write_mode=auto | milvus "
                "batch_rows=1000" +
                common +
                "token=root:TargetPass123@ url=http://target:19530 user= write_mode=auto | default default "
                "| default.col_a> default.col_b> | 0 2 0 0 false false true 0 0 true false | -1 -1 - | 1 "
                "536870912 8388608 268435456 5000 268435456 600000 3");
  EXPECT_EQ(spec->source.where, "migration.conf:6");
  EXPECT_EQ(spec->target.where, "migration.conf:15");
  EXPECT_EQ(spec->collections[1].where, "migration.conf:10:25");
  EXPECT_EQ(
      spec->notes,
      (std::vector<std::string>{
          "rows that are at the target already stay, and equal keys are overwritten (data_save_mode = APPEND_DATA)",
          "after the data, the source's indexes are built, and what is loaded at the source is loaded "
          "(create_index, load_collection)",
          "parallelism = 1: one split at a time; leave it out to use the machine's cores"}));
  for (const auto& [path, text] : {std::pair("migration.conf", kOnOneLine), std::pair("migration.json", kJson)}) {
    auto same = Load(path, text);
    ASSERT_TRUE(same.ok()) << Describe(same.status());
    same->name = "x";
    EXPECT_EQ(ToText(*same), ToText(*spec));
  }
}

TEST(SeaTunnel, EveryKeyThatIsRead) {
  auto spec = LoadConf(Conf(R"(
      token = ${?TOKEN}
      database = db1
      collections = [a]
      collections += b
      batch_size = "20000"
      parallelism = 3
      server_name = sn, ca_pem_path = "/ca.pem", client_pem_path = "/c.pem", client_key_path = "/k.pem"
      plugin_output = "out")",
                            R"(
      database = db2
      schema_save_mode = recreate_schema
      data_save_mode = "DROP_DATA"
      enable_auto_id = TRUE
      enable_upsert = "false"
      enable_dynamic_field = yes
      create_index = false
      load_collection = true
      collection_rename { a = a2 }
      collection_description { "b" = "text of b" }
      shard_num = 4
      consistency_level = BOUNDED
      ca_pem_path = "/ca2.pem"
      plugin_input = ["out"])",
                            "parallelism = 9, job.name = nightly"));
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(ToText(*spec),
            "nightly migration.conf | milvus batch_rows=20000 ca_pem_path=/ca.pem client_key_path=/k.pem "
            "client_pem_path=/c.pem database=db1 password= server_name=sn timeout=30000 token= url=s user= "
            "write_mode=auto | milvus batch_rows=0 ca_pem_path=/ca2.pem client_key_path= client_pem_path= database=db2 "
            "password= server_name= timeout=30000 token= url=t user= write_mode=auto | db1 db2 | db1.a> db1.b> a=>a2 | "
            "1 4 0 1 true false false 1 0 true false | 1 4 Bounded b:text of b | "
            "3 536870912 8388608 268435456 5000 268435456 600000 3");
  EXPECT_TRUE(HasNote(*spec, "the target makes new keys"));
}

TEST(SeaTunnel, Collections) {
  for (const char* all : {"", "collections = []"}) {
    auto spec = LoadConf(Conf(all, "collection_rename { a = b }"));
    ASSERT_TRUE(spec.ok()) << Describe(spec.status());
    EXPECT_TRUE(spec->collections.empty());
    EXPECT_EQ(spec->renames, (std::map<std::string, std::string>{{"a", "b"}}));
  }
  auto one = LoadConf(Conf("collection = a", "collection = z"));
  ASSERT_TRUE(one.ok()) << Describe(one.status());
  ASSERT_EQ(one->collections.size(), 1u);
  EXPECT_EQ(one->collections[0].source.name, "a");
  EXPECT_EQ(one->collections[0].target_name, "z");
  EXPECT_EQ(one->target_database, "default");
  EXPECT_TRUE(HasNote(*one, "sink.Milvus.database is left out: the target's database is 'default'"));
  EXPECT_EQ(Error(Conf("collection = a\ncollections = [b]", "")),
            "migration.conf:4:1: source.Milvus: 'collections' and 'collection' are both given; leave one out");
  EXPECT_EQ(Error(Conf("collections = [a, b]", "collection = z")),
            "migration.conf:6:14: sink.Milvus.collection is one name, but the source has not exactly one collection; "
            "leave it out, or write collection_rename = { source_name = target_name }");
  EXPECT_EQ(Error(Conf("collections = [a, b, a]", "")),
            "migration.conf:3:22: source.Milvus.collections: 'default.a' is named twice");
  EXPECT_EQ(Error(Conf("collections = [a, b]", "collection_rename { a = b }")),
            "migration.conf:6:19: sink.Milvus: 'default.a' and 'default.b' would both be written to 'default.b'; "
            "rename one of them");
  EXPECT_EQ(
      Error(Conf("collections = [abc, b]", "collection_rename { abd = x }\ncollection_description { q = x }")),
      "migration.conf:6:21: sink.Milvus.collection_rename: 'abd' is not among the collections to move; did you mean "
      "'abc'?\nmigration.conf:7:26: sink.Milvus.collection_description: 'q' is not among the collections to move; did "
      "you mean 'b'?");
  // With all collections of the source, only a look at it tells.
  auto all = LoadConf(Conf("", "collection_rename {\n  abd = x\n}\ncollection_description { q = x }"));
  ASSERT_TRUE(all.ok()) << Describe(all.status());
  EXPECT_EQ(all->WhereOf("renames.abd"), "migration.conf:7:3");
  EXPECT_EQ(all->WhereOf("descriptions.q"), "migration.conf:9:26");
}

TEST(SeaTunnel, KeysThatAreAcceptedWithANote) {
  const std::string env =
      "checkpoint.interval = 10000, checkpoint.timeout = 1, min-pause = 1, sink.flush.interval = 1, job.retry.times = "
      "3, "
      "job.retry.interval.seconds = 3, savemode.execute.location = CLUSTER, pipeline_concurrency = 1, jars = x, "
      "spark.executor.memory = 1g, flink.execution.mode = x, custom_parameters { a = b }, tag_filter { c = d }";
  auto spec = LoadConf(Conf("rate_limit = 1000, job_id = x",
                            "rate_limit = 5, batch_interval = 1000, parallelism = 2, multi_table_sink_replica = 1, "
                            "geometry_string_coord_order = lat_lon",
                            env));
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  for (const char* key : {"env.checkpoint.interval",
                          "env.checkpoint.timeout",
                          "env.min-pause",
                          "env.sink.flush.interval",
                          "env.job.retry.times",
                          "env.job.retry.interval.seconds",
                          "env.savemode.execute.location",
                          "env.pipeline_concurrency",
                          "env.jars",
                          "env.spark.executor.memory",
                          "env.flink.execution.mode",
                          "env.custom_parameters.a",
                          "env.tag_filter.c",
                          "source.Milvus.rate_limit",
                          "source.Milvus.job_id",
                          "sink.Milvus.rate_limit",
                          "sink.Milvus.batch_interval",
                          "sink.Milvus.parallelism",
                          "sink.Milvus.multi_table_sink_replica",
                          "sink.Milvus.geometry_string_coord_order"}) {
    EXPECT_TRUE(HasNote(*spec, std::string(key) + " has no effect: ")) << key;
  }
  EXPECT_EQ(spec->tuning.parallelism, 0);
}

TEST(SeaTunnel, LimitsOfReading) {
  auto spec = Load("migration.conf", Conf("", "", "read_limit { rows_per_second = 500, bytes_per_second = 7000000 }"));
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(spec->tuning.rows_per_second, 500);
  EXPECT_EQ(spec->tuning.bytes_per_second, 7'000'000);
  EXPECT_NE(Error(Conf("", "", "read_limit.rows_per_second = 0")), "");
}

TEST(SeaTunnel, KeysThatAreRefused) {
  for (const char* env : {"shade.identifier = base64", "shade.properties = [a]"}) {
    const std::string key(env, std::string_view(env).find(' '));
    EXPECT_TRUE(Error(Conf("", "", env)).starts_with("migration.conf:1:7: env." + key + ": ")) << env;
  }
  for (const char* sink : {"partition_key = x", "partition_num = 2", "field_schema = [{a = b}]", "function_list = [{}]",
                           "functionList = [{}]", "struct_fields = [a]", "bulk_writer_config { a = b }",
                           "timezone = UTC", "geometry_convert_mode = parse", "server_pem_path = x"}) {
    const std::string key(sink, std::string_view(sink).find(' '));
    EXPECT_TRUE(Error(Conf("", sink)).starts_with("migration.conf:6:1: sink.Milvus." + key + ": "))
        << Error(Conf("", sink));
  }
  // What happens anyhow.
  for (const char* sink : {"field_schema = []", "function_list = []", "struct_fields = []", "bulk_writer_config {}",
                           "geometry_convert_mode = passthrough"}) {
    EXPECT_EQ(Error(Conf("", sink)), "") << sink;
  }
  EXPECT_EQ(Error(Conf("", "", "shade.identifier = default")), "");
}

TEST(SeaTunnel, Modes) {
  EXPECT_EQ(
      Error(Conf("", "", "job.mode = STREAMING")),
      "migration.conf:1:18: env.job.mode: STREAMING is not offered; write BATCH: it copies what is there now, and "
      "proves it");
  EXPECT_EQ(Error(Conf("", "", "job.mode = BACH")),
            "migration.conf:1:18: env.job.mode: 'BACH' is not one of: BATCH, STREAMING; did you mean 'BATCH'?");
  EXPECT_EQ(
      Error(Conf("", "schema_save_mode = IGNORE\ndata_save_mode = CUSTOM_PROCESSING\nconsistency_level = x")),
      "migration.conf:6:20: sink.Milvus.schema_save_mode: 'IGNORE' is not one of: CREATE_SCHEMA_WHEN_NOT_EXIST, "
      "RECREATE_SCHEMA, ERROR_WHEN_SCHEMA_NOT_EXIST\n"
      "migration.conf:7:18: sink.Milvus.data_save_mode: 'CUSTOM_PROCESSING' is not one of: APPEND_DATA, DROP_DATA, "
      "ERROR_WHEN_DATA_EXISTS\n"
      "migration.conf:8:21: sink.Milvus.consistency_level: 'x' is not one of: Strong, Session, Bounded, Eventually");
  auto spec = LoadConf(Conf("", "create_index = false\nenable_upsert = false\ndata_save_mode = append_data"));
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->load, LoadPolicy::kNever);
  EXPECT_TRUE(HasNote(*spec,
                      "rows that are at the target already stay, and equal keys are overwritten, also with "
                      "enable_upsert = false"));
}

TEST(SeaTunnel, Blocks) {
  EXPECT_EQ(Error("source { Milvus { url = s } }\nsinks { Milvus { url = t } }\n"),
            "migration.conf:1:1: the block 'sink' is missing: write sink { Milvus { ... } }\n"
            "migration.conf:2:1: unknown key 'sinks'; did you mean 'sink'? allowed: env, source, transform, sink");
  EXPECT_EQ(
      Error("source { Jdbc { url = s } }\nsink { Milvus { url = t } }\n"),
      "migration.conf:1:10: source.Jdbc: this file format is read with the Milvus connector only; a godwit.yaml can "
      "have here: milvus, files, generator");
  EXPECT_EQ(
      Error("source { Milvus { url = s } }\nsink { Console {}, Milvus { url = t } }\n"),
      "migration.conf:2:8: sink.Console: this file format is read with the Milvus connector only; a godwit.yaml can "
      "have here: milvus, files, sink");
  EXPECT_EQ(Error("source { Milvus { url = s }\n Milvus { url = x } }\nsink { Milvus { url = t } }\n"),
            "migration.conf:2:2: source has a second Milvus block; write one job file for each");
  EXPECT_EQ(Error("source {}\nsink { Milvus = 5 }\n"),
            "migration.conf:1:8: source: a Milvus block was expected: Milvus { ... }\n"
            "migration.conf:2:17: sink.Milvus: a map was expected, not a plain value");
  EXPECT_EQ(Error("source = x\nsink = [{url = t}]\n"),
            "migration.conf:1:10: source: a Milvus block was expected: Milvus { ... }\n"
            "migration.conf:2:9: sink: 'plugin_name' is missing; write plugin_name = Milvus");
  EXPECT_EQ(Error(Conf("", "") + "transform { }\nenv = 5\n"),
            "migration.conf:9:7: env: a map was expected, not a plain value");
  EXPECT_EQ(Error(Conf("", "") + "transform {\n FieldMapper { a = b }\n}\n"),
            "migration.conf:9:2: transform.FieldMapper is not offered: rows are copied as they are; collections are "
            "renamed by sink.Milvus.collection_rename");
  EXPECT_EQ(Error("source { Milvus {} }\nsink { Milvus { url = \"\" } }\n"),
            "migration.conf:1:17: source.Milvus: 'url' is missing: Address of the server. For example: "
            "http://127.0.0.1:19530\n"
            "migration.conf:2:23: sink.Milvus.url is empty: Address of the server.");
}

TEST(SeaTunnel, TheGraph) {
  EXPECT_EQ(Error(Conf("result_table_name = a", "source_table_name = a")), "");
  EXPECT_EQ(Error(Conf("plugin_output = a", "")), "");
  EXPECT_EQ(Error(Conf("", "plugin_input = a")),
            "migration.conf:6:16: sink.Milvus: no source has this as its plugin_output; leave both out");
  EXPECT_EQ(Error(Conf("plugin_output = a", "plugin_input = [b]")),
            "migration.conf:6:16: sink.Milvus: the source's output has another name; leave both out");
}

TEST(SeaTunnel, UnknownAndMistypedKeys) {
  EXPECT_EQ(Error(Conf("colections = [a]", "")),
            "migration.conf:3:1: unknown key 'colections' in source.Milvus; did you mean 'collections'? allowed: url, "
            "token, server_name, ca_pem_path, client_pem_path, client_key_path, batch_size, collection, database, "
            "collections, parallelism, plugin_output, result_table_name");
  // Keys are case-sensitive.
  EXPECT_TRUE(Error(Conf("Token = x", ""))
                  .starts_with("migration.conf:3:1: unknown key 'Token' in source.Milvus; did you "
                               "mean 'token'?"));
  EXPECT_TRUE(Error(Conf("", "", "job.mod = BATCH"))
                  .starts_with("migration.conf:1:7: unknown key 'job.mod' in env; did you "
                               "mean 'job.mode'?"));
  EXPECT_EQ(Error(Conf("batch_size = many\nparallelism = 0",
                       "enable_auto_id = maybe\nshard_num = [1]\nload_collection =  null")),
            "migration.conf:3:14: source.Milvus.batch_size: 'many' is not a whole number\n"
            "migration.conf:4:15: source.Milvus.parallelism: '0' is too small; at least 1 is needed\n"
            "migration.conf:7:18: sink.Milvus.enable_auto_id: 'maybe' is not true or false\n"
            "migration.conf:8:13: sink.Milvus.shard_num: a plain value was expected, not a list\n"
            "migration.conf:9:20: sink.Milvus.load_collection has no value; write a plain value, or leave the key out");
  EXPECT_TRUE(
      Error(Conf("", "", "job.name = \"a b\"")).starts_with("migration.conf:1:18: env.job.name is no name for a job"));
}

TEST(SeaTunnel, RepeatedKeysAndReferences) {
  auto spec = LoadConf(Conf("token = a\ntoken = \"b\"", ""));
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(spec->source.options.GetSecret("token").Reveal(), "b");
  EXPECT_TRUE(HasNote(*spec, "source.Milvus.token is given more than once; the last one counts (line 4)"));
  auto fallback = Load("migration.conf", Conf("token = a\ntoken = ${?T}", ""), {{"T", "c"}});
  ASSERT_TRUE(fallback.ok());
  EXPECT_EQ(fallback->source.options.GetSecret("token").Reveal(), "c");
  EXPECT_FALSE(HasNote(*fallback, "source.Milvus.token"));
  auto referenced = LoadConf("password = abc\nother { x = root }\n" + Conf("token = ${other.x}\":\"${password}", ""));
  ASSERT_TRUE(referenced.ok()) << Describe(referenced.status());
  EXPECT_EQ(referenced->source.options.GetSecret("token").Reveal(), "root:abc");
  EXPECT_EQ(Error("password = abc\n" + Conf("", "")),
            "migration.conf:1:1: unknown key 'password'; allowed: env, source, transform, sink");
  EXPECT_EQ(Error(Conf("token = ${NONE}\nbatch_size = x", "")),
            "migration.conf:3:9: ${NONE} is set neither in the file nor in the environment\n"
            "migration.conf:4:14: source.Milvus.batch_size: 'x' is not a whole number");
}

TEST(SeaTunnel, ABuildWithoutTheStore) {
  auto spec = LoadJobText(kPrinted, "migration.conf", {}, WithVariables({}));
  EXPECT_EQ(Describe(spec.status()),
            "migration.conf:6:8: this build has no store 'milvus'\n"
            "migration.conf:15:8: this build has no store 'milvus'");
}

TEST(SeaTunnel, TheReferenceKnowsEveryKey) {
  std::map<std::string, std::string> keys;
  for (const DocumentedKey& key : SeaTunnelKeys()) {
    EXPECT_TRUE(keys.emplace(key.key, key.meaning).second) << key.key;
    EXPECT_TRUE(key.meaning.ends_with('.')) << key.key;
  }
  for (const char* key : {"env.job.mode", "source.Milvus.collections", "sink.Milvus.enable_auto_id",
                          "sink.Milvus.bulk_writer_config", "source.Milvus.rate_limit"}) {
    EXPECT_TRUE(keys.contains(key)) << key;
  }
}

}  // namespace
}  // namespace godwit
