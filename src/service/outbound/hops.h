#pragma once
// Which hops of a site are worth trying now: one that failed rests for the steps of the probe schedule. Pure; the time is passed in.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace godwit::outbound {

class Hops {
 public:
  // Of each hop its tier; in the order of the tiers.
  explicit Hops(const std::vector<std::uint16_t>& tiers);

  // Those that do not rest, tier by tier, equals in random order (RFC 5321 5.1). A retry comes a little before or after its time (the
  // queue's jitter), so the last fifth of a rest counts as over.
  std::vector<std::size_t> candidates(SteadyTime now, Random& random) const;
  // All rest: the site is down.
  bool down(SteadyTime now) const;
  // Each failed, and for good: it has no address, or none where mail may go.
  bool hopeless() const;
  SteadyTime next_probe() const;  // the first end of a rest

  void failed(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe, bool for_good = false);
  void succeeded(std::size_t hop);
  void wake_all();  // all rests are over
  // RFC 5321 5.1: this hop is ourselves; it and all that are not better are of no use.
  void failed_from(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe);

 private:
  struct Health {
    std::uint16_t tier = 0;
    std::size_t failures = 0;  // in a row
    bool for_good = false;     // the last of them
    SteadyTime rests_until{};
    Duration rest{};

    bool rests(SteadyTime now) const { return failures > 0 && now < rests_until - rest / 5; }
  };
  std::vector<Health> hops_;
};

}  // namespace godwit::outbound
