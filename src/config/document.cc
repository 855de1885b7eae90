#include "config/document.h"

#include <algorithm>
#include <cctype>

#include "base/durable_file.h"

namespace godwit {
namespace {

bool IsVariableName(std::string_view name) {
  auto may = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), may);
}

/// The value of ${expression}; an error names the variable or the file.
arrow::Result<std::string> Evaluate(const std::string& expression, const Environment& environment) {
  if (expression.starts_with("file:")) {
    auto contents = ReadFile(expression.substr(5));
    if (!contents.ok()) {
      return MakeError(ErrorKind::kInvalidConfig, "${" + expression + "}: " + contents.status().message());
    }
    if (contents->ends_with('\n')) contents->pop_back();
    return contents;
  }
  const size_t colon = expression.find(':');
  const std::string name = expression.substr(0, colon);
  if (!IsVariableName(name)) {  // perhaps a password with '${' in it: not shown
    return MakeError(ErrorKind::kInvalidConfig,
                     "what stands between '${' and '}' is no variable's name; write $${ for the two characters");
  }
  if (std::optional<std::string> value = environment(name)) return *value;
  if (colon != std::string::npos) return expression.substr(colon + 1);
  return MakeError(ErrorKind::kInvalidConfig, "the environment variable '" + name + "' is not set");
}

}  // namespace

const Node::Entry* Node::FindEntry(std::string_view key) const {
  auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

const Node* Node::Find(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

std::string Shown(const Node& scalar) { return Shown(scalar.shown.empty() ? scalar.text : scalar.shown); }

std::string Shown(const std::string& text) {
  // ": " is that of a key further down, in a value that YAML has folded into one line.
  const bool odd = text.find(": ") != text.npos || std::any_of(text.begin(), text.end(), [](char c) {
                     return (c >= 0 && c < ' ') || c == '"' || c == '\'';
                   });
  return odd || text.size() > 100 ? "..." : text;
}

std::string ShownKey(const std::string& key) {
  const bool odd = std::any_of(key.begin(), key.end(), [](char c) {
    return c >= 0 && std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != '.' && c != '$';
  });
  return odd || key.size() > 60 ? "..." : key;
}

std::string WhereIn(const std::string& file, Place place) {
  if (place.line <= 0) return file;
  std::string where = file + ":" + std::to_string(place.line);
  if (place.column > 0) where += ":" + std::to_string(place.column);
  return where;
}

arrow::Status Problems::ToStatus() const {
  if (found_.empty()) return arrow::Status::OK();
  auto sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  // What several references to one value find wrong with it is one problem.
  auto same = [](const auto& a, const auto& b) {
    return a.first.line == b.first.line && a.first.column == b.first.column && a.second == b.second;
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  std::string message;
  for (const auto& [place, text] : sorted) {
    // The first one's place is the status' own.
    message += message.empty() ? text : "\n" + WhereIn(file_, place) + ": " + text;
  }
  return MakeError(ErrorKind::kInvalidConfig, message, WhereIn(file_, sorted.front().first));
}

void SetText(std::string text, const Environment& environment, Node* scalar, Problems* problems) {
  scalar->kind = Node::Kind::kScalar;
  scalar->text.clear();
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      scalar->text += "${";
      at += 3;
    } else if (text.compare(at, 2, "${") == 0) {
      const size_t end = text.find('}', at);
      auto value = end == std::string::npos
                       ? MakeError(ErrorKind::kInvalidConfig, "'${' without '}'; write $${ for the two characters")
                       : Evaluate(text.substr(at + 2, end - at - 2), environment);
      if (!value.ok()) {
        problems->Add(scalar->place, value.status().message());
        scalar->unset = true;
        break;
      }
      scalar->text += *value;
      at = end + 1;
    } else {
      scalar->text += text[at++];
    }
  }
  if (scalar->text != text) scalar->shown = std::move(text);
}

}  // namespace godwit
