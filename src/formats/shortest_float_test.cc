#include "formats/shortest_float.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace godwit {
namespace {

/// As text_writer uses it, at any place among others.
std::string Shortest(float value) {
  static size_t place = 0;
  place = (place + 1) % ShortestFloats::kCount;
  ShortestFloats::Values values;
  values.fill(-1.25f);
  values[place] = value;
  const ShortestFloats texts(values);
  char text[64];
  char* end = texts.has(place) ? texts.Put(place, text) : std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

std::string Expected(float value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

float FromBits(uint32_t bits) { return std::bit_cast<float>(bits); }

TEST(ShortestFloat, WritesWhatToCharsWrites) {
  for (float value : {0.5f,      0.1f,      0.3f,   1.0f,    1.5f,         9.999999f,   0.99999994f, 255.0f,
                      99999.99f, 100000.0f, 1e-3f,  9.9e-4f, 0.001953125f, 0.50195312f, 1.9999999f,  8388607.5f,
                      0.0f,      -0.0f,     -0.25f, -17.75f, 1e-45f,       3e38f}) {
    EXPECT_EQ(Shortest(value), Expected(value));
  }
}

TEST(ShortestFloat, KeepsEveryExponent) {
  constexpr uint32_t kInfinity = 0x7f800000;
  // A step that is odd and no divisor of 2^23: other last bits for each power of two.
  for (uint32_t bits = 0; bits < kInfinity; bits += 4999) {
    ASSERT_EQ(Shortest(FromBits(bits)), Expected(FromBits(bits))) << bits;
    ASSERT_EQ(Shortest(-FromBits(bits)), Expected(-FromBits(bits))) << bits;
  }
}

TEST(ShortestFloat, KeepsTheNeighboursOfPowersOfTwoAndTen) {
  auto check_around = [](float value) {
    for (uint32_t bits = std::bit_cast<uint32_t>(value) - 2000; bits <= std::bit_cast<uint32_t>(value) + 2000; ++bits) {
      ASSERT_EQ(Shortest(FromBits(bits)), Expected(FromBits(bits))) << bits;
    }
  };
  for (int power = -20; power <= 24; ++power) check_around(std::ldexp(1.0f, power));
  for (int power = -6; power <= 8; ++power) check_around(static_cast<float>(std::pow(10.0, power)));
}

}  // namespace
}  // namespace godwit
