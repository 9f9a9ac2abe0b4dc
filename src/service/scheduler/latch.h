#pragma once
// Waiting for a number of things to be done, all on one loop. One waiter, by wait() or wait_until().

#include <cstddef>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/task.h"
#include "edge/net/task_group.h"

namespace godwit::scheduler {

class Latch {
 public:
  void add(std::size_t count = 1) { pending_ += count; }
  void done() {
    if (--pending_ > 0) return;
    if (waiter_) std::exchange(waiter_, {})(true);
    if (timer_) timer_->wake();
  }
  bool ready() const { return pending_ == 0; }
  Task<> wait() {
    if (pending_ == 0) co_return;
    co_await suspend<bool>([this](Resume<bool> resume) { waiter_ = std::move(resume); });
  }
  // Until all is done, or until `when`; it may come back before either. true: all is done. The timer is nobody else's meanwhile.
  Task<bool> wait_until(Timer& timer, SteadyTime when);

 private:
  std::size_t pending_ = 0;
  Resume<bool> waiter_;
  Timer* timer_ = nullptr;  // while somebody waits by it
};

// Runs work(0) ... work(count - 1), at most `at_once` of them at a time, and returns when all have ended.
// What `work` refers to lives in the caller, who waits.
Task<> run_bounded(net::TaskGroup& tasks, std::size_t count, std::size_t at_once, std::function<Task<>(std::size_t)> work);

}  // namespace godwit::scheduler
