#include "config/section.h"

#include <algorithm>
#include <map>

namespace godwit {
namespace {

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

arrow::Status Mismatch(const Option& option, const char* wanted) {
  return MakeError(ErrorKind::kInvalidConfig, option.name + ": " + wanted + " was expected");
}

arrow::Result<OptionValues::Value> ReadList(const Option& option, const Node& node) {
  std::vector<std::string> list;
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kScalar) return Mismatch(option, "a list of plain values");
    list.push_back(item.text);
  }
  return list;
}

arrow::Result<OptionValues::Value> ReadMap(const Option& option, const Node& node) {
  std::map<std::string, std::string> map;
  for (const Node::Entry& entry : node.entries) {
    if (entry.value.kind != Node::Kind::kScalar) return Mismatch(option, "a map of plain values");
    map[entry.key] = entry.value.text;
  }
  return map;
}

arrow::Result<OptionValues::Value> ReadValue(const Option& option, const Node& node) {
  if (node.kind == Node::Kind::kNull) return OptionValues::Value();  // as if it had been left out
  if (option.type == OptionType::kList && node.kind == Node::Kind::kList) return ReadList(option, node);
  if (option.type == OptionType::kMap && node.kind == Node::Kind::kMap) return ReadMap(option, node);
  if (option.type == OptionType::kMap) return Mismatch(option, "a map");
  if (node.kind != Node::Kind::kScalar) return Mismatch(option, "a plain value");
  return ParseOption(option, node.text);
}

}  // namespace

bool Expect(const Node& node, Node::Kind kind, const std::string& path, Problems* problems) {
  if (node.kind == kind) return true;
  const char* wanted = kind == Node::Kind::kMap ? "a map" : kind == Node::Kind::kList ? "a list" : "a plain value";
  problems->Add(node.place, path + ": " + wanted + " was expected");
  return false;
}

void AddUnknownKey(const Node::Entry& entry, const std::string& path, const std::vector<std::string>& allowed,
                   Problems* problems) {
  std::string message = "unknown key '" + entry.key + "'" + (path.empty() ? "" : " in " + path);
  if (std::string near = NearestName(entry.key, allowed); !near.empty()) message += "; did you mean '" + near + "'?";
  problems->Add(entry.place, message + " Allowed: " + Join(allowed));
}

OptionValues ReadSection(const Node& map, const OptionTable& table, OptionScope scope, const std::string& path,
                         const std::vector<std::string>& elsewhere, Problems* problems) {
  OptionValues values;
  std::vector<std::string> allowed = elsewhere;
  for (const Option& option : table) {
    bool in_scope = option.scope == OptionScope::kBoth || option.scope == scope;
    if (in_scope) allowed.push_back(option.name);
  }
  bool complete = true;
  for (const Node::Entry& entry : map.entries) {
    if (std::find(elsewhere.begin(), elsewhere.end(), entry.key) != elsewhere.end()) continue;
    auto option = std::find_if(table.begin(), table.end(), [&](const Option& o) { return o.name == entry.key; });
    if (option == table.end() || std::find(allowed.begin(), allowed.end(), entry.key) == allowed.end()) {
      AddUnknownKey(entry, path, allowed, problems);
      continue;
    }
    auto value = ReadValue(*option, entry.value);
    if (value.ok()) {
      values.Set(option->name, std::move(*value));
    } else {
      problems->Add(entry.value.place, (path.empty() ? "" : path + ".") + value.status().message());
      complete &= !option->required;
    }
  }
  // A required key whose value is wrong was reported already.
  arrow::Status filled = FillDefaults(table, scope, &values);
  if (!filled.ok() && complete) problems->Add(map.place, (path.empty() ? "" : path + ": ") + filled.message());
  return values;
}

}  // namespace godwit
