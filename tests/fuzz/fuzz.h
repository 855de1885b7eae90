// Damaged input for the readers: valid samples, changed at random, for as long as GODWIT_FUZZ_SECONDS says (10).
//
// The n-th input of a target is always the same, so a finding is repeated by its number: GODWIT_FUZZ_FIRST=n. A
// sanitizer that ends the process prints the number first.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace godwit::fuzz {

using Random = std::mt19937_64;

/// One of the samples, changed in a few places.
std::string Mutate(const std::vector<std::string>& samples, Random& random);

/// Calls `run` with input after input, until the time is over or a test has failed. `random` is for what `run` decides.
void Fuzz(const std::vector<std::string>& samples,
          const std::function<void(const std::string& input, Random& random)>& run);

}  // namespace godwit::fuzz
