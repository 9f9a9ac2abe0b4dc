#pragma once
// When each account last logged in, for LOGIN-DELAY (RFC 2449 6.5). One for all listeners and loops; any thread. In memory: a restart
// forgets, which lets a client in too early and locks nobody out.

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "state/directory/directory.h"

namespace godwit::pop3d {

class LoginDelays {
 public:
  // Whether `account` may log in `now`: not within `delay` of the last login. Then this one is the last. With a delay of 0 always.
  bool admit(directory::AccountId account, SteadyTime now, Duration delay);
  // The login that was admitted has come to nothing: the next one need not wait for it.
  void take_back(directory::AccountId account);

  std::size_t remembered() const;

 private:
  void sweep(SteadyTime now, Duration delay);

  mutable std::mutex mutex_;
  std::unordered_map<directory::AccountId, SteadyTime> last_;
  std::size_t sweep_at_ = 1'024;
};

}  // namespace godwit::pop3d
