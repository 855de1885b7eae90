// The dialects: each turns a document, whose root is a map, into a JobSpec, and adds what is wrong to `problems`.
#pragma once

#include <string_view>

#include "config/document.h"
#include "config/load.h"
#include "godwit/job.h"

namespace godwit {

JobSpec ReadNative(const Node& root, const StoreRegistry& stores, Problems* problems);
JobSpec ReadSeaTunnel(const Node& root, const StoreRegistry& stores, Problems* problems);
JobSpec ReadMilvus2Csv(const Node& root, const StoreRegistry& stores, Problems* problems);

std::vector<DocumentedSection> Milvus2CsvSections();

/// By what only a file of that dialect holds.
bool IsSeaTunnel(const Node& root);
bool IsMilvus2Csv(const Node& root);

/// Letters, digits, '_', '.' and '-', at most 100, the first one not '.' or '-': what a job may be called.
bool IsJobName(std::string_view name);
/// What to tell a user who gave another one.
std::string JobNameRule();

/// Adds `rule`, unless its name is empty or one of its names was given before, which is a problem at `place`.
void AddCollection(CollectionRule rule, Place place, const std::string& path, JobSpec* spec, Problems* problems);
/// Keys of `map` that name no collection of the job are a problem; with all collections, nobody knows yet.
void CheckCollectionNames(const Node* map, const std::string& path, const JobSpec& spec, Problems* problems);
/// The stores that can be a source or a target.
std::vector<std::string> StoreNames(const StoreRegistry& stores, OptionScope scope);

}  // namespace godwit
