// milvus2csv.yaml: a Milvus database to CSV files and a create_table.sql a collection, for AnalyticDB for PostgreSQL
// and PostgreSQL. Its own keys only; what a run does besides is in docs/guide.md.
//
// As the script that these files were written for: a token counts before user and password, an empty string is no
// value, and an export that is there already is replaced. Unlike it: collections left out or [] are all of the
// database.
#include <arpa/inet.h>

#include <algorithm>
#include <map>

#include "config/dialects.h"
#include "config/section.h"

namespace godwit {
namespace {

OptionTable MilvusOptions() {
  return {
      {.name = "host", .help = "Host of the server.", .default_text = "localhost"},
      {.name = "port",
       .type = OptionType::kInt,
       .help = "Port of the server.",
       .default_text = "19530",
       .min = 1,
       .max = 65535},
      {.name = "user", .help = "Name of the user."},
      {.name = "password", .type = OptionType::kSecret, .help = "Password of the user."},
      {.name = "db_name", .help = "The database to read; left out: `default`."},
      {.name = "token", .type = OptionType::kSecret, .help = "user:password, or an API key; counts before `user`."},
  };
}

OptionTable ExportOptions() {
  return {
      {.name = "collections", .type = OptionType::kList, .help = "Collections; left out or []: all of the database."},
      {.name = "max_line_in_file",
       .type = OptionType::kInt,
       .help = "Rows of a file.",
       .default_text = "40000",
       .min = 1},
      {.name = "output_path",
       .type = OptionType::kPath,
       .help = "Folder that gets one folder a collection; relative to the current directory.",
       .required = true,
       .example = "./output"},
  };
}

bool IsIpv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// As PostgreSQL reads a name that stands without quotes.
std::string Folded(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

class Milvus2CsvReader {
 public:
  Milvus2CsvReader(const Node& root, const StoreRegistry& stores, Problems* problems)
      : root_(root), stores_(stores), problems_(*problems) {}

  JobSpec Read() {
    static const std::vector<std::string> kSections = {"milvus", "export"};
    for (const Node::Entry& entry : root_.entries) {
      if (std::find(kSections.begin(), kSections.end(), entry.key) != kSections.end()) continue;
      AddUnknownKey(entry, "", kSections, &problems_);
    }
    if (const Node* milvus = Section("milvus")) ReadMilvus(*milvus);
    if (const Node* section = Section("export")) ReadExport(*section);
    spec_.data_policy = DataPolicy::kDrop;
    spec_.load = LoadPolicy::kNever;
    return std::move(spec_);
  }

 private:
  const Node* Section(const std::string& name) {
    const Node* node = root_.Find(name);
    if (node == nullptr) {
      problems_.Add(root_.place, "the section '" + name + "' is missing");
      return nullptr;
    }
    return Expect(*node, Node::Kind::kMap, name, &problems_) ? node : nullptr;
  }

  /// The places of the printed file are all filled in, or emptied: '' says as much as no line at all.
  static Node WithoutEmpty(Node section) {
    std::erase_if(section.entries, [](const Node::Entry& entry) {
      return entry.value.kind == Node::Kind::kScalar && !entry.value.unset && entry.value.text.empty();
    });
    return section;
  }

  void ReadMilvus(const Node& section) {
    const OptionValues values =
        ReadSection(WithoutEmpty(section), MilvusOptions(), OptionScope::kBoth, "milvus", {}, &problems_);
    OptionValues options;
    options.Set("url", UrlOf(values.GetString("host"), values.GetInt("port"), section));
    if (values.Has("token")) {
      options.Set("token", values.GetSecret("token"));
    } else {
      if (values.Has("user")) options.Set("user", values.GetString("user"));
      if (values.Has("password")) options.Set("password", values.GetSecret("password"));
    }
    spec_.source_database = values.Has("db_name") ? values.GetString("db_name") : "default";
    options.Set("database", spec_.source_database);
    spec_.source = MakeStore("milvus", std::move(options), OptionScope::kSource, section,
                             {{"url", "host"}, {"database", "db_name"}});
  }

  std::string UrlOf(std::string host, int64_t port, const Node& section) {
    if (IsIpv6(host)) {
      host = "[" + host + "]";
    } else if (host.find_first_of("/:@?#,[] \t\r\n") != std::string::npos) {
      problems_.Add(section.Find("host")->place,
                    "milvus.host: the name or address of a machine was expected, without scheme, port and path; the "
                    "port is milvus.port");
    }
    return "http://" + host + ":" + std::to_string(port);
  }

  void ReadExport(const Node& section) {
    const OptionValues values =
        ReadSection(WithoutEmpty(section), ExportOptions(), OptionScope::kBoth, "export", {}, &problems_);
    ReadCollections(section.Find("collections"), values.GetList("collections"));
    if (!values.Has("output_path")) return;  // reported
    std::string path = values.GetString("output_path");
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    OptionValues options;
    options.Set("path", path);
    // Importers take each folder in there for a table, so what is not finished lies beside it.
    options.Set("staging", path + ".godwit-stage");
    options.Set("format", std::string("postgres"));
    options.Set("delimiter", std::string("|"));
    options.Set("header", true);
    options.Set("rows_per_file", values.GetInt("max_line_in_file"));
    options.Set("create_table", true);
    spec_.target = MakeStore("files", std::move(options), OptionScope::kTarget, section, {{"path", "output_path"}});
  }

  void ReadCollections(const Node* node, const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) {
      const Place place = i < node->items.size() ? node->items[i].place : node->place;
      // Importers name the tables as the folders, without quotes: the rows of one would go into the other.
      for (size_t j = 0; j < i; ++j) {
        if (names[i] == names[j] || Folded(names[i]) != Folded(names[j])) continue;
        problems_.Add(place, "export.collections: '" + Shown(names[j]) + "' and '" + Shown(names[i]) +
                                 "' are one name to PostgreSQL where it stands without quotes; export them into two "
                                 "folders, by two files");
      }
      CollectionRule rule{.source = {spec_.source_database, names[i]}, .target_name = {}, .where = {}};
      rule.where = WhereIn(problems_.file(), place);
      AddCollection(std::move(rule), place, "export.collections", &spec_, &problems_);
    }
    if (names.empty()) spec_.notes.push_back("export.collections names none: all of the database are exported");
  }

  /// `renamed`: options that this file knows by another name.
  StoreSpec MakeStore(const std::string& name, OptionValues options, OptionScope scope, const Node& section,
                      const std::map<std::string, std::string>& renamed) {
    const Place place = section.place;
    StoreSpec spec{.store = name, .options = std::move(options), .where = WhereIn(problems_.file(), {place.line, 0})};
    spec.option_where = PlacesOf(section, problems_.file());
    for (const auto& [option, key] : renamed) {
      if (auto given = spec.option_where.find(key); given != spec.option_where.end()) {
        spec.option_where[option] = given->second;
      }
    }
    const StoreFactory* store = FindStore(stores_, name);
    if (store == nullptr) {
      problems_.Add(place, "this build has no store '" + name + "'");
    } else if (arrow::Status filled = FillDefaults(store->options, scope, &spec.options); !filled.ok()) {
      problems_.Add(place, filled.message());
    }
    return spec;
  }

  const Node& root_;
  const StoreRegistry& stores_;
  Problems& problems_;
  JobSpec spec_;
};

}  // namespace

bool IsMilvus2Csv(const Node& root) {
  const bool own = root.Find("milvus") != nullptr || root.Find("export") != nullptr;
  return own && root.Find("source") == nullptr && root.Find("target") == nullptr;
}

JobSpec ReadMilvus2Csv(const Node& root, const StoreRegistry& stores, Problems* problems) {
  return Milvus2CsvReader(root, stores, problems).Read();
}

std::vector<DocumentedSection> Milvus2CsvSections() {
  return {{"milvus", MilvusOptions()}, {"export", ExportOptions()}};
}

}  // namespace godwit
