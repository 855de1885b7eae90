#include "stores/files/layout.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace godwit::files {
namespace {

constexpr size_t kMaxNameBytes = 255;  // of a path component, on every common file system

// Letters of any script stay readable; wildcards, separators and what a shell or DuckDB would interpret do not.
bool IsPlain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '-';
}

constexpr std::string_view kNumberedMark = "=files";  // no encoded name has a `=`

bool IsEnding(std::string_view text) {
  return text == "json" || text == "sql" || KindOfFile(std::string("x.") + std::string(text)).has_value();
}

/// Takes an ending off a name that has more than that.
/// Upper and lower case are one: other systems write "A.CSV". `ending` is in lower case.
bool TakeEnding(std::string_view ending, std::string_view* name) {
  if (name->size() <= ending.size()) return false;
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (!std::equal(name->end() - ending.size(), name->end(), ending.begin(), same)) return false;
  name->remove_suffix(ending.size());
  return true;
}

arrow::Status CheckName(std::string_view what, const std::string& name, size_t bytes) {
  if (name.empty()) return MakeError(ErrorKind::kUnsupported, "a " + std::string(what) + " without a name");
  if (bytes <= kMaxNameBytes) return arrow::Status::OK();
  return MakeError(
      ErrorKind::kUnsupported,
      fmt::format("the name of {} '{}' takes up to {} bytes as a name of a folder, and file systems take {}; give "
                  "it a shorter one",
                  what, name, bytes, kMaxNameBytes));
}

}  // namespace

std::string EncodeName(std::string_view name) {
  std::string encoded;
  for (size_t i = 0; i < name.size(); ++i) {
    // A dot in front would hide the folder, and an ending could make it look like a file of ours.
    std::string_view rest = name.substr(i + 1);
    bool plain_dot = name[i] == '.' && i > 0 && !IsEnding(rest);
    if (IsPlain(name[i]) || plain_dot) {
      encoded += name[i];
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(name[i]));
    }
  }
  return encoded;
}

std::string DecodeName(std::string_view component) {
  std::string name;
  for (size_t i = 0; i < component.size(); ++i) {
    unsigned char byte = 0;
    const char* digits = component.data() + i + 1;
    if (component[i] == '%' && i + 2 < component.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      name += static_cast<char>(byte);
      i += 2;
    } else {
      name += component[i];
    }
  }
  return name;
}

std::string CollectionFolder(const CollectionRef& ref) {
  return ref.database.empty() ? EncodeName(ref.name) : EncodeName(ref.database) + "/" + EncodeName(ref.name);
}

std::string JobFolder(const std::string& job) { return ".godwit-stage-" + job; }

std::string StageFolder(const std::string& job, const CollectionRef& ref) {
  return JobFolder(job) + "/" + EncodeName(ref.ToString());
}

std::string TrashFolder(const CollectionRef& ref) { return std::string(kTrash) + "/" + EncodeName(ref.ToString()); }

std::string PartitionPrefix(const std::string& partition) {
  return partition.empty() ? "" : EncodeName(partition) + "/";
}

std::string NumberedFolder(const std::string& job, const CollectionRef& ref) {
  return StageFolder(job, ref) + std::string(kNumberedMark);
}

std::string PartName(const std::string& split_id, int64_t epoch, int number, std::string_view suffix) {
  return fmt::format("part-{}.{}.{}{}", split_id, epoch, number, suffix);
}

std::string NumberedName(int64_t number, std::string_view suffix) { return fmt::format("{:010}{}", number, suffix); }

bool IsPartOf(std::string_view file_name, const std::string& split_id) {
  return file_name.starts_with("part-" + split_id + ".");
}

std::optional<FileKind> KindOfFile(std::string_view file_name, std::string_view format) {
  FileKind kind;
  const bool parquet_wanted = format.empty() || format == "parquet";
  if (parquet_wanted && TakeEnding(".parquet", &file_name)) {
    kind.stem = file_name;
    return kind;
  }
  if (TakeEnding(".gz", &file_name)) {
    kind.compression = arrow::Compression::GZIP;
  } else if (TakeEnding(".zst", &file_name)) {
    kind.compression = arrow::Compression::ZSTD;
  }
  const bool lines_wanted = format.empty() || format == "jsonl";
  const bool fields_said = format == "csv" || format == "postgres";
  if (lines_wanted && (TakeEnding(".jsonl", &file_name) || TakeEnding(".ndjson", &file_name) ||
                       (!format.empty() && TakeEnding(".json", &file_name)))) {
    kind.text = TextKind::kJsonl;
  } else if ((format.empty() || fields_said) && TakeEnding(".csv", &file_name)) {
    kind.text = format == "postgres" ? TextKind::kPostgres : TextKind::kCsv;
  } else if (fields_said && (TakeEnding(".tsv", &file_name) || TakeEnding(".txt", &file_name))) {
    kind.text = format == "postgres" ? TextKind::kPostgres : TextKind::kCsv;
  } else {
    return std::nullopt;
  }
  kind.stem = file_name;
  return kind;
}

bool IsUnreadable(std::string_view file_name, std::string_view format) {
  constexpr std::string_view kOtherCompressions[] = {".bz2", ".xz", ".lz4", ".sz", ".snappy", ".br", ".lzma", ".zip"};
  for (std::string_view ending : kOtherCompressions) {
    if (TakeEnding(ending, &file_name)) return KindOfFile(file_name, format).has_value();
  }
  // Only where the user says what it is; TXT and JSON may be anything.
  if (!format.empty()) return false;
  if (!TakeEnding(".gz", &file_name)) TakeEnding(".zst", &file_name);
  return TakeEnding(".tsv", &file_name);
}

std::string SuffixOf(const std::optional<TextKind>& text, arrow::Compression::type compression) {
  if (!text) return ".parquet";
  std::string suffix = *text == TextKind::kJsonl ? ".jsonl" : ".csv";
  if (compression == arrow::Compression::GZIP) suffix += ".gz";
  if (compression == arrow::Compression::ZSTD) suffix += ".zst";
  return suffix;
}

arrow::Status CheckNames(const CollectionSchema& schema) {
  ARROW_RETURN_NOT_OK(
      CheckName("collection", schema.ref.name, EncodeName(schema.ref.ToString()).size() + kNumberedMark.size()));
  for (const std::string& partition : schema.partitions) {
    ARROW_RETURN_NOT_OK(CheckName("partition", partition, EncodeName(partition).size()));
  }
  return arrow::Status::OK();
}

}  // namespace godwit::files
