#include "app/ourselves.h"

#include <algorithm>
#include <utility>

namespace godwit::app {

Ourselves::Ourselves(const std::vector<ListenerConfig>& listeners, std::vector<IpAddress> interfaces) : interfaces_(std::move(interfaces)) {
  for (const ListenerConfig& listener : listeners)
    listening_.insert(listening_.end(), listener.addresses.begin(), listener.addresses.end());
}

bool Ourselves::contains(const Endpoint& endpoint) const {
  // connecting to 0.0.0.0 reaches this machine, and so does all of 127.0.0.0/8
  const bool on_this_machine = endpoint.address.is_loopback() || endpoint.address.is_unspecified() ||
                               std::ranges::find(interfaces_, endpoint.address) != interfaces_.end();
  return std::ranges::any_of(listening_, [&](const Endpoint& ours) {
    if (ours.port != endpoint.port) return false;
    if (ours.address == endpoint.address) return true;
    return on_this_machine && ours.address.is_unspecified() && ours.address.v6 == endpoint.address.v6;  // sockets are IPV6_V6ONLY
  });
}

}  // namespace godwit::app
