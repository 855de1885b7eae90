#include "formats/shortest_float.h"

// The same code for processors with vectors of other widths, chosen when the program starts. The runtime libraries of
// the sanitizers are not ready by then.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GODWIT_FOR_EACH_WIDTH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GODWIT_FOR_EACH_WIDTH
#endif

namespace godwit {
namespace {

static_assert(std::endian::native == std::endian::little, "eight digits are written as one number");

constexpr size_t kLanes = 8;
static_assert(ShortestFloats::kCount % kLanes == 0);
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Ints = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));
using Words = uint32_t __attribute__((vector_size(kLanes * sizeof(uint32_t))));
using Longs = uint64_t __attribute__((vector_size(kLanes * sizeof(uint64_t))));

constexpr int kMantissaBits = 23;
constexpr uint32_t kHiddenBit = uint32_t{1} << kMantissaBits;

// Where std::to_chars writes no exponent: it takes one where the text becomes shorter.
constexpr auto kSmallest = std::bit_cast<uint32_t>(1e-3f);
constexpr auto kBeyondLargest = std::bit_cast<uint32_t>(1e5f);
constexpr uint32_t kFirstExponent = kSmallest >> kMantissaBits;
constexpr uint32_t kLastExponent = kBeyondLargest >> kMantissaBits;

// Floats between two powers of two are mantissa / 2^shift; their decimals have `digits` after the point, the fewest
// whose last unit is no larger than the distance of the floats: 10^(digits - 1) < 2^shift <= 10^digits.
constexpr uint32_t kShiftOfOne = 127 + kMantissaBits;  // less the exponent as it is stored
constexpr uint32_t kFewestDigits = 3;
constexpr uint32_t DigitsOf(uint32_t shift) { return (shift * 1233 >> 12) + 1; }  // log10(2) = 1233.02 / 4096

constexpr bool DigitsAreRight(size_t most_digits) {
  for (uint32_t shift = kShiftOfOne - kLastExponent; shift <= kShiftOfOne - kFirstExponent; ++shift) {
    uint64_t power = 1;
    uint32_t digits = 0;
    for (; power < uint64_t{1} << shift; ++digits) power *= 10;
    if (digits != DigitsOf(shift) || digits < kFewestDigits || digits > most_digits) return false;
  }
  return true;
}

template <typename To, typename From>
void Store(const From& from, size_t at, To* to) {
  static_assert(sizeof(From) == kLanes * sizeof((*to)[0]));
  std::memcpy(to->data() + at, &from, sizeof(from));
}

}  // namespace

GODWIT_FOR_EACH_WIDTH
void ShortestFloats::Make(const Values& values) {
  static_assert(DigitsAreRight(kMostDigits));
  static_assert(kMostDigits - kFewestDigits < kLanes);
  for (size_t at = 0; at < kCount; at += kLanes) {
    Words raw;
    std::memcpy(&raw, values.data() + at, sizeof(raw));
    Words bits = raw & ~(uint32_t{1} << 31);
    const auto in_range = reinterpret_cast<Words>((bits >= kSmallest) & (bits < kBeyondLargest));
    bits &= in_range;
    const auto absolute = reinterpret_cast<Floats>(bits);
    const Ints whole = __builtin_convertvector(absolute, Ints);
    const auto is_whole = reinterpret_cast<Words>(__builtin_convertvector(whole, Floats) == absolute);
    // The floats below a power of two lie closer than those above.
    const auto is_power = reinterpret_cast<Words>((bits & (kHiddenBit - 1)) == 0);
    Store(is_whole, at, &is_whole_);
    Store(whole, at, &whole_);
    Store(raw >> 31, at, &negative_);
    Store((~in_range & reinterpret_cast<Words>(raw != 0)) | (is_power & ~is_whole), at, &other_);

    const Words shift_word = (kShiftOfOne - (bits >> kMantissaBits)) & in_range;
    const Words digits = (shift_word * 1233 >> 12) + 1;  // DigitsOf
    // By tables of eight, which lie in registers: 5^digits, and 10^(most digits - digits).
    const Words fives = {125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625};
    const Words paddings = {10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
    const Longs shift = __builtin_convertvector(shift_word, Longs);
    const Longs five = __builtin_convertvector(__builtin_shuffle(fives, digits - kFewestDigits), Longs);
    const Longs power = five << __builtin_convertvector(digits, Longs);
    const Longs padding = __builtin_convertvector(__builtin_shuffle(paddings, digits - kFewestDigits), Longs);

    // The shortest decimal that is read as the float, the nearest one where there are several, in units of its last
    // digit; zeros may be left at its end. After Schubfach (R. Giulietti, "The Schubfach way to render doubles"); no
    // product exceeds 64 bits here, so that all of it is exact.
    // In quarters of that unit, times 2^shift: the float, and the middles between it and its neighbours. What lies at a
    // middle is read as the even one.
    const Longs mantissa = __builtin_convertvector((bits & (kHiddenBit - 1)) | kHiddenBit, Longs);
    const Longs value = 4 * power * mantissa;
    const Longs odd = mantissa & 1;
    const Longs lowest = value - 2 * power + odd;
    const Longs highest = value + 2 * power - odd;
    // One digit less may do, as a multiple of ten. A division of 32 bits by 40, as those below, is a multiplication.
    const Longs tens = ((highest >> shift) * 3435973837 >> 37) * 10;
    // Else the nearest, the even one of two.
    const Longs half = (Longs{} + 2) << shift;
    const Longs nearest = (value + half - 1 + (value >> (shift + 2) & 1)) >> (shift + 2);
    const Longs decimal = (4 * tens << shift) >= lowest ? tens : nearest;

    // An integer is a float itself, so no decimal that is read as a fraction lies beyond one: both have the same whole.
    const Longs fraction = (decimal - __builtin_convertvector(reinterpret_cast<Words>(whole), Longs) * power) * padding;
    const Longs first = (fraction >> 8) * 90071993 >> 45;  // two digits: of fraction / 10^8, which is 2^8 * 390625
    const Longs rest = fraction - first * 100'000'000;
    // Eight digits: of two halves, of four pairs.
    const Longs high = rest * 3518437209 >> 45;  // / 10000
    const Longs halves = high | (rest - high * 10000) << 32;
    const Longs hundreds = halves * 10486 >> 20 & 0x0000007f0000007f;
    const Longs pairs = hundreds | (halves - hundreds * 100) << 16;
    const Longs eight_tens = pairs * 103 >> 10 & 0x000f000f000f000f;
    const Longs eight = eight_tens | (pairs - eight_tens * 10) << 8;
    const Longs first_ten = first * 103 >> 10;
    const Longs text = eight + 0x3030303030303030;
    Store(('.' | 0x303000) + (first_ten << 8) + ((first - first_ten * 10) << 16) + (text << 24), at, &head_);
    Store(text >> 40, at, &tail_);
    Store(eight, at, &last_digits_);
  }
}

}  // namespace godwit
