#pragma once
// Reads RocksDB's tables and names those that do not verify. Blocking: never on a loop.

#include <atomic>
#include <string>
#include <vector>

#include "edge/store/rocksdb_db.h"

namespace godwit::store {

struct TableDamage {
  std::string file;
  std::string what;

  std::string text() const { return file + ": " + what; }
};

std::uint64_t bytes_of_tables(RocksDb& db);
// Ends early when `stop` is set.
std::vector<TableDamage> verify_tables(RocksDb& db, const std::atomic<bool>& stop);

}  // namespace godwit::store
