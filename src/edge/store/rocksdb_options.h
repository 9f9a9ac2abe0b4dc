#pragma once
// How RocksDB is set up, and why. RocksDB headers: for .cc files of this module alone.

#include <rocksdb/options.h>

#include <cstdint>

#include "edge/store/engine.h"

namespace godwit::store {

struct RocksDbMemory {
  std::uint64_t block_cache = 0;
  std::uint64_t memtables = 0;
};

rocksdb::DBOptions database_options(rocksdb::Env* env, const RocksDbMemory& memory);
rocksdb::ColumnFamilyOptions family_options(Keyspace keyspace, const RocksDbMemory& memory, const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace godwit::store
