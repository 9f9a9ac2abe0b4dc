#include "edge/store/segment_live_counts.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::store {
namespace {

// on disk: do not change (docs/formats/segments.md)
constexpr std::string_view kPrefix = "live/";

constexpr std::size_t kDropsAtOnce = 1024;
constexpr std::size_t kRowsAtOnce = 4096;

std::string row_key(std::uint32_t segment) {
  std::string key(kPrefix);
  append_be32(key, segment);
  return key;
}

void lower(Segment& segment, std::uint32_t length) {
  segment.live.fetch_sub(static_cast<std::int64_t>(record_bytes(length)), std::memory_order_relaxed);
}

}  // namespace

SegmentLiveCounts::SegmentLiveCounts(SegmentFiles& files, SegmentReader& reader, Engine& engine, BlockingPool& pool)
    : files_(files), reader_(reader), engine_(engine), pool_(pool) {}

Task<Result<void>> SegmentLiveCounts::load() {
  if (loaded_) co_return Result<void>{};
  const auto view = engine_.read(kServerPartition);
  std::string from(kPrefix);
  const std::string to = prefix_end(kPrefix);
  for (;;) {
    GODWIT_CO_ASSIGN(Page page, co_await view->scan(Keyspace::server, from, to));
    for (const Row& row : page.rows) {
      if (row.key.size() != kPrefix.size() + 4 || row.value.size() != 8) continue;
      const std::uint32_t number = read_be32(std::string_view(row.key).substr(kPrefix.size()));
      const SegmentRef segment = files_.find(number);
      if (!segment) {
        forgotten_.push_back(number);
        continue;
      }
      const std::int64_t most = segment->live.load(std::memory_order_relaxed);
      const std::int64_t live = std::clamp<std::int64_t>(static_cast<std::int64_t>(read_be64(row.value)), 0, most);
      segment->live.store(live, std::memory_order_relaxed);
      segment->checkpointed = live;
    }
    if (!page.next) break;
    from = std::move(*page.next);
  }
  loaded_ = true;
  co_return Result<void>{};
}

void SegmentLiveCounts::drop(BlobId id, std::optional<std::size_t> size) {
  const SegmentRef segment = size ? files_.find(id.segment) : nullptr;
  if (segment) return lower(*segment, static_cast<std::uint32_t>(*size));
  const std::lock_guard lock(mutex_);
  dropped_.push_back(id);
}

void SegmentLiveCounts::subtract(Location where) {
  const ReaderPin pin = files_.pin(where.segment);
  if (!pin) return;
  const auto header = reader_.load_header(*pin, where.offset);
  if (!header) return;
  lower(*pin, header->length);
  if (header->type != RecordType::list) return;
  const auto record = reader_.load(*pin, where.offset, header->length);
  if (!record) return;
  const auto list = parse_list(record->payload());
  if (!list) return;
  for (const ChunkRef& ref : list->chunks) {
    if (const SegmentRef segment = files_.find(ref.at.segment)) lower(*segment, ref.length);
  }
}

Task<Result<void>> SegmentLiveCounts::settle(std::vector<BlobId> ids) {
  std::vector<Location> places;
  for (const BlobId id : ids) {
    if (files_.find(id.segment)) {
      places.push_back({id.segment, id.offset});
      continue;
    }
    GODWIT_CO_ASSIGN(const std::optional<MovedRow> row, co_await reader_.moved(id));
    if (row) places.push_back(row->at);
  }
  auto work = [this, places = std::move(places)]() -> Result<void> {
    for (const Location where : places) subtract(where);
    return {};
  };
  co_return co_await pool_.run(std::move(work));
}

Task<Result<void>> SegmentLiveCounts::settle_drops() {
  std::vector<BlobId> ids;
  {
    const std::lock_guard lock(mutex_);
    ids.swap(dropped_);
  }
  for (std::size_t i = 0; i < ids.size(); i += kDropsAtOnce) {
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i);
    std::vector<BlobId> some(begin, begin + static_cast<std::ptrdiff_t>(std::min(kDropsAtOnce, ids.size() - i)));
    GODWIT_CO_TRY(co_await settle(std::move(some)));
  }
  co_return Result<void>{};
}

Task<Result<void>> SegmentLiveCounts::checkpoint() {
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  for (const std::uint32_t number : std::exchange(forgotten_, {})) batch.erase(Keyspace::server, row_key(number));
  std::size_t rows = 0;
  for (const SegmentRef& segment : files_.all()) {
    const std::int64_t live = std::max<std::int64_t>(0, segment->live.load(std::memory_order_relaxed));
    if (live == segment->checkpointed || !segment->sealed.load(std::memory_order_acquire)) continue;
    if (++rows > kRowsAtOnce) break;
    segment->checkpointed = live;
    std::string value;
    append_be64(value, static_cast<std::uint64_t>(live));
    batch.put(Keyspace::server, row_key(segment->head.number), std::move(value));
  }
  if (batch.empty()) co_return Result<void>{};
  const WriteDone done = co_await engine_.write(kServerPartition, std::move(batch));
  co_return as_result(done, "noting how full the segments are");
}

}  // namespace godwit::store
