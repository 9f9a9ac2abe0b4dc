#pragma once
// Which records of a segment are still needed, asked of the rows and never guessed; and giving back the file of a segment in which
// none is. Internal to the segment store; used by one maintain() at a time.

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/engine.h"
#include "edge/store/segment_files.h"
#include "edge/store/segment_reader.h"

namespace godwit::store {

// A blob that needs bytes of the segment.
struct NeededBlob {
  BlobId id;
  std::uint64_t owner = 0;
};

struct Findings {
  std::int64_t needed_bytes = 0;
  std::vector<NeededBlob> blobs;
  bool unreadable = false;  // a list that would tell whether its chunks are needed cannot be read: they count as needed
};

class SegmentRecycler {
 public:
  SegmentRecycler(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, Engine& engine, BlockingPool& pool);

  void set_owners(BlobOwners* owners) { owners_.store(owners, std::memory_order_release); }
  bool has_owners() const { return owners_.load(std::memory_order_acquire) != nullptr; }

  // Sealed, and no BlobWriter of a body in it is left: whoever needs one of its records has a row by now.
  static bool may_examine(const Segment& segment);
  // Asks about each record. Also erases the rows of moved blobs that are dead. The segment's live count is set to the truth.
  Task<Result<Findings>> examine(SegmentRef segment);
  // After examine() found nothing (or everything was moved): makes the erasures that freed it durable, then frees its file.
  // false while somebody reads it.
  Task<Result<bool>> recycle(SegmentRef segment);
  std::uint64_t recycled() const { return recycled_.load(std::memory_order_relaxed); }

 private:
  enum class Verdict : std::uint8_t { needed, dead, unreadable };
  struct Examination;
  Task<Result<bool>> needed(BlobId id, std::uint64_t owner, Location where);
  Task<Result<Verdict>> judge_chunk(const IndexEntry& entry, Examination& examination);
  Task<Result<void>> erase_moved_row(BlobId id, RowVersion version);

  SegmentFiles& files_;
  SegmentWriter& writer_;
  SegmentReader& reader_;
  Engine& engine_;
  BlockingPool& pool_;
  std::atomic<BlobOwners*> owners_{nullptr};
  std::atomic<std::uint64_t> recycled_{0};
};

}  // namespace godwit::store
