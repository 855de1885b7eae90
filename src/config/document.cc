#include "config/document.h"

#include <algorithm>

namespace godwit {

const Node* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string WhereIn(const std::string& file, Place place) {
  if (place.line <= 0) return file;
  std::string where = file + ":" + std::to_string(place.line);
  if (place.column > 0) where += ":" + std::to_string(place.column);
  return where;
}

arrow::Status Problems::Finish() {
  if (found_.empty()) return arrow::Status::OK();
  std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::string message;
  for (const auto& [place, text] : found_) {
    // The first one's place is the status' own.
    message += message.empty() ? text : "\n" + WhereIn(file_, place) + ": " + text;
  }
  return MakeError(ErrorKind::kInvalidConfig, message, WhereIn(file_, found_.front().first));
}

}  // namespace godwit
