// What some targets can tell of a collection before it is written. A Sink that can implements this, too.
#pragma once

#include "godwit/schema.h"

namespace godwit {

/// What a job does to a target collection.
struct TargetUse {
  bool create = false;
  bool drop = false;
  bool write = false;
  bool read_back = false;  // by Sink::ReadBack
};

class TargetChecks {
 public:
  virtual ~TargetChecks() = default;
  /// kInvalidConfig names every name of database, collection, partitions and fields that the target does not take.
  virtual arrow::Status CheckNames(const CollectionSchema& wanted) const = 0;
  /// Whether that may be done there: kUnauthenticated names every privilege that the user lacks, where the store tells.
  /// Asks, and writes nothing. `target` as Sink::Adapt returned it.
  virtual arrow::Status CheckUse(const CollectionSchema& target, const TargetUse& use) = 0;
};

}  // namespace godwit
