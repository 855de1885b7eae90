#include "stores/milvus/expression.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <limits>

namespace godwit::milvus {

std::string StringLiteral(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size() + 2);
  out += '"';
  for (char c : utf8) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  out += '"';
  return out;
}

std::string Int64Literal(int64_t value) {
  if (value == std::numeric_limits<int64_t>::min()) return "-9223372036854775807 - 1";
  return std::to_string(value);
}

arrow::Result<std::string> KeyIn(std::string_view field, const arrow::Array& keys, int64_t begin, int64_t end) {
  std::string out(field);
  out += " in [";
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    if (keys.type_id() == arrow::Type::INT64) {
      out += Int64Literal(static_cast<const arrow::Int64Array&>(keys).Value(i));
    } else if (keys.type_id() == arrow::Type::STRING) {
      out += StringLiteral(static_cast<const arrow::StringArray&>(keys).GetView(i));
    } else {
      return MakeError(ErrorKind::kInternal, "a Milvus key is int64 or string, not " + keys.type()->ToString());
    }
  }
  out += ']';
  return out;
}

}  // namespace godwit::milvus
