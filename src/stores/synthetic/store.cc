#include "stores/synthetic/store.h"

#include <utility>

#include "stores/synthetic/catalog.h"
#include "stores/synthetic/options.h"
#include "stores/synthetic/source.h"

namespace godwit::synthetic {
namespace {

class SyntheticStore : public Store {
 public:
  SyntheticStore(const Options& options, StopToken stop) : catalog_(options), source_(options, std::move(stop)) {}

  std::vector<CheckItem> Check(OptionScope) override { return {{.name = "reachable", .message = "rows are made up"}}; }
  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return &source_; }
  Sink* sink() override { return nullptr; }
  std::string address() const override { return "synthetic"; }

 private:
  SyntheticCatalog catalog_;
  SyntheticSource source_;
};

}  // namespace

StoreFactory Factory() {
  return {.name = "synthetic",
          .description = "A source of made-up rows, the same for the same seed: for trials, benchmarks and tests.",
          .capabilities = {.source = true,
                           .partitions = true,
                           .snapshot_life = SnapshotLife::kDurable,
                           .splits_by = "row range"},
          .options = Table(),
          .open = [](const OptionValues& values, StopToken stop) -> arrow::Result<std::unique_ptr<Store>> {
            ARROW_ASSIGN_OR_RAISE(Options options, ParseOptions(values));
            return std::make_unique<SyntheticStore>(options, std::move(stop));
          }};
}

}  // namespace godwit::synthetic
