#include "edge/store/segment_compaction.h"

#include "base/log.h"

namespace godwit::store {

SegmentCompaction::SegmentCompaction(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, SegmentRamPool& bodies,
                                     Engine& engine)
    : files_(files), writer_(writer), reader_(reader), bodies_(bodies), engine_(engine) {}

Task<Result<SegmentCompaction::Copy>> SegmentCompaction::copy(NeededBlob blob) {
  Copy made;
  made.id = blob.id;
  GODWIT_CO_ASSIGN(const std::optional<MovedRow> row, co_await reader_.moved(blob.id));
  if (row) made.row = row->version;
  made.body = std::make_unique<SegmentBody>(writer_, bodies_, files_, blob.id, blob.owner);
  const std::size_t piece_bytes = files_.settings().chunk_bytes;
  for (std::uint64_t offset = 0;;) {
    GODWIT_CO_ASSIGN(const std::string piece, co_await reader_.read(blob.id, offset, piece_bytes));
    GODWIT_CO_TRY(co_await made.body->append(piece));
    offset += piece.size();
    if (piece.size() < piece_bytes) break;
  }
  GODWIT_CO_TRY(co_await made.body->finish());
  co_return std::move(made);
}

Task<Result<bool>> SegmentCompaction::write_row(const Copy& copy) {
  std::string key = moved_blob_key(copy.id);
  Batch batch;
  batch.durability = Batch::Durability::lazy;  // one sync for all of them follows, before the old segment goes
  batch.require(Keyspace::blob_refs, key, copy.row);
  batch.put(Keyspace::blob_refs, std::move(key), moved_blob_value(copy.body->where()));
  const WriteDone done = co_await engine_.write(copy.id.partition, std::move(batch));
  if (done.outcome == WriteOutcome::conflict || done.outcome == WriteOutcome::fenced) co_return false;
  GODWIT_CO_TRY(as_result(done, "saying where a moved blob lies"));
  co_return true;
}

Task<Result<bool>> SegmentCompaction::move_out(SegmentRef segment, Findings findings) {
  bool all = !findings.unreadable;
  std::vector<Copy> copies;
  for (const NeededBlob& blob : findings.blobs) {
    Result<Copy> made = co_await copy(blob);
    if (made) {
      copies.push_back(std::move(*made));
      continue;
    }
    if (made.error().cause != Error::Cause::corrupt && made.error().cause != Error::Cause::not_found) co_return fail(made.error());
    log::error("a message body that is needed does not verify",
               {{"blob", blob.id.text()}, {"owner", blob.owner}, {"error", made.error().text}});
    segment->stuck = true;
    all = false;
  }
  for (const Copy& one : copies) GODWIT_CO_TRY(co_await one.body->synced());
  for (const Copy& one : copies) {
    GODWIT_CO_ASSIGN(const bool written, co_await write_row(one));
    all = all && written;
    if (written) moved_.fetch_add(1, std::memory_order_relaxed);
  }
  GODWIT_CO_TRY(co_await engine_.sync());
  co_return all;
}

}  // namespace godwit::store
