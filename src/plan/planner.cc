#include "plan/planner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/name_pattern.h"
#include "model/mapped_schema.h"
#include "model/row_mapper.h"

namespace godwit {
namespace {

/// Where the file says to where a collection goes.
const std::string& RuleOrTarget(const JobSpec& spec, const CollectionRule& rule) {
  return rule.where.empty() ? spec.target.where : rule.where;
}

bool WantLoaded(LoadPolicy policy, bool source_loaded) {
  if (policy == LoadPolicy::kAuto) return source_loaded;
  return policy == LoadPolicy::kAlways;
}

/// The source's schema as the job wants it at the target, before the target's own limits.
arrow::Result<CollectionSchema> WantedSchema(const JobSpec& spec, const CollectionRule& rule,
                                             const CollectionSchema& source, std::vector<std::string>* notes) {
  ARROW_ASSIGN_OR_RAISE(CollectionSchema wanted, MapSchema(source, rule.mapping));
  const SchemaOverrides& overrides = spec.overrides;
  if (overrides.shards) wanted.shards = *overrides.shards;
  if (overrides.consistency_level) wanted.consistency_level = *overrides.consistency_level;
  if (auto text = overrides.descriptions.find(rule.source.name); text != overrides.descriptions.end()) {
    wanted.description = text->second;
  }
  if (overrides.dynamic_fields.has_value()) {
    if (source.dynamic_fields && !*overrides.dynamic_fields) {
      std::erase_if(wanted.fields, [](const Field& field) { return field.dynamic; });
      notes->push_back("the dynamic fields of the source are left out, as the job asks");
    }
    wanted.dynamic_fields = *overrides.dynamic_fields;
  }
  if (int key = wanted.key_index(); key >= 0) {
    if (spec.auto_id == AutoIdPolicy::kNew) {
      wanted.fields[key].auto_id = true;
    } else if (wanted.fields[key].auto_id) {
      wanted.fields[key].auto_id = false;
      notes->push_back(
          "the source makes its keys (auto_id); the target is created without, and keeps the source's keys");
    }
  }
  if (!spec.copy_indexes) wanted.indexes = rule.mapping.indexes;
  if (!spec.stages.indexes) wanted.indexes.clear();
  wanted.loaded = spec.stages.indexes && WantLoaded(spec.load, source.loaded);
  return wanted;
}

/// A server has many names and a collection has aliases: writing to what is read, or dropping it, would destroy it.
arrow::Status CheckNotTheSource(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                const CollectionRef& target_ref, Store* target) {
  ARROW_ASSIGN_OR_RAISE(std::string written, target->catalog()->GlobalId(target_ref));
  if (written.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(std::string read, source->catalog()->GlobalId(rule.source));
  if (read != written) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidConfig,
                   "source '" + rule.source.ToString() + "' and target '" + target_ref.ToString() +
                       "' are the same collection, by another address or by an alias; give the target another name "
                       "or database",
                   RuleOrTarget(spec, rule));
}

ExistingRows ExistingOf(DataPolicy policy, const CollectionPlan& plan) {
  if (plan.commit_mode == CommitMode::kAppendOnly || plan.target.key_index() < 0) return ExistingRows::kAdd;
  return policy == DataPolicy::kOverwrite ? ExistingRows::kReplace : ExistingRows::kReport;
}

/// Decides what happens to what is already at the target.
arrow::Status ApplyPolicies(const JobSpec& spec, CollectionPlan* plan) {
  const std::string name = plan->target.ref.ToString();
  if (!plan->state.exists) {
    if (spec.schema_policy != SchemaPolicy::kExisting) return arrow::Status::OK();
    return MakeError(ErrorKind::kNotFound, "the target collection '" + name +
                                               "' does not exist and the job says not to create it (schema: existing)");
  }
  bool holds_rows = plan->state.rows > 0 || !plan->state.rows_exact;
  bool keeps_schema = spec.schema_policy == SchemaPolicy::kExisting && plan->state.schema;
  bool drops_rows = spec.data_policy == DataPolicy::kDrop && holds_rows;
  if (spec.schema_policy == SchemaPolicy::kRecreate && holds_rows && !drops_rows) {
    return MakeError(ErrorKind::kConflict,
                     "the target collection '" + name + "' holds " + std::to_string(plan->state.rows) +
                         " rows, which `schema: recreate` would drop. Say so with if_not_empty: drop");
  }
  if (spec.schema_policy == SchemaPolicy::kRecreate || (drops_rows && !keeps_schema)) {
    plan->drop_target = true;
    return arrow::Status::OK();
  }
  if (plan->state.schema) {
    const std::vector<std::string> differences = AllDifferences(plan->target, *plan->state.schema);
    if (!differences.empty()) {
      std::string list;
      for (const std::string& difference : differences) list += (list.empty() ? "" : "; ") + difference;
      return MakeError(ErrorKind::kConflict, "the target collection '" + name + "' is there and different: " + list +
                                                 ". Rename it in the job, or let the job drop it (schema: recreate)");
    }
  }
  if (!holds_rows) return arrow::Status::OK();
  if (spec.stages.structure_only() && !drops_rows) {
    if (plan->commit_mode != CommitMode::kStagedPublish) return arrow::Status::OK();
    return MakeError(ErrorKind::kUnsupported, "the target collection '" + name +
                                                  "' is there, with rows, and is nothing apart from them: this store "
                                                  "has no stage without rows for it");
  }
  if (drops_rows) {  // and made again as it was
    plan->drop_target = true;
    std::vector<std::string> partitions = std::move(plan->target.partitions);
    plan->target = *plan->state.schema;
    for (std::string& partition : partitions) {
      if (std::ranges::find(plan->target.partitions, partition) != plan->target.partitions.end()) continue;
      plan->target.partitions.push_back(std::move(partition));
    }
    plan->target.loaded = WantLoaded(spec.load, plan->source.loaded);
    return arrow::Status::OK();
  }
  if (spec.data_policy == DataPolicy::kStop) {
    return MakeError(ErrorKind::kConflict,
                     "the target collection '" + name + "' holds " + std::to_string(plan->state.rows) +
                         " rows already. Choose with if_not_empty: ignore (what is there stays), overwrite (equal keys "
                         "are overwritten, other rows stay), append (no equal keys) or drop");
  }
  if (plan->commit_mode == CommitMode::kStagedPublish) {
    return MakeError(ErrorKind::kUnsupported,
                     "rows can't be added to the target collection '" + name +
                         "': drop what is there (if_not_empty: drop), or give the target another name");
  }
  plan->existing = ExistingOf(spec.data_policy, *plan);
  return arrow::Status::OK();
}

arrow::Status CheckAppendOnly(const JobSpec& spec, const CollectionPlan& plan) {
  if (plan.commit_mode != CommitMode::kAppendOnly || spec.accept_duplicates) return arrow::Status::OK();
  if (!plan.state.exists || plan.drop_target) return arrow::Status::OK();
  return MakeError(ErrorKind::kUnsupported,
                   "the target collection '" + plan.target.ref.ToString() +
                       "' makes its keys and was not created by this job, so rows written before a crash could not be "
                       "told from rows of others. Let the job create it, keep the source's keys (auto_id: keep), or "
                       "accept that a crash may double rows (accept_duplicates: true)");
}

/// Whether the job names what a target loses.
bool Allows(const JobSpec& spec, const CollectionRef& source, const Loss& loss) {
  const std::string field = loss.field.empty() ? "" : "." + loss.field;
  auto names = [&](const std::string& allowed) {
    return MatchPattern(allowed, source.name + field) || MatchPattern(allowed, source.ToString() + field);
  };
  return std::any_of(spec.allow_lossy.begin(), spec.allow_lossy.end(), names);
}

/// A field that allow_lossy names has to be one, of the source or of what is made from it.
arrow::Status CheckAllowedFields(const JobSpec& spec, const CollectionSchema& source, const CollectionSchema& wanted) {
  std::vector<std::string> fields;
  for (const CollectionSchema* schema : {&source, &wanted}) {
    for (const Field& field : schema->fields) fields.push_back(field.name);
  }
  for (const std::string& allowed : spec.allow_lossy) {
    for (const std::string& collection : {source.ref.ToString(), source.ref.name}) {
      if (!allowed.starts_with(collection + ".")) continue;
      const std::string name = allowed.substr(collection.size() + 1);
      auto is_it = [&](const std::string& field) { return MatchPattern(name, field).has_value(); };
      if (std::ranges::any_of(fields, is_it)) break;
      const std::string near = NearestName(name, fields);
      return MakeError(ErrorKind::kInvalidConfig,
                       "allow_lossy: the collection '" + collection + "' has no field '" + name + "'" +
                           (near.empty() ? std::string() : "; did you mean '" + near + "'?"),
                       spec.WhereOf("allow_lossy." + allowed));
    }
  }
  return arrow::Status::OK();
}

arrow::Status CheckLosses(const JobSpec& spec, const std::vector<Loss>& losses, CollectionPlan* plan) {
  std::string refused;
  std::string names;
  for (const Loss& loss : losses) {
    const std::string name = plan->source.ref.name + (loss.field.empty() ? "" : "." + loss.field);
    if (Allows(spec, plan->source.ref, loss)) {
      plan->notes.push_back("not kept, as the job allows: " + name + ": " + loss.what);
      continue;
    }
    refused += (refused.empty() ? "" : "; ") + name + ": " + loss.what;
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : ", ") + name;
  }
  if (refused.empty()) return arrow::Status::OK();
  return MakeError(ErrorKind::kUnsupported, "the target can't keep " + refused + ". Allow it by name (allow_lossy: [" +
                                                names + "]), or leave the fields out");
}

std::string DescribePolicy(DataPolicy policy, ExistingRows existing) {
  switch (existing) {
    case ExistingRows::kNone:
      return "";
    case ExistingRows::kAdd:
      return ", adding to the rows that are there";
    case ExistingRows::kReplace:
      return ", overwriting equal keys";
    case ExistingRows::kReport:
      return policy == DataPolicy::kAppend ? ", adding to the rows that are there; an equal key is an error"
                                           : ", keeping the rows that are there";
  }
  return "";
}

/// For people: "load default.a", "create copy.a", ... in order.
std::vector<std::string> DescribeActions(const JobSpec& spec, const CollectionPlan& plan) {
  const bool full = !spec.stages.structure_only();
  const std::string source = plan.source.ref.ToString();
  const std::string target = plan.target.ref.ToString();
  std::vector<std::string> actions;
  if (full && !plan.preparation.empty())
    actions.push_back("load " + source + " for reading, and release it afterwards");
  if (plan.drop_target) actions.push_back("drop " + target);
  if (plan.drop_target || !plan.state.exists) actions.push_back("create " + target);
  if (full) {
    const std::string filter = plan.mapping.filter.empty() ? "" : " where " + plan.mapping.filter;
    actions.push_back("copy " + source + filter + " to " + target + DescribePolicy(spec.data_policy, plan.existing));
  }
  for (const Index& index : plan.target.indexes) {
    actions.push_back("create index " + index.name + " on " + target + "." + index.field);
  }
  if (plan.target.loaded) actions.push_back("load " + target);
  return actions;
}

arrow::Status NamesOf(const CollectionRule& rule, const CollectionSchema& wanted, Store* target) {
  arrow::Status names = target->sink()->CheckNames(wanted);
  return names.ok() ? names : MakeError(KindOf(names), names.message(), rule.where);
}

}  // namespace

arrow::Status AtOption(const arrow::Status& status, const StoreSpec& spec) {
  const auto detail = std::dynamic_pointer_cast<ErrorDetail>(status.detail());
  return MakeError(KindOf(status), spec.store + ": " + Describe(status),
                   spec.WhereOf(detail == nullptr ? std::string() : detail->where()));
}

arrow::Status CheckTargetsDiffer(const JobSpec& spec, const std::vector<CollectionRule>& rules, Store* target) {
  std::map<std::string, std::string> known;  // target by id
  for (const CollectionRule& rule : rules) {
    const CollectionRef ref = TargetRef(spec, rule, *target);
    auto id = target->catalog()->GlobalId(ref);
    if (IsRetryable(id.status()) || KindOf(id.status()) == ErrorKind::kCancelled) return id.status();
    if (!id.ok() || id->empty()) continue;  // a name that the target refuses is refused with its collection
    auto [other, is_new] = known.emplace(*std::move(id), ref.ToString());
    if (is_new) continue;
    return MakeError(ErrorKind::kInvalidConfig,
                     "the targets '" + other->second + "' and '" + ref.ToString() +
                         "' are one collection, as one name is an alias of the other; rename one of them",
                     rule.where);
  }
  return arrow::Status::OK();
}

CollectionRef TargetRef(const JobSpec& spec, const CollectionRule& rule, const Store& target) {
  if (!rule.target_database.empty()) return {rule.target_database, rule.target_name};
  return {spec.target_database.empty() ? target.default_database() : spec.target_database, rule.target_name};
}

arrow::Result<CollectionSchema> DescribeSource(const JobSpec& spec, const CollectionRule& rule, Store* source) {
  auto schema = source->catalog()->Describe(rule.source);
  if (!schema.ok() && KindOf(schema.status()) == ErrorKind::kInvalidConfig) {
    return AtOption(schema.status(), spec.source);
  }
  if (schema.ok() || rule.where.empty() || KindOf(schema.status()) != ErrorKind::kNotFound) return schema;
  std::string message = schema.status().message();
  if (auto names = source->catalog()->List(rule.source.database); names.ok()) {
    const std::string near = NearestName(rule.source.name, *names);
    if (!near.empty()) message += "; did you mean '" + near + "'?";
  }
  return MakeError(ErrorKind::kInvalidConfig, std::move(message), rule.where);
}

std::optional<arrow::Status> CheckTargetNames(const JobSpec& spec, const CollectionRule& rule,
                                              const CollectionSchema& source, Store* target) {
  std::vector<std::string> notes;
  auto wanted = WantedSchema(spec, rule, source, &notes);
  if (!wanted.ok()) return std::nullopt;  // PlanRoute says why
  wanted->ref = TargetRef(spec, rule, *target);
  return NamesOf(rule, *wanted, target);
}

arrow::Result<CollectionPlan> PlanRoute(const JobSpec& spec, const CollectionRule& rule, Store* source, Store* target) {
  CollectionPlan plan;
  ARROW_ASSIGN_OR_RAISE(plan.source, DescribeSource(spec, rule, source));
  if (!spec.stages.structure_only()) {
    ARROW_ASSIGN_OR_RAISE(plan.preparation, source->source()->Preparation(rule.source, ReadPurpose::kCopy));
  }
  if (!plan.preparation.empty() && spec.source_load == LoadPolicy::kNever) {
    return MakeError(ErrorKind::kUnsupported,
                     "the source collection '" + rule.source.ToString() +
                         "' is not loaded, and the job says not to load it (source_load: never)",
                     spec.WhereOf("source_load"));
  }
  plan.mapping = rule.mapping;
  if (!rule.mapping.filter.empty()) {
    arrow::Status filter = source->source()->CheckFilter(plan.source, rule.mapping.filter);
    if (!filter.ok()) return MakeError(KindOf(filter), "filter: " + filter.message(), rule.where);
  }
  auto mapped = WantedSchema(spec, rule, plan.source, &plan.notes);
  if (!mapped.ok()) return MakeError(KindOf(mapped.status()), mapped.status().message(), rule.where);
  CollectionSchema wanted = *std::move(mapped);
  wanted.ref = TargetRef(spec, rule, *target);
  if (source->address() == target->address() && wanted.ref == rule.source) {
    return MakeError(ErrorKind::kInvalidConfig,
                     "source and target are the same collection '" + wanted.ref.ToString() +
                         "' of the same store; give the target another name or database",
                     RuleOrTarget(spec, rule));
  }
  ARROW_RETURN_NOT_OK(CheckAllowedFields(spec, plan.source, wanted));
  ARROW_RETURN_NOT_OK(NamesOf(rule, wanted, target));
  ARROW_ASSIGN_OR_RAISE(auto losses, target->sink()->Losses(wanted));
  ARROW_RETURN_NOT_OK(CheckLosses(spec, losses, &plan));
  ARROW_ASSIGN_OR_RAISE(plan.target, target->sink()->Adapt(wanted));
  if (wanted.loaded && !plan.target.loaded) {
    const std::string what = "the collection can't be loaded at the target: a vector field has no index there";
    if (spec.load == LoadPolicy::kAlways) {
      return MakeError(ErrorKind::kUnsupported, what + ". Add `indexes`, or leave out `load: always`", rule.where);
    }
    plan.notes.push_back(what);
  }
  ARROW_RETURN_NOT_OK(RowMapper::Make(plan.source, plan.target, plan.mapping));
  plan.commit_mode = target->sink()->commit_mode(plan.target);
  ARROW_ASSIGN_OR_RAISE(plan.state, target->catalog()->State(plan.target.ref));
  ARROW_RETURN_NOT_OK(CheckNotTheSource(spec, rule, source, plan.target.ref, target));
  return plan;
}

arrow::Result<CollectionPlan> PlanCollection(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                             Store* target) {
  ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanRoute(spec, rule, source, target));
  for (std::string& note : target->sink()->Notes(plan.target)) plan.notes.push_back(std::move(note));
  ARROW_RETURN_NOT_OK(ApplyPolicies(spec, &plan));
  ARROW_RETURN_NOT_OK(CheckAppendOnly(spec, plan));
  const bool writes = !spec.stages.structure_only();
  ARROW_RETURN_NOT_OK(target->sink()->CheckUse(plan.target, {.create = plan.drop_target || !plan.state.exists,
                                                             .drop = plan.drop_target,
                                                             .write = writes,
                                                             .read_back = writes && spec.verify}));
  plan.actions = DescribeActions(spec, plan);
  return plan;
}

arrow::Result<CollectionPlan> PlanRepair(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                         Store* target) {
  ARROW_ASSIGN_OR_RAISE(CollectionPlan plan, PlanRoute(spec, rule, source, target));
  const std::string name = plan.target.ref.ToString();
  if (!plan.state.exists) {
    return MakeError(ErrorKind::kNotFound, "there is no target collection '" + name + "' to repair; run the job");
  }
  if (plan.commit_mode == CommitMode::kStagedPublish || plan.commit_mode == CommitMode::kNone) {
    return MakeError(ErrorKind::kUnsupported, "the rows of '" + name +
                                                  "' can't be replaced one by one once they are published. Copy it "
                                                  "anew: `godwit run --restart` with `if_not_empty: drop`");
  }
  if (plan.commit_mode == CommitMode::kAppendOnly || plan.target.key_index() < 0) {
    return MakeError(ErrorKind::kUnsupported, "the rows of '" + name +
                                                  "' can't be told apart: the target makes its keys, or has none. Copy "
                                                  "it anew: `godwit run --restart` with `if_not_empty: drop`");
  }
  std::string difference = plan.state.schema ? FirstDifference(plan.target, *plan.state.schema) : std::string();
  if (!difference.empty()) {
    return MakeError(ErrorKind::kConflict, "the target collection '" + name + "' has another schema: " + difference +
                                               ". A repair writes rows only; copy it anew with `schema: recreate`");
  }
  if (spec.data_policy == DataPolicy::kIgnore || spec.data_policy == DataPolicy::kAppend) {
    return MakeError(ErrorKind::kUnsupported, "rows that were in '" + name +
                                                  "' before the job are to stay (if_not_empty), and can't be told from "
                                                  "rows that changed since");
  }
  plan.existing = ExistingRows::kReplace;
  plan.target.indexes.clear();
  plan.target.aliases.clear();
  plan.target.loaded = false;
  ARROW_RETURN_NOT_OK(target->sink()->CheckUse(plan.target, {.write = true, .read_back = true}));
  return plan;
}

}  // namespace godwit
