#include <charconv>
#include <string>

#include "godwit/job.h"

namespace godwit {
namespace {

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

arrow::Result<SampleSize> SampleSize::Parse(std::string_view text) {
  SampleSize size;
  double percent = 0;
  if (text.ends_with('%') && ParseWhole(text.substr(0, text.size() - 1), &percent) && percent > 0 && percent < 100) {
    size.share = percent / 100;
    return size;
  }
  if (ParseWhole(text, &size.rows) && size.rows > 0) return size;
  return MakeError(ErrorKind::kInvalidConfig,
                   "'" + std::string(text) +
                       "' is not the size of a sample; write a share of the rows, above 0% and below 100%, as 1%, or a "
                       "number of rows, as 10000");
}

}  // namespace godwit
