// The room `sqlite`: tables of one SQLite database file, as source and as transactional target.
#pragma once

#include "godwit/store.h"

namespace godwit::sqlite {

StoreFactory Factory();

}  // namespace godwit::sqlite
