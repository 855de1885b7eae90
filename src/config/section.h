// A map of a document, checked against a table of options.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document.h"
#include "godwit/options.h"

namespace godwit {

/// Every option of `table`: what `map` says, else its default, else nothing. Problems (an unknown key with the nearest
/// known one, a wrong type, a value out of range, a missing key, a conflict) are added to `problems`, with `path`, the
/// name of the section, in front. `elsewhere` are keys that are known and read by someone else.
OptionValues ReadSection(const Node& map, const OptionTable& table, OptionScope scope, const std::string& path,
                         const std::vector<std::string>& elsewhere, Problems* problems);

/// Adds a problem and returns false when `node` is not of the kind.
bool Expect(const Node& node, Node::Kind kind, const std::string& path, Problems* problems);

/// "unknown key 'x' in path; did you mean 'y'? allowed: ..."
void AddUnknownKey(const Node::Entry& entry, const std::string& path, const std::vector<std::string>& allowed,
                   Problems* problems);

/// "file:line:column" of every value, by its key; of a map's values also by `key.key`.
std::map<std::string, std::string> PlacesOf(const Node& map, const std::string& file);

/// The same of one setting, which may be absent: of a value as `setting`, of what a list or a map names as
/// `setting.name`.
void AddPlaces(const std::string& setting, const Node* node, const std::string& file,
               std::map<std::string, std::string>* places);

/// "a, b, c"
std::string JoinNames(const std::vector<std::string>& names);

}  // namespace godwit
