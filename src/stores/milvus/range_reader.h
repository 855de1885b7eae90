// Reads one key range of a collection, in pages, and proves of every page that no row was left out.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/patience.h"
#include "godwit/store.h"
#include "stores/milvus/range_query.h"

namespace godwit::milvus {

/// Pages follow each other by `key > last`; while one is with the caller, the next is under way. The rows of a page
/// must be as many as count(*) says for its range of keys. Where they are not (keys repeat, or the collection changes),
/// the range is read again without a limit, which gives each key once, and what the count says beyond that is surplus.
class RangeReader : public Reader {
 public:
  struct Options {
    CollectionSchema schema;  // what to read
    std::string partition;    // as the batches name it
    std::optional<Key> after;
    std::optional<Key> upto;
    int64_t row_bytes = 0;  // an estimate
    int64_t max_page_rows = kMaxPageRows;
    StopToken stop;
  };

  RangeReader(RangeQuery query, Options options);

  arrow::Result<std::optional<Batch>> Next(int64_t max_bytes) override;
  Duplicates duplicates() const override { return duplicates_; }

 private:
  // A page that was received; `keys` borrows from the reply.
  struct Page {
    QueryReply reply;
    ReplyKeys keys;
  };

  template <typename Ask>
  auto Patiently(Ask ask) -> decltype(ask());
  arrow::Result<Page> ReceivePage();
  /// nullopt when the page was put aside, to be read exactly.
  arrow::Result<std::optional<Batch>> TakePage(const Page& page);
  arrow::Result<bool> AtEnd();
  arrow::Status Unreturned(const KeyRange& range) const;
  void FitLimit(const Page& page);

  arrow::Result<std::optional<Batch>> NextExact();
  arrow::Status CutExact(int64_t rows);
  arrow::Result<Page> ReadSettled(KeyRange* range);
  arrow::Result<bool> NoteSurplus(const KeyRange& range, const ReplyKeys& keys, int64_t surplus);
  arrow::Result<Batch> MakeBatch(const QueryReply& reply, const Key& position, int64_t surplus) const;

  const RangeQuery query_;
  const Options options_;
  Patience patience_;
  std::optional<Key> last_;         // greatest key received
  std::optional<QueryCall> ahead_;  // the page after it
  std::deque<KeyRange> exact_;      // ranges before it that have to be read exactly, `rows` counted
  int64_t page_bytes_ = 0;          // aimed at
  int64_t limit_ = 0;
  int64_t row_bytes_;
  int empty_pages_ = 0;  // in a row, although rows were counted behind them
  Duplicates duplicates_;
};

}  // namespace godwit::milvus
