// The kinds of failure that godwit tells apart, carried inside arrow::Status.
//
// Every fallible function returns arrow::Status or arrow::Result; no exception crosses a header of godwit.
// A status without an ErrorDetail (from Arrow itself) counts as ErrorKind::kInternal, or as kNoSpace / kCancelled
// where Arrow says so. All functions here are pure and may be called from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/status.h>

namespace godwit {

enum class ErrorKind {
  kInternal,         // a defect of godwit or of a library
  kInvalidConfig,    // the user's file, flag or value; exit code 2
  kUnauthenticated,  // refused credentials or missing privilege
  kNotFound,         // the named database, collection or file does not exist
  kConflict,         // something different is already there
  kThrottled,        // the peer asked to slow down; see RetryAfter
  kTooLarge,         // the request or the reply is over a limit of the peer; a smaller one may pass
  kUnavailable,      // the peer can't be reached, is starting or died; the request was not applied
  kOutcomeUnknown,   // a write may or may not have been applied; ask Sink::Recover, never retry blindly
  kCorruptData,      // what was read is not what was written
  kNoSpace,          // disk or quota is full
  kCancelled,        // stopped by the user
  kUnsupported,      // the peer lacks a feature
  kSourceChanging,   // the source did not stay still long enough to be proven equal; exit code 3
  kRejected,         // the target refused rows for their content
};

/// A short lower-case name, for example "throttled".
std::string_view ToString(ErrorKind kind);

class ErrorDetail : public arrow::StatusDetail {
 public:
  ErrorDetail(ErrorKind kind, std::chrono::milliseconds retry_after, std::string where)
      : kind_(kind), retry_after_(retry_after), where_(std::move(where)) {}

  const char* type_id() const override;
  std::string ToString() const override;

  ErrorKind kind() const { return kind_; }
  /// What the peer asked for; zero when it said nothing.
  std::chrono::milliseconds retry_after() const { return retry_after_; }
  /// "file:line", "store collection" or empty.
  const std::string& where() const { return where_; }

 private:
  ErrorKind kind_;
  std::chrono::milliseconds retry_after_;
  std::string where_;
};

/// `message` is one sentence for the user: what is wrong, then what to do. It never holds a secret.
arrow::Status MakeError(ErrorKind kind, std::string message, std::string where = {},
                        std::chrono::milliseconds retry_after = {});

/// The kind of a failed status; must not be called with an OK status.
ErrorKind KindOf(const arrow::Status& status);
std::chrono::milliseconds RetryAfter(const arrow::Status& status);
/// True for throttled and unavailable: the same request may be sent again after a pause.
bool IsRetryable(const arrow::Status& status);
/// Adds "context: " in front of the message and keeps the detail.
arrow::Status WithContext(const arrow::Status& status, std::string_view context);
/// The message with "where: " in front when it is known, without the name of the status code.
std::string Describe(const arrow::Status& status);

}  // namespace godwit
