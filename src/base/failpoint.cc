#include "base/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <string_view>

namespace godwit {
namespace {

enum Action { kNothing, kCrash, kError, kFail, kUnknown, kNoSpace };

std::vector<Failpoint*>& List() {
  static std::vector<Failpoint*> list;  // function-local: failpoints are constructed in any order before main
  return list;
}

arrow::Result<int> ParseAction(std::string_view text) {
  if (text == "crash") return kCrash;
  if (text == "error") return kError;
  if (text == "fail") return kFail;
  if (text == "unknown") return kUnknown;
  if (text == "nospace") return kNoSpace;
  return MakeError(ErrorKind::kInvalidConfig,
                   "unknown failpoint action '" + std::string(text) + "'; use crash, error, fail, unknown or nospace");
}

}  // namespace

Failpoint::Failpoint(const char* name) : name_(name) { List().push_back(this); }

std::vector<std::string> Failpoint::Names() {
  std::vector<std::string> names;
  for (const Failpoint* point : List()) names.emplace_back(point->name_);
  std::sort(names.begin(), names.end());
  return names;
}

arrow::Status Failpoint::ArmFromEnvironment() {
  const char* value = std::getenv("GODWIT_FAILPOINTS");
  if (value == nullptr) return arrow::Status::OK();
  std::string_view rest = value;
  while (!rest.empty()) {
    std::string_view entry = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (entry.empty()) continue;
    size_t equals = entry.find('=');
    if (equals == std::string_view::npos) {
      return MakeError(ErrorKind::kInvalidConfig, "GODWIT_FAILPOINTS: '" + std::string(entry) + "' is not name=action");
    }
    std::string_view name = entry.substr(0, equals);
    std::string_view action = entry.substr(equals + 1);
    int64_t hit = 1;
    if (size_t at = action.find('@'); at != std::string_view::npos) {
      std::string_view number = action.substr(at + 1);
      auto parsed = std::from_chars(number.data(), number.data() + number.size(), hit);
      if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || hit < 1) {
        return MakeError(ErrorKind::kInvalidConfig,
                         "GODWIT_FAILPOINTS: '" + std::string(entry) + "' has no positive number after '@'");
      }
      action = action.substr(0, at);
    }
    auto point = std::find_if(List().begin(), List().end(), [&](const Failpoint* p) { return p->name_ == name; });
    if (point == List().end()) {
      return MakeError(ErrorKind::kInvalidConfig,
                       "GODWIT_FAILPOINTS: there is no failpoint '" + std::string(name) + "'");
    }
    ARROW_ASSIGN_OR_RAISE((*point)->action_, ParseAction(action));
    (*point)->hits_until_action_ = hit;
    (*point)->armed_ = true;
  }
  return arrow::Status::OK();
}

arrow::Status Failpoint::HitArmed() {
  if (hits_until_action_.fetch_sub(1) != 1) return arrow::Status::OK();
  std::string message = std::string("failpoint ") + name_;
  switch (action_) {
    case kCrash:
      ::kill(::getpid(), SIGKILL);
      ::pause();
      break;
    case kError:
      return MakeError(ErrorKind::kUnavailable, message);
    case kFail:
      return MakeError(ErrorKind::kInternal, message);
    case kUnknown:
      return MakeError(ErrorKind::kOutcomeUnknown, message);
    case kNoSpace:
      return MakeError(ErrorKind::kNoSpace, message);
    default:
      break;
  }
  return arrow::Status::OK();
}

}  // namespace godwit
