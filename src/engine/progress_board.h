// What is known of every collection while a job runs: workers write, one thread reads it out to the user.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "godwit/job.h"

namespace godwit {

/// One collection's line. All members are thread-safe.
class ProgressLine {
 public:
  ProgressLine(CollectionRef source, CollectionRef target);

  void SetStage(std::string stage);
  void SetExpectedRows(int64_t rows) { expected_rows_ = rows; }
  void Add(int64_t rows, int64_t bytes) {
    rows_ += rows;
    bytes_ += bytes;
  }
  /// What earlier runs moved: it counts as rows, not as speed.
  void AddEarlier(int64_t rows, int64_t bytes) {
    earlier_rows_ += rows;
    Add(rows, bytes);
  }
  CollectionProgress Read() const;

 private:
  const CollectionRef source_;
  const CollectionRef target_;
  const std::chrono::steady_clock::time_point started_;
  std::atomic<int64_t> rows_ = 0;
  std::atomic<int64_t> earlier_rows_ = 0;
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> expected_rows_ = 0;
  mutable std::mutex mutex_;  // guards stage_
  std::string stage_ = "planning";
};

class ProgressBoard {
 public:
  using Callback = std::function<void(const CollectionProgress&)>;

  /// Starts the thread that calls `callback` for every line that changed, at most every 200 ms; none without a
  /// callback.
  explicit ProgressBoard(Callback callback);
  ~ProgressBoard();

  /// The line lives as long as the board.
  ProgressLine* AddLine(const CollectionRef& source, const CollectionRef& target);

 private:
  void Run();
  void Publish();

  const Callback callback_;
  StopToken ended_;
  std::mutex mutex_;                     // guards lines_
  std::deque<ProgressLine> lines_;       // a deque, so that lines stay where they are
  std::deque<CollectionProgress> told_;  // of the reading thread only
  std::thread thread_;
};

}  // namespace godwit
