// Floats as decimal text: byte for byte what std::to_chars(value) writes, the shortest text that reads back as the same
// float, in a fifth (registers of 512 bits) to six tenths (128 bits) of its time for the numbers that vectors mostly
// hold.
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace godwit {

/// The texts of some floats, made at once, since one instruction then does its work for several.
class ShortestFloats {
 public:
  static constexpr size_t kCount = 16;
  static constexpr size_t kTextSize = 32;  // room that Put needs, more than what it leaves written

  using Values = std::array<float, kCount>;
  explicit ShortestFloats(const Values& values) { Make(values); }

  /// False where only std::to_chars knows: zero with a sign, what is no number, what it may write with an exponent, and
  /// powers of two below 1.
  bool has(size_t i) const { return other_[i] == 0; }

  /// The text of a value that `has` knows. Returns its end.
  char* Put(size_t i, char* to) const {
    *to = '-';
    to += negative_[i];
    if (whole_[i] < 10) [[likely]] {
      *to++ = static_cast<char>('0' + whole_[i]);
    } else {
      to = std::to_chars(to, to + kTextSize, whole_[i]).ptr;
    }
    if (is_whole_[i] != 0) return to;
    std::memcpy(to, &head_[i], sizeof(head_[i]));
    std::memcpy(to + sizeof(head_[i]), &tail_[i], sizeof(tail_[i]));
    char* end = to + 1 + kMostDigits - std::countl_zero(last_digits_[i]) / 8;
    while (end[-1] == '0') [[unlikely]]  // also the first two digits
      --end;
    return end;
  }

 private:
  static constexpr size_t kMostDigits = 10;  // after the point

  void Make(const Values& values);

  std::array<uint32_t, kCount> other_;
  std::array<uint32_t, kCount> negative_;
  std::array<uint32_t, kCount> whole_;
  std::array<uint32_t, kCount> is_whole_;
  // The point and kMostDigits digits: text in the order of the bytes, little endian.
  std::array<uint64_t, kCount> head_;
  std::array<uint64_t, kCount> tail_;
  std::array<uint64_t, kCount> last_digits_;  // the last eight as numbers, the first of them in the lowest byte
};

}  // namespace godwit
