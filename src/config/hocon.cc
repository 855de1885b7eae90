// HOCON by its public specification. cpp-hocon, the one C++ library for it, is no longer kept and loses the place of
// values in merged objects, which every error of ours has to name.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <utility>

#include "config/document.h"

namespace godwit {
namespace {

struct Value;

/// One part of a value that is written as several parts side by side.
struct Part {
  enum class Kind { kText, kReference, kValue };
  Kind kind = Kind::kText;
  std::string text;              // text, or the path of a reference
  bool quoted = false;
  bool optional = false;         // ${?path}
  std::shared_ptr<Value> value;  // an object or a list
};

/// A value before its references are looked up.
struct Value {
  enum class Kind { kObject, kList, kParts };
  struct Member {
    std::string key;
    Place place;
    std::shared_ptr<Value> value;
  };

  Kind kind = Kind::kParts;
  Place place;
  std::vector<Member> members;
  std::vector<std::shared_ptr<Value>> items;
  std::vector<Part> parts;
  std::shared_ptr<Value> before;  // what an earlier `key = ...` said, for merging, += and ${?key} of itself
};

using ValuePtr = std::shared_ptr<Value>;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool MayStandUnquoted(char c) {
  static constexpr std::string_view kReserved = "$\"{}[]:=,+#`^?!@*&\\\n";
  return !IsSpace(c) && kReserved.find(c) == std::string_view::npos;
}

void AppendUtf8(uint32_t code, std::string* out) {
  auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  }
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  arrow::Result<ValuePtr> Parse() {
    auto root = std::make_shared<Value>();
    root->kind = Value::Kind::kObject;
    root->place = Here();
    SkipBlank();
    bool braces = Peek() == '{';
    if (braces) Next();
    ARROW_RETURN_NOT_OK(ParseMembers(root.get(), braces ? '}' : '\0', 1));
    SkipBlank();
    if (at_ < text_.size()) return Fail("more text after the end of the file's object");
    return root;
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  char Next() {
    char c = text_[at_++];
    column_ = c == '\n' ? 1 : column_ + 1;
    if (c == '\n') ++line_;
    return c;
  }
  bool AtEnd() const { return at_ >= text_.size(); }
  Place Here() const { return {line_, column_}; }
  bool AtComment() const { return Peek() == '#' || (Peek() == '/' && Peek(1) == '/'); }

  arrow::Status Fail(std::string message) const { return FailAt(Here(), std::move(message)); }
  arrow::Status FailAt(Place place, std::string message) const {
    return MakeError(ErrorKind::kInvalidConfig, std::move(message), WhereIn(file_, place));
  }

  void SkipSpaces() {
    while (!AtEnd() && IsSpace(Peek())) Next();
  }

  /// Spaces, line breaks and comments; true when there was a line break.
  bool SkipBlank() {
    bool line_break = false;
    while (!AtEnd()) {
      if (AtComment()) {
        while (!AtEnd() && Peek() != '\n') Next();
      } else if (Peek() == '\n' || IsSpace(Peek())) {
        line_break |= Next() == '\n';
      } else {
        break;
      }
    }
    return line_break;
  }

  /// After a member or an item: a comma, a line break or the end must follow.
  arrow::Status Separator(char end) {
    bool line_break = SkipBlank();
    if (Peek() == ',') {
      Next();
      SkipBlank();
      return arrow::Status::OK();
    }
    if (line_break || AtEnd() || Peek() == end) return arrow::Status::OK();
    return Fail(std::string("unexpected '") + Peek() + "'; quote the value, or begin a new line");
  }

  arrow::Status ParseMembers(Value* object, char end, int depth) {
    if (depth > kMaxDocumentDepth) return Fail("the file is nested too deeply");
    SkipBlank();
    while (true) {
      if (AtEnd()) return end == '\0' ? arrow::Status::OK() : Fail("'}' is missing before the end of the file");
      if (Peek() == '}') {
        if (end != '}') return Fail("'}' without '{'");
        Next();
        return arrow::Status::OK();
      }
      ARROW_RETURN_NOT_OK(ParseMember(object, depth));
      ARROW_RETURN_NOT_OK(Separator(end));
    }
  }

  arrow::Status ParseMember(Value* object, int depth) {
    Place place = Here();
    ARROW_ASSIGN_OR_RAISE(auto path, ParsePath());
    SkipBlank();
    bool append = Peek() == '+' && Peek(1) == '=';
    if (append) Next();
    if (Peek() == '=' || Peek() == ':') {
      Next();
      SkipBlank();
    } else if (Peek() != '{') {
      return FailAt(place, "the key '" + path.back() + "' has no value: write key = value or key { ... }");
    }
    ARROW_ASSIGN_OR_RAISE(ValuePtr value, ParseValue(depth));
    if (append) value = AsAppendedItem(std::move(value));
    for (size_t i = path.size() - 1; i > 0; --i) {
      auto outer = std::make_shared<Value>();
      outer->kind = Value::Kind::kObject;
      outer->place = place;
      outer->members.push_back({path[i], place, std::move(value)});
      value = std::move(outer);
    }
    Put(object, path[0], place, std::move(value));
    return arrow::Status::OK();
  }

  static ValuePtr AsAppendedItem(ValuePtr item) {
    auto list = std::make_shared<Value>();
    list->kind = Value::Kind::kList;
    list->place = item->place;
    list->items.push_back(std::move(item));
    auto sum = std::make_shared<Value>();
    sum->place = list->place;
    sum->parts.push_back({.kind = Part::Kind::kReference, .text = {}, .optional = true});  // itself, as it was before
    sum->parts.push_back({.kind = Part::Kind::kValue, .text = {}, .value = std::move(list)});
    return sum;
  }

  /// A later object is merged into an earlier one; anything else replaces it.
  static void Put(Value* object, const std::string& key, Place place, ValuePtr value) {
    for (Value::Member& member : object->members) {
      if (member.key != key) continue;
      if (member.value->kind == Value::Kind::kObject && value->kind == Value::Kind::kObject) {
        for (Value::Member& inner : value->members) Put(member.value.get(), inner.key, inner.place, inner.value);
        return;
      }
      value->before = member.value;
      member.place = place;
      member.value = std::move(value);
      return;
    }
    object->members.push_back({key, place, std::move(value)});
  }

  arrow::Result<std::vector<std::string>> ParsePath() {
    std::vector<std::string> path;
    std::string segment;
    bool quoted = false;
    while (true) {
      char c = Peek();
      if (c == '"') {
        ARROW_ASSIGN_OR_RAISE(std::string text, ParseQuoted());
        segment += text;
        quoted = true;
      } else if (c == '.') {
        ARROW_RETURN_NOT_OK(EndSegment(&path, &segment, &quoted));
        Next();
      } else if (!AtEnd() && MayStandUnquoted(c) && !AtComment()) {
        segment += Next();
      } else {
        break;
      }
    }
    ARROW_RETURN_NOT_OK(EndSegment(&path, &segment, &quoted));
    if (path.size() == 1 && path[0] == "include" && Peek() != '=') {
      SkipSpaces();
      if (Peek() == '"' || MayStandUnquoted(Peek())) return Fail("include is not offered; write the job in one file");
    }
    return path;
  }

  arrow::Status EndSegment(std::vector<std::string>* path, std::string* segment, bool* quoted) {
    if (segment->empty() && !*quoted) {
      return Fail(AtEnd() ? std::string("a key was expected") : std::string("a key was expected before '") + Peek() + "'");
    }
    if (path->size() >= kMaxDocumentDepth) return Fail("the key has too many parts");
    path->push_back(std::move(*segment));
    segment->clear();
    *quoted = false;
    return arrow::Status::OK();
  }

  arrow::Result<ValuePtr> ParseValue(int depth) {
    auto value = std::make_shared<Value>();
    value->place = Here();
    std::string spaces;  // between two parts; counts only when another part follows
    while (!AtEnd() && !AtComment()) {
      char c = Peek();
      if (IsSpace(c)) {
        spaces += Next();
        continue;
      }
      if (c == '\n' || c == ',' || c == '}' || c == ']') break;
      ARROW_ASSIGN_OR_RAISE(Part part, ParsePart(depth));
      if (!value->parts.empty() && !spaces.empty() && part.kind != Part::Kind::kValue) {
        value->parts.push_back({.kind = Part::Kind::kText, .text = spaces});
      }
      spaces.clear();
      value->parts.push_back(std::move(part));
    }
    if (value->parts.empty()) return Fail("a value was expected");
    if (value->parts.size() == 1 && value->parts[0].kind == Part::Kind::kValue) return value->parts[0].value;
    return value;
  }

  arrow::Result<Part> ParsePart(int depth) {
    char c = Peek();
    if (c == '{' || c == '[') {
      ARROW_ASSIGN_OR_RAISE(ValuePtr value, c == '{' ? ParseObject(depth + 1) : ParseList(depth + 1));
      return Part{.kind = Part::Kind::kValue, .text = {}, .value = std::move(value)};
    }
    if (c == '$' && Peek(1) == '{') return ParseReference();
    if (c == '"') {
      ARROW_ASSIGN_OR_RAISE(std::string text, ParseQuoted());
      return Part{.kind = Part::Kind::kText, .text = std::move(text), .quoted = true};
    }
    if (!MayStandUnquoted(c)) return Fail(std::string("unexpected '") + c + "'; put the value into quotes");
    Part part;
    while (!AtEnd() && MayStandUnquoted(Peek()) && !AtComment()) part.text += Next();
    return part;
  }

  arrow::Result<ValuePtr> ParseObject(int depth) {
    auto object = std::make_shared<Value>();
    object->kind = Value::Kind::kObject;
    object->place = Here();
    Next();
    ARROW_RETURN_NOT_OK(ParseMembers(object.get(), '}', depth));
    return object;
  }

  arrow::Result<ValuePtr> ParseList(int depth) {
    if (depth > kMaxDocumentDepth) return Fail("the file is nested too deeply");
    auto list = std::make_shared<Value>();
    list->kind = Value::Kind::kList;
    list->place = Here();
    Next();
    SkipBlank();
    while (Peek() != ']') {
      if (AtEnd()) return Fail("']' is missing before the end of the file");
      ARROW_ASSIGN_OR_RAISE(ValuePtr item, ParseValue(depth));
      list->items.push_back(std::move(item));
      ARROW_RETURN_NOT_OK(Separator(']'));
    }
    Next();
    return list;
  }

  arrow::Result<Part> ParseReference() {
    Place place = Here();
    Next(), Next();
    Part part{.kind = Part::Kind::kReference, .text = {}};
    if (Peek() == '?') {
      part.optional = true;
      Next();
    }
    while (!AtEnd() && Peek() != '}' && Peek() != '\n') part.text += Next();
    if (Peek() != '}' || part.text.empty()) return FailAt(place, "a reference is written ${name} or ${?name}");
    Next();
    return part;
  }

  arrow::Result<std::string> ParseQuoted() {
    Place place = Here();
    if (Peek(1) == '"' && Peek(2) == '"') return ParseTripleQuoted();
    Next();
    std::string text;
    while (true) {
      if (AtEnd() || Peek() == '\n') return FailAt(place, "the closing '\"' is missing");
      char c = Next();
      if (c == '"') return text;
      if (c != '\\') {
        text += c;
        continue;
      }
      ARROW_RETURN_NOT_OK(ParseEscape(&text));
    }
  }

  arrow::Result<std::string> ParseTripleQuoted() {
    Place place = Here();
    Next(), Next(), Next();
    std::string text;
    while (!(Peek() == '"' && Peek(1) == '"' && Peek(2) == '"' && Peek(3) != '"')) {
      if (AtEnd()) return FailAt(place, "the closing '\"\"\"' is missing");
      text += Next();
    }
    Next(), Next(), Next();
    return text;
  }

  arrow::Status ParseEscape(std::string* text) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    char c = AtEnd() ? '\0' : Next();
    if (size_t i = kNames.find(c); i != kNames.npos && c != '\0') {
      *text += kValues[i];
      return arrow::Status::OK();
    }
    uint32_t code = 0;
    if (c != 'u' || !ParseHex4(&code)) return Fail("unknown escape in a quoted text; write \\\\ for a backslash");
    if (code >= 0xd800 && code < 0xdc00 && Peek() == '\\' && Peek(1) == 'u') {
      Next(), Next();
      uint32_t low = 0;
      if (!ParseHex4(&low) || low < 0xdc00 || low > 0xdfff) return Fail("half of a surrogate pair in a quoted text");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code < 0xe000) return Fail("half of a surrogate pair in a quoted text");
    AppendUtf8(code, text);
    return arrow::Status::OK();
  }

  bool ParseHex4(uint32_t* code) {
    *code = 0;
    for (int i = 0; i < 4; ++i) {
      char c = Peek();
      if (!std::isxdigit(static_cast<unsigned char>(c))) return false;
      *code = *code * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
      Next();
    }
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

/// Looks references up and joins the parts of values.
class Resolver {
 public:
  Resolver(const Value& root, const std::string& file, const Environment& environment)
      : root_(root), file_(file), environment_(environment) {}

  /// nullopt: the value is an optional reference to nothing, and the key is as if it had not been written.
  arrow::Result<std::optional<Node>> Resolve(const Value& value) {
    if (std::find(open_.begin(), open_.end(), &value) != open_.end() || ++steps_ > kMaxSteps) {
      return Fail(value.place, "the value refers to itself");
    }
    open_.push_back(&value);
    auto node = ResolveKind(value);
    open_.pop_back();
    return node;
  }

 private:
  static constexpr int kMaxSteps = 200'000;

  arrow::Result<std::optional<Node>> ResolveKind(const Value& value) {
    Node node;
    node.place = value.place;
    if (value.kind == Value::Kind::kParts) return ResolveParts(value);
    if (value.kind == Value::Kind::kList) {
      node.kind = Node::Kind::kList;
      for (const ValuePtr& item : value.items) {
        ARROW_ASSIGN_OR_RAISE(auto child, Resolve(*item));
        if (child) node.items.push_back(std::move(*child));
      }
      return node;
    }
    node.kind = Node::Kind::kMap;
    for (const Value::Member& member : value.members) {
      ARROW_ASSIGN_OR_RAISE(auto child, Resolve(*member.value));
      if (!child && member.value->before) {
        ARROW_ASSIGN_OR_RAISE(child, Resolve(*member.value->before));
      }
      if (child) node.entries.push_back({member.key, member.place, std::move(*child)});
    }
    return node;
  }

  arrow::Result<std::optional<Node>> ResolveParts(const Value& value) {
    std::optional<Node> sum;
    bool quoted = false;
    for (const Part& part : value.parts) {
      ARROW_ASSIGN_OR_RAISE(auto next, ResolvePart(value, part));
      quoted |= part.quoted;
      if (!next) continue;
      if (!sum) {
        sum = std::move(next);
        sum->place = value.place;
        continue;
      }
      ARROW_RETURN_NOT_OK(Join(value, std::move(*next), &*sum));
    }
    if (sum && sum->kind == Node::Kind::kScalar && sum->text == "null" && !quoted) sum->kind = Node::Kind::kNull;
    return sum;
  }

  arrow::Result<std::optional<Node>> ResolvePart(const Value& value, const Part& part) {
    if (part.kind == Part::Kind::kText) {
      Node node;
      node.kind = Node::Kind::kScalar;
      node.text = part.text;
      node.place = value.place;
      return node;
    }
    if (part.kind == Part::Kind::kValue) return Resolve(*part.value);
    if (part.text.empty()) {  // of +=
      if (!value.before) return std::nullopt;
      return Resolve(*value.before);
    }
    return Lookup(value, part);
  }

  arrow::Result<std::optional<Node>> Lookup(const Value& value, const Part& part) {
    if (const Value* found = Find(part.text); found == &value && value.before) {
      return Resolve(*value.before);
    } else if (found != nullptr && found != &value) {
      ARROW_ASSIGN_OR_RAISE(auto node, Resolve(*found));
      if (node) return node;
    }
    if (std::optional<std::string> variable = environment_(part.text)) {
      Node node;
      node.kind = Node::Kind::kScalar;
      node.text = std::move(*variable);
      return node;
    }
    if (part.optional) return std::nullopt;
    return Fail(value.place, "${" + part.text + "} is neither in the file nor in the environment");
  }

  const Value* Find(std::string_view path) const {
    const Value* value = &root_;
    while (!path.empty()) {
      std::string_view key = path.substr(0, path.find('.'));
      path.remove_prefix(std::min(path.size(), key.size() + 1));
      auto member = std::find_if(value->members.begin(), value->members.end(),
                                 [&](const Value::Member& m) { return m.key == key; });
      if (member == value->members.end()) return nullptr;
      value = member->value.get();
    }
    return value;
  }

  arrow::Status Join(const Value& value, Node next, Node* sum) {
    if (sum->kind == Node::Kind::kScalar && next.kind == Node::Kind::kScalar) {
      sum->text += next.text;
      return arrow::Status::OK();
    }
    if (sum->kind == Node::Kind::kList && next.kind == Node::Kind::kList) {
      for (Node& item : next.items) sum->items.push_back(std::move(item));
      return arrow::Status::OK();
    }
    if (sum->kind == Node::Kind::kMap && next.kind == Node::Kind::kMap) {
      for (Node::Entry& entry : next.entries) {
        std::erase_if(sum->entries, [&](const Node::Entry& e) { return e.key == entry.key; });
        sum->entries.push_back(std::move(entry));
      }
      return arrow::Status::OK();
    }
    return Fail(value.place, "text, lists and objects can't be joined with each other; quote the text");
  }

  arrow::Status Fail(Place place, std::string message) const {
    return MakeError(ErrorKind::kInvalidConfig, std::move(message), WhereIn(file_, place));
  }

  const Value& root_;
  const std::string& file_;
  const Environment& environment_;
  std::vector<const Value*> open_;
  int steps_ = 0;
};

}  // namespace

arrow::Result<Node> ReadHocon(std::string_view text, const std::string& file, const Environment& environment) {
  ARROW_ASSIGN_OR_RAISE(ValuePtr root, Parser(text, file).Parse());
  ARROW_ASSIGN_OR_RAISE(auto node, Resolver(*root, file, environment).Resolve(*root));
  return *node;
}

}  // namespace godwit
