#pragma once
// The story of each message: events in order, kept for a configurable time, shown by `godwit trace`.
//
// add() is cheap and never waits: events of a message collect in memory and go, together, to append-only segment files when
// the message is finished (or after 10 s); an index row a message is written lazily in batches. Never synced for its own sake:
// a power cut may lose the last seconds of stories, never mail. Any thread.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "edge/store/engine.h"

namespace godwit::trace {

struct Event {
  WallTime time{};
  std::string kind;    // "accepted", "routed", "attempt", "delivered", "deferred", "bounced", "held" ...
  std::string detail;  // a sentence for a person, with the remote's words where there are any
};

struct Keys {  // how a message can be found besides its id
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

  virtual Task<Result<std::vector<Event>>> events(MessageId id) = 0;
  // Messages by header Message-ID or by sender or recipient address, newest first, at most `limit`.
  virtual Task<Result<std::vector<MessageId>>> find(std::string text, std::size_t limit) = 0;
  virtual void stop() = 0;  // writes out what is in memory
};

struct Settings {
  std::filesystem::path directory;
  Duration keep = std::chrono::days(14);
  std::uint64_t max_bytes = 1ULL << 30;
};

Result<std::unique_ptr<Trace>> open_trace(Settings settings, store::Engine& engine, Clock& clock);
// Keeps nothing; for tests and commands.
std::unique_ptr<Trace> make_null_trace();

}  // namespace godwit::trace
