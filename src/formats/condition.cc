#include "formats/condition.h"

#include <string>

namespace godwit {
namespace {

arrow::Status Refuse(const std::string& why) {
  return MakeError(ErrorKind::kInvalidConfig, "the condition " + why +
                                                  "; write one condition, without a semicolon or "
                                                  "comments");
}

/// The character that ends what `c` begins; 0 when it begins nothing.
char ClosingQuote(char c, ConditionLanguage language) {
  if (c == '\'' || c == '"') return c;
  if (language == ConditionLanguage::kMilvus) return 0;
  return c == '`' ? '`' : c == '[' ? ']' : 0;
}

}  // namespace

arrow::Status CheckCondition(std::string_view condition, ConditionLanguage language) {
  if (condition.find_first_not_of(" \t\r\n") == condition.npos) return Refuse("is empty");
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < condition.size(); ++i) {
    const char c = condition[i];
    if (c == 0) return Refuse("holds a NUL");
    if (quote != 0) {
      if (c == '\\' && language == ConditionLanguage::kMilvus) {
        ++i;
      } else if (c == quote) {  // a doubled one opens again at once
        quote = 0;
      }
      continue;
    }
    quote = ClosingQuote(c, language);
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return Refuse("closes a parenthesis that it did not open");
    if (c == ';') return Refuse("holds a semicolon");
    if (language == ConditionLanguage::kSql && std::string_view("?:@$").find(c) != std::string_view::npos) {
      return Refuse("holds a parameter");
    }
    const std::string_view two = condition.substr(i, 2);
    if (language == ConditionLanguage::kSql && (two == "--" || two == "/*")) return Refuse("holds a comment");
  }
  if (quote != 0) return Refuse("does not close a quote");
  if (depth != 0) return Refuse("does not close a parenthesis");
  return arrow::Status::OK();
}

}  // namespace godwit
