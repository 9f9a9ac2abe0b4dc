#pragma once
// Reads of a snapshot: the block cache on the loop first, then the blocking pool.

#include "base/blocking_pool.h"
#include "edge/store/rocksdb_db.h"

namespace godwit::store {

std::unique_ptr<View> make_rocksdb_view(RocksDb& db, BlockingPool& pool, Partition partition);

}  // namespace godwit::store
