#pragma once
// The addresses of a hop, in the order in which they are tried. RFC 5321 5.1, RFC 8305.

#include <expected>
#include <vector>

#include "base/ip.h"
#include "base/task.h"
#include "service/outbound/outbound.h"

namespace godwit::outbound {

// Never empty. IPv6 and IPv4 by turns, at most kAddresses.
//
// A hop that the operator named is looked up by the system's resolver and may lie anywhere; it failing is temporary (4.4.3), for a
// route can be mended. A host that an MX named is looked up in the DNS: it has no address, or none where mail may go
// ([outbound] forbidden_networks), is for good (5.4.4), and one that leads to a door of ours too (5.4.6, `ourselves`).
struct NoAddress {
  queue::Outcome outcome;
  bool ourselves = false;
};
Task<std::expected<std::vector<IpAddress>, NoAddress>> find_addresses(const Context& context, std::shared_ptr<const routing::Site> site,
                                                                      routing::Hop hop);

}  // namespace godwit::outbound
