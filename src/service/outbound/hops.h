#pragma once
// Which hops of a site are worth trying now: one that failed rests for the steps of the probe schedule. Pure; the time is passed in.

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace godwit::outbound {

class Hops {
 public:
  explicit Hops(std::size_t count) : hops_(count) {}

  // In order of preference, without those that rest. A retry comes a little before or after its time (the queue's jitter), so the
  // last fifth of a rest counts as over.
  std::vector<std::size_t> candidates(SteadyTime now) const;
  // All rest: the site is down.
  bool down(SteadyTime now) const { return candidates(now).empty(); }
  SteadyTime next_probe() const;  // the first end of a rest

  void failed(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe);
  void succeeded(std::size_t hop) { hops_[hop] = {}; }

 private:
  struct Health {
    std::size_t failures = 0;  // in a row
    SteadyTime rests_until{};
    Duration rest{};
  };
  std::vector<Health> hops_;
};

}  // namespace godwit::outbound
