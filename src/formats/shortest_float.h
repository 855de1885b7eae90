// Floats as decimal text: byte for byte what std::to_chars(value) writes, the shortest text that reads back as the same
// float, in a third of its time for the numbers that vectors mostly hold.
#pragma once

namespace godwit {

inline constexpr int kShortestFloatSize = 32;  // room that it needs, more than what it leaves written

/// `value` is finite. Returns the end.
char* PutShortest(float value, char* to);

}  // namespace godwit
