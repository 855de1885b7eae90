// HOCON between its two steps, parsing and resolving; used by nothing but them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace godwit::hocon {

/// A value before its references are looked up.
struct Value {
  enum class Kind { kText, kSpace, kReference, kList, kObject, kJoined };
  struct Member;

  Kind kind = Kind::kText;
  Place place;
  Node text;                      // of kText and kSpace; kNull for an unquoted null
  std::vector<std::string> path;  // of kReference; empty: what the key was before, for `+=`
  std::string shown;              // of kReference: as it is in the file
  bool optional = false;          // of kReference: ${?path}
  std::vector<Value> items;       // of kList and of kJoined, whose parts stand side by side
  std::vector<Member> members;    // of kObject
};

/// Everything that the file says of one key, in order. Two objects in a row are one already.
struct Value::Member {
  std::string key;
  Place place;
  std::vector<Place> again;
  std::vector<Value> values;
  // Of the resolver:
  bool open = false;           // it is being resolved,
  std::optional<Node> before;  // and this is what the values up to the one in work give
  bool referenced = false;
};

Value::Member* FindMember(Value* object, std::string_view key);

/// The object that the file holds; false when the syntax is wrong.
bool Parse(std::string_view text, const Environment& environment, Problems* problems, Value* root);

}  // namespace godwit::hocon
