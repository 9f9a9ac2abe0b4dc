#pragma once
// When the next group of writes begins. Groups that follow each other at once are small where the disk is fast, and each costs a sync and a
// wake-up of everybody in it; so while many write at the same time groups begin at least kDistance apart and gather more. After a group of
// a few nobody waits; where a sync takes longer than kDistance nobody does; and when all who write have come, the rest of the time is not
// waited out. Lazy writes wait as durable ones. bench/README.md has what it brings. Internal to the store; each writing thread has its own.

#include <algorithm>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace godwit::store {

class GroupPace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds kDistance{2'000};
  static constexpr std::chrono::microseconds kSilence{500};  // nobody came for so long: all are here
  static constexpr std::size_t kMany = 16;                   // a group of so many shows that many write at the same time
  static constexpr std::size_t kEnough = 64;                 // so many need not wait for more; who adds that one notifies `work`

  // `waiting` tells, under the lock, how many writes the next group has.
  void gather(std::unique_lock<std::mutex>& lock, std::condition_variable& work, std::invocable auto waiting, const bool& stopping) const {
    for (auto now = Clock::now(); now < next_; now = Clock::now()) {
      const std::size_t before = waiting();
      const bool ready = work.wait_until(lock, std::min(next_, now + kSilence), [&] { return stopping || waiting() >= kEnough; });
      if (ready || waiting() == before) return;
    }
  }

  void begin(Clock::time_point now, std::size_t writes) { next_ = writes < kMany ? Clock::time_point{} : now + kDistance; }

 private:
  Clock::time_point next_{};
};

}  // namespace godwit::store
