#include "app/egress.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/route_secrets.h"
#include "edge/net/egress.h"
#include "edge/net/loop.h"

namespace godwit::app {
namespace {

using Via = SourceConfig::Via;

std::optional<net::Socks5Login> login_of(const SourceConfig& source) {
  if (source.user.empty()) return std::nullopt;
  auto password = read_password(source.password_file);
  if (!password) return std::nullopt;  // look_at_egress() says so; the proxy will want a login, and the source rests
  return net::Socks5Login{source.user, *std::move(password)};
}

std::shared_ptr<net::Dialer> dialer_of(const SourceConfig& source, net::Dialer& dialer, Clock& clock) {
  const net::LocalAddresses from{source.v4, source.v6};
  net::ProxyContext context{dialer, [](std::string host) { return net::resolve_host(std::move(host)); }, clock};
  net::ProxyHost proxy{source.proxy_host, source.proxy_port};
  switch (source.via) {
    case Via::socks5: return net::make_socks5_dialer(std::move(context), std::move(proxy), login_of(source));
    case Via::proxy: return net::make_proxy_header_dialer(std::move(context), std::move(proxy), from);
    case Via::nothing: break;
  }
  if (!source.v4 && !source.v6) return net::make_tcp_dialer();
  return net::make_bound_dialer(from);
}

std::shared_ptr<const outbound::Source> make_source(const SourceConfig& config, net::Dialer& dialer, Clock& clock) {
  auto source = std::make_shared<outbound::Source>();
  source->name = config.name;
  source->hostname = config.hostname;
  const bool any = !config.v4 && !config.v6;
  source->v4 = any || config.v4;
  source->v6 = any || config.v6;
  source->dialer = dialer_of(config, dialer, clock);
  source->proxied = config.via != SourceConfig::Via::nothing;
  source->warmup = config.warmup;
  source->count_for_metrics();
  return source;
}

}  // namespace

std::shared_ptr<const outbound::Egress> make_egress(const Config& config, net::Dialer& dialer, Clock& clock) {
  const EgressConfig& from = config.egress;
  if (from.pools.empty()) return nullptr;
  std::map<std::string, std::shared_ptr<const outbound::Source>> sources;
  for (const SourceConfig& source : from.sources) sources.emplace(source.name, make_source(source, dialer, clock));
  auto egress = std::make_shared<outbound::Egress>();
  for (const PoolConfig& pool : from.pools)
    for (const auto& [name, weight] : pool.members) egress->pools[pool.name].members.push_back({sources.at(name), weight});
  egress->for_mx = from.for_mx;
  egress->warmup = from.warmup;
  return egress;
}

EgressFindings look_at_egress(const Config& config) {
  EgressFindings out;
  for (const SourceConfig& source : config.egress.sources) {
    if (!source.password_file.empty()) {
      const auto password = read_password(source.password_file);
      if (!password) out.problems.push_back(fmt::format("source {}: {}", source.name, password.error().text));
      if (password && password->size() > 255)
        out.problems.push_back(fmt::format("source {}: the password has more than 255 bytes, which SOCKS cannot say", source.name));
    }
    if (source.via != Via::nothing) continue;
    for (const auto& address : {source.v4, source.v6}) {
      if (!address) continue;
      const auto local = net::check_local_address(*address);
      if (!local) out.warnings.push_back(fmt::format("source {}: {}; until then nothing leaves from it", source.name, local.error().text));
    }
  }
  return out;
}

bool any_warms_up(const EgressConfig& egress) {
  return std::ranges::any_of(egress.sources, [](const SourceConfig& source) { return source.warmup.has_value(); });
}

}  // namespace godwit::app
