#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "config/sample_stores.h"

namespace godwit {
namespace {

JobSpec Spec() {
  return Load("job.yaml",
              "name: job\n"
              "source: {store: milvus, url: u, token: secret, database: db}\n"
              "target: {store: files, path: p}\n"
              "collections: [a, {source: b, target: c}]\n")
      .ValueOrDie();
}

std::string Hash(const JobSpec& spec) { return spec.IdentityHash(SampleStores()); }

TEST(JobIdentity, IsStable) {
  // A change of this value makes every journal that exists unusable.
  EXPECT_EQ(Hash(Spec()), "22701101c3a4592abf01f5d897c439b8");
}

TEST(JobIdentity, ChangesWithWhatIsMoved) {
  const std::function<void(JobSpec*)> changes[] = {
      [](JobSpec* s) { s->name = "other"; },
      [](JobSpec* s) { s->source.options.Set("url", std::string("v")); },
      [](JobSpec* s) { s->source.options.Set("ca_pem_path", std::string("x")); },
      [](JobSpec* s) { s->target.options.Set("path", std::string("q")); },
      [](JobSpec* s) { s->target.store = "sink"; },
      [](JobSpec* s) { s->source_database = "x"; },
      [](JobSpec* s) { s->target_database = "x"; },
      [](JobSpec* s) { s->collections.pop_back(); },
      [](JobSpec* s) { s->collections[1].target_name = "d"; },
      [](JobSpec* s) { s->renames["a"] = "z"; },
      [](JobSpec* s) { s->auto_id = AutoIdPolicy::kNew; },
      [](JobSpec* s) { s->overrides.shards = 2; },
      [](JobSpec* s) { s->overrides.dynamic_fields = false; },
      [](JobSpec* s) { s->overrides.consistency_level = "Strong"; },
  };
  std::set<std::string> hashes = {Hash(Spec())};
  for (const auto& change : changes) {
    JobSpec spec = Spec();
    change(&spec);
    hashes.insert(Hash(spec));
  }
  EXPECT_EQ(hashes.size(), std::size(changes) + 1);
}

TEST(JobIdentity, StaysWithTuningSecretsAndPermissions) {
  const std::function<void(JobSpec*)> changes[] = {
      [](JobSpec* s) { s->tuning.parallelism = 7; },
      [](JobSpec* s) { s->tuning.split_bytes = 1; },
      [](JobSpec* s) { s->source.options.Set("token", Secret("new")); },
      [](JobSpec* s) { s->source.options.Set("timeout", int64_t{5}); },
      [](JobSpec* s) { s->reject_policy = RejectPolicy::kContinue; },
      [](JobSpec* s) { s->accept_duplicates = true; },
      [](JobSpec* s) { s->verify = false; },
      [](JobSpec* s) { s->fail_fast = true; },
      [](JobSpec* s) { s->data_policy = DataPolicy::kOverwrite; },
      [](JobSpec* s) { s->notes.push_back("x"); },
      [](JobSpec* s) { s->file = "elsewhere"; },
  };
  for (const auto& change : changes) {
    JobSpec spec = Spec();
    change(&spec);
    EXPECT_EQ(Hash(spec), Hash(Spec()));
  }
}

TEST(JobIdentity, StaysWhenAStoreLearnsAnOption) {
  JobSpec spec = Spec();
  StoreRegistry newer = SampleStores();
  newer[1].options.push_back({.name = "compression", .help = "New.", .default_text = "zstd"});
  spec.target.options.Set("compression", std::string("zstd"));
  EXPECT_EQ(spec.IdentityHash(newer), Hash(Spec()));
  spec.target.options.Set("compression", std::string("none"));
  EXPECT_NE(spec.IdentityHash(newer), Hash(Spec()));
}

}  // namespace
}  // namespace godwit
