// What the room `synthetic` may be told, and its values checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "godwit/options.h"

namespace godwit::synthetic {

struct Options {
  std::string collection;  // name of the only one, or prefix of the names
  int64_t collections = 1;
  int64_t rows = 0;   // of each collection
  int32_t dim = 0;    // of every dense vector
  uint64_t seed = 0;  // of the first collection; the next ones have seed + 1, ...
  bool varchar_key = false;
  std::vector<std::string> fields;  // names of fields, without the key; see FieldNames()
  bool extremes = false;            // extreme values among the random ones
  bool hostile = false;
  bool nulls = false;
  int64_t partitions = 0;
  int64_t duplicates = 0;
};

OptionTable Table();

/// kInvalidConfig names the option and what is allowed.
arrow::Result<Options> ParseOptions(const OptionValues& values);

}  // namespace godwit::synthetic
