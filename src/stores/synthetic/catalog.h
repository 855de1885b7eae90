// The collections that the options describe; they can't be changed. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/synthetic/options.h"

namespace godwit::synthetic {

class SyntheticCatalog : public Catalog {
 public:
  explicit SyntheticCatalog(const Options& options) : options_(options) {}

  arrow::Result<std::vector<std::string>> List(const std::string& database) override;
  arrow::Result<CollectionSchema> Describe(const CollectionRef& ref) override;
  arrow::Result<TargetState> State(const CollectionRef& ref) override;
  /// kUnsupported.
  arrow::Status Create(const CollectionSchema& schema) override;
  /// kUnsupported.
  arrow::Status Drop(const CollectionRef& ref) override;

 private:
  const Options options_;
};

/// Number of the collection of that name, from 0; kNotFound when there is none.
arrow::Result<int64_t> CollectionNumber(const Options& options, const CollectionRef& ref);

/// Differs wherever the rows may differ.
std::string Fingerprint(const Options& options, int64_t number);

}  // namespace godwit::synthetic
