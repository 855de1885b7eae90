#include "stores/milvus/client.h"

#include <arrow/util/base64.h>
#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "milvus.grpc.pb.h"

namespace godwit::milvus {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// A dead peer is noticed within the sum of these two. Milvus allows a ping every 5 s.
constexpr int kKeepAliveMs = 10'000;
constexpr int kKeepAliveTimeoutMs = 10'000;
// gRPC pauses between attempts to connect; the default grows to two minutes, too long after a restart of the server.
constexpr int kReconnectMinMs = 100;
constexpr int kReconnectMaxMs = 2'000;

bool ParsePort(std::string_view text) {
  int port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

arrow::Status BadUrl(std::string_view url, std::string_view why) {
  // A url may hold credentials that were put there by mistake: it is not repeated.
  return MakeError(ErrorKind::kInvalidConfig,
                   (Contains(url, "@") ? "" : "'" + std::string(url) + "': ") + std::string(why) +
                       "; write http://host:19530, https://host:19530 or host:19530",
                   "url");
}

}  // namespace

arrow::Result<Endpoint> ParseUrl(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (size_t scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
    std::string_view scheme = rest.substr(0, scheme_end);
    if (scheme != "http" && scheme != "https" && scheme != "tcp") return BadUrl(url, "unknown scheme");
    endpoint.tls = scheme == "https";
    rest.remove_prefix(scheme_end + 3);
  }
  if (size_t slash = rest.find('/'); slash != std::string_view::npos) {
    endpoint.database = rest.substr(slash + 1);
    while (endpoint.database.ends_with('/')) endpoint.database.pop_back();
    if (endpoint.database.find_first_of("/?#") != std::string::npos)
      return BadUrl(url, "the path is one database name");
    rest = rest.substr(0, slash);
  }
  if (Contains(rest, "@")) return BadUrl(url, "credentials belong into `token`, or `user` and `password`");
  size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;  // [::1]:19530
  if (bracket == std::string_view::npos) return BadUrl(url, "no ] after the address");
  size_t colon = rest.find(':', bracket);
  std::string_view host = rest.substr(0, colon);
  std::string_view port = endpoint.tls ? "443" : "19530";
  if (colon != std::string_view::npos) port = rest.substr(colon + 1);
  if (host.empty() || host.find_first_of(" \t,?#") != std::string_view::npos) return BadUrl(url, "no host name");
  if (!ParsePort(port)) return BadUrl(url, "the port is not a number from 1 to 65535");
  endpoint.target = std::string(host) + ":" + std::string(port);
  return endpoint;
}

// ---------------------------------------------------------------------------------------------------------------------
// Errors

namespace {

// True when gRPC had no connection to send the request on.
bool NeverSent(std::string_view message) {
  return Contains(message, "failed to connect to all addresses") || Contains(message, "DNS resolution failed") ||
         Contains(message, "connections to all backends failing") || Contains(message, "empty address list") ||
         Contains(message, "no connection established");
}

bool IsCertificateProblem(std::string_view message) {
  return Contains(message, "certificate verify failed") || Contains(message, "is not in peer certificate");
}

ErrorKind KindOfTransport(const grpc::Status& status, Effect effect) {
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Contains(message, "larger than max") ? ErrorKind::kTooLarge : ErrorKind::kThrottled;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return ErrorKind::kUnauthenticated;
    case grpc::StatusCode::UNIMPLEMENTED:
      // A web server or proxy that knows no gRPC.
      if (Contains(message, "http2 header with status")) return ErrorKind::kUnavailable;
      // A server that is starting listens before it knows its own service.
      return Contains(message, "unknown service") ? ErrorKind::kUnavailable : ErrorKind::kUnsupported;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorKind::kNotFound;
    case grpc::StatusCode::UNAVAILABLE:
      if (IsCertificateProblem(message)) return ErrorKind::kUnauthenticated;
      if (NeverSent(message)) return ErrorKind::kUnavailable;
      [[fallthrough]];
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
      return effect == Effect::kWrite ? ErrorKind::kOutcomeUnknown : ErrorKind::kUnavailable;
    default:
      break;
  }
  if (Contains(message, "error unmarshalling request")) return ErrorKind::kRejected;  // text that is not UTF-8
  if (effect == Effect::kWrite) return ErrorKind::kOutcomeUnknown;
  return Contains(message, "RST_STREAM") ? ErrorKind::kUnavailable : ErrorKind::kInternal;
}

std::string_view NameOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
      return "the call was cancelled";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "no answer within the timeout";
    case grpc::StatusCode::UNAVAILABLE:
      return "Milvus can't be reached";
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return "Milvus refuses the credentials";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "this Milvus does not know the call";
    default:
      return "the call failed";
  }
}

// Marked as deprecated in the protocol, and still the only code of older servers.
common_pb::ErrorCode LegacyCode(const common_pb::Status& status) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return status.error_code();
#pragma GCC diagnostic pop
}

// Codes of merr (Milvus 2.3 and newer); numbers of pkg/util/merr/errors.go.
std::optional<ErrorKind> KindOfCode(int32_t code, std::string_view reason) {
  switch (code) {
    case 1:    // service not ready
    case 101:  // collection not loaded: said also of loaded ones, for half a minute after a restart
    case 103:  // collection not fully loaded
    case 106:  // collection on recovering
    case 201:  // partition not loaded
    case 202:  // partition not fully loaded
      return ErrorKind::kUnavailable;
    case 3:   // memory limit exceeded
    case 4:   // too many requests
    case 8:   // rate limit exceeded
    case 11:  // time tick long delay
      return ErrorKind::kThrottled;
    case 7:  // disk limit exceeded
      return ErrorKind::kNoSpace;
    case 9:  // force deny: a quota of memory or disk, or a time tick that lags behind
      return Contains(reason, "disk") ? ErrorKind::kNoSpace : ErrorKind::kThrottled;
    case 100:   // collection
    case 200:   // partition
    case 700:   // index
    case 800:   // database
    case 1600:  // alias
      return ErrorKind::kNotFound;
    case 10:   // not implemented
    case 102:  // too many collections
    case 801:  // too many databases
    case 701:  // index not supported
      return ErrorKind::kUnsupported;
    case 702:   // index duplicate
    case 1601:  // alias and collection of one name
    case 1602:  // alias of another collection
      return ErrorKind::kConflict;
    case 1400:  // not authenticated
    case 1401:  // privilege not permitted
      return ErrorKind::kUnauthenticated;
    default:
      return std::nullopt;
  }
}

// Servers before 2.3.3 or so fill only `error_code`, and some answers of newer ones have the code 65535.
std::optional<ErrorKind> KindOfLegacy(common_pb::ErrorCode code, std::string_view reason) {
  if (Contains(reason, "rate limit exceeded")) return ErrorKind::kThrottled;
  switch (code) {
    case common_pb::RateLimit:
    case common_pb::MemoryQuotaExhausted:
    case common_pb::TimeTickLongDelay:
      return ErrorKind::kThrottled;
    case common_pb::DiskQuotaExhausted:
      return ErrorKind::kNoSpace;
    case common_pb::ForceDeny:
      return KindOfCode(9, reason);
    case common_pb::PermissionDenied:
      return ErrorKind::kUnauthenticated;
    case common_pb::CollectionNotExists:
    case common_pb::CollectionNameNotFound:
      return ErrorKind::kNotFound;
    case common_pb::NotReadyServe:
    case common_pb::NotReadyCoordActivating:
      return ErrorKind::kUnavailable;
    default:
      return std::nullopt;
  }
}

// True when the content of a request is wrong. Some of these answers have a code that says nothing.
bool RefusesContent(const common_pb::Status& status) {
  int32_t code = status.code();
  common_pb::ErrorCode legacy = LegacyCode(status);
  const std::string& reason = status.reason();
  return code == 1100 || code == 1101 || code == 1500 || legacy == common_pb::IllegalArgument ||
         legacy == common_pb::IllegalDimension || legacy == common_pb::IllegalRowRecord || Contains(reason, "json: ") ||
         Contains(reason, "JSON input") || Contains(reason, "cannot set json key") ||
         Contains(reason, "is not a number or infinity") || Contains(reason, "should divide the dim");
}

// Said with a code that says nothing, while nodes or coordinators come back and find each other.
constexpr const char* kPassingReasons[] = {
    "empty grpc client", "syncTimestamp Failed", "node not found",     "node offline",
    "channel not found", "service not ready",    "server not healthy", "node is not healthy",
};

// Failures inside the server that pass by themselves: a node, channel, replica or coordinator that just is not there.
bool IsPassing(const common_pb::Status& status) {
  int32_t code = status.code();
  common_pb::ErrorCode legacy = LegacyCode(status);
  return status.retriable() || code == 2 || (code >= 400 && code < 700) || (code >= 900 && code < 1000) ||
         legacy == common_pb::NotShardLeader || legacy == common_pb::NoReplicaAvailable ||
         legacy == common_pb::NodeIDNotMatch || legacy == common_pb::DataCoordNA ||
         std::ranges::any_of(kPassingReasons, [&](const char* reason) { return Contains(status.reason(), reason); });
}

ErrorKind KindOfReply(const common_pb::Status& status, Effect effect) {
  if (auto kind = KindOfCode(status.code(), status.reason())) return *kind;
  if (auto kind = KindOfLegacy(LegacyCode(status), status.reason())) return *kind;
  bool write = effect == Effect::kWrite;
  if (RefusesContent(status)) {
    return write ? ErrorKind::kRejected : ErrorKind::kUnsupported;
  }
  if (write) return ErrorKind::kOutcomeUnknown;
  return IsPassing(status) ? ErrorKind::kUnavailable : ErrorKind::kInternal;
}

}  // namespace

arrow::Status StatusOf(const grpc::Status& status, Effect effect) {
  if (status.ok()) return arrow::Status::OK();
  std::string message(NameOf(status.error_code()));
  message += " (" + status.error_message() + ")";
  return MakeError(KindOfTransport(status, effect), std::move(message));
}

arrow::Status StatusOf(const common_pb::Status& status, Effect effect) {
  if (status.code() == 0 && LegacyCode(status) == common_pb::Success) return arrow::Status::OK();
  std::string code = status.code() != 0 ? std::to_string(status.code()) : common_pb::ErrorCode_Name(LegacyCode(status));
  return MakeError(KindOfReply(status, effect), "Milvus answers: " + status.reason() + " (code " + code + ")");
}

// ---------------------------------------------------------------------------------------------------------------------
// Connections

struct Client::Wire {
  struct Connection {
    std::unique_ptr<pb::MilvusService::Stub> stub;
    int calls = 0;  // under way
  };
  std::vector<Connection> connections;
  std::string authorization;  // base64, empty = none
  std::chrono::milliseconds timeout;
  StopToken stop;

  std::mutex calls_mutex;  // guards the connections' numbers of calls
  std::condition_variable call_ended;

  std::mutex mutex;  // guards the handshake
  bool connected = false;
  std::string identifier;

  // The signature that every unary call of the stub has.
  template <class Request, class Reply>
  using Method = void (pb::MilvusService::StubInterface::async_interface::*)(grpc::ClientContext*, const Request*,
                                                                             Reply*, std::function<void(grpc::Status)>);

  // gRPC's threads must never drop the last reference to a channel: they would wait for themselves, in vain, and free
  // what they stand on. So a call that nobody waits for any more ends before its channel does.
  ~Wire() {
    std::unique_lock lock(calls_mutex);
    call_ended.wait(lock, [this] {
      return std::ranges::all_of(connections, [](const Connection& connection) { return connection.calls == 0; });
    });
  }

  Connection& BeginCall() {
    std::lock_guard lock(calls_mutex);
    Connection& connection = *std::ranges::min_element(connections, {}, &Connection::calls);
    ++connection.calls;
    return connection;
  }

  void EndCall(Connection& connection) {
    std::lock_guard lock(calls_mutex);
    --connection.calls;
    call_ended.notify_all();
  }

  template <class Request, class Reply>
  void Send(Method<Request, Reply> method, const Request& request, std::string_view database,
            const PendingCall<Reply>& call, bool anonymous = false) {
    auto state = call.state();
    grpc::ClientContext& context = state->context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    if (!authorization.empty() && !anonymous) context.AddMetadata("authorization", authorization);
    if (!database.empty()) context.AddMetadata("dbname", std::string(database));
    if (!identifier.empty()) context.AddMetadata("identifier", identifier);
    Connection& connection = BeginCall();
    Reply* reply = state->reply.get();
    // gRPC serializes the request before this returns; the state lives as long as the callback.
    (connection.stub->async()->*method)(&context, &request, reply,
                                        [this, &connection, state = std::move(state)](grpc::Status status) mutable {
                                          {
                                            std::lock_guard lock(state->mutex);
                                            state->status = std::move(status);
                                            state->done = true;
                                            state->ended.notify_all();
                                          }
                                          state.reset();  // its context refers to the channel
                                          EndCall(connection);
                                        });
  }

  // The handshake, once. A server that does not know it is older than 2.2.9.
  arrow::Status Connect() {
    std::lock_guard lock(mutex);
    if (connected) return arrow::Status::OK();
    pb::ConnectRequest request;
    request.mutable_client_info()->set_sdk_type("godwit");
    request.mutable_client_info()->set_sdk_version(GODWIT_VERSION);
    PendingCall<pb::ConnectResponse> call("Connect", Effect::kIdempotent, stop);
    Send(&pb::MilvusService::StubInterface::async_interface::Connect, request, {}, call);
    auto reply = call.Wait();
    if (reply.ok()) {
      identifier = std::to_string((*reply)->identifier());
    } else if (KindOf(reply.status()) != ErrorKind::kUnsupported) {
      return reply.status();
    }
    connected = true;
    return arrow::Status::OK();
  }

  template <class Request, class Reply>
  PendingCall<Reply> Start(const char* name, Effect effect, Method<Request, Reply> method, const Request& request,
                           std::string_view database) {
    PendingCall<Reply> call(name, effect, stop);
    if (arrow::Status status = Connect(); !status.ok()) {
      call.Refuse(std::move(status));
    } else {
      Send(method, request, database, call);
    }
    return call;
  }

  template <class Request, class Reply>
  arrow::Result<Reply> Call(const char* name, Method<Request, Reply> method, const Request& request,
                            std::string_view database) {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<Reply> reply,
                          Start(name, Effect::kIdempotent, method, request, database).Wait());
    return std::move(*reply);
  }
};

namespace {

arrow::Result<std::string> ReadPem(const std::string& option, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || !Contains(text, "-----BEGIN")) {
    return MakeError(ErrorKind::kInvalidConfig, path + " can't be read as a PEM file", option);
  }
  return text;
}

arrow::Result<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const ClientOptions& options, bool tls) {
  bool wants_tls = !options.ca_pem_path.empty() || !options.client_pem_path.empty() ||
                   !options.client_key_path.empty() || !options.server_name.empty();
  if (!tls) {
    if (!wants_tls) return grpc::InsecureChannelCredentials();
    return MakeError(ErrorKind::kInvalidConfig,
                     "certificates and server_name need an encrypted connection; write https://", "url");
  }
  if (options.client_pem_path.empty() != options.client_key_path.empty()) {
    return MakeError(ErrorKind::kInvalidConfig, "client_pem_path and client_key_path: give both or none",
                     options.client_pem_path.empty() ? "client_key_path" : "client_pem_path");
  }
  grpc::SslCredentialsOptions ssl;
  ARROW_ASSIGN_OR_RAISE(ssl.pem_root_certs, ReadPem("ca_pem_path", options.ca_pem_path));
  ARROW_ASSIGN_OR_RAISE(ssl.pem_cert_chain, ReadPem("client_pem_path", options.client_pem_path));
  ARROW_ASSIGN_OR_RAISE(ssl.pem_private_key, ReadPem("client_key_path", options.client_key_path));
  return grpc::SslCredentials(ssl);
}

grpc::ChannelArguments MakeArguments(const std::string& server_name) {
  grpc::ChannelArguments arguments;
  // Without its own pool, channels to the same address share one TCP connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(512 << 20);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  if (!server_name.empty()) arguments.SetSslTargetNameOverride(server_name);
  return arguments;
}

arrow::Result<std::string> MakeAuthorization(const ClientOptions& options) {
  bool pair = !options.user.empty() || !options.password.empty();
  if (!options.token.empty() && pair) {
    return MakeError(ErrorKind::kInvalidConfig, "give either `token` or `user` and `password`, not both", "token");
  }
  if (!options.token.empty()) return arrow::util::base64_encode(options.token.Reveal());
  if (!pair) return std::string();
  if (options.user.empty() || options.password.empty()) {
    return MakeError(ErrorKind::kInvalidConfig, "`user` and `password` belong together",
                     options.user.empty() ? "password" : "user");
  }
  return arrow::util::base64_encode(options.user + ":" + options.password.Reveal());
}

/// A token is "user:password", or an API key without a colon.
std::string UserOf(const ClientOptions& options) {
  if (options.token.empty()) return options.user;
  const size_t colon = options.token.Reveal().find(':');
  return colon == std::string::npos ? std::string() : options.token.Reveal().substr(0, colon);
}

}  // namespace

arrow::Result<std::shared_ptr<Client>> Client::Make(const ClientOptions& options, StopToken stop) {
  // gRPC writes to stderr what our errors say anyway. GRPC_VERBOSITY brings it back.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  ARROW_ASSIGN_OR_RAISE(Endpoint endpoint, ParseUrl(options.url));
  ARROW_ASSIGN_OR_RAISE(auto credentials, MakeCredentials(options, endpoint.tls));
  auto wire = std::make_unique<Wire>();
  ARROW_ASSIGN_OR_RAISE(wire->authorization, MakeAuthorization(options));
  wire->timeout = options.timeout;
  wire->stop = std::move(stop);
  grpc::ChannelArguments arguments = MakeArguments(options.server_name);
  for (int i = 0; i < std::max(1, options.connections); ++i) {
    auto channel = grpc::CreateCustomChannel(endpoint.target, credentials, arguments);
    wire->connections.push_back({.stub = pb::MilvusService::NewStub(channel)});
  }
  std::string database = options.database.empty() ? endpoint.database : options.database;
  if (database.empty()) database = "default";
  std::string address = (endpoint.tls ? "https://" : "http://") + endpoint.target;
  return std::shared_ptr<Client>(new Client(std::move(address), std::move(database), UserOf(options), std::move(wire)));
}

Client::Client(std::string address, std::string database, std::string user, std::unique_ptr<Wire> wire)
    : address_(std::move(address)), database_(std::move(database)), user_(std::move(user)), wire_(std::move(wire)) {}

const StopToken& Client::stop() const { return wire_->stop; }
std::chrono::milliseconds Client::timeout() const { return wire_->timeout; }

Client::~Client() = default;

// ---------------------------------------------------------------------------------------------------------------------
// Calls

namespace {
using Rpc = pb::MilvusService::StubInterface::async_interface;
constexpr Effect kIdempotent = Effect::kIdempotent;
}  // namespace

PendingCall<pb::QueryResults> Client::StartQuery(const pb::QueryRequest& request) {
  return wire_->Start("Query", kIdempotent, &Rpc::Query, request, request.db_name());
}

PendingCall<pb::MutationResult> Client::StartInsert(const pb::InsertRequest& request) {
  return wire_->Start("Insert", Effect::kWrite, &Rpc::Insert, request, request.db_name());
}

PendingCall<pb::MutationResult> Client::StartUpsert(const pb::UpsertRequest& request) {
  return wire_->Start("Upsert", Effect::kWrite, &Rpc::Upsert, request, request.db_name());
}

arrow::Result<std::shared_ptr<pb::QueryResults>> Client::Query(const pb::QueryRequest& request) {
  return StartQuery(request).Wait();
}

arrow::Result<pb::MutationResult> Client::Delete(const pb::DeleteRequest& request) {
  return wire_->Call("Delete", &Rpc::Delete, request, request.db_name());
}

arrow::Result<std::string> Client::GetVersion() {
  ARROW_ASSIGN_OR_RAISE(auto reply, wire_->Call("GetVersion", &Rpc::GetVersion, pb::GetVersionRequest(), {}));
  return reply.version();
}

arrow::Result<uint64_t> Client::AllocTimestamp() {
  ARROW_ASSIGN_OR_RAISE(auto reply,
                        wire_->Call("AllocTimestamp", &Rpc::AllocTimestamp, pb::AllocTimestampRequest(), {}));
  return reply.timestamp();
}

arrow::Result<std::vector<std::string>> Client::ListDatabases() {
  ARROW_ASSIGN_OR_RAISE(auto reply, wire_->Call("ListDatabases", &Rpc::ListDatabases, pb::ListDatabasesRequest(), {}));
  return std::vector<std::string>(reply.db_names().begin(), reply.db_names().end());
}

arrow::Status Client::CreateDatabase(const std::string& database) {
  pb::CreateDatabaseRequest request;
  request.set_db_name(database);
  return wire_->Call("CreateDatabase", &Rpc::CreateDatabase, request, {}).status();
}

arrow::Result<bool> Client::AsksForCredentials() {
  PendingCall<pb::GetVersionResponse> call("GetVersion", kIdempotent, wire_->stop);
  wire_->Send(&Rpc::GetVersion, pb::GetVersionRequest(), {}, call, /*anonymous=*/true);
  arrow::Status status = call.Wait().status();
  if (!status.ok() && KindOf(status) == ErrorKind::kUnauthenticated) return true;
  ARROW_RETURN_NOT_OK(status);
  return false;
}

arrow::Result<pb::SelectUserResponse> Client::SelectUser(const pb::SelectUserRequest& request) {
  return wire_->Call("SelectUser", &Rpc::SelectUser, request, {});
}

arrow::Result<pb::SelectGrantResponse> Client::SelectGrant(const pb::SelectGrantRequest& request) {
  return wire_->Call("SelectGrant", &Rpc::SelectGrant, request, {});
}

arrow::Result<pb::ShowCollectionsResponse> Client::ShowCollections(const pb::ShowCollectionsRequest& request) {
  return wire_->Call("ShowCollections", &Rpc::ShowCollections, request, request.db_name());
}

arrow::Result<pb::DescribeCollectionResponse> Client::DescribeCollection(const pb::DescribeCollectionRequest& request) {
  return wire_->Call("DescribeCollection", &Rpc::DescribeCollection, request, request.db_name());
}

arrow::Result<pb::GetCollectionStatisticsResponse> Client::GetCollectionStatistics(
    const pb::GetCollectionStatisticsRequest& request) {
  return wire_->Call("GetCollectionStatistics", &Rpc::GetCollectionStatistics, request, request.db_name());
}

arrow::Status Client::CreateCollection(const pb::CreateCollectionRequest& request) {
  return wire_->Call("CreateCollection", &Rpc::CreateCollection, request, request.db_name()).status();
}

arrow::Status Client::DropCollection(const pb::DropCollectionRequest& request) {
  return wire_->Call("DropCollection", &Rpc::DropCollection, request, request.db_name()).status();
}

arrow::Result<pb::ShowPartitionsResponse> Client::ShowPartitions(const pb::ShowPartitionsRequest& request) {
  return wire_->Call("ShowPartitions", &Rpc::ShowPartitions, request, request.db_name());
}

arrow::Status Client::CreatePartition(const pb::CreatePartitionRequest& request) {
  return wire_->Call("CreatePartition", &Rpc::CreatePartition, request, request.db_name()).status();
}

arrow::Status Client::CreateAlias(const pb::CreateAliasRequest& request) {
  return wire_->Call("CreateAlias", &Rpc::CreateAlias, request, request.db_name()).status();
}

arrow::Status Client::DropAlias(const pb::DropAliasRequest& request) {
  return wire_->Call("DropAlias", &Rpc::DropAlias, request, request.db_name()).status();
}

arrow::Result<pb::DescribeAliasResponse> Client::DescribeAlias(const pb::DescribeAliasRequest& request) {
  return wire_->Call("DescribeAlias", &Rpc::DescribeAlias, request, request.db_name());
}

arrow::Status Client::CreateIndex(const pb::CreateIndexRequest& request) {
  return wire_->Call("CreateIndex", &Rpc::CreateIndex, request, request.db_name()).status();
}

arrow::Result<pb::DescribeIndexResponse> Client::DescribeIndex(const pb::DescribeIndexRequest& request) {
  return wire_->Call("DescribeIndex", &Rpc::DescribeIndex, request, request.db_name());
}

arrow::Status Client::DropIndex(const pb::DropIndexRequest& request) {
  return wire_->Call("DropIndex", &Rpc::DropIndex, request, request.db_name()).status();
}

arrow::Status Client::LoadCollection(const pb::LoadCollectionRequest& request) {
  return wire_->Call("LoadCollection", &Rpc::LoadCollection, request, request.db_name()).status();
}

arrow::Status Client::ReleaseCollection(const pb::ReleaseCollectionRequest& request) {
  return wire_->Call("ReleaseCollection", &Rpc::ReleaseCollection, request, request.db_name()).status();
}

arrow::Result<pb::GetLoadStateResponse> Client::GetLoadState(const pb::GetLoadStateRequest& request) {
  return wire_->Call("GetLoadState", &Rpc::GetLoadState, request, request.db_name());
}

arrow::Result<pb::GetLoadingProgressResponse> Client::GetLoadingProgress(const pb::GetLoadingProgressRequest& request) {
  return wire_->Call("GetLoadingProgress", &Rpc::GetLoadingProgress, request, request.db_name());
}

arrow::Result<pb::FlushResponse> Client::Flush(const pb::FlushRequest& request) {
  return wire_->Call("Flush", &Rpc::Flush, request, request.db_name());
}

arrow::Result<pb::GetFlushStateResponse> Client::GetFlushState(const pb::GetFlushStateRequest& request) {
  return wire_->Call("GetFlushState", &Rpc::GetFlushState, request, request.db_name());
}

}  // namespace godwit::milvus
