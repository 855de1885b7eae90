// The room `blackhole`: a target that forgets every row, to measure what reading and the engine cost by themselves.
#pragma once

#include "godwit/store.h"

namespace godwit::blackhole {

StoreFactory Factory();

}  // namespace godwit::blackhole
