#include "godwit/error.h"

#include <arrow/util/io_util.h>

#include <cerrno>
#include <utility>

namespace godwit {
namespace {

constexpr char kTypeId[] = "godwit::ErrorDetail";

const ErrorDetail* DetailOf(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (detail == nullptr || detail->type_id() != std::string_view(kTypeId)) return nullptr;
  return static_cast<const ErrorDetail*>(detail.get());
}

// Arrow prints its code in front of a message, so take the nearest one.
arrow::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidConfig:
    case ErrorKind::kCorruptData:
    case ErrorKind::kRejected:
      return arrow::StatusCode::Invalid;
    case ErrorKind::kNotFound:
      return arrow::StatusCode::KeyError;
    case ErrorKind::kConflict:
      return arrow::StatusCode::AlreadyExists;
    case ErrorKind::kTooLarge:
      return arrow::StatusCode::CapacityError;
    case ErrorKind::kCancelled:
      return arrow::StatusCode::Cancelled;
    case ErrorKind::kUnsupported:
      return arrow::StatusCode::NotImplemented;
    case ErrorKind::kUnauthenticated:
    case ErrorKind::kThrottled:
    case ErrorKind::kUnavailable:
    case ErrorKind::kOutcomeUnknown:
    case ErrorKind::kNoSpace:
      return arrow::StatusCode::IOError;
    case ErrorKind::kInternal:
    case ErrorKind::kSourceChanging:
      break;
  }
  return arrow::StatusCode::UnknownError;
}

}  // namespace

std::string_view ToString(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInternal:
      return "internal";
    case ErrorKind::kInvalidConfig:
      return "invalid config";
    case ErrorKind::kUnauthenticated:
      return "unauthenticated";
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kThrottled:
      return "throttled";
    case ErrorKind::kTooLarge:
      return "too large";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kOutcomeUnknown:
      return "outcome unknown";
    case ErrorKind::kCorruptData:
      return "corrupt data";
    case ErrorKind::kNoSpace:
      return "no space";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kSourceChanging:
      return "source changing";
    case ErrorKind::kRejected:
      return "rejected";
  }
  return "internal";
}

const char* ErrorDetail::type_id() const { return kTypeId; }

std::string ErrorDetail::ToString() const {
  std::string text(godwit::ToString(kind_));
  if (!where_.empty()) text += " at " + where_;
  if (retry_after_.count() > 0) text += ", retry after " + std::to_string(retry_after_.count()) + " ms";
  return text;
}

arrow::Status MakeError(ErrorKind kind, std::string message, std::string where, std::chrono::milliseconds retry_after) {
  return arrow::Status(CodeOf(kind), std::move(message),
                       std::make_shared<ErrorDetail>(kind, retry_after, std::move(where)));
}

ErrorKind KindOf(const arrow::Status& status) {
  if (const ErrorDetail* detail = DetailOf(status)) return detail->kind();
  if (status.IsCancelled()) return ErrorKind::kCancelled;
  int error = arrow::internal::ErrnoFromStatus(status);
  return error == ENOSPC || error == EDQUOT ? ErrorKind::kNoSpace : ErrorKind::kInternal;
}

std::chrono::milliseconds RetryAfter(const arrow::Status& status) {
  const ErrorDetail* detail = DetailOf(status);
  return detail == nullptr ? std::chrono::milliseconds(0) : detail->retry_after();
}

bool IsRetryable(const arrow::Status& status) {
  if (status.ok()) return false;
  ErrorKind kind = KindOf(status);
  return kind == ErrorKind::kThrottled || kind == ErrorKind::kUnavailable;
}

arrow::Status WithContext(const arrow::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return status.WithMessage(context, ": ", status.message());
}

std::string Describe(const arrow::Status& status) {
  const ErrorDetail* detail = DetailOf(status);
  if (detail == nullptr || detail->where().empty()) return status.message();
  return detail->where() + ": " + status.message();
}

}  // namespace godwit
