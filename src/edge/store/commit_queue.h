#pragma once
// The one commit thread: takes the batches of all sessions that wait, has them written as one group, and answers.
//
// Groups begin as group_pace.h says and hold up to 4 MiB; the queue up to 64 MiB, beyond that writers wait for room. A group with a
// durable batch in it is synced; after lazy ones alone the log is synced within 100 ms. The thread never reads rows. Any thread may push().

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

  PendingWrite* next = nullptr;  // for the serialiser: the next of the same partition
  bool indexed = false;
};
using WriteGroup = std::span<const std::unique_ptr<PendingWrite>>;

// Where groups go. All calls on the commit thread.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // false: the engine has failed; it is not called again, everything is answered `unknown`.
  virtual bool commit(WriteGroup group, bool sync) = 0;
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
  static constexpr std::chrono::milliseconds kLazyFor{100};

  // Versions are counted on from `last_version`.
  CommitQueue(CommitSink& sink, RowVersion last_version);
  // Commits and answers what waits, syncs, and ends the thread.
  ~CommitQueue();

  // Gives the batch its version; versions have the order of the log.
  void push(std::unique_ptr<PendingWrite> write);
  bool has_room() const;
  // Calls back, on any thread, when there is room (at once if there is).
  void when_room(std::move_only_function<void()> call);

 private:
  using Time = std::chrono::steady_clock::time_point;
  void serve();
  void take_group();
  void commit_group();
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

  // The commit thread's own.
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
