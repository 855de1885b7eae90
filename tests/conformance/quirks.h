// What the suite has to know of a room beyond its contract. A room is in the suite once it has an entry in rooms.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "godwit/store.h"

namespace godwit::conformance {

using OptionTexts = std::map<std::string, std::string>;

struct Quirks {
  std::string room;
  std::string variant = {};  // of a room that is tested several times, with other options
  /// Options of a store without collections of the suite's names; `scratch` is an empty folder of the test. Called
  /// again with the same folder it gives the same store.
  std::function<OptionTexts(const std::string& scratch)> target_options;
  std::function<OptionTexts(const std::string& scratch)> source_options;

  /// Fields of `synthetic` that come back exactly, extreme values among them.
  std::vector<std::string> fields;
  /// Fields of `synthetic` that the target refuses by name.
  std::vector<std::string> refused_fields;
  bool varchar_keys = true;
  bool nulls = false;    // nullable fields
  bool hostile = false;  // NaN, NUL, ...; see the option of `synthetic`
  bool partitions = true;
  bool overwrite = true;           // takes rows for a collection that holds some
  bool created_is_visible = true;  // false: a collection exists from its publication on
  int64_t huge_value_bytes = 8 << 20;

  CommitMode commit_mode = CommitMode::kTransactional;
  /// What a collection needs to be read by a later job.
  std::vector<Index> indexes = {};
  bool loaded = false;
};

/// What a failed test calls it.
inline void PrintTo(const Quirks& quirks, std::ostream* out) { *out << quirks.room << quirks.variant; }

/// The rooms that can be tested here.
const std::vector<Quirks>& TargetRooms();
const std::vector<Quirks>& SourceRooms();

}  // namespace godwit::conformance
