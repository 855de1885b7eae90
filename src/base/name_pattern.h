// Names with `*`, which stands for any characters, none too. Nothing else is special. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit {

bool IsPattern(std::string_view text);
/// What each `*` stands for, in order, the earlier ones as short as possible; none when the name does not match.
std::optional<std::vector<std::string>> MatchPattern(std::string_view pattern, std::string_view name);
/// Each `*` of `pattern` by the text at its place; a `*` beyond the texts stays.
std::string FillPattern(std::string_view pattern, const std::vector<std::string>& texts);

}  // namespace godwit
