#include "engine/comparison.h"

#include <fnmatch.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/earlier_run.h"
#include "engine/job_context.h"
#include "engine/left_out.h"
#include "engine/prepared_side.h"
#include "engine/report.h"
#include "model/mapped_schema.h"
#include "verify/compare.h"
#include "verify/format_value.h"
#include "verify/repeated_keys.h"

namespace godwit {
namespace {

/// Keys of the rows that the run listed as refused or in conflict, sorted; none where the job was not begun.
arrow::Result<std::vector<Hash128>> ListedKeys(const OpenJob& job, const CollectionRule& rule) {
  ARROW_ASSIGN_OR_RAISE(auto journal, OpenEarlier(job));
  if (journal == nullptr) return std::vector<Hash128>();
  ARROW_ASSIGN_OR_RAISE(const auto collections, journal->Collections());
  const JournaledCollection* begun = FindBegun(collections, rule);
  return begun == nullptr ? std::vector<Hash128>() : journal->LeftOutKeys(begun->id);
}

/// The mapping, for those of its rows that pass `filter`, too.
arrow::Result<Mapping> Narrow(Mapping mapping, const std::string& filter, const CollectionSchema& schema,
                              Source* source) {
  if (filter.empty()) return mapping;
  arrow::Status status = source->CheckFilter(schema, filter);
  if (!status.ok()) return MakeError(KindOf(status), "--filter: " + status.message(), schema.ref.ToString());
  mapping.filter = mapping.filter.empty() ? filter : "(" + mapping.filter + ") and (" + filter + ")";
  return mapping;
}

/// ScanSide::sample of a side. What a store counts by itself are all rows, whatever the filter; where it can't, every
/// row is compared.
arrow::Result<uint64_t> SampleLimitOf(const ScanSide& side, Store* store, const SampleSize& size,
                                      const WorkLimits& limits) {
  if (size.rows == 0) return SampleLimit(size.share);
  if (!side.mapper.filter().empty()) {
    ARROW_ASSIGN_OR_RAISE(const int64_t passing, EstimateRows(side, limits));
    return SampleLimit(size, passing);
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, CountOf(store, side.mapper.read_schema().ref));
  return rows ? SampleLimit(size, *rows) : kWholeCollection;
}

/// Those that `wanted` names; every name and pattern has to fit one.
arrow::Result<std::vector<CollectionRule>> SelectRules(std::vector<CollectionRule> rules,
                                                       const std::vector<std::string>& wanted) {
  if (wanted.empty()) return rules;
  std::vector<bool> chosen(rules.size(), false);
  for (const std::string& pattern : wanted) {
    bool found = false;
    for (size_t i = 0; i < rules.size(); ++i) {
      const CollectionRef& ref = rules[i].source;
      if (::fnmatch(pattern.c_str(), ref.name.c_str(), 0) != 0 &&
          ::fnmatch(pattern.c_str(), ref.ToString().c_str(), 0) != 0) {
        continue;
      }
      chosen[i] = found = true;
    }
    if (found) continue;
    std::vector<std::string> names;
    for (const CollectionRule& rule : rules) names.push_back(rule.source.name);
    const std::string near = NearestName(pattern, names);
    return MakeError(ErrorKind::kInvalidConfig, "no collection of the job fits '" + pattern + "'" +
                                                    (near.empty() ? std::string() : "; did you mean '" + near + "'?"));
  }
  std::vector<CollectionRule> kept;
  for (size_t i = 0; i < rules.size(); ++i) {
    if (chosen[i]) kept.push_back(std::move(rules[i]));
  }
  return kept;
}

}  // namespace

arrow::Result<std::vector<CollectionRule>> RulesToCompare(const OpenJob& job, const VerifyOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto rules, job.Rules());
  return SelectRules(std::move(rules), options.collections);
}

arrow::Result<std::unique_ptr<DifferenceFile>> CreateDifferenceFile(const VerifyOptions& options) {
  if (options.differences_file.empty()) return nullptr;
  return DifferenceFile::Create(options.differences_file, options.differences_format);
}

arrow::Status CompareCollection(const OpenJob& job, const CollectionRule& rule, const VerifyOptions& options,
                                const WorkLimits& limits, DifferenceFile* file, CollectionReport* report) {
  const JobSpec& spec = job.spec;
  auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(const auto listed, ListedKeys(job, rule));
  ARROW_ASSIGN_OR_RAISE(CollectionSchema source_schema, job.source->catalog()->Describe(rule.source));
  ARROW_ASSIGN_OR_RAISE(CollectionSchema target_schema, job.target->catalog()->Describe(report->target));
  // Compared are the fields that both have: the target may lack the dynamic column, or have an empty one more.
  CollectionSchema hashed = target_schema;
  ARROW_ASSIGN_OR_RAISE(Mapping mapping, Narrow(rule.mapping, options.filter, source_schema, job.source->source()));
  ARROW_ASSIGN_OR_RAISE(CollectionSchema mapped, MapSchema(source_schema, mapping));
  std::erase_if(hashed.fields, [&](const Field& f) { return mapped.FindField(f.name) == nullptr; });
  const bool new_ids = spec.auto_id == AutoIdPolicy::kNew;
  const auto identity = new_ids || hashed.key_index() < 0 ? RowHasher::Identity::kWholeRow : RowHasher::Identity::kKey;
  ARROW_ASSIGN_OR_RAISE(ScanSide source, SideOf(job.source.get(), source_schema, hashed, mapping, identity));
  ARROW_ASSIGN_OR_RAISE(ScanSide target, SideOf(job.target.get(), target_schema, hashed, Mapping{}, identity));
  ARROW_ASSIGN_OR_RAISE(auto source_ready, PreparedSide::Make(source, rule.source, ReadPurpose::kCopy, limits));
  ARROW_ASSIGN_OR_RAISE(auto target_ready, PreparedSide::Make(target, report->target, ReadPurpose::kVerify, limits));
  if (options.sample) {
    ARROW_ASSIGN_OR_RAISE(source.sample, SampleLimitOf(source, job.source.get(), *options.sample, limits));
    target.sample = source.sample;
  }
  ARROW_ASSIGN_OR_RAISE(const bool may_repeat, job.source->source()->KeysMayRepeat(source_schema));
  if (may_repeat && identity == RowHasher::Identity::kKey) {
    ARROW_ASSIGN_OR_RAISE(auto rows, CountOf(job.source.get(), rule.source));
    ARROW_ASSIGN_OR_RAISE(Duplicates duplicates, FindRepeatedKeys(source, rows.value_or(0), limits));
    ARROW_RETURN_NOT_OK(RefuseRepeatedKeys(duplicates));
  }
  const bool keeps_rows = spec.data_policy != DataPolicy::kStop && spec.data_policy != DataPolicy::kDrop;
  const CompareMode mode = keeps_rows || !options.filter.empty() ? CompareMode::kContains : CompareMode::kEqual;
  // Rows of other keys don't matter then. The target is not asked to leave them out by the condition: a row whose value
  // differs may pass no more, nor a second one of its key.
  std::optional<std::vector<Hash128>> keys;
  ARROW_ASSIGN_OR_RAISE(SideDigest source_digest,
                        DigestSide(source, limits, mode == CompareMode::kContains ? &keys : nullptr));
  if (spec.duplicate_policy == DuplicatePolicy::kStop) ARROW_RETURN_NOT_OK(CheckKeysDiffer(source_digest));
  if (keys) source.keys = target.keys = &*keys;
  ARROW_ASSIGN_OR_RAISE(SideDigest target_digest, DigestSide(target, limits));
  auto name = [&](Difference difference) -> arrow::Status {
    if (file != nullptr) ARROW_RETURN_NOT_OK(file->Add(rule.source, report->target, difference));
    if (report->difference_sample.size() < kMaxSample) {
      report->difference_sample.push_back(Shortened(std::move(difference)));
    }
    return arrow::Status::OK();
  };
  int64_t left_out = 0;
  auto visit = [&](std::vector<DifferingRow> rows) -> arrow::Status {
    left_out += LeaveOutListed(listed, &rows);
    report->differences += static_cast<int64_t>(rows.size());
    const size_t wanted = kMaxSample - report->difference_sample.size();
    const size_t count = file != nullptr ? rows.size() : std::min(rows.size(), wanted);
    return NameDifferences(source, target, std::span(rows).first(count), file != nullptr ? 0 : kShortValue, limits,
                           name);
  };
  ARROW_RETURN_NOT_OK(FindDifferences(source, source_digest, target, target_digest, mode, limits, visit));
  if (left_out > 0) {
    report->notes.push_back(std::to_string(left_out) +
                            " rows that the run listed as refused or in conflict differ, and are not counted");
  }
  report->rows = source_digest.buckets.Total().rows;
  report->duplicates = source_digest.surplus_rows;
  report->digest = target_digest.buckets.Total();
  report->verify_seconds = SecondsSince(start);
  const bool sampled = source.sample != kWholeCollection || !options.filter.empty();
  if (sampled) report->sample_rows = report->rows;
  report->verdict = report->differences > 0 ? Verdict::kDifferent
                    : sampled               ? Verdict::kSampleEqual
                                            : Verdict::kVerified;
  if (report->verdict == Verdict::kVerified) report->verified_at = NowUtc();
  return arrow::Status::OK();
}

}  // namespace godwit
