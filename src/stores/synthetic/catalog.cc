#include "stores/synthetic/catalog.h"

#include "stores/synthetic/generator.h"

namespace godwit::synthetic {

arrow::Result<int64_t> CollectionNumber(const Options& options, const CollectionRef& ref) {
  for (int64_t i = 0; ref.database.empty() && i < options.collections; ++i) {
    if (CollectionName(options, i) == ref.name) return i;
  }
  return MakeError(ErrorKind::kNotFound, "collection '" + ref.ToString() + "' does not exist", "synthetic");
}

std::string Fingerprint(const Options& options, int64_t number) {
  std::string text = "synthetic seed=" + std::to_string(options.seed + static_cast<uint64_t>(number)) +
                     " rows=" + std::to_string(options.rows) + " dim=" + std::to_string(options.dim) +
                     " partitions=" + std::to_string(options.partitions) +
                     " duplicates=" + std::to_string(options.duplicates);
  if (options.varchar_key) text += " varchar";
  if (options.extremes) text += " extremes";
  if (options.hostile) text += " hostile";
  if (options.nulls) text += " nulls";
  for (const std::string& field : options.fields) text += " " + field;
  return text;
}

arrow::Result<std::vector<std::string>> SyntheticCatalog::List(const std::string& database) {
  if (!database.empty()) {
    return MakeError(ErrorKind::kNotFound, "database '" + database + "' does not exist", "synthetic");
  }
  std::vector<std::string> names;
  for (int64_t i = 0; i < options_.collections; ++i) names.push_back(CollectionName(options_, i));
  return names;
}

arrow::Result<CollectionSchema> SyntheticCatalog::Describe(const CollectionRef& ref) {
  ARROW_ASSIGN_OR_RAISE(int64_t number, CollectionNumber(options_, ref));
  return MakeSchema(options_, number);
}

arrow::Result<TargetState> SyntheticCatalog::State(const CollectionRef& ref) {
  TargetState state;
  auto number = CollectionNumber(options_, ref);
  if (!number.ok()) return state;
  state.exists = true;
  state.identity = Fingerprint(options_, *number);
  state.rows = options_.rows + options_.duplicates;
  state.schema = MakeSchema(options_, *number);
  return state;
}

arrow::Status SyntheticCatalog::Create(const CollectionSchema& schema) {
  return MakeError(ErrorKind::kUnsupported, "a synthetic collection can't be created: use another store as the target",
                   "synthetic " + schema.ref.ToString());
}

arrow::Status SyntheticCatalog::Drop(const CollectionRef& ref) {
  return MakeError(ErrorKind::kUnsupported, "a synthetic collection can't be dropped: use another store as the target",
                   "synthetic " + ref.ToString());
}

}  // namespace godwit::synthetic
