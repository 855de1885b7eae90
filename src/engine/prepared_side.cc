#include "engine/prepared_side.h"

#include <utility>

#include "engine/job_context.h"

namespace godwit {

arrow::Result<ScanSide> SideOf(Store* store, const CollectionSchema& own, const CollectionSchema& hashed,
                               const Mapping& mapping, RowHasher::Identity identity) {
  ARROW_ASSIGN_OR_RAISE(RowMapper mapper, RowMapper::Make(own, hashed, mapping));
  return ScanSide{store->source(), std::move(mapper), hashed, identity};
}

arrow::Result<std::optional<int64_t>> CountOf(Store* store, const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(TargetState state, store->catalog()->State(ref));
  return state.rows_exact ? std::optional(state.rows) : std::nullopt;
}

arrow::Result<PreparedSide> PreparedSide::Make(const ScanSide& side, const CollectionRef& ref, ReadPurpose purpose,
                                               const WorkLimits& limits) {
  PreparedSide prepared(side.source, ref);
  ARROW_ASSIGN_OR_RAISE(prepared.preparation_, side.source->Preparation(ref, purpose));
  if (!prepared.preparation_.empty()) {
    ARROW_RETURN_NOT_OK(RetryStep(limits, [&] { return side.source->Prepare(ref, prepared.preparation_); }));
  }
  return prepared;
}

PreparedSide::PreparedSide(PreparedSide&& other) noexcept
    : source_(other.source_), ref_(std::move(other.ref_)), preparation_(std::exchange(other.preparation_, {})) {}

PreparedSide::~PreparedSide() {
  // The outcome of the comparison stands even where this fails; the collection then stays loaded.
  if (!preparation_.empty()) (void)source_->Restore(ref_, preparation_);
}

}  // namespace godwit
