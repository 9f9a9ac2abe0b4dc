#pragma once
// BlobWriter on segments: gathers a body into one record, or cuts it into chunks closed by a list. Internal to the segment store.

#include <memory>
#include <string>
#include <vector>

#include "edge/store/blobs.h"
#include "edge/store/segment_ram_pool.h"
#include "edge/store/segment_writer.h"

namespace godwit::store {

// Longer bodies do not stay in the RAM pool (blobs.h).
inline constexpr std::size_t kPooledBody = 64 * 1024;

class SegmentBody final : public BlobWriter {
 public:
  SegmentBody(SegmentWriter& writer, SegmentRamPool& pool, SegmentFiles& files, SpaceGuard* guard, Partition partition,
              std::uint64_t owner);
  // A copy that keeps the name `of`: made by compaction, never refused by the guard, not put into the pool.
  SegmentBody(SegmentWriter& writer, SegmentRamPool& pool, SegmentFiles& files, BlobId of, std::uint64_t owner);
  ~SegmentBody() override;

  Task<Result<void>> append(std::string_view chunk) override;
  std::uint64_t size() const override { return size_; }
  Task<Result<BlobId>> finish() override;
  Task<Result<void>> synced() override;

  // Where finish() put the record that the id names.
  Location where() const { return where_; }

 private:
  bool refused() const;
  Result<void> place_chunk();
  Result<void> place_list();
  Result<Location> place(NewRecord record);

  SegmentWriter& writer_;
  SegmentRamPool& pool_;
  SegmentFiles& files_;
  SpaceGuard* guard_ = nullptr;
  const std::size_t chunk_bytes_;
  BlobId id_;  // valid() once finished; of a copy from the beginning
  bool copy_ = false;
  bool finished_ = false;
  std::uint64_t owner_;
  std::uint64_t size_ = 0;
  std::string buffer_;
  ChunkList list_;
  Location where_;
  std::uint64_t first_group_ = 0;
  std::uint64_t last_group_ = 0;
  struct Pin {
    SegmentRef segment;
    std::uint32_t records = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Pin> pins_;
};

}  // namespace godwit::store
