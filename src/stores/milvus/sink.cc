#include "stores/milvus/sink.h"

#include <utility>

#include "stores/milvus/catalog.h"
#include "stores/milvus/privileges.h"
#include "stores/milvus/range_query.h"
#include "stores/milvus/source.h"
#include "stores/milvus/writer.h"

namespace godwit::milvus {
namespace {

// A request that was sent whole before its caller died reaches the server's queue within a fraction of this; from there
// on the order of time stamps makes a later upsert win. README.md has the whole argument.
constexpr std::chrono::seconds kSettling{3};

RowRules RulesOf(const Features& features) {
  return {.json_objects_only = features.json_objects_only, .empty_sparse_vectors = features.empty_sparse_vectors};
}

}  // namespace

void LastUncertainty::Note() {
  std::lock_guard lock(mutex_);
  at_ = std::chrono::steady_clock::now();
}

bool LastUncertainty::Settle(const StopToken& stop) const {
  std::chrono::steady_clock::time_point until;
  {
    std::lock_guard lock(mutex_);
    until = at_ + kSettling;
  }
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return left.count() <= 0 ? !stop.stop_requested() : !stop.WaitFor(left);
}

MilvusSink::MilvusSink(std::shared_ptr<Client> client, const MilvusOptions& options)
    : client_(std::move(client)), options_(options), uncertainty_(std::make_shared<LastUncertainty>()) {}

arrow::Result<Features> MilvusSink::AskedFeatures() {
  std::lock_guard lock(mutex_);
  if (!features_) {
    ARROW_ASSIGN_OR_RAISE(features_, AskFeatures(client_.get()));
  }
  return *features_;
}

arrow::Status MilvusSink::CheckNames(const CollectionSchema& wanted) const { return milvus::CheckNames(wanted); }

arrow::Result<CollectionSchema> MilvusSink::Adapt(const CollectionSchema& source) {
  ARROW_ASSIGN_OR_RAISE(Features features, AskedFeatures());
  CollectionSchema wanted = source;
  wanted.ref = Resolve(*client_, source.ref);
  return AdaptSchema(wanted, features);
}

arrow::Result<std::vector<Loss>> MilvusSink::Losses(const CollectionSchema& source) {
  ARROW_ASSIGN_OR_RAISE(Features features, AskedFeatures());
  return LossesOf(source, features);
}

arrow::Status MilvusSink::CheckUse(const CollectionSchema& target, const TargetUse& use) {
  if (client_->user().empty()) return arrow::Status::OK();
  std::optional<CollectionSchema> existing;
  if (!use.create) {
    ARROW_ASSIGN_OR_RAISE(existing, MilvusCatalog(client_).Describe(target.ref));
  }
  return CheckPrivileges(client_.get(), target.ref, PrivilegesToWrite(target, existing ? &*existing : nullptr, use));
}

CommitMode MilvusSink::commit_mode(const CollectionSchema& schema) const {
  int key = schema.key_index();
  return key >= 0 && schema.fields[static_cast<size_t>(key)].auto_id ? CommitMode::kAppendOnly
                                                                     : CommitMode::kUpsertByKey;
}

arrow::Result<Recovery> MilvusSink::Recover(const WriteTarget&, const Split&, const std::optional<Receipt>& journaled,
                                            bool attempted) {
  if (attempted && !uncertainty_->Settle(client_->stop())) return MakeError(ErrorKind::kCancelled, "stopped");
  return Recovery{.receipt = journaled, .replay = attempted};
}

arrow::Result<std::unique_ptr<Writer>> MilvusSink::Open(const WriteTarget& target, const Split& split,
                                                        const Recovery& recovery) {
  ARROW_ASSIGN_OR_RAISE(Features features, AskedFeatures());
  WriteSettings settings;
  settings.new_keys = commit_mode(target.schema) == CommitMode::kAppendOnly;
  if (settings.new_keys) {
    if (recovery.receipt) {
      ARROW_ASSIGN_OR_RAISE(settings.acked, AckedIds::FromJson(recovery.receipt->evidence));
    }
    settings.acked.unsure = settings.acked.unsure || recovery.replay;
  } else {
    settings.upsert = recovery.replay || target.existing == ExistingRows::kReplace || options_.always_upsert;
  }
  if (target.existing == ExistingRows::kReport) {
    // What was there before, and what earlier tries wrote, which Recover has settled.
    settings.report_existing = true;
    ARROW_ASSIGN_OR_RAISE(settings.existing_since, ReadTimestamp(client_.get()));
  }
  settings.batch_rows = options_.batch_rows;
  settings.rules = RulesOf(features);
  return MakeWriter(client_, target, split.id, settings, uncertainty_);
}

arrow::Result<WriteResult> MilvusSink::FindRejected(const CollectionSchema& target, const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(Features features, AskedFeatures());
  return RejectedRows(*batch.rows, target, RulesOf(features));
}

arrow::Status MilvusSink::Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) {
  ARROW_RETURN_NOT_OK(FlushAndWait(client_.get(), target.schema.ref));
  bool append_only = commit_mode(target.schema) == CommitMode::kAppendOnly;
  if (!append_only || !target.exclusive) return arrow::Status::OK();
  return RemoveUnacknowledged(client_, target.schema, receipts);
}

arrow::Result<std::unique_ptr<Source>> MilvusSink::ReadBack(const WriteTarget&, const std::vector<Receipt>&) {
  return std::make_unique<MilvusSource>(client_, options_.batch_rows);
}

arrow::Status MilvusSink::DeleteKeys(const WriteTarget& target, const std::string& partition,
                                     const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>*) {
  arrow::Status deleted = DeleteByKey(client_.get(), target.schema, partition, *keys);
  if (!deleted.ok()) uncertainty_->Note();
  return deleted;
}

arrow::Status MilvusSink::Publish(const WriteTarget& target, const std::vector<Receipt>&, const Digest&) {
  const CollectionSchema& schema = target.schema;
  for (const Index& index : schema.indexes) ARROW_RETURN_NOT_OK(EnsureIndex(client_.get(), schema.ref, index));
  ARROW_RETURN_NOT_OK(WaitForIndexes(client_.get(), schema.ref));
  if (schema.loaded) ARROW_RETURN_NOT_OK(Load(client_.get(), schema.ref));
  for (const std::string& alias : schema.aliases) ARROW_RETURN_NOT_OK(EnsureAlias(client_.get(), schema.ref, alias));
  return arrow::Status::OK();
}

arrow::Status MilvusSink::Discard(const WriteTarget&) { return arrow::Status::OK(); }

}  // namespace godwit::milvus
