#include "model/json_value.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>

#include "model/canonical.h"

namespace godwit {
namespace {

namespace ondemand = simdjson::ondemand;

template <class Builder>
arrow::Result<bool> AppendInt(ondemand::value value, arrow::ArrayBuilder* column) {
  using Int = typename Builder::value_type;
  int64_t number = 0;
  if (value.get_int64().get(number) != simdjson::SUCCESS) return false;
  if (!std::in_range<Int>(number)) return false;
  ARROW_RETURN_NOT_OK(static_cast<Builder*>(column)->Append(static_cast<Int>(number)));
  return true;
}

arrow::Result<bool> AppendDouble(ondemand::value value, arrow::ArrayBuilder* column) {
  constexpr int64_t kExact = int64_t{1} << 53;
  ondemand::number number;
  if (value.get_number().get(number) != simdjson::SUCCESS) return false;
  double exact = 0;
  if (number.is_double()) {
    exact = number.get_double();
  } else if (number.is_int64() && number.get_int64() >= -kExact && number.get_int64() <= kExact) {
    exact = static_cast<double>(number.get_int64());
  } else {
    return false;
  }
  ARROW_RETURN_NOT_OK(static_cast<arrow::DoubleBuilder*>(column)->Append(exact));
  return true;
}

}  // namespace

bool IsJsonScalar(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kDouble:
    case TypeKind::kString:
    case TypeKind::kJson:
      return true;
    default:
      return false;
  }
}

arrow::Result<bool> AppendJsonValue(const Type& type, ondemand::value value, std::string_view raw,
                                    arrow::ArrayBuilder* column) {
  switch (type.kind) {
    case TypeKind::kInt8:
      return AppendInt<arrow::Int8Builder>(value, column);
    case TypeKind::kInt16:
      return AppendInt<arrow::Int16Builder>(value, column);
    case TypeKind::kInt32:
      return AppendInt<arrow::Int32Builder>(value, column);
    case TypeKind::kInt64:
      return AppendInt<arrow::Int64Builder>(value, column);
    case TypeKind::kDouble:
      return AppendDouble(value, column);
    case TypeKind::kBool: {
      bool truth = false;
      if (value.get_bool().get(truth) != simdjson::SUCCESS) return false;
      ARROW_RETURN_NOT_OK(static_cast<arrow::BooleanBuilder*>(column)->Append(truth));
      return true;
    }
    case TypeKind::kString: {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return false;
      ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(column)->Append(text));
      return true;
    }
    case TypeKind::kJson:
      ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(column)->Append(raw));
      return true;
    default:
      return MakeError(ErrorKind::kInternal, "no JSON value becomes a " + type.Name());
  }
}

arrow::Result<std::shared_ptr<arrow::Scalar>> JsonScalar(const Type& type, std::string_view json) {
  auto refuse = [&](const std::string& why) {
    return MakeError(ErrorKind::kInvalidConfig, why + ": " + std::string(json));
  };
  if (!IsJsonScalar(type.kind)) return refuse("can't have the type " + type.Name());
  if (auto canonical = CanonicalJson(json); !canonical.ok()) return refuse("is not valid JSON");
  // A value of its own at the root follows other rules than a member.
  simdjson::padded_string text(R"({"v":)" + std::string(json) + "}");
  ondemand::parser parser;
  ondemand::document document;
  ondemand::value value;
  std::string_view raw;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS || document["v"].get(value) != simdjson::SUCCESS ||
      simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS ||
      (type.kind != TypeKind::kJson && (raw == "null" || raw.starts_with('[') || raw.starts_with('{')))) {
    return refuse("is not a value of type " + type.Name());
  }
  std::unique_ptr<arrow::ArrayBuilder> column;
  ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), type.Storage(), &column));
  ARROW_ASSIGN_OR_RAISE(bool fits, AppendJsonValue(type, value, raw, column.get()));
  if (!fits) return refuse("is not a value of type " + type.Name());
  ARROW_ASSIGN_OR_RAISE(auto array, column->Finish());
  return array->GetScalar(0);
}

}  // namespace godwit
