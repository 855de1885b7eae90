#include "base/hash.h"

#include <fmt/format.h>
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the widest vectors that the processor has
#endif

namespace godwit {
namespace {

Hash128 FromXxh(const XXH128_hash_t& hash) { return {.high = hash.high64, .low = hash.low64}; }

}  // namespace

Hash128 HashOf(std::string_view bytes) { return FromXxh(XXH3_128bits(bytes.data(), bytes.size())); }

std::string ToHex(const Hash128& hash) { return fmt::format("{:016x}{:016x}", hash.high, hash.low); }

struct RunningHash::State {
  State() : xxh(XXH3_createState()) { XXH3_128bits_reset(xxh); }
  State(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }

  XXH3_state_t* xxh;
};

RunningHash::RunningHash() : state_(std::make_unique<State>()) {}
RunningHash::~RunningHash() = default;

void RunningHash::Update(const void* data, int64_t bytes) {
  XXH3_128bits_update(state_->xxh, data, static_cast<size_t>(bytes));
}

Hash128 RunningHash::Value() const { return FromXxh(XXH3_128bits_digest(state_->xxh)); }

}  // namespace godwit
