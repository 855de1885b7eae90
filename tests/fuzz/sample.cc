#include "fuzz/sample.h"

#include <arrow/record_batch.h>
#include <gtest/gtest.h>

namespace godwit::fuzz {

arrow::Result<std::unique_ptr<Store>> OpenSource(const std::string& room, const std::vector<OptionText>& options) {
  const StoreFactory* factory = FindStore(AllStores(), room);
  OptionValues values;
  for (const OptionText& given : options) {
    for (const Option& option : factory->options) {
      if (option.name != given.name) continue;
      ARROW_ASSIGN_OR_RAISE(auto value, ParseOption(option, given.text));
      values.Set(given.name, std::move(value));
    }
  }
  ARROW_RETURN_NOT_OK(FillDefaults(factory->options, OptionScope::kSource, &values));
  return factory->open(values, {});
}

Rows SampleRows() {
  auto store =
      OpenSource("synthetic", {{"rows", "12"}, {"dim", "4"}, {"fields", "all"}, {"nulls", "true"}, {"hostile", "true"}})
          .ValueOrDie();
  Rows rows;
  rows.schema = store->catalog()->Describe({"", "synthetic"}).ValueOrDie();
  const Snapshot snapshot = store->source()->OpenSnapshot(rows.schema.ref).ValueOrDie();
  const auto splits = store->source()->PlanSplits(rows.schema, snapshot, {}).ValueOrDie();
  auto reader = store->source()->Open(rows.schema, splits.front(), snapshot, "").ValueOrDie();
  rows.batch = reader->Next(1 << 20).ValueOrDie()->rows;
  return rows;
}

arrow::Status ReadAll(Store* store) {
  ARROW_ASSIGN_OR_RAISE(const std::vector<std::string> names, store->catalog()->List(""));
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(const CollectionSchema schema, store->catalog()->Describe({"", name}));
    ARROW_ASSIGN_OR_RAISE(const Snapshot snapshot, store->source()->OpenSnapshot(schema.ref));
    ARROW_ASSIGN_OR_RAISE(const auto splits, store->source()->PlanSplits(schema, snapshot, {}));
    for (const Split& split : splits) {
      ARROW_ASSIGN_OR_RAISE(auto reader, store->source()->Open(schema, split, snapshot, ""));
      while (true) {
        ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next(1 << 20));
        if (!batch) break;
        EXPECT_GT(batch->rows->num_rows(), 0);
        const arrow::Status valid = batch->rows->ValidateFull();
        EXPECT_TRUE(valid.ok()) << valid;
      }
    }
  }
  return arrow::Status::OK();
}

}  // namespace godwit::fuzz
