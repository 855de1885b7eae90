// What an earlier run of a job left: its journal, and what follows from it for the next run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/open_job.h"
#include "journal/journal.h"

namespace godwit {

bool IsRuleOf(const CollectionRule& rule, const JournaledCollection& collection);
/// The collection of the rule; null where it was not begun.
const JournaledCollection* FindBegun(const std::vector<JournaledCollection>& begun, const CollectionRule& rule);
/// What it was begun with, and how the next run goes on.
CollectionPlan PlanOf(const JournaledCollection& begun);

/// The journal of a run with this job file; null where there is none, or where it is of another source, target or
/// list of collections.
arrow::Result<std::unique_ptr<Journal>> OpenEarlier(const OpenJob& job);
/// The collections that the next run goes on with; none where it begins anew.
arrow::Result<std::vector<JournaledCollection>> BegunCollections(const OpenJob& job);
/// True when a run forgets the journal of the earlier one without being told.
arrow::Result<bool> BeginsAnew(const OpenJob& job, Journal* earlier);

/// The journal to run with. Of one that is begun anew, only the limits stay that were set for later runs.
arrow::Result<std::unique_ptr<Journal>> OpenJournal(const OpenJob& job);
/// Takes back what the run with the journal at `path` left at the stores, then removes it. An absent one is OK.
arrow::Status Forget(const OpenJob& job, const std::string& path);

}  // namespace godwit
