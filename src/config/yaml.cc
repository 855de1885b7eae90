#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "config/document.h"

namespace godwit {
namespace {

Place PlaceOf(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

int CountNodes(const Node& node) {
  int count = 1;
  for (const Node& item : node.items) count += CountNodes(item);
  for (const Node::Entry& entry : node.entries) count += CountNodes(entry.value);
  return count;
}

// Inside of { } and [ ], YAML ends a plain value at a brace, and {token: ${TOKEN}} would be a mistake. So the braces of
// ${...} are hidden from yaml-cpp behind control characters, which no job file holds.
constexpr char kHiddenOpen = '\x01';
constexpr char kHiddenClose = '\x02';

std::string HideVariables(std::string text) {
  for (size_t at = text.find("${"); at != text.npos; at = text.find("${", at + 1)) {
    const size_t end = text.find_first_of("}\n", at);
    if (end == text.npos || text[end] == '\n') continue;
    text[at + 1] = kHiddenOpen;
    text[end] = kHiddenClose;
  }
  return text;
}

std::string ShowVariables(std::string text) {
  std::replace(text.begin(), text.end(), kHiddenOpen, '{');
  std::replace(text.begin(), text.end(), kHiddenClose, '}');
  return text;
}

/// Builds the tree out of yaml-cpp's events, which, unlike its nodes, know the place of everything, nulls included.
/// What makes going on useless is thrown as a YAML::ParserException and caught in ReadYaml.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Environment& environment, Problems* problems) : environment_(environment), problems_(*problems) {}

  std::optional<Node>& root() { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) throw YAML::ParserException(mark, "the file holds several documents; write one job a file");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor != YAML::NullAnchor) problems_.Add(PlaceOf(mark), "a value that begins with '&' must stand in quotes");
    Add(mark, Begin(mark), YAML::NullAnchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YAML::ParserException(mark, "an alias inside of what it stands for");
    nodes_ += CountNodes(found->second) - 1;
    Add(mark, found->second, YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    Node node = Begin(mark);
    node.kind = Node::Kind::kScalar;
    if (ExpectsKey()) {
      node.text = ShowVariables(value);
    } else {
      SetText(ShowVariables(value), environment_, &node, &problems_);
    }
    Add(mark, std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Node::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  /// A list or map that is not complete.
  struct Level {
    YAML::Mark mark;
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Node> key;  // of a map, while its value is awaited
    std::set<std::string> keys = {};
  };

  static Node Begin(const YAML::Mark& mark) {
    Node node;
    node.place = PlaceOf(mark);
    return node;
  }

  bool ExpectsKey() const {
    return !levels_.empty() && levels_.back().node.kind == Node::Kind::kMap && !levels_.back().key;
  }

  /// A password like !abc is a tag to YAML, and its text would be lost.
  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.Add(PlaceOf(mark), "tags are not offered; a value that begins with '!' must stand in quotes");
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    CheckTag(mark, tag);
    if (ExpectsKey()) throw YAML::ParserException(mark, "a key must be plain text");
    if (levels_.size() >= kMaxDocumentDepth) throw YAML::ParserException(mark, "the file is nested too deeply");
    levels_.push_back({mark, Begin(mark), anchor, std::nullopt});
    levels_.back().node.kind = kind;
  }

  void Close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    Add(level.mark, std::move(level.node), level.anchor);
  }

  void Add(const YAML::Mark& mark, Node node, YAML::anchor_t anchor) {
    if (++nodes_ > kMaxDocumentNodes) throw YAML::ParserException(mark, "the file, with its aliases, is too large");
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Node::Kind::kList) {
      level.node.items.push_back(std::move(node));
    } else if (!level.key) {
      if (node.kind != Node::Kind::kScalar) throw YAML::ParserException(mark, "a key must be plain text");
      level.key = std::move(node);
    } else {
      AddEntry(&level, std::move(node));
    }
  }

  void AddEntry(Level* level, Node value) {
    Node key = std::move(*level->key);
    level->key.reset();
    if (value.kind == Node::Kind::kNull) value.place = key.place;  // yaml-cpp gives that of what comes next
    if (level->keys.insert(key.text).second) {
      level->node.entries.push_back({.key = std::move(key.text), .place = key.place, .value = std::move(value)});
      return;
    }
    problems_.Add(key.place, "the key '" + ShownKey(key.text) + "' is given twice, first in line " +
                                 std::to_string(level->node.FindEntry(key.text)->place.line));
  }

  const Environment& environment_;
  Problems& problems_;
  std::optional<Node> root_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Node> anchors_;
  int nodes_ = 0;
};

/// The column of a tab in the indentation of the line; 0 = none. What yaml-cpp says of one depends on what surrounds
/// it.
int TabInFront(std::string_view text, const YAML::Mark& mark) {
  if (mark.is_null()) return 0;
  for (int line = 0; line < mark.line; ++line) {
    const size_t end = text.find('\n');
    if (end == text.npos) return 0;
    text.remove_prefix(end + 1);
  }
  const size_t tab = text.find('\t');
  return tab != text.npos && text.find_first_not_of(" \t") > tab ? static_cast<int>(tab) + 1 : 0;
}

}  // namespace

std::optional<Node> ReadYaml(std::string_view text, const Environment& environment, Problems* problems) {
  TreeBuilder tree(environment, problems);
  try {
    std::istringstream stream(HideVariables(std::string(text)));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(tree)) {
    }
  } catch (const YAML::Exception& error) {
    std::string message = error.msg;
    // Newer versions of yaml-cpp print the name, which may be the rest of a password.
    if (message.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
      message = "an alias of nothing; a value that begins with '*' must stand in quotes";
    }
    Place place = PlaceOf(error.mark);
    if (const int column = TabInFront(text, error.mark); column > 0) {
      place.column = column;
      message = "here is a tab, and YAML is indented by spaces";
    }
    problems->Add(place, message);
    return std::nullopt;
  }
  if (!tree.root() || tree.root()->kind == Node::Kind::kNull) {
    problems->Add({}, "the file is empty");
    return std::nullopt;
  }
  return std::move(tree.root());
}

}  // namespace godwit
