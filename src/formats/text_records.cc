#include "formats/text_records.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

namespace godwit {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Four bytes that end a run of plain text. A field of a vector is thousands of bytes long, so eight are looked at in
/// one step: a byte of `word ^ pattern` is zero where it is the one looked for.
class PlainText {
 public:
  PlainText(char a, char b, char c, char d) : ends_{a, b, c, d} {
    for (size_t i = 0; i < 4; ++i) patterns_[i] = kOnes * static_cast<uint8_t>(ends_[i]);
  }

  /// The first of them at or after `i`; the size of the text when there is none.
  size_t FindEnd(std::string_view text, size_t i) const {
    if constexpr (std::endian::native == std::endian::little) {
      for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
        uint64_t word;
        std::memcpy(&word, text.data() + i, sizeof(word));
        uint64_t found = 0;
        // The lowest byte that is marked is a zero; those above it may be marked by the borrow alone.
        for (uint64_t pattern : patterns_) found |= ((word ^ pattern) - kOnes) & ~(word ^ pattern) & kHighBits;
        if (found != 0) return i + static_cast<size_t>(std::countr_zero(found)) / 8;
      }
    }
    while (i < text.size() && std::find(ends_, ends_ + 4, text[i]) == ends_ + 4) ++i;
    return i;
  }

 private:
  static constexpr uint64_t kOnes = 0x0101010101010101;
  static constexpr uint64_t kHighBits = 0x8080808080808080;
  char ends_[4];
  uint64_t patterns_[4];
};

}  // namespace

arrow::Status TextRecords::Error(const std::string& what) const {
  return MakeError(ErrorKind::kCorruptData, fmt::format("line {}: {}", std::max<int64_t>(line_, 1), what));
}

arrow::Status TextRecords::FieldError(const std::string& name, const std::string& what) const {
  const std::string hint = own_ ? "" : "; if its type was not meant to be this, name it (types)";
  return MakeError(ErrorKind::kCorruptData, fmt::format("line {}, field '{}': {}{}", line_, name, what, hint));
}

arrow::Result<size_t> TextRecords::Next(std::string_view text, bool last) {
  line_ = next_line_;
  inner_lines_ = 0;
  size_t mark = 0;
  if (!began_ && !own_) {
    if (!last && text.size() < kByteOrderMark.size()) return 0;
    if (text.starts_with(kByteOrderMark)) mark = kByteOrderMark.size();
    text.remove_prefix(mark);
    if (last && text.empty()) return mark;
  }
  if (text.empty()) return 0;
  size_t size = 0;
  switch (format_.kind) {
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
  began_ = true;
  next_line_ += 1 + inner_lines_;
  return mark + size;
}

bool TextRecords::IsNull(const RawField& field) const {
  return format_.kind == TextKind::kCsv ? field.text.empty() && !field.quoted : field.text == "\\N";
}

bool TextRecords::Unescape(const RawField& field, std::string_view* text, std::string* why) {
  *text = field.text;
  if (!field.escaped) return true;
  scratch_.clear();
  if (format_.kind == TextKind::kCsv) {
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

arrow::Result<std::vector<std::string>> TextRecords::Names() {
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
  return names;
}

arrow::Status TextRecords::CheckCutLine() const {
  return own_ ? Error("the last line has no end: the file was cut") : arrow::Status::OK();
}

arrow::Result<size_t> TextRecords::ScanCsv(std::string_view text, bool last) {
  fields_.clear();
  const char delimiter = format_.delimiter;
  const PlainText plain(delimiter, '\n', '\r', '"');
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
      for (size_t end = field.text.find('\n'); end != field.text.npos; end = field.text.find('\n', end + 1)) {
        ++inner_lines_;
      }
    } else {
      const size_t begin = i;
      i = plain.FindEnd(text, i);
      field.text = text.substr(begin, i - begin);
    }
    if (i == text.size()) {
      if (!last) return 0;
      fields_.push_back(field);
      ARROW_RETURN_NOT_OK(CheckCutLine());
      return i;
    }
    fields_.push_back(field);
    if (text[i] == delimiter) {
      ++i;
      continue;
    }
    if (text[i] == '\n') return i + 1;
    if (text[i] == '\r' && !own_) {
      if (i + 1 < text.size() && text[i + 1] == '\n') return i + 2;
      if (i + 1 == text.size() && !last) return 0;
    }
    if (text[i] == '"') return Error("a quote inside a field that does not begin with one");
    return Error(field.quoted ? "text after the final quote of a field" : "a carriage return outside of quotes");
  }
}

arrow::Result<size_t> TextRecords::ScanCopy(std::string_view text, bool last) {
  fields_.clear();
  const char delimiter = format_.delimiter;
  const PlainText plain(delimiter, '\n', '\r', '\\');
  size_t i = 0;
  while (true) {
    RawField field;
    const size_t begin = i;
    while ((i = plain.FindEnd(text, i)) < text.size() && text[i] == '\\') {
      field.escaped = true;
      if (++i == text.size()) break;
      if (text[i] == '\n' || text[i] == '\r') return Error("a backslash at the end of the line");
      ++i;
    }
    field.text = text.substr(begin, i - begin);
    fields_.push_back(field);
    if (i == text.size()) {
      if (!last) return 0;
      ARROW_RETURN_NOT_OK(CheckCutLine());
      return i;
    }
    if (text[i] == delimiter) {
      ++i;
      continue;
    }
    size_t end = 0;
    if (text[i] == '\n') end = i + 1;
    if (text[i] == '\r' && !own_) {
      if (i + 1 == text.size() && !last) return 0;
      if (i + 1 < text.size() && text[i + 1] == '\n') end = i + 2;
    }
    if (end == 0) return Error("a carriage return that is not written as \\r");
    if (fields_.size() == 1 && field.text == "\\.") return Error("the mark \\. ends the data here; remove it");
    return end;
  }
}

arrow::Result<size_t> TextRecords::ScanLine(std::string_view text, bool last) {
  const size_t end = text.find('\n');
  if (end == text.npos) {
    if (!last) return 0;
    ARROW_RETURN_NOT_OK(CheckCutLine());
  }
  line_text_ = text.substr(0, end);
  return end == text.npos ? text.size() : end + 1;
}

bool TextRecords::UnescapeCopy(std::string_view text, std::string* why) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      scratch_ += text[i];
      continue;
    }
    const char c = ++i < text.size() ? text[i] : '\0';
    constexpr std::string_view kNames = "bfnrtv";
    constexpr std::string_view kBytes = "\b\f\n\r\t\v";
    if (c == '\\' || c == format_.delimiter) {
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

}  // namespace godwit
