// Literals of the Milvus filter language. Pure functions.
//
// What the grammar of 2.3.5 takes was measured for every code point up to 255, for quotes, backslashes, control
// characters and 65,535-byte keys, with ==, in, < and >; strings compare by the bytes of their UTF-8.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "godwit/error.h"

namespace godwit::milvus {

/// In double quotes. Backslash, quote, newline and carriage return are escaped, everything else stays as it is; the
/// server refuses invalid UTF-8.
std::string StringLiteral(std::string_view utf8);
/// The smallest int64 has no literal of its own and is written as a sum.
std::string Int64Literal(int64_t value);
/// "field in [a,b,c]" of rows [begin, end) of an int64 or utf8 array without nulls.
arrow::Result<std::string> KeyIn(std::string_view field, const arrow::Array& keys, int64_t begin, int64_t end);

}  // namespace godwit::milvus
