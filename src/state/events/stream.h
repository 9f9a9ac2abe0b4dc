#pragma once
// The stream of events: append-only, bounded by age and size, read by any number of readers each at its own position.
//
// add() copies the event into a mapped segment under a lock: no system call, no wait for a disk, any thread. It survives the death
// of the process from that moment on, and a power cut after the next sync (every Settings::sync). A segment is removed when it is
// too old or the stream too large, whether it was read or not: a reader that comes too late is told (`gap`). Where the disk gives
// no new segment, up to 4 MiB wait in memory; what is more is dropped and counted. Switched off, there is no stream (null).
// read() and stop() block: on the blocking pool or a thread. docs/formats/events.md.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "edge/store/disk.h"
#include "state/events/event.h"

namespace godwit::events {

struct Settings {
  std::filesystem::path directory;
  Duration keep = std::chrono::days(7);  // counted back from now
  std::uint64_t max_bytes = 1ULL << 30;
  std::uint32_t segment_bytes = 8u << 20;
  Duration sync = std::chrono::seconds(1);  // what a power cut may take
};

// A place between two events. Ordered; "00000001:00004f20" as text. Segment 0 is before all: read from the oldest that is kept.
struct Position {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;

  auto operator<=>(const Position&) const = default;
  std::string text() const;
};
Result<Position> parse_position(std::string_view text);

class Stream {
 public:
  // Makes the directory if there is none. Damage costs the events that it hit, never the start.
  static Result<std::unique_ptr<Stream>> open(Settings settings, store::Disk& disk, Clock& clock);
  ~Stream();

  void add(const Draft& draft);

  Position end() const;  // behind the newest event; any thread, does not wait

  struct Batch {
    std::vector<Event> events;  // in order
    Position next;              // where to read on
    bool gap = false;           // `from` lay before the oldest that is kept
    std::size_t damaged = 0;    // places that could not be read and were passed over
  };
  // At most `events` events of `types`, and about `bytes` bytes of the stream, looked at or returned.
  Result<Batch> read(Position from, std::size_t events, std::size_t bytes, TypeSet types = kAllTypes);

  Position begin() const;  // of the oldest event that is kept
  std::uint64_t bytes() const;
  std::uint64_t dropped() const;
  // Nothing is added any more; what was added is synced.
  void stop();

 private:
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::events
