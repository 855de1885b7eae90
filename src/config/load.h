// A job file of any dialect -> one validated JobSpec. Makes no connection. May be called from any thread.
//
// Relative paths in a job file are relative to the current directory of the process, as on its command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "godwit/job.h"
#include "godwit/options.h"

namespace godwit {

struct LoadOptions {
  Environment environment;  // empty = the process's
  std::string dialect;      // one of DialectNames(); empty = found by the file's ending and contents
};

/// "milvus2csv.yaml", "migration.conf", "godwit.yaml"
std::vector<std::string> DialectNames();

/// JobSpec::dialect says which dialect it took. kInvalidConfig lists everything that is wrong, with file:line:column.
arrow::Result<JobSpec> LoadJobFile(const std::string& path, const StoreRegistry& stores, const LoadOptions& options);

/// The same for a text; `path` is only named in errors, and tells the dialect.
arrow::Result<JobSpec> LoadJobText(std::string_view text, const std::string& path, const StoreRegistry& stores,
                                   const LoadOptions& options);

/// A table of options for the reference.
struct DocumentedSection {
  std::string name;  // "tuning", or empty for the top level
  OptionTable options;
};
/// What godwit.yaml may hold in the section of a store: its own options, and `database` where it has some.
OptionTable NativeStoreOptions(const StoreFactory& store);
/// What godwit.yaml may hold beside the stores' options.
std::vector<DocumentedSection> NativeSections();

/// Another tool's file, all of whose keys are options.
struct DocumentedDialect {
  std::string name;
  std::vector<DocumentedSection> sections;
};
std::vector<DocumentedDialect> OtherDialects();

/// A key of another tool's file, and what becomes of it.
struct DocumentedKey {
  std::string key;
  std::string meaning;
};
/// The keys of SeaTunnel's migration.conf.
std::vector<DocumentedKey> SeaTunnelKeys();

}  // namespace godwit
