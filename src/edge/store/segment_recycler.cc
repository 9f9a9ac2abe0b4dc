#include "edge/store/segment_recycler.h"

#include "base/log.h"

namespace godwit::store {
namespace {

constexpr std::size_t kAsksBetweenYields = 64;  // so that a full segment does not hold up its loop

}  // namespace

struct SegmentRecycler::Examination {
  SegmentRef segment;
  Findings findings;
  std::map<Location, Verdict> bodies;  // of long bodies, by their first chunk
  std::size_t asked = 0;
};

SegmentRecycler::SegmentRecycler(SegmentFiles& files, SegmentWriter& writer, SegmentReader& reader, Engine& engine, BlockingPool& pool)
    : files_(files), writer_(writer), reader_(reader), engine_(engine), pool_(pool) {}

bool SegmentRecycler::may_examine(const Segment& segment) {
  return segment.sealed.load(std::memory_order_acquire) && segment.writers.load(std::memory_order_acquire) == 0;
}

Task<Result<void>> SegmentRecycler::erase_moved_row(BlobId id, RowVersion version) {
  std::string key = moved_blob_key(id);
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  batch.require(Keyspace::blob_refs, key, version);
  batch.erase(Keyspace::blob_refs, std::move(key));
  const WriteDone done = co_await engine_.write(id.partition, std::move(batch));
  co_return as_result(done, "erasing where a dead blob lies");
}

// Whether the blob is live and this, of all its copies, is the one that is read.
Task<Result<bool>> SegmentRecycler::needed(BlobId id, std::uint64_t owner, Location where) {
  BlobOwners* owners = owners_.load(std::memory_order_acquire);
  GODWIT_CO_ASSIGN(const bool live, co_await owners->is_live(id, owner));
  const bool original = where == Location{id.segment, id.offset};
  if (!live && original) co_return false;
  GODWIT_CO_ASSIGN(const std::optional<MovedRow> row, co_await reader_.moved(id));
  const bool here = row ? row->at == where : original;
  if (!live && row && here) GODWIT_CO_TRY(co_await erase_moved_row(id, row->version));
  co_return live&& here;
}

// A chunk is needed if the list that closes its body is. The list lies in this segment or in a later one.
Task<Result<SegmentRecycler::Verdict>> SegmentRecycler::judge_chunk(const IndexEntry& entry, Examination& examination) {
  const auto known = examination.bodies.find(entry.body);
  if (known != examination.bodies.end()) co_return known->second;
  Verdict verdict = Verdict::dead;  // an abandoned body has no list
  const auto list = files_.find_span(entry.body);
  ReaderPin pin = list ? files_.pin(list->segment) : ReaderPin();
  if (pin) {
    const Location where = *list;
    co_await writer_.settled(where);
    Segment& segment = *pin;
    auto work = [this, &segment, where] { return reader_.load_header(segment, where.offset); };
    const Result<RecordHeader> header = co_await pool_.run(std::move(work));
    if (!header) {
      verdict = Verdict::unreadable;
    } else {
      const BlobId id = header->blob;
      const std::uint64_t owner = header->owner;
      GODWIT_CO_ASSIGN(const bool is_needed, co_await needed(id, owner, where));
      verdict = is_needed ? Verdict::needed : Verdict::dead;
      if (is_needed) examination.findings.blobs.push_back({id, owner});
    }
  }
  examination.bodies[entry.body] = verdict;
  co_return verdict;
}

Task<Result<Findings>> SegmentRecycler::examine(SegmentRef segment) {
  Examination examination{segment, {}, {}, 0};
  auto work = [this, segment] { return reader_.load_index(*segment); };
  GODWIT_CO_ASSIGN(const std::vector<IndexEntry> index, co_await pool_.run(std::move(work)));
  Findings& findings = examination.findings;
  for (const IndexEntry& entry : index) {
    if (entry.type == RecordType::chunk) continue;
    if (++examination.asked % kAsksBetweenYields == 0) co_await yield_loop();
    const Location where{segment->head.number, entry.offset};
    GODWIT_CO_ASSIGN(const bool is_needed, co_await needed(entry.blob, entry.owner, where));
    if (entry.type == RecordType::list) examination.bodies[entry.body] = is_needed ? Verdict::needed : Verdict::dead;
    if (!is_needed) continue;
    findings.needed_bytes += static_cast<std::int64_t>(record_bytes(entry.length));
    findings.blobs.push_back({entry.blob, entry.owner});
  }
  for (const IndexEntry& entry : index) {
    if (entry.type != RecordType::chunk) continue;
    GODWIT_CO_ASSIGN(const Verdict verdict, co_await judge_chunk(entry, examination));
    if (verdict == Verdict::dead) continue;
    findings.needed_bytes += static_cast<std::int64_t>(record_bytes(entry.length));
    findings.unreadable = findings.unreadable || verdict == Verdict::unreadable;
  }
  segment->live.store(findings.needed_bytes, std::memory_order_relaxed);
  co_return std::move(findings);
}

Task<Result<bool>> SegmentRecycler::recycle(SegmentRef segment) {
  GODWIT_CO_TRY(co_await engine_.sync());
  if (!files_.retire(*segment)) co_return false;
  recycled_.fetch_add(1, std::memory_order_relaxed);
  co_return true;
}

}  // namespace godwit::store
