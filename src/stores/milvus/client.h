// The Milvus wire: MilvusService over gRPC, with connections, credentials, deadlines and errors taken care of.
//
// A Client holds several HTTP/2 connections to one address (a single one is a bottleneck for parallel streams) and
// gives each call the least busy one. Nothing is connected before the first call, which also makes the Connect
// handshake. Every call has a deadline and ends early, as kCancelled, when the StopToken is stopped. All members are
// thread-safe.
//
// A reply with an error status becomes an arrow::Status, see StatusOf; so a reply that is handed out is a good one.
// Requests name their database themselves (`db_name`); `database()` is the default one. Calls don't retry.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "godwit/error.h"
#include "godwit/options.h"
#include "godwit/stop_token.h"
#include "milvus.pb.h"

namespace godwit::milvus {

namespace pb = ::milvus::proto::milvus;
namespace schema_pb = ::milvus::proto::schema;
namespace common_pb = ::milvus::proto::common;

struct Endpoint {
  std::string target;    // host:port
  bool tls = false;      // https
  std::string database;  // the path, empty when there is none
};

/// "http://host:19530", "https://host", "host:19530/database". Without a port: 19530, or 443 for https. kInvalidConfig.
arrow::Result<Endpoint> ParseUrl(std::string_view url);

struct ClientOptions {
  std::string url;
  std::string database;  // empty = the one of the url, else "default"
  Secret token;          // "user:password" or an API key; or else user and password
  std::string user;
  Secret password;
  std::string ca_pem_path;  // empty = the system's certificates
  std::string client_pem_path;
  std::string client_key_path;
  std::string server_name;  // expected in the certificate, where it is not the host's name
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  int connections = 4;
};

/// Whether a call that failed on its way may be sent again.
enum class Effect {
  kIdempotent,  // reads, and changes that may be made twice: a lost connection is kUnavailable
  kWrite,       // inserts: kOutcomeUnknown unless the request surely was not applied
};

/// The status of a finished call. Messages keep the server's reason.
arrow::Status StatusOf(const grpc::Status& status, Effect effect);
/// The status inside a reply, of 2.3 (`error_code`) and newer servers (`code`).
arrow::Status StatusOf(const common_pb::Status& status, Effect effect);

/// A call under way. Dropping it cancels the call.
template <class Reply>
class PendingCall {
 public:
  PendingCall(std::string name, Effect effect, StopToken stop)
      : name_(std::move(name)), effect_(effect), stop_(std::move(stop)), state_(std::make_shared<State>()) {}
  PendingCall(PendingCall&&) noexcept = default;
  PendingCall& operator=(PendingCall&&) noexcept = default;
  ~PendingCall() {
    if (state_ != nullptr) state_->context.TryCancel();
  }

  bool done() const {
    std::lock_guard lock(state_->mutex);
    return state_->done;
  }
  /// Blocks until the call is over; to be called once.
  arrow::Result<std::shared_ptr<Reply>> Wait();

  /// Ends the call before it was sent.
  void Refuse(arrow::Status status) {
    state_->refused = std::move(status);
    state_->done = true;
  }

  // What gRPC works on; outlives the handle until gRPC is done with it.
  struct State {
    grpc::ClientContext context;
    std::shared_ptr<Reply> reply = std::make_shared<Reply>();  // of its own: it outlives the call and its buffers
    std::mutex mutex;
    std::condition_variable ended;
    bool done = false;
    grpc::Status status;
    arrow::Status refused;
  };
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::string name_;
  Effect effect_;
  StopToken stop_;
  std::shared_ptr<State> state_;
};

class Client {
 public:
  /// Reads the certificates; kInvalidConfig names the option that is wrong.
  static arrow::Result<std::shared_ptr<Client>> Make(const ClientOptions& options, StopToken stop);
  ~Client();
  Client(const Client&) = delete;

  const std::string& address() const { return address_; }    // "http://host:19530", for people and as identity
  const std::string& database() const { return database_; }  // never empty
  const std::string& user() const { return user_; }          // empty without credentials, and with an API key
  std::chrono::milliseconds timeout() const;                 // of one call
  const StopToken& stop() const;

  // Rows. The reply of a query is shared, so that columns may refer to its memory. The request may be dropped when
  // Start... has returned.
  arrow::Result<std::shared_ptr<pb::QueryResults>> Query(const pb::QueryRequest& request);
  PendingCall<pb::QueryResults> StartQuery(const pb::QueryRequest& request);
  PendingCall<pb::MutationResult> StartInsert(const pb::InsertRequest& request);
  PendingCall<pb::MutationResult> StartUpsert(const pb::UpsertRequest& request);
  arrow::Result<pb::MutationResult> Delete(const pb::DeleteRequest& request);

  // Server.
  arrow::Result<std::string> GetVersion();
  /// A timestamp of the server (physical milliseconds << 18 | logical), for `guarantee_timestamp`.
  arrow::Result<uint64_t> AllocTimestamp();
  arrow::Result<std::vector<std::string>> ListDatabases();
  arrow::Status CreateDatabase(const std::string& database);
  /// Whether it refuses those who give none.
  arrow::Result<bool> AsksForCredentials();
  arrow::Result<pb::SelectUserResponse> SelectUser(const pb::SelectUserRequest& request);
  arrow::Result<pb::SelectGrantResponse> SelectGrant(const pb::SelectGrantRequest& request);

  // Collections. An absent one is kNotFound.
  arrow::Result<pb::ShowCollectionsResponse> ShowCollections(const pb::ShowCollectionsRequest& request);
  arrow::Result<pb::DescribeCollectionResponse> DescribeCollection(const pb::DescribeCollectionRequest& request);
  arrow::Result<pb::GetCollectionStatisticsResponse> GetCollectionStatistics(
      const pb::GetCollectionStatisticsRequest& request);
  arrow::Status CreateCollection(const pb::CreateCollectionRequest& request);
  arrow::Status DropCollection(const pb::DropCollectionRequest& request);
  arrow::Result<pb::ShowPartitionsResponse> ShowPartitions(const pb::ShowPartitionsRequest& request);
  arrow::Status CreatePartition(const pb::CreatePartitionRequest& request);
  arrow::Status CreateAlias(const pb::CreateAliasRequest& request);
  arrow::Status DropAlias(const pb::DropAliasRequest& request);
  arrow::Result<pb::DescribeAliasResponse> DescribeAlias(const pb::DescribeAliasRequest& request);

  // Index, load, flush: these start the work; ask for its state.
  arrow::Status CreateIndex(const pb::CreateIndexRequest& request);
  arrow::Result<pb::DescribeIndexResponse> DescribeIndex(const pb::DescribeIndexRequest& request);
  arrow::Status DropIndex(const pb::DropIndexRequest& request);
  arrow::Status LoadCollection(const pb::LoadCollectionRequest& request);
  arrow::Status ReleaseCollection(const pb::ReleaseCollectionRequest& request);
  arrow::Result<pb::GetLoadStateResponse> GetLoadState(const pb::GetLoadStateRequest& request);
  arrow::Result<pb::GetLoadingProgressResponse> GetLoadingProgress(const pb::GetLoadingProgressRequest& request);
  arrow::Result<pb::FlushResponse> Flush(const pb::FlushRequest& request);
  arrow::Result<pb::GetFlushStateResponse> GetFlushState(const pb::GetFlushStateRequest& request);

 private:
  struct Wire;
  Client(std::string address, std::string database, std::string user, std::unique_ptr<Wire> wire);

  std::string address_;
  std::string database_;
  std::string user_;
  std::unique_ptr<Wire> wire_;
};

// ---------------------------------------------------------------------------------------------------------------------

namespace internal {
/// How often a waiting call looks whether it should stop.
inline constexpr std::chrono::milliseconds kStopPoll{50};

inline const common_pb::Status& StatusIn(const common_pb::Status& reply) { return reply; }
template <class Reply>
const common_pb::Status& StatusIn(const Reply& reply) {
  return reply.status();
}
}  // namespace internal

template <class Reply>
arrow::Result<std::shared_ptr<Reply>> PendingCall<Reply>::Wait() {
  {
    std::unique_lock lock(state_->mutex);
    while (!state_->ended.wait_for(lock, internal::kStopPoll, [this] { return state_->done; })) {
      if (stop_.stop_requested()) state_->context.TryCancel();
    }
  }
  if (!state_->refused.ok()) return state_->refused;
  if (!state_->status.ok() && stop_.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped", name_);
  arrow::Status status = StatusOf(state_->status, effect_);
  if (status.ok()) status = StatusOf(internal::StatusIn(*state_->reply), effect_);
  if (!status.ok()) return WithContext(status, name_);
  return state_->reply;
}

}  // namespace godwit::milvus
