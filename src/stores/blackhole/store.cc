#include "stores/blackhole/store.h"

#include <map>
#include <mutex>
#include <utility>

#include <arrow/record_batch.h>

namespace godwit::blackhole {
namespace {

/// Remembers the schemas made through it, as long as it lives; never a row.
class BlackholeCatalog : public Catalog {
 public:
  arrow::Result<std::vector<std::string>> List(const std::string&) override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [ref, schema] : schemas_) names.push_back(ref.name);
    return names;
  }

  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override {
    std::lock_guard lock(mutex_);
    auto found = schemas_.find(ref);
    if (found == schemas_.end()) {
      return MakeError(ErrorKind::kNotFound, "collection '" + ref.ToString() + "' does not exist", "blackhole");
    }
    return found->second;
  }

  arrow::Result<TargetState> State(const CollectionRef& ref) override {
    std::lock_guard lock(mutex_);
    TargetState state;
    auto found = schemas_.find(ref);
    if (found == schemas_.end()) return state;
    state.exists = true;
    state.identity = "blackhole";
    state.schema = found->second;
    return state;
  }

  arrow::Status Create(const CollectionSchema& schema) override {
    std::lock_guard lock(mutex_);
    auto [found, inserted] = schemas_.emplace(schema.ref, schema);
    if (inserted) return arrow::Status::OK();
    if (std::string difference = FirstDifference(schema, found->second); !difference.empty()) {
      return MakeError(ErrorKind::kConflict, "another collection of this name exists: " + difference,
                       "blackhole " + schema.ref.ToString());
    }
    found->second = schema;
    return arrow::Status::OK();
  }

  arrow::Result<std::string> Ddl(const CollectionSchema&) override { return std::string("nothing is kept"); }

  arrow::Status Drop(const CollectionRef& ref) override {
    std::lock_guard lock(mutex_);
    schemas_.erase(ref);
    return arrow::Status::OK();
  }

 private:
  std::mutex mutex_;
  std::map<CollectionRef, CollectionSchema> schemas_;
};

class BlackholeWriter : public Writer {
 public:
  BlackholeWriter(std::string split_id, StopToken stop) : split_id_(std::move(split_id)), stop_(std::move(stop)) {}

  arrow::Result<WriteResult> Write(const Batch&, const HashedRows&) override {
    if (stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", "blackhole");
    return WriteResult{};
  }
  arrow::Result<Receipt> Commit(const Progress& progress) override {
    return Receipt{.split_id = split_id_, .progress = progress, .evidence = {}};
  }
  void Abort() override {}

 private:
  std::string split_id_;
  StopToken stop_;
};

class BlackholeSink : public Sink {
 public:
  explicit BlackholeSink(StopToken stop) : stop_(std::move(stop)) {}

  arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) override { return source; }
  CommitMode commit_mode(const CollectionSchema&) const override { return CommitMode::kNone; }
  arrow::Result<Recovery> Recover(const WriteTarget&, const Split&, const std::optional<Receipt>& journaled,
                                  bool) override {
    return Recovery{.receipt = journaled, .replay = false};
  }
  arrow::Result<std::unique_ptr<Writer>> Open(const WriteTarget&, const Split& split, const Recovery&) override {
    return std::make_unique<BlackholeWriter>(split.id, stop_);
  }
  arrow::Status Finalize(const WriteTarget&, const std::vector<Receipt>&) override { return arrow::Status::OK(); }
  arrow::Result<std::unique_ptr<Source>> ReadBack(const WriteTarget&, const std::vector<Receipt>&) override {
    return nullptr;
  }
  arrow::Status DeleteKeys(const WriteTarget&, const std::string&, const std::shared_ptr<arrow::Array>&,
                           std::vector<Receipt>*) override {
    return arrow::Status::OK();
  }
  arrow::Status Publish(const WriteTarget&, const std::vector<Receipt>&, const Digest&) override {
    return arrow::Status::OK();
  }
  arrow::Status Discard(const WriteTarget&) override { return arrow::Status::OK(); }

 private:
  StopToken stop_;
};

class BlackholeStore : public Store {
 public:
  explicit BlackholeStore(StopToken stop) : sink_(std::move(stop)) {}

  std::vector<CheckItem> Check(OptionScope) override { return {{.name = "reachable", .message = "keeps nothing"}}; }
  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return nullptr; }
  Sink* sink() override { return &sink_; }
  std::string address() const override { return "blackhole"; }

 private:
  BlackholeCatalog catalog_;
  BlackholeSink sink_;
};

}  // namespace

StoreFactory Factory() {
  return {.name = "blackhole",
          .description = "A target that forgets every row: measures reading and the engine by themselves.",
          .capabilities = {.target = true, .partitions = true},
          .options = {},
          .open = [](const OptionValues&, StopToken stop) -> arrow::Result<std::unique_ptr<Store>> {
            return std::make_unique<BlackholeStore>(std::move(stop));
          }};
}

}  // namespace godwit::blackhole
