#pragma once
// A clock that a test moves: timers fire when advance() passes them, in order of time.
// One thread (the test's); drive it together with a TestLoop.

#include <map>
#include <memory>

#include "base/clock.h"

namespace godwit::testing {

class ManualClock final : public Clock {
 public:
  WallTime now() const override { return now_; }
  SteadyTime steady() const override { return SteadyTime(now_.time_since_epoch()); }
  std::unique_ptr<Timer> make_timer(const Executor& executor) override;

  // Moves to the next timer not later than now + duration and fires it; the caller runs the loop and calls again.
  // false when no timer was due: then the clock stands at `until`.
  bool step_towards(WallTime until);
  void set(WallTime now) { now_ = now; }

 private:
  friend class ManualTimer;
  using Waiters = std::multimap<SteadyTime, std::move_only_function<void(bool)>>;

  WallTime now_ = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(12);
  std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();  // a timer of a coroutine that a dying loop destroys outlives us
};

}  // namespace godwit::testing
