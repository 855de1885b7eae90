#include "fuzz/fuzz.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include <gtest/gtest.h>

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace godwit::fuzz {
namespace {

using std::string_view_literals::operator""sv;

int64_t current_input = 0;

void PrintInput() { std::fprintf(stderr, "input %lld\n", static_cast<long long>(current_input)); }

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

constexpr std::string_view kTokens[] = {
    "\""sv,          "\"\""sv,  "\\"sv,  "\n"sv,   "\r\n"sv,    ","sv,       "|"sv,   "\t"sv,   "{"sv,
    "}"sv,           "["sv,     "]"sv,   "null"sv, "NULL"sv,    "\\N"sv,     "\\."sv, "\0"sv,   "\xff"sv,
    "-"sv,           "1e999"sv, "nan"sv, "0"sv,    "\\u0000"sv, "\\ud800"sv, ":"sv,   "true"sv, "9223372036854775808"sv,
    "\xef\xbb\xbf"sv};

void ChangeOnce(const std::vector<std::string>& samples, Random& random, std::string* input) {
  const size_t at = input->empty() ? 0 : random() % (input->size() + 1);
  const size_t length = 1 + random() % 16;
  switch (random() % 8) {
    case 0:
    case 1:
      if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << random() % 8));
      break;
    case 2:
      input->erase(at, length);
      break;
    case 3:
      input->insert(at, input->substr(at, length));
      break;
    case 4:
      input->resize(at);
      break;
    case 5: {
      const std::string& other = samples[random() % samples.size()];
      input->insert(at, other.substr(random() % (other.size() + 1), length * 8));
      break;
    }
    case 6:
      if (at < input->size()) (*input)[at] = static_cast<char>(random());
      break;
    default:
      input->insert(at, kTokens[random() % std::size(kTokens)]);
      break;
  }
}

}  // namespace

std::string Mutate(const std::vector<std::string>& samples, Random& random) {
  std::string input = samples[random() % samples.size()];
  for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) ChangeOnce(samples, random, &input);
  return input;
}

void Fuzz(const std::vector<std::string>& samples,
          const std::function<void(const std::string& input, Random& random)>& run) {
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(PrintInput);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(FromEnvironment("GODWIT_FUZZ_SECONDS", 10));
  const int64_t first = FromEnvironment("GODWIT_FUZZ_FIRST", 0);
  for (current_input = first; std::chrono::steady_clock::now() < end; ++current_input) {
    Random random(static_cast<uint64_t>(current_input));
    run(Mutate(samples, random), random);
    if (testing::Test::HasFailure()) {
      PrintInput();
      return;
    }
  }
  std::printf("%lld inputs\n", static_cast<long long>(current_input - first));
}

}  // namespace godwit::fuzz
