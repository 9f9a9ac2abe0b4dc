#include "service/routing/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace godwit::routing {
namespace {

struct ByDirectory {};  // "local"
struct ByMx {};
struct Hold {};
struct Reject {};
using To = std::variant<ByDirectory, ByMx, Hold, Reject, std::shared_ptr<const Site>>;

Refused refused(std::uint16_t subject, std::uint16_t detail, std::string text) {
  return {smtp::Reply{550, {5, subject, detail}, std::move(text)}};
}
Refused unknown_user() { return refused(1, 1, "No such user here"); }
Refused no_local_domain() { return refused(4, 4, "The route says \"local\", but this domain is not local here"); }
Refused no_literals() { return refused(1, 2, "Mail to an address in brackets is not sent from here; write to a domain"); }

}  // namespace

struct RouteTable::Entry {
  // "*.example.net" has the domain "example.net" and matches below it alone; "*" has none.
  enum class Match : std::uint8_t { none, exact, below, rest };
  Match match = Match::none;
  smtp::Domain domain;
  std::string name;  // as written, for people
  To to;

  bool matches(const smtp::Domain& other) const {
    switch (match) {
      case Match::none: return false;
      case Match::exact: return other == domain;
      case Match::below: return other != domain && other.is_within(domain);
      case Match::rest: return true;
    }
    return false;
  }
  // Whatever `later` matches, this one takes.
  bool covers(const Entry& later) const {
    if (match == Match::none || later.match == Match::none) return false;
    if (match == Match::rest) return true;
    if (match == Match::exact) return later.match == Match::exact && later.domain == domain;
    if (later.match == Match::rest) return false;
    return later.match == Match::below ? later.domain.is_within(domain) : matches(later.domain);
  }
};

namespace {

Error bad(std::string why) { return Error::permanent(Error::Cause::syntax, std::move(why)); }

Result<std::shared_ptr<const Site>> parse_site(const std::vector<std::string>& to) {
  auto site = std::make_shared<Site>();
  for (const std::string& text : to) {
    if (text == "local" || text == "hold" || text == "reject" || text == "mx")
      return fail(
          Error::permanent(Error::Cause::syntax, fmt::format("\"{}\" stands alone: it cannot be a fall back of a hop or have one", text)));
    GODWIT_ASSIGN(Hop hop, parse_hop(text));
    hop.tier = static_cast<std::uint16_t>(site->hops.size());
    if (!site->name.empty()) site->name += ',';
    site->name += hop.text();
    site->hops.push_back(std::move(hop));
  }
  return site;
}

Result<To> parse_to(const std::vector<std::string>& to) {
  if (to.empty())
    return fail(
        Error::permanent(Error::Cause::syntax, "`to` is missing: write smtp://host:port, \"mx\", \"local\", \"hold\" or \"reject\""));
  if (to.size() == 1) {
    if (to[0] == "local") return ByDirectory{};
    if (to[0] == "hold") return Hold{};
    if (to[0] == "reject") return Reject{};
    if (to[0] == "mx") return ByMx{};
  }
  GODWIT_ASSIGN(auto site, parse_site(to));
  return site;
}

}  // namespace

RouteTable::RouteTable() = default;
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&& other) noexcept = default;

Result<RouteTable::Entry> RouteTable::parse(const Route& route) const {
  Entry entry;
  entry.match = Entry::Match::exact;
  std::string_view name = route.domain;
  if (name == "*") {
    entry.match = Entry::Match::rest;
  } else {
    if (name.starts_with("*.")) {
      entry.match = Entry::Match::below;
      name.remove_prefix(2);
    }
    auto domain = smtp::parse_domain(name);
    if (!domain || (domain->is_literal() && entry.match == Entry::Match::below))
      return fail(bad("this is no domain: write \"example.net\", \"*.example.net\" (what is below it) or \"*\""));
    entry.domain = *std::move(domain);
  }
  const auto earlier = std::ranges::find_if(entries_, [&](const Entry& other) { return other.covers(entry); });
  if (earlier != entries_.end())
    return fail(bad(fmt::format("it can never match, because route {} (\"{}\") takes all of it; move it up or remove it",
                                earlier - entries_.begin() + 1, earlier->name)));
  GODWIT_ASSIGN(entry.to, parse_to(route.to));
  return entry;
}

Result<void> RouteTable::add(const Route& route) {
  auto entry = parse(route);
  entries_.push_back(entry ? *entry : Entry{});
  entries_.back().name = route.domain;
  if (!entry) return fail(std::move(entry).error());
  return {};
}

Router::Router(RouteTable table, directory::Directory& directory, Policy policy)
    : table_(std::move(table)), directory_(&directory), policy_(policy) {}
Router::~Router() = default;

Result<std::shared_ptr<const Router>> Router::create(std::vector<Route> routes, directory::Directory& directory, Policy policy) {
  RouteTable table;
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (const auto added = table.add(routes[i]); !added)
      return fail(bad(fmt::format("route {} (domain = \"{}\"): {}", i + 1, routes[i].domain, added.error().text)));
  return std::shared_ptr<const Router>(new Router(std::move(table), directory, policy));
}

const Router::Entry* Router::find(const smtp::Domain& domain) const {
  const auto found = std::ranges::find_if(table_.entries_, [&](const Entry& entry) { return entry.matches(domain); });
  return found == table_.entries_.end() ? nullptr : &*found;
}

Destination Router::go_by_mx(smtp::Domain domain) const {
  if (domain.is_literal() && !policy_.address_literals) return no_literals();
  return ToMx{std::move(domain)};
}

Task<Result<Destination>> Router::resolve_local(smtp::Address recipient, bool by_route) const {
  smtp::Domain domain = recipient.domain;
  GODWIT_CO_ASSIGN(directory::Resolution resolution, co_await directory_->resolve(std::move(recipient)));
  switch (resolution.kind) {
    case directory::Resolution::Kind::account: co_return ToLocal{std::move(resolution.account)};
    case directory::Resolution::Kind::alias: co_return ToAlias{std::move(resolution.targets)};
    case directory::Resolution::Kind::unknown_user: co_return unknown_user();
    case directory::Resolution::Kind::not_local: break;
  }
  if (by_route) co_return no_local_domain();
  co_return go_by_mx(std::move(domain));
}

Task<Result<Destination>> Router::route(smtp::Address recipient) const {
  const Entry* entry = find(recipient.domain);
  if (entry && entry->match == Entry::Match::rest) {
    GODWIT_CO_ASSIGN(const bool ours, co_await directory_->is_local(recipient.domain));
    if (ours) entry = nullptr;
  }
  const bool by_route = entry != nullptr;
  if (!entry || std::holds_alternative<ByDirectory>(entry->to)) co_return co_await resolve_local(std::move(recipient), by_route);
  if (const auto* site = std::get_if<std::shared_ptr<const Site>>(&entry->to)) co_return ToSite{*site};
  if (std::holds_alternative<ByMx>(entry->to)) {
    if (entry->match == Entry::Match::exact) co_return ToMx{std::move(recipient.domain)};
    co_return go_by_mx(std::move(recipient.domain));
  }
  if (std::holds_alternative<Hold>(entry->to)) co_return ToHold{fmt::format("the route \"{}\" says hold", entry->name)};
  co_return refused(7, 1, "Mail to this domain is not taken here");
}

// THE question of the open relay. A route says how to reach a domain, never that strangers may send there through us.
Task<Result<bool>> Router::accepts_from_anyone(smtp::Domain domain) const { co_return co_await directory_->is_local(std::move(domain)); }

}  // namespace godwit::routing
