#pragma once
// The first of several addresses that answers (RFC 8305): attempts begin one after the other, a little apart, and run side by side.

#include <expected>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"

namespace godwit::net {

inline constexpr Duration kAttemptDelay = std::chrono::milliseconds(250);  // RFC 8305 8: Connection Attempt Delay

struct DialFailure {
  std::size_t index = 0;
  Error error;
};
struct Dialed {
  std::unique_ptr<Stream> stream;
  std::size_t index = 0;              // of its endpoint
  std::vector<DialFailure> failures;  // of others, before it succeeded
};

// IPv6 and IPv4 by turns, each family in the order given, IPv6 first (RFC 8305 4, with First Address Family Count 1).
std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses);

// The next attempt begins when the one before has failed, or has not answered for kAttemptDelay; the first that succeeds ends the
// others. `timeout` is for each. The failures are in the order in which they happened. On the caller's loop; when `tasks` is
// stopped, everything ends at once with `cancelled`.
Task<std::expected<Dialed, std::vector<DialFailure>>> dial_first(Dialer& dialer, Clock& clock, TaskGroup& tasks,
                                                                 std::vector<Endpoint> endpoints, Duration timeout);

}  // namespace godwit::net
