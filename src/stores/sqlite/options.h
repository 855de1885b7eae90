// What the room `sqlite` may be told, and its values checked.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "godwit/options.h"
#include "godwit/schema.h"

namespace godwit::sqlite {

struct Options {
  std::string path;                   // absolute
  std::map<std::string, Type> types;  // by "column" or "table.column"
  int64_t busy_timeout_ms = 0;
};

OptionTable Table();

/// kInvalidConfig names the option and what is allowed.
arrow::Result<Options> ParseOptions(const OptionValues& values);

}  // namespace godwit::sqlite
