// The room `files`: a folder of Parquet files, as source and as target.
#pragma once

#include "godwit/store.h"

namespace godwit::files {

StoreFactory Factory();

}  // namespace godwit::files
