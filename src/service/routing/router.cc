#include "service/routing/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "service/routing/route_entry.h"

namespace godwit::routing {
namespace {

Refused refused(std::uint16_t subject, std::uint16_t detail, std::string text) {
  return {smtp::Reply{550, {5, subject, detail}, std::move(text)}};
}
Refused unknown_user() { return refused(1, 1, "No such user here"); }
Refused no_local_domain() { return refused(4, 4, "The route says \"local\", but this domain is not local here"); }
Refused no_literals() { return refused(1, 2, "Mail to an address in brackets is not sent from here; write to a domain"); }
Refused rejected() { return refused(7, 1, "Mail to this address is not taken here"); }

std::string first_condition(const Route& route) {
  if (!route.domain.empty()) return "domain";
  if (!route.recipient.empty()) return "recipient";
  if (!route.sender.empty()) return "sender";
  return route.tenant.empty() ? "header" : "tenant";
}

}  // namespace

RouteTable::RouteTable() = default;
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&& other) noexcept = default;

std::expected<RouteTable::Entry, RouteError> RouteTable::parse(const Route& route) const {
  GODWIT_ASSIGN(Conditions conditions, Conditions::parse(route));
  const auto earlier =
      std::ranges::find_if(entries_, [&](const Entry& other) { return other.conditions && other.conditions->cover(conditions); });
  if (earlier != entries_.end())
    return std::unexpected(RouteError{first_condition(route),
                                      fmt::format("it can never match, because route {} (\"{}\") takes all of it; move it up or remove it",
                                                  earlier - entries_.begin() + 1, earlier->conditions->text())});
  GODWIT_ASSIGN(To to, parse_to(route));
  return Entry{std::move(conditions), std::move(to)};
}

std::expected<void, RouteError> RouteTable::add(const Route& route) {
  auto entry = parse(route);
  entries_.push_back(entry ? *entry : Entry{});
  if (!entry) return std::unexpected(std::move(entry).error());
  return {};
}

Router::Router(RouteTable table, directory::Directory& directory, Policy policy)
    : table_(std::move(table)), directory_(&directory), policy_(policy) {
  after_rcpt_ = std::ranges::any_of(table_.entries_, [](const Entry& entry) {
    return entry.conditions && (entry.conditions->ask_for_header() || entry.conditions->ask_for_tenant());
  });
}
Router::~Router() = default;

Result<std::shared_ptr<const Router>> Router::create(std::vector<Route> routes, directory::Directory& directory, Policy policy) {
  RouteTable table;
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (const auto added = table.add(routes[i]); !added) {
      const auto& [key, text] = added.error();
      return fail(Error::permanent(Error::Cause::syntax, fmt::format("route {}, {}: {}", i + 1, key, text)));
    }
  return std::shared_ptr<const Router>(new Router(std::move(table), directory, policy));
}

bool Router::wants_header(const smtp::Address& recipient, const Envelope& envelope) const {
  return after_rcpt_ && !envelope.header && std::ranges::any_of(table_.entries_, [&](const Entry& entry) {
           return entry.conditions && entry.conditions->ask_for_header() && entry.conditions->match(recipient, envelope);
         });
}

bool Router::decides_by_domain(const smtp::Domain& domain) const {
  return std::ranges::none_of(table_.entries_,
                              [&](const Entry& entry) { return entry.conditions && entry.conditions->ask_beyond(domain); });
}

Task<Result<const Router::Entry*>> Router::find(const smtp::Address& recipient, const Envelope& envelope) const {
  std::optional<bool> ours;
  for (const Entry& entry : table_.entries_) {
    if (!entry.matches(recipient, envelope)) continue;
    if (!entry.conditions->spare_local(recipient)) co_return &entry;
    if (!ours) {
      GODWIT_CO_ASSIGN(ours, co_await directory_->is_local(recipient.domain));
    }
    if (!*ours) co_return &entry;
  }
  co_return nullptr;
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

Destination Router::go(const Entry& entry, smtp::Address recipient) const {
  if (const auto* site = std::get_if<std::shared_ptr<const Site>>(&entry.to)) return ToSite{*site};
  if (const auto* mx = std::get_if<ByMx>(&entry.to)) {
    if (recipient.domain.is_literal() && !policy_.address_literals && !entry.conditions->name_exactly(recipient.domain))
      return no_literals();
    return ToMx{std::move(recipient.domain), mx->tls, mx->tls_name, mx->pool};
  }
  const std::string& name = entry.conditions->text();
  if (std::holds_alternative<Hold>(entry.to)) return ToHold{fmt::format("the route \"{}\" says hold", name)};
  if (std::holds_alternative<Discard>(entry.to)) return ToDiscard{fmt::format("the route \"{}\" says discard", name)};
  return rejected();
}

Task<Result<Destination>> Router::route(smtp::Address recipient, const Envelope& envelope) const {
  GODWIT_CO_ASSIGN(const Entry* entry, co_await find(recipient, envelope));
  if (entry && !std::holds_alternative<ByDirectory>(entry->to)) co_return go(*entry, std::move(recipient));
  const bool by_route = entry != nullptr;
  co_return co_await resolve_local(std::move(recipient), by_route);
}

// THE question of the open relay. A route says how to reach a domain, never that strangers may send there through us.
Task<Result<bool>> Router::accepts_from_anyone(smtp::Domain domain) const { co_return co_await directory_->is_local(std::move(domain)); }

}  // namespace godwit::routing
