// Numbered files of a fixed number of rows, made out of the staged parts of a collection: 0000000000.csv and so on.
//
// Parts that have just so many rows come first, as links; the rows of the others go from file to file as bytes. Both
// partition by partition and in the order of the parts' paths, so the same parts give the same files. What is made is
// listed in the stage when all of it is durable; the list names the parts that it was made of, so that other parts
// (after a correction) make all of it anew.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "godwit/stop_token.h"
#include "godwit/store.h"
#include "stores/files/manifest.h"
#include "stores/files/options.h"

namespace godwit::files {

/// The files for these parts, sorted by path: those that are there, or new ones in place of whatever is in `folder`.
/// `stage` is the folder of the parts. kCorruptData when a part is missing or cut, or was copied and is damaged; a part
/// that was linked is not read.
arrow::Result<std::vector<DataFile>> MakeNumberedFiles(const Options& options, const WriteTarget& target,
                                                       const std::string& stage, const std::vector<DataFile>& parts,
                                                       const std::string& folder, const StopToken& stop);
/// Those that are there; nothing when they were not made of these parts, or not all are there.
std::optional<std::vector<DataFile>> FindNumberedFiles(const Options& options, const std::string& stage,
                                                       const std::vector<DataFile>& parts, const std::string& folder);

}  // namespace godwit::files
