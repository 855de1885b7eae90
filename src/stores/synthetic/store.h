// The room `synthetic`: a source that makes its rows up, each a pure function of the seed and its number.
#pragma once

#include "godwit/store.h"

namespace godwit::synthetic {

StoreFactory Factory();

}  // namespace godwit::synthetic
