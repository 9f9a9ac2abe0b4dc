#pragma once
// The segment files: which number lies in which file, who pins it, the free files and the spare that is prepared ahead.
// Internal to the segment store. Any thread; functions marked blocking touch the disk and stay off loops.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/disk.h"
#include "edge/store/segment_format.h"
#include "edge/store/segments.h"

namespace godwit::store {

// One segment in use. Shared; gone when it is retired and the last pin is let go.
struct Segment {
  Segment(std::uint32_t n, std::uint32_t s, std::uint32_t size) : head{n, s, size} {}

  const SegmentHead head;
  std::atomic<std::uint32_t> readers{0};
  std::atomic<std::uint32_t> writers{0};  // bodies whose BlobWriter is still there; raised only before it is sealed
  std::atomic<std::int64_t> live{0};      // bytes of records that are needed: a hint
  std::atomic<bool> sealed{false};        // written for the last time and synced
  std::atomic<bool> broken{false};        // no space for it: what is placed in it from broken_at on fails
  std::atomic<std::uint32_t> broken_at{0};
  std::atomic<std::uint32_t> end{0};     // behind the last record, once sealed
  std::atomic<std::uint32_t> footer{0};  // once sealed; 0 = none: scan

  // What a power cut took before anybody was told that it is kept: [begin, end). Set by recovery, constant afterwards.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lost;
  bool is_lost(std::uint32_t offset) const {
    return std::any_of(lost.begin(), lost.end(), [&](const auto& range) { return range.first <= offset && offset < range.second; });
  }

  // maintain()'s alone
  std::optional<SteadyTime> examined;  // when its records were last checked against the rows, or counted as they were written
  bool stuck = false;                  // holds a needed record that does not verify: left where it is
  std::int64_t last_live = -1;         // at the last call
  bool still = false;                  // live has not changed between the last two calls
  std::int64_t checkpointed = -1;      // live in the row

  // SegmentFiles' mutex
  std::string path;
  std::shared_ptr<File> file;
};
using SegmentRef = std::shared_ptr<Segment>;

// Keeps a segment from being recycled while it is read.
class ReaderPin {
 public:
  ReaderPin() = default;
  explicit ReaderPin(SegmentRef segment) : segment_(std::move(segment)) {}  // readers was raised already
  ReaderPin(ReaderPin&& other) noexcept : segment_(std::move(other.segment_)) {}
  ReaderPin& operator=(ReaderPin&& other) noexcept {
    std::swap(segment_, other.segment_);
    return *this;
  }
  ~ReaderPin() {
    if (segment_) segment_->readers.fetch_sub(1, std::memory_order_release);
  }
  explicit operator bool() const { return segment_ != nullptr; }
  Segment& operator*() const { return *segment_; }
  Segment* operator->() const { return segment_.get(); }

 private:
  SegmentRef segment_;
};

class SegmentFiles {
 public:
  SegmentFiles(const SegmentSettings& settings, Disk& disk, BlockingPool& pool, SpaceGuard* guard);
  ~SegmentFiles();  // waits for a preparation under way

  // What open() found in the directory, before recovery has judged it.
  struct Found {
    SegmentRef segment;
    std::optional<Seal> seal;
  };
  struct Listing {
    std::vector<Found> segments;     // by number
    std::vector<BlobDamage> damage;  // files whose head cannot be read; they are put aside
  };
  Result<Listing> open();  // blocking
  // Decides the check sum seed of a new segment.
  std::uint32_t salt_of(std::uint32_t number) const;

  void add(const SegmentRef& segment);
  SegmentRef find(std::uint32_t number) const;
  ReaderPin pin(std::uint32_t number) const;
  std::vector<SegmentRef> all() const;  // by number

  // Gives a new segment its file: the spare, a free one or a new one. Blocking; the writer's.
  Result<std::shared_ptr<File>> take_file(Segment& segment);
  // Prepares the file for segment `number` in the background, once.
  void want_spare(std::uint32_t number);
  // The same here and now; ends no_space() when it succeeds. Blocking.
  Result<void> make_spare(std::uint32_t number);
  Result<std::shared_ptr<File>> reading_file(Segment& segment);  // blocking
  Result<std::unique_ptr<File>> writing_file(Segment& segment);  // blocking; for recovery

  // Takes it out of use unless somebody reads it; its file is free then. Nothing in it may be needed any more.
  bool retire(Segment& segment);
  void forget(Segment& segment);  // one that never got a file
  // Deletes free files beyond settings.spare_files and what has been used between two calls of late. Blocking.
  void trim();
  std::size_t free_files() const;

  // Lists whose chunks began in an earlier segment.
  void add_span(Location body, Location list);
  std::optional<Location> find_span(Location body) const;

  bool no_space() const { return no_space_.load(std::memory_order_relaxed); }
  void set_no_space() { no_space_.store(true, std::memory_order_relaxed); }
  bool give_back_reserve();
  const SegmentSettings& settings() const { return settings_; }
  Disk& disk() { return disk_; }

 private:
  struct Prepared {
    std::uint32_t number = 0;
    std::string path;
    std::shared_ptr<File> file;
  };
  Result<std::optional<Found>> inspect(const std::string& path, Listing& listing);
  Result<Prepared> prepare(std::uint32_t number, bool prewrite);
  Result<void> lay_out(File& file, std::uint32_t number, bool fresh, bool prewrite);
  Result<void> make_room(File& file);
  Result<void> write_zeroes(File& file);
  std::string free_path(bool& fresh);
  std::string path_of(std::uint32_t slot) const;

  const SegmentSettings& settings_;
  Disk& disk_;
  BlockingPool& pool_;
  SpaceGuard* guard_;
  std::uint64_t secret_;

  mutable std::mutex mutex_;
  std::condition_variable prepared_;
  std::map<std::uint32_t, SegmentRef> segments_;
  std::map<Location, Location> spans_;  // body -> list
  std::vector<std::string> free_;
  std::optional<Prepared> spare_;
  bool preparing_ = false;
  std::size_t taken_ = 0;   // files since the last trim()
  std::size_t recent_ = 0;  // the most of late, sinking slowly
  std::uint32_t next_slot_ = 1;
  std::size_t open_files_ = 0;
  std::atomic<bool> no_space_{false};
  std::atomic<bool> hurry_{false};  // the writer waits for the spare: no more zeroes
};

}  // namespace godwit::store
