#include "formats/shortest_float.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace godwit {
namespace {

static_assert(std::endian::native == std::endian::little, "eight digits are written as one number");

constexpr int kMantissaBits = 23;
constexpr uint32_t kHiddenBit = uint32_t{1} << kMantissaBits;

// Where std::to_chars writes no exponent: it takes one where the text becomes shorter.
constexpr float kSmallest = 1e-3f;
constexpr float kBeyondLargest = 1e5f;
constexpr uint32_t kFirstExponent = std::bit_cast<uint32_t>(kSmallest) >> kMantissaBits;
constexpr uint32_t kLastExponent = std::bit_cast<uint32_t>(kBeyondLargest) >> kMantissaBits;
constexpr size_t kMostDigits = 10;  // after the point

/// Of the floats between two powers of two: mantissa / 2^shift.
struct Scale {
  int shift = 0;
  uint32_t digits = 0;   // after the point: the fewest whose last unit is no larger than the distance of the floats
  uint64_t power = 1;    // 10^digits
  uint64_t padding = 1;  // 10^(kMostDigits - digits)
};

constexpr auto MakeScales() {
  std::array<Scale, kLastExponent - kFirstExponent + 1> scales;
  for (uint32_t i = 0; i < scales.size(); ++i) {
    Scale& scale = scales[i];
    scale.shift = 127 + kMantissaBits - static_cast<int>(kFirstExponent + i);
    for (; scale.power < uint64_t{1} << scale.shift; ++scale.digits) scale.power *= 10;
    for (size_t digits = scale.digits; digits < kMostDigits; ++digits) scale.padding *= 10;
  }
  return scales;
}
constexpr auto kScales = MakeScales();
static_assert(kScales[0].digits == kMostDigits);

/// The shortest decimal that is read as the float, the nearest one where there are several, in units of its last digit;
/// zeros may be left at its end. After Schubfach (R. Giulietti, "The Schubfach way to render doubles"); no product
/// exceeds 64 bits here, so that all of it is exact. The mantissa is none of a power of two: there the floats below lie
/// closer than those above.
uint32_t ShortestDecimal(uint32_t mantissa, const Scale& scale) {
  // In quarters of the last digit's unit, times 2^shift: the float, and the middles between it and its neighbours. What
  // lies at a middle is read as the even one.
  const uint64_t value = 4 * scale.power * mantissa;
  const uint64_t odd = mantissa & 1;
  const uint64_t lowest = value - 2 * scale.power + odd;
  const uint64_t highest = value + 2 * scale.power - odd;
  // One digit less may do, as a multiple of ten.
  const auto tens = static_cast<uint32_t>(highest >> scale.shift) / 40 * 10;
  const bool tens_will_do = uint64_t{4} * tens << scale.shift >= lowest;
  // Else the nearest, the even one of two.
  const uint64_t last_is_odd = value >> (scale.shift + 2) & 1;
  const uint64_t nearest = (value + (uint64_t{2} << scale.shift) - 1 + last_is_odd) >> (scale.shift + 2);
  // Which one it is can't be predicted: selected by a mask, since a branch would cost as much as all of this.
  const uint32_t mask = tens_will_do ? ~uint32_t{0} : 0;
  return (tens & mask) | (static_cast<uint32_t>(nearest) & ~mask);
}

/// Eight digits of a number below 10^8, the first one in the lowest byte: of two halves, of four pairs, of eight.
uint64_t EightDigits(uint32_t value) {
  const uint64_t halves = value / 10000 | static_cast<uint64_t>(value % 10000) << 32;
  const uint64_t hundreds = halves * 10486 >> 20 & 0x0000007f0000007f;
  const uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
  const uint64_t tens = pairs * 103 >> 10 & 0x000f000f000f000f;
  return tens | (pairs - 10 * tens) << 8;
}

/// `fraction` is not 0 and has kMostDigits digits. Returns the end without zeros, but for the first two digits.
char* PutFraction(uint64_t fraction, char* to) {
  constexpr uint64_t kZeros = 0x3030303030303030;
  const auto first = static_cast<uint32_t>(fraction / 100'000'000);
  const uint64_t rest = EightDigits(static_cast<uint32_t>(fraction % 100'000'000));
  const uint64_t text = rest + kZeros;
  to[0] = static_cast<char>('0' + first / 10);
  to[1] = static_cast<char>('0' + first % 10);
  std::memcpy(to + 2, &text, sizeof(text));
  return to + kMostDigits - std::countl_zero(rest) / 8;
}

}  // namespace

char* PutShortest(float value, char* to) {
  const float absolute = std::fabs(value);
  const auto bits = std::bit_cast<uint32_t>(absolute);
  if (!(absolute >= kSmallest && absolute < kBeyondLargest) || (bits & (kHiddenBit - 1)) == 0) [[unlikely]] {
    return std::to_chars(to, to + kShortestFloatSize, value).ptr;
  }
  *to = '-';
  to += std::signbit(value) ? 1 : 0;
  const auto whole = static_cast<uint32_t>(absolute);
  if (whole == 0) {
    *to++ = '0';
  } else {
    to = std::to_chars(to, to + kShortestFloatSize, whole).ptr;
    if (static_cast<float>(whole) == absolute) return to;
  }
  *to++ = '.';
  const Scale& scale = kScales[(bits >> kMantissaBits) - kFirstExponent];
  const uint32_t decimal = ShortestDecimal((bits & (kHiddenBit - 1)) | kHiddenBit, scale);
  // An integer is a float itself, so no decimal that is read as a fraction lies beyond one: both have the same `whole`.
  char* end = PutFraction((decimal - whole * scale.power) * scale.padding, to);
  while (end[-1] == '0') [[unlikely]]
    --end;
  return end;
}

}  // namespace godwit
