// One JSON value as the value of a column. Pure functions.
#pragma once

#include <memory>
#include <string_view>

#include <arrow/type_fwd.h>
#include <simdjson.h>

#include "godwit/error.h"
#include "godwit/schema.h"

namespace godwit {

/// The kinds that a JSON value can be turned into: bool, int8..int64, double, string, json.
bool IsJsonScalar(TypeKind kind);

/// Appends `value` to the builder of a column of `type` and returns true; false, with nothing appended, when the column
/// can't hold the value exactly: 1.5 or 2^40 in an int32 column, a number in a string column. A number with a fraction
/// becomes the nearest double. `raw` is the value's text. null is for the caller, except for json.
arrow::Result<bool> AppendJsonValue(const Type& type, simdjson::ondemand::value value, std::string_view raw,
                                    arrow::ArrayBuilder* column);

/// A value that is known beforehand. The error goes on after its subject: "is not a value of type int64: \"a\"".
arrow::Result<std::shared_ptr<arrow::Scalar>> JsonScalar(const Type& type, std::string_view json);

}  // namespace godwit
