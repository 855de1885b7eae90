#include "formats/text_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "formats/text_records.h"
#include "formats/text_value.h"

namespace godwit {
namespace {

constexpr int64_t kLongestItem = 16;  // bytes of a column that one byte of text may become

}  // namespace

class TextReader::Impl {
 public:
  Impl(const CollectionSchema& schema, TextSource source)
      : schema_(schema), source_(std::move(source)), kind_(source_.format.kind), records_(source_.format, source_.own) {
    for (const Field& field : schema_.fields) {
      builders_.push_back(arrow::MakeBuilder(field.type.Storage()).ValueOrDie());
      values_.emplace_back(field, kind_, builders_.back().get());
      const bool variable = field.type.kind == TypeKind::kString || field.type.kind == TypeKind::kJson ||
                            field.type.kind == TypeKind::kBytes;
      fixed_row_bytes_ += variable ? 8 : field.type.EstimatedBytes();
      bytes_of_text_ = std::max(bytes_of_text_, field.type.kind == TypeKind::kArray ? kLongestItem : int64_t{1});
    }
    seen_.resize(schema_.fields.size());
    if (kind_ != TextKind::kJsonl && (source_.format.has_header() || (!source_.own && source_.columns.empty()))) return;
    columns_ = source_.columns;
    if (columns_.empty()) {
      for (const Field& field : schema_.fields) columns_.push_back(field.name);
    }
    FindPlaces();
  }

  arrow::Result<size_t> Read(std::string_view text, bool last, int64_t max_bytes) {
    size_t begin = 0;
    while (begin < text.size() && (bytes_ < max_bytes || rows_ == 0)) {
      ARROW_ASSIGN_OR_RAISE(size_t size, ReadRecord(text.substr(begin), last));
      if (size == 0) break;
      begin += size;
    }
    if (last && begin == text.size() && source_.format.has_header() && !header_done_) {
      return records_.Error("the file is empty: the header is missing");
    }
    return begin;
  }

  void Skip(int64_t rows) { to_skip_ += rows; }
  int64_t skipped() const { return skipped_; }
  int64_t rows() const { return rows_; }
  int64_t bytes() const { return bytes_; }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish() {
    arrow::ArrayVector columns;
    for (auto& builder : builders_) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder->Finish());
    }
    auto batch = arrow::RecordBatch::Make(schema_.ArrowSchema(), rows_, std::move(columns));
    rows_ = bytes_ = 0;
    return batch;
  }

 private:
  /// Bytes of the record at the beginning of `text`; 0 when it does not end there.
  arrow::Result<size_t> ReadRecord(std::string_view text, bool last) {
    ARROW_ASSIGN_OR_RAISE(size_t size, records_.Next(text, last));
    if (size == 0) return 0;
    if (source_.format.has_header() && !header_done_) {
      ARROW_RETURN_NOT_OK(ReadHeader());
    } else if (to_skip_ > 0) {
      --to_skip_;
      ++skipped_;
    } else {
      ARROW_RETURN_NOT_OK(kind_ == TextKind::kJsonl ? ReadObject() : ReadFields());
      ++rows_;
      bytes_ += fixed_row_bytes_ + bytes_of_text_ * static_cast<int64_t>(size);
    }
    return size;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What they hold

  /// Files of others without a header: their columns are numbered.
  arrow::Status NumberColumns() {
    for (size_t i = 1; i <= records_.fields().size(); ++i) columns_.push_back(fmt::format("column{}", i));
    FindPlaces();
    for (const Field& field : schema_.fields) {
      if (std::find(columns_.begin(), columns_.end(), field.name) != columns_.end()) continue;
      return records_.Error(fmt::format("{} fields, and none is '{}'", records_.fields().size(), field.name));
    }
    return arrow::Status::OK();
  }

  void FindPlaces() {
    places_.clear();
    for (const std::string& name : columns_) places_.push_back(PlaceOf(name));
  }

  int PlaceOf(std::string_view name) const {
    auto found = std::find_if(schema_.fields.begin(), schema_.fields.end(),
                              [&](const Field& field) { return field.name == name; });
    return found == schema_.fields.end() ? -1 : static_cast<int>(found - schema_.fields.begin());
  }

  arrow::Status ReadHeader() {
    ARROW_ASSIGN_OR_RAISE(auto names, records_.Names());
    if (!source_.columns.empty() && names != source_.columns) {
      return records_.Error(fmt::format("the header names other fields than '{}'", fmt::join(source_.columns, "', '")));
    }
    for (const Field& field : schema_.fields) {
      if (std::find(names.begin(), names.end(), field.name) == names.end()) {
        return records_.Error(fmt::format("the header has no field '{}'", field.name));
      }
    }
    columns_ = std::move(names);
    FindPlaces();
    header_done_ = true;
    return arrow::Status::OK();
  }

  arrow::Status ReadFields() {
    if (columns_.empty()) ARROW_RETURN_NOT_OK(NumberColumns());
    if (records_.fields().size() != columns_.size()) {
      return records_.Error(
          fmt::format("{} fields where there should be {}", records_.fields().size(), columns_.size()));
    }
    for (size_t i = 0; i < records_.fields().size(); ++i) {
      if (places_[i] < 0) continue;
      const RawField& field = records_.fields()[i];
      TextValueReader& value = values_[static_cast<size_t>(places_[i])];
      why_.clear();
      bool good = false;
      if (records_.IsNull(field)) {
        good = value.AppendNull(&why_);
      } else {
        std::string_view text;
        good = records_.Unescape(field, &text, &why_) && value.Append(text, &why_);
      }
      if (!good) return records_.FieldError(columns_[i], why_);
    }
    return arrow::Status::OK();
  }

  arrow::Status ReadObject() {
    JsonCursor json(records_.line_text());
    std::fill(seen_.begin(), seen_.end(), false);
    if (!json.Take('{')) return records_.Error("a line has to be one JSON object");
    if (!json.Take('}')) {
      size_t expected = 0;  // lines mostly have their keys in one order
      do {
        std::string_view name;
        if (!json.TakeString(&name_scratch_, &name)) return records_.Error(json.error());
        if (!json.Take(':')) return records_.Error(fmt::format("a colon is expected after the key '{}'", name));
        if (expected >= columns_.size() || columns_[expected] != name) {
          expected = static_cast<size_t>(std::find(columns_.begin(), columns_.end(), name) - columns_.begin());
          if (expected == columns_.size() && !source_.own && source_.columns.empty()) {
            std::string_view ignored;
            if (!json.TakeValue(&ignored)) return records_.Error(json.error());
            continue;
          }
          if (expected == columns_.size()) {
            return records_.Error(fmt::format("there is no field '{}' in the collection", name));
          }
        }
        ARROW_RETURN_NOT_OK(ReadMember(expected, &json));
        ++expected;
      } while (json.Take(','));
      if (!json.Take('}')) return records_.Error("a comma or } is expected");
    }
    if (!json.AtEnd()) return records_.Error("there is text after the object");
    for (size_t i = 0; i < seen_.size(); ++i) {
      why_.clear();
      if (seen_[i]) continue;
      if (!schema_.fields[i].nullable) return records_.FieldError(schema_.fields[i].name, "is missing");
      if (!values_[i].AppendNull(&why_)) return records_.FieldError(schema_.fields[i].name, why_);
    }
    return arrow::Status::OK();
  }

  arrow::Status ReadMember(size_t column, JsonCursor* json) {
    const int place = places_[column];
    if (place < 0) {
      std::string_view ignored;
      return json->TakeValue(&ignored) ? arrow::Status::OK() : records_.FieldError(columns_[column], json->error());
    }
    const auto field = static_cast<size_t>(place);
    if (seen_[field]) return records_.FieldError(columns_[column], "occurs twice in one object");
    seen_[field] = true;
    why_.clear();
    const bool null_is_a_value =
        schema_.fields[field].type.kind == TypeKind::kJson && (source_.own || !schema_.fields[field].nullable);
    const bool null = !null_is_a_value && json->Peek() == 'n' && json->TakeWord("null");
    const bool good = null ? values_[field].AppendNull(&why_) : values_[field].AppendJson(json, &why_);
    return good ? arrow::Status::OK() : records_.FieldError(columns_[column], why_);
  }

  const CollectionSchema schema_;
  const TextSource source_;
  const TextKind kind_;
  TextRecords records_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<TextValueReader> values_;
  std::vector<std::string> columns_;  // of the file
  std::vector<int> places_;           // in the schema, of each column; -1 = not wanted
  int64_t fixed_row_bytes_ = 0;
  int64_t bytes_of_text_ = 1;

  bool header_done_ = false;
  int64_t to_skip_ = 0;
  int64_t skipped_ = 0;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;

  std::vector<bool> seen_;
  std::string name_scratch_;
  std::string why_;
};

TextReader::TextReader(const CollectionSchema& schema, TextSource source)
    : impl_(std::make_unique<Impl>(schema, std::move(source))) {}
TextReader::~TextReader() = default;
arrow::Result<size_t> TextReader::Read(std::string_view text, bool last, int64_t max_bytes) {
  return impl_->Read(text, last, max_bytes);
}
void TextReader::Skip(int64_t rows) { impl_->Skip(rows); }
int64_t TextReader::skipped() const { return impl_->skipped(); }
int64_t TextReader::rows() const { return impl_->rows(); }
arrow::Result<std::shared_ptr<arrow::RecordBatch>> TextReader::Finish() { return impl_->Finish(); }
int64_t TextReader::bytes() const { return impl_->bytes(); }

}  // namespace godwit
