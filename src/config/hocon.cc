// HOCON by its public specification. cpp-hocon, the one C++ library for it, is no longer kept: it gives no columns and
// wrong lines (every error of ours names them), has no `+=`, and deep nesting overflows its stack.
#include "config/hocon.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace godwit {
namespace hocon {
namespace {

/// Value -> Node: looks references up, joins parts, merges what was said of one key.
class Resolver {
 public:
  Resolver(Value* root, const Environment& environment, Problems* problems)
      : root_(*root), environment_(environment), problems_(*problems) {}

  Node Run() {
    Node root = ResolveObject(&root_);
    for (Node::Entry& entry : root.entries) entry.referenced = FindMember(&root_, entry.key)->referenced;
    return root;
  }

 private:
  // A few references can stand for a huge tree, or for themselves in a roundabout way.
  static constexpr int64_t kMaxSteps = 200'000;
  static constexpr int kMaxOpen = 4 * kMaxDocumentDepth;

  static Node Unset(Place place) {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.place = place;
    node.unset = true;
    return node;
  }

  /// nullopt: an optional reference to nothing, as if it had not been written.
  std::optional<Node> Resolve(Value* value) {
    if (exhausted_ || ++steps_ > kMaxSteps || open_ > kMaxOpen) {
      if (!exhausted_) problems_.Add(value->place, "the file's references stand for too much, or for themselves");
      exhausted_ = true;
      return Unset(value->place);
    }
    ++open_;
    std::optional<Node> node = ResolveKind(value);
    --open_;
    return node;
  }

  std::optional<Node> ResolveKind(Value* value) {
    if (value->kind == Value::Kind::kReference) return value->path.empty() ? Before() : Lookup(*value);
    if (value->kind == Value::Kind::kJoined) return Join(value);
    if (value->kind == Value::Kind::kObject) return ResolveObject(value);
    if (value->kind != Value::Kind::kList) return value->text;
    Node list;
    list.kind = Node::Kind::kList;
    list.place = value->place;
    for (Value& item : value->items) {
      if (auto node = Resolve(&item)) list.items.push_back(std::move(*node));
    }
    return list;
  }

  Node ResolveObject(Value* object) {
    Node map;
    map.kind = Node::Kind::kMap;
    map.place = object->place;
    for (Value::Member& member : object->members) {
      auto node = ResolveMember(&member);
      if (node) map.entries.push_back({member.key, member.place, std::move(*node), member.again});
    }
    return map;
  }

  /// The last value of the key, merged with those before it where both are objects. A value that refers to its own key
  /// gets what the key was before.
  std::optional<Node> ResolveMember(Value::Member* member) {
    Value::Member* outer = std::exchange(current_, member);
    std::optional<Node> node = member->open ? Before() : ResolveValues(member);
    current_ = outer;
    return node;
  }

  std::optional<Node> ResolveValues(Value::Member* member) {
    member->open = true;
    for (Value& value : member->values) {
      std::optional<Node> next = Resolve(&value);
      if (!next) continue;
      if (member->before && member->before->kind == Node::Kind::kMap && next->kind == Node::Kind::kMap) {
        Merge(std::move(*next), &*member->before);
      } else {
        member->before = std::move(next);
      }
    }
    member->open = false;
    return std::exchange(member->before, std::nullopt);
  }

  std::optional<Node> Before() {
    const std::optional<Node>& before = current_->before;
    if (before) steps_ += static_cast<int64_t>(before->items.size() + before->entries.size());
    return before;
  }

  static void Merge(Node from, Node* into) {
    for (Node::Entry& entry : from.entries) {
      auto same = [&](const Node::Entry& e) { return e.key == entry.key; };
      auto found = std::find_if(into->entries.begin(), into->entries.end(), same);
      if (found == into->entries.end()) {
        into->entries.push_back(std::move(entry));
      } else if (found->value.kind == Node::Kind::kMap && entry.value.kind == Node::Kind::kMap) {
        Merge(std::move(entry.value), &found->value);
      } else {
        found->value = std::move(entry.value);
      }
    }
  }

  std::optional<Node> Lookup(const Value& reference) {
    std::optional<Node> node = LookupInFile(reference.path);
    if (!node) node = LookupInEnvironment(reference.path);
    if (!node) {
      if (reference.optional) return std::nullopt;
      problems_.Add(reference.place, reference.shown + " is set neither in the file nor in the environment");
      return Unset(reference.place);
    }
    node->place = reference.place;
    if (node->kind == Node::Kind::kScalar) node->shown = reference.shown;
    return node;
  }

  /// Goes down through plain objects without resolving them as a whole: their members may refer to each other.
  std::optional<Node> LookupInFile(std::span<const std::string> path) {
    Value* object = &root_;
    while (true) {
      Value::Member* member = FindMember(object, path[0]);
      if (member == nullptr) return std::nullopt;
      member->referenced = true;
      path = path.subspan(1);
      if (!path.empty() && member->values.size() == 1 && member->values[0].kind == Value::Kind::kObject) {
        object = &member->values[0];
        continue;
      }
      std::optional<Node> node = ResolveMember(member);
      for (; node && !path.empty(); path = path.subspan(1)) {
        const Node* child = node->Find(path[0]);
        node = child == nullptr ? std::nullopt : std::optional<Node>(*child);
      }
      return node;
    }
  }

  std::optional<Node> LookupInEnvironment(const std::vector<std::string>& path) {
    std::string name = path[0];
    for (size_t i = 1; i < path.size(); ++i) name += "." + path[i];
    std::optional<std::string> variable = environment_(name);
    if (!variable) return std::nullopt;
    Node node;
    node.kind = Node::Kind::kScalar;
    node.text = std::move(*variable);
    return node;
  }

  /// Parts that stand side by side: lists, or objects, or else texts with the spaces between them.
  std::optional<Node> Join(Value* value) {
    std::optional<Node> sum;
    Node text{.kind = Node::Kind::kScalar, .place = value->place};
    bool has_text = false;
    bool fits = true;
    for (Value& part : value->items) {
      std::optional<Node> next = Resolve(&part);
      if (!next) continue;
      if (next->kind == Node::Kind::kScalar || next->kind == Node::Kind::kNull) {
        Append(*next, &text);
        has_text |= part.kind != Value::Kind::kSpace;
      } else if (!sum) {
        sum = std::move(next);
      } else if (next->kind != sum->kind) {
        fits = false;
      } else if (sum->kind == Node::Kind::kMap) {
        Merge(std::move(*next), &*sum);
      } else {
        std::move(next->items.begin(), next->items.end(), std::back_inserter(sum->items));
      }
    }
    if (sum && (has_text || !fits)) {
      problems_.Add(value->place, "text, lists and objects can't be joined with each other; put text into quotes");
      return Unset(value->place);
    }
    if (!sum && has_text) sum = std::move(text);
    return sum;
  }

  void Append(const Node& next, Node* sum) {
    if (!sum->shown.empty() || !next.shown.empty()) {
      if (sum->shown.empty()) sum->shown = sum->text;
      sum->shown += next.shown.empty() ? next.text : next.shown;
    }
    sum->text += next.text;
    sum->unset |= next.unset;
    steps_ += static_cast<int64_t>(next.text.size() / 64);
  }

  Value& root_;
  const Environment& environment_;
  Problems& problems_;
  Value::Member* current_ = nullptr;  // the one that is resolved
  int64_t steps_ = 0;
  int open_ = 0;
  bool exhausted_ = false;
};

}  // namespace
}  // namespace hocon

std::optional<Node> ReadHocon(std::string_view text, const Environment& environment, Problems* problems) {
  hocon::Value root;
  if (!hocon::Parse(text, environment, problems, &root)) return std::nullopt;
  return hocon::Resolver(&root, environment, problems).Run();
}

}  // namespace godwit
