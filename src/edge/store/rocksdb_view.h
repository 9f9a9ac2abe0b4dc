#pragma once
// Reads of a snapshot: a single row from the block cache on the loop, if it is there; the rest on the blocking pool.

#include "base/blocking_pool.h"
#include "edge/store/rocksdb_db.h"

namespace godwit::store {

std::unique_ptr<View> make_rocksdb_view(RocksDb& db, BlockingPool& pool, Partition partition);

}  // namespace godwit::store
