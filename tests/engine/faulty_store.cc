#include "engine/faulty_store.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <arrow/record_batch.h>

namespace godwit {
namespace {

class FaultyReader : public Reader {
 public:
  FaultyReader(std::unique_ptr<Reader> real, const Fault& fault) : real_(std::move(real)), fault_(fault) {}
  arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) override {
    ARROW_RETURN_NOT_OK(fault_("next"));
    return real_->Next(max_bytes);
  }
  Duplicates duplicates() const override { return real_->duplicates(); }

 private:
  std::unique_ptr<Reader> real_;
  const Fault& fault_;
};

WriteResult RefusedBy(const Refusal& refusal, const arrow::RecordBatch& rows) {
  WriteResult refused;
  for (int64_t row = 0; refusal && row < rows.num_rows(); ++row) {
    std::string reason = refusal(rows, row);
    if (reason.empty()) continue;
    refused.rejected_rows.push_back(row);
    refused.rejected.push_back({.key = "row " + std::to_string(row), .reason = std::move(reason)});
  }
  return refused;
}

class FaultyWriter : public Writer {
 public:
  FaultyWriter(std::unique_ptr<Writer> real, const Fault& fault, const Refusal& refusal)
      : real_(std::move(real)), fault_(fault), refusal_(refusal) {}
  arrow::Result<WriteResult> Write(const Batch& batch, const HashedRows& hashes) override {
    ARROW_RETURN_NOT_OK(fault_("write"));
    if (!refusal_) return real_->Write(batch, hashes);
    WriteResult refused = RefusedBy(refusal_, *batch.rows);
    std::vector<int64_t> kept;
    HashedRows of_rest;
    arrow::RecordBatchVector rows;
    for (int64_t row = 0; row < batch.rows->num_rows(); ++row) {
      if (std::ranges::binary_search(refused.rejected_rows, row)) continue;
      kept.push_back(row);
      of_rest.keys.push_back(hashes.keys[static_cast<size_t>(row)]);
      of_rest.rows.push_back(hashes.rows[static_cast<size_t>(row)]);
      rows.push_back(batch.rows->Slice(row, 1));
    }
    if (rows.empty()) return refused;
    Batch rest = batch;
    ARROW_ASSIGN_OR_RAISE(rest.rows, arrow::ConcatenateRecordBatches(rows));
    ARROW_ASSIGN_OR_RAISE(WriteResult result, real_->Write(rest, of_rest));
    result.rejected_rows = std::move(refused.rejected_rows);
    result.rejected = std::move(refused.rejected);
    for (int64_t& row : result.existing_rows) row = kept[static_cast<size_t>(row)];
    return result;
  }
  arrow::Result<Receipt> Commit(const Progress& progress) override {
    ARROW_RETURN_NOT_OK(fault_("commit"));
    ARROW_ASSIGN_OR_RAISE(Receipt receipt, real_->Commit(progress));
    ARROW_RETURN_NOT_OK(fault_("after_commit"));
    return receipt;
  }
  void Abort() override { real_->Abort(); }

 private:
  std::unique_ptr<Writer> real_;
  const Fault& fault_;
  const Refusal& refusal_;
};

class FaultyCatalog : public Catalog {
 public:
  FaultyCatalog(Catalog* real, const Fault& fault) : real_(*real), fault_(fault) {}
  arrow::Result<std::vector<std::string>> List(const std::string& database) override { return real_.List(database); }
  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override { return real_.Describe(ref); }
  arrow::Result<TargetState> State(const CollectionRef& ref) override { return real_.State(ref); }
  arrow::Result<std::string> GlobalId(const CollectionRef& ref) override { return real_.GlobalId(ref); }
  arrow::Result<std::string> Folder(const CollectionRef& ref) override { return real_.Folder(ref); }
  arrow::Status Create(const CollectionSchema& schema) override {
    ARROW_RETURN_NOT_OK(fault_("create"));
    return real_.Create(schema);
  }
  arrow::Status Drop(const CollectionRef& ref) override { return real_.Drop(ref); }

 private:
  Catalog& real_;
  const Fault& fault_;
};

class FaultySource : public Source {
 public:
  FaultySource(Source* real, const Fault& fault) : real_(*real), fault_(fault) {}
  arrow::Result<std::string> Preparation(const CollectionRef& ref, ReadPurpose purpose) override {
    return real_.Preparation(ref, purpose);
  }
  arrow::Status Prepare(const CollectionRef& ref, const std::string& preparation) override {
    return real_.Prepare(ref, preparation);
  }
  arrow::Status Restore(const CollectionRef& ref, const std::string& preparation) override {
    return real_.Restore(ref, preparation);
  }
  arrow::Result<bool> KeysMayRepeat(const CollectionSchema& schema) override { return real_.KeysMayRepeat(schema); }
  arrow::Result<Snapshot> OpenSnapshot(const CollectionRef& ref) override { return real_.OpenSnapshot(ref); }
  arrow::Result<std::vector<Split>> PlanSplits(const CollectionSchema& schema, const Snapshot& snapshot,
                                               const SplitPolicy& policy) override {
    return real_.PlanSplits(schema, snapshot, policy);
  }
  arrow::Result<std::unique_ptr<Reader>> Open(const CollectionSchema& schema, const Split& split,
                                              const Snapshot& snapshot, const std::string& resume_after) override {
    ARROW_ASSIGN_OR_RAISE(auto reader, real_.Open(schema, split, snapshot, resume_after));
    return std::make_unique<FaultyReader>(std::move(reader), fault_);
  }
  arrow::Status CheckFilter(const CollectionSchema& schema, const std::string& filter) override {
    return real_.CheckFilter(schema, filter);
  }
  arrow::Result<std::vector<int64_t>> CountRows(const CollectionSchema& schema, const std::string& partition,
                                                const arrow::Array& keys, const std::string& filter) override {
    return real_.CountRows(schema, partition, keys, filter);
  }

 private:
  Source& real_;
  const Fault& fault_;
};

class FaultySink : public Sink {
 public:
  FaultySink(Sink* real, const Fault& fault, const Refusal& refusal) : real_(*real), fault_(fault), refusal_(refusal) {}
  arrow::Result<CollectionSchema> Adapt(const CollectionSchema& source) override { return real_.Adapt(source); }
  CommitMode commit_mode(const CollectionSchema& schema) const override { return real_.commit_mode(schema); }
  arrow::Result<Recovery> Recover(const WriteTarget& target, const Split& split,
                                  const std::optional<Receipt>& journaled, bool attempted) override {
    ARROW_RETURN_NOT_OK(fault_("recover"));
    return real_.Recover(target, split, journaled, attempted);
  }
  arrow::Result<std::unique_ptr<Writer>> Open(const WriteTarget& target, const Split& split,
                                              const Recovery& recovery) override {
    ARROW_ASSIGN_OR_RAISE(auto writer, real_.Open(target, split, recovery));
    return std::make_unique<FaultyWriter>(std::move(writer), fault_, refusal_);
  }
  arrow::Result<WriteResult> FindRejected(const CollectionSchema& target, const Batch& batch) override {
    return refusal_ ? RefusedBy(refusal_, *batch.rows) : real_.FindRejected(target, batch);
  }
  arrow::Status Finalize(const WriteTarget& target, const std::vector<Receipt>& receipts) override {
    ARROW_RETURN_NOT_OK(fault_("finalize"));
    return real_.Finalize(target, receipts);
  }
  arrow::Result<std::unique_ptr<Source>> ReadBack(const WriteTarget& target,
                                                  const std::vector<Receipt>& receipts) override {
    return real_.ReadBack(target, receipts);
  }
  arrow::Status DeleteKeys(const WriteTarget& target, const std::string& partition,
                           const std::shared_ptr<arrow::Array>& keys, std::vector<Receipt>* receipts) override {
    return real_.DeleteKeys(target, partition, keys, receipts);
  }
  arrow::Status Publish(const WriteTarget& target, const std::vector<Receipt>& receipts,
                        const Digest& digest) override {
    ARROW_RETURN_NOT_OK(fault_("publish"));
    return real_.Publish(target, receipts, digest);
  }
  arrow::Status Discard(const WriteTarget& target) override { return real_.Discard(target); }

 private:
  Sink& real_;
  const Fault& fault_;
  const Refusal& refusal_;
};

class FaultyStore : public Store {
 public:
  FaultyStore(std::unique_ptr<Store> real, Fault fault, Refusal refusal)
      : real_(std::move(real)),
        fault_(std::move(fault)),
        refusal_(std::move(refusal)),
        catalog_(real_->catalog(), fault_) {
    if (real_->source() != nullptr) source_.emplace(real_->source(), fault_);
    if (real_->sink() != nullptr) sink_.emplace(real_->sink(), fault_, refusal_);
  }
  std::vector<CheckItem> Check(OptionScope role) override { return real_->Check(role); }
  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return source_ ? &*source_ : nullptr; }
  Sink* sink() override { return sink_ ? &*sink_ : nullptr; }
  std::string address() const override { return real_->address(); }
  std::optional<int64_t> FreeBytes() override { return real_->FreeBytes(); }
  std::string default_database() const override { return real_->default_database(); }

 private:
  std::unique_ptr<Store> real_;
  Fault fault_;
  Refusal refusal_;
  FaultyCatalog catalog_;
  std::optional<FaultySource> source_;
  std::optional<FaultySink> sink_;
};

}  // namespace

StoreFactory WithFaults(const StoreFactory& real, Fault fault, Refusal refusal) {
  StoreFactory faulty = real;
  faulty.open = [open = real.open, fault = std::move(fault), refusal = std::move(refusal)](
                    const OptionValues& options, StopToken stop) -> arrow::Result<std::unique_ptr<Store>> {
    ARROW_ASSIGN_OR_RAISE(auto store, open(options, std::move(stop)));
    return std::make_unique<FaultyStore>(std::move(store), fault, refusal);
  };
  return faulty;
}

}  // namespace godwit
