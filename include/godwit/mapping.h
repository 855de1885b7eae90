// What becomes of a collection on its way: which of its rows and fields go, and under which names they arrive.
// Plain values; const use is thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/error.h"
#include "godwit/schema.h"

namespace godwit {

/// A column that the target has and the source has not. Scalar types and json.
struct AddedField {
  std::string name;
  Type type;
  std::optional<int64_t> max_length = {};      // of strings, bytes
  std::optional<std::string> value_json = {};  // of a constant; of a spread key: where a row lacks it

  bool operator==(const AddedField&) const = default;
};

struct Mapping {
  std::string filter = {};                             // in the source's own language; empty = every row
  std::vector<std::string> include_fields = {};        // names, `*` any characters; empty = all; the key always goes
  std::vector<std::string> exclude_fields = {};        // as above, taken from what is included
  std::map<std::string, std::string> fields = {};      // target's name by source's
  std::map<std::string, std::string> partitions = {};  // target's name by source's; "" = the default partition
  bool drop_meta = false;                              // `$meta`, or what is left of it
  std::vector<AddedField> spread = {};                 // keys that move from `$meta` into columns
  bool leave_mismatches = false;                       // values of other types stay in `$meta`; else they are errors
  std::vector<AddedField> constants = {};
  std::vector<Index> indexes = {};  // by the target's names; replace the source's on the same field

  bool operator==(const Mapping&) const = default;
};

/// One JSON object with what is not the default; FromJson(ToJson(m)) == m. Unknown keys are kCorruptData.
std::string ToJson(const Mapping& mapping);
arrow::Result<Mapping> MappingFromJson(std::string_view json);

}  // namespace godwit
