// How fast does a server take inserts that cost nothing to make?
//
//   milvus_write_ceiling URL COLLECTION ROWS DIM BATCH_ROWS STREAMS
//
// Creates COLLECTION (id, vector), encodes every request beforehand, and sends them with generated stubs, one call
// under way a stream. Prints rows a second until the last answer.
#include <grpcpp/create_channel.h>

#include <arrow/record_batch.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "godwit/store.h"
#include "milvus.grpc.pb.h"
#include "stores/milvus/client.h"
#include "stores/milvus/codec.h"

namespace {

namespace pb = ::milvus::proto::milvus;

template <typename T>
T Get(arrow::Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", godwit::Describe(result.status()).c_str());
  std::exit(1);
}

std::unique_ptr<godwit::Store> OpenStore(const std::string& name, const std::map<std::string, std::string>& texts) {
  const godwit::StoreFactory* factory = godwit::FindStore(godwit::AllStores(), name);
  godwit::OptionValues values;
  for (const godwit::Option& option : factory->options) {
    if (auto text = texts.find(option.name); text != texts.end()) {
      values.Set(option.name, Get(godwit::ParseOption(option, text->second)));
    }
  }
  if (!godwit::FillDefaults(factory->options, godwit::OptionScope::kSource, &values).ok()) std::exit(1);
  return Get(factory->open(values, {}));
}

std::vector<pb::InsertRequest> EncodeAll(godwit::Store* rows, const godwit::CollectionSchema& schema,
                                         const std::string& collection, int64_t batch_rows) {
  std::vector<pb::InsertRequest> requests;
  godwit::Snapshot snapshot = Get(rows->source()->OpenSnapshot(schema.ref));
  for (const godwit::Split& split : Get(rows->source()->PlanSplits(schema, snapshot, {}))) {
    auto reader = Get(rows->source()->Open(schema, split, snapshot, ""));
    while (auto batch = Get(reader->Next(64 << 20))) {
      for (int64_t from = 0; from < batch->rows->num_rows(); from += batch_rows) {
        int64_t to = std::min(from + batch_rows, batch->rows->num_rows());
        pb::InsertRequest request;
        request.set_collection_name(collection);
        request.set_num_rows(static_cast<uint32_t>(to - from));
        if (!godwit::milvus::EncodeRows(*batch->rows, from, to, schema, request.mutable_fields_data()).ok())
          std::exit(1);
        requests.push_back(std::move(request));
      }
    }
  }
  return requests;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: milvus_write_ceiling URL COLLECTION ROWS DIM BATCH_ROWS STREAMS\n");
    return 2;
  }
  const std::string url = argv[1], collection = argv[2];
  auto generator = OpenStore("synthetic", {{"rows", argv[3]}, {"dim", argv[4]}});
  auto target = OpenStore("milvus", {{"url", url}});
  godwit::CollectionSchema schema = Get(generator->catalog()->Describe({"", "synthetic"}));
  godwit::CollectionSchema created = schema;
  created.ref = {"default", collection};
  if (!target->catalog()->Drop(created.ref).ok() || !target->catalog()->Create(created).ok()) return 1;

  const auto requests = EncodeAll(generator.get(), schema, collection, std::atoll(argv[5]));
  const std::string address = Get(godwit::milvus::ParseUrl(url)).target;
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::thread> streams;
  std::puts("encoded");  // whoever measures several programs at once waits for this
  std::fflush(stdout);
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < std::atoi(argv[6]); ++i) {
    streams.emplace_back([&, i] {
      grpc::ChannelArguments arguments;
      arguments.SetInt("stream", i);  // distinct arguments make a connection of its own
      arguments.SetMaxSendMessageSize(-1);
      auto stub =
          pb::MilvusService::NewStub(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
      for (size_t at = next++; at < requests.size() && !failed; at = next++) {
        grpc::ClientContext context;
        pb::MutationResult reply;
        grpc::Status status = stub->Insert(&context, requests[at], &reply);
        if (status.ok() && reply.status().code() == 0) continue;
        std::fprintf(stderr, "%s %s\n", status.error_message().c_str(), reply.status().reason().c_str());
        failed = true;
      }
    });
  }
  for (std::thread& stream : streams) stream.join();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f rows/s\n", std::atof(argv[3]) / seconds.count());
  return failed ? 1 : 0;
}
