#pragma once
// The file systems that lie under RocksDB. RocksDB headers: for .cc files of this module and tests alone.
//
// Debian's RocksDB aborts on ENOSPC in its log, and its own files cannot repeat an append that was done in part. So here
// an append is written at a remembered offset and can be repeated, and ReserveFs, on ENOSPC, gives the reserve back, tries
// again, and then waits for space: writers wait, readers go on, nothing is lost. docs/operator: DESIGN "Full disk".

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "edge/store/space_guard.h"

namespace godwit::store {

// A log is synced with each group. Where its bytes go over zeroes that are on the disk already a sync has neither the file's size
// nor its extents to write: a third less time, and less of the processor. So zeroes are written ahead of the end, and cut off at close.
class ZeroesAhead {
 public:
  static constexpr std::uint64_t kStep = 256 << 10;
  ZeroesAhead(std::string_view path, std::uint64_t size) : is_log_(path.ends_with(".log")), until_(size) {}
  // The file now ends at `end`: how many zeroes to write there, 0 while those of before last.
  std::uint64_t wanted(std::uint64_t end) const { return is_log_ && end > until_ ? kStep - end % kPage : 0; }
  void written(std::uint64_t until) { until_ = until; }
  std::uint64_t until() const { return until_; }

 private:
  static constexpr std::uint64_t kPage = 4096;
  bool is_log_;
  std::uint64_t until_;
};

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
