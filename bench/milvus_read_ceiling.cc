// How near does godwit's reader come to a bare gRPC reader?
//
//   milvus_read_ceiling URL COLLECTION [STREAMS [ROUNDS [bare]]]
//
// Both read the whole collection, loaded, with an int64 key, over the same key ranges, with as many streams and
// connections. The bare reader asks for pages by `key > last` with generated stubs and discards the replies; godwit's
// makes batches of them and proves each page by a count. They take turns, so that both see the same machine; with
// `bare` there is only the bare reader.
#include <arrow/record_batch.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "milvus.grpc.pb.h"
#include "stores/milvus/catalog.h"
#include "stores/milvus/expression.h"
#include "stores/milvus/source.h"

namespace {

using godwit::milvus::Client;
namespace pb = ::milvus::proto::milvus;

constexpr int64_t kPageRows = 8192;
constexpr int64_t kBatchBytes = 8 << 20;

template <typename T>
T Get(arrow::Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", godwit::Describe(result.status()).c_str());
    std::exit(1);
  }
  return std::move(*result);
}

struct Job {
  std::string address;
  std::shared_ptr<Client> client;
  godwit::CollectionSchema schema;
  godwit::Snapshot snapshot;
  std::vector<godwit::Split> splits;
  int streams = 1;
};

// Runs one stream a thread over the splits; rows a second.
template <typename ReadSplit>
double Measure(const Job& job, ReadSplit read_split) {
  std::atomic<size_t> next = 0;
  std::atomic<int64_t> rows = 0;
  std::vector<std::thread> threads;
  auto begin = std::chrono::steady_clock::now();
  for (int stream = 0; stream < job.streams; ++stream) {
    threads.emplace_back([&, stream] {
      for (size_t i = next++; i < job.splits.size(); i = next++) rows += read_split(stream, job.splits[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(rows) / seconds.count();
}

pb::QueryRequest MakeRequest(const Job& job) {
  pb::QueryRequest request;
  request.set_collection_name(job.schema.ref.name);
  for (const auto& field : job.schema.fields) request.add_output_fields(field.name);
  request.set_consistency_level(::milvus::proto::common::Customized);
  request.set_guarantee_timestamp(std::stoull(job.snapshot.id));
  auto* limit = request.add_query_params();
  limit->set_key("limit");
  limit->set_value(std::to_string(kPageRows));
  return request;
}

int64_t ReadBare(const Job& job, pb::MilvusService::Stub* stub, const godwit::Split& split) {
  const std::string& key = job.schema.fields[static_cast<size_t>(job.schema.key_index())].name;
  auto range = nlohmann::json::parse(split.spec);
  pb::QueryRequest request = MakeRequest(job);
  if (range.contains("partition")) request.add_partition_names(range["partition"].get<std::string>());
  std::string lower = range.contains("after") ? range["after"].dump() : "-9223372036854775807";
  std::string upper = range.contains("upto") ? " and " + key + " <= " + range["upto"].dump() : "";
  int64_t rows = 0;
  while (true) {
    request.set_expr(key + " > " + lower + upper);
    grpc::ClientContext context;
    pb::QueryResults reply;
    grpc::Status status = stub->Query(&context, request, &reply);
    if (!status.ok() || reply.status().code() != 0) {
      std::fprintf(stderr, "%s %s\n", status.error_message().c_str(), reply.status().reason().c_str());
      std::exit(1);
    }
    for (const auto& field : reply.fields_data()) {
      if (field.field_name() != key) continue;
      const auto& keys = field.scalars().long_data().data();
      if (keys.empty()) return rows;
      rows += keys.size();
      lower = std::to_string(keys[keys.size() - 1]);
    }
  }
}

int64_t ReadGodwit(const Job& job, godwit::Source* source, const godwit::Split& split) {
  auto reader = Get(source->Open(job.schema, split, job.snapshot, ""));
  int64_t rows = 0;
  while (auto batch = Get(reader->Next(kBatchBytes))) rows += batch->rows->num_rows();
  return rows;
}

std::vector<std::unique_ptr<pb::MilvusService::Stub>> MakeStubs(const Job& job) {
  std::vector<std::unique_ptr<pb::MilvusService::Stub>> stubs;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  for (int i = 0; i < job.streams; ++i) {
    stubs.push_back(pb::MilvusService::NewStub(grpc::CreateCustomChannel(
        Get(godwit::milvus::ParseUrl(job.address)).target, grpc::InsecureChannelCredentials(), arguments)));
  }
  return stubs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: milvus_read_ceiling URL COLLECTION [STREAMS [ROUNDS [bare]]]\n");
    return 2;
  }
  Job job;
  job.address = argv[1];
  job.streams = argc > 3 ? std::atoi(argv[3]) : 1;
  int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  godwit::milvus::ClientOptions options;
  options.url = job.address;
  options.connections = job.streams;
  job.client = Get(Client::Make(options, godwit::StopToken()));
  godwit::CollectionRef ref{"", argv[2]};
  job.schema = Get(godwit::milvus::MilvusCatalog(job.client).Describe(ref));
  godwit::milvus::MilvusSource source(job.client, 0);
  job.snapshot = Get(source.OpenSnapshot(ref));
  auto begin = std::chrono::steady_clock::now();
  job.splits = Get(source.PlanSplits(job.schema, job.snapshot, {.min_splits = job.streams}));
  std::chrono::duration<double, std::milli> planning = std::chrono::steady_clock::now() - begin;
  std::printf("%zu splits, planned in %.0f ms\n", job.splits.size(), planning.count());
  auto stubs = MakeStubs(job);
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    double bare = Measure(job, [&](int stream, const godwit::Split& split) {
      return ReadBare(job, stubs[static_cast<size_t>(stream)].get(), split);
    });
    if (argc > 5) {
      std::printf("bare %8.0f rows/s\n", bare);
      continue;
    }
    double ours = Measure(job, [&](int, const godwit::Split& split) { return ReadGodwit(job, &source, split); });
    ratios.push_back(ours / bare);
    std::printf("bare %8.0f rows/s   godwit %8.0f rows/s   %.2f\n", bare, ours, ratios.back());
  }
  if (ratios.empty()) return 0;
  std::sort(ratios.begin(), ratios.end());
  std::printf("%d streams: median %.2f of the bare reader\n", job.streams, ratios[ratios.size() / 2]);
}
