// Values as text for people: 42, 0.5, "abc", 0x00ff, [0.5, 1], {3: 0.25}, null. Two texts are equal only where the
// values are (JSON: where the bytes are).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "godwit/schema.h"

namespace godwit {

/// Longest value in a report.
inline constexpr size_t kShortValue = 80;

/// At most about `max_bytes`, the rest as "..."; 0 = whole.
std::string FormatValue(const Field& field, const arrow::Array& column, int64_t row, size_t max_bytes = kShortValue);

/// Cut where it is longer, not inside a UTF-8 character, with "..." after it; 0 = left whole.
std::string Shorten(std::string text, size_t max_bytes);

/// In quotes, with backslashes before quotes and backslashes; control characters and bytes that are no UTF-8 as \n, \t,
/// \xNN. So what a row holds can't move the cursor of whoever reads it, nor look like something else.
std::string Quote(std::string_view bytes);

/// `text` where it is UTF-8 without control characters, else Quote(text).
std::string Printable(std::string_view text);

}  // namespace godwit
