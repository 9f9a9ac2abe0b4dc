#include "edge/store/segment_body.h"

#include "edge/store/space_guard.h"

namespace godwit::store {

SegmentBody::SegmentBody(SegmentWriter& writer, SegmentRamPool& pool, SegmentFiles& files, SpaceGuard* guard, Partition partition,
                         std::uint64_t owner)
    : writer_(writer),
      pool_(pool),
      files_(files),
      guard_(guard),
      chunk_bytes_(files.settings().chunk_bytes),
      id_{partition, 0, 0},
      owner_(owner) {}

SegmentBody::SegmentBody(SegmentWriter& writer, SegmentRamPool& pool, SegmentFiles& files, BlobId of, std::uint64_t owner)
    : writer_(writer), pool_(pool), files_(files), chunk_bytes_(files.settings().chunk_bytes), id_(of), copy_(true), owner_(owner) {}

SegmentBody::~SegmentBody() {
  for (const Pin& pin : pins_) {
    if (!finished_) pin.segment->live.fetch_sub(static_cast<std::int64_t>(pin.bytes), std::memory_order_relaxed);
    pin.segment->writers.fetch_sub(pin.records, std::memory_order_release);
  }
}

bool SegmentBody::refused() const { return !copy_ && (files_.no_space() || (guard_ != nullptr && guard_->full())); }

Result<Location> SegmentBody::place(NewRecord record) {
  const std::uint64_t bytes = record_bytes(record.payload->size());
  GODWIT_ASSIGN(Placed placed, writer_.place(std::move(record)));
  if (first_group_ == 0) first_group_ = placed.group;
  last_group_ = placed.group;
  if (pins_.empty() || pins_.back().segment != placed.segment) pins_.push_back({std::move(placed.segment)});
  ++pins_.back().records;
  pins_.back().bytes += bytes;
  return placed.where;
}

Result<void> SegmentBody::place_chunk() {
  NewRecord record;
  record.type = RecordType::chunk;
  record.blob = {id_.partition, 0, 0};
  record.owner = owner_;
  if (!list_.chunks.empty()) record.body = list_.chunks.front().at;
  record.ordinal = static_cast<std::uint32_t>(list_.chunks.size());
  const auto length = static_cast<std::uint32_t>(buffer_.size());
  record.payload = std::make_shared<const std::string>(std::exchange(buffer_, {}));
  GODWIT_ASSIGN(const Location at, place(std::move(record)));
  list_.chunks.push_back({at, length});
  return {};
}

Result<void> SegmentBody::place_list() {
  list_.total = size_;
  NewRecord record;
  record.type = RecordType::list;
  record.blob = id_;
  record.owner = owner_;
  record.body = list_.chunks.front().at;
  record.payload = std::make_shared<const std::string>(encode_list(list_));
  GODWIT_ASSIGN(where_, place(std::move(record)));
  return {};
}

Task<Result<void>> SegmentBody::append(std::string_view chunk) {
  GODWIT_CHECK(!finished_);
  if (refused()) co_return fail(Error::temporary(Error::Cause::full, "the disk is full"));
  GODWIT_CO_TRY(co_await writer_.room());
  size_ += chunk.size();
  while (!chunk.empty()) {
    if (buffer_.size() == chunk_bytes_) {
      GODWIT_CO_TRY(place_chunk());
      GODWIT_CO_TRY(co_await writer_.room());
    }
    if (buffer_.capacity() == 0 && !list_.chunks.empty()) buffer_.reserve(chunk_bytes_);
    const std::string_view part = chunk.substr(0, chunk_bytes_ - buffer_.size());
    buffer_.append(part);
    chunk.remove_prefix(part.size());
  }
  co_return Result<void>{};
}

Task<Result<BlobId>> SegmentBody::finish() {
  GODWIT_CHECK(!finished_);
  // Not asked of the guard: what is under way may end below min_free, segments have their space already.
  if (!copy_ && files_.no_space()) co_return fail(Error::temporary(Error::Cause::full, "the disk is full"));
  GODWIT_CO_TRY(co_await writer_.room());
  if (!list_.chunks.empty()) {
    GODWIT_CO_TRY(place_chunk());
    GODWIT_CO_TRY(place_list());
    if (!copy_) id_ = {id_.partition, where_.segment, where_.offset};
    finished_ = true;
    co_return id_;
  }
  NewRecord record;
  record.type = RecordType::whole;
  record.blob = id_;
  record.owner = owner_;
  record.payload = std::make_shared<const std::string>(std::move(buffer_));
  const auto body = record.payload;
  GODWIT_CO_ASSIGN(where_, place(std::move(record)));
  if (!copy_) {
    id_ = {id_.partition, where_.segment, where_.offset};
    if (body->size() <= kPooledBody) pool_.add(id_, body);
  }
  finished_ = true;
  co_return id_;
}

Task<Result<void>> SegmentBody::synced() {
  GODWIT_CHECK(finished_);
  return writer_.synced(first_group_, last_group_);
}

}  // namespace godwit::store
