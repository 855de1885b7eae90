#include "engine/earlier_run.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/durable_file.h"

namespace godwit {
namespace {

/// Whether the next run begins anew without being told: an export (published whole, and to replace what is there) that
/// has ended well. A run that was interrupted goes on.
arrow::Result<bool> ExportsAgain(const OpenJob& job, Journal* journal) {
  if (job.spec.data_policy != DataPolicy::kDrop || !job.spec.stages.full) return false;
  if (journal->header().dialect != job.spec.dialect) return false;
  ARROW_ASSIGN_OR_RAISE(auto last, journal->LastReport());
  if (!last || (last->verdict != Verdict::kVerified && last->verdict != Verdict::kCopiedNotVerified)) return false;
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  return std::ranges::all_of(collections, [&](const JournaledCollection& collection) {
    return collection.stage == Stage::kDone &&
           job.target->sink()->commit_mode(collection.target) == CommitMode::kStagedPublish;
  });
}

/// A target that the job made, and did not finish, goes: its rows are the job's.
arrow::Status DropUnfinished(const JournaledCollection& collection, Catalog* catalog) {
  if (!collection.exclusive || collection.stage == Stage::kPlanned) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(TargetState state, catalog->State(collection.target.ref));
  if (!state.exists || state.identity != collection.target_identity) return arrow::Status::OK();
  return catalog->Drop(collection.target.ref);
}

arrow::Status TakeBack(const OpenJob& job, Journal* journal) {
  ARROW_ASSIGN_OR_RAISE(auto collections, journal->Collections());
  for (const JournaledCollection& collection : collections) {
    if (collection.stage == Stage::kDone) continue;
    ARROW_RETURN_NOT_OK(DropUnfinished(collection, job.target->catalog()));
    WriteTarget target{.schema = collection.target, .job = journal->job_id(), .epoch = journal->epoch() + 1};
    ARROW_RETURN_NOT_OK(job.target->sink()->Discard(target));
    if (!collection.preparation.empty()) {
      ARROW_RETURN_NOT_OK(job.source->source()->Restore(collection.source.ref, collection.preparation));
    }
    if (!collection.verify_preparation.empty() && job.target->source() != nullptr) {
      ARROW_RETURN_NOT_OK(job.target->source()->Restore(collection.target.ref, collection.verify_preparation));
    }
  }
  return arrow::Status::OK();
}

arrow::Status RemoveJournal(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::remove(path + suffix, error);
    if (error) return ErrnoStatus(error.value(), "remove " + path + suffix);
  }
  return arrow::Status::OK();
}

}  // namespace

bool IsRuleOf(const CollectionRule& rule, const JournaledCollection& collection) {
  const CollectionRef& target = collection.target.ref;
  return collection.source.ref == rule.source && target.name == rule.target_name &&
         (rule.target_database.empty() || target.database == rule.target_database);
}

const JournaledCollection* FindBegun(const std::vector<JournaledCollection>& begun, const CollectionRule& rule) {
  auto found = std::ranges::find_if(begun, [&](const JournaledCollection& c) { return IsRuleOf(rule, c); });
  return found == begun.end() ? nullptr : &*found;
}

CollectionPlan PlanOf(const JournaledCollection& begun) {
  CollectionPlan plan;
  plan.source = begun.source;
  plan.target = begun.target;
  plan.existing = begun.existing;
  plan.mapping = begun.mapping;
  plan.preparation = begun.preparation;
  const std::string route = begun.source.ref.ToString() + " to " + begun.target.ref.ToString();
  plan.actions.push_back(begun.stage == Stage::kDone
                             ? "nothing: " + route + " was done by an earlier run"
                             : "go on with " + route + " (" + std::string(ToString(begun.stage)) + ")");
  return plan;
}

arrow::Result<std::unique_ptr<Journal>> OpenEarlier(const OpenJob& job) {
  if (!std::filesystem::exists(job.JournalPath())) return nullptr;
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::OpenReadOnly(job.JournalPath()));
  if (journal->header().identity != job.JournalHeader().identity) return nullptr;
  return journal;
}

arrow::Result<std::vector<JournaledCollection>> BegunCollections(const OpenJob& job) {
  if (job.options.restart) return std::vector<JournaledCollection>();
  ARROW_ASSIGN_OR_RAISE(auto journal, OpenEarlier(job));
  if (journal == nullptr) return std::vector<JournaledCollection>();
  ARROW_ASSIGN_OR_RAISE(const bool again, ExportsAgain(job, journal.get()));
  return again ? std::vector<JournaledCollection>() : journal->Collections();
}

arrow::Result<bool> BeginsAnew(const OpenJob& job, Journal* earlier) {
  if (earlier->header().identity != job.JournalHeader().identity) {
    // What was refused before anything was begun may be corrected.
    ARROW_ASSIGN_OR_RAISE(const auto begun, earlier->Collections());
    if (begun.empty()) return true;
  }
  return ExportsAgain(job, earlier);
}

arrow::Result<std::unique_ptr<Journal>> OpenJournal(const OpenJob& job) {
  const std::string path = job.JournalPath();
  std::optional<JournaledLimits> limits;
  if (std::filesystem::exists(path)) {
    auto earlier = Journal::OpenReadOnly(path);  // Open below tells why it can't be read
    if (earlier.ok()) {
      ARROW_ASSIGN_OR_RAISE(const bool anew, BeginsAnew(job, earlier->get()));
      if (anew) {
        ARROW_ASSIGN_OR_RAISE(limits, (*earlier)->ReadLimits());
      }
    }
  }
  if (limits) ARROW_RETURN_NOT_OK(RemoveJournal(path));
  ARROW_ASSIGN_OR_RAISE(auto journal, Journal::Open(path, job.JournalHeader()));
  if (limits) {
    ARROW_RETURN_NOT_OK(journal->SaveFileLimits(limits->file));
    ARROW_RETURN_NOT_OK(journal->SaveLimitChange(limits->change));
  }
  return journal;
}

arrow::Status Forget(const OpenJob& job, const std::string& path) {
  if (!std::filesystem::exists(path)) return arrow::Status::OK();
  auto note = [&](const std::string& text) {
    if (job.options.on_note) job.options.on_note(text);
  };
  {
    auto journal = Journal::OpenReadOnly(path);
    if (!journal.ok()) {
      note("the earlier journal can't be read (" + Describe(journal.status()) + "); what it left is not cleaned up");
    } else if ((*journal)->header().identity != job.JournalHeader().identity) {
      note("the earlier run had another source, target or list of collections; what it left there is not cleaned up");
    } else {
      ARROW_RETURN_NOT_OK(TakeBack(job, journal->get()));
    }
  }
  return RemoveJournal(path);
}

}  // namespace godwit
