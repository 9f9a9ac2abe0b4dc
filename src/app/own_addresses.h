#pragma once
// The addresses by which the Internet can reach this machine, as far as its interfaces know them, for DNS records.
// Behind a router that translates addresses there is none: only its owner knows the public one. Blocking, quick; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace godwit::app {

struct OwnAddresses {
  std::vector<IpAddress> global;  // each once, IPv4 first
  bool has_ipv6 = false;          // an interface has an IPv6 address, be it loopback's
};

OwnAddresses find_own_addresses();

// Every address of every interface, global or not.
std::vector<IpAddress> interface_addresses();

// Reachable from everywhere: neither private, shared (RFC 6598), loopback, link-local, documentation, multicast nor reserved
// (RFC 6890).
bool is_global(const IpAddress& address);

// The addresses of Linux's /proc/net/if_inet6 that will last: none that is temporary (RFC 8981), deprecated or not yet verified.
std::vector<IpAddress> lasting_ipv6(std::string_view if_inet6);

// RFC 1035 3.5, RFC 3596 2.5: "5.113.0.203.in-addr.arpa", nibbles below "ip6.arpa".
std::string reverse_name(const IpAddress& address);

}  // namespace godwit::app
