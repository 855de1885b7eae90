// Which keys stand in several rows of a collection: one scan of the keys alone.
//
// A key costs 16 bytes. They are put aside in WorkLimits::scratch_dir, in parts by their first bits, of which one at a
// time is in memory.
#pragma once

#include "verify/scan.h"

namespace godwit {

/// Reads the keys of `side` (whose identity has to be the key), prepared by the caller. The sample has "42 x3".
arrow::Result<Duplicates> FindRepeatedKeys(const ScanSide& side, int64_t expected_rows, const WorkLimits& limits);

/// kConflict when keys repeat, naming some; for sources that show every row of a key (Source::KeysMayRepeat), which the
/// engine can't leave out.
arrow::Status RefuseRepeatedKeys(const Duplicates& duplicates);

}  // namespace godwit
