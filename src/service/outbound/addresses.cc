#include "service/outbound/addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "edge/net/happy_eyeballs.h"
#include "service/outbound/limits.h"
#include "service/outbound/outcomes.h"

namespace godwit::outbound {
namespace {

using Addresses = std::expected<std::vector<IpAddress>, NoAddress>;

Addresses in_order(const std::vector<IpAddress>& addresses) {
  auto ordered = net::interleave_families(addresses);
  if (ordered.size() > kAddresses) ordered.resize(kAddresses);
  return ordered;
}

Task<Addresses> of_route(const Context& context, routing::Hop hop) {
  auto resolved = co_await context.resolve(hop.host);
  if (!resolved)
    co_return std::unexpected(NoAddress{
        unreachable({4, 4, 3}, fmt::format("{} could not be looked up: {}", hop.host, resolved.error().text), hop.text()), false});
  if (resolved->empty())
    co_return std::unexpected(NoAddress{unreachable({4, 4, 3}, fmt::format("{} has no address", hop.host), hop.text()), false});
  co_return in_order(*resolved);
}

Task<Addresses> ask_dns(dns::Resolver& resolver, std::string host) {
  std::vector<IpAddress> addresses;
  const auto v4 = co_await resolver.a(host);
  addresses.insert(addresses.end(), v4.records.begin(), v4.records.end());
  // With an address at hand, a server that is silent about AAAA costs little.
  const auto v6 = co_await resolver.aaaa(host, addresses.empty() ? dns::kLookupTimeout : kSecondFamily);
  addresses.insert(addresses.end(), v6.records.begin(), v6.records.end());
  if (!addresses.empty()) co_return addresses;
  if (v4.failed() || v6.failed()) {
    const std::string reason = v4.failed() ? v4.reason : v6.reason;
    co_return std::unexpected(
        NoAddress{unreachable({4, 4, 3}, fmt::format("the address of {} could not be looked up: {}", host, reason), host), false});
  }
  const bool exists = v4.status != dns::Status::nxdomain;
  std::string text = fmt::format("the MX {} {}; whoever runs that domain must mend it", host, exists ? "has no address" : "does not exist");
  co_return std::unexpected(NoAddress{bounced({5, 4, 4}, std::move(text), "local"), false});
}

// Takes out where mail may not go.
Addresses allowed(const Context& context, const Settings& settings, const routing::Hop& hop, std::vector<IpAddress> addresses) {
  const auto own = [&](const IpAddress& address) { return context.is_ourselves({address, hop.port}); };
  if (const auto found = std::ranges::find_if(addresses, own); found != addresses.end()) {
    std::string text = fmt::format("the MX {} is this server ({}), which does not serve that domain: its mail would go in a circle",
                                   hop.host, found->text());
    return std::unexpected(NoAddress{bounced({5, 4, 6}, std::move(text), "local"), true});
  }
  const IpAddress first = addresses.front();
  // connecting to :: or 0.0.0.0 reaches this machine, whatever is configured
  std::erase_if(addresses,
                [&](const IpAddress& address) { return contains(settings.forbidden_networks, address) || address.is_unspecified(); });
  if (!addresses.empty()) return in_order(addresses);
  std::string text = fmt::format("the MX {} has the address {}, where mail may not go", hop.host, first.text());
  return std::unexpected(NoAddress{bounced({5, 4, 4}, std::move(text), "local"), false});
}

}  // namespace

Task<Addresses> find_addresses(const Context& context, std::shared_ptr<const routing::Site> site, routing::Hop hop) {
  std::vector<IpAddress> addresses;
  if (const auto ip = parse_ip(hop.host)) {
    addresses.push_back(*ip);
  } else if (!site->by_mx) {
    co_return co_await of_route(context, std::move(hop));
  } else {
    auto asked = co_await ask_dns(context.resolver, hop.host);
    if (!asked) co_return asked;
    addresses = *std::move(asked);
  }
  if (!site->by_mx) co_return addresses;
  const auto settings = context.settings();
  co_return allowed(context, *settings, hop, std::move(addresses));
}

}  // namespace godwit::outbound
