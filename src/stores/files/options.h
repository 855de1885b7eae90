// What the room may be told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <arrow/util/type_fwd.h>

#include "formats/text_format.h"
#include "godwit/options.h"
#include "godwit/schema.h"

namespace godwit::files {

struct Options {
  std::string path;                // absolute, normal, without a slash at its end
  std::string staging;             // the same; empty = the stages lie in `path`
  std::string format;              // as given; empty = Parquet for a target, of others what the name of each file says
  std::optional<TextFormat> text;  // of a target, and with `format` of files of others; none = Parquet
  std::optional<char> delimiter;   // as given
  bool header = true;
  int64_t rows_per_file = 0;  // of a target; 0 = parts
  bool create_table = false;
  arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED;
  int64_t row_group_bytes = 0;
  int64_t file_bytes = 0;
  std::string primary_key;                 // of collections that godwit did not write; empty = none
  std::map<std::string, int32_t> vectors;  // field to dimension, of such collections
  std::map<std::string, Type> types;       // of fields of text files; those in `vectors` are among them

  /// Holds the folders that nobody is to see.
  const std::string& stage_root() const { return staging.empty() ? path : staging; }
  /// A text format with the delimiter and header that were asked for.
  TextFormat FormatOf(TextKind kind) const;
};

OptionTable MakeOptionTable();
/// kInvalidConfig when a value can't be used.
arrow::Result<Options> ParseOptions(const OptionValues& values);

}  // namespace godwit::files
