#include "service/outbound/tenants.h"

#include <fmt/format.h>

#include "base/units.h"
#include "service/outbound/outcomes.h"

namespace godwit::outbound {

queue::Outcome kept_back(const std::string& tenant, const TenantStops::Stop& stop, SteadyTime now) {
  const Duration left = stop.until - now;
  queue::Outcome outcome =
      unreachable({4, 7, 1},
                  fmt::format("not tried: the mail of {} is kept back for {} more, because of a reply to one of its messages ({})", tenant,
                              format_duration(std::max<Duration>(left, std::chrono::seconds(1))), stop.why),
                  "outbound");
  outcome.retry_after = left;
  return outcome;
}

}  // namespace godwit::outbound
