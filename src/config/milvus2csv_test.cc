#include <gtest/gtest.h>

#include "config/load.h"
#include "godwit/store.h"

namespace godwit {
namespace {

constexpr const char* kPrinted = R"(milvus:
  host: '<localhost>'           # The host address of the Milvus service.
  port: 19530                   # The service port of Milvus.
  user: '<user_name>'           # The username.
  password: '<password>'        # The password.
  db_name: '<database_name>'    # The database name.
  token: '<token_id>'           # The access token.

export:
  collections:
    - 'test'
    - 'medium_articles_with_json'
    # - 'hello_milvus'
  max_line_in_file: 40000       # The number of rows per output file.
  output_path: './output'       # The destination folder for export.
)";

arrow::Result<JobSpec> Load(const std::string& text) { return LoadJobText(text, "milvus2csv.yaml", AllStores(), {}); }

std::string ErrorOf(const std::string& text) {
  auto spec = Load(text);
  return spec.ok() ? "none" : Describe(spec.status());
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Milvus2CsvTest, AsPrinted) {
  auto spec = Load(kPrinted);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->dialect, "milvus2csv.yaml");
  EXPECT_EQ(spec->source.store, "milvus");
  EXPECT_EQ(spec->source.options.GetString("url"), "http://<localhost>:19530");
  EXPECT_EQ(spec->source_database, "<database_name>");
  EXPECT_EQ(spec->source.options.GetSecret("token").Reveal(), "<token_id>")
      << "a token counts before user and password";
  EXPECT_FALSE(spec->source.options.Has("user"));
  EXPECT_FALSE(spec->source.options.Has("password"));
  ASSERT_EQ(spec->collections.size(), 2u);
  EXPECT_EQ(spec->collections[1].source.name, "medium_articles_with_json");
  EXPECT_EQ(spec->collections[1].where, "milvus2csv.yaml:12:7");

  const OptionValues& files = spec->target.options;
  EXPECT_EQ(spec->target.store, "files");
  EXPECT_TRUE(files.GetString("path").ends_with("/output")) << files.GetString("path");
  EXPECT_EQ(files.GetString("staging"), files.GetString("path") + ".godwit-stage");
  EXPECT_EQ(files.GetString("format"), "postgres");
  EXPECT_EQ(files.GetString("delimiter"), "|");
  EXPECT_EQ(files.GetInt("rows_per_file"), 40000);
  EXPECT_TRUE(files.GetBool("header"));
  EXPECT_TRUE(files.GetBool("create_table"));
  EXPECT_EQ(spec->target_database, "");
  EXPECT_TRUE(spec->verify);
}

TEST(Milvus2CsvTest, EmptyStringsAreAbsent) {
  auto spec = Load(
      "milvus: {host: h, port: '', user: root, password: Milvus, db_name: '', token: ''}\n"
      "export: {collections: [a], max_line_in_file: 7, output_path: out}\n");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->source.options.GetString("url"), "http://h:19530");
  EXPECT_EQ(spec->source_database, "default");
  EXPECT_EQ(spec->source.options.GetString("user"), "root");
  EXPECT_EQ(spec->source.options.GetSecret("password").Reveal(), "Milvus");
  EXPECT_FALSE(spec->source.options.Has("token"));
}

TEST(Milvus2CsvTest, AllCollectionsOfTheDatabase) {
  for (const char* collections : {"collections: [], ", ""}) {
    auto spec = Load(std::string("milvus: {host: '::1'}\nexport: {") + collections + "output_path: out}\n");
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_TRUE(spec->collections.empty());
    EXPECT_EQ(spec->source.options.GetString("url"), "http://[::1]:19530");
  }
}

TEST(Milvus2CsvTest, ByContentsUnderAnyName) {
  for (const char* name : {"milvus2csv.yaml", "export.yml", "job.yaml", "export.json"}) {
    auto spec = LoadJobText(kPrinted, name, AllStores(), {});
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_EQ(spec->dialect, "milvus2csv.yaml") << name;
  }
}

TEST(Milvus2CsvTest, MistakesAreNamed) {
  EXPECT_EQ(ErrorOf(Replaced(kPrinted, "max_line_in_file", "max_lines_in_file")).find("milvus2csv.yaml:14:3"), 0u);
  EXPECT_NE(
      ErrorOf(Replaced(kPrinted, "max_line_in_file", "max_lines_in_file")).find("did you mean 'max_line_in_file'"),
      std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "40000", "0")).find("max_line_in_file"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "port: 19530", "port: 65536")).find("65535"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "db_name", "database")).find("unknown key 'database'"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "export:", "exports:")).find("did you mean 'export'"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "  output_path: './output'", "  #")).find("output_path"), std::string::npos);
  EXPECT_NE(ErrorOf(Replaced(kPrinted, "- 'medium_articles_with_json'", "- 'test'")).find("named twice"),
            std::string::npos);
  EXPECT_NE(ErrorOf("milvus: {host: h}\n").find("section 'export' is missing"), std::string::npos);
  // Both sections are misspelled: the name tells which file it was meant to be.
  EXPECT_NE(ErrorOf(Replaced(Replaced(kPrinted, "milvus:", "milvuss:"), "export:", "exports:"))
                .find("unknown key 'milvuss'; did you mean 'milvus'?"),
            std::string::npos);
  EXPECT_NE(ErrorOf("milvus: {host: h}\nexport: {collections:, output_path: o}\n")
                .find("milvus2csv.yaml:2:10: export.collections has no value"),
            std::string::npos);
}

TEST(Milvus2CsvTest, AHostIsNoUrl) {
  for (const char* host : {"http://h", "h:19530", "root@h", "h/db", "[::1]", "a b", "1:2"}) {
    const std::string error = ErrorOf(Replaced(kPrinted, "<localhost>", host));
    EXPECT_EQ(error.find("milvus2csv.yaml:2:9: milvus.host: "), 0u) << error;
  }
}

TEST(Milvus2CsvTest, TablesThatImportersTakeForOne) {
  EXPECT_EQ(ErrorOf(Replaced(kPrinted, "medium_articles_with_json", "Test")),
            "milvus2csv.yaml:12:7: export.collections: 'test' and 'Test' are one name to PostgreSQL where it stands "
            "without quotes; export them into two folders, by two files");
}

}  // namespace
}  // namespace godwit
