#include "model/meta_spreader.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "model/json_value.h"

namespace godwit {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

class Spreader {
 public:
  Spreader(const Mapping& mapping, const arrow::Array* keys) : mapping_(mapping), keys_(keys) {}

  arrow::Status Begin(int64_t rows) {
    for (const AddedField& field : mapping_.spread) {
      builders_.emplace_back();
      ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), field.type.Storage(), &builders_.back()));
      ARROW_RETURN_NOT_OK(builders_.back()->Reserve(rows));
      defaults_.emplace_back();
      if (!field.value_json) continue;
      ARROW_ASSIGN_OR_RAISE(defaults_.back(), JsonScalar(field.type, *field.value_json));
    }
    return rest_.Reserve(rows);
  }

  arrow::Status Add(int64_t row, std::optional<std::string_view> meta) {
    row_ = row;
    found_.assign(builders_.size(), false);
    if (!meta) {
      ARROW_RETURN_NOT_OK(rest_.AppendNull());
    } else {
      ARROW_ASSIGN_OR_RAISE(bool moved, TakeMembers(*meta));
      ARROW_RETURN_NOT_OK(rest_.Append(moved ? kept_ + "}" : *meta));
    }
    for (size_t i = 0; i < builders_.size(); ++i) {
      if (found_[i]) continue;
      ARROW_RETURN_NOT_OK(defaults_[i] ? builders_[i]->AppendScalar(*defaults_[i]) : builders_[i]->AppendNull());
    }
    return arrow::Status::OK();
  }

  arrow::Result<SpreadColumns> Finish() {
    SpreadColumns out;
    for (auto& builder : builders_) {
      ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
      out.columns.push_back(std::move(column));
    }
    ARROW_ASSIGN_OR_RAISE(out.rest, rest_.Finish());
    return out;
  }

 private:
  /// Goes through one object; what stays is in kept_, without its last brace. True when anything moved.
  arrow::Result<bool> TakeMembers(std::string_view meta) {
    text_ = simdjson::padded_string(meta);
    ondemand::document document;
    ondemand::object object;
    if (parser_.iterate(text_).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return Corrupt("is not a JSON object");
    }
    kept_ = "{";
    bool moved = false;
    std::vector<bool> met(builders_.size(), false);
    for (auto member : object) {
      ondemand::field field;
      if (std::move(member).get(field) != simdjson::SUCCESS) return Corrupt("is not valid JSON");
      const char* begin = field.key().raw() - 1;  // with its quote
      std::string_view key;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return Corrupt("is not valid JSON");
      ondemand::value value = field.value();
      std::string_view raw;
      ondemand::json_type type{};
      const std::optional<size_t> column = ColumnOf(key);
      if (column && met[*column]) return Corrupt(fmt::format("has the key '{}' twice", key));
      if (value.type().get(type) != simdjson::SUCCESS ||
          simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) {
        return Corrupt("is not valid JSON");
      }
      raw = Trimmed(raw);
      if (column) {
        met[*column] = true;
        ARROW_ASSIGN_OR_RAISE(bool gone, Take(*column, value, type, raw));
        moved = moved || gone;
        if (gone) continue;
      }
      if (kept_.size() > 1) kept_ += ',';
      kept_.append(begin, raw.data() + raw.size());
    }
    if (document.current_location().error() == simdjson::SUCCESS) return Corrupt("goes on after its object");
    return moved;
  }

  std::optional<size_t> ColumnOf(std::string_view key) const {
    for (size_t i = 0; i < mapping_.spread.size(); ++i) {
      if (mapping_.spread[i].name == key) return i;
    }
    return std::nullopt;
  }

  /// True when the value leaves `$meta`.
  arrow::Result<bool> Take(size_t column, ondemand::value value, ondemand::json_type type, std::string_view raw) {
    const AddedField& field = mapping_.spread[column];
    if (type == ondemand::json_type::null && field.type.kind != TypeKind::kJson) return true;
    const bool scalar = type != ondemand::json_type::array && type != ondemand::json_type::object;
    bool fits = false;
    if (scalar || field.type.kind == TypeKind::kJson) {  // others were walked through for their text
      ARROW_ASSIGN_OR_RAISE(fits, AppendJsonValue(field.type, value, raw, builders_[column].get()));
    }
    found_[column] = fits;
    if (fits || mapping_.leave_mismatches) return fits;
    constexpr size_t kShown = 80;
    return Corrupt(
        fmt::format("has {}{} under the key '{}', which is no {}; change the type of the column, or let such "
                    "values stay in $meta (mismatch: leave)",
                    raw.substr(0, kShown), raw.size() > kShown ? "..." : "", field.name, field.type.Name()));
  }

  arrow::Status Corrupt(const std::string& why) const {
    std::string key = "row " + std::to_string(row_);
    if (keys_ != nullptr) {
      if (auto scalar = keys_->GetScalar(row_); scalar.ok()) key = "key " + (*scalar)->ToString();
    }
    return MakeError(ErrorKind::kCorruptData, key + ": $meta " + why);
  }

  const Mapping& mapping_;
  const arrow::Array* keys_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<std::shared_ptr<arrow::Scalar>> defaults_;
  arrow::StringBuilder rest_;
  ondemand::parser parser_;
  simdjson::padded_string text_;
  std::string kept_;
  std::vector<bool> found_;
  int64_t row_ = 0;
};

}  // namespace

arrow::Result<SpreadColumns> SpreadMeta(const arrow::Array& meta, const Mapping& mapping, const arrow::Array* keys) {
  const auto& texts = static_cast<const arrow::StringArray&>(meta);
  Spreader spreader(mapping, keys);
  ARROW_RETURN_NOT_OK(spreader.Begin(texts.length()));
  for (int64_t row = 0; row < texts.length(); ++row) {
    ARROW_RETURN_NOT_OK(
        spreader.Add(row, texts.IsNull(row) ? std::nullopt : std::optional<std::string_view>(texts.GetView(row))));
  }
  return spreader.Finish();
}

}  // namespace godwit
