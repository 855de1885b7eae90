#include "config/section.h"

#include <algorithm>
#include <map>

namespace godwit {
namespace {

using Value = OptionValues::Value;

const char* NameOf(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a plain value";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "";
}

/// A plain value by its option. What the message may not show of it is taken out.
bool ReadScalar(const Option& option, const Node& node, const std::string& path, Problems* problems, Value* value) {
  auto parsed = ParseOption(option, node.text);
  if (parsed.ok()) {
    *value = std::move(*parsed);
    return true;
  }
  std::string message = parsed.status().message();
  const std::string shown = Shown(node);
  if (shown != node.text && !node.text.empty()) {
    const std::string quoted = "'" + node.text + "'";
    if (size_t at = message.find(quoted); at != message.npos) message.replace(at, quoted.size(), "'" + shown + "'");
    if (message.find(node.text) != message.npos) message = option.name + ": '" + shown + "' is not valid";
  }
  const size_t section = path.size() - option.name.size();  // ParseOption names the option itself
  problems->Add(node.place, path.substr(0, section) + message);
  return false;
}

bool ReadList(const Node& node, const std::string& path, Problems* problems, Value* value) {
  std::vector<std::string> list;
  for (const Node& item : node.items) {
    if (!Expect(item, Node::Kind::kScalar, path, problems) || item.unset) return false;
    list.push_back(item.text);
  }
  *value = std::move(list);
  return true;
}

bool ReadMap(const Node& node, const std::string& path, Problems* problems, Value* value) {
  std::map<std::string, std::string> map;
  for (const Node::Entry& entry : node.entries) {
    if (!Expect(entry.value, Node::Kind::kScalar, path + "." + ShownKey(entry.key), problems) || entry.value.unset)
      return false;
    map[entry.key] = entry.value.text;
  }
  *value = std::move(map);
  return true;
}

/// False when the value is wrong; the problem was added.
bool ReadValue(const Option& option, const Node& node, const std::string& path, Problems* problems, Value* value) {
  if (node.unset) return false;
  if (option.type == OptionType::kList && node.kind == Node::Kind::kList) return ReadList(node, path, problems, value);
  if (option.type == OptionType::kMap && node.kind == Node::Kind::kMap) return ReadMap(node, path, problems, value);
  if (option.type == OptionType::kMap) return Expect(node, Node::Kind::kMap, path, problems);
  if (!Expect(node, Node::Kind::kScalar, path, problems)) return false;
  if (option.required && node.text.empty()) {
    problems->Add(node.place, path + " is empty: " + option.help);
    return false;
  }
  return ReadScalar(option, node, path, problems, value);
}

bool IsEmptyText(const Node& node) { return node.kind == Node::Kind::kScalar && node.text.empty() && !node.unset; }

void CheckConflicts(const Node& map, const Node::Entry& entry, const Option& option, const std::string& path,
                    Problems* problems) {
  for (const std::string& name : option.conflicts) {
    const Node* other = map.Find(name);
    if (other == nullptr || IsEmptyText(*other) || IsEmptyText(entry.value)) continue;
    problems->Add(entry.place, path + "'" + entry.key + "' and '" + name + "' are both given; leave one out");
  }
}

}  // namespace

bool Expect(const Node& node, Node::Kind kind, const std::string& path, Problems* problems) {
  if (node.kind == kind) return true;
  problems->Add(node.place, node.kind == Node::Kind::kNull
                                ? path + " has no value; write " + NameOf(kind) + ", or leave the key out"
                                : path + ": " + NameOf(kind) + " was expected, not " + NameOf(node.kind));
  return false;
}

std::map<std::string, std::string> PlacesOf(const Node& map, const std::string& file) {
  std::map<std::string, std::string> places;
  for (const Node::Entry& entry : map.entries) {
    places[entry.key] = WhereIn(file, entry.value.place);
    for (const Node::Entry& inner : entry.value.entries) {
      places[entry.key + "." + inner.key] = WhereIn(file, inner.place);
    }
  }
  return places;
}

void AddPlaces(const std::string& setting, const Node* node, const std::string& file,
               std::map<std::string, std::string>* places) {
  if (node == nullptr) return;
  if (node->kind == Node::Kind::kScalar) places->emplace(setting, WhereIn(file, node->place));
  for (const Node& item : node->items) places->emplace(setting + "." + item.text, WhereIn(file, item.place));
  for (const Node::Entry& entry : node->entries) {
    places->emplace(setting + "." + entry.key, WhereIn(file, entry.place));
  }
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void AddUnknownKey(const Node::Entry& entry, const std::string& path, const std::vector<std::string>& allowed,
                   Problems* problems) {
  const std::string near = NearestName(entry.key, allowed);
  const std::string shown = ShownKey(entry.key);
  const char* hint = shown == entry.key ? "" : "is a quote missing? ";
  problems->Add(entry.place, "unknown key '" + shown + "'" + (path.empty() ? "" : " in " + path) + "; " + hint +
                                 (near.empty() ? "" : "did you mean '" + near + "'? ") +
                                 "allowed: " + JoinNames(allowed));
}

OptionValues ReadSection(const Node& map, const OptionTable& table, OptionScope scope, const std::string& path,
                         const std::vector<std::string>& elsewhere, Problems* problems) {
  const std::string prefix = path.empty() ? "" : path + ".";
  const std::string context = path.empty() ? "" : path + ": ";
  OptionTable here;
  std::vector<std::string> allowed = elsewhere;
  for (const Option& option : table) {
    if (scope != OptionScope::kBoth && option.scope != OptionScope::kBoth && option.scope != scope) continue;
    here.push_back(option);
    allowed.push_back(option.name);
  }
  OptionValues values;
  for (const Node::Entry& entry : map.entries) {
    if (std::find(elsewhere.begin(), elsewhere.end(), entry.key) != elsewhere.end()) continue;
    auto option = std::find_if(here.begin(), here.end(), [&](const Option& o) { return o.name == entry.key; });
    if (option == here.end()) {
      AddUnknownKey(entry, path, allowed, problems);
      continue;
    }
    CheckConflicts(map, entry, *option, context, problems);
    Value value;
    if (ReadValue(*option, entry.value, prefix + option->name, problems, &value))
      values.Set(option->name, std::move(value));
  }
  OptionTable defaults = table;  // of both scopes: a target is also read back
  for (Option& option : defaults) option.required = false;
  arrow::Status filled = FillDefaults(defaults, scope, &values);
  if (!filled.ok()) problems->Add(map.place, context + filled.message());
  for (const Option& option : here) {
    if (!option.required || map.Find(option.name) != nullptr) continue;
    problems->Add(map.place, context + "'" + option.name + "' is missing: " + option.help +
                                 (option.example.empty() ? "" : " For example: " + option.example));
  }
  return values;
}

}  // namespace godwit
