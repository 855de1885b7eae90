#include "verify/refused_rows.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>

namespace godwit {
namespace {

void Add(std::string row, CountedRows* rows) {
  ++rows->count;
  if (rows->sample.size() < kRefusedSample) rows->sample.push_back(std::move(row));
}

}  // namespace

arrow::Result<RefusedRows> FindRefusedRows(const ScanSide& side, Sink* sink, const WorkLimits& limits) {
  RefusedRows found;
  auto visit = [&](const Batch& batch, const HashedRows&) -> arrow::Status {
    found.read += batch.rows->num_rows();
    ARROW_ASSIGN_OR_RAISE(const WriteResult result, sink->FindRejected(side.schema, batch));
    for (const Rejected& row : result.rejected) Add(row.key + ": " + row.reason, &found.rejected);
    return arrow::Status::OK();
  };
  auto unfit = [&](const arrow::Status& why) {
    ++found.read;
    Add(why.message(), &found.unfit);
  };
  ARROW_RETURN_NOT_OK(Scan(side, limits, visit, unfit));
  // The splits are read at once, in no order.
  std::sort(found.unfit.sample.begin(), found.unfit.sample.end());
  std::sort(found.rejected.sample.begin(), found.rejected.sample.end());
  return found;
}

}  // namespace godwit
