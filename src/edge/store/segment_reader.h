#pragma once
// Reads blobs out of segments, each record checked against its CRC before a byte of it is given out. The disk is read on the
// blocking pool. Internal to the segment store. Any thread.

#include <memory>
#include <optional>
#include <string>

#include "base/blocking_pool.h"
#include "edge/store/segment_files.h"
#include "edge/store/segment_ram_pool.h"
#include "edge/store/segment_writer.h"

namespace godwit::store {

struct LoadedRecord {
  RecordHeader header;
  std::string bytes;  // header and payload
  std::string_view payload() const { return std::string_view(bytes).substr(kRecordHeaderBytes, header.length); }
};

struct MovedRow {
  Location at;
  RowVersion version = 0;
};

std::string moved_blob_value(Location at);  // value of the row moved_blob_key()

class SegmentReader {
 public:
  SegmentReader(SegmentFiles& files, SegmentWriter& writer, SegmentRamPool& bodies, Engine& engine, BlockingPool& pool);

  Task<Result<std::string>> read(BlobId id, std::uint64_t offset, std::size_t length);
  Task<Result<std::uint64_t>> size(BlobId id);
  // The row that says where compaction has put it, if it did.
  Task<Result<std::optional<MovedRow>>> moved(BlobId id);

  // Blocking, the segment pinned by the caller. `corrupt` when it does not verify, `not_found` behind the last record.
  Result<LoadedRecord> load(Segment& segment, std::uint32_t offset, std::size_t guess = 0);
  Result<RecordHeader> load_header(Segment& segment, std::uint32_t offset);
  // The records of a sealed segment: by its footer, or, where that is damaged, by a scan.
  Result<std::vector<IndexEntry>> load_index(Segment& segment);

 private:
  struct Request {
    BlobId id;
    std::uint64_t offset = 0;
    std::size_t length = 0;
    bool size_alone = false;
  };
  struct Answer {
    std::string bytes;
    std::uint64_t size = 0;
  };
  Task<Result<Answer>> ask(Request request);
  Task<Result<Answer>> ask_at(Location where, Request request);
  Result<Answer> answer(Segment& segment, std::uint32_t offset, const Request& request);
  Result<Answer> answer_list(std::string_view list, const Request& request);
  Result<std::shared_ptr<const std::string>> chunk(const ChunkRef& ref, bool more_to_come);
  Result<void> holds(const Segment& segment, std::uint32_t offset) const;  // not_found if nothing was kept there
  Error damaged(const Segment& segment, std::uint32_t offset) const;

  SegmentFiles& files_;
  SegmentWriter& writer_;
  SegmentRamPool& bodies_;
  Engine& engine_;
  BlockingPool& pool_;
  SegmentRamPool pieces_;  // long records that are being read piece by piece
};

}  // namespace godwit::store
