#include "formats/calendar.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>

namespace godwit {
namespace {

// The calendar repeats every 400 years, so the standard library's, which ends in the year 32767, is enough for one
// turn.
constexpr int64_t kDaysOfTurn = 146097;
constexpr int64_t kYearsOfTurn = 400;

int64_t FloorDiv(int64_t value, int64_t divisor) { return value / divisor - (value % divisor < 0 ? 1 : 0); }

char* PutPadded(uint64_t value, int width, char* to) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  for (auto size = end - digits; size < width; ++size) *to++ = '0';
  std::memcpy(to, digits, static_cast<size_t>(end - digits));
  return to + (end - digits);
}

char* PutDay(const CalendarDay& day, CalendarStyle style, char* to) {
  int64_t year = day.year;
  if (style == CalendarStyle::kPostgres && year <= 0) {
    year = 1 - year;
  } else if (year < 0 || year > 9999) {
    if (style == CalendarStyle::kIso) *to++ = year < 0 ? '-' : '+';
    if (year < 0) year = -year;
  }
  to = PutPadded(static_cast<uint64_t>(year), 4, to);
  *to++ = '-';
  to = PutPadded(day.month, 2, to);
  *to++ = '-';
  return PutPadded(day.day, 2, to);
}

char* PutEra(const CalendarDay& day, CalendarStyle style, char* to) {
  if (style != CalendarStyle::kPostgres || day.year > 0) return to;
  std::memcpy(to, " BC", 3);
  return to + 3;
}

/// Takes text from its beginning.
struct Cursor {
  std::string_view rest;

  bool Take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  bool Take(std::string_view text) {
    if (!rest.starts_with(text)) return false;
    rest.remove_prefix(text.size());
    return true;
  }
  /// Digits, `min` to `max` of them.
  std::optional<int64_t> Number(size_t min, size_t max) {
    size_t size = 0;
    while (size < rest.size() && size < max && rest[size] >= '0' && rest[size] <= '9') ++size;
    if (size < min) return std::nullopt;
    int64_t value = 0;
    std::from_chars(rest.data(), rest.data() + size, value);
    rest.remove_prefix(size);
    return value;
  }
};

bool TakeDay(Cursor* in, CalendarDay* day) {
  const bool negative = in->Take('-');
  if (!negative) in->Take('+');
  auto year = in->Number(4, 7);
  if (!year || !in->Take('-')) return false;
  auto month = in->Number(2, 2);
  if (!month || !in->Take('-')) return false;
  auto number = in->Number(2, 2);
  if (!number) return false;
  *day = {
      .year = negative ? -*year : *year, .month = static_cast<unsigned>(*month), .day = static_cast<unsigned>(*number)};
  return true;
}

/// The year before 1 is named 1 BC, and there is no year 0 then.
bool TakeEra(Cursor* in, CalendarDay* day) {
  if (!in->Take(" BC")) return true;
  if (day->year <= 0) return false;
  day->year = 1 - day->year;
  return true;
}

/// Microseconds of a day.
std::optional<int64_t> TakeTime(Cursor* in) {
  auto hour = in->Number(2, 2);
  if (!hour || *hour > 23 || !in->Take(':')) return std::nullopt;
  auto minute = in->Number(2, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t second = 0;
  int64_t micros = 0;
  if (in->Take(':')) {
    auto whole = in->Number(2, 2);
    if (!whole || *whole > 59) return std::nullopt;
    second = *whole;
    if (in->Take('.')) {
      const size_t before = in->rest.size();
      auto fraction = in->Number(1, 6);
      if (!fraction) return std::nullopt;
      micros = *fraction;
      for (size_t digits = before - in->rest.size(); digits < 6; ++digits) micros *= 10;
      while (in->Take('0')) {
      }
      if (!in->rest.empty() && in->rest.front() >= '0' && in->rest.front() <= '9') return std::nullopt;  // would be cut
    }
  }
  return ((*hour * 60 + *minute) * 60 + second) * 1'000'000 + micros;
}

/// Microseconds that the offset is ahead of UTC.
std::optional<int64_t> TakeOffset(Cursor* in) {
  if (in->Take('Z')) return 0;
  const bool behind = in->Take('-');
  if (!behind && !in->Take('+')) return std::nullopt;
  auto hours = in->Number(2, 2);
  if (!hours || *hours > 23) return std::nullopt;
  in->Take(':');
  auto minutes = in->Number(0, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int64_t micros = (*hours * 60 + *minutes) * 60'000'000;
  return behind ? -micros : micros;
}

}  // namespace

CalendarDay DayFromNumber(int64_t days) {
  const int64_t turn = FloorDiv(days, kDaysOfTurn);
  const std::chrono::year_month_day day{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days - turn * kDaysOfTurn)}}};
  return {.year = static_cast<int>(day.year()) + turn * kYearsOfTurn,
          .month = static_cast<unsigned>(day.month()),
          .day = static_cast<unsigned>(day.day())};
}

std::optional<int64_t> NumberFromDay(const CalendarDay& day) {
  const int64_t turn = FloorDiv(day.year - 1970, kYearsOfTurn);
  const std::chrono::year_month_day in_turn{std::chrono::year{static_cast<int>(day.year - turn * kYearsOfTurn)},
                                            std::chrono::month{day.month}, std::chrono::day{day.day}};
  if (!in_turn.ok()) return std::nullopt;
  return std::chrono::sys_days{in_turn}.time_since_epoch().count() + turn * kDaysOfTurn;
}

char* FormatDate(int32_t days, CalendarStyle style, char* to) {
  const CalendarDay day = DayFromNumber(days);
  return PutEra(day, style, PutDay(day, style, to));
}

char* FormatTimestamp(int64_t micros, bool utc, CalendarStyle style, char* to) {
  const int64_t days = FloorDiv(micros, kMicrosPerDay);
  // Unsigned: midnight before the first instant of the range lies outside of it.
  const uint64_t time =
      static_cast<uint64_t>(micros) - static_cast<uint64_t>(days) * static_cast<uint64_t>(kMicrosPerDay);
  const CalendarDay day = DayFromNumber(days);
  to = PutDay(day, style, to);
  *to++ = style == CalendarStyle::kIso ? 'T' : ' ';
  to = PutPadded(time / 3'600'000'000, 2, to);
  *to++ = ':';
  to = PutPadded(time / 60'000'000 % 60, 2, to);
  *to++ = ':';
  to = PutPadded(time / 1'000'000 % 60, 2, to);
  *to++ = '.';
  to = PutPadded(time % 1'000'000, 6, to);
  if (utc) {
    const std::string_view zone = style == CalendarStyle::kIso ? "Z" : "+00";
    std::memcpy(to, zone.data(), zone.size());
    to += zone.size();
  }
  return PutEra(day, style, to);
}

std::optional<int32_t> ParseDate(std::string_view text) {
  Cursor in{text};
  CalendarDay day;
  if (!TakeDay(&in, &day) || !TakeEra(&in, &day) || !in.rest.empty()) return std::nullopt;
  auto number = NumberFromDay(day);
  using Limits = std::numeric_limits<int32_t>;
  if (!number || *number < Limits::min() || *number > Limits::max()) return std::nullopt;
  return static_cast<int32_t>(*number);
}

std::optional<int64_t> ParseTimestamp(std::string_view text, bool utc) {
  Cursor in{text};
  CalendarDay day;
  if (!TakeDay(&in, &day) || !(in.Take('T') || in.Take(' '))) return std::nullopt;
  auto time = TakeTime(&in);
  if (!time) return std::nullopt;
  int64_t offset = 0;
  if (utc) {
    auto ahead = TakeOffset(&in);
    if (!ahead) return std::nullopt;
    offset = *ahead;
  }
  if (!TakeEra(&in, &day) || !in.rest.empty()) return std::nullopt;
  auto number = NumberFromDay(day);
  if (!number) return std::nullopt;
  // The first day of the range begins before the range does: days are counted from the end that is nearer to zero.
  const int64_t before = *number < 0 ? kMicrosPerDay : 0;
  int64_t micros = 0;
  if (__builtin_mul_overflow(*number + (before > 0 ? 1 : 0), kMicrosPerDay, &micros) ||
      __builtin_add_overflow(micros, *time - before - offset, &micros)) {
    return std::nullopt;
  }
  return micros;
}

}  // namespace godwit
