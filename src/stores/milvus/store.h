// The room `milvus`: Milvus 2.3 and newer, and Milvus Lite, by gRPC. See README.md.
#pragma once

#include "godwit/store.h"

namespace godwit::milvus {

StoreFactory Factory();

}  // namespace godwit::milvus
