#include "testing/manual_clock.h"

#include <optional>

namespace godwit::testing {

class ManualTimer final : public Timer {
 public:
  explicit ManualTimer(ManualClock& clock) : clock_(clock), waiters_(clock.waiters_) {}
  ~ManualTimer() override {
    if (const auto waiters = waiters_.lock(); waiters && waiter_) waiters->erase(*waiter_);
  }

  Task<bool> wait_until(SteadyTime when) override {
    if (std::exchange(woken_, false)) co_return false;
    if (when <= clock_.steady()) co_return true;
    const bool elapsed =
        co_await suspend<bool>([&](Resume<bool> resume) { waiter_ = clock_.waiters_->emplace(when, arm(std::move(resume))); });
    if (std::exchange(woken_, false)) co_return false;
    co_return elapsed;
  }

  void wake() override {
    woken_ = true;
    const auto waiters = waiters_.lock();
    if (!waiters || !waiter_) return;
    auto resume = std::move((*waiter_)->second);
    waiters->erase(*waiter_);
    resume(false);
  }

 private:
  std::move_only_function<void(bool)> arm(Resume<bool> resume) {
    return [this, resume = std::move(resume)](bool elapsed) mutable {
      waiter_.reset();
      resume(elapsed);
    };
  }

  ManualClock& clock_;
  std::weak_ptr<ManualClock::Waiters> waiters_;
  std::optional<ManualClock::Waiters::iterator> waiter_;
  bool woken_ = false;
};

std::unique_ptr<Timer> ManualClock::make_timer(const Executor& /*executor*/) { return std::make_unique<ManualTimer>(*this); }

bool ManualClock::step_towards(WallTime until) {
  const auto first = waiters_->begin();
  if (first == waiters_->end() || first->first > SteadyTime(until.time_since_epoch())) {
    now_ = std::max(now_, until);
    return false;
  }
  now_ = std::max(now_, WallTime(first->first.time_since_epoch()));
  auto resume = std::move(first->second);
  waiters_->erase(first);
  resume(true);
  return true;
}

}  // namespace godwit::testing
