#pragma once
// The file systems that lie under RocksDB. RocksDB headers: for .cc files of this module and tests alone.
//
// Debian's RocksDB aborts on ENOSPC in its log, and its own files cannot repeat an append that was done in part. So here
// an append is written at a remembered offset and can be repeated, and ReserveFs, on ENOSPC, gives the reserve back, tries
// again, and then waits for space: writers wait, readers go on, nothing is lost. docs/operator: DESIGN "Full disk".

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>

#include "edge/store/space_guard.h"

namespace godwit::store {

// The machine's files, with appends that can be repeated.
std::shared_ptr<rocksdb::FileSystem> make_posix_file_system();

// Shared by the file system and the engine that ends it.
class SpaceWait {
 public:
  explicit SpaceWait(std::shared_ptr<SpaceGuard> guard) : guard_(std::move(guard)) {}
  // After ENOSPC: true when it is worth trying again. Blocks for a moment when there is no reserve to give back.
  bool again();
  void stop_waiting() { stopped_.store(true); }

 private:
  std::shared_ptr<SpaceGuard> guard_;
  std::atomic<bool> stopped_{false};
};

// `below` must repeat a failed append cleanly: make_posix_file_system(), testing/rocksdb_on_disk.h.
std::shared_ptr<rocksdb::FileSystem> make_reserve_file_system(std::shared_ptr<rocksdb::FileSystem> below, std::shared_ptr<SpaceWait> wait);

}  // namespace godwit::store
