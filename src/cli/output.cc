#include "cli/output.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "verify/difference_file.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

std::string Format(const char* format, double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value, unit);
  return text;
}

std::string ProgressText(const CollectionProgress& progress) {
  std::string text = progress.source.ToString() + " -> " + progress.target.ToString() + "  " + progress.stage;
  if (progress.rows == 0) return text;
  text += "  " + FormatCount(progress.rows);
  if (progress.expected_rows > 0) text += " of about " + FormatCount(progress.expected_rows);
  text += " rows, " + FormatBytes(static_cast<double>(progress.bytes));
  if (progress.stage != "copying" || progress.seconds <= 0) return text;
  if (progress.rows == progress.earlier_rows) return text;
  double rate = static_cast<double>(progress.rows - progress.earlier_rows) / progress.seconds;
  text += ", " + FormatCount(std::llround(rate)) + " rows/s";
  if (progress.expected_rows > progress.rows) {
    text += ", " + FormatSeconds(static_cast<double>(progress.expected_rows - progress.rows) / rate) + " left";
  }
  return text;
}

ordered_json ProgressJson(const CollectionProgress& progress) {
  return {{"event", "progress"},
          {"source", progress.source.ToString()},
          {"target", progress.target.ToString()},
          {"stage", progress.stage},
          {"rows", progress.rows},
          {"earlier_rows", progress.earlier_rows},
          {"expected_rows", progress.expected_rows},
          {"bytes", progress.bytes},
          {"seconds", progress.seconds}};
}

/// Width on a terminal, near enough: UTF-8 characters.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

template <typename T, typename F>
std::string FormatSample(const std::vector<T>& sample, int64_t total, F describe) {
  constexpr size_t kShown = 10;
  std::string text;
  for (size_t i = 0; i < std::min(sample.size(), kShown); ++i) text += "  " + describe(sample[i]) + "\n";
  if (total > static_cast<int64_t>(kShown)) text += "  ... and " + FormatCount(total - kShown) + " more\n";
  return text;
}

/// "verified" is said of what this run compared itself.
std::string VerdictText(Verdict verdict, bool earlier) {
  return std::string(ToString(verdict)) + (earlier && verdict == Verdict::kVerified ? " earlier" : "");
}

std::string FormatDetails(const CollectionReport& report) {
  std::string text;
  const std::string name = report.target.ToString();
  for (const std::string& note : report.notes) text += name + ": note: " + note + "\n";
  if (report.duplicates > 0) {
    text += name + ": " + FormatCount(report.duplicates) + " rows repeat a key at the source and were left out\n" +
            FormatSample(report.duplicate_sample, static_cast<int64_t>(report.duplicate_sample.size()),
                         [](const std::string& key) { return key; });
  }
  if (report.rejects > 0) {
    text += name + ": " + FormatCount(report.rejects) + " rows were refused by the target\n" +
            FormatSample(report.rejected_sample, report.rejects,
                         [](const LeftOut& row) { return row.key + ": " + row.reason; });
  }
  if (report.conflicts > 0) {
    text += name + ": " + FormatCount(report.conflicts) + " keys are at the target with another row, which stays\n" +
            FormatSample(report.conflict_sample, report.conflicts,
                         [](const LeftOut& row) { return row.key + ": " + row.reason; });
  }
  if (report.written > 0 || report.deleted > 0) {
    text += name + ": " + FormatCount(report.written) + " rows were written and " + FormatCount(report.deleted) +
            " deleted at the target, so that it equals the source\n";
  }
  if (report.verdict == Verdict::kSampleEqual) {
    text +=
        name + ": a sample of " + FormatCount(report.sample_rows) + " rows is equal; the others were not compared\n";
  }
  if (report.differences > 0) {
    text += name + ": " + FormatCount(report.differences) + " rows differ\n" +
            FormatSample(report.difference_sample, report.differences,
                         [](const Difference& difference) { return DescribeDifference(difference); });
  }
  if (!report.error.empty()) text += name + ": error: " + report.error + "\n";
  return text;
}

}  // namespace

std::string FormatBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return Format(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
}

std::string FormatCount(int64_t count) {
  std::string digits = std::to_string(count);
  size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string FormatSeconds(double seconds) {
  if (seconds < 10) return Format("%.1f %s", seconds, "s");
  int64_t whole = std::llround(seconds);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " m " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " m";
}

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], Width(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      line += row[c];
      if (c + 1 < row.size()) line += std::string(widths[c] - Width(row[c]) + 2, ' ');
    }
    text += line + "\n";
  }
  return text;
}

std::string FormatReport(const Report& report) {
  std::vector<std::vector<std::string>> rows = {
      {"source", "target", "rows", "size", "copy", "rate", "verify", "duplicates", "refused", "result"}};
  std::string details;
  for (const CollectionReport& c : report.collections) {
    double rate = c.copy_seconds > 0 ? static_cast<double>(c.rows) / c.copy_seconds : 0;
    rows.push_back({c.source.ToString(), c.target.ToString(), FormatCount(c.rows),
                    FormatBytes(static_cast<double>(c.bytes)), FormatSeconds(c.copy_seconds),
                    FormatCount(std::llround(rate)) + " rows/s", FormatSeconds(c.verify_seconds),
                    FormatCount(c.duplicates), FormatCount(c.rejects), VerdictText(c.verdict, c.done_earlier)});
    details += FormatDetails(c);
  }
  std::string text = report.collections.empty() ? "" : FormatTable(rows);
  text += details;
  if (!report.error.empty()) text += "error: " + report.error + "\n";
  const bool all_earlier =
      !report.collections.empty() &&
      std::ranges::all_of(report.collections, [](const CollectionReport& c) { return c.done_earlier; });
  text += "job " + report.job + ": " + VerdictText(report.verdict, all_earlier) + " in " +
          FormatSeconds(report.seconds) + "\n";
  if (!report.report_file.empty()) text += "report: " + report.report_file + "\n";
  if (!report.rejects_file.empty()) text += "rows that were refused: " + report.rejects_file + "\n";
  if (!report.conflicts_file.empty()) text += "rows in conflict: " + report.conflicts_file + "\n";
  return text;
}

void ProgressPrinter::Show(const CollectionProgress& progress) {
  if (style_ == Style::kQuiet) return;
  std::lock_guard lock(mutex_);
  if (style_ == Style::kJson) {
    *out_ << ProgressJson(progress).dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n" << std::flush;
    return;
  }
  const std::string name = progress.source.ToString() + "\n" + progress.target.ToString();
  auto [entry, added] = lines_.try_emplace(name);
  if (added) order_.push_back(name);
  Line& line = entry->second;
  line.text = ProgressText(progress);
  if (style_ == Style::kTerminal) return Redraw();
  auto now = std::chrono::steady_clock::now();
  if (!added && line.stage == progress.stage && now - line.printed < std::chrono::seconds(10)) return;
  line.stage = progress.stage;
  line.printed = now;
  *out_ << line.text << "\n" << std::flush;
}

void ProgressPrinter::Note(std::string_view text) {
  if (style_ == Style::kQuiet) return;
  std::lock_guard lock(mutex_);
  if (style_ == Style::kJson) {
    *out_ << ordered_json{{"event", "note"}, {"text", text}}.dump(-1, ' ', false,
                                                                  ordered_json::error_handler_t::replace)
          << "\n"
          << std::flush;
    return;
  }
  drawn_ = 0;  // the note pushes the drawn lines up; they are drawn anew below it
  *out_ << text << "\n" << std::flush;
}

void ProgressPrinter::Redraw() {
  constexpr size_t kMaxLines = 30;  // of a screen; with more collections, the newest
  std::string text;
  if (drawn_ > 0) text = "\x1b[" + std::to_string(drawn_) + "A";
  size_t first = order_.size() > kMaxLines ? order_.size() - kMaxLines : 0;
  for (size_t i = first; i < order_.size(); ++i) text += "\r\x1b[K" + lines_[order_[i]].text + "\n";
  drawn_ = order_.size() - first;
  *out_ << text << std::flush;
}

void ProgressPrinter::Finish() {
  std::lock_guard lock(mutex_);
  drawn_ = 0;
}

}  // namespace godwit
