#pragma once
// Coroutines with an owner: the only place that starts one.
//
// A TaskGroup counts the coroutines started in it; shutdown asks them to stop and waits. It belongs to one owner and
// outlives its coroutines: wait() (or the end of the loops) before the destructor, which GODWIT_CHECKs that none is left.
// spawn() and stop() from any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/task.h"

namespace godwit::net {

class TaskGroup {
 public:
  TaskGroup() = default;
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  std::uint64_t running() const { return running_.load(std::memory_order_acquire); }
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }
  bool cutting() const { return cutting_.load(std::memory_order_acquire); }

  // Marks the group as stopping and calls each stop call-back once, on the executor it was registered with.
  void stop();
  // The patience is over: calls the call-backs once more, which now see cutting(): what waits for a peer ends with a last word.
  void cut();
  // true when all have ended, false after `timeout`.
  Task<bool> wait(Clock& clock, Duration timeout);

  // A coroutine that waits somewhere long registers how to end that wait (for example: stream.cancel()). The call comes at
  // stop(), and once more at cut().
  class OnStop {
   public:
    // In a group that is stopping already the call is posted at once.
    OnStop(TaskGroup& group, Executor executor, std::function<void()> call);
    ~OnStop();  // on the same executor; no call follows
    OnStop(const OnStop&) = delete;
    OnStop& operator=(const OnStop&) = delete;

   private:
    TaskGroup& group_;
    std::uint64_t id_;
  };

 private:
  friend void spawn(const Executor&, TaskGroup&, std::string_view, Task<>);
  friend class Membership;
  struct Registration {
    Executor executor;
    std::shared_ptr<std::function<void()>> call;
  };
  struct Waiter {
    Executor executor;
    std::shared_ptr<Timer> timer;
  };

  void joined();
  void left();
  void call_all();

  std::atomic<std::uint64_t> running_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> cutting_{false};
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Registration> registrations_;
  std::vector<Waiter> waiters_;
  std::uint64_t next_ = 1;
};

// Starts `task` on `executor` as part of `group`, posted, never at once. An exception that leaves it is logged under `name`.
void spawn(const Executor& executor, TaskGroup& group, std::string_view name, Task<> task);

}  // namespace godwit::net
