#include "service/outbound/hops.h"

#include <algorithm>

namespace godwit::outbound {

std::vector<std::size_t> Hops::candidates(SteadyTime now) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < hops_.size(); ++i)
    if (hops_[i].failures == 0 || now >= hops_[i].rests_until - hops_[i].rest / 5) out.push_back(i);
  return out;
}

SteadyTime Hops::next_probe() const {
  const auto first = std::ranges::min_element(hops_, {}, &Health::rests_until);
  return first == hops_.end() ? SteadyTime{} : first->rests_until;
}

void Hops::failed(std::size_t hop, SteadyTime now, const std::vector<Duration>& probe) {
  Health& health = hops_[hop];
  health.rest = probe.empty() ? Duration(std::chrono::minutes(1)) : probe[std::min(health.failures, probe.size() - 1)];
  health.rests_until = now + health.rest;
  ++health.failures;
}

}  // namespace godwit::outbound
