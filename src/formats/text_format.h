// Rows as text: the three formats, and what tells one file of such rows from another. Plain values.
//
// One line a row (a quoted field of CSV may hold line ends), UTF-8, each line ended by \n.
//
//                 csv                        postgres                       jsonl
//   row           RFC 4180                   COPY, text format              one JSON object
//   null          empty, without quotes      \N                             null; a nullable json field is left out
//   bool          true, false                1, 0                           true, false
//   floats        shortest decimal that gives the same bits; NaN, Infinity, -Infinity (jsonl: as strings)
//   bytes         base64                     \x and hex digits              base64
//   timestamp     2025-01-31T12:00:00.000000 2025-01-31 12:00:00.000000     as csv; utc: with Z (postgres: +00)
//   date          2025-01-31                 2025-01-31                     2025-01-31
//   decimal       all digits, never with an exponent                        the same as a string
//   json          as it is                   as it is                       embedded, without space between its tokens
//   array, vector [1,2] as JSON              {1,2}, an array literal        [1,2]
//   binary vector [255,0], its bytes         {1,1,...}, its bits            [255,0]
//   sparse vector {"3":0.5} as JSON          {"3":0.5} as JSON              {"3":0.5}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "godwit/error.h"

namespace godwit {

enum class TextKind { kCsv, kPostgres, kJsonl };

struct TextFormat {
  TextKind kind = TextKind::kCsv;
  char delimiter = ',';  // of csv and postgres
  bool header = true;    // the first line of csv and postgres names the columns

  bool has_header() const { return header && kind != TextKind::kJsonl; }
  bool operator==(const TextFormat&) const = default;
};

/// "csv", "postgres", "jsonl".
std::string_view ToString(TextKind kind);
arrow::Result<TextKind> ParseTextKind(std::string_view name);

/// kInvalidConfig for what can't be told from a value: letters, digits, quotes, signs.
arrow::Status CheckDelimiter(TextKind kind, char delimiter);

}  // namespace godwit
