// One side of a comparison outside a run: what is hashed of it, and the collection prepared for reading meanwhile.
#pragma once

#include <optional>
#include <string>

#include "godwit/store.h"
#include "model/canonical.h"
#include "verify/scan.h"

namespace godwit {

/// `own` is the store's schema, `hashed` the one in which both sides are compared.
arrow::Result<ScanSide> SideOf(Store* store, const CollectionSchema& own, const CollectionSchema& hashed,
                               const Mapping& mapping, RowHasher::Identity identity);

/// How many rows the collection has, where the store knows.
arrow::Result<std::optional<int64_t>> CountOf(Store* store, const CollectionRef& ref);

/// A collection that is prepared for reading as long as this lives.
class PreparedSide {
 public:
  static arrow::Result<PreparedSide> Make(const ScanSide& side, const CollectionRef& ref, ReadPurpose purpose,
                                          const WorkLimits& limits);
  PreparedSide(PreparedSide&& other) noexcept;
  ~PreparedSide();

 private:
  PreparedSide(Source* source, CollectionRef ref) : source_(source), ref_(std::move(ref)) {}

  Source* source_;
  CollectionRef ref_;
  std::string preparation_;
};

}  // namespace godwit
