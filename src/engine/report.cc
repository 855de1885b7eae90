#include "engine/report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "plan/planner.h"
#include "verify/difference_file.h"

namespace godwit {
namespace {

using nlohmann::ordered_json;

ordered_json ToJsonObject(const Difference& difference) {
  ordered_json fields = ordered_json::array();
  for (const FieldDifference& field : difference.fields) {
    fields.push_back({{"field", field.field}, {"source", field.source_value}, {"target", field.target_value}});
  }
  return {{"side", ToString(difference.side)},
          {"partition", difference.partition},
          {"key", difference.key},
          {"fields", std::move(fields)}};
}

ordered_json ToJsonArray(const std::vector<LeftOut>& rows) {
  ordered_json array = ordered_json::array();
  for (const LeftOut& row : rows) {
    array.push_back({{"partition", row.partition}, {"key", row.key}, {"reason", row.reason}});
  }
  return array;
}

ordered_json ToJsonObject(const CollectionReport& report) {
  ordered_json differences = ordered_json::array();
  for (const Difference& difference : report.difference_sample) differences.push_back(ToJsonObject(difference));
  return {{"source", report.source.ToString()},
          {"target", report.target.ToString()},
          {"verdict", ToString(report.verdict)},
          {"done_earlier", report.done_earlier},
          {"verified_at", report.verified_at},
          {"rows", report.rows},
          {"bytes", report.bytes},
          {"copy_seconds", report.copy_seconds},
          {"verify_seconds", report.verify_seconds},
          {"rows_per_second", report.copy_seconds > 0 ? static_cast<double>(report.rows) / report.copy_seconds : 0.0},
          {"duplicates", report.duplicates},
          {"duplicate_keys", report.duplicate_sample},
          {"rejects", report.rejects},
          {"rejected_rows", ToJsonArray(report.rejected_sample)},
          {"conflicts", report.conflicts},
          {"conflict_rows", ToJsonArray(report.conflict_sample)},
          {"corrections", report.rounds},
          {"written", report.written},
          {"deleted", report.deleted},
          {"sample_rows", report.sample_rows},
          {"digest", report.digest.ToString()},
          {"differences", report.differences},
          {"differing_rows", std::move(differences)},
          {"notes", report.notes},
          {"error", report.error},
          {"error_kind", report.error_kind ? ordered_json(ToString(*report.error_kind)) : ordered_json()}};
}

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return "verified";
    case Verdict::kSampleEqual:
      return "sample equal";
    case Verdict::kStructureOnly:
      return "structure only";
    case Verdict::kCopiedNotVerified:
      return "copied, not verified";
    case Verdict::kDifferent:
      return "different";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kStopped:
      return "stopped";
    case Verdict::kPrecheckFailed:
      return "precheck failed";
    case Verdict::kPlanned:
      return "planned";
  }
  return "";
}

int ExitCode(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
    case Verdict::kSampleEqual:
    case Verdict::kStructureOnly:
    case Verdict::kPlanned:
      return 0;
    case Verdict::kFailed:
      return 1;
    case Verdict::kDifferent:
      return 3;
    case Verdict::kPrecheckFailed:
      return 4;
    case Verdict::kCopiedNotVerified:
      return 5;
    case Verdict::kStopped:
      return 130;
  }
  return 1;
}

std::string ToJson(const Report& report) {
  ordered_json collections = ordered_json::array();
  for (const CollectionReport& collection : report.collections) collections.push_back(ToJsonObject(collection));
  ordered_json object = {{"event", "report"},
                         {"job", report.job},
                         {"dialect", report.dialect},
                         {"verdict", ToString(report.verdict)},
                         {"exit_code", report.exit_code},
                         {"seconds", report.seconds},
                         {"digest_seconds", report.digest_seconds},
                         {"resumed", report.resumed},
                         {"error", report.error},
                         {"report_file", report.report_file},
                         {"rejects_file", report.rejects_file},
                         {"conflicts_file", report.conflicts_file},
                         {"collections", std::move(collections)}};
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void JobTimer::Stop(Report* report) const {
  report->seconds = SecondsSince(start_);
  report->digest_seconds = std::chrono::duration<double>(RowHasher::TimeSpent() - hashing_).count();
}

Report BeginReport(const JobSpec& spec) {
  Report report;
  report.job = spec.name;
  report.dialect = spec.dialect;
  return report;
}

CollectionReport FailedReport(const JobSpec& spec, const CollectionRule& rule, const Store& target,
                              const arrow::Status& status) {
  CollectionReport report{.source = rule.source, .target = TargetRef(spec, rule, target)};
  report.verdict = KindOf(status) == ErrorKind::kCancelled ? Verdict::kStopped : Verdict::kFailed;
  report.error = Describe(status);
  report.error_kind = KindOf(status);
  return report;
}

void SumUp(Report* report) {
  static constexpr Verdict kWorstFirst[] = {Verdict::kStopped,           Verdict::kFailed,      Verdict::kDifferent,
                                            Verdict::kCopiedNotVerified, Verdict::kSampleEqual, Verdict::kStructureOnly,
                                            Verdict::kVerified};
  report->verdict = Verdict::kVerified;
  for (Verdict verdict : kWorstFirst) {
    bool found = std::any_of(report->collections.begin(), report->collections.end(),
                             [&](const CollectionReport& c) { return c.verdict == verdict; });
    if (!found) continue;
    report->verdict = verdict;
    break;
  }
  report->exit_code = ExitCode(report->verdict);
  bool invalid = !report->collections.empty() &&
                 std::all_of(report->collections.begin(), report->collections.end(),
                             [](const CollectionReport& c) { return c.error_kind == ErrorKind::kInvalidConfig; });
  if (invalid) report->exit_code = 2;
}

}  // namespace godwit
