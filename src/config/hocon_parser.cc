#include <algorithm>
#include <cctype>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "config/hocon.h"

namespace godwit::hocon {
namespace {

/// A later object is merged into an earlier one, and anything else stands beside it.
void Put(Value* object, std::span<const std::string> path, Place place, Value value) {
  Value::Member* member = FindMember(object, path[0]);
  const bool first = member == nullptr;
  if (first) member = &object->members.emplace_back(Value::Member{.key = path[0], .place = place});
  if (path.size() > 1) {
    Value inner{.kind = Value::Kind::kObject, .place = place};
    Put(&inner, path.subspan(1), place, std::move(value));
    value = std::move(inner);
  }
  const bool literal = value.kind != Value::Kind::kReference && value.kind != Value::Kind::kJoined;
  if (!first && literal) member->again.push_back(place);
  if (first || member->values.back().kind != Value::Kind::kObject || value.kind != Value::Kind::kObject) {
    member->values.push_back(std::move(value));
    return;
  }
  for (Value::Member& inner : value.members) {
    for (Value& each : inner.values) Put(&member->values.back(), {&inner.key, 1}, inner.place, std::move(each));
  }
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

bool MayStandUnquoted(char c) {
  static constexpr std::string_view kReserved = "$\"{}[]:=,+#`^?!@*&\\\n";
  return !IsSpace(c) && kReserved.find(c) == std::string_view::npos;
}

/// Text -> Value. Every Parse... returns false when the syntax is wrong, and has added the problem.
class Parser {
 public:
  Parser(std::string_view text, const Environment& environment, Problems* problems)
      : text_(text), environment_(environment), problems_(*problems) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  bool Run(Value* root) {
    root->kind = Value::Kind::kObject;
    SkipBlank();
    root->place = Here();
    const bool braces = Peek() == '{';
    if (braces) Next();
    if (!ParseMembers(root, braces, 1)) return false;
    SkipBlank();
    return AtEnd() || Fail("more text after the end of the file's object");
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool AtEnd() const { return at_ >= text_.size(); }
  bool AtComment() const { return Peek() == '#' || (Peek() == '/' && Peek(1) == '/'); }
  bool AtText() const { return !AtEnd() && MayStandUnquoted(Peek()) && !AtComment(); }
  Place Here() const { return {line_, column_}; }
  char Next() {
    const char c = text_[at_++];
    column_ = c == '\n' ? 1 : column_ + 1;
    line_ += c == '\n' ? 1 : 0;
    return c;
  }
  void Skip(int count) {
    for (; count > 0; --count) Next();
  }

  bool Fail(std::string message) { return FailAt(Here(), std::move(message)); }
  bool FailAt(Place place, std::string message) {
    problems_.Add(place, std::move(message));
    return false;
  }
  bool FailHere(const std::string& hint) {
    const char c = Peek();
    if (AtEnd()) return Fail("the file ends too early; " + hint);
    return Fail((c > ' ' && c < 127 ? std::string("unexpected '") + c + "'; " : "unexpected character; ") + hint);
  }

  void SkipSpaces() {
    while (!AtEnd() && IsSpace(Peek())) Next();
  }

  /// Spaces, line breaks and comments; true when there was a line break.
  bool SkipBlank() {
    const int line = line_;
    while (!AtEnd()) {
      if (AtComment()) {
        while (!AtEnd() && Peek() != '\n') Next();
      } else if (Peek() == '\n' || IsSpace(Peek())) {
        Next();
      } else {
        break;
      }
    }
    return line_ > line;
  }

  /// True at `key =`, `key : ` or `key {` of the same line.
  bool AtMember() const {
    size_t at = at_;
    auto peek = [&] { return at < text_.size() ? text_[at] : '\0'; };
    while (at < text_.size() && (MayStandUnquoted(peek()) || peek() == '"')) {
      const bool quoted = peek() == '"';
      ++at;
      while (quoted && at < text_.size() && peek() != '\n' && peek() != '"') at += peek() == '\\' ? 2 : 1;
      if (quoted) ++at;
    }
    if (at == at_) return false;
    while (IsSpace(peek())) ++at;
    return peek() == '=' || peek() == ':' || peek() == '{' || (peek() == '+' && text_.substr(at).starts_with("+="));
  }

  /// After a member or an item: a comma, a line break or the end.
  bool ParseSeparator(char end) {
    const bool line_break = SkipBlank();
    if (Peek() == ',') {
      Next();
      SkipBlank();
      return true;
    }
    if (line_break || AtEnd() || Peek() == end || (end == '}' && AtMember())) return true;
    return FailHere("put the value into quotes, or begin a new line");
  }

  bool ParseMembers(Value* object, bool braces, int depth) {
    if (depth > kMaxDocumentDepth) return Fail("the file is nested too deeply");
    SkipBlank();
    while (true) {
      if (AtEnd()) return !braces || FailAt(object->place, "the '}' to this '{' is missing");
      if (Peek() == '}') {
        if (!braces) return Fail("'}' without '{'");
        Next();
        return true;
      }
      if (!ParseMember(object, depth) || !ParseSeparator('}')) return false;
    }
  }

  bool ParseMember(Value* object, int depth) {
    const Place place = Here();
    if (AtInclude()) return Fail("include is not offered; write the job in one file");
    std::vector<std::string> path;
    if (!ParsePath(&path)) return false;
    SkipBlank();
    const bool append = Peek() == '+' && Peek(1) == '=';
    if (append) Next();
    if (Peek() == '=' || Peek() == ':') {
      Next();
      SkipBlank();
    } else if (Peek() != '{') {
      return FailAt(place, "a key without a value: write key = value or key { ... }");
    }
    Value value;
    if (!ParseValue(&value, '}', depth)) return false;
    Put(object, path, place, append ? Appended(std::move(value)) : std::move(value));
    return true;
  }

  bool AtInclude() const {
    std::string_view rest = text_.substr(at_);
    if (!rest.starts_with("include")) return false;
    rest.remove_prefix(7);
    while (!rest.empty() && IsSpace(rest[0])) rest.remove_prefix(1);
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"\"", "file(", "url(", "classpath(", "required("},
        [&](std::string_view start) { return rest.starts_with(start); });
  }

  /// `key += x` is `key = ${?key} [x]`, where ${?key} is what the key was before.
  static Value Appended(Value item) {
    Value list{.kind = Value::Kind::kList, .place = item.place};
    Value sum{.kind = Value::Kind::kJoined, .place = item.place};
    list.items.push_back(std::move(item));
    sum.items.push_back({.kind = Value::Kind::kReference, .place = sum.place, .optional = true});
    sum.items.push_back(std::move(list));
    return sum;
  }

  /// Keys between dots. Spaces inside of a key belong to it.
  bool ParsePath(std::vector<std::string>* path) {
    std::string key;
    std::string spaces;
    bool quoted = false;
    auto end_key = [&] {
      if (key.empty() && !quoted) return FailHere("a key was expected");
      if (path->size() >= kMaxDocumentDepth) return Fail("the key has too many parts");
      path->push_back(std::exchange(key, {}));
      quoted = false;
      return true;
    };
    while (true) {
      if (!AtEnd() && IsSpace(Peek())) {
        spaces += Next();
        continue;
      }
      if (Peek() == '.') {
        if (!end_key()) return false;
        Next();
      } else if (Peek() == '"' || AtText()) {
        if (!key.empty() || quoted) key += spaces;
        quoted |= Peek() == '"';
        if (Peek() != '"') {
          key += Next();
        } else if (!ParseQuoted(&key)) {
          return false;
        }
      } else {
        return end_key();
      }
      spaces.clear();
    }
  }

  /// Up to a comma, a line break, `end` or the next member.
  bool ParseValue(Value* value, char end, int depth) {
    *value = {.kind = Value::Kind::kJoined, .place = Here()};
    std::string spaces;
    while (!AtEnd() && !AtComment() && Peek() != '\n' && Peek() != ',' && Peek() != '}' && Peek() != ']') {
      if (IsSpace(Peek())) {
        spaces += Next();
        continue;
      }
      if (end == '}' && !value->items.empty() && AtMember()) break;
      if (!value->items.empty() && !spaces.empty()) {
        Value space{.kind = Value::Kind::kSpace, .place = Here()};
        space.text.kind = Node::Kind::kScalar;
        space.text.text = std::exchange(spaces, {});
        value->items.push_back(std::move(space));
      }
      if (!ParsePart(&value->items.emplace_back(), depth)) return false;
    }
    if (value->items.empty()) return FailHere("a value was expected");
    if (++values_ > kMaxDocumentNodes) return Fail("the file is too large");
    if (value->items.size() == 1) *value = Value(std::move(value->items[0]));
    return true;
  }

  bool ParsePart(Value* part, int depth) {
    part->place = part->text.place = Here();
    const char c = Peek();
    if (c == '{' || c == '[') {
      part->kind = c == '{' ? Value::Kind::kObject : Value::Kind::kList;
      Next();
      return c == '{' ? ParseMembers(part, true, depth + 1) : ParseItems(part, depth + 1);
    }
    if (c == '$' && Peek(1) == '{') return ParseReference(part);
    std::string text;
    if (c == '"') {
      if (!ParseQuoted(&text)) return false;
      SetText(std::move(text), environment_, &part->text, &problems_);
      return true;
    }
    if (!AtText()) return FailHere("put the value into quotes");
    while (AtText() || AtExponent(text)) text += Next();
    part->text.kind = text == "null" ? Node::Kind::kNull : Node::Kind::kScalar;
    part->text.text = std::move(text);
    return true;
  }

  /// The '+' of 1e+5, the only one that may stand unquoted.
  bool AtExponent(std::string_view text) const {
    if (Peek() != '+' || text.size() < 2 || (text.back() != 'e' && text.back() != 'E')) return false;
    return text.find_first_not_of("-.0123456789") == text.size() - 1 &&
           std::isdigit(static_cast<unsigned char>(Peek(1)));
  }

  bool ParseItems(Value* list, int depth) {
    if (depth > kMaxDocumentDepth) return Fail("the file is nested too deeply");
    SkipBlank();
    while (Peek() != ']') {
      if (AtEnd()) return FailAt(list->place, "the ']' to this '[' is missing");
      if (!ParseValue(&list->items.emplace_back(), ']', depth) || !ParseSeparator(']')) return false;
    }
    Next();
    return true;
  }

  bool ParseReference(Value* part) {
    const size_t begin = at_;
    part->kind = Value::Kind::kReference;
    Skip(2);
    part->optional = Peek() == '?';
    if (part->optional) Next();
    SkipSpaces();
    if (!ParsePath(&part->path)) return false;
    if (Peek() != '}') {
      return FailHere("a reference is written ${name} or ${?name}; with a default, \"${name:default}\" in quotes");
    }
    Next();
    part->shown = text_.substr(begin, at_ - begin);
    return true;
  }

  bool ParseQuoted(std::string* text) {
    if (Peek(1) == '"' && Peek(2) == '"') return ParseTripleQuoted(text);
    const Place place = Here();
    const size_t begin = at_;
    Next();
    while (Peek() != '"') {
      if (Peek() == '\\') Next();
      if (AtEnd() || Peek() == '\n') return FailAt(place, "the closing '\"' is missing");
      Next();
    }
    Next();
    const auto json = nlohmann::json::parse(text_.substr(begin, at_ - begin), nullptr, false);
    if (!json.is_string()) return FailAt(place, "an unknown escape or a control character; write \\\\ for a backslash");
    *text += json.get_ref<const std::string&>();
    return true;
  }

  /// Raw; of more than three quotes at the end, the first ones belong to the text.
  bool ParseTripleQuoted(std::string* text) {
    const Place place = Here();
    Skip(3);
    while (!(Peek() == '"' && Peek(1) == '"' && Peek(2) == '"' && Peek(3) != '"')) {
      if (AtEnd()) return FailAt(place, "the closing '\"\"\"' is missing");
      *text += Next();
    }
    Skip(3);
    return true;
  }

  std::string_view text_;
  const Environment& environment_;
  Problems& problems_;
  size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  int values_ = 0;
};

}  // namespace

Value::Member* FindMember(Value* object, std::string_view key) {
  auto found =
      std::find_if(object->members.begin(), object->members.end(), [&](const auto& m) { return m.key == key; });
  return found == object->members.end() ? nullptr : &*found;
}

bool Parse(std::string_view text, const Environment& environment, Problems* problems, Value* root) {
  return Parser(text, environment, problems).Run(root);
}

}  // namespace godwit::hocon
