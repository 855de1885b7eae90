// One value as text -> one value more in an Arrow builder. Pure.
//
// All functions return whether the text was a value; if not, `why` says what is wrong, as the end of a sentence that
// begins with the field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "formats/json_cursor.h"
#include "formats/text_format.h"
#include "godwit/schema.h"

namespace godwit {

/// Reads the values of one field. Keeps scratch memory. Not thread-safe.
class TextValueReader {
 public:
  /// `builder` is that of the field's storage type, and outlives this.
  TextValueReader(const Field& field, TextKind kind, arrow::ArrayBuilder* builder);

  /// A field of csv or postgres, without its quotes and escapes.
  bool Append(std::string_view text, std::string* why);
  /// A value of jsonl that is not null.
  bool AppendJson(JsonCursor* json, std::string* why);
  bool AppendNull(std::string* why);

 private:
  bool AppendScalar(TypeKind kind, std::string_view text, arrow::ArrayBuilder* builder, std::string* why);
  bool AppendJsonScalar(TypeKind kind, JsonCursor* json, arrow::ArrayBuilder* builder, std::string* why);
  bool AppendJsonArray(JsonCursor* json, std::string* why);
  bool AppendJsonSparse(JsonCursor* json, std::string* why);
  bool AppendArrayLiteral(std::string_view text, std::string* why);
  template <typename Items>
  bool AppendVector(Items* items, std::string* why);
  template <typename Items, typename AppendItem>
  bool ReadItems(Items* items, int64_t count, AppendItem&& append_item, std::string* why);

  const Field field_;
  const TextKind kind_;
  arrow::ArrayBuilder* const builder_;
  arrow::ArrayBuilder* items_ = nullptr;  // of lists
  std::string scratch_;
  std::string bytes_;  // of a binary value in work
};

/// Names of what is no number: NaN, Infinity, -Infinity, and inf, in any case.
bool IsFloatName(std::string_view text);

}  // namespace godwit
