#include "config/selection_file.h"

#include <algorithm>

namespace godwit {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::vector<SelectedName> ParseSelection(std::string_view text, Problems* problems) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<SelectedName> names;
  int line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view entry = Trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    if (entry.empty() || entry.starts_with('#')) continue;
    const size_t comma = entry.find(',');
    const std::string_view source = Trimmed(entry.substr(0, comma));
    const std::string_view target = comma == entry.npos ? std::string_view() : Trimmed(entry.substr(comma + 1));
    if (names.empty() && source == "source" && target == "target") continue;
    if (source.empty() || target.find(',') != target.npos || entry.find('"') != entry.npos) {
      problems->Add({line, 0}, "one collection was expected, as database.name or source,target, without quotes");
      continue;
    }
    names.push_back({std::string(source), std::string(target), line});
  }
  return names;
}

}  // namespace godwit
