#include "stores/milvus/client.h"

#include <gtest/gtest.h>

#include "stores/milvus/options.h"

namespace godwit::milvus {
namespace {

struct UrlCase {
  const char* url;
  const char* target;
  bool tls;
  const char* database;
};

TEST(ParseUrl, TakesTheFormsOfTheDocumentation) {
  const UrlCase cases[] = {
      {"http://localhost:19530", "localhost:19530", false, ""},
      {"https://in01.example.com:19540", "in01.example.com:19540", true, ""},
      {"https://in01.example.com", "in01.example.com:443", true, ""},
      {"localhost:19530", "localhost:19530", false, ""},
      {"milvus", "milvus:19530", false, ""},
      {"tcp://10.0.0.1:19530", "10.0.0.1:19530", false, ""},
      {"http://localhost:19530/books", "localhost:19530", false, "books"},
      {"localhost/books/", "localhost:19530", false, "books"},
      {"http://localhost:19530/", "localhost:19530", false, ""},
      {"http://[::1]:19530", "[::1]:19530", false, ""},
      {"[::1]", "[::1]:19530", false, ""},
  };
  for (const UrlCase& expected : cases) {
    SCOPED_TRACE(expected.url);
    auto endpoint = ParseUrl(expected.url);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status().ToString();
    EXPECT_EQ(endpoint->target, expected.target);
    EXPECT_EQ(endpoint->tls, expected.tls);
    EXPECT_EQ(endpoint->database, expected.database);
  }
}

TEST(ParseUrl, RefusesWhatItCantMean) {
  for (const char* url :
       {"", "http://", "ftp://host:19530", "host:", "host:0", "host:65536", "host:port", "http://:19530",
        "http://a b:1", "http://[::1:19530", "http://host:1/a/b", "http://host:1/a?x=1"}) {
    SCOPED_TRACE(url);
    auto endpoint = ParseUrl(url);
    ASSERT_FALSE(endpoint.ok());
    EXPECT_EQ(godwit::KindOf(endpoint.status()), ErrorKind::kInvalidConfig);
  }
}

TEST(ParseUrl, NeverRepeatsCredentials) {
  auto endpoint = ParseUrl("http://root:hunter2@host:19530");
  ASSERT_FALSE(endpoint.ok());
  EXPECT_EQ(Describe(endpoint.status()).find("hunter2"), std::string::npos);
}

ErrorKind TransportKind(grpc::StatusCode code, const char* message, Effect effect) {
  return godwit::KindOf(StatusOf(grpc::Status(code, message), effect));
}

TEST(StatusOfTransport, TellsWhetherAWriteMayHaveArrived) {
  const char* refused = "failed to connect to all addresses; last error: Connection refused";
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNAVAILABLE, refused, Effect::kWrite), ErrorKind::kUnavailable);
  for (auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::CANCELLED}) {
    EXPECT_EQ(TransportKind(code, "Socket closed", Effect::kWrite), ErrorKind::kOutcomeUnknown);
    EXPECT_EQ(TransportKind(code, "Socket closed", Effect::kIdempotent), ErrorKind::kUnavailable);
  }
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNKNOWN, "?", Effect::kWrite), ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNKNOWN, "?", Effect::kIdempotent), ErrorKind::kInternal);
}

TEST(StatusOfTransport, KnowsLimitsAndRefusals) {
  const auto exhausted = grpc::StatusCode::RESOURCE_EXHAUSTED;
  EXPECT_EQ(TransportKind(exhausted, "grpc: received message larger than max (69 vs. 67)", Effect::kWrite),
            ErrorKind::kTooLarge);
  EXPECT_EQ(TransportKind(exhausted, "trying to send message larger than max", Effect::kIdempotent),
            ErrorKind::kTooLarge);
  EXPECT_EQ(TransportKind(exhausted, "slow down", Effect::kWrite), ErrorKind::kThrottled);
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNAUTHENTICATED, "auth check failure", Effect::kIdempotent),
            ErrorKind::kUnauthenticated);
  EXPECT_EQ(TransportKind(grpc::StatusCode::PERMISSION_DENIED, "PrivilegeQuery: permission deny", Effect::kIdempotent),
            ErrorKind::kUnauthenticated);
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNIMPLEMENTED, "", Effect::kIdempotent), ErrorKind::kUnsupported);
  EXPECT_EQ(TransportKind(grpc::StatusCode::INTERNAL,
                          "grpc: error unmarshalling request: string field contains invalid UTF-8", Effect::kWrite),
            ErrorKind::kRejected);
  EXPECT_EQ(TransportKind(grpc::StatusCode::UNAVAILABLE,
                          "failed to connect to all addresses; Ssl handshake failed: certificate verify failed",
                          Effect::kIdempotent),
            ErrorKind::kUnauthenticated);
}

common_pb::Status Reply(int32_t code, const char* reason, int legacy = 0) {
  common_pb::Status status;
  status.set_code(code);
  status.set_reason(reason);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  status.set_error_code(static_cast<common_pb::ErrorCode>(legacy));
#pragma GCC diagnostic pop
  return status;
}

TEST(StatusOfReply, IsGoodWhenBothCodesAreZero) {
  EXPECT_TRUE(StatusOf(Reply(0, ""), Effect::kWrite).ok());
  EXPECT_FALSE(StatusOf(Reply(0, "old server", common_pb::UnexpectedError), Effect::kWrite).ok());
}

struct ReplyCase {
  int32_t code;
  const char* reason;
  int legacy;
  Effect effect;
  ErrorKind kind;
};

TEST(StatusOfReply, MapsWhatServersSay) {
  const ReplyCase cases[] = {
      {8, "rate limit exceeded[rate=1.048576e+06]", common_pb::RateLimit, Effect::kWrite, ErrorKind::kThrottled},
      {0, "request is rejected: rate limit exceeded", common_pb::UnexpectedError, Effect::kWrite,
       ErrorKind::kThrottled},
      {9, "disk quota exceeded", common_pb::ForceDeny, Effect::kWrite, ErrorKind::kNoSpace},
      {9, "memory quota exceeded", common_pb::ForceDeny, Effect::kWrite, ErrorKind::kThrottled},
      {1, "service not ready", common_pb::NotReadyServe, Effect::kWrite, ErrorKind::kUnavailable},
      {100, "collection not found[collection=a]", common_pb::CollectionNotExists, Effect::kWrite, ErrorKind::kNotFound},
      {0, "can't find collection", common_pb::CollectionNotExists, Effect::kIdempotent, ErrorKind::kNotFound},
      {800, "database not found[database=d]", common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kNotFound},
      {700, "index not found", common_pb::IndexNotExist, Effect::kIdempotent, ErrorKind::kNotFound},
      {101, "collection not loaded", common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kUnavailable},
      {503, "channel not available", common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kUnavailable},
      {503, "channel not available", common_pb::UnexpectedError, Effect::kWrite, ErrorKind::kOutcomeUnknown},
      {65535, "empty grpc client: failed to connect", common_pb::UnexpectedError, Effect::kIdempotent,
       ErrorKind::kUnavailable},
      {65535, "connection not found->datanode-1: node not found[node=1]: unrecoverable error",
       common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kUnavailable},
      {1602, "alias already exist", common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kConflict},
      {1100, "the length (9) of 0th string exceeds max length (8)", common_pb::IllegalArgument, Effect::kWrite,
       ErrorKind::kRejected},
      {1001, "IO failed: json: cannot unmarshal array", common_pb::UnexpectedError, Effect::kWrite,
       ErrorKind::kRejected},
      {65535, "value 'NaN' is not a number or infinity", common_pb::UnexpectedError, Effect::kWrite,
       ErrorKind::kRejected},
      {1100, "invalid parameter", common_pb::IllegalArgument, Effect::kIdempotent, ErrorKind::kUnsupported},
      {65535, "something broke", common_pb::UnexpectedError, Effect::kWrite, ErrorKind::kOutcomeUnknown},
      {65535, "something broke", common_pb::UnexpectedError, Effect::kIdempotent, ErrorKind::kInternal},
  };
  for (const ReplyCase& expected : cases) {
    SCOPED_TRACE(expected.reason);
    arrow::Status status = StatusOf(Reply(expected.code, expected.reason, expected.legacy), expected.effect);
    EXPECT_EQ(ToString(godwit::KindOf(status)), ToString(expected.kind));
    EXPECT_NE(status.message().find(expected.reason), std::string::npos);
  }
}

ClientOptions At(const std::string& url) {
  ClientOptions options;
  options.url = url;
  return options;
}

void ExpectInvalid(const ClientOptions& options, const std::string& part) {
  arrow::Status status = Client::Make(options, StopToken()).status();
  ASSERT_FALSE(status.ok()) << part;
  EXPECT_EQ(godwit::KindOf(status), ErrorKind::kInvalidConfig);
  EXPECT_NE(Describe(status).find(part), std::string::npos) << Describe(status);
}

TEST(ClientMake, RefusesOptionsThatContradictEachOther) {
  ClientOptions options = At("localhost");
  options.user = "root";
  ExpectInvalid(options, "`user` and `password` belong together");
  options.password = Secret("Milvus");
  options.token = Secret("root:Milvus");
  ExpectInvalid(options, "not both");

  options = At("http://localhost");
  options.server_name = "milvus";
  ExpectInvalid(options, "https://");
  options = At("https://localhost");
  options.client_pem_path = "/a.pem";
  ExpectInvalid(options, "give both or none");
  options = At("https://localhost");
  options.ca_pem_path = "/nonexistent/ca.pem";
  ExpectInvalid(options, "ca_pem_path: /nonexistent/ca.pem");
}

TEST(ClientMake, NamesAddressAndDatabase) {
  auto client = Client::Make(At("https://localhost/books"), StopToken());
  ASSERT_TRUE(client.ok());
  EXPECT_EQ((*client)->address(), "https://localhost:443");
  EXPECT_EQ((*client)->database(), "books");
  auto plain = Client::Make(At("localhost"), StopToken());
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ((*plain)->database(), "default");
}

TEST(ClientCalls, EndWhenStopped) {
  StopToken stop;
  stop.RequestStop();
  auto client = Client::Make(At("http://127.0.0.1:1"), stop);
  ASSERT_TRUE(client.ok());
  auto version = (*client)->GetVersion();
  ASSERT_FALSE(version.ok());
  EXPECT_EQ(godwit::KindOf(version.status()), ErrorKind::kCancelled);
}

TEST(ClientCalls, ToNobodyAreUnavailableAtOnceAndWereNotApplied) {
  auto client = Client::Make(At("http://127.0.0.1:1"), StopToken());
  ASSERT_TRUE(client.ok());
  auto insert = (*client)->StartInsert(pb::InsertRequest()).Wait();
  ASSERT_FALSE(insert.ok());
  EXPECT_EQ(godwit::KindOf(insert.status()), ErrorKind::kUnavailable);
}

OptionValues Filled(const std::map<std::string, std::string>& given) {
  OptionValues values;
  for (const Option& option : Options()) {
    auto found = given.find(option.name);
    if (found != given.end()) values.Set(option.name, ParseOption(option, found->second).ValueOrDie());
  }
  EXPECT_TRUE(FillDefaults(Options(), OptionScope::kTarget, &values).ok());
  return values;
}

TEST(Options, HaveUsefulDefaults) {
  auto options = ReadOptions(Filled({{"url", "localhost"}}));
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->client.timeout, std::chrono::seconds(30));
  EXPECT_EQ(options->client.connections, 4);
  EXPECT_FALSE(options->always_upsert);
}

TEST(Options, OfTwoDatabasesNeitherWins) {
  EXPECT_TRUE(ReadOptions(Filled({{"url", "localhost/a"}, {"database", "a"}})).ok());
  auto options = ReadOptions(Filled({{"url", "localhost/a"}, {"database", "b"}}));
  ASSERT_FALSE(options.ok());
  EXPECT_EQ(godwit::KindOf(options.status()), ErrorKind::kInvalidConfig);
}

}  // namespace
}  // namespace godwit::milvus
