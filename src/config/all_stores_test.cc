// The dialects against the option tables of the stores that this build has.
#include <gtest/gtest.h>

#include "config/sample_stores.h"

namespace godwit {
namespace {

/// What is sure to be a value of the option.
std::string SampleOf(const Option& option) {
  if (!option.default_text.empty()) return option.default_text;
  switch (option.type) {
    case OptionType::kEnum:
      return option.allowed.front();
    case OptionType::kBool:
      return "true";
    case OptionType::kInt:
    case OptionType::kDouble:
      return std::to_string(std::max<int64_t>(1, option.min));
    case OptionType::kBytes:
      return std::to_string(std::max<int64_t>(1, option.min)) + "B";
    case OptionType::kDuration:
      return std::to_string(std::max<int64_t>(1, option.min)) + "ms";
    case OptionType::kMap:
      return "{}";
    case OptionType::kList:
      return "[]";
    case OptionType::kString:
    case OptionType::kPath:
    case OptionType::kSecret:
      break;
  }
  return "text";
}

std::string Section(const StoreFactory& store, OptionScope scope, const Option* extra) {
  std::string section = "{store: " + store.name;
  for (const Option& option : store.options) {
    const bool here = option.scope == OptionScope::kBoth || option.scope == scope;
    if (here && (option.required || &option == extra)) section += ", " + option.name + ": \"" + SampleOf(option) + "\"";
  }
  return section + "}";
}

// Every option of every store can be given in its section of a godwit.yaml, and in no other one.
TEST(AllStores, EveryOptionCanBeGiven) {
  const StoreFactory* other = FindStore(AllStores(), "sqlite");
  ASSERT_NE(other, nullptr);
  for (const StoreFactory& store : AllStores()) {
    for (OptionScope scope : {OptionScope::kSource, OptionScope::kTarget}) {
      const bool source = scope == OptionScope::kSource;
      if (!(source ? store.capabilities.source : store.capabilities.target)) continue;
      for (const Option& option : store.options) {
        if (option.type == OptionType::kList || option.type == OptionType::kMap) continue;  // not as quoted text
        const StoreFactory& from = source ? store : *other;
        const StoreFactory& to = source ? *other : store;
        const std::string text = "source: " + Section(from, OptionScope::kSource, source ? &option : nullptr) +
                                 "\ntarget: " + Section(to, OptionScope::kTarget, source ? nullptr : &option) + "\n";
        auto spec = LoadJobText(text, "job.yaml", AllStores(), WithVariables({}));
        EXPECT_TRUE(spec.ok()) << text << spec.status();
      }
    }
  }
}

TEST(AllStores, ConflictsNameOptions) {
  for (const StoreFactory& store : AllStores()) {
    for (const Option& option : store.options) {
      for (const std::string& name : option.conflicts) {
        EXPECT_TRUE(
            std::any_of(store.options.begin(), store.options.end(), [&](const Option& o) { return o.name == name; }))
            << store.name << "." << option.name << ": " << name;
      }
    }
  }
}

// The values of migration.conf have the types that the store asks for: a getter of another type would abort.
TEST(AllStores, SeaTunnelsOptionsFitTheStore) {
  constexpr std::string_view kConf = R"(
    source { Milvus { url = "http://s:1", token = "a:b", database = d, collections = [c], batch_size = 5
                      server_name = n, ca_pem_path = c, client_pem_path = p, client_key_path = k } }
    sink { Milvus { url = "http://t:1", token = "a:b", database = e, batch_size = 6 } })";
  auto spec = LoadJobText(kConf, "migration.conf", AllStores(), WithVariables({}));
  ASSERT_TRUE(spec.ok()) << Describe(spec.status());
  EXPECT_EQ(spec->source.options.GetString("url"), "http://s:1");
  EXPECT_EQ(spec->source.options.GetSecret("token").Reveal(), "a:b");
  EXPECT_EQ(spec->source.options.GetString("database"), "d");
  EXPECT_EQ(spec->source.options.GetInt("batch_rows"), 5);
  EXPECT_EQ(spec->source.options.GetString("server_name"), "n");
  EXPECT_EQ(spec->source.options.GetString("ca_pem_path"), "c");
  EXPECT_EQ(spec->source.options.GetString("client_pem_path"), "p");
  EXPECT_EQ(spec->source.options.GetString("client_key_path"), "k");
  EXPECT_EQ(spec->target.options.GetString("database"), "e");
  EXPECT_EQ(spec->target.options.GetInt("batch_rows"), 6);
  for (const StoreSpec* store : {&spec->source, &spec->target}) {
    for (const Option& option : FindStore(AllStores(), "milvus")->options) {
      EXPECT_TRUE(store->options.all().contains(option.name)) << option.name;
    }
  }
}

}  // namespace
}  // namespace godwit
