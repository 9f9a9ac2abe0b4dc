#include "state/events/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"
#include "edge/store/mapped_file.h"
#include "state/events/segment.h"

namespace godwit::events {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr std::size_t kAhead = 256 << 10;      // bytes made writable before anybody stores there
constexpr std::size_t kMostWaiting = 4 << 20;  // while there is no segment
constexpr std::size_t kChunk = 256 << 10;      // of a read
constexpr int kTicksRetention = 50;

struct Counters {
  metrics::Counter& added = metrics::counter("godwit_events_total", "Events that were added to the stream");
  metrics::Counter& dropped = metrics::counter("godwit_events_dropped_total", "Events that found no room on the disk nor in memory");
  metrics::Gauge& bytes = metrics::gauge("godwit_events_stream_bytes", "Bytes of the events that are kept");
};
Counters& counters() {
  static Counters instance;
  return instance;
}

std::uint64_t packed(Position at) { return std::uint64_t(at.segment) << 32 | at.offset; }
Position unpacked(std::uint64_t at) { return {static_cast<std::uint32_t>(at >> 32), static_cast<std::uint32_t>(at)}; }

}  // namespace

std::string Position::text() const { return fmt::format("{:08x}:{:08x}", segment, offset); }

Result<Position> parse_position(std::string_view text) {
  Position at;
  const auto number = [](std::string_view digits, std::uint32_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into, 16);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (text.size() == 17 && text[8] == ':' && number(text.substr(0, 8), at.segment) && number(text.substr(9), at.offset)) return at;
  return fail(Error::syntax("a position is written as 00000001:00004f20", 0));
}

struct Stream::Impl {
  struct Segment {
    std::uint32_t used = 0;  // bytes; of the one that is written: see cursor
    WallTime last{};         // about its newest event
  };
  struct Mapped {
    std::shared_ptr<store::MappedFile> file;
    std::uint32_t number = 0;
    explicit operator bool() const { return file != nullptr; }
  };

  Impl(Settings given, store::Disk& d, Clock& c) : settings(std::move(given)), disk(d), clock(c) {}

  std::string path_of(std::uint32_t number) const { return (settings.directory / segment_name(number)).string(); }

  Result<void> load();
  Result<std::optional<WallTime>> first_time(std::uint32_t number);
  Result<Mapped> make(std::uint32_t number);
  void recover(WallTime& floor);

  void add(const Draft& draft);
  bool place(std::string& record);  // with the lock
  bool take_spare();                // with the lock
  void publish() { end.store(packed({active.number, cursor}), std::memory_order_release); }

  void serve(const std::stop_token& stop);
  void make_spare();
  void sync(bool all);
  void close_retired();
  void remove_old();

  Result<Batch> read(Position from, std::size_t most, std::size_t bytes, TypeSet types);
  // Where `from` leads: the segment that holds it or the first behind it, and how far it may be read.
  struct Reach {
    std::uint32_t limit = 0;
    bool active = false;
  };
  std::optional<Reach> reach(Position& from, bool& gap) const;
  Result<void> read_segment(Position& from, const Reach& reach, Batch& batch, std::size_t most, std::size_t& budget, TypeSet types);

  const Settings settings;
  store::Disk& disk;
  Clock& clock;

  mutable std::mutex mutex;  // all below; held for a copy of an event at most
  std::map<std::uint32_t, Segment> segments;
  Mapped active;
  std::uint32_t cursor = 0;
  Mapped spare;
  std::vector<std::pair<Mapped, std::uint32_t>> retired;  // to be shortened to what is used
  std::vector<std::string> waiting;
  std::size_t waiting_bytes = 0;
  std::optional<MessageIdSource> ids;
  bool stopped = false;

  std::atomic<std::uint64_t> end{0};
  std::uint32_t synced = 0;  // of `synced_number`; the thread alone
  std::uint32_t synced_number = 0;

  std::mutex wake_mutex;
  std::condition_variable wake;
  bool woken = false;
  std::jthread thread;  // last
};

Result<Stream::Impl::Mapped> Stream::Impl::make(std::uint32_t number) {
  GODWIT_ASSIGN(auto file, store::MappedFile::create(path_of(number), settings.segment_bytes));
  const std::string header = segment_header(number);
  std::memcpy(file->data(), header.data(), header.size());
  return Mapped{std::move(file), number};
}

// Of the first event in a segment; nothing if it is empty.
Result<std::optional<WallTime>> Stream::Impl::first_time(std::uint32_t number) {
  GODWIT_ASSIGN(const auto file, disk.open(path_of(number), store::Disk::Open::read));
  std::string bytes(2 * kLongestPayload, '\0');
  GODWIT_ASSIGN(const std::size_t count, file->read_at(0, bytes));
  std::optional<WallTime> found;
  std::size_t damaged = 0;
  walk_records(std::string_view(bytes).substr(0, count), 0, kSegmentHeader, number, true, damaged, [&](std::string_view payload, auto) {
    if (const auto event = parse_payload(payload)) found = event->time;
    return false;
  });
  return found;
}

Result<void> Stream::Impl::load() {
  GODWIT_TRY(disk.make_directories(settings.directory.string()));
  GODWIT_ASSIGN(const auto names, disk.list(settings.directory.string()));
  std::vector<std::uint32_t> numbers;
  for (const std::string& name : names)
    if (const auto number = segment_number(name)) numbers.push_back(*number);
  std::ranges::sort(numbers);
  WallTime later = clock.now();
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    Segment segment{0, later};
    if (const auto file = disk.open(path_of(*number), store::Disk::Open::read)) {
      GODWIT_ASSIGN(const std::uint64_t size, (*file)->size());
      segment.used = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX));
    }
    if (const auto first = first_time(*number); first && *first) later = **first;
    segments[*number] = segment;
  }
  WallTime floor{};
  recover(floor);
  if (!active) {
    GODWIT_ASSIGN(active, make(segments.empty() ? 1 : segments.rbegin()->first + 1));
    cursor = kSegmentHeader;
  }
  segments[active.number] = {0, clock.now()};
  ids.emplace(clock, Shard(0), floor);
  synced_number = active.number;
  synced = cursor;
  publish();
  return {};
}

// The newest segment is written on where it has room. One that is empty was made ahead: the one before it may still have some.
void Stream::Impl::recover(WallTime& floor) {
  for (int looked_at = 0; looked_at < 3 && !segments.empty(); ++looked_at) {
    auto place = segments.end();
    for (int i = 0; i <= looked_at && place != segments.begin(); ++i) --place;
    const std::uint32_t number = place->first;
    const auto file = disk.open(path_of(number), store::Disk::Open::read);
    std::string bytes(place->second.used, '\0');
    if (!file || !(*file)->read_at(0, bytes)) continue;
    std::uint32_t used = kSegmentHeader;
    std::size_t damaged = 0;
    walk_records(bytes, 0, kSegmentHeader, number, true, damaged, [&](std::string_view payload, std::uint32_t behind) {
      used = behind;
      floor = std::max(floor, MessageId{read_be64(payload.substr(2))}.time() + std::chrono::milliseconds(1));
      return true;
    });
    if (damaged > 0) log::warning("events_damaged", {{"segment", path_of(number)}, {"places", damaged}});
    const bool empty = used == kSegmentHeader;
    const bool room = bytes.starts_with(segment_header(number)) && place->second.used == settings.segment_bytes;
    if (room) {
      auto mapped = store::MappedFile::open(path_of(number), settings.segment_bytes);
      if (mapped && active && cursor == kSegmentHeader) spare = std::exchange(active, {});
      if (mapped && !active) {
        active = {*std::move(mapped), number};
        cursor = used;
      }
    }
    if (!empty || !room) break;
  }
  if (spare) segments.erase(spare.number);
}

void Stream::Impl::add(const Draft& draft) {
  thread_local std::string record;
  record.clear();
  append_record(record, draft);
  const std::lock_guard lock(mutex);
  counters().added.add();
  if (!stopped && waiting.empty() && place(record)) return;
  if (stopped || waiting_bytes + record.size() > kMostWaiting) return counters().dropped.add();
  waiting_bytes += record.size();
  waiting.push_back(record);
}

bool Stream::Impl::place(std::string& record) {
  if (cursor + record.size() > settings.segment_bytes && !take_spare()) return false;
  const WallTime now = clock.now();
  seal(record.data(), record.size(), active.number, cursor, ids->next(), now);
  std::memcpy(active.file->data() + cursor, record.data(), record.size());
  cursor += static_cast<std::uint32_t>(record.size());
  segments[active.number].last = now;
  publish();
  return true;
}

bool Stream::Impl::take_spare() {
  if (!spare) {
    const std::lock_guard lock(wake_mutex);
    woken = true;
    wake.notify_one();
    return false;
  }
  segments[active.number].used = cursor;
  retired.emplace_back(std::move(active), cursor);
  active = std::exchange(spare, {});
  cursor = kSegmentHeader;
  segments[active.number] = {0, clock.now()};
  return true;
}

void Stream::Impl::make_spare() {
  std::uint32_t number = 0;
  {
    const std::lock_guard lock(mutex);
    if (!spare) number = active.number + 1;
  }
  if (number != 0) {
    auto made = make(number);
    if (!made) {
      static std::atomic<std::int64_t> told{0};
      const auto now = clock.steady().time_since_epoch().count();
      if (now - told.exchange(now) > 10'000) log::error("events_segment_not_made", {{"error", made.error().text}});
      return;
    }
    made->file->prepare(0, kAhead);
    const std::lock_guard lock(mutex);
    spare = *std::move(made);
  }
  const std::lock_guard lock(mutex);
  std::size_t done = 0;
  while (done < waiting.size() && place(waiting[done])) waiting_bytes -= waiting[done++].size();
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
}

void Stream::Impl::sync(bool all) {
  Mapped file;
  std::uint32_t to = 0;
  {
    const std::lock_guard lock(mutex);
    file = active;
    to = cursor;
  }
  if (file.number != synced_number) synced = 0;
  synced_number = file.number;
  if (all && to > synced) {
    const auto done = file.file->sync(synced, to);
    if (!done) log::error("events_not_synced", {{"error", done.error().text}});
    synced = to;
  }
  file.file->prepare(to, to + kAhead);
}

void Stream::Impl::close_retired() {
  std::vector<std::pair<Mapped, std::uint32_t>> files;
  {
    const std::lock_guard lock(mutex);
    files.swap(retired);
  }
  for (auto& [mapped, used] : files) {
    const auto closed = mapped.file->close_at(used);
    if (!closed) log::error("events_not_synced", {{"error", closed.error().text}});
  }
}

void Stream::Impl::remove_old() {
  std::vector<std::uint32_t> gone;
  {
    const std::lock_guard lock(mutex);
    std::uint64_t total = cursor;
    for (const auto& [number, segment] : segments) total += segment.used;
    const WallTime oldest = clock.now() - settings.keep;
    while (segments.begin()->first != active.number) {
      const Segment& first = segments.begin()->second;
      if (total <= settings.max_bytes && first.last >= oldest) break;
      total -= first.used;
      gone.push_back(segments.begin()->first);
      segments.erase(segments.begin());
    }
    counters().bytes.set(static_cast<std::int64_t>(total));
  }
  for (const std::uint32_t number : gone)
    if (const auto removed = disk.remove(path_of(number)); !removed)
      log::warning("events_segment_not_removed", {{"error", removed.error().text}});
}

void Stream::Impl::serve(const std::stop_token& stop) {
  name_this_thread("events");
  SteadyTime next_sync{};
  for (int tick = 0; !stop.stop_requested(); ++tick) {
    {
      std::unique_lock lock(wake_mutex);
      wake.wait_for(lock, kTick, [&] { return woken; });
      woken = false;
    }
    make_spare();
    close_retired();
    const SteadyTime now = clock.steady();
    const bool due = now >= next_sync;
    if (due) next_sync = now + settings.sync;
    sync(due);
    if (tick % kTicksRetention == 0) remove_old();
  }
}

std::optional<Stream::Impl::Reach> Stream::Impl::reach(Position& from, bool& gap) const {
  const std::lock_guard lock(mutex);
  const Position newest{active.number, cursor};
  if (from >= newest) {
    from = newest;
    return std::nullopt;
  }
  const auto found = segments.lower_bound(from.segment);
  if (found == segments.end()) return std::nullopt;
  if (found->first != from.segment) {
    gap = gap || (from.segment != 0 && from.segment < segments.begin()->first);
    from = {found->first, kSegmentHeader};
  }
  from.offset = std::max(from.offset, static_cast<std::uint32_t>(kSegmentHeader));
  const bool written = found->first == active.number;
  return Reach{written ? cursor : found->second.used, written};
}

Result<void> Stream::Impl::read_segment(Position& from, const Reach& reach, Batch& batch, std::size_t most, std::size_t& budget,
                                        TypeSet types) {
  auto file = disk.open(path_of(from.segment), store::Disk::Open::read);
  if (!file && file.error().cause == Error::Cause::not_found) {  // removed this moment
    from.offset = reach.limit;
    batch.gap = true;
    return {};
  }
  if (!file) return fail(file.error());
  std::string bytes;
  while (from.offset < reach.limit && batch.events.size() < most && budget > 0) {
    bytes.resize(std::min<std::size_t>(kChunk, reach.limit - from.offset));
    GODWIT_ASSIGN(const std::size_t count, (*file)->read_at(from.offset, bytes));
    bytes.resize(count);
    if (count == 0) {  // shorter than it was: what is missing is gone
      from.offset = reach.limit;
      break;
    }
    const bool whole = from.offset + count >= reach.limit || count < kChunk;
    const std::uint32_t behind =
        walk_records(bytes, from.offset, from.offset, from.segment, whole, batch.damaged, [&](std::string_view payload, auto) {
          const auto type = type_of(payload);
          if (!type || (types & bit(*type)) == 0) return true;
          auto event = parse_payload(payload);
          if (event)
            batch.events.push_back(*std::move(event));
          else
            ++batch.damaged;
          return batch.events.size() < most;
        });
    budget -= std::min<std::size_t>(budget, behind - from.offset);
    from.offset = behind;
  }
  return {};
}

Result<Stream::Batch> Stream::Impl::read(Position from, std::size_t most, std::size_t bytes, TypeSet types) {
  Batch batch;
  while (batch.events.size() < most && bytes > 0) {
    const auto where = reach(from, batch.gap);
    if (!where) break;
    GODWIT_TRY(read_segment(from, *where, batch, most, bytes, types));
    if (from.offset < where->limit) break;
    if (!where->active) from = {from.segment + 1, kSegmentHeader};
  }
  batch.next = from;
  return batch;
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() { stop(); }

Result<std::unique_ptr<Stream>> Stream::open(Settings settings, store::Disk& disk, Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(settings), disk, clock);
  GODWIT_TRY(impl->load());
  impl->make_spare();
  impl->thread = std::jthread([raw = impl.get()](const std::stop_token& stop) { raw->serve(stop); });
  return std::unique_ptr<Stream>(new Stream(std::move(impl)));
}

void Stream::add(const Draft& draft) { impl_->add(draft); }
Position Stream::end() const { return unpacked(impl_->end.load(std::memory_order_acquire)); }

Result<Stream::Batch> Stream::read(Position from, std::size_t events, std::size_t bytes, TypeSet types) {
  return impl_->read(from, events, bytes, types);
}

Position Stream::begin() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->segments.begin()->first, kSegmentHeader};
}

std::uint64_t Stream::bytes() const {
  const std::lock_guard lock(impl_->mutex);
  std::uint64_t total = impl_->cursor;
  for (const auto& entry : impl_->segments) total += entry.second.used;
  return total;
}

std::uint64_t Stream::dropped() const { return counters().dropped.value(); }

void Stream::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->stopped, true)) return;
  }
  impl_->thread.request_stop();
  {
    const std::lock_guard lock(impl_->wake_mutex);
    impl_->woken = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
  impl_->make_spare();  // what waits for a segment
  impl_->close_retired();
  impl_->sync(true);
  if (impl_->spare) ignore(impl_->disk.remove(impl_->path_of(impl_->spare.number)), "an empty segment is found at the next start");
}

}  // namespace godwit::events
