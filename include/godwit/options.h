// Option tables: what a store may be told, as data. Command help, config validation, the reference in docs/ and every
// other form are made from these tables. Plain values; const use is thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "godwit/error.h"

namespace godwit {

/// Text that is never printed: no stream operator, no conversion. `Reveal` is called only where it goes on a wire.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string text_;
};

enum class OptionType {
  kString,
  kPath,  // of a file or folder; value: absolute, so that a job means the same from wherever it is run
  kSecret,
  kBool,
  kInt,
  kDouble,
  kBytes,     // 512MiB, 64 KB, 1000; value: int64 bytes
  kDuration,  // 30s, 5m, 100ms; value: int64 milliseconds
  kEnum,      // one of `allowed`
  kList,      // of strings
  kMap,       // string to string
};

enum class OptionScope { kBoth, kSource, kTarget };

struct Option {
  std::string name;  // snake_case
  OptionType type = OptionType::kString;
  std::string help;               // one sentence, ends with a full stop
  std::string default_text = {};  // as the user would write it; empty = unset
  bool required = false;
  OptionScope scope = OptionScope::kBoth;
  std::vector<std::string> allowed = {};              // of kEnum
  int64_t min = std::numeric_limits<int64_t>::min();  // of kInt, kBytes, kDuration
  int64_t max = std::numeric_limits<int64_t>::max();
  bool tuning = false;  // may change between runs of one job (not part of its identity)
  std::string example = {};
  std::vector<std::string> conflicts = {};  // options that can't be given together with this one
};

using OptionTable = std::vector<Option>;

/// Values that were validated against a table; defaults filled in. Getters of an option that is not in the table, or
/// of another type, are a defect and abort; unset options give the zero value.
class OptionValues {
 public:
  using Value = std::variant<std::monostate, std::string, Secret, bool, int64_t, double, std::vector<std::string>,
                             std::map<std::string, std::string>>;

  void Set(const std::string& name, Value value) { values_[name] = std::move(value); }
  bool Has(const std::string& name) const;
  const std::string& GetString(const std::string& name) const;  // kString, kEnum
  const Secret& GetSecret(const std::string& name) const;
  bool GetBool(const std::string& name) const;
  int64_t GetInt(const std::string& name) const;  // kInt, kBytes, kDuration (milliseconds)
  double GetDouble(const std::string& name) const;
  const std::vector<std::string>& GetList(const std::string& name) const;
  const std::map<std::string, std::string>& GetMap(const std::string& name) const;
  const std::map<std::string, Value>& all() const { return values_; }

 private:
  std::map<std::string, Value> values_;
};

/// Parses and checks one value. The error (kInvalidConfig) names the option, what is allowed and, for enums, the
/// nearest.
arrow::Result<OptionValues::Value> ParseOption(const Option& option, std::string_view text);
arrow::Result<int64_t> ParseBytes(std::string_view text);
arrow::Result<int64_t> ParseDurationMs(std::string_view text);
/// Fills the defaults of unset options, of both scopes: a target is also read back. A required option of `scope` that
/// is unset is kInvalidConfig.
arrow::Status FillDefaults(const OptionTable& table, OptionScope scope, OptionValues* values);
/// The candidate with the smallest edit distance when it is near enough, else empty.
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace godwit
