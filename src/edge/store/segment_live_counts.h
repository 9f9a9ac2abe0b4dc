#pragma once
// How many bytes of each segment are live: counted in memory, written to rows now and then. A hint that says which segment is worth
// a look; nothing is given up because of it. Internal to the segment store; but for drop(), used by one maintain() at a time.

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/engine.h"
#include "edge/store/segment_files.h"
#include "edge/store/segment_reader.h"

namespace godwit::store {

class SegmentLiveCounts {
 public:
  SegmentLiveCounts(SegmentFiles& files, SegmentReader& reader, Engine& engine, BlockingPool& pool);

  // The rows of an earlier run, once.
  Task<Result<void>> load();
  // `size` if it is known without a look at the disk: then it is a body of one record. Any thread.
  void drop(BlobId id, std::optional<std::size_t> size);
  // Looks up the records of what was dropped without a known size.
  Task<Result<void>> settle_drops();
  // Writes the counts that have changed, lazily.
  Task<Result<void>> checkpoint();
  void forget(std::uint32_t segment) { forgotten_.push_back(segment); }

 private:
  void subtract(Location where);  // blocking
  Task<Result<void>> settle(std::vector<BlobId> ids);

  SegmentFiles& files_;
  SegmentReader& reader_;
  Engine& engine_;
  BlockingPool& pool_;
  std::mutex mutex_;
  std::vector<BlobId> dropped_;
  std::vector<std::uint32_t> forgotten_;
  bool loaded_ = false;
};

}  // namespace godwit::store
