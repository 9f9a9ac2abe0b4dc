#include "service/routing/mail_hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace godwit::routing {
namespace {

using Found = std::variant<MailHosts, Refused>;

Refused refused(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text) {
  return {smtp::Reply{code, {5, subject, detail}, std::move(text)}};
}

Error unanswered(const smtp::Domain& domain, const std::string& reason) {
  return Error::temporary(Error::Cause::io, fmt::format("the DNS does not say where mail for {} goes: {}", domain.text(), reason));
}

// An MX that names an address ("10.0.0.1") or nothing names no host (RFC 1035 3.3.9, RFC 2181 10.3). Underscores are no part of a host
// name (RFC 1123 2.1), but some have them, and they are reached all the same.
bool names_a_host(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && std::ranges::all_of(name, fits) && !parse_ip(name);
}

// RFC 5321 5.1: what is not better than we are would only send it back.
void leave_ourselves_out(std::vector<MailHost>& hosts, const std::vector<std::string>& own_names) {
  std::optional<std::uint16_t> own;
  for (const MailHost& host : hosts)
    if (std::ranges::find(own_names, host.name) != own_names.end()) own = std::min(own.value_or(host.preference), host.preference);
  if (own) std::erase_if(hosts, [&](const MailHost& host) { return host.preference >= *own; });
}

void sort_and_shuffle(std::vector<MailHost>& hosts, Random& random) {
  // the same ones each time, so that the site keeps its name
  std::ranges::sort(hosts, {}, [](const MailHost& host) { return std::tie(host.preference, host.name); });
  if (hosts.size() > kMostMailHosts) hosts.resize(kMostMailHosts);
  for (std::size_t i = hosts.size(); i > 1; --i) std::swap(hosts[i - 1], hosts[random.below(i)]);
  std::ranges::sort(hosts, {}, &MailHost::preference);
}

Found from_records(const smtp::Domain& domain, const dns::Answer<dns::Mx>& answer, const std::vector<std::string>& own_names,
                   Random& random) {
  // RFC 7505 3: alone it means that no mail is taken; beside others it means nothing
  if (answer.records.size() == 1 && answer.records[0].exchange.empty())
    return refused(556, 1, 10, fmt::format("The domain {} takes no mail (null MX)", domain.text()));
  MailHosts found;
  found.secure = answer.security == dns::Security::secure;
  found.ttl = answer.ttl;
  for (const dns::Mx& mx : answer.records)
    if (names_a_host(mx.exchange)) found.hosts.push_back({mx.exchange, mx.preference});
  if (found.hosts.empty())
    return refused(550, 4, 4, fmt::format("The MX records of {} name no host; whoever runs that domain must mend them", domain.text()));
  leave_ourselves_out(found.hosts, own_names);
  if (found.hosts.empty())
    return refused(
        550, 4, 6,
        fmt::format("The MX of {} is this server, which does not serve that domain: its mail would go in a circle", domain.text()));
  sort_and_shuffle(found.hosts, random);
  return found;
}

// No MX: the domain's own addresses, if it has any.
Task<Result<Found>> from_addresses(dns::Resolver& resolver, smtp::Domain domain, MailHosts found, std::vector<std::string> own_names) {
  const auto v4 = co_await resolver.a(domain.text());
  const bool has_v4 = v4.status == dns::Status::records;
  if (has_v4) found.ttl = std::min(found.ttl, v4.ttl);
  if (!has_v4) {
    const auto v6 = co_await resolver.aaaa(domain.text());
    if (v6.failed() || (v4.failed() && v6.status != dns::Status::records))
      co_return fail(unanswered(domain, v6.failed() ? v6.reason : v4.reason));
    if (v6.status != dns::Status::records)
      co_return refused(550, 1, 2, fmt::format("The domain {} has neither an MX nor an address: nothing takes its mail", domain.text()));
  }
  if (std::ranges::find(own_names, domain.text()) != own_names.end())
    co_return refused(550, 4, 6, fmt::format("The domain {} is this server's own name, but it does not serve that domain", domain.text()));
  found.implicit = true;
  found.hosts.push_back({domain.text(), 0});
  co_return found;
}

}  // namespace

std::string MailHosts::site() const {
  auto sorted = hosts;
  std::ranges::sort(sorted, {}, [](const MailHost& host) { return std::pair(host.preference, host.name); });
  std::string text;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) text += sorted[i].preference == sorted[i - 1].preference ? ',' : ';';
    text += sorted[i].name;
  }
  return text;
}

Task<Result<Found>> find_mail_hosts(dns::Resolver& resolver, Random& random, smtp::Domain domain, std::vector<std::string> own_names) {
  if (const auto address = domain.literal()) {
    MailHosts found;
    found.ttl = std::chrono::hours(1);
    found.hosts.push_back({address->text(), 0});
    co_return found;
  }
  const auto answer = co_await resolver.mx(domain.text());
  switch (answer.status) {
    case dns::Status::failed: co_return fail(unanswered(domain, answer.reason));
    case dns::Status::nxdomain: co_return refused(550, 1, 2, fmt::format("The domain {} does not exist", domain.text()));
    case dns::Status::records: co_return from_records(domain, answer, own_names, random);
    case dns::Status::no_data: break;
  }
  MailHosts none;
  none.secure = answer.security == dns::Security::secure;
  none.ttl = answer.ttl;
  co_return co_await from_addresses(resolver, std::move(domain), std::move(none), std::move(own_names));
}

}  // namespace godwit::routing
