#include "verify/difference_file.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "verify/format_value.h"

namespace godwit {
namespace {

/// Of RFC 4180: in quotes where it has to be.
std::string CsvValue(std::string_view text) {
  if (text.find_first_of("\",\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CsvLine(std::initializer_list<std::string_view> values) {
  std::string line;
  for (std::string_view value : values) line += CsvValue(value) + ",";
  line.pop_back();
  return line + "\r\n";
}

std::string DescribeRow(const Difference& difference) {
  std::string row = difference.partition.empty() ? "" : "partition " + Printable(difference.partition) + ", ";
  return row + (difference.key.empty() ? "a row that changed again since" : "key " + difference.key);
}

}  // namespace

std::string_view ToString(Difference::Side side) {
  switch (side) {
    case Difference::Side::kOnlySource:
      return "only in source";
    case Difference::Side::kOnlyTarget:
      return "only in target";
    case Difference::Side::kDifferent:
      return "different";
  }
  return "";
}

std::string DescribeDifference(const Difference& difference) {
  std::string text = DescribeRow(difference);
  if (difference.side == Difference::Side::kOnlySource) return text + ": only in the source";
  if (difference.side == Difference::Side::kOnlyTarget) return text + ": only in the target";
  if (difference.fields.empty()) return text + ": equal as far as shown; the target may hold the key more than once";
  std::string_view separator = ", field ";
  for (const FieldDifference& field : difference.fields) {
    text += separator;
    text += field.field + ": " + field.source_value + " in the source, " + field.target_value + " in the target";
    separator = "; field ";
  }
  return text;
}

Difference Shortened(Difference difference) {
  difference.key = Shorten(std::move(difference.key), kShortValue);
  for (FieldDifference& field : difference.fields) {
    field.source_value = Shorten(std::move(field.source_value), kShortValue);
    field.target_value = Shorten(std::move(field.target_value), kShortValue);
  }
  return difference;
}

DifferenceFile::DifferenceFile(std::string path, DifferenceFormat format)
    : path_(std::move(path)), part_(path_ + ".godwit-part"), format_(format), out_(part_, std::ios::binary) {}

arrow::Result<std::unique_ptr<DifferenceFile>> DifferenceFile::Create(const std::string& path,
                                                                      DifferenceFormat format) {
  errno = 0;
  std::unique_ptr<DifferenceFile> file(new DifferenceFile(path, format));
  if (!file->out_) return ErrnoStatus(errno, "create " + file->part_);
  if (format == DifferenceFormat::kCsv) {
    file->out_ << CsvLine(
        {"source", "target", "difference", "partition", "key", "field", "source_value", "target_value"});
  }
  if (format == DifferenceFormat::kJson) file->out_ << "[";
  return file;
}

DifferenceFile::~DifferenceFile() {
  if (finished_) return;
  out_.close();
  (void)std::remove(part_.c_str());
}

arrow::Status DifferenceFile::Add(const CollectionRef& source, const CollectionRef& target,
                                  const Difference& difference) {
  std::lock_guard lock(mutex_);
  errno = 0;
  switch (format_) {
    case DifferenceFormat::kText:
      AddText(target, difference);
      break;
    case DifferenceFormat::kCsv:
      AddCsv(source, target, difference);
      break;
    case DifferenceFormat::kJson:
      AddJson(source, target, difference);
      break;
  }
  ++count_;
  return out_ ? arrow::Status::OK() : ErrnoStatus(errno, "write " + part_);
}

void DifferenceFile::AddText(const CollectionRef& target, const Difference& difference) {
  out_ << Printable(target.ToString()) << ": " << DescribeDifference(difference) << "\n";
}

void DifferenceFile::AddCsv(const CollectionRef& source, const CollectionRef& target, const Difference& difference) {
  auto add = [&](const FieldDifference& field) {
    out_ << CsvLine({Printable(source.ToString()), Printable(target.ToString()), ToString(difference.side),
                     Printable(difference.partition), difference.key, field.field, field.source_value,
                     field.target_value});
  };
  for (const FieldDifference& field : difference.fields) add(field);
  if (difference.fields.empty()) add({});
}

void DifferenceFile::AddJson(const CollectionRef& source, const CollectionRef& target, const Difference& difference) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::array();
  for (const FieldDifference& field : difference.fields) {
    fields.push_back({{"field", field.field}, {"source", field.source_value}, {"target", field.target_value}});
  }
  nlohmann::ordered_json object = {{"source", Printable(source.ToString())},
                                   {"target", Printable(target.ToString())},
                                   {"side", ToString(difference.side)},
                                   {"partition", Printable(difference.partition)},
                                   {"key", difference.key},
                                   {"fields", std::move(fields)}};
  out_ << (count_ == 0 ? "\n" : ",\n") << object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

arrow::Status DifferenceFile::Finish() {
  errno = 0;
  if (format_ == DifferenceFormat::kJson) out_ << "\n]\n";
  out_.close();
  if (!out_) return ErrnoStatus(errno, "write " + part_);
  ARROW_RETURN_NOT_OK(SyncFile(part_));
  ARROW_RETURN_NOT_OK(RenameDurably(part_, path_));
  finished_ = true;
  return arrow::Status::OK();
}

}  // namespace godwit
