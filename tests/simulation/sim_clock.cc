#include "sim_clock.h"

#include <algorithm>
#include <optional>

namespace godwit::simulation {

class SimTimer final : public Timer {
 public:
  explicit SimTimer(SimClock& clock) : clock_(clock), waiters_(clock.waiters_) {}
  ~SimTimer() override {
    if (const auto waiters = waiters_.lock(); waiters && waiter_) waiters->erase(*waiter_);
  }

  Task<bool> wait_until(SteadyTime when) override {
    if (std::exchange(woken_, false)) co_return false;
    if (when <= clock_.steady()) co_return true;
    const bool elapsed = co_await suspend<bool>([&](Resume<bool> resume) { add(when, std::move(resume)); });
    if (std::exchange(woken_, false)) co_return false;
    co_return elapsed;
  }

  void wake() override {
    woken_ = true;
    const auto waiters = waiters_.lock();
    if (!waiters || !waiter_) return;
    auto resume = std::move((*waiter_)->second.resume);
    waiters->erase(*waiter_);
    resume(false);
  }

 private:
  void add(SteadyTime when, Resume<bool> resume) {
    SimClock::Waiter waiter;
    waiter.housekeeping = when - clock_.steady() == SimClock::kHousekeeping;
    waiter.resume = [this, resume = std::move(resume)](bool elapsed) mutable {
      waiter_.reset();
      resume(elapsed);
    };
    waiter_ = clock_.waiters_->emplace(when, std::move(waiter));
  }

  SimClock& clock_;
  std::weak_ptr<SimClock::Waiters> waiters_;
  std::optional<SimClock::Waiters::iterator> waiter_;
  bool woken_ = false;
};

std::unique_ptr<Timer> SimClock::make_timer(const Executor& /*executor*/) { return std::make_unique<SimTimer>(*this); }

bool SimClock::step(SteadyTime until, bool idle) {
  auto next = waiters_->end();
  SteadyTime when = SteadyTime::max();
  for (auto at = waiters_->begin(); at != waiters_->end() && at->first < when; ++at) {
    const SteadyTime fires = at->first + (idle && at->second.housekeeping ? kHousekeepingMayWait : Duration(0));
    if (fires >= when) continue;
    when = fires;
    next = at;
  }
  if (next == waiters_->end() || when > until) {
    steady_ = std::max(steady_, until);
    return false;
  }
  steady_ = std::max(steady_, when);
  auto resume = std::move(next->second.resume);
  waiters_->erase(next);
  resume(true);
  return true;
}

}  // namespace godwit::simulation
