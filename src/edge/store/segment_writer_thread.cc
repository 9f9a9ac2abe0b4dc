// The thread of SegmentWriter: takes a group, writes its runs, syncs each file once, tells who waits.
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "edge/store/segment_writer.h"

namespace godwit::store {
namespace {

constexpr std::uint32_t kPage = 4'096;
constexpr std::array<char, kPage> kZeroes{};

std::uint64_t pack(Location where) { return std::uint64_t{where.segment} << 32 | where.offset; }
bool is_full(const Error& error) { return error.cause == Error::Cause::full; }

}  // namespace

void SegmentWriter::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (groups_.empty()) {
      const bool mark_due = mark_due_ && !dead_.load(std::memory_order_relaxed);
      if (stopping_ && !mark_due) return;
      if (stopping_) {
        add_idle_mark();
      } else if (!mark_due) {
        work_.wait(lock, [this] { return stopping_ || !groups_.empty(); });
      } else if (!work_.wait_for(lock, settings_.idle_mark, [this] { return stopping_ || !groups_.empty(); })) {
        add_idle_mark();
      }
      if (groups_.empty()) continue;
    }
    pace_.gather(lock, work_, [this] { return groups_.size() > 1 ? GroupPace::kEnough : groups_.front().records; }, stopping_);
    Group group = std::move(groups_.front());
    groups_.pop_front();
    lock.unlock();
    pace_.begin(std::chrono::steady_clock::now(), group.records);
    work_off(std::move(group));
    lock.lock();
  }
}

void SegmentWriter::work_off(Group group) {
  const Result<Location> done = commit(group);
  std::vector<Waiter> resume;
  {
    const std::lock_guard lock(mutex_);
    finish(group, done, resume);
  }
  for (Waiter& waiter : resume) waiter(true);
}

// Only into a segment that has its file already: an idle server does not begin one for a mark.
void SegmentWriter::add_idle_mark() {
  mark_due_ = false;
  if (active_.offset == kFirstRecord || active_.segment->broken.load(std::memory_order_relaxed) || !fits(kRecordHeaderBytes)) return;
  ignore(reserve(0, false), "without a mark the next one says the same");
}

void SegmentWriter::finish(const Group& group, const Result<Location>& done, std::vector<Waiter>& resume) {
  const bool ok = done.has_value();
  done_group_ = group.number;
  if (!ok) failed_groups_.insert(group.number);
  if (!ok)
    for (const Run& run : group.runs) refused_.push_back(run.segment);
  // A mark vouches for everything before it. It passes what found no room when nobody holds on to that any more: a row may have
  // been written beside it, and is taken back before the body is let go.
  std::erase_if(refused_, [](const SegmentRef& segment) { return segment->writers.load(std::memory_order_acquire) == 0; });
  if (ok && refused_.empty()) synced_ = *done;
  mark_due_ = ok && group.records > 0;
  const Location behind =
      group.runs.empty() ? synced_ : Location{group.runs.back().segment->head.number, group.runs.back().offset + group.runs.back().length};
  settled_.store(pack(behind), std::memory_order_release);
  groups_done_.fetch_add(1, std::memory_order_relaxed);
  queued_bytes_ -= std::min(queued_bytes_, group.bytes);
  while (!waiters_.empty() && waiters_.begin()->first <= done_group_) {
    for (Waiter& waiter : waiters_.begin()->second) resume.push_back(std::move(waiter));
    waiters_.erase(waiters_.begin());
  }
  const bool room = queued_bytes_ <= settings_.queue_bytes || dead_.load(std::memory_order_relaxed);
  if (!room) return;
  for (Waiter& waiter : room_waiters_) resume.push_back(std::move(waiter));
  room_waiters_.clear();
}

// Returns the position behind what is synced now.
Result<Location> SegmentWriter::commit(Group& group) {
  if (dead_.load(std::memory_order_relaxed)) return fail(Error::temporary(Error::Cause::io, "the store has failed"));
  Location synced;
  {
    const std::lock_guard lock(mutex_);
    synced = synced_;
  }
  Result<void> written;
  for (std::size_t i = 0; i < group.runs.size(); ++i) {
    const auto one = write_run(group.runs[i], synced, i == group.mark_run);
    if (!one && written) written = one;
  }
  if (const auto done = sync_files(); !done) {
    die(done.error());
    return fail(done.error());
  }
  finish_seals(group.runs);
  if (!written) {
    if (!is_full(written.error())) die(written.error());
    return fail(written.error());
  }
  const Run& last = group.runs.back();
  const Location end{last.segment->head.number, last.offset + last.length};
  if (end.offset > last.segment->head.bytes / 2 && !files_.no_space()) files_.want_spare(end.segment + 1);
  return end;
}

Result<std::shared_ptr<File>> SegmentWriter::file_for(Run& run) {
  for (const OpenFile& one : open_) {
    if (one.segment == run.segment) return one.file;
  }
  GODWIT_ASSIGN(std::shared_ptr<File> file, files_.take_file(*run.segment));
  open_.push_back({run.segment, file});
  return file;
}

Result<void> SegmentWriter::write_pieces(Run& run, File& file, Location synced, bool with_mark) {
  const SegmentHead& head = run.segment->head;
  if (with_mark) {
    RecordHeader mark;
    mark.type = RecordType::mark;
    mark.at = {head.number, run.offset};
    mark.blob = {0, synced.segment, synced.offset};
    write_header(run.arena, mark, head.salt);
  }
  std::vector<std::string_view> parts;
  parts.reserve(run.pieces.size() * 2);
  for (const Piece& piece : run.pieces) {
    if (piece.end > piece.begin) parts.push_back(std::string_view(run.arena).substr(piece.begin, piece.end - piece.begin));
    if (piece.body) parts.push_back(*piece.body);
  }
  // Up to the end of the page, which is free: a page written whole need not be read first.
  const std::uint32_t end = run.offset + run.length;
  if (end % kPage != 0 && end < head.bytes - kSegmentTail) parts.push_back({kZeroes.data(), kPage - end % kPage});
  auto done = file.write_parts(run.offset, parts);
  if (!done && is_full(done.error()) && files_.give_back_reserve()) done = file.write_parts(run.offset, parts);
  return done;
}

Result<void> SegmentWriter::write_run(Run& run, Location synced, bool with_mark) {
  Segment& segment = *run.segment;
  Result<void> done;
  if (segment.broken.load(std::memory_order_relaxed)) {
    if (!run.pieces.empty()) done = fail(Error::temporary(Error::Cause::full, "no space for the segment"));
  } else {
    const auto file = file_for(run);
    done = file ? write_pieces(run, **file, synced, with_mark) : Result<void>(fail(file.error()));
    if (!done && is_full(done.error())) {
      files_.set_no_space();
      segment.broken_at.store(run.offset, std::memory_order_relaxed);
      segment.broken.store(true, std::memory_order_relaxed);
    }
  }
  if (run.seals && (done || is_full(done.error()))) GODWIT_TRY(seal_run(run));
  return done;
}

// Closes the segment, without what could not be written. A segment that has no room even for its seal does without: it is
// read whole when its records are asked for.
Result<void> SegmentWriter::seal_run(Run& run) {
  Segment& segment = *run.segment;
  const auto open = std::find_if(open_.begin(), open_.end(), [&](const OpenFile& one) { return one.segment == run.segment; });
  if (open == open_.end()) return {};
  std::uint32_t end = run.offset + run.length;
  if (segment.broken.load(std::memory_order_relaxed)) {
    end = segment.broken_at.load(std::memory_order_relaxed);
    std::erase_if(run.index, [&](const IndexEntry& entry) { return entry.offset >= end; });
    std::erase_if(run.spans, [&](const Span& span) { return span.list >= end; });
  }
  segment.end.store(end, std::memory_order_relaxed);
  const auto done = write_seal(run, *open->file, end);
  if (!done && !is_full(done.error())) return done;
  segment.footer.store(done ? end : 0, std::memory_order_relaxed);
  return {};
}

// The footer and the seal go out with the records that they describe. A seal counts at a start only if a mark beyond this
// segment proves that all of it was synced.
Result<void> SegmentWriter::write_seal(Run& run, File& file, std::uint32_t end) {
  const SegmentHead& head = run.segment->head;
  const std::string index = encode_index(run.index);
  RecordHeader header;
  header.type = RecordType::footer;
  header.length = static_cast<std::uint32_t>(index.size());
  header.at = {head.number, end};
  header.payload_crc = crc32c(index);
  std::string encoded;
  append_header(encoded, header, head.salt);
  const std::array<std::string_view, 2> parts{encoded, index};
  GODWIT_TRY(file.write_parts(end, parts));
  const Seal seal{end, end, std::move(run.spans), true};
  return file.write_at(head.bytes - kSegmentTail, encode_tail(head, seal));
}

Result<void> SegmentWriter::sync_files() {
  for (const OpenFile& one : open_) GODWIT_TRY(one.file->sync_data());
  return {};
}

// Sealed segments are closed here; a broken one without a file never existed.
void SegmentWriter::finish_seals(std::vector<Run>& runs) {
  for (Run& run : runs) {
    if (!run.seals) continue;
    const auto mine = [&](const OpenFile& one) { return one.segment == run.segment; };
    const bool has_file = std::any_of(open_.begin(), open_.end(), mine);
    std::erase_if(open_, mine);
    if (!has_file) {
      files_.forget(*run.segment);
      continue;
    }
    run.segment->sealed.store(true, std::memory_order_release);
  }
}

void SegmentWriter::die(const Error& error) {
  if (dead_.exchange(true)) return;
  settings_.fatal(error);
}

}  // namespace godwit::store
