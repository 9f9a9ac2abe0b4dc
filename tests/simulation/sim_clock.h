#pragma once
// The simulation's clock. It stands still until step() moves it to the next moment at which somebody waits, so a week takes as long as
// what happens in it. The wall clock may be set apart from the steady one, as an operator or NTP would.

#include <map>
#include <memory>

#include "base/clock.h"

namespace godwit::simulation {

class SimClock final : public Clock {
 public:
  WallTime now() const override { return WallTime((steady_ + set_).time_since_epoch()); }
  SteadyTime steady() const override { return steady_; }
  std::unique_ptr<Timer> make_timer(const Executor& executor) override;

  // Moves to the next waiting timer not later than `until` and fires it. false: there is none; then it is `until`.
  // `idle`: nothing is under way. Then timers of exactly kHousekeeping may come ten minutes late, as on a machine that is suspended while
  // it has nothing to do: a quiet week is not a hundred thousand steps.
  bool step(SteadyTime until, bool idle);
  void set_wall(Duration by) { set_ += by; }

  static constexpr Duration kHousekeeping = std::chrono::seconds(15);
  static constexpr Duration kHousekeepingMayWait = std::chrono::minutes(10);

 private:
  friend class SimTimer;
  struct Waiter {
    bool housekeeping = false;
    std::move_only_function<void(bool)> resume;
  };
  using Waiters = std::multimap<SteadyTime, Waiter>;

  SteadyTime steady_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22).time_since_epoch() + std::chrono::hours(12)};
  Duration set_{};
  std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();  // a timer may outlive the clock
};

}  // namespace godwit::simulation
