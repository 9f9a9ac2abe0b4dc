#pragma once
// Reads every record of every segment and says which do not verify. Internal to the segment store; for `store verify`.

#include <map>
#include <set>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/segment_files.h"
#include "edge/store/segment_reader.h"
#include "edge/store/segment_writer.h"

namespace godwit::store {

class SegmentVerifier {
 public:
  SegmentVerifier(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, BlockingPool& pool);
  // Oldest first. Once.
  Task<Result<std::vector<BlobDamage>>> run();

 private:
  Task<Result<void>> verify(std::uint32_t number, std::vector<IndexEntry> index, bool load);
  Result<void> verify_records(Segment& segment, const std::vector<IndexEntry>& index);
  Result<void> verify_footer(Segment& segment);
  Result<void> verify_lists();
  void report(const Segment& segment, const IndexEntry& entry, std::string what);

  SegmentFiles& files_;
  SegmentWriter& writer_;
  SegmentReader& reader_;
  BlockingPool& pool_;
  std::vector<BlobDamage> damage_;
  std::set<Location> bad_chunks_;
  std::map<Location, IndexEntry> lists_;
};

}  // namespace godwit::store
