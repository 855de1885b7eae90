// Rows to copy, and comparing what came back. Failures of a call end the test with its message.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <gtest/gtest.h>

#include "conformance/quirks.h"
#include "godwit/store.h"

namespace godwit::conformance {

/// The value, or the end of the test (googletest reports the exception).
template <typename T>
T Must(arrow::Result<T> result) {
  if (!result.ok()) throw std::runtime_error(Describe(result.status()));
  return std::move(result).ValueUnsafe();
}
inline void Must(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(Describe(status));
}

/// "ok", or the name of the error's kind: what tests compare.
std::string KindName(const arrow::Status& status);

std::unique_ptr<Store> OpenStore(const std::string& room, OptionScope scope, const OptionTexts& texts,
                                 const StopToken& stop = {});

struct Rows {
  CollectionSchema schema;
  std::vector<Batch> batches;

  int64_t count() const;
};

/// Made up by `synthetic`, in batches of about `batch_bytes`.
Rows MakeRows(const OptionTexts& options, int64_t batch_bytes = 8 << 10);

/// Columns in the order of `target`'s fields; its other properties, too.
Rows MapRows(const Rows& rows, const CollectionSchema& target);

/// One row a batch: the value of a key, and of the field `string`. For rows that no generator makes.
Batch OneRow(const CollectionSchema& schema, int64_t key, const std::string& text, const std::string& partition = "");

struct ReadOptions {
  ReadPurpose purpose = ReadPurpose::kVerify;
  SplitPolicy policy = {};
  int64_t batch_bytes = 16 << 10;
};

/// Prepares, plans, reads every split to its end, restores.
Rows ReadAll(Source* source, const CollectionSchema& schema, const ReadOptions& options = {});
/// What one reader gives until its end.
std::vector<Batch> Drain(Reader* reader, int64_t batch_bytes);

/// The same rows, each as often; in any order. Names the fields that differ.
testing::AssertionResult SameRows(const Rows& want, const Rows& have);

/// As an engine would do it.
arrow::Result<WriteResult> WriteBatch(Writer* writer, const CollectionSchema& schema, const Batch& batch);

/// Digest of batches, as an engine would note it.
Digest DigestOf(const CollectionSchema& schema, const std::vector<Batch>& batches);

}  // namespace godwit::conformance
