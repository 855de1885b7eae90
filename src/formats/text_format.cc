#include "formats/text_format.h"

#include <fmt/format.h>

namespace godwit {

std::string_view ToString(TextKind kind) {
  switch (kind) {
    case TextKind::kCsv:
      return "csv";
    case TextKind::kPostgres:
      return "postgres";
    case TextKind::kJsonl:
      return "jsonl";
  }
  return "";
}

arrow::Result<TextKind> ParseTextKind(std::string_view name) {
  for (TextKind kind : {TextKind::kCsv, TextKind::kPostgres, TextKind::kJsonl}) {
    if (ToString(kind) == name) return kind;
  }
  return MakeError(ErrorKind::kCorruptData, fmt::format("'{}' is no text format", name));
}

arrow::Status CheckDelimiter(TextKind kind, char delimiter) {
  constexpr std::string_view kAllowed = "\t,;|~^!#$%&*?@<>";
  if (kAllowed.find(delimiter) != kAllowed.npos) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidConfig,
                   fmt::format("{} can't have it between its fields; take a tab, a comma or one of "
                               "; | ~ ^ ! # $ % & * ? @ < >",
                               ToString(kind)),
                   "delimiter");
}

}  // namespace godwit
