#include "frontend/pop3d/login_delays.h"

#include <algorithm>

namespace godwit::pop3d {

bool LoginDelays::admit(directory::AccountId account, SteadyTime now, Duration delay) {
  if (delay <= Duration::zero()) return true;
  const std::scoped_lock lock(mutex_);
  if (last_.size() >= sweep_at_) sweep(now, delay);
  const auto [at, fresh] = last_.try_emplace(account, now);
  if (fresh) return true;
  if (now - at->second < delay) return false;
  at->second = now;
  return true;
}

void LoginDelays::take_back(directory::AccountId account) {
  const std::scoped_lock lock(mutex_);
  last_.erase(account);
}

std::size_t LoginDelays::remembered() const {
  const std::scoped_lock lock(mutex_);
  return last_.size();
}

// Those whose delay is over need not be remembered; the next sweep comes when what is left has doubled.
void LoginDelays::sweep(SteadyTime now, Duration delay) {
  std::erase_if(last_, [&](const auto& each) { return now - each.second >= delay; });
  sweep_at_ = std::max<std::size_t>(last_.size() * 2, 1'024);
}

}  // namespace godwit::pop3d
