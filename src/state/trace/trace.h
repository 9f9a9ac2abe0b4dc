#pragma once
// The story of each message: events in order, kept for a configurable time, shown by `godwit trace`.
//
// add() is cheap and never waits: events of a message collect in memory (bounded; under pressure everything is written out, the
// oldest first, and what still does not fit is counted and dropped). They go, together, to append-only segment files when the message
// is finished, or after 10 s. Never synced for its own sake: a power cut may lose the last seconds of stories, never mail.
// Segments carry their own index (docs/formats/trace.md), so a message costs no row. Any thread; a query reads on the blocking pool.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "edge/store/disk.h"

namespace godwit::trace {

struct Event {
  WallTime time{};
  std::string kind;    // "accepted", "routed", "attempt", "delivered", "deferred", "bounced", "held" ...
  std::string detail;  // a sentence for a person, with the remote's words where there are any
};

struct Keys {              // how a message can be found besides its id
  std::string message_id;  // header Message-ID with its angle brackets, "" if none
  std::string sender;
  std::vector<std::string> recipients;
};

class Trace {
 public:
  virtual ~Trace() = default;
  virtual void keys(MessageId id, Keys keys) = 0;
  virtual void add(MessageId id, std::string_view kind, std::string detail) = 0;
  virtual void finish(MessageId id) = 0;  // nothing more will come soon: write it out

  // In order of time; empty if nothing is known of it.
  virtual Task<Result<std::vector<Event>>> events(MessageId id) = 0;
  // Messages by header Message-ID ("<...>") or by sender or recipient address, newest first, at most `limit`. Text without
  // angle brackets is an address, and a Message-ID if no such address is known.
  virtual Task<Result<std::vector<MessageId>>> find(std::string text, std::size_t limit) = 0;
  virtual void stop() = 0;  // writes out what is in memory; blocks; later events are dropped
};

struct Settings {
  std::filesystem::path directory;
  Duration keep = std::chrono::days(14);  // counted back from the newest event
  std::uint64_t max_bytes = 1ULL << 30;
  std::uint64_t segment_bytes = 16ULL << 20;  // a segment is removed as a whole
  std::size_t memory = 32 << 20;              // events that are not yet written
};

// Makes the directory if there is none. A damaged segment is passed over with a log line, never an error.
Result<std::unique_ptr<Trace>> open_trace(Settings settings, store::Disk& disk, BlockingPool& pool, Clock& clock);
// Keeps nothing; for tests and commands.
std::unique_ptr<Trace> make_null_trace();

}  // namespace godwit::trace
