#include "engine/progress_board.h"

#include <utility>

namespace godwit {

ProgressLine::ProgressLine(CollectionRef source, CollectionRef target)
    : source_(std::move(source)), target_(std::move(target)), started_(std::chrono::steady_clock::now()) {}

void ProgressLine::SetStage(std::string stage) {
  std::lock_guard lock(mutex_);
  stage_ = std::move(stage);
}

CollectionProgress ProgressLine::Read() const {
  CollectionProgress progress{.source = source_, .target = target_, .stage = {}};
  progress.earlier_rows = earlier_rows_;
  progress.rows = rows_;
  progress.bytes = bytes_;
  progress.expected_rows = expected_rows_;
  progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  std::lock_guard lock(mutex_);
  progress.stage = stage_;
  return progress;
}

ProgressBoard::ProgressBoard(Callback callback) : callback_(std::move(callback)) {
  if (callback_) thread_ = std::thread([this] { Run(); });
}

ProgressBoard::~ProgressBoard() {
  ended_.RequestStop();
  if (thread_.joinable()) thread_.join();
}

ProgressLine* ProgressBoard::AddLine(const CollectionRef& source, const CollectionRef& target) {
  std::lock_guard lock(mutex_);
  return &lines_.emplace_back(source, target);
}

void ProgressBoard::Run() {
  while (!ended_.WaitFor(std::chrono::milliseconds(200))) Publish();
  Publish();  // the last word
}

void ProgressBoard::Publish() {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < lines_.size(); ++i) {
    CollectionProgress now = lines_[i].Read();
    if (i == told_.size()) {
      told_.emplace_back();
    } else if (told_[i].rows == now.rows && told_[i].stage == now.stage) {
      continue;
    }
    told_[i] = now;
    callback_(now);
  }
}

}  // namespace godwit
