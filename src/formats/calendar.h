// Dates and times as text, over the whole range of their types. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit {

inline constexpr int64_t kMicrosPerDay = 86'400'000'000;

struct CalendarDay {
  int64_t year = 1970;  // 0 is 1 BC
  unsigned month = 1;
  unsigned day = 1;
};

/// Days since 1970-01-01, Gregorian calendar in both directions.
CalendarDay DayFromNumber(int64_t days);
/// Nothing for a day that is not in the calendar.
std::optional<int64_t> NumberFromDay(const CalendarDay& day);

enum class CalendarStyle {
  kIso,       // 2025-01-31T12:00:00.000000Z; years before 0 and after 9999 with a sign
  kPostgres,  // 2025-01-31 12:00:00.000000+00; years before 1 as 0001-01-31 BC
};

/// What the formatters write at most.
inline constexpr size_t kCalendarTextSize = 48;

/// Both return the end of what they wrote to `to`, which has room for kCalendarTextSize bytes.
char* FormatDate(int32_t days, CalendarStyle style, char* to);
char* FormatTimestamp(int64_t micros, bool utc, CalendarStyle style, char* to);

/// What the formatters write, and the same with fewer digits of a second, without seconds, with a space or T between,
/// and, where `utc`, with Z or an offset (+05:30, +0530, +05). Nothing for anything else.
std::optional<int32_t> ParseDate(std::string_view text);
std::optional<int64_t> ParseTimestamp(std::string_view text, bool utc);

}  // namespace godwit
