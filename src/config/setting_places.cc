// Where a file says what an error is about.
#include "godwit/job.h"

namespace godwit {

std::string StoreSpec::WhereOf(const std::string& option) const {
  auto place = option_where.find(option);
  if (place == option_where.end()) place = option_where.find(option.substr(0, option.find('.')));
  return place == option_where.end() ? where : place->second;
}

std::string JobSpec::WhereOf(const std::string& setting) const {
  auto place = setting_where.find(setting);
  return place == setting_where.end() ? file : place->second;
}

}  // namespace godwit
