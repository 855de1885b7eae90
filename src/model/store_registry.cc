#include <algorithm>

#include "godwit/store.h"

namespace godwit {

const StoreFactory* FindStore(const StoreRegistry& stores, std::string_view name) {
  auto found =
      std::find_if(stores.begin(), stores.end(), [&](const StoreFactory& store) { return store.name == name; });
  return found == stores.end() ? nullptr : &*found;
}

}  // namespace godwit
