// Rows to damage, and stores to read what is damaged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "godwit/store.h"

namespace godwit::fuzz {

struct Rows {
  CollectionSchema schema;
  std::shared_ptr<arrow::RecordBatch> batch;
};

/// Rows of every type, nulls and hostile values among them.
Rows SampleRows();

struct OptionText {
  std::string name;
  std::string text;
};
/// A room of this build as a source.
arrow::Result<std::unique_ptr<Store>> OpenSource(const std::string& room, const std::vector<OptionText>& options);

/// Reads every row of every collection, each checked. The error is the first that a reader told.
arrow::Status ReadAll(Store* store);

}  // namespace godwit::fuzz
