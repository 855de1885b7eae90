#include "formats/postgres_ddl.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

CollectionSchema SchemaOf(const std::string& name, std::vector<Field> fields) {
  return {.ref = {"", name}, .fields = std::move(fields)};
}

Field Key(const std::string& name) { return {.name = name, .type = Type::Of(TypeKind::kInt64), .primary_key = true}; }

std::string TypeOf(const Type& type, std::optional<int64_t> max_length = {}) {
  auto sql = CreateTableSql(SchemaOf("t", {{.name = "v", .type = type, .max_length = max_length}}));
  if (!sql.ok()) return sql.status().ToString();
  const std::string begin = "CREATE TABLE t (v ";
  return sql->substr(begin.size(), sql->size() - begin.size() - 3);
}

std::string NameOf(const std::string& field) {
  auto sql = CreateTableSql(SchemaOf("t", {Key(field)}));
  return sql.ok() ? *sql : Describe(sql.status());
}

TEST(CreateTableSqlTest, OneStatement) {
  auto sql = CreateTableSql(
      SchemaOf("medium_articles", {Key("id"),
                                   {.name = "title", .type = Type::Of(TypeKind::kString), .max_length = 512},
                                   {.name = "vector", .type = Type::Vector(TypeKind::kFloatVector, 768)},
                                   {.name = "$meta", .type = Type::Of(TypeKind::kJson), .dynamic = true}}));
  ASSERT_TRUE(sql.ok()) << sql.status();
  EXPECT_EQ(
      *sql,
      "CREATE TABLE medium_articles (id bigint PRIMARY KEY, title varchar(512), vector real[], \"$meta\" json);\n");
}

TEST(CreateTableSqlTest, Types) {
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kBool)), "bool");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kInt8)), "smallint");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kInt16)), "smallint");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kInt32)), "integer");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kInt64)), "bigint");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kFloat)), "real");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kDouble)), "double precision");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kString)), "text");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kString), 65535), "varchar(65535)");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kString), 20'000'000), "text") << "beyond what varchar can say";
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kJson)), "json");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kBytes)), "bytea");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kDate)), "date");
  EXPECT_EQ(TypeOf({.kind = TypeKind::kTimestamp, .utc = true}), "timestamptz");
  EXPECT_EQ(TypeOf({.kind = TypeKind::kTimestamp}), "timestamp");
  EXPECT_EQ(TypeOf({.kind = TypeKind::kDecimal, .precision = 12, .scale = 3}), "numeric(12, 3)");
  EXPECT_EQ(TypeOf(Type::Array(TypeKind::kInt8)), "smallint[]");
  EXPECT_EQ(TypeOf(Type::Array(TypeKind::kString), 30), "varchar(30)[]");
  EXPECT_EQ(TypeOf(Type::Vector(TypeKind::kFloatVector, 8)), "real[]");
  EXPECT_EQ(TypeOf(Type::Vector(TypeKind::kFloat16Vector, 8)), "real[]");
  EXPECT_EQ(TypeOf(Type::Vector(TypeKind::kBFloat16Vector, 8)), "real[]");
  EXPECT_EQ(TypeOf(Type::Vector(TypeKind::kInt8Vector, 8)), "smallint[]");
  EXPECT_EQ(TypeOf(Type::Vector(TypeKind::kBinaryVector, 8)), "bit[]");
  EXPECT_EQ(TypeOf(Type::Of(TypeKind::kSparseVector)), "json");
}

TEST(CreateTableSqlTest, NamesThatWouldMeanSomethingElse) {
  EXPECT_EQ(NameOf("order"), "CREATE TABLE t (\"order\" bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("with"), "CREATE TABLE t (\"with\" bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("camelCase"), "CREATE TABLE t (\"camelCase\" bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("größe"), "CREATE TABLE t (\"größe\" bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("1st"), "CREATE TABLE t (\"1st\" bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("_id2"), "CREATE TABLE t (_id2 bigint PRIMARY KEY);\n");
  EXPECT_EQ(NameOf("a\" int); DROP TABLE x; --"),
            "CREATE TABLE t (\"a\"\" int); DROP TABLE x; --\" bigint PRIMARY KEY);\n");
}

TEST(CreateTableSqlTest, ATableThatNeedsQuotes) {
  const CollectionSchema users = SchemaOf("Users", {Key("id")});
  EXPECT_EQ(*CreateTableSql(users), "CREATE TABLE \"Users\" (id bigint PRIMARY KEY);\n");
  EXPECT_EQ(
      CreateTableNotes(users),
      std::vector<std::string>{"the name of the table needs its quotes in PostgreSQL: COPY \"Users\" FROM STDIN ..."});
  EXPECT_TRUE(CreateTableNotes(SchemaOf("users", {Key("id")})).empty());
  EXPECT_EQ(*CreateTableSql(SchemaOf("a\"; DROP TABLE x; --", {Key("id")})),
            "CREATE TABLE \"a\"\"; DROP TABLE x; --\" (id bigint PRIMARY KEY);\n");
}

TEST(CreateTableSqlTest, KeysOfPartitions) {
  CollectionSchema schema = SchemaOf("t", {Key("id")});
  schema.partitions = {"red"};
  ASSERT_EQ(CreateTableNotes(schema).size(), 1u);
  EXPECT_NE(CreateTableNotes(schema)[0].find("PRIMARY KEY"), std::string::npos);
  EXPECT_EQ(*CreateTableSql(schema), "CREATE TABLE t (id bigint PRIMARY KEY);\n")
      << "a load that fails is better than doubled rows";
}

TEST(CreateTableSqlTest, WhatPostgresCanNotHold) {
  EXPECT_NE(NameOf("ctid").find("system column"), std::string::npos);
  EXPECT_NE(NameOf(std::string(64, 'a')).find("64 bytes"), std::string::npos);
  EXPECT_NE(NameOf(std::string("a\0b", 3)).find("NUL"), std::string::npos);
  EXPECT_NE(NameOf("").find("no name"), std::string::npos);
  EXPECT_NE(NameOf(std::string(63, 'a')).find("PRIMARY KEY"), std::string::npos);
  EXPECT_EQ(Describe(CreateTableSql(SchemaOf("t", {Key("a"), {.name = "a"}})).status()),
            "field 'a' is there twice; rename one of them");
  EXPECT_TRUE(CreateTableSql(SchemaOf("t", {Key("a"), {.name = "A"}})).ok()) << "quoted names keep their case";
  EXPECT_FALSE(CreateTableSql(SchemaOf("t", std::vector<Field>(1601, Key("k")))).ok());
}

}  // namespace
}  // namespace godwit
