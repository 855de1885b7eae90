// The part of godwit.yaml that says which collections go, and what becomes of them: databases, collections,
// collections_file, exclude, and indexes where they are a list.
#pragma once

#include "config/document.h"
#include "config/load.h"
#include "godwit/job.h"

namespace godwit {

/// Names with a dot are `database.name` where the store has databases.
struct NamedDatabases {
  bool source = false;
  bool target = false;
};

void ReadSelection(const Node& root, NamedDatabases databases, JobSpec* spec, Problems* problems);

/// The keys of the top level that ReadSelection reads.
OptionTable SelectionOptions();
/// The keys of an item of `collections`, and of the parts below it.
std::vector<DocumentedSection> SelectionSections();

}  // namespace godwit
