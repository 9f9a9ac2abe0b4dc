#pragma once
// "Ourselves", for mail that would go in a circle: an address and port on which this server listens. A value; any thread.

#include <vector>

#include "app/config.h"
#include "base/ip.h"

namespace godwit::app {

class Ourselves {
 public:
  // `interfaces`: the machine's addresses, for listeners on 0.0.0.0 and [::].
  Ourselves(const std::vector<ListenerConfig>& listeners, std::vector<IpAddress> interfaces);

  bool contains(const Endpoint& endpoint) const;

 private:
  std::vector<Endpoint> listening_;
  std::vector<IpAddress> interfaces_;
};

}  // namespace godwit::app
