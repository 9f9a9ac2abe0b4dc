#pragma once
// From a domain to the site that takes its mail: the DNS's answer (mail_hosts.h) as hops, remembered for a while, so that a queue
// full of mail for one domain asks once. One a loop, used on it alone; a reload's settings are in force with the next question.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "edge/dns/resolver.h"
#include "service/routing/mail_hosts.h"
#include "service/routing/router.h"

namespace godwit::routing {

class MxSites {
 public:
  struct Settings {
    std::uint16_t port = 25;             // [outbound] port
    std::vector<std::string> own_names;  // by which we greet
  };
  using Found = std::variant<std::shared_ptr<const Site>, Refused>;

  static constexpr Duration kLongest = std::chrono::seconds(60);  // however long the TTL: the resolver behind remembers longer
  static constexpr std::size_t kDomains = 20'000;

  MxSites(dns::Resolver& resolver, Clock& clock, Random& random, std::function<std::shared_ptr<const Settings>()> settings);

  // What find() would return without a question to anybody; null: it has to ask.
  std::shared_ptr<const Site> remembered(const smtp::Domain& domain);
  // Errors are find_mail_hosts()'s; only sites are remembered. Domains with the same hosts in the same tiers share a name.
  Task<Result<Found>> find(smtp::Domain domain);

 private:
  struct Known {
    std::shared_ptr<const Site> site;
    SteadyTime until;
    std::shared_ptr<const Settings> settings;  // it was made with
  };
  void remember(const smtp::Domain& domain, Known known);

  dns::Resolver& resolver_;
  Clock& clock_;
  Random& random_;
  std::function<std::shared_ptr<const Settings>()> settings_;
  std::unordered_map<std::string, Known> known_;
};

// The site with what a route says about TLS and the pool of source addresses, under a name of its own; itself, if the route says nothing.
std::shared_ptr<const Site> secured(std::shared_ptr<const Site> site, std::optional<Tls> tls, const std::string& tls_name,
                                    const std::string& pool = {});

}  // namespace godwit::routing
