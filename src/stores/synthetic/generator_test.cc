#include "stores/synthetic/generator.h"

#include <set>

#include <arrow/array.h>
#include <arrow/compare.h>
#include <gtest/gtest.h>

#include "stores/synthetic/catalog.h"
#include "stores/synthetic/options.h"

namespace godwit::synthetic {
namespace {

Options AllOptions() {
  Options options;
  options.collection = "synthetic";
  options.rows = 500;
  options.dim = 12;
  options.seed = 7;
  options.fields = FieldNames();
  options.extremes = options.hostile = options.nulls = true;
  return options;
}

std::shared_ptr<arrow::Array> Column(const Options& options, const Field& field, int64_t begin, int64_t end) {
  return GenerateColumn(options, 0, field, begin, end).ValueOrDie();
}

// Bit for bit: NaN is equal to NaN, and 0 is not -0.
bool Same(const arrow::Array& a, const arrow::Array& b) {
  return a.Equals(b, arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false));
}

TEST(SyntheticGenerator, RowsDependOnSeedAndNumberOnly) {
  for (const bool varchar : {false, true}) {
    Options options = AllOptions();
    options.varchar_key = varchar;
    for (const Field& field : MakeSchema(options, 0).fields) {
      const auto whole = Column(options, field, 0, 500);
      ASSERT_TRUE(whole->ValidateFull().ok()) << field.name;
      ASSERT_TRUE(whole->type()->Equals(*field.type.Storage())) << field.name;
      for (int64_t row : {0, 1, 63, 499}) {
        EXPECT_TRUE(Same(*Column(options, field, row, row + 1), *whole->Slice(row, 1))) << field.name << " row " << row;
      }
      Options fewer = options;
      fewer.fields = {field.name};
      if (!field.primary_key) {
        EXPECT_TRUE(Same(*Column(fewer, field, 0, 500), *whole)) << field.name;
      }
    }
  }
}

TEST(SyntheticGenerator, KeysAreUniqueAndTheSameForEverySeed) {
  Options options = AllOptions();
  Options other = options;
  other.seed = 8;
  const std::vector<Field> fields = MakeSchema(options, 0).fields;
  EXPECT_TRUE(Same(*Column(options, fields[0], 0, 500), *Column(other, fields[0], 0, 500)));
  for (size_t i = 1; i < fields.size(); ++i) {
    EXPECT_FALSE(Same(*Column(options, fields[i], 0, 500), *Column(other, fields[i], 0, 500))) << fields[i].name;
  }
  for (const bool varchar : {false, true}) {
    options.varchar_key = varchar;
    std::set<std::string> keys;
    for (int64_t row = 0; row < options.rows; ++row) EXPECT_TRUE(keys.insert(KeyText(options, row)).second) << row;
  }
}

TEST(SyntheticGenerator, PartitionsCoverTheRows) {
  for (const int64_t rows : {0, 1, 3, 10, 1000}) {
    for (const int64_t partitions : {0, 1, 3, 20}) {
      Options options = AllOptions();
      options.rows = rows;
      options.partitions = partitions;
      EXPECT_EQ(PartitionBegin(options, 0), 0);
      EXPECT_EQ(PartitionBegin(options, partitions + 1), rows);
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t partition = PartitionOfRow(options, row);
        EXPECT_LE(PartitionBegin(options, partition), row);
        EXPECT_GT(PartitionBegin(options, partition + 1), row);
      }
    }
  }
}

TEST(SyntheticGenerator, FingerprintsTellRowsApart) {
  std::set<std::string> seen;
  auto add = [&](auto change) {
    Options options = AllOptions();
    change(options);
    EXPECT_TRUE(seen.insert(Fingerprint(options, 0)).second);
  };
  add([](Options&) {});
  add([](Options& o) { o.seed = 9; });
  add([](Options& o) { o.rows = 9; });
  add([](Options& o) { o.dim = 9; });
  add([](Options& o) { o.varchar_key = true; });
  add([](Options& o) { o.fields = {"vector"}; });
  add([](Options& o) { o.nulls = false; });
  add([](Options& o) { o.hostile = false; });
  add([](Options& o) { o.partitions = 2; });
}

TEST(SyntheticOptions, AreChecked) {
  auto parse = [](const std::string& name, const std::string& text) -> arrow::Status {
    OptionValues values;
    const OptionTable table = Table();
    for (const Option& option : table) {
      if (option.name == name) values.Set(name, ParseOption(option, text).ValueOrDie());
    }
    ARROW_RETURN_NOT_OK(FillDefaults(table, OptionScope::kSource, &values));
    return ParseOptions(values).status();
  };
  EXPECT_TRUE(parse("fields", "json,basic").ok());
  EXPECT_TRUE(parse("fields", "all").ok());
  EXPECT_NE(Describe(parse("fields", "arry_int64")).find("array_int64"), std::string::npos);
  EXPECT_EQ(KindOf(parse("duplicates", "1000001")), ErrorKind::kInvalidConfig);
  EXPECT_EQ(KindOf(parse("collection", "")), ErrorKind::kInvalidConfig);
}

}  // namespace
}  // namespace godwit::synthetic
