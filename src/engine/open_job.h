// A job with both its stores open, and what follows from the three together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "godwit/job.h"
#include "godwit/store.h"
#include "journal/journal.h"

namespace godwit {

/// kInvalidConfig, at its place in the job file, where there is no such store or it refuses an option.
arrow::Result<std::unique_ptr<Store>> OpenStore(const StoreRegistry& stores, const StoreSpec& spec, StopToken stop);

/// What it refers to outlives it.
struct OpenJob {
  const StoreRegistry& stores;
  const JobSpec& spec;
  const RunOptions& options;
  std::unique_ptr<Store> source;
  std::unique_ptr<Store> target;

  /// kInvalidConfig where a store can't be what the job makes of it.
  static arrow::Result<OpenJob> Open(const StoreRegistry& stores, const JobSpec& spec, const RunOptions& options);

  const Capabilities& SourceCapabilities() const { return FindStore(stores, spec.source.store)->capabilities; }
  const Capabilities& TargetCapabilities() const { return FindStore(stores, spec.target.store)->capabilities; }
  Journal::Header JournalHeader() const;
  std::string JournalPath() const { return godwit::JournalPath(options.state_dir, spec.name); }

  /// As ResolveCollections.
  arrow::Result<std::vector<CollectionRule>> Rules() const;
  /// Targets that would destroy one another, or the source.
  arrow::Status CheckTargets(const std::vector<CollectionRule>& rules) const;
};

}  // namespace godwit
