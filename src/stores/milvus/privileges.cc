#include "stores/milvus/privileges.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "stores/milvus/catalog.h"

namespace godwit::milvus {
namespace {

constexpr const char* kGlobal = "Global";
constexpr const char* kCollection = "Collection";
// Calls that name no database are judged by the grants in this one.
constexpr const char* kDefaultDatabase = "default";

void Append(std::vector<Privilege>* all, std::vector<Privilege> more) {
  all->insert(all->end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool Covers(const Grant& grant, const Privilege& needed, const std::string& collection) {
  if (grant.object != needed.object || (grant.privilege != "*" && grant.privilege != needed.name)) return false;
  return needed.object == kGlobal || grant.collection == "*" || grant.collection == collection;
}

/// A name that is not one of the privileges is that of a group of them.
bool IsPrivilege(const std::string& name) {
  common_pb::ObjectPrivilege privilege{};
  if (name.starts_with("Group")) return false;
  return name == "*" || common_pb::ObjectPrivilege_Parse("Privilege" + name, &privilege);
}

/// Whether the server answers, and refuses to tell.
bool IsRefusal(const arrow::Status& status) {
  const ErrorKind kind = godwit::KindOf(status);
  return kind != ErrorKind::kUnavailable && kind != ErrorKind::kThrottled && kind != ErrorKind::kCancelled;
}

}  // namespace

std::vector<Privilege> PrivilegesToDescribe(const CollectionSchema& schema) {
  std::vector<Privilege> needed = {{kGlobal, "DescribeCollection"}, {kCollection, "IndexDetail"}};
  if (!schema.has_partition_key()) needed.push_back({kCollection, "ShowPartitions"});
  needed.push_back({kCollection, "Load"});  // to learn whether it is loaded
  return needed;
}

std::vector<Privilege> PrivilegesToRead(bool load) {
  std::vector<Privilege> needed = {{kCollection, "Query"}};
  if (load) Append(&needed, {{kCollection, "Load"}, {kCollection, "Release"}});
  return needed;
}

std::vector<Privilege> PrivilegesToWrite(const CollectionSchema& target, const CollectionSchema* existing,
                                         const TargetUse& use) {
  std::vector<Privilege> needed;
  if (use.drop) needed.push_back({kGlobal, "DropCollection"});
  if (use.create) needed.push_back({kGlobal, "CreateCollection"});
  Append(&needed, PrivilegesToDescribe(target));
  needed.push_back({kCollection, "GetStatistics"});
  auto is_there = [&](const std::string& partition) {
    return existing != nullptr && std::ranges::find(existing->partitions, partition) != existing->partitions.end();
  };
  if (!std::ranges::all_of(target.partitions, is_there)) needed.push_back({kCollection, "CreatePartition"});
  if (use.write) {
    const int key = target.key_index();
    const bool new_keys = key >= 0 && target.fields[static_cast<size_t>(key)].auto_id;
    needed.push_back({kCollection, "Insert"});
    if (!new_keys) needed.push_back({kCollection, "Upsert"});  // after a failure, and to correct
    Append(&needed, {{kCollection, "Delete"}, {kCollection, "Flush"}, {kCollection, "GetFlushState"}});
  }
  const bool temporary = existing == nullptr || (!existing->loaded && !TemporaryIndexes(*existing).empty());
  if (use.read_back) {
    Append(&needed, PrivilegesToRead(existing == nullptr || !existing->loaded));
    if (temporary) Append(&needed, {{kCollection, "CreateIndex"}, {kCollection, "DropIndex"}});
  }
  auto indexed = [&](const Index& index) {
    return existing != nullptr && std::ranges::any_of(existing->indexes, [&](const Index& have) {
             return have.field == index.field;  // of another kind it would be a conflict
           });
  };
  if (!std::ranges::all_of(target.indexes, indexed)) needed.push_back({kCollection, "CreateIndex"});
  if (!target.aliases.empty()) needed.push_back({kGlobal, "CreateAlias"});
  return needed;
}

std::vector<Privilege> MissingOf(const std::vector<Privilege>& needed, const Grants& grants,
                                 const std::string& collection) {
  std::vector<Privilege> missing;
  if (grants.everything) return missing;
  for (const Privilege& privilege : needed) {
    auto covers = [&](const Grant& grant) { return Covers(grant, privilege, collection); };
    if (std::ranges::any_of(grants.grants, covers)) continue;
    if (std::ranges::find(missing, privilege) == missing.end()) missing.push_back(privilege);
  }
  return missing;
}

arrow::Result<std::optional<Grants>> AskGrants(Client* client, const std::string& database) {
  Grants grants;
  if (client->user().empty()) return std::nullopt;
  if (client->user() == "root") {
    grants.everything = true;
    return grants;
  }
  pb::SelectUserRequest about_user;
  about_user.mutable_user()->set_name(client->user());
  about_user.set_include_role_info(true);
  auto users = client->SelectUser(about_user);
  if (!users.ok() && IsRefusal(users.status())) return std::nullopt;
  ARROW_RETURN_NOT_OK(users);
  for (const pb::UserResult& user : users->results()) {
    for (const pb::RoleEntity& role : user.roles()) grants.roles.push_back(role.name());
  }
  if (std::ranges::find(grants.roles, "admin") != grants.roles.end()) {
    grants.everything = true;
    return grants;
  }
  std::vector<std::string> roles = grants.roles;
  roles.emplace_back("public");  // which everybody has
  for (const std::string& role : roles) {
    pb::SelectGrantRequest about_role;
    about_role.mutable_entity()->mutable_role()->set_name(role);
    about_role.mutable_entity()->set_db_name(database);
    auto granted = client->SelectGrant(about_role);
    if (!granted.ok() && IsRefusal(granted.status())) return std::nullopt;
    ARROW_RETURN_NOT_OK(granted);
    for (const pb::GrantEntity& grant : granted->entities()) {
      const std::string& privilege = grant.grantor().privilege().name();
      if (!IsPrivilege(privilege)) return std::nullopt;
      grants.grants.push_back({grant.object().name(), grant.object_name(), privilege});
    }
  }
  return grants;
}

arrow::Status CheckPrivileges(Client* client, const CollectionRef& ref, const std::vector<Privilege>& needed) {
  const CollectionRef where = Resolve(*client, ref);
  ARROW_ASSIGN_OR_RAISE(auto grants, AskGrants(client, where.database));
  if (!grants) return arrow::Status::OK();
  std::vector<Privilege> missing = MissingOf(needed, *grants, where.name);
  std::vector<std::string> names;
  for (const Privilege& privilege : missing) names.push_back(privilege.object + " " + privilege.name);
  const bool creates = std::ranges::find(needed, Privilege{kGlobal, "CreateCollection"}) != needed.end();
  if (creates && where.database != kDefaultDatabase) {
    // Whether the database is there is asked first.
    ARROW_ASSIGN_OR_RAISE(auto in_default, AskGrants(client, kDefaultDatabase));
    std::vector<Privilege> for_database = {{kGlobal, "ListDatabases"}};
    auto databases = client->ListDatabases();
    if (!databases.ok() && !IsRefusal(databases.status())) return databases.status();
    if (databases.ok() && std::ranges::find(*databases, where.database) == databases->end()) {
      for_database.push_back({kGlobal, "CreateDatabase"});
    }
    for (const Privilege& privilege : MissingOf(for_database, in_default.value_or(Grants{.everything = true}), {})) {
      names.push_back(privilege.object + " " + privilege.name + " (in the database 'default')");
    }
  }
  if (names.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool asks, client->AsksForCredentials());
  if (!asks) return arrow::Status::OK();
  return MakeError(ErrorKind::kUnauthenticated,
                   fmt::format("the user '{}' lacks privileges on '{}': {}. Grant them to {}", client->user(),
                               where.ToString(), fmt::join(names, ", "),
                               grants->roles.empty() ? std::string("a role, and the role to the user")
                                                     : fmt::format("its role '{}'", grants->roles.front())));
}

}  // namespace godwit::milvus
