// Which rows of a source a run would refuse: one scan, mapped and hashed as a run does it, each batch shown to the
// sink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verify/scan.h"

namespace godwit {

/// A kind of row, with some of them: "42: field 'v' holds NaN".
struct CountedRows {
  int64_t count = 0;
  std::vector<std::string> sample = {};  // sorted; at most kRefusedSample

  bool operator==(const CountedRows&) const = default;
};

inline constexpr size_t kRefusedSample = 1'000;

struct RefusedRows {
  int64_t read = 0;
  CountedRows unfit;     // that can't be mapped to the target's columns, or are no values of theirs
  CountedRows rejected;  // by the target, see Sink::FindRejected
};

/// `side` is the source, prepared by the caller. Writes nothing.
arrow::Result<RefusedRows> FindRefusedRows(const ScanSide& side, Sink* sink, const WorkLimits& limits);

}  // namespace godwit
