#pragma once
// The one commit thread: takes the batches of all sessions that wait, has them written as one group, and answers.
//
// Groups begin as group_pace.h says and hold up to 4 MiB; the queue up to 64 MiB, beyond that writers wait for room. A group with a
// durable batch in it is synced; after lazy ones alone the log is synced within 100 ms. The thread never reads rows. Any thread may push().
//
// A small lazy batch that finds the thread asleep need not wake it: who pushed it has it written, in the thread's place and at once
// (a change of a flag is two wake-ups cheaper by it). One at a time commits, the thread or a pusher; where the engine would make the
// pusher wait, the batch goes to the thread after all.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "edge/store/engine.h"
#include "edge/store/group_pace.h"

namespace godwit::store {

// Whether committing it changes a row; only then does it take a version (and a sequence number of RocksDB).
bool changes_rows(const Batch& batch);

struct RowName {
  Keyspace keyspace;
  std::string key;
};

// What write() is told, by the commit thread or before it.
struct WriteStep {
  enum class Kind : std::uint8_t { done, read_first, try_again };
  Kind kind = Kind::done;
  WriteDone done;
  std::vector<RowName> uncached;
};

// A batch that was accepted and is on its way to the disk.
struct PendingWrite {
  Partition partition = 0;
  Batch batch;
  WriteDone done;  // sums and version are known from the start, the outcome at the end
  Resume<WriteStep> answer;
  bool by_thread = false;  // CommitQueue::By

  PendingWrite* next = nullptr;  // for the serialiser: the next of the same partition
  bool indexed = false;
};
using WriteGroup = std::span<const std::unique_ptr<PendingWrite>>;

// Where groups go. One call at a time; those of commit_own() on the thread of who pushed, the rest on the commit thread.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  enum class Outcome : std::uint8_t {
    yes,
    failed,      // the engine is not called again, everything is answered `unknown`
    would_wait,  // nothing was written; only where it was told not to wait
  };
  enum class How : std::uint8_t { sync, no_sync, no_sync_no_wait };
  virtual Outcome commit(WriteGroup group, How how) = 0;
  virtual bool sync() = 0;
  // After commit(), before the answers.
  virtual void settled(WriteGroup group) = 0;
  // 100 ms after the last sync, once: says in the log how far it is synced.
  virtual bool mark() = 0;
  // About once a second.
  virtual void tick() = 0;
};

class CommitQueue {
 public:
  static constexpr std::size_t kGroupBytes = 4 << 20;
  static constexpr std::size_t kQueueBytes = 64 << 20;
  static constexpr std::size_t kOwnBytes = 256 << 10;  // a larger batch goes to the thread
  static constexpr std::chrono::milliseconds kLazyFor{100};

  // Versions are counted on from `last_version`.
  CommitQueue(CommitSink& sink, RowVersion last_version);
  // Commits and answers what waits, syncs, and ends the thread.
  ~CommitQueue();

  // Gives the batch its version; versions have the order of the log. true: the caller must call commit_own(), soon; nobody else commits
  // until then. By::thread: it never is, for where a write could have to wait for room on the disk.
  enum class By : std::uint8_t { thread, pusher_too };
  [[nodiscard]] bool push(std::unique_ptr<PendingWrite> write, By by = By::pusher_too);
  void commit_own();
  bool has_room() const;
  // Calls back, on any thread, when there is room (at once if there is).
  void when_room(std::move_only_function<void()> call);

 private:
  using Time = std::chrono::steady_clock::time_point;
  void serve();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void take_group();
  void commit_group(CommitSink::How how);
  void answer_group();
  void keep_up(Time now);
  Time next_duty() const;

  CommitSink& sink_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::unique_ptr<PendingWrite>> waiting_;
  std::size_t bytes_ = 0;  // of what waits and of the group under way
  RowVersion last_version_;
  std::vector<std::move_only_function<void()>> want_room_;
  bool stopping_ = false;
  bool asleep_ = false;      // the thread waits for work
  bool own_ = false;         // a pusher commits
  bool wants_turn_ = false;  // the thread waits for the pusher's end

  // Of who commits.
  std::vector<std::unique_ptr<PendingWrite>> group_;
  std::size_t group_bytes_ = 0;
  bool failed_ = false;
  bool unsynced_ = false;
  bool unmarked_ = false;
  Time lazy_until_{};
  Time next_tick_{};
  GroupPace pace_;
  std::thread thread_;
};

}  // namespace godwit::store
