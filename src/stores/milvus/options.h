// The options of the Milvus room.
#pragma once

#include <cstdint>

#include "godwit/options.h"
#include "stores/milvus/client.h"

namespace godwit::milvus {

OptionTable Options();

struct MilvusOptions {
  ClientOptions client;
  int64_t batch_rows = 0;  // upper bound of a page and of an insert; 0 = by bytes only
  bool always_upsert = false;
};

/// `values` were validated against Options(). kInvalidConfig where options contradict each other.
arrow::Result<MilvusOptions> ReadOptions(const OptionValues& values);

}  // namespace godwit::milvus
