// XXH3, 128 bits, seed 0, of bytes in memory or as they come; as `xxhsum -H128` prints it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "godwit/digest.h"

namespace godwit {

Hash128 HashOf(std::string_view bytes);

/// 32 hex digits.
std::string ToHex(const Hash128& hash);

/// The hash of all bytes so far. Not thread-safe.
class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  void Update(const void* data, int64_t bytes);
  Hash128 Value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace godwit
