#include "state/trace/trace.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"
#include "state/trace/segment_set.h"

namespace godwit::trace {
namespace {

constexpr std::size_t kShards = 16;
constexpr auto kTick = std::chrono::seconds(1);
constexpr std::uint32_t kTicksUnfinished = 10;      // then a story goes out as far as it is told
constexpr std::size_t kStoryOverhead = 200;         // bytes of memory besides its text, about
constexpr std::size_t kUsualStory = 1'024;          // room that a story is given at once
constexpr std::size_t kLargestStory = 256 * 1'024;  // further events are dropped until it is written

// A story in memory is already encoded; nothing but copying is left for the writer.
struct Pending {
  std::string keys;
  std::string events;
  std::vector<std::uint64_t> hashes;
  WallTime last{};
  std::uint32_t since = 0;  // tick
  bool finished = false;
};

struct alignas(64) Shard {
  std::mutex mutex;
  std::unordered_map<MessageId, Pending> stories;
};

metrics::Counter& dropped_counter() {
  static metrics::Counter& counter =
      metrics::counter("godwit_trace_events_dropped_total", "Events that were not kept, because memory or disk was full");
  return counter;
}

class SegmentTrace final : public Trace {
 public:
  SegmentTrace(std::unique_ptr<SegmentSet> segments, Settings settings, BlockingPool& pool, Clock& clock)
      : segments_(std::move(segments)), settings_(std::move(settings)), pool_(pool), clock_(clock), thread_([this](std::stop_token stop) {
          serve(stop);
        }) {}
  ~SegmentTrace() override { stop(); }

  void keys(MessageId id, Keys keys) override {
    std::string encoded;
    append_keys(encoded, keys);
    auto hashes = hashes_of(id, keys);
    const std::size_t bytes = encoded.size() + hashes.size() * sizeof(std::uint64_t);
    if (!room_for(bytes)) return;
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    Pending& story = story_of(shard, id);
    story.keys = std::move(encoded);
    story.hashes = std::move(hashes);
    count(bytes);
  }

  void add(MessageId id, std::string_view kind, std::string detail) override {
    if (!room_for(detail.size())) return;
    const WallTime now = clock_.now();
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    Pending& story = story_of(shard, id);
    if (story.events.size() > kLargestStory) return dropped_counter().add();
    const std::size_t before = story.events.size();
    if (before == 0) story.events.reserve(kUsualStory);
    append_event(story.events, now, kind, detail);
    story.last = std::max(story.last, now);
    count(story.events.size() - before);
  }

  void finish(MessageId id) override {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.stories.find(id);
    if (found != shard.stories.end()) found->second.finished = true;
  }

  Task<Result<std::vector<Event>>> events(MessageId id) override {
    return pool_.run([this, id] {
      const std::lock_guard lock(segments_mutex_);
      write_out(Which::all);
      return segments_->events(id);
    });
  }

  Task<Result<std::vector<MessageId>>> find(std::string text, std::size_t limit) override {
    return pool_.run([this, text = std::move(text), limit]() -> Result<std::vector<MessageId>> {
      const std::lock_guard lock(segments_mutex_);
      write_out(Which::all);
      if (text.starts_with('<')) return segments_->by_message_id(text, limit);
      GODWIT_ASSIGN(auto ids, segments_->by_address(text, limit));
      if (!ids.empty()) return ids;
      return segments_->by_message_id("<" + text + ">", limit);
    });
  }

  void stop() override {
    if (stopped_.exchange(true)) return;
    thread_.request_stop();
    wake();
    thread_.join();
    const std::lock_guard lock(segments_mutex_);
    write_out(Which::all);
  }

 private:
  enum class Which : std::uint8_t { due, all };

  Shard& shard_of(MessageId id) { return shards_[std::hash<MessageId>()(id) % kShards]; }

  Pending& story_of(Shard& shard, MessageId id) {
    const auto [at, fresh] = shard.stories.try_emplace(id);
    if (fresh) {
      at->second.hashes = {hash_of_id(id)};
      at->second.since = tick_.load(std::memory_order_relaxed);
      count(kStoryOverhead);
    }
    return at->second;
  }

  bool room_for(std::size_t bytes) {
    if (!stopped_.load(std::memory_order_relaxed) && bytes_.load(std::memory_order_relaxed) + bytes <= settings_.memory) return true;
    dropped_counter().add();
    return false;
  }

  // At half of the memory the writer is called, so that it begins before anything must be dropped.
  void count(std::size_t bytes) {
    const std::size_t now = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (now > settings_.memory / 2 && now - bytes <= settings_.memory / 2) wake();
  }

  void wake() {
    {
      const std::lock_guard lock(wake_mutex_);
      woken_ = true;
    }
    wake_.notify_one();
  }

  void serve(const std::stop_token& stop) {
    name_this_thread("trace");
    while (!stop.stop_requested()) {
      bool pressed = false;
      {
        std::unique_lock lock(wake_mutex_);
        pressed = wake_.wait_for(lock, kTick, [&] { return woken_; });
        woken_ = false;
      }
      tick_.fetch_add(1, std::memory_order_relaxed);
      const std::lock_guard lock(segments_mutex_);
      write_out(pressed ? Which::all : Which::due);
    }
  }

  std::vector<SegmentFile::Story> collect(Which which) {
    const std::uint32_t tick = tick_.load(std::memory_order_relaxed);
    std::vector<std::pair<std::uint32_t, SegmentFile::Story>> taken;
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (auto at = shard.stories.begin(); at != shard.stories.end();) {
        Pending& story = at->second;
        if (which == Which::due && !story.finished && tick - story.since < kTicksUnfinished) {
          ++at;
          continue;
        }
        taken.emplace_back(story.since, SegmentFile::Story{at->first, std::move(story.keys), std::move(story.events),
                                                           std::move(story.hashes), story.last});
        at = shard.stories.erase(at);
      }
    }
    std::ranges::sort(taken, {}, [](const auto& entry) { return std::pair(entry.first, entry.second.id); });
    std::vector<SegmentFile::Story> out;
    out.reserve(taken.size());
    for (auto& entry : taken) out.push_back(std::move(entry.second));
    return out;
  }

  // With segments_mutex_ held.
  void write_out(Which which) {
    const std::vector<SegmentFile::Story> stories = collect(which);
    if (stories.empty()) return;
    std::size_t bytes = 0;
    for (const SegmentFile::Story& story : stories)
      bytes +=
          kStoryOverhead + story.keys.size() + story.events.size() + (story.keys.empty() ? 0 : story.hashes.size() * sizeof(std::uint64_t));
    bytes_.fetch_sub(std::min(bytes, bytes_.load(std::memory_order_relaxed)), std::memory_order_relaxed);
    const auto written = segments_->append(stories);
    if (written) return;
    dropped_counter().add(stories.size());
    log::warning("trace not written", {{"error", written.error().text}, {"messages", stories.size()}});
  }

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint32_t> tick_{0};
  std::atomic<bool> stopped_{false};

  std::mutex segments_mutex_;
  std::unique_ptr<SegmentSet> segments_;
  Settings settings_;
  BlockingPool& pool_;
  Clock& clock_;

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

class NullTrace final : public Trace {
 public:
  void keys(MessageId /*id*/, Keys /*keys*/) override {}
  void add(MessageId /*id*/, std::string_view /*kind*/, std::string /*detail*/) override {}
  void finish(MessageId /*id*/) override {}
  Task<Result<std::vector<Event>>> events(MessageId /*id*/) override { co_return std::vector<Event>(); }
  Task<Result<std::vector<MessageId>>> find(std::string /*text*/, std::size_t /*limit*/) override { co_return std::vector<MessageId>(); }
  void stop() override {}
};

}  // namespace

Result<std::unique_ptr<Trace>> open_trace(Settings settings, store::Disk& disk, BlockingPool& pool, Clock& clock) {
  GODWIT_ASSIGN(auto segments, SegmentSet::open(settings, disk));
  return std::make_unique<SegmentTrace>(std::move(segments), std::move(settings), pool, clock);
}

std::unique_ptr<Trace> make_null_trace() { return std::make_unique<NullTrace>(); }

}  // namespace godwit::trace
