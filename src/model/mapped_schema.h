// The schema of a collection after its mapping. Pure function.
#pragma once

#include "godwit/mapping.h"
#include "godwit/schema.h"

namespace godwit {

/// Fields that are left out, renamed and added, partitions and indexes under their new names: what the job wants at the
/// target, before the target's own limits. Added fields come after the others, `$meta` last. kInvalidConfig names what
/// the collection does not have, or would have twice.
arrow::Result<CollectionSchema> MapSchema(const CollectionSchema& source, const Mapping& mapping);

}  // namespace godwit
