// Damaged job files and journaled JSON: refused with a place, or taken as what they say.
#include <gtest/gtest.h>

#include "config/dialects.h"
#include "config/load.h"
#include "config/selection_file.h"
#include "fuzz/fuzz.h"
#include "fuzz/sample.h"
#include "godwit/mapping.h"

namespace godwit::fuzz {
namespace {

constexpr const char* kNative = R"(name: nightly
source:
  store: milvus
  url: http://127.0.0.1:19530
  token: ${TOKEN}
target: {store: files, path: out, format: csv, delimiter: "|"}
stages: [schema, full, verify]
collections:
- sales.orders
- source: "log_*"
  target: "old_log_*"
  filter: "year >= 2024"
  fields: {exclude: [debug_*], rename: {txt: text}}
  partitions: {p1: first}
  meta: {spread: {color: string, size: {type: int64, default: 0}}}
  constants: {tenant: {value: acme, max_length: 20}}
  indexes: [{field: vector, type: HNSW, metric: L2, params: {M: 16, efConstruction: 200}}]
exclude: ["tmp_*"]
tuning:
  parallelism: 4
  memory: 256MiB
)";

constexpr const char* kSeaTunnel = R"(env { parallelism = 1, job.mode = "BATCH" }
source {
  Milvus {
    url = "http://127.0.0.1:19530"
    token = ${?TOKEN}
    database = "default"
    collections = ["a", 'b'] # two
    batch_size : 1000
  }
}
sink {
  Milvus { url="http://127.0.0.1:19531", token="x:y" database = """d"""
    collection_rename { a = c }
    data_save_mode = "APPEND_DATA" }
}
)";

constexpr const char* kMilvus2csv = R"(milvus:
  host: 'localhost'
  port: 19530
  user: ''
  password: ''
  db_name: 'default'
  token: ''
export:
  collections:
    - 'test'
    - 'medium_articles_with_json'
  max_line_in_file: 40000
  output_path: './output'
)";

void FuzzJob(const std::string& file, const char* sample) {
  const LoadOptions options{
      .environment =
          [](const std::string& name) { return name == "TOKEN" ? std::optional<std::string>("s3cret") : std::nullopt; },
      .dialect = file};
  Fuzz({sample}, [&](const std::string& input, Random&) {
    auto spec = LoadJobText(input, file, AllStores(), options);
    if (spec.ok()) {
      EXPECT_TRUE(IsJobName(spec->name));
      EXPECT_FALSE(spec->IdentityHash(AllStores()).empty());
      return;
    }
    const std::string error = Describe(spec.status());
    EXPECT_EQ(KindOf(spec.status()), ErrorKind::kInvalidConfig) << error;
    EXPECT_TRUE(error.starts_with(file + ":")) << error;
    EXPECT_EQ(error.find("s3cret"), error.npos) << error;
  });
}

TEST(Fuzz, GodwitYaml) { FuzzJob("godwit.yaml", kNative); }
TEST(Fuzz, MigrationConf) { FuzzJob("migration.conf", kSeaTunnel); }
TEST(Fuzz, Milvus2csvYaml) { FuzzJob("milvus2csv.yaml", kMilvus2csv); }

TEST(Fuzz, Selection) {
  Fuzz({"source,target\nd.a,b\n# left out\n\n\"x,y\",\n", "a\nd.b\r\n"}, [](const std::string& input, Random&) {
    Problems problems("selection.csv");
    for (const SelectedName& name : ParseSelection(input, &problems)) EXPECT_FALSE(name.source.empty());
  });
}

TEST(Fuzz, MappingJson) {
  const Mapping mapping{
      .filter = "id > 3",
      .include_fields = {"a*", "b"},
      .exclude_fields = {"ab"},
      .fields = {{"a", "z"}},
      .partitions = {{"", "p"}},
      .spread = {{.name = "k", .type = Type::Of(TypeKind::kInt64), .value_json = "7"}},
      .constants = {{.name = "c", .type = Type::Of(TypeKind::kString), .max_length = 9, .value_json = "\"v\""}}};
  Fuzz({ToJson(mapping)}, [](const std::string& input, Random&) {
    auto read = MappingFromJson(input);
    if (!read.ok()) return;
    EXPECT_EQ(MappingFromJson(ToJson(*read)).ValueOrDie(), *read);
  });
}

TEST(Fuzz, SchemaJson) {
  Fuzz({ToJson(SampleRows().schema)}, [](const std::string& input, Random&) {
    auto read = SchemaFromJson(input);
    if (!read.ok()) return;
    EXPECT_EQ(SchemaFromJson(ToJson(*read)).ValueOrDie(), *read);
  });
}

}  // namespace
}  // namespace godwit::fuzz
