#pragma once
// Free space of the disk that holds the store: when to refuse new mail, and a reserve for what must still be written.
//
// RocksDB and the segment files share one guard. Below `min_free` the store is full: growth is refused (452 4.3.1), the
// reserve stays, deliveries and deletions go on. Whoever hits ENOSPC nevertheless calls give_back_reserve() and tries once
// more. `full` ends when free space passes min_free + reserve and the reserve is held again, so it does not flap.
// Any thread. full() is one atomic load; the rest blocks (statvfs, fallocate, unlink): never on a loop.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"

namespace godwit::store {

// What the guard needs of a file system; tests pass their own.
class Space {
 public:
  virtual ~Space() = default;
  virtual Result<std::uint64_t> free_bytes() = 0;
  virtual Result<void> hold(std::uint64_t bytes) = 0;  // takes the reserve, whole or not at all; `full` when it does not fit
  virtual Result<void> give_back() = 0;                // no reserve held is no error
};

// The reserve is the file `<directory>/reserve`, preallocated.
std::unique_ptr<Space> make_posix_space(std::string directory);

class SpaceGuard {
 public:
  static constexpr std::uint64_t kReserve = 64ull << 20;

  // Takes the reserve at once where it fits; otherwise the guard begins as full.
  SpaceGuard(std::unique_ptr<Space> space, std::uint64_t min_free, std::uint64_t reserve = kReserve);

  bool full() const { return full_.load(std::memory_order_relaxed); }
  // true if there was a reserve to give back: the caller tries again. The store is full from now on.
  bool give_back_reserve();
  // Looks at the free space; cheap (one statvfs), called every second or so by the commit thread. Ends `full` when it may.
  void check();

 private:
  std::unique_ptr<Space> space_;
  const std::uint64_t min_free_;
  const std::uint64_t reserve_;
  std::mutex mutex_;
  bool holding_ = false;
  std::atomic<bool> full_{false};
};

}  // namespace godwit::store
