#pragma once
// What a start finds in the segment files. Sealed segments below the highest sync mark are taken as they are; the others are read
// whole, past damage, and sealed, so that the writer begins in a fresh segment. Internal to the segment store. Blocking.

#include <cstdint>
#include <vector>

#include "edge/store/blobs.h"
#include "edge/store/segment_files.h"

namespace godwit::store {

struct Recovered {
  std::vector<BlobDamage> damage;  // oldest first
  Location mark;                   // everything before it was synced
  std::uint32_t first_number = 1;  // of the writer: above every number that was ever given out
  std::uint32_t scanned = 0;       // segments that were read whole
};

Result<Recovered> recover_segments(SegmentFiles& files);

}  // namespace godwit::store
