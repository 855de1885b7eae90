// The verbs of the command line and what may be given to them. CLI11 stands behind, in verb.cc and main.cc alone: its
// header takes longer to compile than a verb.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <arrow/status.h>

namespace CLI {
class App;
}

namespace godwit {

/// The values pointed to live longer than the app. A name without dashes is a position.
class Verb {
 public:
  explicit Verb(CLI::App* app) : app_(app) {}

  Verb Add(const std::string& name, const std::string& help) const;
  /// A group of options, of which exactly one has to be given.
  Verb OneOf(const std::string& name) const;
  /// Leaves the verb out of the help.
  void Hide() const;

  void Flag(const std::string& name, bool* value, const std::string& help) const;
  void Option(const std::string& name, std::string* value, const std::string& help) const;
  void Required(const std::string& name, std::string* value, const std::string& help) const;
  /// May be given several times, with one value each.
  void Option(const std::string& name, std::vector<std::string>* values, const std::string& help) const;
  void Option(const std::string& name, std::optional<int32_t>* value, const std::string& help) const;
  void Option(const std::string& name, std::optional<int64_t>* value, const std::string& help) const;
  /// `take` says what is wrong with a value. `type` is its name in the help.
  void Option(const std::string& name, const std::string& type,
              const std::function<arrow::Status(const std::string&)>& take, const std::string& help) const;

  void Footer(const std::string& text) const;
  /// Called when the verb was chosen and everything given to it is right.
  void OnChosen(const std::function<void()>& call) const;

 private:
  CLI::App* app_;
};

}  // namespace godwit
