// Canonical JSON text into a caller's buffer; see CanonicalJson in model/canonical.h for what is equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/error.h"

namespace godwit {

/// Keeps scratch memory between calls, so that a column costs no allocation a value. Not thread-safe.
class JsonCanonicalizer {
 public:
  /// What Write may touch of its output for `size` bytes of input. A number grows the most: "10" becomes "1e1". The
  /// rest is slack for copies of eight bytes at a time.
  static size_t MaxSize(size_t size) { return 2 * size + 32; }

  /// Writes the canonical text to `out`, which has MaxSize(json.size()) bytes, and returns its length. kCorruptData
  /// says what is wrong at which byte.
  arrow::Result<size_t> Write(std::string_view json, char* out);

 private:
  struct Member {
    char* key;  // with its quotes
    size_t key_size;
    char* end;  // of its value
  };

  bool WriteValue();
  bool WriteObject();
  bool WriteMembers(size_t first);
  bool SortMembers(size_t first);
  bool WriteArray();
  bool WriteString();
  bool WriteEscape();
  bool WriteUtf8();
  bool WriteNumber();
  bool WriteWord(std::string_view word);

  void SkipSpace();
  bool Take(char c);
  size_t TakeDigits();
  bool TakeHex4(unsigned* code);
  bool TakeExponent(bool zero, int64_t* exponent);
  void PutCodePoint(unsigned code);
  bool Fail(const char* why);

  const char* begin_ = nullptr;
  const char* in_ = nullptr;
  const char* end_ = nullptr;
  char* out_ = nullptr;
  int depth_ = 0;
  const char* error_ = nullptr;
  std::vector<Member> members_;  // of the objects that are open, the inner ones last
  std::string unsorted_;
};

}  // namespace godwit
