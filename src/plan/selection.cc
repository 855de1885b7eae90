#include "plan/selection.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/name_pattern.h"

namespace godwit {
namespace {

/// A database of the source, and where its collections go when their rule does not say: empty = the job's default.
struct DatabaseRoute {
  std::string source;
  std::string target;
  std::vector<std::string> texts = {};  // what the stars of the rule's database stand for
};

std::string DidYouMean(const std::string& name, const std::vector<std::string>& names) {
  const std::string near = NearestName(name, names);
  return near.empty() ? std::string() : "; did you mean '" + near + "'?";
}

/// Whether the name is the collection's, or that of something below it.
bool IsLossOf(const std::string& loss, const CollectionRef& source) {
  for (size_t end = loss.find('.');; end = loss.find('.', end + 1)) {
    const std::string collection = loss.substr(0, end);
    if (MatchPattern(collection, source.name) || MatchPattern(collection, source.ToString())) return true;
    if (end == std::string::npos) return false;
  }
}

class Selector {
 public:
  Selector(const JobSpec& spec, Store* source, const Capabilities& target)
      : spec_(spec),
        source_(*source),
        target_(target),
        home_(spec.source_database.empty() ? source->default_database() : spec.source_database),
        excluded_any_(spec.exclude.size(), false) {}

  arrow::Result<std::vector<CollectionRule>> Select() {
    std::vector<CollectionRule> rules = spec_.collections;
    if (rules.empty()) rules.push_back({.source = {"", "*"}, .target_name = {}, .where = {}});
    for (const CollectionRule& rule : rules) ARROW_RETURN_NOT_OK(Apply(rule));
    ARROW_RETURN_NOT_OK(CheckExclusions());
    ARROW_RETURN_NOT_OK(CheckRenames());
    ARROW_RETURN_NOT_OK(CheckAllowedLosses());
    ARROW_RETURN_NOT_OK(CheckTargets());
    if (!selected_.empty()) return std::move(selected_);
    return MakeError(ErrorKind::kNotFound, "there is no collection to move in " + source_.address() +
                                               (home_.empty() ? std::string() : ", database '" + home_ + "'") +
                                               "; look whether the source leads where it should");
  }

 private:
  arrow::Status Apply(const CollectionRule& rule) {
    ARROW_ASSIGN_OR_RAISE(auto routes, RoutesOf(rule));
    bool found = false;
    for (const DatabaseRoute& route : routes) {
      ARROW_ASSIGN_OR_RAISE(auto names, NamesFor(rule, route, routes.size() > 1));
      for (const std::string& name : names) {
        auto texts = MatchPattern(rule.source.name, name);
        if (!texts) continue;
        found = true;
        Add(rule, route, name, *texts);
      }
    }
    if (found || spec_.collections.empty()) return arrow::Status::OK();
    return MakeError(ErrorKind::kInvalidConfig,
                     "'" + rule.source.ToString() + "' fits no collection of the source; see what is there with `*`",
                     rule.where);
  }

  void Add(const CollectionRule& rule, const DatabaseRoute& route, const std::string& name,
           const std::vector<std::string>& texts) {
    CollectionRule one = rule;
    one.source = {route.source, name};
    if (Excludes(one.source)) return;
    auto same = [&](const CollectionRule& other) { return other.source == one.source; };
    if (std::any_of(selected_.begin(), selected_.end(), same)) return;  // the first rule counts
    one.target_database = rule.target_database.empty() ? route.target : FillPattern(rule.target_database, route.texts);
    if (rule.target_name.empty()) {
      auto rename = spec_.renames.find(name);
      one.target_name = rename == spec_.renames.end() ? name : rename->second;
    } else {
      one.target_name = FillPattern(rule.target_name, texts);
    }
    selected_.push_back(std::move(one));
  }

  bool Excludes(const CollectionRef& ref) {
    bool excluded = false;
    for (size_t i = 0; i < spec_.exclude.size(); ++i) {
      const CollectionRef& pattern = spec_.exclude[i];
      const bool database = pattern.database.empty() || MatchPattern(pattern.database, ref.database);
      if (!database || !MatchPattern(pattern.name, ref.name)) continue;
      excluded = excluded_any_[i] = true;
    }
    return excluded;
  }

  /// The databases that a rule is about.
  arrow::Result<std::vector<DatabaseRoute>> RoutesOf(const CollectionRule& rule) {
    if (rule.source.database.empty()) return JobRoutes();
    ARROW_ASSIGN_OR_RAISE(auto names, Expand(rule.source.database, rule.where));
    std::vector<DatabaseRoute> routes;
    for (auto& [name, texts] : names) {
      ARROW_ASSIGN_OR_RAISE(std::string target, TargetOf(name));
      routes.push_back({name, std::move(target), std::move(texts)});
    }
    return routes;
  }

  arrow::Result<std::vector<DatabaseRoute>> JobRoutes() {
    if (spec_.databases.empty()) return std::vector<DatabaseRoute>{{home_, {}}};
    std::vector<DatabaseRoute> routes;
    for (const DatabaseRule& rule : spec_.databases) {
      ARROW_ASSIGN_OR_RAISE(auto names, Expand(rule.source, rule.where));
      for (auto& [name, texts] : names) {
        auto same = [&, n = name](const DatabaseRoute& other) { return other.source == n; };
        if (std::any_of(routes.begin(), routes.end(), same)) continue;
        ARROW_ASSIGN_OR_RAISE(std::string target, TargetOf(name));
        routes.push_back({name, std::move(target)});
      }
    }
    return routes;
  }

  /// Where collections of a database go: as `databases` says, else to the target's one database, else to one of the
  /// same name.
  arrow::Result<std::string> TargetOf(const std::string& database) {
    for (const DatabaseRule& rule : spec_.databases) {
      auto texts = MatchPattern(rule.source, database);
      if (!texts) continue;
      if (!rule.target.empty()) return FillPattern(rule.target, *texts);
      break;
    }
    const bool one_target = !spec_.target_database.empty() || !target_.databases;
    return one_target || (spec_.databases.empty() && database == home_) ? std::string() : database;
  }

  using Expansion = std::vector<std::pair<std::string, std::vector<std::string>>>;

  arrow::Result<Expansion> Expand(const std::string& pattern, const std::string& where) {
    if (!IsPattern(pattern)) return Expansion{{pattern, {}}};
    if (!databases_) {
      ARROW_ASSIGN_OR_RAISE(databases_, source_.catalog()->Databases());
    }
    Expansion matching;
    for (const std::string& name : *databases_) {
      if (auto texts = MatchPattern(pattern, name)) matching.emplace_back(name, std::move(*texts));
    }
    if (!matching.empty()) return matching;
    return MakeError(ErrorKind::kInvalidConfig, "'" + pattern + "' fits no database of the source", where);
  }

  /// A collection that is named is looked at later; only patterns, and names in many databases, need the list.
  arrow::Result<std::vector<std::string>> NamesFor(const CollectionRule& rule, const DatabaseRoute& route,
                                                   bool many_databases) {
    if (!IsPattern(rule.source.name) && !many_databases) return std::vector<std::string>{rule.source.name};
    return ListOf(route.source);
  }

  arrow::Result<std::vector<std::string>> ListOf(const std::string& database) {
    auto known = lists_.find(database);
    if (known == lists_.end()) {
      ARROW_ASSIGN_OR_RAISE(auto names, source_.catalog()->List(database));
      known = lists_.emplace(database, std::move(names)).first;
    }
    return known->second;
  }

  /// One that excludes nothing of what is moved may stand there for what another job moves; but it has to fit
  /// something.
  arrow::Status CheckExclusions() {
    for (size_t i = 0; i < spec_.exclude.size(); ++i) {
      if (excluded_any_[i]) continue;
      const CollectionRef& pattern = spec_.exclude[i];
      const std::string where = spec_.WhereOf("exclude." + pattern.ToString());
      std::vector<std::string> names;
      if (pattern.database.empty()) {
        ARROW_ASSIGN_OR_RAISE(auto routes, JobRoutes());
        for (const DatabaseRoute& route : routes) {
          ARROW_ASSIGN_OR_RAISE(auto more, ListOf(route.source));
          names.insert(names.end(), more.begin(), more.end());
        }
      } else {
        ARROW_ASSIGN_OR_RAISE(auto databases, Expand(pattern.database, where));
        for (const auto& [database, texts] : databases) {
          ARROW_ASSIGN_OR_RAISE(auto more, ListOf(database));
          names.insert(names.end(), more.begin(), more.end());
        }
      }
      auto fits = [&, name = pattern.name](const std::string& one) { return MatchPattern(name, one).has_value(); };
      if (std::any_of(names.begin(), names.end(), fits)) continue;
      return MakeError(
          ErrorKind::kInvalidConfig,
          "exclude: '" + pattern.ToString() + "' fits no collection of the source" + DidYouMean(pattern.name, names),
          where);
    }
    return arrow::Status::OK();
  }

  /// Of a name of allow_lossy only the field is not known here; PlanCollection looks at it.
  arrow::Status CheckAllowedLosses() const {
    std::vector<std::string> names;
    for (const CollectionRule& rule : selected_) names.push_back(rule.source.name);
    for (const std::string& loss : spec_.allow_lossy) {
      auto is_of = [&](const CollectionRule& rule) { return IsLossOf(loss, rule.source); };
      if (std::any_of(selected_.begin(), selected_.end(), is_of)) continue;
      return MakeError(ErrorKind::kInvalidConfig,
                       "allow_lossy: '" + loss + "' names no collection of the job" +
                           DidYouMean(loss.substr(0, loss.find('.')), names) +
                           "; it is written collection or collection.field, by the names of the source",
                       spec_.WhereOf("allow_lossy." + loss));
    }
    return arrow::Status::OK();
  }

  /// A rename or a description of a collection that is not moved is a slip of the pen.
  arrow::Status CheckRenames() const {
    std::vector<std::string> names;
    for (const CollectionRule& rule : selected_) names.push_back(rule.source.name);
    auto check = [&](const char* setting, const std::string& name, const std::string& what) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return arrow::Status::OK();
      return MakeError(
          ErrorKind::kInvalidConfig,
          "'" + name + "' is to " + what + ", but is not among the collections to move" + DidYouMean(name, names),
          spec_.WhereOf(setting + ("." + name)));
    };
    for (const auto& [from, to] : spec_.renames)
      ARROW_RETURN_NOT_OK(check("renames", from, "be renamed to '" + to + "'"));
    for (const auto& [name, text] : spec_.overrides.descriptions) {
      ARROW_RETURN_NOT_OK(check("descriptions", name, "get a description"));
    }
    return arrow::Status::OK();
  }

  arrow::Status CheckTargets() const {
    std::map<CollectionRef, const CollectionRule*> targets;
    for (const CollectionRule& rule : selected_) {
      auto [other, is_new] = targets.emplace(CollectionRef{rule.target_database, rule.target_name}, &rule);
      if (is_new) continue;
      return MakeError(ErrorKind::kInvalidConfig,
                       "collections '" + other->second->source.ToString() + "' and '" + rule.source.ToString() +
                           "' would both be written to '" + other->first.ToString() + "'; rename one of them",
                       rule.where);
    }
    return arrow::Status::OK();
  }

  const JobSpec& spec_;
  Store& source_;
  const Capabilities& target_;
  const std::string home_;  // the database of a rule that names none
  std::optional<std::vector<std::string>> databases_;
  std::map<std::string, std::vector<std::string>> lists_;
  std::vector<bool> excluded_any_;
  std::vector<CollectionRule> selected_;
};

}  // namespace

arrow::Result<std::vector<CollectionRule>> ResolveCollections(const JobSpec& spec, Store* source,
                                                              const Capabilities& target) {
  return Selector(spec, source, target).Select();
}

}  // namespace godwit
