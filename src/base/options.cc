#include "godwit/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

namespace godwit {
namespace {

using Value = OptionValues::Value;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Case and the kind of dash are not what a name is about.
std::string Fold(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded;
}

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Whole number, then a unit of `units`, with or without a space between. `form` says what would have been right.
template <size_t n>
arrow::Result<int64_t> ParseQuantity(std::string_view text, const std::array<Unit, n>& units, std::string_view form) {
  std::string_view trimmed = Trim(text);
  int64_t number = 0;
  auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  std::string unit_name = Fold(Trim(trimmed.substr(static_cast<size_t>(end - trimmed.data()))));
  auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit_name; });
  if (error == std::errc::result_out_of_range) {
    return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is too large", text));
  }
  bool zero_without_unit = number == 0 && unit_name.empty();
  if (error != std::errc() || number < 0 || (unit == units.end() && !zero_without_unit)) {
    return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is not {}", text, form));
  }
  int64_t result = 0;
  if (!zero_without_unit && __builtin_mul_overflow(number, unit->factor, &result)) {
    return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is too large", text));
  }
  return result;
}

arrow::Result<bool> ParseBool(std::string_view text) {
  for (std::string_view name : {"true", "yes", "on"}) {
    if (text == name) return true;
  }
  for (std::string_view name : {"false", "no", "off"}) {
    if (text == name) return false;
  }
  return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is not true or false", text));
}

arrow::Result<int64_t> ParseInt(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is not a whole number", text));
  }
  return number;
}

arrow::Result<double> ParseDouble(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is not a number", text));
  }
  return number;
}

arrow::Result<std::string> ParseEnum(const Option& option, std::string_view text) {
  if (std::find(option.allowed.begin(), option.allowed.end(), text) != option.allowed.end()) {
    return std::string(text);
  }
  std::string message = fmt::format("'{}' is not one of: {}", text, fmt::join(option.allowed, ", "));
  if (std::string near = NearestName(text, option.allowed); !near.empty()) message += "; did you mean '" + near + "'?";
  return MakeError(ErrorKind::kInvalidConfig, message);
}

std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  if (Trim(text).empty()) return parts;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(Trim(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

arrow::Result<std::vector<std::string>> ParseList(std::string_view text) {
  std::vector<std::string> list;
  for (std::string_view part : SplitAtCommas(text)) {
    if (part.empty()) return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' has an empty element", text));
    list.emplace_back(part);
  }
  return list;
}

arrow::Result<std::map<std::string, std::string>> ParseMap(std::string_view text) {
  std::map<std::string, std::string> map;
  for (std::string_view part : SplitAtCommas(text)) {
    size_t equals = part.find('=');
    std::string key(Trim(part.substr(0, equals)));
    if (equals == part.npos || key.empty()) {
      return MakeError(ErrorKind::kInvalidConfig, fmt::format("'{}' is not key=value[,key=value ...]", text));
    }
    if (!map.emplace(key, Trim(part.substr(equals + 1))).second) {
      return MakeError(ErrorKind::kInvalidConfig, fmt::format("the key '{}' is given twice", key));
    }
  }
  return map;
}

// A number as the user would write it for this option.
std::string FormatBound(const Option& option, int64_t bound) {
  if (option.type == OptionType::kDuration) return std::to_string(bound) + "ms";
  return std::to_string(bound);
}

arrow::Result<int64_t> CheckRange(const Option& option, const arrow::Result<int64_t>& parsed, std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(int64_t number, parsed);
  if (number < option.min) {
    return MakeError(ErrorKind::kInvalidConfig,
                     fmt::format("'{}' is too small; at least {} is needed", text, FormatBound(option, option.min)));
  }
  if (number > option.max) {
    return MakeError(ErrorKind::kInvalidConfig,
                     fmt::format("'{}' is too large; at most {} is allowed", text, FormatBound(option, option.max)));
  }
  return number;
}

arrow::Result<std::string> ParsePath(std::string_view text) {
  if (text.empty()) return std::string();
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(text, error).lexically_normal();
  if (error) return MakeError(ErrorKind::kInvalidConfig, "'" + std::string(text) + "' is no path: " + error.message());
  return path.string();
}

template <typename T>
arrow::Status Store(arrow::Result<T> parsed, Value* value) {
  ARROW_RETURN_NOT_OK(parsed.status());
  value->emplace<T>(std::move(parsed).ValueUnsafe());
  return arrow::Status::OK();
}

arrow::Status ParseText(const Option& option, std::string_view text, Value* value) {
  switch (option.type) {
    case OptionType::kString:
      return Store<std::string>(std::string(text), value);
    case OptionType::kPath:
      return Store(ParsePath(text), value);
    case OptionType::kSecret:
      return Store<Secret>(Secret(std::string(text)), value);
    case OptionType::kBool:
      return Store(ParseBool(text), value);
    case OptionType::kInt:
      return Store(CheckRange(option, ParseInt(text), text), value);
    case OptionType::kDouble:
      return Store(ParseDouble(text), value);
    case OptionType::kBytes:
      return Store(CheckRange(option, ParseBytes(text), text), value);
    case OptionType::kDuration:
      return Store(CheckRange(option, ParseDurationMs(text), text), value);
    case OptionType::kEnum:
      return Store(ParseEnum(option, text), value);
    case OptionType::kList:
      return Store(ParseList(text), value);
    case OptionType::kMap:
      return Store(ParseMap(text), value);
  }
  std::abort();
}

[[noreturn]] void AbortAtOption(const std::string& name, const char* why) {
  fmt::print(stderr, "godwit: option '{}' {}\n", name, why);
  std::abort();
}

template <typename T>
const T& Get(const std::map<std::string, Value>& values, const std::string& name) {
  static const T zero{};
  auto found = values.find(name);
  if (found == values.end()) AbortAtOption(name, "is not in the table");
  if (std::holds_alternative<std::monostate>(found->second)) return zero;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  AbortAtOption(name, "has another type");
}

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      size_t substituted = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

bool OptionValues::Has(const std::string& name) const {
  auto found = values_.find(name);
  return found != values_.end() && !std::holds_alternative<std::monostate>(found->second);
}

const std::string& OptionValues::GetString(const std::string& name) const { return Get<std::string>(values_, name); }
const Secret& OptionValues::GetSecret(const std::string& name) const { return Get<Secret>(values_, name); }
bool OptionValues::GetBool(const std::string& name) const { return Get<bool>(values_, name); }
int64_t OptionValues::GetInt(const std::string& name) const { return Get<int64_t>(values_, name); }
double OptionValues::GetDouble(const std::string& name) const { return Get<double>(values_, name); }

const std::vector<std::string>& OptionValues::GetList(const std::string& name) const {
  return Get<std::vector<std::string>>(values_, name);
}

const std::map<std::string, std::string>& OptionValues::GetMap(const std::string& name) const {
  return Get<std::map<std::string, std::string>>(values_, name);
}

arrow::Result<Value> ParseOption(const Option& option, std::string_view text) {
  Value value;
  ARROW_RETURN_NOT_OK(WithContext(ParseText(option, text, &value), option.name));
  return value;
}

arrow::Result<int64_t> ParseBytes(std::string_view text) {
  constexpr auto kUnits = std::to_array<Unit>({{"", 1},
                                               {"b", 1},
                                               {"kb", 1000},
                                               {"mb", 1000 * 1000},
                                               {"gb", 1000 * 1000 * 1000},
                                               {"tb", 1000LL * 1000 * 1000 * 1000},
                                               {"kib", 1LL << 10},
                                               {"mib", 1LL << 20},
                                               {"gib", 1LL << 30},
                                               {"tib", 1LL << 40}});
  return ParseQuantity(text, kUnits, "a size: write a whole number and a unit, for example 512MiB or 64KB");
}

arrow::Result<int64_t> ParseDurationMs(std::string_view text) {
  constexpr auto kUnits = std::to_array<Unit>(
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}});
  return ParseQuantity(text, kUnits, "a duration: write a whole number and a unit, for example 100ms, 30s, 5m or 2h");
}

arrow::Status FillDefaults(const OptionTable& table, OptionScope scope, OptionValues* values) {
  for (const Option& option : table) {
    if (values->Has(option.name)) continue;
    bool in_scope = option.scope == OptionScope::kBoth || scope == OptionScope::kBoth || option.scope == scope;
    if (option.required && in_scope) {
      return MakeError(ErrorKind::kInvalidConfig,
                       fmt::format("'{}' is missing: {}{}", option.name, option.help,
                                   option.example.empty() ? "" : " For example: " + option.example));
    }
    Value value;
    if (!option.default_text.empty()) {
      ARROW_ASSIGN_OR_RAISE(value, ParseOption(option, option.default_text));
    }
    values->Set(option.name, std::move(value));
  }
  return arrow::Status::OK();
}

std::string NearestName(std::string_view name, const std::vector<std::string>& candidates) {
  std::string folded = Fold(name);
  // One slip in three letters; more would suggest names that have nothing in common.
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(folded, Fold(candidate));
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace godwit
