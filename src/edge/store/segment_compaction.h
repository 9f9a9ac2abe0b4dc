#pragma once
// Moves what is still needed out of a segment that is mostly garbage: copies, syncs the copies, then writes the rows that say where the
// blobs lie now. Internal to the segment store; used by one maintain() at a time.

#include <memory>
#include <vector>

#include "edge/store/segment_body.h"
#include "edge/store/segment_reader.h"
#include "edge/store/segment_recycler.h"

namespace godwit::store {

class SegmentCompaction {
 public:
  SegmentCompaction(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, SegmentRamPool& bodies, Engine& engine);

  // true when every blob of the findings lies elsewhere now, rows included, durably. A blob that does not verify stays
  // (segment.stuck is set); one that was moved or dropped meanwhile is left to the next examination.
  Task<Result<bool>> move_out(SegmentRef segment, Findings findings);
  std::uint64_t moved() const { return moved_; }

 private:
  struct Copy {
    BlobId id;
    std::optional<RowVersion> row;      // of the row as it was before copying
    std::unique_ptr<SegmentBody> body;  // pins the copy until the row is there
  };
  Task<Result<Copy>> copy(NeededBlob blob);
  Task<Result<bool>> write_row(const Copy& copy);

  SegmentFiles& files_;
  SegmentWriter& writer_;
  SegmentReader& reader_;
  SegmentRamPool& bodies_;
  Engine& engine_;
  std::atomic<std::uint64_t> moved_{0};
};

}  // namespace godwit::store
