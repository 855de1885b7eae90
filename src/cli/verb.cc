#include "cli/verb.h"

#include <CLI/CLI.hpp>

namespace godwit {

Verb Verb::Add(const std::string& name, const std::string& help) const {
  return Verb(app_->add_subcommand(name, help));
}

Verb Verb::OneOf(const std::string& name) const {
  auto* group = app_->add_option_group(name);
  group->require_option(1);
  return Verb(group);
}

void Verb::Hide() const { app_->group(""); }

void Verb::Flag(const std::string& name, bool* value, const std::string& help) const {
  app_->add_flag(name, *value, help);
}

void Verb::Option(const std::string& name, std::string* value, const std::string& help) const {
  app_->add_option(name, *value, help);
}

void Verb::Required(const std::string& name, std::string* value, const std::string& help) const {
  app_->add_option(name, *value, help)->required();
}

void Verb::Option(const std::string& name, std::vector<std::string>* values, const std::string& help) const {
  app_->add_option(name, *values, help)->allow_extra_args(false);
}

void Verb::Option(const std::string& name, std::optional<int32_t>* value, const std::string& help) const {
  app_->add_option(name, *value, help);
}

void Verb::Option(const std::string& name, std::optional<int64_t>* value, const std::string& help) const {
  app_->add_option(name, *value, help);
}

void Verb::Option(const std::string& name, const std::string& type,
                  const std::function<arrow::Status(const std::string&)>& take, const std::string& help) const {
  auto call = [take](const std::string& text) {
    if (arrow::Status status = take(text); !status.ok()) throw CLI::ValidationError(status.message());
  };
  app_->add_option_function<std::string>(name, call, help)->type_name(type);
}

void Verb::Footer(const std::string& text) const { app_->footer(text); }

void Verb::OnChosen(const std::function<void()>& call) const { app_->callback(call); }

}  // namespace godwit
