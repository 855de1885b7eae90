#include "stores/milvus/store.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "stores/milvus/catalog.h"
#include "stores/milvus/options.h"
#include "stores/milvus/privileges.h"
#include "stores/milvus/sink.h"
#include "stores/milvus/source.h"
#include "stores/milvus/writer.h"

namespace godwit::milvus {
namespace {

using Verdict = CheckItem::Verdict;

CheckItem Failed(std::string name, const arrow::Status& status, std::string advice) {
  return {.name = std::move(name), .verdict = Verdict::kFailed, .message = Describe(status) + ". " + std::move(advice)};
}

CheckItem VersionItem(const Features& features) {
  CheckItem item{.name = "version", .verdict = Verdict::kPassed, .message = features.server};
  if (!features.lite && features.version < kOldestTested) {
    item.verdict = Verdict::kWarning;
    item.message +=
        ": older than " + kOldestTested.ToString() + ", the oldest that godwit is tested with; update Milvus";
  }
  return item;
}

class MilvusStore : public Store {
 public:
  MilvusStore(std::shared_ptr<Client> client, const MilvusOptions& options)
      : client_(client),
        has_credentials_(!options.client.token.empty() || !options.client.user.empty()),
        catalog_(client),
        source_(client, options.batch_rows),
        sink_(client, options) {}

  std::vector<CheckItem> Check(OptionScope role) override {
    std::vector<CheckItem> items;
    auto features = AskFeatures(client_.get());
    if (!features.ok()) {
      bool refused = godwit::KindOf(features.status()) == ErrorKind::kUnauthenticated;
      items.push_back(Failed(refused ? "authorised" : "reachable", features.status(),
                             refused ? "Check `token`, or `user` and `password`"
                                     : "Check `url`, and that the server runs and may be reached from here"));
      return items;
    }
    items.push_back({.name = "reachable", .verdict = Verdict::kPassed, .message = client_->address()});
    items.push_back(VersionItem(*features));
    items.push_back(CheckDatabase(role));
    return items;
  }

  Catalog* catalog() override { return &catalog_; }
  Source* source() override { return &source_; }
  Sink* sink() override { return &sink_; }
  std::string address() const override { return client_->address(); }
  std::string default_database() const override { return client_->database(); }

 private:
  CheckItem CheckDatabase(OptionScope role) {
    auto names = catalog_.List({});
    if (names.ok()) {
      CheckItem item{.name = "authorised",
                     .verdict = Verdict::kPassed,
                     .message = fmt::format("database '{}' has {} collections", client_->database(), names->size())};
      if (!PrivilegesAreKnown()) {
        item.verdict = Verdict::kWarning;
        item.message +=
            "; the privileges of the user were not looked at, as the server does not tell them: see to it "
            "that it may do what the job needs";
      }
      return item;
    }
    if (godwit::KindOf(names.status()) == ErrorKind::kNotFound) {
      if (role == OptionScope::kTarget && !IsName(client_->database())) {
        return {.name = "names",
                .verdict = Verdict::kFailed,
                .message = "there is no database '" + client_->database() +
                           "', and Milvus takes no such name: it is made of up to 255 letters, digits and _, beginning "
                           "with a letter or _; choose another one"};
      }
      return {.name = "database",
              .verdict = Verdict::kWarning,
              .message = "there is no database '" + client_->database() + "'; as a target it would be created"};
    }
    return Failed("authorised", names.status(), "The user needs the right to list collections");
  }

  /// Each collection is then checked by them. Without credentials a server that lists collections asks for none.
  bool PrivilegesAreKnown() {
    if (!has_credentials_) return true;
    auto grants = AskGrants(client_.get(), client_->database());
    if (grants.ok() && *grants) return true;
    auto asks = client_->AsksForCredentials();
    return asks.ok() && !*asks;
  }

  std::shared_ptr<Client> client_;
  const bool has_credentials_;
  MilvusCatalog catalog_;
  MilvusSource source_;
  MilvusSink sink_;
};

arrow::Result<std::unique_ptr<Store>> OpenStore(const OptionValues& values, StopToken stop) {
  ARROW_ASSIGN_OR_RAISE(MilvusOptions options, ReadOptions(values));
  ARROW_ASSIGN_OR_RAISE(auto client, Client::Make(options.client, std::move(stop)));
  return std::make_unique<MilvusStore>(std::move(client), options);
}

}  // namespace

StoreFactory Factory() {
  return {
      .name = "milvus",
      .description = "Milvus 2.3 and newer, and Milvus Lite, by gRPC.",
      .capabilities = {.source = true,
                       .target = true,
                       .databases = true,
                       .partitions = true,
                       .snapshot_life = SnapshotLife::kNone,
                       .splits_by = "primary key range",
                       .read_back =
                           "queries that see all that was acknowledged, through a temporary index where there is none",
                       .filter = "Milvus boolean expression",
                       .max_row_bytes = kMaxRequestBytes},
      .options = Options(),
      .open = OpenStore};
}

}  // namespace godwit::milvus
