#include "service/routing/mx_sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace godwit::routing {
namespace {

constexpr std::uint16_t kSmtp = 25;

std::shared_ptr<const Site> make_site(const MailHosts& found, std::uint16_t port) {
  auto site = std::make_shared<Site>();
  site->by_mx = true;
  site->name = found.site();
  if (port != kSmtp) site->name += fmt::format(":{}", port);
  for (const MailHost& host : found.hosts) site->hops.push_back({Hop::Protocol::smtp, host.name, port, host.preference});
  return site;
}

}  // namespace

MxSites::MxSites(dns::Resolver& resolver, Clock& clock, Random& random, std::function<std::shared_ptr<const Settings>()> settings)
    : resolver_(resolver), clock_(clock), random_(random), settings_(std::move(settings)) {}

std::shared_ptr<const Site> MxSites::remembered(const smtp::Domain& domain) {
  const auto found = known_.find(domain.text());
  if (found == known_.end()) return nullptr;
  if (found->second.until > clock_.steady() && found->second.settings == settings_()) return found->second.site;
  known_.erase(found);
  return nullptr;
}

Task<Result<MxSites::Found>> MxSites::find(smtp::Domain domain) {
  if (auto site = remembered(domain)) co_return site;
  const auto settings = settings_();
  auto names = settings->own_names;
  smtp::Domain asked = domain;
  GODWIT_CO_ASSIGN(auto found, co_await find_mail_hosts(resolver_, random_, std::move(asked), std::move(names)));
  if (auto* refused = std::get_if<Refused>(&found)) co_return std::move(*refused);
  const MailHosts& hosts = std::get<MailHosts>(found);
  auto site = make_site(hosts, settings->port);
  const Duration keep = std::min<Duration>(hosts.ttl, kLongest);
  if (keep > Duration(0)) remember(domain, {site, clock_.steady() + keep, settings});
  co_return site;
}

void MxSites::remember(const smtp::Domain& domain, Known known) {
  if (known_.size() >= kDomains) {
    const SteadyTime now = clock_.steady();
    std::erase_if(known_, [&](const auto& entry) { return entry.second.until <= now; });
    if (known_.size() >= kDomains) known_.clear();  // all of the last minute: the resolver's cache answers
  }
  known_.insert_or_assign(domain.text(), std::move(known));
}

std::shared_ptr<const Site> secured(std::shared_ptr<const Site> site, std::optional<Tls> tls, const std::string& tls_name,
                                    const std::string& pool) {
  if (!tls && pool.empty()) return site;
  auto changed = std::make_shared<Site>(*site);
  if (tls) {
    changed->tls = tls;
    changed->tls_name = tls_name;
    changed->name += fmt::format(" tls={}{}{}", to_string(*tls), tls_name.empty() ? "" : " tls_name=", tls_name);
  }
  changed->pool = pool;
  if (!pool.empty()) changed->name += " pool=" + pool;
  return changed;
}

}  // namespace godwit::routing
