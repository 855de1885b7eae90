// What can be known before a run: every problem of both stores and of every collection, as items with what to do.
//
// Asks both stores; writes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "godwit/job.h"
#include "godwit/store.h"

namespace godwit {

/// kInvalidConfig where one of the names is no item; it names the items.
arrow::Status CheckItemNames(const std::vector<std::string>& names);

/// Collects items, without those that are to be skipped.
class ItemList {
 public:
  explicit ItemList(std::vector<std::string> skip) : skip_(std::move(skip)) {}

  bool Wants(std::string_view name) const;
  void Add(const std::string& subject, CheckItem item);
  bool failed() const { return failed_; }
  std::vector<CheckItem> Take() { return std::move(items_); }

 private:
  std::vector<std::string> skip_;
  std::vector<CheckItem> items_;
  bool failed_ = false;
};

/// Both stores, and the folder of journals.
void CheckStores(const JobSpec& spec, Store* source, Store* target, const std::string& state_dir, ItemList* items);

/// One collection; what was planned where nothing is in the way. `target_limits` are those of the target's room.
std::optional<CollectionPlan> CheckCollection(const JobSpec& spec, const CollectionRule& rule, Store* source,
                                              Store* target, const Capabilities& target_limits, ItemList* items);

/// Whether what all plans write fits the target.
void CheckSpace(const std::vector<CollectionPlan>& plans, Store* source, Store* target, ItemList* items);

}  // namespace godwit
