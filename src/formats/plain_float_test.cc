#include "formats/plain_float.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace godwit {
namespace {

/// Expects that a text is read as std::from_chars reads it, or left to it.
void ExpectExact(const std::string& text, size_t* read) {
  float expected = 0;
  ASSERT_EQ(std::from_chars(text.data(), text.data() + text.size(), expected).ptr, text.data() + text.size());
  // Just before the end of the memory, and far from it.
  for (const std::string& after : {std::string(","), std::string("], \"and more text than is looked at\"")}) {
    const std::string whole = text + after;
    float value = 0;
    const size_t size = ReadPlainFloat(whole, &value);
    if (size == 0) continue;
    ++*read;
    ASSERT_EQ(size, text.size()) << whole;
    ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(expected)) << whole;
  }
}

TEST(PlainFloat, ReadsTheShortestTextOfEveryExponent) {
  size_t read = 0;
  size_t plain = 0;
  for (uint32_t bits = 0; bits < 0x7f800000; bits += 4999) {
    const auto value = std::bit_cast<float>(bits);
    for (const float signed_value : {value, -value}) {
      char text[64];
      const std::string shortest(text, std::to_chars(text, text + sizeof(text), signed_value).ptr);
      ExpectExact(shortest, &read);
      plain += value >= 1e-3f && value < 1e4f ? 2 : 0;
    }
  }
  EXPECT_GT(static_cast<double>(read), 0.99 * static_cast<double>(plain));
}

TEST(PlainFloat, RoundsAsFromChars) {
  size_t read = 0;
  uint64_t state = 1;
  auto random = [&](uint64_t below) { return (state = state * 6364136223846793005 + 1442695040888963407) / 8 % below; };
  for (int i = 0; i < 500'000; ++i) {
    std::string text = random(2) == 0 ? "-" : "";
    text += std::to_string(random(random(2) == 0 ? 2 : 20000));
    const size_t places = random(19);
    if (places > 0) text += '.';
    for (size_t j = 0; j < places; ++j) text += static_cast<char>('0' + random(10));
    ExpectExact(text, &read);
  }
  EXPECT_GT(read, 500'000u);
  // In the middle of two floats, and next to it.
  for (uint32_t bits = std::bit_cast<uint32_t>(0.25f); bits < std::bit_cast<uint32_t>(8.0f); bits += 9973) {
    const double middle =
        static_cast<double>(std::bit_cast<float>(bits)) + std::ldexp(1.0, -27 + static_cast<int>((bits >> 23) - 125));
    char text[64];
    for (const double value : {middle, std::nextafter(middle, 0), std::nextafter(middle, 9)}) {
      ExpectExact({text, std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed).ptr}, &read);
      ExpectExact({text, std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, 15).ptr}, &read);
    }
  }
}

TEST(PlainFloat, LeavesEverythingElse) {
  float value = 0;
  for (const char* text : {"",
                           "-",
                           ".",
                           ",",
                           "1",
                           "1.",
                           "1.,",
                           ".5,",
                           "-.5,",
                           "+1,",
                           "01,",
                           "-00.5,",
                           "1e3,",
                           "1.5e3,",
                           "1.5E-3,",
                           "NaN,",
                           "\"NaN\",",
                           "Infinity,",
                           "1.5.5,",
                           "1.5 ,",
                           " 1.5,",
                           "--1,",
                           "12345.5,",
                           "0x10,",
                           "0.1234567890123456,",
                           "9999.999999999999999,",
                           "1.5\n",
                           "1/2,",
                           "1:,",
                           "1.2:,",
                           "1.2/,"}) {
    EXPECT_EQ(ReadPlainFloat(text, &value), 0u) << text;
  }
  EXPECT_EQ(ReadPlainFloat("-0.0]", &value), 4u);
  EXPECT_TRUE(value == 0 && std::signbit(value));
  EXPECT_EQ(ReadPlainFloat("0}", &value), 1u);
}

}  // namespace
}  // namespace godwit
