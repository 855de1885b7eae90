// JobSpec + catalogs -> what is to be done with each collection. Reads both stores, writes nothing.
#pragma once

#include <optional>
#include <vector>

#include "godwit/job.h"
#include "godwit/store.h"

namespace godwit {

/// The target's name of a resolved rule.
CollectionRef TargetRef(const JobSpec& spec, const CollectionRule& rule, const Store& target);

/// kInvalidConfig where two rules lead to one collection under two names.
arrow::Status CheckTargetsDiffer(const JobSpec& spec, const std::vector<CollectionRule>& rules, Store* target);

/// A store that refuses an option knows its name, and the job its place in the file.
arrow::Status AtOption(const arrow::Status& status, const StoreSpec& spec);

/// A collection that the job names and that is not there is the job's mistake: kInvalidConfig, with its place; so is an
/// option that the store refuses only now.
arrow::Result<CollectionSchema> DescribeSource(const JobSpec& spec, const CollectionRule& rule, Store* source);

/// Whether the target takes every name, also those that the job gives; nothing where it says so with the types only.
std::optional<arrow::Status> CheckTargetNames(const JobSpec& spec, const CollectionRule& rule,
                                              const CollectionSchema& source, Store* target);

/// From which collection to which, whatever stands at the target.
arrow::Result<CollectionPlan> PlanRoute(const JobSpec& spec, const CollectionRule& rule, Store* source, Store* target);

/// The first reason why the collection can't be moved as asked is the status; its message says what to do.
arrow::Result<CollectionPlan> PlanCollection(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                             Store* target);

/// What a repair of the collection writes to: as PlanCollection, but the target has to be there, equal in its schema,
/// and of a kind whose rows can be replaced one by one. Indexes, aliases and load state are left as they are.
arrow::Result<CollectionPlan> PlanRepair(const JobSpec& spec, const CollectionRule& rule, Store* source, Store* target);

}  // namespace godwit
