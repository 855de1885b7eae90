// What a user may do on a Milvus server, as the server tells the user, beside what a job needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "godwit/store.h"
#include "stores/milvus/client.h"

namespace godwit::milvus {

/// By the names that grants have: {"Global", "CreateCollection"}, {"Collection", "Insert"}.
struct Privilege {
  std::string object;
  std::string name;
  bool operator==(const Privilege&) const = default;
};

/// One that a role of the user has; `*` stands for all, of the collections and of the privileges.
struct Grant {
  std::string object;
  std::string collection;
  std::string privilege;
};

struct Grants {
  std::vector<std::string> roles;
  std::vector<Grant> grants;
  bool everything = false;  // root, or the role admin
};

/// What reading the schema of a collection takes.
std::vector<Privilege> PrivilegesToDescribe(const CollectionSchema& schema);
/// What reading its rows takes, and loading it for that.
std::vector<Privilege> PrivilegesToRead(bool load);
/// `existing` is what is at the target already, where the job keeps it.
std::vector<Privilege> PrivilegesToWrite(const CollectionSchema& target, const CollectionSchema* existing,
                                         const TargetUse& use);

/// The needed ones that no grant covers on the collection, each once.
std::vector<Privilege> MissingOf(const std::vector<Privilege>& needed, const Grants& grants,
                                 const std::string& collection);

/// Of the client's user in a database. None where that can't be known: without a user (an API key), of a server that
/// does not tell it, and with privilege groups, which newer servers have.
arrow::Result<std::optional<Grants>> AskGrants(Client* client, const std::string& database);

/// kUnauthenticated names every privilege that is needed and missing; OK where that is not known, or where the server
/// asks nobody for credentials.
arrow::Status CheckPrivileges(Client* client, const CollectionRef& ref, const std::vector<Privilege>& needed);

}  // namespace godwit::milvus
