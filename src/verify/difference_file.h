// Every difference of a comparison, as a file for people or programs.
//
// Text: a line a difference and field. CSV (RFC 4180, with a header): the same. JSON: one array of objects
// {source, target, side, partition, key, fields: [{field, source, target}]}. Values are texts as of
// verify/format_value.h.
#pragma once

#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "godwit/job.h"

namespace godwit {

/// "only in source", "only in target", "different".
std::string_view ToString(Difference::Side side);

/// For people, one line: "key 7, field title: "a" in the source, "b" in the target; ...".
std::string DescribeDifference(const Difference& difference);

/// The same with its values cut to what a report shows.
Difference Shortened(Difference difference);

/// Add is thread-safe.
class DifferenceFile {
 public:
  /// Writes beside `path` until Finish: what is at `path` is whole. kNotFound where the folder is absent.
  static arrow::Result<std::unique_ptr<DifferenceFile>> Create(const std::string& path, DifferenceFormat format);
  /// Removes what was not finished.
  ~DifferenceFile();

  arrow::Status Add(const CollectionRef& source, const CollectionRef& target, const Difference& difference);
  /// Makes it durable under its name.
  arrow::Status Finish();

 private:
  DifferenceFile(std::string path, DifferenceFormat format);
  void AddText(const CollectionRef& target, const Difference& difference);
  void AddCsv(const CollectionRef& source, const CollectionRef& target, const Difference& difference);
  void AddJson(const CollectionRef& source, const CollectionRef& target, const Difference& difference);

  const std::string path_;
  const std::string part_;  // the name until Finish
  const DifferenceFormat format_;
  std::mutex mutex_;  // guards what follows
  std::ofstream out_;
  int64_t count_ = 0;
  bool finished_ = false;
};

}  // namespace godwit
