#pragma once
// Where a recipient goes: to a local account, to a site, to the hold, or nowhere.
//
// First the [[route]] table (first match wins; conditions.h: what a route may ask), then local domains, then MX (mx_sites.h asks the DNS
// when it is tried). The domain "*", or none, stands for every domain that is not local, so that a smarthost for the rest of the world does
// not take our own mail; a route that names a local domain (or what is above it: "*.example.net") does win over it. Immutable after
// construction; a reload makes a new one (the owner swaps a shared_ptr). Any loop.

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/task.h"
#include "grammar/smtp/path.h"
#include "grammar/smtp/reply.h"
#include "service/routing/conditions.h"
#include "service/routing/site.h"
#include "state/directory/directory.h"

namespace godwit::routing {

struct ToLocal {
  directory::Account account;
};
struct ToSite {
  std::shared_ptr<const Site> site;
};
struct ToMx {
  smtp::Domain domain;
  std::optional<Tls> tls = {};  // as the route says; secured() (mx_sites.h) puts it into the site
  std::string tls_name = {};
  std::string pool = {};  // likewise
};
struct ToHold {
  std::string why;
};
struct ToDiscard {
  std::string why;
};
struct Refused {
  smtp::Reply reply;
};  // unknown user 550 5.1.1, reject route 550 5.7.1, unroutable 550 5.4.4, address literal 550 5.1.2
struct ToAlias {
  std::vector<smtp::Address> targets;
};
using Destination = std::variant<ToLocal, ToSite, ToMx, ToHold, ToDiscard, Refused, ToAlias>;

struct Policy {
  bool address_literals = false;  // whether mail for user@[192.0.2.1] is sent there; a route for a literal counts either way
};

// The parsed [[route]] table.
class RouteTable {
 public:
  RouteTable();
  ~RouteTable();
  RouteTable(RouteTable&& other) noexcept;

  // Errors name the key and the mend: a pattern or hop that is none, words mixed with hops, LMTP mixed with SMTP, TLS or a login
  // where there can be none, a route that can never match because an earlier one takes everything of it. A refused route counts
  // all the same, but matches nothing.
  std::expected<void, RouteError> add(const Route& route);

 private:
  friend class Router;
  struct Entry;
  std::expected<Entry, RouteError> parse(const Route& route) const;

  std::vector<Entry> entries_;
};

class Router {
 public:
  // Errors are those of RouteTable::add() and name the route, counted from 1 as in the file.
  static Result<std::shared_ptr<const Router>> create(std::vector<Route> routes, directory::Directory& directory, Policy policy = {});
  ~Router();

  // Temporary errors (store) come back as errors; everything decided is a Destination. Aliases are not followed here: ToAlias has
  // the targets, each of which is routed anew by whoever expands. `envelope` outlives the call.
  Task<Result<Destination>> route(smtp::Address recipient, const Envelope& envelope) const;
  // The envelope has no header, and a route that might take this recipient asks for it. Asks nobody; may say yes in vain.
  bool wants_header(const smtp::Address& recipient, const Envelope& envelope) const;
  // A route asks for more than RCPT knows for certain: the header, or the tenant. What is said there may change later.
  bool decides_after_rcpt() const { return after_rcpt_; }
  // All mail for this domain that leaves us takes the same way: no route asks for more than the domain.
  bool decides_by_domain(const smtp::Domain& domain) const;
  // Whether mail for this domain is ours to take from strangers: a local domain, nothing else; the directory alone says so, no route
  // and no condition. The question of the open relay.
  Task<Result<bool>> accepts_from_anyone(smtp::Domain domain) const;

 private:
  using Entry = RouteTable::Entry;
  Router(RouteTable table, directory::Directory& directory, Policy policy);
  Task<Result<const Entry*>> find(const smtp::Address& recipient, const Envelope& envelope) const;
  Destination go(const Entry& entry, smtp::Address recipient) const;
  Task<Result<Destination>> resolve_local(smtp::Address recipient, bool by_route) const;
  Destination go_by_mx(smtp::Domain domain) const;

  RouteTable table_;
  directory::Directory* directory_ = nullptr;
  Policy policy_;
  bool after_rcpt_ = false;
};

}  // namespace godwit::routing
