#include "model/canonical_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace godwit {
namespace {

constexpr int kMaxDepth = 1000;
// Far beyond any real number, and far enough from the end of int64 to be added to a length.
constexpr int64_t kMaxExponent = 1'000'000'000'000'000'000;

// True when each of eight bytes stands for itself in a JSON string: ASCII, no control, quote or backslash.
bool IsPlain(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  uint64_t quote = bytes ^ (kOnes * '"');
  uint64_t backslash = bytes ^ (kOnes * '\\');
  // x - kOnes * n has the high bit set in a byte that was below n; a borrow from there can only add false alarms.
  uint64_t odd = (bytes - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | bytes;
  return (odd & kHighs) == 0;
}

bool IsPlain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// The two characters of a short escape are a backslash and the letter at the place of the control character here.
constexpr std::string_view kShortEscapes = "\b\t\n\f\r\"\\";
constexpr std::string_view kShortLetters = "btnfr\"\\";

bool IsHighSurrogate(unsigned code) { return code >= 0xd800 && code < 0xdc00; }
bool IsLowSurrogate(unsigned code) { return code >= 0xdc00 && code < 0xe000; }

// Length of the well-formed UTF-8 sequence of two to four bytes at the start of `text`, else 0 (Unicode 15, table 3-7).
size_t Utf8Length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  unsigned lead = byte(0);
  size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                  : lead >= 0xe0 && lead <= 0xef ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
  // The second byte has a smaller range where an overlong form, a surrogate or a value above U+10FFFF would begin.
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (length == 0 || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

arrow::Result<size_t> JsonCanonicalizer::Write(std::string_view json, char* out) {
  begin_ = in_ = json.data();
  end_ = in_ + json.size();
  out_ = out;
  depth_ = 0;
  error_ = nullptr;
  members_.clear();
  if (WriteValue() && in_ != end_) Fail("there is more after the value");
  if (error_ != nullptr) {
    return MakeError(ErrorKind::kCorruptData, fmt::format("invalid JSON at byte {}: {}", in_ - begin_, error_));
  }
  return static_cast<size_t>(out_ - out);
}

// A value with the white space around it.
bool JsonCanonicalizer::WriteValue() {
  SkipSpace();
  bool ok = false;
  switch (in_ == end_ ? '\0' : *in_) {
    case '{':
      ok = WriteObject();
      break;
    case '[':
      ok = WriteArray();
      break;
    case '"':
      ok = WriteString();
      break;
    case 't':
      ok = WriteWord("true");
      break;
    case 'f':
      ok = WriteWord("false");
      break;
    case 'n':
      ok = WriteWord("null");
      break;
    default:
      ok = WriteNumber();
      break;
  }
  SkipSpace();
  return ok;
}

bool JsonCanonicalizer::WriteObject() {
  if (++depth_ > kMaxDepth) return Fail("nested more than 1,000 deep");
  Take('{');
  *out_++ = '{';
  SkipSpace();
  if (!Take('}')) {
    size_t first = members_.size();
    if (!WriteMembers(first) || !SortMembers(first)) return false;
    members_.resize(first);
  }
  *out_++ = '}';
  --depth_;
  return true;
}

// The members from members_[first] on, in the order of the input.
bool JsonCanonicalizer::WriteMembers(size_t first) {
  while (true) {
    SkipSpace();
    if (members_.size() > first) *out_++ = ',';
    char* key = out_;
    if (in_ == end_ || *in_ != '"') return Fail("a key is missing");
    if (!WriteString()) return false;
    auto key_size = static_cast<size_t>(out_ - key);
    SkipSpace();
    if (!Take(':')) return Fail("a colon is missing");
    *out_++ = ':';
    if (!WriteValue()) return false;
    members_.push_back({key, key_size, out_});
    if (Take('}')) return true;
    if (!Take(',')) return Fail("a comma or a closing brace is missing");
  }
}

bool JsonCanonicalizer::SortMembers(size_t first) {
  auto key_of = [](const Member& member) { return std::string_view(member.key + 1, member.key_size - 2); };
  auto less = [&](const Member& a, const Member& b) { return key_of(a) < key_of(b); };
  auto not_less = [&](const Member& a, const Member& b) { return !less(a, b); };
  auto begin = members_.begin() + static_cast<std::ptrdiff_t>(first);
  // Strictly ascending already: what one program wrote often is.
  if (std::adjacent_find(begin, members_.end(), not_less) == members_.end()) return true;

  char* text = begin->key;
  unsorted_.assign(text, out_);
  std::sort(begin, members_.end(), less);
  if (std::adjacent_find(begin, members_.end(), not_less) != members_.end()) return Fail("a key is given twice");
  out_ = text;
  for (auto member = begin; member != members_.end(); ++member) {
    if (member != begin) *out_++ = ',';
    auto size = static_cast<size_t>(member->end - member->key);
    std::memcpy(out_, unsorted_.data() + (member->key - text), size);
    out_ += size;
  }
  return true;
}

bool JsonCanonicalizer::WriteArray() {
  if (++depth_ > kMaxDepth) return Fail("nested more than 1,000 deep");
  Take('[');
  *out_++ = '[';
  SkipSpace();
  if (!Take(']')) {
    while (true) {
      if (!WriteValue()) return false;
      if (Take(']')) break;
      if (!Take(',')) return Fail("a comma or a closing bracket is missing");
      *out_++ = ',';
    }
  }
  *out_++ = ']';
  --depth_;
  return true;
}

bool JsonCanonicalizer::WriteString() {
  Take('"');
  *out_++ = '"';
  while (true) {
    for (uint64_t bytes; end_ - in_ >= 8; in_ += 8, out_ += 8) {
      std::memcpy(&bytes, in_, 8);
      if (!IsPlain(bytes)) break;
      std::memcpy(out_, &bytes, 8);
    }
    while (in_ != end_ && IsPlain(*in_)) *out_++ = *in_++;
    if (in_ == end_) return Fail("a string has no end");
    if (Take('"')) break;
    if (!(*in_ == '\\' ? WriteEscape() : WriteUtf8())) return false;
  }
  *out_++ = '"';
  return true;
}

bool JsonCanonicalizer::WriteEscape() {
  Take('\\');
  if (Take('/')) {
    *out_++ = '/';
    return true;
  }
  if (!Take('u')) {
    if (in_ == end_ || kShortLetters.find(*in_) == kShortLetters.npos) return Fail("an unknown escape");
    *out_++ = '\\';
    *out_++ = *in_++;
    return true;
  }
  unsigned code = 0;
  if (!TakeHex4(&code)) return false;
  if (IsHighSurrogate(code) && end_ - in_ >= 2 && in_[0] == '\\' && in_[1] == 'u') {
    const char* second = in_;
    in_ += 2;
    unsigned low = 0;
    if (!TakeHex4(&low)) return false;
    if (IsLowSurrogate(low)) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else {
      in_ = second;
    }
  }
  PutCodePoint(code);
  return true;
}

bool JsonCanonicalizer::WriteUtf8() {
  size_t length = Utf8Length({in_, static_cast<size_t>(end_ - in_)});
  if (length == 0) return Fail("a control character or a byte that is not UTF-8 in a string");
  std::memcpy(out_, in_, length);
  in_ += length;
  out_ += length;
  return true;
}

// The number as digits without zeros at either end, times a power of ten.
bool JsonCanonicalizer::WriteNumber() {
  bool negative = Take('-');
  const char* whole = in_;
  size_t whole_size = TakeDigits();
  if (whole_size == 0) return Fail("no value");
  if (whole_size > 1 && *whole == '0') return Fail("a number with a zero in front");
  const char* fraction = in_;
  size_t fraction_size = 0;
  if (Take('.')) {
    fraction = in_;
    fraction_size = TakeDigits();
    if (fraction_size == 0) return Fail("a number without digits after the point");
  }

  while (fraction_size > 0 && fraction[fraction_size - 1] == '0') --fraction_size;
  int64_t exponent = -static_cast<int64_t>(fraction_size);
  if (fraction_size == 0) {
    for (; whole_size > 0 && whole[whole_size - 1] == '0'; --whole_size) ++exponent;
  } else if (*whole == '0') {
    whole_size = 0;
    for (; *fraction == '0'; --fraction_size) ++fraction;
  }
  bool zero = whole_size == 0 && fraction_size == 0;
  if (!TakeExponent(zero, &exponent)) return false;
  if (zero) {
    *out_++ = '0';
    return true;
  }
  if (negative) *out_++ = '-';
  out_ = std::copy_n(whole, whole_size, out_);
  out_ = std::copy_n(fraction, fraction_size, out_);
  if (exponent != 0) {
    *out_++ = 'e';
    out_ = std::to_chars(out_, out_ + 20, exponent).ptr;
  }
  return true;
}

// Adds the exponent that may stand at the end of a number. A zero has none, however it is written.
bool JsonCanonicalizer::TakeExponent(bool zero, int64_t* exponent) {
  if (!Take('e') && !Take('E')) return true;
  bool negative = Take('-');
  if (!negative) Take('+');
  const char* digits = in_;
  if (TakeDigits() == 0) return Fail("a number without digits in its exponent");
  int64_t value = 0;
  auto parsed = std::from_chars(digits, in_, value);
  if (zero) return true;
  if (parsed.ec != std::errc() || value > kMaxExponent) return Fail("a number with an exponent beyond 10^18");
  *exponent += negative ? -value : value;
  return true;
}

bool JsonCanonicalizer::WriteWord(std::string_view word) {
  if (!std::string_view(in_, static_cast<size_t>(end_ - in_)).starts_with(word)) return Fail("no value");
  in_ += word.size();
  out_ = std::copy(word.begin(), word.end(), out_);
  return true;
}

void JsonCanonicalizer::SkipSpace() {
  while (in_ != end_ && (*in_ == ' ' || *in_ == '\n' || *in_ == '\r' || *in_ == '\t')) ++in_;
}

bool JsonCanonicalizer::Take(char c) {
  if (in_ == end_ || *in_ != c) return false;
  ++in_;
  return true;
}

size_t JsonCanonicalizer::TakeDigits() {
  const char* first = in_;
  while (in_ != end_ && *in_ >= '0' && *in_ <= '9') ++in_;
  return static_cast<size_t>(in_ - first);
}

bool JsonCanonicalizer::TakeHex4(unsigned* code) {
  const char* last = in_ + std::min<std::ptrdiff_t>(4, end_ - in_);
  auto parsed = std::from_chars(in_, last, *code, 16);
  if (parsed.ec != std::errc() || parsed.ptr != in_ + 4) return Fail("\\u without four hex digits");
  in_ += 4;
  return true;
}

void JsonCanonicalizer::PutCodePoint(unsigned code) {
  auto put = [this](unsigned byte) { *out_++ = static_cast<char>(byte); };
  auto put_tail = [&](int bits) {
    for (; bits >= 0; bits -= 6) put(0x80 | ((code >> bits) & 0x3f));
  };
  if (size_t i = code < 0x80 ? kShortEscapes.find(static_cast<char>(code)) : kShortEscapes.npos;
      i != kShortEscapes.npos) {
    put('\\');
    put(static_cast<unsigned char>(kShortLetters[i]));
  } else if (code < 0x20 || IsHighSurrogate(code) || IsLowSurrogate(code)) {
    out_ = fmt::format_to(out_, "\\u{:04x}", code);
  } else if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put_tail(0);
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put_tail(6);
  } else {
    put(0xf0 | (code >> 18));
    put_tail(12);
  }
}

bool JsonCanonicalizer::Fail(const char* why) {
  if (error_ == nullptr) error_ = why;
  return false;
}

}  // namespace godwit
