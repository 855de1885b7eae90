#include "formats/json_cursor.h"

#include <cstdint>

namespace godwit {
namespace {

constexpr int kMaxDepth = 1000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void PutUtf8(unsigned code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    *out += static_cast<char>(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      *out += static_cast<char>(0xe0 | code >> 12);
    } else {
      *out += static_cast<char>(0xf0 | code >> 18);
      *out += static_cast<char>(0x80 | (code >> 12 & 63));
    }
    *out += static_cast<char>(0x80 | (code >> 6 & 63));
  }
  *out += static_cast<char>(0x80 | (code & 63));
}

}  // namespace

bool JsonCursor::Fail(const char* why) {
  if (error_.empty()) error_ = why;
  return false;
}

bool JsonCursor::TakeNumber(std::string_view* token) {
  Peek();
  const char* in = in_;  // in a register
  const char* const end = end_;
  if (in < end && *in == '-') ++in;
  if (in == end || !IsDigit(*in)) return Fail("a number is expected");
  const char* const digits = in;
  while (in < end && IsDigit(*in)) ++in;
  if (*digits == '0' && in - digits > 1) return Fail("a number begins with 0");
  if (in < end && *in == '.') {
    ++in;
    if (in == end || !IsDigit(*in)) return Fail("digits are missing after the point");
    while (in < end && IsDigit(*in)) ++in;
  }
  if (in < end && (*in == 'e' || *in == 'E')) {
    ++in;
    if (in < end && (*in == '+' || *in == '-')) ++in;
    if (in == end || !IsDigit(*in)) return Fail("digits are missing in the exponent");
    while (in < end && IsDigit(*in)) ++in;
  }
  *token = {in_, static_cast<size_t>(in - in_)};
  in_ = in;
  return true;
}

bool JsonCursor::TakeString(std::string* scratch, std::string_view* text) {
  if (!Take('"')) return Fail("a string is expected");
  const char* begin = in_;
  bool escaped = false;
  while (true) {
    while (in_ < end_ && *in_ != '"' && *in_ != '\\' && static_cast<uint8_t>(*in_) >= 0x20) ++in_;
    if (in_ == end_) return Fail("a string has no end");
    if (*in_ == '"') break;
    if (*in_ != '\\') return Fail("a control character in a string");
    if (!escaped) scratch->clear();
    escaped = true;
    scratch->append(begin, in_);
    ++in_;
    if (!TakeEscape(scratch)) return false;
    begin = in_;
  }
  if (escaped) scratch->append(begin, in_);
  *text = escaped ? std::string_view(*scratch) : std::string_view(begin, static_cast<size_t>(in_ - begin));
  ++in_;
  return true;
}

bool JsonCursor::TakeEscape(std::string* out) {
  if (in_ == end_) return Fail("a string has no end");
  switch (*in_++) {
    case '"':
      *out += '"';
      return true;
    case '\\':
      *out += '\\';
      return true;
    case '/':
      *out += '/';
      return true;
    case 'b':
      *out += '\b';
      return true;
    case 'f':
      *out += '\f';
      return true;
    case 'n':
      *out += '\n';
      return true;
    case 'r':
      *out += '\r';
      return true;
    case 't':
      *out += '\t';
      return true;
    case 'u': {
      unsigned code = 0;
      if (!TakeHex4(&code)) return false;
      if (code >= 0xd800 && code < 0xdc00) {
        unsigned low = 0;
        if (end_ - in_ < 2 || in_[0] != '\\' || in_[1] != 'u') return Fail("half of a character in a string");
        in_ += 2;
        if (!TakeHex4(&low)) return false;
        if (low < 0xdc00 || low > 0xdfff) return Fail("half of a character in a string");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else if (code >= 0xdc00 && code < 0xe000) {
        return Fail("half of a character in a string");
      }
      PutUtf8(code, out);
      return true;
    }
    default:
      return Fail("an unknown escape in a string");
  }
}

bool JsonCursor::TakeHex4(unsigned* code) {
  if (end_ - in_ < 4) return Fail("four hex digits are expected after \\u");
  for (int i = 0; i < 4; ++i) {
    const char c = *in_++;
    unsigned digit = 0;
    if (IsDigit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return Fail("four hex digits are expected after \\u");
    }
    *code = *code << 4 | digit;
  }
  return true;
}

bool JsonCursor::TakeWord(std::string_view word) {
  Peek();
  if (static_cast<size_t>(end_ - in_) < word.size() || std::string_view(in_, word.size()) != word) return false;
  in_ += word.size();
  return true;
}

bool JsonCursor::TakeValue(std::string_view* text) {
  Peek();
  const char* const begin = in_;
  if (!SkipValue(0)) return false;
  *text = {begin, static_cast<size_t>(in_ - begin)};
  return true;
}

bool JsonCursor::SkipValue(int depth) {
  if (depth > kMaxDepth) return Fail("the values lie too deep in each other");
  std::string_view ignored;
  switch (Peek()) {
    case '{':
      ++in_;
      return SkipMembers(depth);
    case '[':
      ++in_;
      if (Take(']')) return true;
      do {
        if (!SkipValue(depth + 1)) return false;
      } while (Take(','));
      return Take(']') || Fail("a comma or ] is expected");
    case '"':
      // Escapes are checked one by one, and what they give is thrown away.
      ++in_;
      while (true) {
        while (in_ < end_ && *in_ != '"' && *in_ != '\\' && static_cast<uint8_t>(*in_) >= 0x20) ++in_;
        if (in_ == end_) return Fail("a string has no end");
        if (*in_ == '"') break;
        if (*in_ != '\\') return Fail("a control character in a string");
        ++in_;
        if (in_ == end_) return Fail("a string has no end");
        const char c = *in_++;
        unsigned code = 0;
        if (c == 'u') {
          if (!TakeHex4(&code)) return false;
        } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
          return Fail("an unknown escape in a string");
        }
      }
      ++in_;
      return true;
    case 't':
      return TakeWord("true") || Fail("a value is expected");
    case 'f':
      return TakeWord("false") || Fail("a value is expected");
    case 'n':
      return TakeWord("null") || Fail("a value is expected");
    default:
      return TakeNumber(&ignored) || (error_ = in_ == end_ ? "a value is missing" : "a value is expected", false);
  }
}

bool JsonCursor::SkipMembers(int depth) {
  if (Take('}')) return true;
  do {
    if (Peek() != '"') return Fail("a key is expected");
    if (!SkipValue(depth + 1)) return false;
    if (!Take(':')) return Fail("a colon is expected");
    if (!SkipValue(depth + 1)) return false;
  } while (Take(','));
  return Take('}') || Fail("a comma or } is expected");
}

}  // namespace godwit
