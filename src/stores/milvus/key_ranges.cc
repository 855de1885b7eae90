#include "stores/milvus/key_ranges.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace godwit::milvus {
namespace {

constexpr int64_t kMinInt = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

// ---------------------------------------------------------------------------------------------------------------------
// Strings as sequences of code points. A string that ends counts as a digit below every code point.

constexpr int32_t kEnd = -1;
constexpr int32_t kBeyond = 0x110000;  // above every code point
// The last code points of one, two, three and four bytes of UTF-8: where most alphabets have their end.
constexpr auto kClassEnds = std::to_array<int32_t>({0x7F, 0x7FF, 0xFFFF, 0x10FFFF});

int32_t ClassEnd(int32_t digit) {
  for (int32_t end : kClassEnds) {
    if (digit <= end) return end;
  }
  return kBeyond;
}

size_t BytesOfLead(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// The code point that begins at `at`, and the place behind it.
int32_t DigitAt(const std::string& text, size_t at, size_t* next) {
  if (at >= text.size()) return kEnd;
  auto lead = static_cast<unsigned char>(text[at]);
  size_t bytes = BytesOfLead(lead);
  *next = std::min(at + bytes, text.size());
  int32_t digit = bytes == 1 ? lead : lead & (0x7F >> bytes);
  for (size_t i = at + 1; i < *next; ++i) digit = digit << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  return digit;
}

void AppendDigit(std::string* text, int32_t digit) {
  auto tail = [digit](int shift) { return static_cast<char>(0x80 | ((digit >> shift) & 0x3F)); };
  if (digit <= 0x7F) {
    *text += static_cast<char>(digit);
  } else if (digit <= 0x7FF) {
    *text += {static_cast<char>(0xC0 | digit >> 6), tail(0)};
  } else if (digit <= 0xFFFF) {
    *text += {static_cast<char>(0xE0 | digit >> 12), tail(6), tail(0)};
  } else {
    *text += {static_cast<char>(0xF0 | digit >> 18), tail(12), tail(6), tail(0)};
  }
}

// A digit strictly between; surrogates are no characters. kEnd when there is none.
int32_t DigitBetween(int32_t low, int32_t high, double fraction) {
  if (high - low < 2) return kEnd;
  if (ClassEnd(low + 1) < high) return ClassEnd(low + 1);
  auto step = static_cast<int32_t>(std::lround((high - low) * fraction));
  int32_t digit = low + std::clamp(step, 1, high - low - 1);
  if (digit < 0xD800 || digit > 0xDFFF) return digit;
  if (low < 0xD7FF) return 0xD7FF;
  return high > 0xE000 ? 0xE000 : kEnd;
}

std::optional<std::string> StringBetween(const std::string& low, const std::optional<std::string>& high,
                                         double fraction) {
  std::string prefix;
  size_t at_low = 0;
  size_t at_high = 0;
  bool below_high = !high;  // what is built is smaller than `high`, whatever follows
  while (true) {
    size_t next_low = at_low;
    size_t next_high = at_high;
    int32_t a = DigitAt(low, at_low, &next_low);
    int32_t b = below_high ? kBeyond : DigitAt(*high, at_high, &next_high);
    if (!below_high && b == kEnd) return std::nullopt;  // low >= high
    if (a != b) {
      if (int32_t digit = DigitBetween(a, b, fraction); digit != kEnd) {
        AppendDigit(&prefix, digit);
        return prefix;
      }
      if (!below_high && next_high < high->size()) {  // the digit alone is below what goes on after it
        AppendDigit(&prefix, b);
        return prefix;
      }
      if (a == kEnd) return std::nullopt;
      below_high = true;
    }
    AppendDigit(&prefix, a);
    at_low = next_low;
    at_high = next_high;
  }
}

// A string above every string that begins with the first `bytes` of `text`; none when there is no such string.
std::optional<std::string> AbovePrefix(const std::string& text, size_t bytes) {
  std::string prefix = text.substr(0, bytes);
  while (!prefix.empty()) {
    size_t last = prefix.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(prefix[last]) & 0xC0) == 0x80) --last;
    size_t next = last;
    int32_t digit = DigitAt(prefix, last, &next) + 1;
    prefix.resize(last);
    if (digit == 0xD800) digit = 0xE000;
    if (digit < kBeyond) {
      AppendDigit(&prefix, digit);
      return prefix;
    }
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------------------------
// Integers

std::optional<int64_t> IntBetween(int64_t low, int64_t high, double fraction) {
  if (high <= low) return std::nullopt;
  uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  if (width < 2) return std::nullopt;
  auto step = static_cast<uint64_t>(static_cast<double>(width) * fraction);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + std::clamp<uint64_t>(step, 1, width - 1));
}

// ---------------------------------------------------------------------------------------------------------------------

// Probes a cut may cost where the pieces are small enough as they are, and where they are not.
constexpr int kProbes = 20;
constexpr int kProbesAtAnyCost = 200;
// A piece may be so much larger than aimed at; a cut may miss its place by half of that.
constexpr double kSlack = 0.3;
// A cut that leaves less than this part of the rows on one side is not worth a range.
constexpr int64_t kSmallestPart = 20;

class Cutter {
 public:
  Cutter(const RangeSizes& sizes, const KeyCounter& counter) : sizes_(sizes), counter_(counter) {}

  arrow::Status Cut(const KeyRange& range, std::vector<KeyRange>* out) {
    std::optional<Point> cut;
    if (static_cast<double>(range.rows) > (1 + kSlack) * static_cast<double>(sizes_.rows)) {
      ARROW_ASSIGN_OR_RAISE(cut, FindCut(range));
    }
    if (!cut) {
      out->push_back(range);
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Cut({.after = range.after, .upto = cut->key, .rows = cut->rows}, out));
    return Cut({.after = cut->key, .upto = range.upto, .rows = range.rows - cut->rows}, out);
  }

 private:
  struct Point {
    Key key;
    int64_t rows = 0;  // of the range, up to the key
  };

  // The search for the point of a range that has `wanted` rows before it: it lies between `low` and `high`.
  struct Search {
    const KeyRange& range;
    const int64_t wanted;
    std::optional<Key> low = range.after;
    std::optional<Key> high = range.upto;
    int64_t rows_low = 0;
    int64_t rows_high = range.rows;
    std::optional<Point> best{};

    void Learn(Point point) {
      (point.rows < wanted ? low : high) = point.key;
      (point.rows < wanted ? rows_low : rows_high) = point.rows;
      if (!best || Miss(point) < Miss(*best)) best = std::move(point);
    }
    int64_t Miss(const Point& point) const { return std::abs(point.rows - wanted); }
    // In turns by the rows, which is at once right for evenly spread keys, and in the middle, which always closes in.
    double Fraction(int probe) const {
      if (probe % 2 == 1 || rows_high <= rows_low) return 0.5;
      return std::clamp(static_cast<double>(wanted - rows_low) / static_cast<double>(rows_high - rows_low), 0.001,
                        0.999);
    }
  };

  arrow::Result<std::optional<Point>> FindCut(const KeyRange& range) {
    int64_t pieces = (range.rows + sizes_.rows - 1) / sizes_.rows;
    Search search{.range = range, .wanted = std::max<int64_t>(1, range.rows / pieces * (pieces / 2))};
    double tolerance = kSlack / 2 * static_cast<double>(sizes_.rows);
    bool tight = false;
    int limit = range.rows > sizes_.max_rows ? kProbesAtAnyCost : kProbes;
    for (int probe = 0; probe < limit; ++probe) {
      // Ends that say nothing, or a range that its rows don't fill evenly: ask where the rows are.
      if (!tight && (!search.low || !search.high || probe == 2)) {
        ARROW_ASSIGN_OR_RAISE(bool any, Tighten(&search));
        if (!any) break;
        tight = true;
      }
      if (search.best && static_cast<double>(search.Miss(*search.best)) <= tolerance) break;
      auto key = KeyBetween(*search.low, search.high, search.Fraction(probe));
      if (!key) break;
      ARROW_ASSIGN_OR_RAISE(int64_t rows, counter_.count(range.after, key));
      search.Learn({std::move(*key), rows});
    }
    return WorthCutting(search.best, range) ? search.best : std::nullopt;
  }

  bool WorthCutting(const std::optional<Point>& cut, const KeyRange& range) const {
    if (!cut || cut->rows <= 0 || cut->rows >= range.rows) return false;
    return range.rows > sizes_.max_rows || std::min(cut->rows, range.rows - cut->rows) >= range.rows / kSmallestPart;
  }

  // Brings the ends near to the place of the cut, whatever its distance; false when there are no rows.
  arrow::Result<bool> Tighten(Search* search) {
    ARROW_ASSIGN_OR_RAISE(auto first, counter_.first(search->low));
    if (!first) return false;
    std::vector<size_t> steps = Steps(*first);
    search->low = JustBelow(*first);
    size_t from = 0;
    size_t to = steps.size();
    while (from < to) {
      size_t middle = from + (to - from) / 2;
      auto end = EndAt(*first, steps[middle]);
      bool enough = !end || (search->high && *end >= *search->high);
      if (!enough) {
        ARROW_ASSIGN_OR_RAISE(int64_t rows, counter_.count(search->range.after, end));
        enough = rows >= search->wanted;
        search->Learn({std::move(*end), rows});
      }
      enough ? to = middle : from = middle + 1;
    }
    return true;
  }

  // Ends above a key, ascending, as steps for EndAt: integers at twice the distance each time, strings that share a
  // shorter and shorter beginning with the key.
  static std::vector<size_t> Steps(const Key& first) {
    std::vector<size_t> steps;
    if (const auto* text = std::get_if<std::string>(&first)) {
      for (size_t bytes = text->size(); bytes > 0; --bytes) {
        if (bytes == text->size() || (static_cast<unsigned char>((*text)[bytes]) & 0xC0) != 0x80)
          steps.push_back(bytes);
      }
    } else {
      for (size_t shift = 0; shift < 64; ++shift) steps.push_back(shift);
    }
    return steps;
  }

  static std::optional<Key> EndAt(const Key& first, size_t step) {
    if (const auto* text = std::get_if<std::string>(&first)) {
      auto end = AbovePrefix(*text, step);
      return end ? std::optional<Key>(std::move(*end)) : std::nullopt;
    }
    uint64_t room = static_cast<uint64_t>(kMaxInt) - static_cast<uint64_t>(std::get<int64_t>(first));
    uint64_t distance = std::min(uint64_t{1} << step, room);
    return static_cast<int64_t>(static_cast<uint64_t>(std::get<int64_t>(first)) + distance);
  }

  static Key JustBelow(Key first) {
    auto* number = std::get_if<int64_t>(&first);
    if (number != nullptr && *number > kMinInt) --*number;
    return first;
  }

  const RangeSizes sizes_;
  const KeyCounter& counter_;
};

}  // namespace

std::optional<Key> KeyBetween(const Key& low, const std::optional<Key>& high, double fraction) {
  if (const auto* number = std::get_if<int64_t>(&low)) {
    return IntBetween(*number, high ? std::get<int64_t>(*high) : kMaxInt, fraction);
  }
  std::optional<std::string> end;
  if (high) end = std::get<std::string>(*high);
  return StringBetween(std::get<std::string>(low), end, fraction);
}

arrow::Result<std::vector<KeyRange>> CutKeyRange(const KeyRange& whole, const RangeSizes& sizes,
                                                 const KeyCounter& counter) {
  std::vector<KeyRange> ranges;
  ARROW_RETURN_NOT_OK(Cutter(sizes, counter).Cut(whole, &ranges));
  return ranges;
}

}  // namespace godwit::milvus
