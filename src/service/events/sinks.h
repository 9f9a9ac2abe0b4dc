#pragma once
// All sinks of a server: starts them, changes them at a reload, says how they are. A sink that fails waits, longer each time up to
// an hour, and goes on where it was; meanwhile it holds one parcel in memory and the stream holds the rest, for as long as the
// stream keeps events. Nothing of mail waits for a sink. Owned by the application; set() and status() from any thread.

#include <memory>
#include <vector>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "edge/net/task_group.h"
#include "service/events/sink.h"

namespace godwit::events {

struct SinkStatus {
  std::string kind;
  std::string name;
  std::string target;
  Position position;
  std::uint64_t sent = 0;    // events, in this run
  std::uint64_t gaps = 0;    // times that the stream had removed what was not yet sent
  WallTime waiting_since{};  // time of the oldest event that is not taken; nothing waits: zero
  unsigned failures = 0;     // in a row
  std::string last_error;
  WallTime last_error_at{};
  WallTime last_success{};
  WallTime next_try{};
  bool stopped = false;  // the receiver said 410: until a reload or a restart
};

struct SinksContext {
  Stream& stream;
  std::filesystem::path directory;  // where the places are
  store::Disk& disk;
  BlockingPool& pool;
  Clock& clock;
  Random& random;
  net::TaskGroup& tasks;
  Executor executor;  // the loop of all of them
};

class Sinks {
 public:
  explicit Sinks(SinksContext context);
  ~Sinks();

  // These and no others: what has not changed goes on, what is gone ends after the parcel that is under way, what is new begins at
  // the stream's end, or where a sink of that name left off. All of them open their files anew.
  void set(std::vector<std::unique_ptr<Sink>> sinks);
  std::vector<SinkStatus> status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// 1 s, 2 s, 4 s ... up to an hour, a tenth more or less.
Duration wait_after(unsigned failures, Random& random);

}  // namespace godwit::events
