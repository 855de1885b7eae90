#include "stores/milvus/range_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "stores/milvus/codec.h"

namespace godwit::milvus {
namespace {

// Larger pages are not faster, and cost memory here and at the server.
constexpr int64_t kMaxPageBytes = 8LL << 20;
// Ranges read without a limit: far below what Milvus can put into a reply.
constexpr int64_t kMaxRangeBytes = kMaxReplyBytes / 2;
// Trouble that passes sooner than this is nobody else's business.
constexpr auto kPatience = std::chrono::seconds(5);
constexpr int kTries = 3;
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr size_t kMaxSample = 1000;
constexpr size_t kMaxSampleOfRange = 16;  // each costs some questions
constexpr size_t kCountsAtOnce = 4;       // few, so that the search goes deep before it goes wide

}  // namespace

RangeReader::RangeReader(RangeQuery query, Options options)
    : query_(std::move(query)),
      options_(std::move(options)),
      patience_(kPatience, options_.stop),
      last_(options_.after),
      row_bytes_(std::max<int64_t>(1, options_.row_bytes)) {}

arrow::Result<std::optional<Batch>> RangeReader::Next(int64_t max_bytes) {
  if (options_.stop.stop_requested()) return MakeError(ErrorKind::kCancelled, "stopped");
  patience_.Renew();
  page_bytes_ = std::max<int64_t>(1, std::min(max_bytes, kMaxPageBytes) / 4 * 3);  // pages come out uneven
  // How many rows a limit gives depends on the number of segments: begin with less.
  if (limit_ == 0) limit_ = std::clamp<int64_t>(page_bytes_ / row_bytes_ / 2, 1, options_.max_page_rows);
  while (true) {
    if (!exact_.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto batch, NextExact());
      if (batch) return batch;
      continue;
    }
    if (last_ && last_ == options_.upto) return std::nullopt;
    ARROW_ASSIGN_OR_RAISE(Page page, ReceivePage());
    if (page.keys.size() == 0) {
      ARROW_ASSIGN_OR_RAISE(bool end, AtEnd());
      if (end) return std::nullopt;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(auto batch, TakePage(page));
    if (batch) return batch;
  }
}

// Asks until there is an answer, or a failure that does not pass.
template <typename Ask>
auto RangeReader::Patiently(Ask ask) -> decltype(ask()) {
  while (true) {
    auto answer = ask();
    if (answer.ok()) {
      patience_.Renew();
      return answer;
    }
    ARROW_RETURN_NOT_OK(patience_.Wait(answer.status()));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Pages

arrow::Result<RangeReader::Page> RangeReader::ReceivePage() {
  auto ask = [this]() -> arrow::Result<QueryReply> {
    while (true) {
      if (!ahead_) ahead_ = query_.StartPage(last_, options_.upto, limit_);
      auto reply = WaitFor(std::move(*ahead_));
      ahead_.reset();
      if (reply.ok()) return reply;
      bool too_large = KindOf(reply.status()) == ErrorKind::kTooLarge;
      if (limit_ > 1 && (too_large || KindOf(reply.status()) == ErrorKind::kThrottled)) {
        limit_ = std::max<int64_t>(1, limit_ / 2);
        if (too_large) continue;
      }
      return reply;
    }
  };
  ARROW_ASSIGN_OR_RAISE(QueryReply reply, Patiently(ask));
  ARROW_ASSIGN_OR_RAISE(ReplyKeys keys, ReplyKeys::Of(*reply, query_.key().name));
  return Page{std::move(reply), keys};
}

arrow::Result<std::optional<Batch>> RangeReader::TakePage(const Page& page) {
  KeyRange range{.after = last_, .upto = page.keys.at(page.keys.size() - 1), .rows = 0};
  last_ = range.upto;
  empty_pages_ = 0;
  FitLimit(page);
  QueryCall count = query_.StartCount(range.after, range.upto);
  if (last_ != options_.upto) ahead_ = query_.StartPage(last_, options_.upto, limit_);
  ARROW_ASSIGN_OR_RAISE(Batch batch, MakeBatch(page.reply, *range.upto, /*surplus=*/0));
  auto rows = CountIn(std::move(count));
  if (!rows.ok()) {
    ARROW_RETURN_NOT_OK(patience_.Wait(rows.status()));
    rows = Patiently([&] { return query_.Count(range.after, range.upto); });
  }
  ARROW_ASSIGN_OR_RAISE(range.rows, rows);
  if (range.rows == page.keys.size()) return batch;
  exact_.push_back(std::move(range));
  return std::nullopt;
}

void RangeReader::FitLimit(const Page& page) {
  auto bytes = std::max<int64_t>(1, static_cast<int64_t>(page.reply->ByteSizeLong()));
  int64_t rows = page.keys.size();
  row_bytes_ = std::max<int64_t>(1, bytes / rows);
  if (rows < limit_ / 2) return;  // a last page says nothing about full ones
  double fitting = static_cast<double>(limit_) * static_cast<double>(page_bytes_) / static_cast<double>(bytes);
  limit_ = std::clamp(static_cast<int64_t>(fitting), int64_t{1}, std::min(4 * limit_, options_.max_page_rows));
}

// After a page without rows: true when there are none indeed.
arrow::Result<bool> RangeReader::AtEnd() {
  ARROW_ASSIGN_OR_RAISE(int64_t rows, Patiently([this] { return query_.Count(last_, options_.upto); }));
  if (rows == 0) return true;
  if (++empty_pages_ >= kTries) return Unreturned({.after = last_, .upto = options_.upto, .rows = rows});
  if (options_.stop.WaitFor(kPause)) return MakeError(ErrorKind::kCancelled, "stopped");
  return false;
}

arrow::Status RangeReader::Unreturned(const KeyRange& range) const {
  ARROW_RETURN_NOT_OK(query_.CheckGreatestKey());
  return MakeError(ErrorKind::kCorruptData,
                   fmt::format("Milvus counts {} rows{}{} but returns none of them", range.rows,
                               range.after ? " after the key " + KeyToJson(*range.after) : "",
                               range.upto ? " up to the key " + KeyToJson(*range.upto) : ""),
                   options_.schema.ref.ToString());
}

// ---------------------------------------------------------------------------------------------------------------------
// Ranges whose rows are not as many as they are counted

arrow::Result<std::optional<Batch>> RangeReader::NextExact() {
  if (exact_.front().rows > kMaxRangeBytes / row_bytes_) {
    ARROW_RETURN_NOT_OK(CutExact(std::max<int64_t>(1, page_bytes_ / row_bytes_)));
  }
  KeyRange range = exact_.front();
  auto page = ReadSettled(&range);
  if (!page.ok() && KindOf(page.status()) == ErrorKind::kTooLarge && range.rows > 1) {
    size_t ranges = exact_.size();
    ARROW_RETURN_NOT_OK(CutExact(range.rows / 2));
    if (exact_.size() > ranges) return std::nullopt;
  }
  ARROW_RETURN_NOT_OK(page);
  exact_.pop_front();
  if (range.rows == 0) return std::nullopt;
  if (page->keys.size() == 0) return Unreturned(range);
  int64_t surplus = std::max<int64_t>(0, range.rows - page->keys.size());
  if (surplus > 0) {
    ARROW_ASSIGN_OR_RAISE(bool proven, NoteSurplus(range, page->keys, surplus));
    if (!proven) surplus = 0;
  }
  return MakeBatch(page->reply, *range.upto, surplus);
}

// Puts smaller ranges into the place of the first one, where it can be cut.
arrow::Status RangeReader::CutExact(int64_t rows) {
  RangeSizes sizes{.rows = rows, .max_rows = std::max<int64_t>(rows, kMaxRangeBytes / row_bytes_)};
  ARROW_ASSIGN_OR_RAISE(auto ranges, Patiently([&] { return CutKeyRange(exact_.front(), sizes, query_.Counter()); }));
  exact_.pop_front();
  exact_.insert(exact_.begin(), ranges.begin(), ranges.end());
  return arrow::Status::OK();
}

// Reads the whole range, between two counts that agree. Where they never do, the collection is changing: what was read
// is as good as anything, and the whole collection is compared again at the end.
arrow::Result<RangeReader::Page> RangeReader::ReadSettled(KeyRange* range) {
  for (int tries = 1;; ++tries) {
    ARROW_ASSIGN_OR_RAISE(QueryReply reply,
                          Patiently([&] { return WaitFor(query_.StartRange(range->after, *range->upto)); }));
    ARROW_ASSIGN_OR_RAISE(ReplyKeys keys, ReplyKeys::Of(*reply, query_.key().name));
    ARROW_ASSIGN_OR_RAISE(int64_t rows, Patiently([&] { return query_.Count(range->after, range->upto); }));
    bool settled = rows == std::exchange(range->rows, rows) && keys.size() <= rows;
    if (settled || tries >= kTries) return Page{std::move(reply), keys};
    if (options_.stop.WaitFor(kPause)) return MakeError(ErrorKind::kCancelled, "stopped");
  }
}

// Counts the surplus, and finds some of the keys by halving what holds more rows than keys. False when there is no such
// key: then rows came while the range was counted, and belong to the changes that the end of the copy looks for.
arrow::Result<bool> RangeReader::NoteSurplus(const KeyRange& range, const ReplyKeys& keys, int64_t surplus) {
  struct Part {
    int64_t begin;  // of the reply's keys
    int64_t end;
    int64_t rows;
  };
  auto before = [&](int64_t row) { return row > 0 ? std::optional<Key>(keys.at(row - 1)) : range.after; };
  std::vector<Part> parts = {{0, keys.size(), range.rows}};
  std::vector<std::string> found;
  const size_t room = kMaxSample - duplicates_.sample.size();
  const size_t enough = std::clamp<size_t>(room, 1, kMaxSampleOfRange);
  while (!parts.empty() && found.size() < enough) {
    std::vector<Part> halved;
    std::vector<QueryCall> counts;  // of the first halves, under way together
    while (!parts.empty() && counts.size() < kCountsAtOnce) {
      Part part = parts.back();
      parts.pop_back();
      if (part.rows <= part.end - part.begin) continue;
      if (part.end - part.begin == 1) {
        if (found.size() == enough) break;
        found.push_back(fmt::format("{} x{}", KeyToJson(keys.at(part.begin)), part.rows));
        continue;
      }
      int64_t middle = part.begin + (part.end - part.begin) / 2;
      counts.push_back(query_.StartCount(before(part.begin), keys.at(middle - 1)));
      halved.push_back(part);
    }
    for (size_t i = 0; i < halved.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(int64_t rows, CountIn(std::move(counts[i])));
      int64_t middle = halved[i].begin + (halved[i].end - halved[i].begin) / 2;
      parts.push_back({middle, halved[i].end, halved[i].rows - rows});
      parts.push_back({halved[i].begin, middle, rows});
    }
  }
  if (found.empty()) return false;
  duplicates_.surplus_rows += surplus;
  found.resize(std::min(found.size(), room));
  duplicates_.sample.insert(duplicates_.sample.end(), found.begin(), found.end());
  return true;
}

arrow::Result<Batch> RangeReader::MakeBatch(const QueryReply& reply, const Key& position, int64_t surplus) const {
  ARROW_ASSIGN_OR_RAISE(auto rows, DecodeRows(reply, options_.schema));
  return Batch{.rows = std::move(rows),
               .partition = options_.partition,
               .position = KeyToJson(position),
               .surplus_rows = surplus};
}

}  // namespace godwit::milvus
