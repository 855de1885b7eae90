#include "stores/files/layout.h"

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

arrow::Status CheckName(std::string_view what, const std::string& name, size_t bytes) {
  if (name.empty()) return MakeError(ErrorKind::kUnsupported, "a " + std::string(what) + " without a name");
  if (bytes <= kMaxNameBytes) return arrow::Status::OK();
  return MakeError(
      ErrorKind::kUnsupported,
      fmt::format("the name of {} '{}' takes {} bytes as a name of a folder, and file systems take {}; give "
                  "it a shorter one",
                  what, name, bytes, kMaxNameBytes));
}

}  // namespace

std::string EncodeName(std::string_view name) {
  std::string encoded;
  for (size_t i = 0; i < name.size(); ++i) {
    // A dot in front would hide the folder, and an ending could make it look like a file of ours.
    std::string_view rest = name.substr(i + 1);
    bool plain_dot = name[i] == '.' && i > 0 && rest != kFileSuffix.substr(1) && rest != "json";
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

std::string PartName(const std::string& split_id, int64_t epoch, int number) {
  return fmt::format("part-{}.{}.{}{}", split_id, epoch, number, kFileSuffix);
}

bool IsPartOf(std::string_view file_name, const std::string& split_id) {
  return file_name.starts_with("part-" + split_id + ".");
}

arrow::Status CheckNames(const CollectionSchema& schema) {
  ARROW_RETURN_NOT_OK(CheckName("collection", schema.ref.name, EncodeName(schema.ref.ToString()).size()));
  for (const std::string& partition : schema.partitions) {
    ARROW_RETURN_NOT_OK(CheckName("partition", partition, EncodeName(partition).size()));
  }
  return arrow::Status::OK();
}

}  // namespace godwit::files
