#include "engine/open_job.h"

#include <utility>

#include "engine/file_places.h"
#include "plan/planner.h"
#include "plan/selection.h"

namespace godwit {
namespace {

/// What the job asks of the stores beyond what every store does.
arrow::Status CheckCapabilities(const OpenJob& job) {
  for (const CollectionRule& rule : job.spec.collections) {
    if (rule.mapping.filter.empty() || !job.SourceCapabilities().filter.empty()) continue;
    return MakeError(
        ErrorKind::kInvalidConfig,
        "filter: rows of the store '" + job.spec.source.store + "' can't be filtered; leave the filter out",
        rule.where);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::unique_ptr<Store>> OpenStore(const StoreRegistry& stores, const StoreSpec& spec, StopToken stop) {
  const StoreFactory* factory = FindStore(stores, spec.store);
  if (factory == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "there is no store '" + spec.store + "'", spec.where);
  }
  auto store = factory->open(spec.options, std::move(stop));
  if (store.ok()) return store;
  return AtOption(store.status(), spec);
}

arrow::Result<OpenJob> OpenJob::Open(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options) {
  OpenJob job{stores, spec, options};
  ARROW_ASSIGN_OR_RAISE(job.source, OpenStore(stores, spec.source, options.stop));
  ARROW_ASSIGN_OR_RAISE(job.target, OpenStore(stores, spec.target, options.stop));
  if (job.source->source() == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "store '" + spec.source.store + "' can't be a source",
                     spec.source.where);
  }
  if (job.target->sink() == nullptr) {
    return MakeError(ErrorKind::kInvalidConfig, "store '" + spec.target.store + "' can't be a target",
                     spec.target.where);
  }
  ARROW_RETURN_NOT_OK(CheckCapabilities(job));
  return job;
}

Journal::Header OpenJob::JournalHeader() const {
  return {.job = spec.name, .identity = spec.IdentityHash(stores), .file = spec.file, .dialect = spec.dialect};
}

arrow::Result<std::vector<CollectionRule>> OpenJob::Rules() const {
  return ResolveCollections(spec, source.get(), TargetCapabilities());
}

arrow::Status OpenJob::CheckTargets(const std::vector<CollectionRule>& rules) const {
  ARROW_RETURN_NOT_OK(CheckTargetsDiffer(spec, rules, target.get()));
  return CheckOutsideSource(stores, spec, rules, source->catalog());
}

}  // namespace godwit
