#include "edge/store/segment_writer.h"

#include "base/encoding.h"
#include "base/thread_name.h"

namespace godwit::store {
namespace {

constexpr std::size_t kInlineBody = 1024;        // shorter payloads are copied beside their header
constexpr std::uint64_t kGroupBytes = 4u << 20;  // a group that has so much is closed

std::uint64_t pack(Location where) { return std::uint64_t{where.segment} << 32 | where.offset; }

Error store_failed() { return Error::temporary(Error::Cause::io, "writing message bytes failed; the server is about to end"); }
Error disk_full() { return Error::temporary(Error::Cause::full, "the disk is full"); }

}  // namespace

SegmentWriter::SegmentWriter(SegmentFiles& files, std::uint32_t first) : files_(files), settings_(files.settings()) {
  active_.segment = std::make_shared<Segment>(first, files_.salt_of(first), settings_.segment_bytes);
  files_.add(active_.segment);
  synced_ = {first, kFirstRecord};
  settled_ = pack(synced_);
  thread_ = std::thread([this] {
    name_this_thread("bytes");
    serve();
  });
}

SegmentWriter::~SegmentWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

bool SegmentWriter::fits(std::uint64_t bytes) const {
  const std::uint64_t footer = record_bytes((active_.index.size() + 1) * kIndexEntryBytes);
  return active_.offset + bytes + footer <= active_.segment->head.bytes - kSegmentTail;
}

SegmentWriter::Run& SegmentWriter::begin_run(Group& group) {
  Run& run = group.runs.emplace_back();
  run.segment = active_.segment;
  run.offset = active_.offset;
  return run;
}

// Ends the active segment: its index goes with the last run, and a new segment with the next number begins.
void SegmentWriter::roll(Group& group) {
  if (group.runs.empty()) begin_run(group);
  Run& last = group.runs.back();
  last.seals = true;
  last.index = std::move(active_.index);
  last.spans = std::move(active_.spans);
  const std::uint32_t number = active_.segment->head.number + 1;
  active_ = Active{};
  active_.segment = std::make_shared<Segment>(number, files_.salt_of(number), settings_.segment_bytes);
  files_.add(active_.segment);
  begin_run(group);
}

// A group begins with a place for its mark.
void SegmentWriter::open_group(Group& group) {
  if (group.runs.empty()) begin_run(group);
  group.mark_run = group.runs.size() - 1;
  Run& run = group.runs.back();
  run.arena.resize(kRecordHeaderBytes);
  run.pieces.push_back({0, kRecordHeaderBytes, nullptr});
  run.length = kRecordHeaderBytes;
  group.bytes += kRecordHeaderBytes;
  queued_bytes_ += kRecordHeaderBytes;
  active_.offset += kRecordHeaderBytes;
}

// Makes sure that groups_.back() is open and the active segment has room for so many bytes more.
Result<void> SegmentWriter::reserve(std::uint64_t bytes, bool record) {
  if (dead_.load(std::memory_order_relaxed)) return fail(store_failed());
  const bool broken = active_.segment->broken.load(std::memory_order_relaxed);
  if (broken && files_.no_space()) return fail(disk_full());
  const bool open = !groups_.empty() && groups_.back().bytes < kGroupBytes;
  if (!open) {
    Group& group = groups_.emplace_back();
    group.number = next_group_++;
    if (broken || !fits(bytes + kRecordHeaderBytes)) roll(group);
    open_group(group);
  } else if (broken || !fits(bytes)) {
    roll(groups_.back());
  }
  if (record) ++groups_.back().records;
  return {};
}

void SegmentWriter::put(Run& run, const RecordHeader& header, std::shared_ptr<const std::string> payload) {
  const std::size_t before = run.arena.size();
  if (run.pieces.empty() || run.pieces.back().body) run.pieces.push_back({before, before, nullptr});
  append_header(run.arena, header, run.segment->head.salt);
  const std::uint64_t size = record_bytes(header.length);
  const std::size_t padding = size - kRecordHeaderBytes - header.length;
  const bool inlined = payload->size() <= kInlineBody;
  if (inlined) run.arena.append(*payload).append(padding, '\0');
  run.pieces.back().end = run.arena.size();
  if (!inlined) {
    run.pieces.back().body = std::move(payload);
    if (padding > 0) {
      const std::size_t begin = run.arena.size();
      run.arena.append(padding, '\0');
      run.pieces.push_back({begin, begin + padding, nullptr});
    }
  }
  run.length += static_cast<std::uint32_t>(size);
}

Result<Placed> SegmentWriter::place(NewRecord record) {
  RecordHeader header;
  header.type = record.type;
  header.length = static_cast<std::uint32_t>(record.payload->size());
  header.owner = record.owner;
  header.ordinal = record.ordinal;
  header.payload_crc = crc32c(*record.payload);
  const std::uint64_t size = record_bytes(record.payload->size());

  std::unique_lock lock(mutex_);
  if (kFirstRecord + 2 * kRecordHeaderBytes + size + record_bytes(kIndexEntryBytes) > settings_.segment_bytes - kSegmentTail) {
    return fail(Error::permanent(Error::Cause::limit, "a body is too long for the segments of this store"));
  }
  const bool idle = groups_.empty();
  GODWIT_TRY(reserve(size, true));
  Group& group = groups_.back();
  const bool wake = idle || group.records == GroupPace::kEnough || (group.records == 1 && groups_.size() == 2);
  Run& run = group.runs.back();
  header.at = {active_.segment->head.number, active_.offset};
  header.blob = record.blob;
  if (record.type != RecordType::chunk && !record.blob.valid()) header.blob = {record.blob.partition, header.at.segment, header.at.offset};
  header.body = record.type == RecordType::chunk && record.body.segment == 0 ? header.at : record.body;
  put(run, header, std::move(record.payload));
  active_.offset += static_cast<std::uint32_t>(size);
  active_.index.push_back(index_entry(header));
  if (record.type == RecordType::list && header.body.segment != header.at.segment) {
    active_.spans.push_back({header.body, header.at.offset});
    files_.add_span(header.body, header.at);
  }
  group.bytes += size;
  queued_bytes_ += size;
  run.segment->live.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  run.segment->writers.fetch_add(1, std::memory_order_relaxed);
  Placed placed{header.at, group.number, run.segment};
  lock.unlock();
  if (wake) work_.notify_one();
  return placed;
}

Task<Result<void>> SegmentWriter::room() {
  {
    const std::lock_guard lock(mutex_);
    if (queued_bytes_ <= settings_.queue_bytes) co_return Result<void>{};
  }
  co_await suspend<bool>([this](Resume<bool> resume) {
    std::unique_lock lock(mutex_);
    if (queued_bytes_ > settings_.queue_bytes) {
      room_waiters_.push_back(std::move(resume));
      return;
    }
    lock.unlock();
    resume(true);
  });
  if (dead_.load(std::memory_order_relaxed)) co_return fail(store_failed());
  co_return Result<void>{};
}

Result<void> SegmentWriter::outcome(std::uint64_t first, std::uint64_t last) const {
  const auto failed = failed_groups_.lower_bound(first);
  if (failed == failed_groups_.end() || *failed > last) return {};
  return fail(dead_.load(std::memory_order_relaxed) ? store_failed() : disk_full());
}

Task<Result<void>> SegmentWriter::synced(std::uint64_t first, std::uint64_t last) {
  {
    const std::lock_guard lock(mutex_);
    if (done_group_ >= last) co_return outcome(first, last);
  }
  co_await suspend<bool>([&](Resume<bool> resume) {
    std::unique_lock lock(mutex_);
    if (done_group_ < last) {
      waiters_[last].push_back(std::move(resume));
      return;
    }
    lock.unlock();
    resume(true);
  });
  const std::lock_guard lock(mutex_);
  co_return outcome(first, last);
}

Task<> SegmentWriter::drained() {
  std::uint64_t last = 0;
  {
    const std::lock_guard lock(mutex_);
    last = next_group_ - 1;
  }
  ignore(co_await synced(last, last), "whatever became of it, it is not on its way any more");
}

Task<> SegmentWriter::settled(Location where) {
  if (pack(where) >= settled_.load(std::memory_order_acquire)) co_await drained();
}

std::uint32_t SegmentWriter::wanted() const {
  const std::lock_guard lock(mutex_);
  const bool begun = active_.offset > kFirstRecord || active_.segment->broken.load(std::memory_order_relaxed);
  return active_.segment->head.number + (begun ? 1 : 0);
}

std::uint32_t SegmentWriter::active() const {
  const std::lock_guard lock(mutex_);
  return active_.segment->head.number;
}

std::vector<IndexEntry> SegmentWriter::active_index(SegmentRef& segment) const {
  const std::lock_guard lock(mutex_);
  segment = active_.segment;
  return active_.index;
}

}  // namespace godwit::store
