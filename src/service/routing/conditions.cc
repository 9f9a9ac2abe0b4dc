#include "service/routing/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace godwit::routing {
namespace {

using Kind = DomainPattern::Kind;

template <class Pattern>
std::expected<std::vector<Pattern>, RouteError> parse_list(std::string_view key, const std::vector<std::string>& texts) {
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) {
    auto pattern = Pattern::parse(text);
    if (!pattern) return std::unexpected(RouteError{std::string(key), std::move(pattern).error().text});
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

// No pattern: everything is taken.
template <class Pattern>
bool all_covered(const std::vector<Pattern>& earlier, const std::vector<Pattern>& later) {
  if (earlier.empty()) return true;
  return !later.empty() && std::ranges::all_of(later, [&](const Pattern& each) {
    return std::ranges::any_of(earlier, [&](const Pattern& pattern) { return pattern.covers(each); });
  });
}

std::string describe(const Route& route) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) parts.push_back(fmt::format("{} {}", key, fmt::join(values, " or ")));
  };
  add("recipient", route.recipient);
  add("sender", route.sender);
  add("tenant", route.tenant);
  add("header", route.header);
  if (parts.empty()) return route.domain;
  if (!route.domain.empty()) parts.insert(parts.begin(), "domain " + route.domain);
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::expected<Conditions, RouteError> Conditions::parse(const Route& route) {
  Conditions out;
  out.text_ = describe(route);
  if (out.text_.empty())
    return std::unexpected(
        RouteError{"domain", "is missing; write domain = \"example.net\", \"*.example.net\" or \"*\", or another condition"});
  if (!route.domain.empty()) {
    auto domain = DomainPattern::parse(route.domain);
    if (!domain) return std::unexpected(RouteError{"domain", fmt::format("\"{}\": {}", route.domain, domain.error().text)});
    out.domain_ = *std::move(domain);
  } else if (route.recipient.empty()) {
    out.domain_ = DomainPattern::any();
  }
  const auto take = [](auto& into, auto parsed) -> std::expected<void, RouteError> {
    if (!parsed) return std::unexpected(std::move(parsed).error());
    into = *std::move(parsed);
    return {};
  };
  GODWIT_TRY(take(out.recipient_, parse_list<AddressPattern>("recipient", route.recipient)));
  GODWIT_TRY(take(out.sender_, parse_list<SenderPattern>("sender", route.sender)));
  GODWIT_TRY(take(out.tenant_, parse_list<DomainPattern>("tenant", route.tenant)));
  static std::atomic<std::uint64_t> ids{0};
  out.id_ = ++ids;
  GODWIT_TRY(take(out.header_, parse_list<HeaderPattern>("header", route.header)));
  return out;
}

bool Conditions::match(const smtp::Address& recipient, const Envelope& envelope) const {
  if (domain_ && !domain_->matches(recipient.domain)) return false;
  const auto some = [](const auto& patterns, const auto& value) {
    return patterns.empty() || std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.matches(value); });
  };
  if (!some(recipient_, recipient) || !some(sender_, envelope.sender)) return false;
  if (tenant_.empty()) return true;
  const auto tenant = smtp::parse_domain(envelope.tenant);
  return tenant && some(tenant_, *tenant);
}

bool Conditions::match_header(const Envelope& envelope) const {
  if (header_.empty()) return true;
  if (!envelope.header) return false;
  const Header& header = *envelope.header;
  const auto [answer, is_new] = header.answers_.try_emplace(id_, false);
  if (is_new) answer->second = std::ranges::any_of(header_, [&](const HeaderPattern& pattern) { return pattern.matches(header.fields_); });
  return answer->second;
}

bool Conditions::spare_local(const smtp::Address& recipient) const {
  if (domain_ && domain_->kind() != Kind::any) return false;
  return std::ranges::none_of(
      recipient_, [&](const AddressPattern& pattern) { return pattern.domain().kind() != Kind::any && pattern.matches(recipient); });
}

bool Conditions::ask_beyond(const smtp::Domain& domain) const {
  if (domain_ && !domain_->matches(domain)) return false;
  if (!sender_.empty() || !tenant_.empty() || !header_.empty()) return true;
  return std::ranges::any_of(recipient_, [&](const AddressPattern& pattern) { return pattern.domain().matches(domain); });
}

bool Conditions::name_exactly(const smtp::Domain& domain) const {
  const auto exact = [&](const DomainPattern& pattern) { return pattern.kind() == Kind::exact && pattern.matches(domain); };
  return (domain_ && exact(*domain_)) ||
         std::ranges::any_of(recipient_, [&](const AddressPattern& pattern) { return exact(pattern.domain()); });
}

bool Conditions::cover(const Conditions& later) const {
  const auto domain_covered = [&] {
    if (!domain_) return true;
    if (later.domain_ && domain_->covers(*later.domain_)) return true;
    return !later.recipient_.empty() &&
           std::ranges::all_of(later.recipient_, [&](const AddressPattern& each) { return domain_->covers(each.domain()); });
  };
  return domain_covered() && all_covered(recipient_, later.recipient_) && all_covered(sender_, later.sender_) &&
         all_covered(tenant_, later.tenant_) && all_covered(header_, later.header_);
}

}  // namespace godwit::routing
