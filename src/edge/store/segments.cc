#include "edge/store/segments.h"

#include <cstdlib>
#include <mutex>

#include "base/bytes.h"
#include "base/log.h"
#include "edge/store/segment_body.h"
#include "edge/store/segment_compaction.h"
#include "edge/store/segment_live_counts.h"
#include "edge/store/segment_recovery.h"
#include "edge/store/segment_recycler.h"
#include "edge/store/segment_verify.h"
#include "edge/store/space_guard.h"

namespace godwit::store {
namespace {

constexpr std::size_t kExaminedACall = 16;             // segments that look empty
constexpr Duration kExamineAgain{6 * 60 * 60 * 1000};  // live counts drift (a drop lost in a crash): look once in so long

void log_and_abort(const Error& error) {
  log::error("message bytes cannot be written; what was acknowledged is safe, the server ends", {{"error", error.text}});
  log::flush();
  std::abort();
}

class SegmentStore final : public Segments {
 public:
  SegmentStore(SegmentSettings settings, Disk& disk, Engine& engine, BlockingPool& pool, Clock& clock, SpaceGuard* guard)
      : settings_(std::move(settings)), engine_(engine), pool_(pool), clock_(clock), guard_(guard), files_(settings_, disk, pool, guard) {
    if (!settings_.fatal) settings_.fatal = log_and_abort;
  }

  Result<void> open();

  std::unique_ptr<BlobWriter> begin(Partition partition, std::uint64_t owner) override {
    return std::make_unique<SegmentBody>(*writer_, bodies_, files_, guard_, partition, owner);
  }
  Task<Result<std::string>> read(BlobId id, std::uint64_t offset, std::size_t length) override { return reader_->read(id, offset, length); }
  Task<Result<std::uint64_t>> size(BlobId id) override { return reader_->size(id); }
  void drop(BlobId id) override { counts_->drop(id, bodies_.take(id)); }
  bool was_synced(BlobId id) const override { return Location{id.segment, id.offset} < recovered_.mark; }
  void set_owners(BlobOwners* owners) override { recycler_->set_owners(owners); }
  const std::vector<BlobDamage>& damage() const override { return recovered_.damage; }
  Task<Result<std::vector<BlobDamage>>> verify() override;
  bool full() const override { return files_.no_space() || (guard_ != nullptr && guard_->full()); }
  Task<> maintain() override;
  Statistics statistics() const override;

 private:
  Task<Result<void>> tend();
  Task<Result<void>> recycle_empty();
  Task<Result<void>> look_around();
  Task<Result<void>> look_at(SegmentRef segment, bool may_move);
  void note_counts();
  SegmentRef choose() const;

  SegmentSettings settings_;
  Engine& engine_;
  BlockingPool& pool_;
  Clock& clock_;
  SpaceGuard* guard_;
  SegmentRamPool bodies_{settings_.ram_pool_bytes};
  SegmentFiles files_;
  Recovered recovered_;
  std::unique_ptr<SegmentWriter> writer_;
  std::unique_ptr<SegmentReader> reader_;
  std::unique_ptr<SegmentLiveCounts> counts_;
  std::unique_ptr<SegmentRecycler> recycler_;
  std::unique_ptr<SegmentCompaction> compaction_;
  std::atomic<bool> maintaining_{false};
};

Result<void> SegmentStore::open() {
  GODWIT_ASSIGN(recovered_, recover_segments(files_));
  // The number must be on the disk before an id with it is given out. Without room for it, nothing is accepted yet.
  if (const auto made = files_.make_spare(recovered_.first_number); !made && made.error().cause != Error::Cause::full)
    return fail(made.error());
  writer_ = std::make_unique<SegmentWriter>(files_, recovered_.first_number);
  reader_ = std::make_unique<SegmentReader>(files_, *writer_, bodies_, engine_, pool_);
  counts_ = std::make_unique<SegmentLiveCounts>(files_, *reader_, engine_, pool_);
  recycler_ = std::make_unique<SegmentRecycler>(files_, *writer_, *reader_, engine_, pool_);
  compaction_ = std::make_unique<SegmentCompaction>(files_, *writer_, *reader_, bodies_, engine_);
  return {};
}

Task<Result<std::vector<BlobDamage>>> SegmentStore::verify() {
  SegmentVerifier verifier(files_, *writer_, *reader_, pool_);
  co_return co_await verifier.run();
}

Task<> SegmentStore::maintain() {
  if (maintaining_.exchange(true)) co_return;
  const Result<void> done = co_await tend();
  if (!done) log::warning("upkeep of the segment files will be tried again", {{"error", done.error().text}});
  maintaining_.store(false);
}

Task<Result<void>> SegmentStore::tend() {
  GODWIT_CO_TRY(co_await counts_->load());
  GODWIT_CO_TRY(co_await counts_->settle_drops());
  if (recycler_->has_owners()) {
    GODWIT_CO_TRY(co_await recycle_empty());
    GODWIT_CO_TRY(co_await look_around());
  }
  GODWIT_CO_TRY(co_await counts_->checkpoint());
  const bool no_space = files_.no_space();
  const std::uint32_t wanted = writer_->wanted();
  auto work = [this, no_space, wanted]() -> Result<void> {
    if (no_space) ignore(files_.make_spare(wanted), "still no room: the next call tries again");
    files_.trim();
    return {};
  };
  co_return co_await pool_.run(std::move(work));
}

Task<Result<void>> SegmentStore::recycle_empty() {
  std::size_t left = kExaminedACall;
  for (const SegmentRef& segment : files_.all()) {
    if (left == 0) break;
    if (segment->live.load(std::memory_order_relaxed) > 0 || segment->stuck || !SegmentRecycler::may_examine(*segment)) continue;
    --left;
    GODWIT_CO_TRY(co_await look_at(segment, false));
  }
  co_return Result<void>{};
}

// What is still being delivered empties by itself: only what has stood still since the last call is worth moving. What this run has
// sealed was counted from its first record on: to ask about each message that has just been accepted would tell nothing new.
void SegmentStore::note_counts() {
  for (const SegmentRef& segment : files_.all()) {
    const std::int64_t live = segment->live.load(std::memory_order_relaxed);
    segment->still = std::exchange(segment->last_live, live) == live;
    const bool of_this_run = segment->head.number >= recovered_.first_number;
    if (of_this_run && !segment->examined && SegmentRecycler::may_examine(*segment)) segment->examined = clock_.steady();
  }
}

// What has not been examined for long, first; else the emptiest one that is worth moving.
SegmentRef SegmentStore::choose() const {
  SegmentRef unexamined;
  SegmentRef emptiest;
  for (const SegmentRef& segment : files_.all()) {
    if (segment->stuck || !SegmentRecycler::may_examine(*segment)) continue;
    const std::int64_t live = segment->live.load(std::memory_order_relaxed);
    const bool due = !segment->examined || clock_.steady() - *segment->examined >= kExamineAgain;
    if (due && (!unexamined || live < unexamined->live)) unexamined = segment;
    if (segment->still && live * 2 < segment->head.bytes && (!emptiest || live < emptiest->live)) emptiest = segment;
  }
  if (unexamined) return unexamined;
  return files_.no_space() ? nullptr : emptiest;
}

// A segment's worth of records a call: one full segment, or several that a start left half empty.
Task<Result<void>> SegmentStore::look_around() {
  note_counts();
  for (std::uint64_t looked_at = 0; looked_at < settings_.segment_bytes;) {
    const SegmentRef segment = choose();
    if (!segment) break;
    looked_at += segment->end.load(std::memory_order_relaxed);
    GODWIT_CO_TRY(co_await look_at(segment, !files_.no_space()));
    segment->still = false;
  }
  co_return Result<void>{};
}

Task<Result<void>> SegmentStore::look_at(SegmentRef segment, bool may_move) {
  GODWIT_CO_ASSIGN(Findings findings, co_await recycler_->examine(segment));
  segment->examined = clock_.steady();
  bool empty = findings.needed_bytes == 0;
  if (!empty && may_move && findings.needed_bytes * 2 < segment->head.bytes) {
    segment->stuck = findings.unreadable;
    GODWIT_CO_ASSIGN(empty, co_await compaction_->move_out(segment, std::move(findings)));
    if (empty) segment->live.store(0, std::memory_order_relaxed);
  }
  if (!empty) co_return Result<void>{};
  GODWIT_CO_ASSIGN(const bool gone, co_await recycler_->recycle(segment));
  if (gone) counts_->forget(segment->head.number);
  co_return Result<void>{};
}

Segments::Statistics SegmentStore::statistics() const {
  Statistics out;
  for (const SegmentRef& segment : files_.all()) {
    ++out.segments;
    out.live_bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(0, segment->live.load(std::memory_order_relaxed)));
  }
  out.free_files = files_.free_files();
  out.recycled = recycler_->recycled();
  out.compacted = compaction_->moved();
  out.groups = writer_->groups();
  return out;
}

}  // namespace

Result<std::unique_ptr<Segments>> open_segments(SegmentSettings settings, Disk& disk, Engine& engine, BlockingPool& pool, Clock& clock,
                                                SpaceGuard* guard) {
  if (settings.segment_bytes % 4096 != 0 || settings.segment_bytes < kFirstRecord + kSegmentTail + 2 * settings.chunk_bytes) {
    return fail(Error::permanent(Error::Cause::limit, "segments must be multiples of 4096 bytes and hold two chunks"));
  }
  auto store = std::make_unique<SegmentStore>(std::move(settings), disk, engine, pool, clock, guard);
  GODWIT_TRY(store->open());
  return store;
}

}  // namespace godwit::store
