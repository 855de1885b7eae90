#include "plan/precheck.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plan/planner.h"

namespace godwit {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kEnoughForJournal = 64 * kMiB;

std::string Mebibytes(int64_t bytes) { return fmt::format("{:.1f} MiB", double(bytes) / double(kMiB)); }

CheckItem Passed(std::string name, std::string message) {
  return {.name = std::move(name), .message = std::move(message)};
}
CheckItem Warning(std::string name, std::string message) {
  return {.name = std::move(name), .verdict = CheckItem::Verdict::kWarning, .message = std::move(message)};
}
CheckItem Failed(std::string name, std::string message) {
  return {.name = std::move(name), .verdict = CheckItem::Verdict::kFailed, .message = std::move(message)};
}

/// The folder, or the nearest one above it that exists.
std::filesystem::path ExistingFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(folder, error);
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

CheckItem CheckStateFolder(const std::string& state_dir) {
  const std::filesystem::path folder = ExistingFolder(state_dir);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Failed("state", folder.string() +
                               " can't be written, and the journal belongs there; choose another folder "
                               "with --state-dir");
  }
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return Warning("state", "the free space of " + folder.string() + " is not known: " + error.message());
  const auto available = static_cast<int64_t>(space.available);
  std::string message = Mebibytes(available) + " are free for the journal in " + state_dir;
  if (available >= kEnoughForJournal) return Passed("state", std::move(message));
  return Warning("state", message + "; a job that runs out of it stops and goes on when there is more");
}

CheckItem LoadedItem(const JobSpec& spec, const arrow::Result<std::string>& preparation) {
  if (!preparation.ok()) {
    const bool refused = KindOf(preparation.status()) == ErrorKind::kUnauthenticated;
    return Failed(refused ? "authorised" : "loaded", Describe(preparation.status()));
  }
  if (preparation->empty()) return Passed("loaded", "can be read as it is");
  if (spec.source_load != LoadPolicy::kNever) return Passed("loaded", "is loaded for reading and released afterwards");
  return Failed("loaded", "is not loaded, and the job says not to load it (source_load: never)");
}

/// A route that can't be planned is a matter of types; what stands in its way at the target comes after.
CheckItem RouteItem(const arrow::Status& status) {
  if (status.ok()) return Passed("types", "the target can hold every field");
  return Failed(KindOf(status) == ErrorKind::kUnauthenticated ? "authorised" : "types", Describe(status));
}

/// What a row may have at most, where every field has a limit.
std::optional<int64_t> LargestRow(const CollectionSchema& schema) {
  int64_t bytes = 0;
  for (const Field& field : schema.fields) {
    switch (field.type.kind) {
      case TypeKind::kString:
      case TypeKind::kJson:
      case TypeKind::kBytes:
        if (!field.max_length) return std::nullopt;
        bytes += *field.max_length;
        break;
      case TypeKind::kArray:
        if (!field.max_capacity) return std::nullopt;
        bytes += *field.max_capacity * std::max<int64_t>(8, field.max_length.value_or(0));
        break;
      case TypeKind::kSparseVector:
        return std::nullopt;
      default:
        bytes += field.type.EstimatedBytes();
    }
  }
  return bytes;
}

int64_t VectorBytes(const CollectionSchema& schema) {
  int64_t bytes = 0;
  for (const Field& field : schema.fields) {
    if (field.type.is_vector() && field.type.kind != TypeKind::kSparseVector) bytes += field.type.EstimatedBytes();
  }
  return bytes;
}

CheckItem CheckRowSize(const CollectionSchema& schema, int64_t limit) {
  const std::string up_to = "the target takes rows of up to " + Mebibytes(limit);
  if (VectorBytes(schema) > limit) {
    return Failed("row_size", up_to + ", and the vectors of one row have " + Mebibytes(VectorBytes(schema)));
  }
  const std::optional<int64_t> largest = LargestRow(schema);
  if (!largest) return Passed("row_size", up_to + "; fields without a limit could exceed it, such rows are refused");
  if (*largest <= limit) return Passed("row_size", "at most " + Mebibytes(*largest) + " a row; " + up_to);
  return Warning("row_size", up_to + "; by the limits of the fields one could have " + Mebibytes(*largest) +
                                 ". Such rows would be refused");
}

}  // namespace

const std::vector<PrecheckItem>& PrecheckItems() {
  static const std::vector<PrecheckItem> items = {
      {"state", "The folder of journals can be written and has space."},
      {"journal", "What an earlier run did, where there was one, was the same job."},
      {"reachable", "The store answers, or the folder or file is there."},
      {"authorised", "The user may do what the job needs."},
      {"version", "The server is of a version that godwit is tested with."},
      {"database", "The database is there."},
      {"writable", "File and folder can be written."},
      {"staging", "The folder for unfinished files is on the file system of the target."},
      {"collections", "The collections of the job are there, and no two have one target."},
      {"source", "The collection can be described."},
      {"loaded", "The source can be read, or be loaded for it."},
      {"names", "The target takes the names of database, collection, partitions and fields."},
      {"types", "The target can hold every field and index, by type, dimension, length, parameters and number."},
      {"target", "What is at the target already fits what the job wants with it."},
      {"row_size", "Rows are not larger than the target takes."},
      {"space", "What is copied fits on the disk of the target, by an estimate."},
      {"keys", "No key stands in several rows; looked at only with --keys, which reads every key."},
      {"rows", "Every row can be mapped and is taken by the target; looked at only with --rows, which reads them all."},
  };
  return items;
}

arrow::Status CheckItemNames(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const PrecheckItem& item : PrecheckItems()) known.emplace_back(item.name);
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string near = NearestName(name, known);
    return MakeError(ErrorKind::kInvalidConfig,
                     fmt::format("'{}' is no item of the precheck{}; the items are: {}", name,
                                 near.empty() ? "" : "; did you mean '" + near + "'?", fmt::join(known, ", ")));
  }
  return arrow::Status::OK();
}

bool ItemList::Wants(std::string_view name) const { return std::ranges::find(skip_, name) == skip_.end(); }

void ItemList::Add(const std::string& subject, CheckItem item) {
  if (!Wants(item.name)) return;
  item.subject = subject;
  failed_ = failed_ || item.verdict == CheckItem::Verdict::kFailed;
  items_.push_back(std::move(item));
}

void CheckStores(const JobSpec& spec, Store* source, Store* target, const std::string& state_dir, ItemList* items) {
  items->Add("job", CheckStateFolder(state_dir));
  for (CheckItem& item : source->Check(OptionScope::kSource))
    items->Add("source " + spec.source.store, std::move(item));
  for (CheckItem& item : target->Check(OptionScope::kTarget))
    items->Add("target " + spec.target.store, std::move(item));
}

std::optional<CollectionPlan> CheckCollection(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                              Store* target, const Capabilities& target_limits, ItemList* items) {
  const CollectionRef target_ref = TargetRef(spec, rule, *target);
  const std::string subject = rule.source.ToString() + " -> " + target_ref.ToString();
  auto described = DescribeSource(spec, rule, source);
  if (!described.ok()) {
    items->Add(subject, Failed("source", Describe(described.status())));
    return std::nullopt;
  }
  items->Add(subject,
             Passed("source",
                    fmt::format("{} fields, key '{}'", described->fields.size(),
                                described->key_index() < 0 ? "none" : described->fields[described->key_index()].name)));
  auto preparation = source->source()->Preparation(rule.source, ReadPurpose::kCopy);
  CheckItem loaded = LoadedItem(spec, preparation);
  const bool readable = loaded.verdict != CheckItem::Verdict::kFailed;
  items->Add(subject, std::move(loaded));
  // One refusal is said once, and does not hide the others.
  JobSpec further = spec;
  further.source_load = LoadPolicy::kAuto;
  if (!preparation.ok()) further.stages = {.schema = true, .full = false, .indexes = spec.stages.indexes};
  if (const auto names = CheckTargetNames(further, rule, *described, target)) {
    items->Add(subject,
               names->ok() ? Passed("names", "the target takes every name") : Failed("names", Describe(*names)));
    if (!names->ok()) return std::nullopt;  // of what follows, nothing could be asked
  }
  auto plan = preparation.ok() ? PlanCollection(further, rule, source, target) : preparation.status();
  if (plan.ok()) {
    items->Add(subject, RouteItem(plan.status()));
    items->Add(subject, Passed("target", plan->state.exists ? "is there, and fits" : "will be created"));
    if (target_limits.max_row_bytes > 0) items->Add(subject, CheckRowSize(plan->target, target_limits.max_row_bytes));
    if (!readable) return std::nullopt;
    return *std::move(plan);
  }
  const arrow::Status route = PlanRoute(further, rule, source, target).status();
  items->Add(subject, RouteItem(route));
  if (route.ok() && preparation.ok()) {
    const bool refused = KindOf(plan.status()) == ErrorKind::kUnauthenticated;
    items->Add(subject, Failed(refused ? "authorised" : "target", Describe(plan.status())));
    return std::nullopt;
  }
  auto state = target->catalog()->State(target_ref);
  if (state.ok() && state->exists && state->rows > 0 && spec.data_policy == DataPolicy::kStop) {
    items->Add(subject, Failed("target", fmt::format("holds {} rows already; choose with if_not_empty", state->rows)));
  }
  return std::nullopt;
}

void CheckSpace(const std::vector<CollectionPlan>& plans, Store* source, Store* target, ItemList* items) {
  const std::optional<int64_t> free = target->FreeBytes();
  if (!free || !items->Wants("space")) return;
  int64_t vectors = 0;
  int64_t all = 0;
  for (const CollectionPlan& plan : plans) {
    auto state = source->catalog()->State(plan.source.ref);
    if (!state.ok() || !state->rows_exact) continue;
    vectors += state->rows * VectorBytes(plan.target);
    all += state->rows * plan.target.EstimatedRowBytes();
  }
  const std::string message = "about " + Mebibytes(all) + " are to be copied, " + Mebibytes(*free) + " are free";
  if (vectors > *free) {  // they hardly get smaller by compression
    items->Add("target", Failed("space", message + ". Make room, or copy fewer collections"));
  } else if (all > *free) {
    items->Add("target", Warning("space", message + "; it fits only if it is smaller there"));
  } else {
    items->Add("target", Passed("space", message));
  }
}

}  // namespace godwit
