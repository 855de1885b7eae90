// Ready rows for the ceilings: all batches of the synthetic source, in memory.
#pragma once

#include <arrow/result.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "godwit/store.h"

namespace godwit::bench {

template <typename T>
T Get(arrow::Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}

struct Rows {
  CollectionSchema schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
};

/// `rows` and `dim` as they stand on the command line.
inline Rows MakeRows(const char* rows, const char* dim, int64_t batch_bytes) {
  const StoreFactory* factory = FindStore(AllStores(), "synthetic");
  OptionValues values;
  for (const Option& option : factory->options) {
    if (option.name == "rows") values.Set("rows", Get(ParseOption(option, rows)));
    if (option.name == "dim") values.Set("dim", Get(ParseOption(option, dim)));
  }
  if (!FillDefaults(factory->options, OptionScope::kSource, &values).ok()) std::exit(1);
  auto store = Get(factory->open(values, {}));
  Rows made{.schema = Get(store->catalog()->Describe({"", "synthetic"})), .batches = {}};
  const Snapshot snapshot = Get(store->source()->OpenSnapshot(made.schema.ref));
  for (const Split& split : Get(store->source()->PlanSplits(made.schema, snapshot, {}))) {
    auto reader = Get(store->source()->Open(made.schema, split, snapshot, ""));
    while (auto batch = Get(reader->Next(batch_bytes))) made.batches.push_back(batch->rows);
  }
  return made;
}

}  // namespace godwit::bench
