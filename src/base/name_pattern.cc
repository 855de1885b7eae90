#include "base/name_pattern.h"

#include <algorithm>

namespace godwit {

bool IsPattern(std::string_view text) { return text.find('*') != text.npos; }

std::optional<std::vector<std::string>> MatchPattern(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) {
    if (pattern != name) return std::nullopt;
    return std::vector<std::string>();
  }
  if (!name.starts_with(pattern.substr(0, star))) return std::nullopt;
  name.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  std::vector<std::string> texts;
  // Between two stars the first place is as good as any later one.
  for (size_t next = pattern.find('*'); next != pattern.npos; next = pattern.find('*')) {
    const size_t at = name.find(pattern.substr(0, next));
    if (at == name.npos) return std::nullopt;
    texts.emplace_back(name.substr(0, at));
    name.remove_prefix(at + next);
    pattern.remove_prefix(next + 1);
  }
  if (!name.ends_with(pattern)) return std::nullopt;
  texts.emplace_back(name.substr(0, name.size() - pattern.size()));
  return texts;
}

std::string FillPattern(std::string_view pattern, const std::vector<std::string>& texts) {
  std::string name;
  size_t next = 0;
  for (char c : pattern) {
    if (c == '*' && next < texts.size()) {
      name += texts[next++];
    } else {
      name += c;
    }
  }
  return name;
}

}  // namespace godwit
