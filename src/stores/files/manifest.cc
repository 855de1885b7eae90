#include "stores/files/manifest.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/hash.h"

namespace godwit::files {
namespace {

using Json = nlohmann::json;  // sorts its keys, so that a checksum over its text is stable

constexpr std::string_view kFormat = "godwit-files";
constexpr int kVersion = 2;

// A name that is no UTF-8 is not found again under its mended form, which is an error then, and no exception here.
std::string Dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

bool ParseHex(std::string_view text, uint64_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, 16);
  return error == std::errc() && end == text.data() + text.size();
}

Json FilesToJson(const std::vector<DataFile>& files) {
  Json list = Json::array();
  for (const DataFile& file : files) {
    Json entry = {{"path", file.path},
                  {"rows", file.rows},
                  {"bytes", file.bytes},
                  {"xxh3", ToHex(file.hash.value_or(Hash128{}))}};
    if (file.ranges.empty()) {
      entry["partition"] = file.partition;
      entry["digest"] = file.digest.ToString();
    }
    for (const RowRange& range : file.ranges) {
      entry["ranges"].push_back({{"partition", range.partition}, {"rows", range.rows}});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// Throws what nlohmann throws.
arrow::Result<std::vector<DataFile>> FilesFromJson(const Json& list) {
  std::vector<DataFile> files;
  for (const Json& entry : list) {
    DataFile file{.path = entry.at("path").get<std::string>(),
                  .partition = {},
                  .rows = entry.at("rows").get<int64_t>(),
                  .bytes = entry.at("bytes").get<int64_t>(),
                  .hash = Hash128{}};
    std::string hex = entry.at("xxh3").get<std::string>();
    if (hex.size() != 32 || !ParseHex(hex.substr(0, 16), &file.hash->high) ||
        !ParseHex(hex.substr(16), &file.hash->low)) {
      throw std::invalid_argument("'" + hex + "' is not a hash");
    }
    if (!entry.contains("ranges")) {
      file.partition = entry.at("partition").get<std::string>();
      ARROW_ASSIGN_OR_RAISE(file.digest, Digest::Parse(entry.at("digest").get<std::string>()));
    } else {
      int64_t rows = 0;
      for (const Json& range : entry.at("ranges")) {
        file.ranges.push_back(
            {.partition = range.at("partition").get<std::string>(), .rows = range.at("rows").get<int64_t>()});
        if (file.ranges.back().rows <= 0) throw std::invalid_argument("a range of rows is empty");
        rows += file.ranges.back().rows;
      }
      if (rows != file.rows) throw std::invalid_argument("the ranges of '" + file.path + "' are not its rows");
    }
    files.push_back(std::move(file));
  }
  return files;
}

arrow::Result<Manifest> FromJson(Json json) {
  if (json.at("format") != kFormat) return MakeError(ErrorKind::kCorruptData, "it is not a manifest of godwit");
  if (const Json& version = json.at("version"); version != kVersion && version != 1) {
    return MakeError(ErrorKind::kUnsupported,
                     fmt::format("it has version {}, this godwit reads versions 1 to {}", version.dump(), kVersion));
  }
  std::string checksum = json.at("checksum").get<std::string>();
  json.erase("checksum");
  if (checksum != ToHex(HashOf(Dump(json)))) {
    return MakeError(ErrorKind::kCorruptData, "its checksum is wrong: it was changed after it was written");
  }
  Manifest manifest{.schema = {},
                    .job = json.at("job").get<std::string>(),
                    .created = json.at("created").get<std::string>(),
                    .digest = {},
                    .files = {}};
  ARROW_ASSIGN_OR_RAISE(manifest.files, FilesFromJson(json.at("files")));
  ARROW_ASSIGN_OR_RAISE(manifest.schema, SchemaFromJson(Dump(json.at("collection"))));
  ARROW_ASSIGN_OR_RAISE(manifest.digest, Digest::Parse(json.at("digest").get<std::string>()));
  if (json.contains("text")) {
    const Json& text = json["text"];
    const std::string delimiter = text.at("delimiter").get<std::string>();
    if (delimiter.size() != 1) throw std::invalid_argument("'" + delimiter + "' is not a delimiter");
    manifest.text = TextFormat{.delimiter = delimiter.front(), .header = text.at("header").get<bool>()};
    ARROW_ASSIGN_OR_RAISE(manifest.text->kind, ParseTextKind(text.at("kind").get<std::string>()));
  }
  if (json.contains("other_files")) manifest.other_files = json["other_files"].get<std::vector<std::string>>();
  return manifest;
}

}  // namespace

int64_t Manifest::rows() const {
  int64_t rows = 0;
  for (const DataFile& file : files) rows += file.rows;
  return rows;
}

std::string ToJson(const Manifest& manifest) {
  Json json = {{"format", kFormat},
               {"version", kVersion},
               {"job", manifest.job},
               {"created", manifest.created},
               {"rows", manifest.rows()},
               {"digest", manifest.digest.ToString()},
               {"collection", Json::parse(ToJson(manifest.schema))},
               {"files", FilesToJson(manifest.files)}};
  if (manifest.text) {
    json["text"] = {{"kind", ToString(manifest.text->kind)},
                    {"delimiter", std::string(1, manifest.text->delimiter)},
                    {"header", manifest.text->header}};
  }
  if (!manifest.other_files.empty()) json["other_files"] = manifest.other_files;
  json["checksum"] = ToHex(HashOf(Dump(json)));
  return Dump(json, 1);
}

arrow::Result<Manifest> ManifestFromJson(std::string_view text) {
  try {
    return FromJson(Json::parse(text));
  } catch (const std::exception& error) {
    return MakeError(ErrorKind::kCorruptData, std::string("the manifest is damaged (") + error.what() +
                                                  "); bring it back from a copy, or write the collection again");
  }
}

std::string EvidenceToJson(const std::vector<DataFile>& parts) { return Dump({{"parts", FilesToJson(parts)}}); }

arrow::Result<std::vector<DataFile>> EvidenceFromJson(std::string_view text) {
  try {
    return FilesFromJson(Json::parse(text).at("parts"));
  } catch (const std::exception& error) {
    return MakeError(ErrorKind::kCorruptData, std::string("the evidence of a receipt can't be read: ") + error.what());
  }
}

}  // namespace godwit::files
