#include "godwit/error.h"

#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace godwit {
namespace {

using std::chrono::milliseconds;

TEST(Error, CarriesItsDetail) {
  arrow::Status status = MakeError(ErrorKind::kThrottled, "slow down", "milvus h:19530", milliseconds(1500));
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kThrottled);
  EXPECT_EQ(RetryAfter(status), milliseconds(1500));
  EXPECT_TRUE(IsRetryable(status));
  EXPECT_EQ(Describe(status), "milvus h:19530: slow down");
  EXPECT_EQ(status.detail()->ToString(), "throttled at milvus h:19530, retry after 1500 ms");
}

TEST(Error, ContextKeepsTheDetail) {
  arrow::Status status = WithContext(MakeError(ErrorKind::kNotFound, "no file", "job.yaml:3"), "target");
  EXPECT_EQ(KindOf(status), ErrorKind::kNotFound);
  EXPECT_EQ(Describe(status), "job.yaml:3: target: no file");
  EXPECT_TRUE(WithContext(arrow::Status::OK(), "nothing").ok());
}

TEST(Error, OnlyThrottledAndUnavailableAreRetryable) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::kRejected); ++i) {
    auto kind = static_cast<ErrorKind>(i);
    bool retryable = kind == ErrorKind::kThrottled || kind == ErrorKind::kUnavailable;
    EXPECT_EQ(IsRetryable(MakeError(kind, "x")), retryable) << ToString(kind);
  }
  EXPECT_FALSE(IsRetryable(arrow::Status::OK()));
  EXPECT_FALSE(IsRetryable(arrow::Status::IOError("x")));
}

TEST(Error, KindsSurviveTheStatusAndHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorKind::kRejected); ++i) {
    auto kind = static_cast<ErrorKind>(i);
    EXPECT_EQ(KindOf(MakeError(kind, "x")), kind);
    EXPECT_TRUE(names.insert(ToString(kind)).second) << ToString(kind);
  }
}

TEST(Error, KnowsArrowsOwnFailures) {
  EXPECT_EQ(KindOf(arrow::Status::IOError("x")), ErrorKind::kInternal);
  EXPECT_EQ(KindOf(arrow::Status::Cancelled("x")), ErrorKind::kCancelled);
  EXPECT_EQ(KindOf(arrow::internal::IOErrorFromErrno(ENOSPC, "x")), ErrorKind::kNoSpace);
  EXPECT_EQ(KindOf(arrow::internal::IOErrorFromErrno(EDQUOT, "x")), ErrorKind::kNoSpace);
  EXPECT_EQ(KindOf(arrow::internal::IOErrorFromErrno(EIO, "x")), ErrorKind::kInternal);
  EXPECT_EQ(RetryAfter(arrow::Status::IOError("x")), milliseconds(0));
  EXPECT_EQ(Describe(arrow::Status::IOError("plain")), "plain");
}

}  // namespace
}  // namespace godwit
