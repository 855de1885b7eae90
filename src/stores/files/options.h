// What the room may be told.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <arrow/util/type_fwd.h>

#include "godwit/options.h"

namespace godwit::files {

struct Options {
  std::string path;  // absolute, normal, without a slash at its end
  arrow::Compression::type compression;
  int64_t row_group_bytes = 0;
  int64_t file_bytes = 0;
  std::string primary_key;                 // of collections that godwit did not write; empty = none
  std::map<std::string, int32_t> vectors;  // field to dimension, of such collections
};

OptionTable MakeOptionTable();
/// kInvalidConfig when a value can't be used.
arrow::Result<Options> ParseOptions(const OptionValues& values);

}  // namespace godwit::files
