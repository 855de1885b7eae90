// The only list of stores. Adding one is an include and a line here, and a folder beside this file.
#include "godwit/store.h"
#include "stores/blackhole/store.h"
#include "stores/files/store.h"
#include "stores/milvus/store.h"
#include "stores/sqlite/store.h"
#include "stores/synthetic/store.h"

namespace godwit {

const StoreRegistry& AllStores() {
  static const StoreRegistry stores = {
      blackhole::Factory(), files::Factory(), milvus::Factory(), sqlite::Factory(), synthetic::Factory(),
  };
  return stores;
}

}  // namespace godwit
