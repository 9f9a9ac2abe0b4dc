#pragma once
// Sources and pools of the configuration as outbound wants them: with their dialers. And what the surroundings say to them.

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/clock.h"
#include "edge/net/stream.h"
#include "service/outbound/source.h"

namespace godwit::app {

// Null: nothing is configured. `dialer` reaches proxies; it and the clock outlive every dialogue.
std::shared_ptr<const outbound::Egress> make_egress(const Config& config, net::Dialer& dialer, Clock& clock);

struct EgressFindings {
  std::vector<std::string> problems;  // passwords that cannot be read
  std::vector<std::string> warnings;  // addresses that are not this machine's: their sources rest until they are
};
EgressFindings look_at_egress(const Config& config);

bool any_warms_up(const EgressConfig& egress);

}  // namespace godwit::app
