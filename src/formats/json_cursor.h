// JSON, token by token, strictly: what the text formats need to take values without a loss. Numbers stay text.
#pragma once

#include <string>
#include <string_view>

#include "formats/plain_float.h"

namespace godwit {

/// Goes through one text. A call that fails leaves `error()` and must be the last one. UTF-8 is not checked here. Not
/// thread-safe.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : in_(text.data()), end_(text.data() + text.size()) {}

  /// The next byte after white space; 0 at the end.
  char Peek() {
    while (in_ < end_ && (*in_ == ' ' || *in_ == '\t' || *in_ == '\n' || *in_ == '\r')) ++in_;
    return in_ < end_ ? *in_ : '\0';
  }
  /// Takes `c` when it comes next.
  bool Take(char c) {
    if (Peek() != c || in_ == end_) return false;
    ++in_;
    return true;
  }
  /// A number as it is written; its grammar is checked.
  bool TakeNumber(std::string_view* token);
  /// A float as ReadPlainFloat takes it; false, without an error, where it has to be taken as a number or a string.
  bool TakePlainFloat(float* value) {
    Peek();
    const size_t size = ReadPlainFloat({in_, static_cast<size_t>(end_ - in_)}, value);
    in_ += size;
    return size > 0;
  }
  /// A string without its escapes. The view is that of the text, or of `scratch` where there are escapes.
  bool TakeString(std::string* scratch, std::string_view* text);
  /// true, false, null.
  bool TakeWord(std::string_view word);
  /// Any value, checked, as it is written.
  bool TakeValue(std::string_view* text);
  /// Nothing but white space is left.
  bool AtEnd() { return Peek() == 0 && in_ == end_; }

  const std::string& error() const { return error_; }

 private:
  bool SkipValue(int depth);
  bool SkipMembers(int depth);
  bool TakeHex4(unsigned* code);
  bool TakeEscape(std::string* out);
  bool Fail(const char* why);

  const char* in_;
  const char* end_;
  std::string error_;
};

}  // namespace godwit
