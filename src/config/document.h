// A configuration file as a tree in which everything knows its place, whatever the syntax it was written in.
// Plain values; the readers may be called from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit/error.h"

namespace godwit {

/// Counted from 1, columns in bytes; 0 = unknown.
struct Place {
  int line = 0;
  int column = 0;
};

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string text;    // of a scalar
  std::string shown;   // of a scalar made with variables: what the file says
  bool unset = false;  // one of those variables is not set: reported already, and `text` is not the value
  Place place;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order of the file, each key once

  const Entry* FindEntry(std::string_view key) const;
  const Node* Find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Place place;
  Node value;
  std::vector<Place> again;  // HOCON: where the key is written once more, with a value that does not refer to others
  bool referenced = false;   // HOCON, in the root: a ${path} begins with this key
};

/// nullopt when the variable is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// What a message may show of a scalar, or of a key: never a variable's value, and nothing with quotes, line breaks or
/// a great length, which comes of a quote that is missing, and may hold a secret from the next lines. Then it is "...".
std::string Shown(const Node& scalar);
std::string Shown(const std::string& text);
std::string ShownKey(const std::string& key);

/// "file:line:column", as far as it is known.
std::string WhereIn(const std::string& file, Place place);

/// Collects what is wrong with a file, so that the user sees all of it at once.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }
  /// `message` holds no secret; see Shown().
  void Add(Place place, std::string message) { found_.push_back({place, std::move(message)}); }
  bool empty() const { return found_.empty(); }
  /// kInvalidConfig with every problem in the order of the file, one a line; `where` is that of the first.
  arrow::Status ToStatus() const;

 private:
  std::string file_;
  std::vector<std::pair<Place, std::string>> found_;
};

/// Limits that keep a hostile file from exhausting memory or stack.
inline constexpr size_t kMaxDocumentBytes = 4 << 20;
inline constexpr int kMaxDocumentDepth = 64;
inline constexpr int kMaxDocumentNodes = 200'000;

/// YAML 1.2 as yaml-cpp reads it (JSON is a part of it), one document. Variables are replaced in scalars that are no
/// keys. A repeated key is a problem. nullopt: the syntax is wrong, see `problems`.
std::optional<Node> ReadYaml(std::string_view text, const Environment& environment, Problems* problems);

/// HOCON (github.com/lightbend/config, HOCON.md): comments, `=` `:` `+=` and blocks, key paths, unquoted and
/// triple-quoted strings, concatenation, objects that merge, ${path} and ${?path} out of the file or the environment;
/// no include. More than the specification: variables are replaced in quoted strings, too, and a member may follow
/// another one on its line without a comma. nullopt: the syntax is wrong, see `problems`.
std::optional<Node> ReadHocon(std::string_view text, const Environment& environment, Problems* problems);

/// Sets a scalar's text: ${NAME} becomes the variable, ${NAME:text} the variable or else the text, ${file:PATH} what
/// the file holds without its last line break, and $${ the two characters ${. PATH is relative to the current
/// directory.
void SetText(std::string text, const Environment& environment, Node* scalar, Problems* problems);

}  // namespace godwit
