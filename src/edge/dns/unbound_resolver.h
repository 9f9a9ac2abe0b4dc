#pragma once
// The resolver of the program: libunbound with its own thread, cache and DNSSEC validation, behind a CachedResolver.
//
// Made once, before or while its loop runs. The loop of `owner` reads libunbound's descriptor; answers are posted to the
// loops of the askers. Destroy it on that loop, or when no loop runs (before or after the LoopPool itself); lookups in flight
// are dropped at once. Call stop() first when sessions should end with `cancelled`.
// One in a process: libunbound's own log is global and is switched off.

#include <memory>
#include <string>
#include <vector>

#include "edge/dns/answer_cache.h"
#include "edge/dns/resolver.h"

namespace godwit::dns {

struct ResolverOptions {
  // [dns] servers: empty = resolve from the root; "system" alone = the name servers of resolv_conf;
  // else addresses to forward to: "192.0.2.53", "127.0.0.1:5353", "[2001:db8::53]:53".
  std::vector<std::string> servers;
  // [dns] trust_anchor: a file of DS or DNSKEY records. "" = no validation. A file that is not there or cannot be used is a
  // warning in the log, and nothing is validated: then no answer is ever `secure`.
  std::string trust_anchor = "/usr/share/dns/root.key";
  std::string resolv_conf = "/etc/resolv.conf";
  CacheLimits cache;
};

// Errors: a server that is no address (syntax), a resolv.conf that cannot be read (io).
Result<std::unique_ptr<Resolver>> make_unbound_resolver(const Executor& owner, Clock& clock, const ResolverOptions& options);

// How libunbound writes each server: "192.0.2.53@53". The check of a configuration calls this too; errors name the value.
Result<std::vector<std::string>> forward_addresses(const std::vector<std::string>& servers);

}  // namespace godwit::dns
