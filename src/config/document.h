// A configuration file as a tree in which everything knows its place, whatever the syntax it was written in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit/error.h"

namespace godwit {

/// Counted from 1; 0 = unknown.
struct Place {
  int line = 0;
  int column = 0;
};

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string text;  // of a scalar
  Place place;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order of the file, each key once

  const Node* Find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Place place;
  Node value;
};

/// nullopt when the variable is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Limits that keep a hostile file from exhausting memory or stack.
inline constexpr size_t kMaxDocumentBytes = 16 << 20;
inline constexpr int kMaxDocumentDepth = 64;

/// YAML 1.2 as yaml-cpp reads it (JSON is a part of it), one document. In scalars, ${NAME} is replaced by the variable,
/// ${file:PATH} by the file's text without its last line break, and $${ by ${. Repeated keys are an error.
arrow::Result<Node> ReadYaml(std::string_view text, const std::string& file, const Environment& environment);

/// HOCON: comments, `=` `:` `+=` and blocks, key paths, unquoted and triple-quoted strings, concatenation, objects that
/// merge, ${path} and ${?path} out of the file or the environment. Without include, durations and sizes.
arrow::Result<Node> ReadHocon(std::string_view text, const std::string& file, const Environment& environment);

/// "file:line:column", as far as it is known.
std::string WhereIn(const std::string& file, Place place);

/// Collects what is wrong with a file, so that the user sees all of it at once.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }
  void Add(Place place, std::string message) { found_.push_back({place, std::move(message)}); }
  bool empty() const { return found_.empty(); }
  /// kInvalidConfig with every problem in the order of the file, one a line; `where` is that of the first.
  arrow::Status Finish();

 private:
  std::string file_;
  std::vector<std::pair<Place, std::string>> found_;
};

}  // namespace godwit
