#include "service/outbound/hops.h"

#include <algorithm>

namespace godwit::outbound {

Hops::Hops(const std::vector<std::uint16_t>& tiers) {
  for (const std::uint16_t tier : tiers) hops_.push_back({tier, 0, false, {}, {}});
}

std::vector<std::size_t> Hops::candidates(SteadyTime now, Random& random) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < hops_.size(); ++i)
    if (!hops_[i].rests(now)) out.push_back(i);
  for (std::size_t begin = 0; begin < out.size();) {
    std::size_t end = begin + 1;
    while (end < out.size() && hops_[out[end]].tier == hops_[out[begin]].tier) ++end;
    for (std::size_t i = end; i > begin + 1; --i) std::swap(out[i - 1], out[begin + random.below(i - begin)]);
    begin = end;
  }
  return out;
}

bool Hops::down(SteadyTime now) const {
  return std::ranges::all_of(hops_, [&](const Health& hop) { return hop.rests(now); });
}

bool Hops::hopeless() const {
  return std::ranges::all_of(hops_, [](const Health& hop) { return hop.failures > 0 && hop.for_good; });
}

SteadyTime Hops::next_probe() const {
  const auto first = std::ranges::min_element(hops_, {}, &Health::rests_until);
  return first == hops_.end() ? SteadyTime{} : first->rests_until;
}

void Hops::failed(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe, bool for_good) {
  Health& health = hops_[hop];
  // what failed for good is the DNS's to mend, and asking it again costs nobody anything: the first step repeats
  const std::size_t step = for_good ? 0 : std::min(health.failures, probe.size() - 1);
  health.rest = probe.empty() ? Duration(std::chrono::minutes(1)) : probe[step];
  health.rests_until = now + health.rest;
  health.for_good = for_good;
  ++health.failures;
}

void Hops::succeeded(std::size_t hop) { hops_[hop] = {hops_[hop].tier, 0, false, {}, {}}; }

void Hops::wake_all() {
  for (Health& hop : hops_) {
    hop.rests_until = {};
    hop.rest = {};
  }
}

void Hops::failed_from(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe) {
  for (std::size_t i = 0; i < hops_.size(); ++i)
    if (hops_[i].tier >= hops_[hop].tier) failed(i, now, probe, true);
}

}  // namespace godwit::outbound
