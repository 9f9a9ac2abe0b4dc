#pragma once
// Servers that offer STARTTLS and then fail at it: for an hour they are spoken to in plain text, as opportunistic encryption
// demands (RFC 7435 3), without paying for another broken handshake. One a loop, used on it alone.

#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace godwit::outbound {

class PlainHosts {
 public:
  static constexpr Duration kRemembered = std::chrono::hours(1);
  static constexpr std::size_t kHosts = 10'000;

  bool contains(const std::string& remote, SteadyTime now) const {
    const auto found = until_.find(remote);
    return found != until_.end() && found->second > now;
  }
  void add(const std::string& remote, SteadyTime now) {
    if (until_.size() >= kHosts) std::erase_if(until_, [&](const auto& entry) { return entry.second <= now; });
    if (until_.size() >= kHosts) until_.clear();
    until_[remote] = now + kRemembered;
  }

 private:
  std::unordered_map<std::string, SteadyTime> until_;
};

}  // namespace godwit::outbound
