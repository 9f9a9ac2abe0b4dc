#pragma once
// store::Blobs on segment files: append-only files of 64 MiB with a writer thread and a group sync of their own, recovery that
// reads past damage, recycling and compaction. docs/formats/segments.md describes the files.
//
//   auto blobs = open_segments({.directory = data_dir + "/segments"}, disk, engine, pool, clock, &guard);   // blocking: at the start
//   ... open the state; blobs->set_owners(&owners) ...
//   net::spawn(loop, group, "segments", upkeep(*blobs, clock));   // calls maintain() every few seconds
//
// Any thread may call; the object outlives its writers, reads and maintain(). The disk, engine, pool, clock and guard
// outlive it. Its destructor writes and syncs what was finished.
//
// A failed write or sync other than ENOSPC is never tried again (the kernel forgets what it could not write): the fatal
// handler is called. ENOSPC gives the guard's reserve back and tries once more; then append() answers `full` until
// maintain() finds room for the next segment.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "edge/store/blobs.h"
#include "edge/store/disk.h"
#include "edge/store/engine.h"

namespace godwit::store {

class SpaceGuard;

struct SegmentSettings {
  std::string directory;
  std::uint32_t segment_bytes = 64u << 20;  // of new files; a multiple of 4096
  std::uint32_t chunk_bytes = 256u << 10;   // a longer body is cut into chunks of so much
  std::size_t ram_pool_bytes = 64u << 20;
  std::size_t queue_bytes = 64u << 20;      // finished or cut off but not yet synced; then append() waits
  Duration idle_mark{100};                  // an idle writer adds a sync mark after so long
  bool prewrite = true;                     // write zeroes into new files (in the background), so that syncs change no metadata
  std::size_t spare_files = 2;              // free files that are kept, beside those that the load needs; more are deleted
  std::function<void(const Error&)> fatal;  // default: logs and aborts. If it returns, everything fails from then on
};

class Segments : public Blobs {
 public:
  // Background work, in this order: segments in which nothing is needed are recycled, what is more than half garbage is
  // compacted, live counts are checkpointed. Call it right after the start and every few seconds from one task; a call while
  // another runs does nothing. Its pace: as many records as fit into one segment are looked at, and moved, a call.
  virtual Task<> maintain() = 0;

  struct Statistics {
    std::uint64_t segments = 0;  // files in use
    std::uint64_t free_files = 0;
    std::uint64_t live_bytes = 0;  // a hint
    std::uint64_t recycled = 0;    // since the start
    std::uint64_t compacted = 0;
    std::uint64_t groups = 0;  // syncs of the writer
  };
  virtual Statistics statistics() const = 0;
};

// Creates the directory, recovers what is there and starts the writer. `guard` may be null. What recovery found is in
// Blobs::damage(): the caller logs it. After a start, a blob that a power cut took before it was acknowledged is not_found;
// an acknowledged one that does not verify is corrupt.
Result<std::unique_ptr<Segments>> open_segments(SegmentSettings settings, Disk& disk, Engine& engine, BlockingPool& pool, Clock& clock,
                                                SpaceGuard* guard);

// Where compaction has put a blob: keyspace blob_refs, partition of the blob. Outside the range of the blob's references.
std::string moved_blob_key(BlobId id);

}  // namespace godwit::store
