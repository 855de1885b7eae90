#include <yaml-cpp/yaml.h>

#include <set>

#include "base/durable_file.h"
#include "config/document.h"

namespace godwit {
namespace {

Place PlaceOf(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

class YamlReader {
 public:
  YamlReader(std::string file, const Environment& environment) : file_(std::move(file)), environment_(environment) {}

  arrow::Result<Node> Read(const YAML::Node& yaml, int depth) {
    Node node;
    node.place = PlaceOf(yaml.Mark());
    if (depth > kMaxDocumentDepth || ++nodes_ > kMaxNodes) {
      return Fail(node.place, "the file is nested too deeply or repeats an anchor too often");
    }
    if (yaml.IsScalar()) {
      node.kind = Node::Kind::kScalar;
      ARROW_ASSIGN_OR_RAISE(node.text, Substitute(yaml.Scalar(), node.place));
    } else if (yaml.IsSequence()) {
      node.kind = Node::Kind::kList;
      for (const YAML::Node& item : yaml) {
        ARROW_ASSIGN_OR_RAISE(Node child, Read(item, depth + 1));
        node.items.push_back(std::move(child));
      }
    } else if (yaml.IsMap()) {
      ARROW_RETURN_NOT_OK(ReadMap(yaml, depth, &node));
    }
    return node;
  }

 private:
  // Anchors let a small file stand for a huge tree.
  static constexpr int kMaxNodes = 200'000;

  arrow::Status ReadMap(const YAML::Node& yaml, int depth, Node* node) {
    node->kind = Node::Kind::kMap;
    std::set<std::string> seen;
    for (const auto& pair : yaml) {
      Place place = PlaceOf(pair.first.Mark());
      if (!pair.first.IsScalar()) return Fail(place, "a key must be plain text");
      const std::string& key = pair.first.Scalar();
      if (!seen.insert(key).second) return Fail(place, "the key '" + key + "' is given twice");
      ARROW_ASSIGN_OR_RAISE(Node child, Read(pair.second, depth + 1));
      if (child.place.line == 0) child.place = place;
      node->entries.push_back({key, place, std::move(child)});
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::string> Substitute(const std::string& text, Place place) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "$${") == 0) {
        result += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        size_t end = text.find('}', at);
        if (end == std::string::npos) return Fail(place, "'${' without '}'; write $${ for the two characters");
        ARROW_ASSIGN_OR_RAISE(std::string value, Lookup(text.substr(at + 2, end - at - 2), place));
        result += value;
        at = end + 1;
      } else {
        result += text[at++];
      }
    }
    return result;
  }

  arrow::Result<std::string> Lookup(const std::string& name, Place place) {
    if (name.starts_with("file:")) {
      auto contents = ReadFile(name.substr(5));
      if (!contents.ok()) return Fail(place, "${" + name + "}: " + Describe(contents.status()));
      if (contents->ends_with('\n')) contents->pop_back();
      return contents;
    }
    std::optional<std::string> value = environment_(name);
    if (!value) return Fail(place, "the environment variable '" + name + "' is not set");
    return *value;
  }

  arrow::Status Fail(Place place, std::string message) const {
    return MakeError(ErrorKind::kInvalidConfig, std::move(message), WhereIn(file_, place));
  }

  const std::string file_;
  const Environment& environment_;
  int nodes_ = 0;
};

/// yaml-cpp recurses while it parses: brackets or indents deeper than the limit must not reach it.
bool TooDeep(std::string_view text) {
  int brackets = 0;
  for (char c : text) {
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') --brackets;
    if (brackets > kMaxDocumentDepth) return true;
  }
  size_t dashes = 0;  // "- - - - x" is nested lists
  for (char c : text) {
    if (c == '\n') dashes = 0;
    if (c == '-' || c == '?' || c == ':') ++dashes;
    if (dashes > 10'000) return true;
  }
  return false;
}

}  // namespace

arrow::Result<Node> ReadYaml(std::string_view text, const std::string& file, const Environment& environment) {
  if (TooDeep(text)) return MakeError(ErrorKind::kInvalidConfig, "the file is nested too deeply", file);
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty() || documents.front().IsNull()) {
      return MakeError(ErrorKind::kInvalidConfig, "the file is empty", file);
    }
    if (documents.size() > 1) {
      return MakeError(ErrorKind::kInvalidConfig, "the file holds several documents; write one job a file",
                       WhereIn(file, PlaceOf(documents[1].Mark())));
    }
    return YamlReader(file, environment).Read(documents.front(), 0);
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorKind::kInvalidConfig, error.msg, WhereIn(file, PlaceOf(error.mark)));
  }
}

}  // namespace godwit
