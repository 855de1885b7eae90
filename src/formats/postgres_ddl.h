// CREATE TABLE for PostgreSQL and AnalyticDB for PostgreSQL, of columns that take the rows of formats/text_format.h's
// `postgres`. Pure functions; PostgreSQL needs no extension for these types.
//
//   bool: bool                     int8, int16: smallint     int32: integer        int64: bigint
//   float: real                    double: double precision  string: varchar(max_length), or text without
//   json and `$meta`: json         bytes: bytea              date: date            timestamp: timestamp, timestamptz
//   decimal: numeric(p, s)         array<T>: T[]             binary vector: bit[]  sparse vector: json
//   float, float16, bfloat16 vector: real[]                  int8 vector: smallint[]
//
// max_length counts bytes and varchar(n) characters, so every string fits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "godwit/error.h"
#include "godwit/schema.h"

namespace godwit {

/// One statement and a line break, the table named as the collection and the primary key declared. kUnsupported, naming
/// the field, for what PostgreSQL can't hold: names of more than 63 bytes (it would cut them) or with a NUL, two
/// columns of one name, columns named as its own system columns, more than 1,600.
arrow::Result<std::string> CreateTableSql(const CollectionSchema& schema);

/// What has to be known to load the table, one sentence each: mostly nothing.
std::vector<std::string> CreateTableNotes(const CollectionSchema& schema);

/// The name as SQL, in double quotes where PostgreSQL would read it as something else: "order", "camelCase".
std::string QuotedIdentifier(std::string_view name);

}  // namespace godwit
