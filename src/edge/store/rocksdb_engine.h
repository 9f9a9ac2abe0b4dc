#pragma once
// store::Engine on an embedded RocksDB: a column family a keyspace, one commit thread, one log.
//
// open() blocks (it checks the log, replays it and verifies small stores): not on a loop. Afterwards any thread may call.
// No coroutine may be in a call when the engine is destroyed; the destructor writes and syncs what was accepted.
// Errors of open() name the file and what to do. A failed write or sync of the log is never retried: `on_fatal` is called
// and must end the process (default: log and abort); writers get `unknown`. docs/formats/rows.md says what is on disk.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/disk.h"
#include "edge/store/engine.h"
#include "edge/store/space_guard.h"

namespace rocksdb {
class FileSystem;
}

namespace godwit::store {

struct RocksDbSettings {
  std::string path;                      // directory of the database, made if it is missing
  std::shared_ptr<SpaceGuard> space;     // shared with Blobs; null: never full, and ENOSPC is fatal
  std::uint64_t block_cache = 64 << 20;  // bytes
  std::uint64_t memtables = 64 << 20;    // bytes, of all keyspaces; the log grows to twice that
  std::uint64_t verify_at_start =
      256 << 20;  // tables are verified before open() returns when they are no larger together, else after it; see the log
  std::function<void(const std::string& why)> on_fatal;

  // For tests: what lies below. Both or neither.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::shared_ptr<Disk> disk;
};

class RocksDbEngine final : public Engine {
 public:
  static Result<std::unique_ptr<RocksDbEngine>> open(RocksDbSettings settings, BlockingPool& pool);
  ~RocksDbEngine() override;

  std::unique_ptr<View> read(Partition partition) override;
  Task<WriteDone> write(Partition partition, Batch batch) override;
  Task<Result<void>> sync() override;
  bool full() const override;

  // Reads every table and the log, on the blocking pool; a sentence for each damage, with file and place. For `store verify`.
  Task<Result<std::vector<std::string>>> verify();

 private:
  struct Impl;
  explicit RocksDbEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `store repair` on a database that is closed: salvages what verifies and says, a sentence each, what is missing.
// What was damaged is kept in <path>/damaged. An empty list: there was nothing to repair. Blocking.
Result<std::vector<std::string>> repair_rocksdb(const RocksDbSettings& settings);

}  // namespace godwit::store
