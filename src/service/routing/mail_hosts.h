#pragma once
// The servers that take mail for a domain, as the DNS names them (RFC 5321 5.1, RFC 7505). Names alone, in the order in which they
// are to be tried: their addresses are looked up when their turn comes. Any loop.

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "edge/dns/resolver.h"
#include "grammar/smtp/path.h"
#include "service/routing/router.h"

namespace godwit::routing {

struct MailHost {
  std::string name;
  std::uint16_t preference = 0;
};

struct MailHosts {
  std::vector<MailHost> hosts;  // never empty; the lowest preference first, equals shuffled; at most kMostMailHosts
  bool implicit = false;        // there is no MX: the domain's own addresses stand in (RFC 5321 5.1)
  bool secure = false;          // the answer was validated: DANE may build on it (RFC 7672 2.2.1)
  std::chrono::seconds ttl{0};  // how long this may be believed

  // The key of the pool of connections: domains whose hosts are the same, in the same tiers of preference, share one.
  // "a.mx.test,b.mx.test;backup.mx.test"
  std::string site() const;
};

inline constexpr std::size_t kMostMailHosts = 32;

// Errors are temporary: the DNS did not answer (4.4.3). What can never work is Refused: no such domain 5.1.2, a domain that takes
// no mail 5.1.10 (null MX), one whose mail would come back to us 5.4.6, one that names no usable host 5.4.4.
// `own_names`: by which we greet; a host of that name and all that stand behind it are left out (RFC 5321 5.1).
Task<Result<std::variant<MailHosts, Refused>>> find_mail_hosts(dns::Resolver& resolver, Random& random, smtp::Domain domain,
                                                               std::vector<std::string> own_names);

}  // namespace godwit::routing
