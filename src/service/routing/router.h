#pragma once
// Where a recipient goes: to a local account, to a site, to the hold, or nowhere.
//
// First the [[route]] table (first match wins), then local domains, then MX (mx_sites.h asks the DNS when it is tried). The route "*"
// stands for every domain that is not local, so that a smarthost for the rest of the world does not take our own mail; a route that names a
// local domain (or what is above it: "*.example.net") does win over it. Immutable after construction; a reload makes a new one (the owner
// swaps a shared_ptr). Any loop.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/task.h"
#include "grammar/smtp/path.h"
#include "grammar/smtp/reply.h"
#include "state/directory/directory.h"

namespace godwit::routing {

struct Hop {
  enum class Protocol : std::uint8_t { smtp, smtps, lmtp };
  Protocol protocol = Protocol::smtp;
  std::string host;  // name or IP address
  std::uint16_t port = 25;
  std::uint16_t tier = 0;    // hops of one tier are equals: tried in random order, a lower tier before a higher one
  std::string text() const;  // "smtp://127.0.0.1:2600"
};
// "smtp://host:port" ("smtp://host" is port 25, "[::1]" an IPv6 address). This release speaks smtp alone: smtps:// and lmtp://
// are refused by name.
Result<Hop> parse_hop(std::string_view text);

// Destinations that share one pool of connections and one set of limits.
struct Site {
  std::string name;       // key of the pool: the hops' texts, or the sorted MX set
  std::vector<Hop> hops;  // in order of preference; the later ones are fall backs
  // Named by the DNS and not by the operator: [outbound] forbidden_networks and the search for ourselves apply.
  bool by_mx = false;
};

struct ToLocal {
  directory::Account account;
};
struct ToSite {
  std::shared_ptr<const Site> site;
};
struct ToMx {
  smtp::Domain domain;
};
struct ToHold {
  std::string why;
};
struct Refused {
  smtp::Reply reply;
};  // unknown user 550 5.1.1, reject route 550 5.7.1, unroutable 550 5.4.4, address literal 550 5.1.2
struct ToAlias {
  std::vector<smtp::Address> targets;
};
using Destination = std::variant<ToLocal, ToSite, ToMx, ToHold, Refused, ToAlias>;

struct Route {
  std::string domain;           // "example.net", "*.example.net" (below it), "*"
  std::vector<std::string> to;  // hops, or one of "mx", "local", "hold", "reject"
};

struct Policy {
  bool address_literals = false;  // whether mail for user@[192.0.2.1] is sent there; a route for a literal counts either way
};

// The parsed [[route]] table.
class RouteTable {
 public:
  RouteTable();
  ~RouteTable();
  RouteTable(RouteTable&& other) noexcept;

  // Errors name the mend: a domain or hop that is none, words mixed with hops, a route that can never match because an earlier
  // one takes everything of it. A refused route counts all the same, but matches nothing.
  Result<void> add(const Route& route);

 private:
  friend class Router;
  struct Entry;
  Result<Entry> parse(const Route& route) const;

  std::vector<Entry> entries_;
};

class Router {
 public:
  // Errors are those of RouteTable::add() and name the route, counted from 1 as in the file.
  static Result<std::shared_ptr<const Router>> create(std::vector<Route> routes, directory::Directory& directory, Policy policy = {});
  ~Router();

  // Temporary errors (store) come back as errors; everything decided is a Destination. Aliases are not followed here: ToAlias has
  // the targets, each of which is routed anew by whoever expands.
  Task<Result<Destination>> route(smtp::Address recipient) const;
  // Whether mail for this domain is ours to take from strangers: a local domain (a route to a local domain counts as local),
  // nothing else. The question of the open relay.
  Task<Result<bool>> accepts_from_anyone(smtp::Domain domain) const;

 private:
  using Entry = RouteTable::Entry;
  Router(RouteTable table, directory::Directory& directory, Policy policy);
  const Entry* find(const smtp::Domain& domain) const;
  Task<Result<Destination>> resolve_local(smtp::Address recipient, bool by_route) const;
  Destination go_by_mx(smtp::Domain domain) const;

  RouteTable table_;
  directory::Directory* directory_ = nullptr;
  Policy policy_;
};

}  // namespace godwit::routing
