#include "edge/dns/unbound_resolver.h"

#include <fmt/format.h>

#include "edge/dns/cached_resolver.h"
#include "edge/dns/unbound_upstream.h"

namespace godwit::dns {
namespace {

constexpr std::uint16_t kDnsPort = 53;

Result<Endpoint> parse_server(const std::string& server) {
  if (const auto address = parse_ip(server)) return Endpoint{*address, kDnsPort};
  const auto endpoint = parse_endpoint(server);
  if (endpoint && endpoint->port != 0) return endpoint;
  return fail(Error::syntax(
      fmt::format("\"{}\" is not the address of a DNS server: write \"192.0.2.53\", \"127.0.0.1:5353\" or, alone, \"system\"", server), 0));
}

}  // namespace

Result<std::vector<std::string>> forward_addresses(const std::vector<std::string>& servers) {
  std::vector<std::string> addresses;
  for (const std::string& server : servers) {
    GODWIT_ASSIGN(const Endpoint endpoint, parse_server(server));
    addresses.push_back(fmt::format("{}@{}", endpoint.address.text(), endpoint.port));
  }
  return addresses;
}

Result<std::unique_ptr<Resolver>> make_unbound_resolver(const Executor& owner, Clock& clock, const ResolverOptions& options) {
  GODWIT_ASSIGN(std::unique_ptr<Upstream> upstream, UnboundUpstream::create(owner, options));
  return std::make_unique<CachedResolver>(std::move(upstream), clock, options.cache);
}

}  // namespace godwit::dns
