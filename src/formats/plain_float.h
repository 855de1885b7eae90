// Floats from decimal text, exactly rounded, in half of the time of std::from_chars for the numbers that vectors mostly
// hold, and without looking for their end first.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace godwit {

namespace plain_float {

inline constexpr size_t kMostWhole = 4;                                             // digits before the point
inline constexpr size_t kMostFraction = 15;                                         // and after it
inline constexpr size_t kMostSize = 1 + kMostWhole + 1 + 2 * sizeof(uint64_t) + 1;  // of what is looked at

template <typename T>
constexpr auto MakePowers() {
  std::array<T, kMostFraction + 1> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
inline constexpr auto kPowers = MakePowers<uint64_t>();
inline constexpr auto kDoublePowers = MakePowers<double>();

/// How many of the eight bytes, from the lowest, are digits. `digits` = the bytes xor '0'.
inline size_t CountDigits(uint64_t digits) {
  const uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
  return static_cast<size_t>(std::countr_zero(others)) / 8;
}

/// The number that eight digits are, the first in the lowest byte: of pairs, of fours, of both.
inline uint64_t NumberOf(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  return ((digits & 0x000000ff000000ff) * 0x000f424000000064 +
          (digits >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >>
         32;
}

}  // namespace plain_float

/// Reads a number like -12.345678 at the beginning of `text`, which a comma or a closing bracket or brace has to
/// follow. Returns its size; 0 where it is written in another way, is no number, or only std::from_chars can round it.
inline size_t ReadPlainFloat(std::string_view text, float* value) {
  using namespace plain_float;
  static_assert(std::endian::native == std::endian::little, "eight digits are read as one number");
  std::array<char, kMostSize> copy;
  const char* const begin = text.size() < kMostSize ? copy.data() : text.data();
  if (text.size() < kMostSize) {
    copy.fill(0);
    std::memcpy(copy.data(), text.data(), text.size());
  }
  auto digit = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)) - '0'; };
  auto eight_bytes = [](const char* from) {
    uint64_t bytes;
    std::memcpy(&bytes, from, sizeof(bytes));
    return bytes ^ 0x3030303030303030;
  };

  const bool negative = *begin == '-';
  const char* in = begin + (negative ? 1 : 0);
  const char* const whole_begin = in;
  uint64_t number = digit(*in++);
  if (number > 9) return 0;
  for (; digit(*in) <= 9; ++in) {
    if (in - whole_begin == kMostWhole || number == 0) return 0;  // 01 is no number of JSON
    number = number * 10 + digit(*in);
  }
  size_t places = 0;
  if (*in == '.') {
    ++in;
    // Sixteen bytes, whatever is there: how many of them are digits can't be predicted, so that a branch would cost
    // more than the second half.
    const uint64_t first = eight_bytes(in);
    const uint64_t second = eight_bytes(in + sizeof(first));
    const size_t count = CountDigits(first);
    const size_t more = CountDigits(second) & (count == sizeof(first) ? ~size_t{0} : 0);
    if (count == 0 || more == sizeof(second)) return 0;
    // Zeros before the digits, so that there are eight.
    number = number * kPowers[count] + NumberOf(first << (8 * (8 - count)));
    number = number * kPowers[more] + NumberOf(second << 8 << (8 * (7 - more)));
    places = count + more;
    in += places;
  }
  if (*in != ',' && *in != ']' && *in != '}') return 0;
  // Both are doubles exactly, so that their quotient is the nearest double. To round that again is to round the number
  // itself, but where the double lies just in the middle of two floats.
  if (number >> 53 != 0) return 0;
  const double quotient = static_cast<double>(static_cast<int64_t>(number)) / kDoublePowers[places];
  constexpr uint64_t kBelowFloat = (uint64_t{1} << 29) - 1;
  if ((std::bit_cast<uint64_t>(quotient) & kBelowFloat) == (kBelowFloat + 1) / 2) return 0;
  const auto rounded = static_cast<float>(quotient);
  *value = std::bit_cast<float>(std::bit_cast<uint32_t>(rounded) | static_cast<uint32_t>(negative) << 31);
  return static_cast<size_t>(in - begin);
}

}  // namespace godwit
