// What the user sees: progress while a job runs, tables at the end. Text for people, or one JSON object a line.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "godwit/job.h"

namespace godwit {

/// "12.3 MB", "1.2 GB": powers of ten.
std::string FormatBytes(double bytes);
/// "1,234,567".
std::string FormatCount(int64_t count);
/// "0.8 s", "12 s", "3 m 20 s".
std::string FormatSeconds(double seconds);

/// Columns aligned, the first row is the header.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

/// The summary at the end of a run: a line a collection, then notes, differences and errors.
std::string FormatReport(const Report& report);

/// Prints the progress of a job. Thread-safe.
class ProgressPrinter {
 public:
  enum class Style {
    kTerminal,  // one line a collection, redrawn
    kPlain,     // a line at each change of stage, and every 10 s
    kJson,      // a JSON object a line
    kQuiet,
  };

  ProgressPrinter(std::ostream* out, Style style) : out_(out), style_(style) {}
  void Show(const CollectionProgress& progress);
  void Note(std::string_view text);
  /// Ends the redrawing; later output goes below.
  void Finish();

 private:
  struct Line {
    std::string stage;
    std::string text;
    std::chrono::steady_clock::time_point printed;
  };

  void Redraw();

  std::mutex mutex_;
  std::ostream* out_;
  const Style style_;
  std::vector<std::string> order_;
  std::map<std::string, Line> lines_;
  size_t drawn_ = 0;
};

}  // namespace godwit
