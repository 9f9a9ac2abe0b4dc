#include "edge/store/segment_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "edge/store/space_guard.h"

namespace godwit::store {
namespace {

constexpr std::size_t kMostOpenFiles = 1024;
constexpr std::string_view kSuffix = ".seg";

std::uint64_t random_secret() { return make_system_random()->u64(); }

std::optional<std::uint32_t> slot_of(std::string_view name) {
  if (name.size() != 8 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const auto bytes = hex_decode(name.substr(0, 8));
  if (!bytes) return std::nullopt;
  std::uint32_t slot = 0;
  for (const char c : *bytes) slot = slot << 8 | static_cast<unsigned char>(c);
  return slot;
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

Result<std::string> read_piece(File& file, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  GODWIT_ASSIGN(const std::size_t count, file.read_at(offset, bytes));
  bytes.resize(count);
  return bytes;
}

}  // namespace

SegmentFiles::SegmentFiles(const SegmentSettings& settings, Disk& disk, BlockingPool& pool, SpaceGuard* guard)
    : settings_(settings), disk_(disk), pool_(pool), guard_(guard), secret_(random_secret()) {}

SegmentFiles::~SegmentFiles() {
  std::unique_lock lock(mutex_);
  prepared_.wait(lock, [this] { return !preparing_; });
}

std::uint32_t SegmentFiles::salt_of(std::uint32_t number) const {
  std::uint64_t z = secret_ + number * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<std::uint32_t>(z >> 32);
}

std::string SegmentFiles::path_of(std::uint32_t slot) const { return fmt::format("{}/{:08x}{}", settings_.directory, slot, kSuffix); }

Result<SegmentFiles::Listing> SegmentFiles::open() {
  GODWIT_TRY(disk_.make_directories(settings_.directory));
  GODWIT_ASSIGN(const std::vector<std::string> names, disk_.list(settings_.directory));
  Listing listing;
  for (const std::string& name : names) {
    const auto slot = slot_of(name);
    if (!slot) continue;
    next_slot_ = std::max(next_slot_, *slot + 1);
    const std::string path = settings_.directory + "/" + name;
    GODWIT_ASSIGN(std::optional<Found> found, inspect(path, listing));
    if (!found) continue;
    found->segment->path = path;
    listing.segments.push_back(std::move(*found));
  }
  std::sort(listing.segments.begin(), listing.segments.end(),
            [](const Found& a, const Found& b) { return a.segment->head.number < b.segment->head.number; });
  return listing;
}

// Nothing if the file holds no segment: it is free (never laid out), or unreadable and put aside.
Result<std::optional<SegmentFiles::Found>> SegmentFiles::inspect(const std::string& path, Listing& listing) {
  GODWIT_ASSIGN(const std::unique_ptr<File> file, disk_.open(path, Disk::Open::read));
  GODWIT_ASSIGN(const std::uint64_t size, file->size());
  GODWIT_ASSIGN(const std::string first, read_piece(*file, 0, kFirstRecord));
  std::string tail;
  if (size >= kFirstRecord + kSegmentTail) {
    GODWIT_ASSIGN(tail, read_piece(*file, size - kSegmentTail, kSegmentTail));
  }
  const auto one = parse_head(first);
  const auto two = tail.empty() ? std::nullopt : parse_head(std::string_view(tail).substr(kSegmentTail - kSecondHead));
  if (!one && !two) {
    if (all_zero(first) && all_zero(tail)) {
      free_.push_back(path);
      return std::nullopt;
    }
    listing.damage.push_back({{}, 0, path, "the head of the segment cannot be read; the file was put aside as .damaged", true});
    GODWIT_TRY(disk_.rename(path, path + ".damaged"));
    GODWIT_TRY(disk_.sync_directory(settings_.directory));
    return std::nullopt;
  }
  // A power cut while a file was being recycled leaves two: the old number's records are all dead, the new has none yet.
  const SegmentHead head = !two || (one && one->number >= two->number) ? *one : *two;
  Found found{std::make_shared<Segment>(head.number, head.salt, head.bytes), std::nullopt};
  if (head.bytes == size) found.seal = parse_seal(tail, head);
  return found;
}

void SegmentFiles::add(const SegmentRef& segment) {
  const std::lock_guard lock(mutex_);
  segments_[segment->head.number] = segment;
}

SegmentRef SegmentFiles::find(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  return found == segments_.end() ? nullptr : found->second;
}

ReaderPin SegmentFiles::pin(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(number);
  if (found == segments_.end()) return {};
  found->second->readers.fetch_add(1, std::memory_order_relaxed);
  return ReaderPin(found->second);
}

std::vector<SegmentRef> SegmentFiles::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentRef> out;
  out.reserve(segments_.size());
  for (const auto& [number, segment] : segments_) out.push_back(segment);
  return out;
}

bool SegmentFiles::give_back_reserve() { return guard_ != nullptr && guard_->give_back_reserve(); }

Result<void> SegmentFiles::make_room(File& file) {
  auto done = file.allocate(settings_.segment_bytes);
  if (done || done.error().cause != Error::Cause::full || !give_back_reserve()) return done;
  return file.allocate(settings_.segment_bytes);
}

// Past the page cache: memory for 64 MiB that nobody reads costs more than the disk's work, and a writer fills whole pages.
Result<void> SegmentFiles::write_zeroes(File& file) {
  constexpr std::uint64_t kPiece = 1 << 20;
  for (std::uint64_t at = 0; at < settings_.segment_bytes && !hurry_.load(std::memory_order_relaxed); at += kPiece) {
    GODWIT_TRY(file.write_zeroes(at, std::min(kPiece, settings_.segment_bytes - at)));
    if (at % (4u << 20) == 0) GODWIT_TRY(file.sync_data());  // in small bites, so that the writer's syncs do not wait behind all of it
  }
  return {};
}

// The number is durable before the first record is written: a stale record can never carry a number that is used again.
Result<void> SegmentFiles::lay_out(File& file, std::uint32_t number, bool fresh, bool prewrite) {
  GODWIT_ASSIGN(const std::uint64_t size, file.size());
  if (size > settings_.segment_bytes) GODWIT_TRY(file.truncate(settings_.segment_bytes));
  if (size < settings_.segment_bytes) GODWIT_TRY(make_room(file));
  if (fresh && prewrite) GODWIT_TRY(write_zeroes(file));
  const SegmentHead head{number, salt_of(number), settings_.segment_bytes};
  std::string page = encode_head(head);
  page.resize(kFirstRecord, '\0');
  GODWIT_TRY(file.write_at(0, page));
  GODWIT_TRY(file.write_at(settings_.segment_bytes - kSegmentTail, encode_tail(head, std::nullopt)));
  GODWIT_TRY(file.sync_data());
  return fresh ? disk_.sync_directory(settings_.directory) : Result<void>{};
}

std::string SegmentFiles::free_path(bool& fresh) {
  const std::lock_guard lock(mutex_);
  fresh = free_.empty();
  if (fresh) return path_of(next_slot_++);
  std::string path = std::move(free_.back());
  free_.pop_back();
  return path;
}

Result<SegmentFiles::Prepared> SegmentFiles::prepare(std::uint32_t number, bool prewrite) {
  bool fresh = false;
  const std::string path = free_path(fresh);
  auto file = disk_.open(path, fresh ? Disk::Open::create_new : Disk::Open::write_existing);
  if (!file) return fail(std::move(file).error());
  const auto done = lay_out(**file, number, fresh, prewrite);
  if (done) {
    no_space_.store(false, std::memory_order_relaxed);
    return Prepared{number, path, std::shared_ptr<File>(std::move(*file))};
  }
  if (done.error().cause == Error::Cause::full) {
    if (!no_space_.exchange(true)) log::warning("no space for another segment of message bytes", {{"error", done.error().text}});
    file->reset();
    ignore(disk_.remove(path), "a file that could not be given its space holds nothing");
  }
  return fail(done.error());
}

Result<std::shared_ptr<File>> SegmentFiles::take_file(Segment& segment) {
  std::optional<Prepared> taken;
  {
    std::unique_lock lock(mutex_);
    hurry_.store(true, std::memory_order_relaxed);
    prepared_.wait(lock, [this] { return !preparing_; });
    hurry_.store(false, std::memory_order_relaxed);
    ++taken_;
    taken = std::exchange(spare_, std::nullopt);
    if (taken && taken->number != segment.head.number) {  // its number was skipped: the file is free again
      free_.push_back(taken->path);
      taken.reset();
    }
  }
  if (!taken) {
    GODWIT_ASSIGN(taken, prepare(segment.head.number, false));
  }
  const std::lock_guard lock(mutex_);
  segment.path = taken->path;
  return taken->file;
}

void SegmentFiles::want_spare(std::uint32_t number) {
  {
    const std::lock_guard lock(mutex_);
    if (preparing_ || (spare_ && spare_->number == number)) return;
    preparing_ = true;
  }
  pool_.submit([this, number] {
    auto prepared = prepare(number, settings_.prewrite);
    const std::lock_guard lock(mutex_);
    if (spare_) free_.push_back(spare_->path);
    spare_.reset();
    if (prepared) spare_ = std::move(*prepared);
    preparing_ = false;
    prepared_.notify_all();
  });
}

Result<void> SegmentFiles::make_spare(std::uint32_t number) {
  {
    std::unique_lock lock(mutex_);
    prepared_.wait(lock, [this] { return !preparing_; });
    if (spare_ && spare_->number == number) {
      no_space_.store(false, std::memory_order_relaxed);
      return {};
    }
    if (spare_) free_.push_back(spare_->path);
    spare_.reset();
    preparing_ = true;
  }
  auto prepared = prepare(number, false);
  const std::lock_guard lock(mutex_);
  if (prepared) spare_ = std::move(*prepared);
  preparing_ = false;
  prepared_.notify_all();
  if (!prepared) return fail(std::move(prepared).error());
  return {};
}

Result<std::shared_ptr<File>> SegmentFiles::reading_file(Segment& segment) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    if (segment.file) return segment.file;
    path = segment.path;
  }
  GODWIT_ASSIGN(std::unique_ptr<File> opened, disk_.open(path, Disk::Open::read));
  const std::lock_guard lock(mutex_);
  if (!segment.file) {
    if (open_files_ >= kMostOpenFiles) {
      for (auto& [number, other] : segments_) other->file.reset();
      open_files_ = 0;
    }
    segment.file = std::move(opened);
    ++open_files_;
  }
  return segment.file;
}

Result<std::unique_ptr<File>> SegmentFiles::writing_file(Segment& segment) { return disk_.open(segment.path, Disk::Open::write_existing); }

bool SegmentFiles::retire(Segment& segment) {
  const std::lock_guard lock(mutex_);
  if (segment.readers.load(std::memory_order_acquire) != 0) return false;
  free_.push_back(segment.path);
  if (segment.file) --open_files_;
  segment.file.reset();
  const std::uint32_t number = segment.head.number;
  std::erase_if(spans_, [&](const auto& span) { return span.second.segment == number; });
  segments_.erase(number);
  return true;
}

void SegmentFiles::forget(Segment& segment) {
  const std::lock_guard lock(mutex_);
  segments_.erase(segment.head.number);
}

void SegmentFiles::trim() {
  std::vector<std::string> surplus;
  {
    const std::lock_guard lock(mutex_);
    recent_ = no_space() ? 0 : std::max(std::exchange(taken_, 0), recent_ - (recent_ + 7) / 8);
    while (free_.size() > settings_.spare_files + recent_) {
      surplus.push_back(std::move(free_.back()));
      free_.pop_back();
    }
  }
  for (const std::string& path : surplus) {
    const auto removed = disk_.remove(path);
    if (!removed) log::warning("a free segment file cannot be deleted", {{"file", path}, {"error", removed.error().text}});
  }
}

std::size_t SegmentFiles::free_files() const {
  const std::lock_guard lock(mutex_);
  return free_.size();
}

void SegmentFiles::add_span(Location body, Location list) {
  const std::lock_guard lock(mutex_);
  spans_[body] = list;
}

std::optional<Location> SegmentFiles::find_span(Location body) const {
  const std::lock_guard lock(mutex_);
  const auto found = spans_.find(body);
  if (found == spans_.end()) return std::nullopt;
  return found->second;
}

}  // namespace godwit::store
