// A condition that a user wrote, to be put into parentheses among other conditions. Pure function.
#pragma once

#include <string_view>

#include "godwit/error.h"

namespace godwit {

enum class ConditionLanguage {
  kSql,     // quotes are doubled inside quotes; [name] and `name` are names
  kMilvus,  // quotes are escaped by backslashes
};

/// kInvalidConfig when (condition) would not be one closed piece: parentheses or quotes that don't match, a `;`, or a
/// comment, which could hide what comes after it. Whether it means anything is for the store to say.
arrow::Status CheckCondition(std::string_view condition, ConditionLanguage language);

}  // namespace godwit
