#include "formats/text_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "formats/text_value.h"

namespace godwit {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr int64_t kLongestItem = 16;  // bytes of a column that one byte of text may become

/// A field of csv or postgres as it stands in the text, without the quotes around it.
struct RawField {
  std::string_view text;
  bool quoted = false;
  bool escaped = false;  // holds doubled quotes, or backslashes
};

}  // namespace

class TextReader::Impl {
 public:
  Impl(const CollectionSchema& schema, TextSource source)
      : schema_(schema), source_(std::move(source)), kind_(source_.format.kind) {
    for (const Field& field : schema_.fields) {
      builders_.push_back(arrow::MakeBuilder(field.type.Storage()).ValueOrDie());
      values_.emplace_back(field, kind_, builders_.back().get());
      const bool variable = field.type.kind == TypeKind::kString || field.type.kind == TypeKind::kJson ||
                            field.type.kind == TypeKind::kBytes;
      fixed_row_bytes_ += variable ? 8 : field.type.EstimatedBytes();
      bytes_of_text_ = std::max(bytes_of_text_, field.type.kind == TypeKind::kArray ? kLongestItem : int64_t{1});
    }
    seen_.resize(schema_.fields.size());
    if (kind_ == TextKind::kJsonl || !source_.format.has_header()) SetColumns(source_.columns);
  }

  arrow::Result<size_t> Read(std::string_view text, bool last, int64_t max_bytes) {
    size_t begin = 0;
    if (!began_ && !source_.own) {
      if (!last && text.size() < kByteOrderMark.size()) return 0;
      if (text.starts_with(kByteOrderMark)) begin = kByteOrderMark.size();
    }
    began_ = true;
    while (begin < text.size() && (bytes_ < max_bytes || rows_ == 0)) {
      ARROW_ASSIGN_OR_RAISE(size_t size, ReadRecord(text.substr(begin), last));
      if (size == 0) break;
      begin += size;
    }
    if (last && begin == text.size() && source_.format.has_header() && !header_done_) {
      return Error("the file is empty: the header is missing");
    }
    return begin;
  }

  void Skip(int64_t rows) { to_skip_ += rows; }
  int64_t skipped() const { return skipped_; }
  int64_t rows() const { return rows_; }
  int64_t line() const { return line_; }

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
  arrow::Status Error(const std::string& what) const {
    return MakeError(ErrorKind::kCorruptData, fmt::format("line {}: {}", line_, what));
  }
  arrow::Status FieldError(const std::string& name, const std::string& what) const {
    return MakeError(ErrorKind::kCorruptData, fmt::format("line {}, field '{}': {}", line_, name, what));
  }

  /// Bytes of the record at the beginning of `text`; 0 when it does not end there.
  arrow::Result<size_t> ReadRecord(std::string_view text, bool last) {
    size_t size = 0;
    extra_lines_ = 0;
    switch (kind_) {
      case TextKind::kCsv: {
        ARROW_ASSIGN_OR_RAISE(size, ScanCsv(text, last));
        break;
      }
      case TextKind::kPostgres: {
        ARROW_ASSIGN_OR_RAISE(size, ScanCopy(text, last));
        break;
      }
      case TextKind::kJsonl: {
        ARROW_ASSIGN_OR_RAISE(size, ScanLine(text, last));
        break;
      }
    }
    if (size == 0) return 0;
    if (!simdjson::validate_utf8(text.data(), size)) return Error("the text is not UTF-8");
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
    line_ += 1 + extra_lines_;
    return size;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Where records and fields end. 0 = not in this text.

  arrow::Result<size_t> CutLine() const {
    if (!source_.own) return 0;
    return Error("the last line has no end: the file was cut");
  }

  arrow::Result<size_t> ScanCsv(std::string_view text, bool last) {
    fields_.clear();
    const char delimiter = source_.format.delimiter;
    size_t i = 0;
    while (true) {
      RawField field;
      if (i < text.size() && text[i] == '"') {
        field.quoted = true;
        const size_t begin = ++i;
        while (true) {
          const size_t quote = text.find('"', i);
          if (quote == text.npos && last) return Error("the final quote of a field is missing");
          if (quote == text.npos || (quote + 1 == text.size() && !last)) return 0;
          i = quote + 1;
          if (i == text.size() || text[i] != '"') break;
          field.escaped = true;
          ++i;
        }
        field.text = text.substr(begin, i - 1 - begin);
        extra_lines_ += std::count(field.text.begin(), field.text.end(), '\n');
      } else {
        const size_t begin = i;
        while (i < text.size() && text[i] != delimiter && text[i] != '\n' && text[i] != '\r' && text[i] != '"') ++i;
        field.text = text.substr(begin, i - begin);
      }
      if (i == text.size()) {
        if (!last) return 0;
        fields_.push_back(field);
        ARROW_RETURN_NOT_OK(CutLine());
        return i;
      }
      fields_.push_back(field);
      if (text[i] == delimiter) {
        ++i;
        continue;
      }
      if (text[i] == '\n') return i + 1;
      if (text[i] == '\r' && !source_.own) {
        if (i + 1 < text.size() && text[i + 1] == '\n') return i + 2;
        if (i + 1 == text.size() && !last) return 0;
      }
      if (text[i] == '"') return Error("a quote inside a field that does not begin with one");
      return Error(field.quoted ? "text after the final quote of a field" : "a carriage return outside of quotes");
    }
  }

  arrow::Result<size_t> ScanCopy(std::string_view text, bool last) {
    fields_.clear();
    const char delimiter = source_.format.delimiter;
    size_t i = 0;
    while (true) {
      RawField field;
      const size_t begin = i;
      while (i < text.size() && text[i] != delimiter && text[i] != '\n' && text[i] != '\r') {
        if (text[i] == '\\') {
          field.escaped = true;
          if (++i == text.size()) break;
          if (text[i] == '\n' || text[i] == '\r') return Error("a backslash at the end of the line");
        }
        ++i;
      }
      field.text = text.substr(begin, i - begin);
      fields_.push_back(field);
      if (i == text.size()) {
        if (!last) return 0;
        ARROW_RETURN_NOT_OK(CutLine());
        return i;
      }
      if (text[i] == delimiter) {
        ++i;
        continue;
      }
      size_t end = 0;
      if (text[i] == '\n') end = i + 1;
      if (text[i] == '\r' && !source_.own) {
        if (i + 1 == text.size() && !last) return 0;
        if (i + 1 < text.size() && text[i + 1] == '\n') end = i + 2;
      }
      if (end == 0) return Error("a carriage return that is not written as \\r");
      if (fields_.size() == 1 && field.text == "\\.") return Error("the mark \\. ends the data here; remove it");
      return end;
    }
  }

  arrow::Result<size_t> ScanLine(std::string_view text, bool last) {
    const size_t end = text.find('\n');
    if (end == text.npos) {
      if (!last) return 0;
      ARROW_RETURN_NOT_OK(CutLine());
    }
    record_ = text.substr(0, end);
    return end == text.npos ? text.size() : end + 1;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What they hold

  void SetColumns(const std::vector<std::string>& names) {
    columns_ = names;
    if (columns_.empty()) {
      for (const Field& field : schema_.fields) columns_.push_back(field.name);
    }
    places_.clear();
    for (const std::string& name : columns_) places_.push_back(PlaceOf(name));
  }

  int PlaceOf(std::string_view name) const {
    auto found = std::find_if(schema_.fields.begin(), schema_.fields.end(),
                              [&](const Field& field) { return field.name == name; });
    return found == schema_.fields.end() ? -1 : static_cast<int>(found - schema_.fields.begin());
  }

  arrow::Status ReadHeader() {
    std::vector<std::string> names;
    for (const RawField& field : fields_) {
      std::string_view text;
      std::string why;
      if (!Unescape(field, &text, &why)) return Error("the header: " + why);
      if (std::find(names.begin(), names.end(), text) != names.end()) {
        return Error(fmt::format("the header names the field '{}' twice", text));
      }
      names.emplace_back(text);
    }
    if (!source_.columns.empty() && names != source_.columns) {
      return Error(fmt::format("the header names other fields than '{}'", fmt::join(source_.columns, "', '")));
    }
    for (const Field& field : schema_.fields) {
      if (std::find(names.begin(), names.end(), field.name) == names.end()) {
        return Error(fmt::format("the header has no field '{}'", field.name));
      }
    }
    SetColumns(names);
    header_done_ = true;
    return arrow::Status::OK();
  }

  arrow::Status ReadFields() {
    if (fields_.size() != columns_.size()) {
      return Error(fmt::format("{} fields where there should be {}", fields_.size(), columns_.size()));
    }
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (places_[i] < 0) continue;
      const RawField& field = fields_[i];
      TextValueReader& value = values_[static_cast<size_t>(places_[i])];
      why_.clear();
      bool good = false;
      if (IsNull(field)) {
        good = value.AppendNull(&why_);
      } else {
        std::string_view text;
        good = Unescape(field, &text, &why_) && value.Append(text, &why_);
      }
      if (!good) return FieldError(columns_[i], why_);
    }
    return arrow::Status::OK();
  }

  bool IsNull(const RawField& field) const {
    return kind_ == TextKind::kCsv ? field.text.empty() && !field.quoted : field.text == "\\N";
  }

  bool Unescape(const RawField& field, std::string_view* text, std::string* why) {
    *text = field.text;
    if (!field.escaped) return true;
    scratch_.clear();
    if (kind_ == TextKind::kCsv) {
      for (size_t i = 0; i < field.text.size(); ++i) {
        scratch_ += field.text[i];
        if (field.text[i] == '"') ++i;
      }
    } else if (!UnescapeCopy(field.text, why)) {
      return false;
    }
    *text = scratch_;
    return true;
  }

  bool UnescapeCopy(std::string_view text, std::string* why) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        scratch_ += text[i];
        continue;
      }
      const char c = ++i < text.size() ? text[i] : '\0';
      constexpr std::string_view kNames = "bfnrtv";
      constexpr std::string_view kBytes = "\b\f\n\r\t\v";
      if (c == '\\' || c == source_.format.delimiter) {
        scratch_ += c;
      } else if (const size_t name = kNames.find(c); c != '\0' && name != kNames.npos) {
        scratch_ += kBytes[name];
      } else {
        *why = "an unknown escape after a backslash";
        return false;
      }
    }
    return true;
  }

  arrow::Status ReadObject() {
    JsonCursor json(record_);
    std::fill(seen_.begin(), seen_.end(), false);
    if (!json.Take('{')) return Error("a line has to be one JSON object");
    if (!json.Take('}')) {
      size_t expected = 0;  // lines mostly have their keys in one order
      do {
        std::string_view name;
        if (!json.TakeString(&name_scratch_, &name)) return Error(json.error());
        if (!json.Take(':')) return Error(fmt::format("a colon is expected after the key '{}'", name));
        if (expected >= columns_.size() || columns_[expected] != name) {
          expected = static_cast<size_t>(std::find(columns_.begin(), columns_.end(), name) - columns_.begin());
          if (expected == columns_.size()) {
            return Error(fmt::format("there is no field '{}' in the collection", name));
          }
        }
        ARROW_RETURN_NOT_OK(ReadMember(expected, &json));
        ++expected;
      } while (json.Take(','));
      if (!json.Take('}')) return Error("a comma or } is expected");
    }
    if (!json.AtEnd()) return Error("there is text after the object");
    for (size_t i = 0; i < seen_.size(); ++i) {
      why_.clear();
      if (seen_[i]) continue;
      if (!schema_.fields[i].nullable) return FieldError(schema_.fields[i].name, "is missing");
      if (!values_[i].AppendNull(&why_)) return FieldError(schema_.fields[i].name, why_);
    }
    return arrow::Status::OK();
  }

  arrow::Status ReadMember(size_t column, JsonCursor* json) {
    const int place = places_[column];
    if (place < 0) {
      std::string_view ignored;
      return json->TakeValue(&ignored) ? arrow::Status::OK() : FieldError(columns_[column], json->error());
    }
    const auto field = static_cast<size_t>(place);
    if (seen_[field]) return FieldError(columns_[column], "occurs twice in one object");
    seen_[field] = true;
    why_.clear();
    const bool null_is_a_value =
        schema_.fields[field].type.kind == TypeKind::kJson && (source_.own || !schema_.fields[field].nullable);
    const bool null = !null_is_a_value && json->Peek() == 'n' && json->TakeWord("null");
    const bool good = null ? values_[field].AppendNull(&why_) : values_[field].AppendJson(json, &why_);
    return good ? arrow::Status::OK() : FieldError(columns_[column], why_);
  }

  const CollectionSchema schema_;
  const TextSource source_;
  const TextKind kind_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<TextValueReader> values_;
  std::vector<std::string> columns_;  // of the file
  std::vector<int> places_;           // in the schema, of each column; -1 = not wanted
  int64_t fixed_row_bytes_ = 0;
  int64_t bytes_of_text_ = 1;

  bool began_ = false;
  bool header_done_ = false;
  int64_t line_ = 1;
  int64_t extra_lines_ = 0;  // line ends inside the record in work
  int64_t to_skip_ = 0;
  int64_t skipped_ = 0;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;

  std::vector<RawField> fields_;  // of the record in work
  std::string_view record_;       // of jsonl
  std::vector<bool> seen_;
  std::string scratch_;
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
int64_t TextReader::line() const { return impl_->line(); }

}  // namespace godwit
