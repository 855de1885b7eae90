// Lists, describes and drops collections. A collection comes into being when the sink publishes it, so Create only sees
// to it that this will be possible.
#pragma once

#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/files/options.h"

namespace godwit::files {

/// Thread-safe.
class FilesCatalog : public Catalog {
 public:
  explicit FilesCatalog(Options options) : options_(std::move(options)) {}

  arrow::Result<std::vector<std::string>> List(const std::string& database) override;
  arrow::Result<std::vector<std::string>> Databases() override;
  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override;
  arrow::Result<TargetState> State(const CollectionRef& ref) override;
  /// Links and databases give one folder many paths.
  arrow::Result<std::string> GlobalId(const CollectionRef& ref) override;
  arrow::Result<std::string> Folder(const CollectionRef& ref) override;
  /// Makes the root folder and that of the database, nothing that a reader would see.
  arrow::Status Create(const CollectionSchema& schema) override;
  arrow::Status Drop(const CollectionRef& ref) override;
  arrow::Result<std::string> Ddl(const CollectionSchema& schema) override;

 private:
  const Options options_;
};

/// kConflict, naming one, when the folder of a collection holds files that no manifest of godwit lists.
arrow::Status CheckNoForeignFiles(const std::string& root, const CollectionRef& ref);
/// Removes the files that godwit wrote, and the folder. It is out of sight after one rename, so a crash leaves the
/// whole collection or none. Idempotent; never removes a file that the manifest does not list.
arrow::Status DropCollection(const Options& options, const CollectionRef& ref);

}  // namespace godwit::files
