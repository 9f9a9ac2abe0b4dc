#include "check/spf/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::spf {
namespace {

constexpr std::size_t kMaxShown = 255;

IpAddress unmapped(const IpAddress& client) {
  // RFC 7208 5: a client on an IPv4-mapped IPv6 address is an IPv4 client
  return client.v6 ? parse_ip(client.text()).value_or(client) : client;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

}  // namespace

Evaluation::Decision Evaluation::Decision::error(const Error& error, std::string record_domain) {
  Decision decision;
  decision.result = error.kind == Error::Kind::temporary ? Result::temperror : Result::permerror;
  decision.record_domain = std::move(record_domain);
  decision.reason = error.text;
  return decision;
}

Evaluation::Evaluation(dns::Resolver& resolver, Clock& clock, Question question, const Limits& limits)
    : question_(std::move(question)),
      limits_(limits),
      sender_(sender_of(question_)),
      clock_(clock),
      lookups_(resolver, clock, limits_),
      names_(lookups_, unmapped(question_.client), limits_.ptr_names) {
  question_.client = unmapped(question_.client);
}

Task<Verdict> Evaluation::run() {
  Verdict verdict;
  verdict.identity = question_.identity;
  // RFC 7208 4.3: "malformed ... or is not a multi-label domain name": none, without a question to the DNS
  if (!is_checkable(sender_.domain)) {
    verdict.reason = fmt::format("\"{}\" is not a domain name of several labels", shown(sender_.domain));
    co_return verdict;
  }
  verdict.domain = sender_.domain;
  std::string domain = sender_.domain;
  const Decision decision = co_await check(std::move(domain));
  verdict.result = decision.result;
  verdict.record_domain = shown(decision.record_domain, kMaxShown);
  verdict.mechanism = shown(decision.mechanism, kMaxShown);
  verdict.reason = shown(decision.reason, 2 * kMaxShown);
  verdict.lookups = lookups_.terms();
  if (decision.result == Result::fail && decision.exp) verdict.explanation = co_await explain(decision);
  co_return verdict;
}

Task<Evaluation::Decision> Evaluation::check(std::string domain) {
  for (bool redirected = false;; redirected = true) {
    auto record = co_await fetch(domain);
    if (!record) {
      Decision decision = std::move(record.error());
      // RFC 7208 6.1: a redirect to no record is permerror rather than none
      if (redirected && decision.result == Result::none) decision.result = Result::permerror;
      co_return decision;
    }
    if (auto decision = co_await first_match(*record, domain)) co_return *std::move(decision);
    if (!record->redirect) {
      // RFC 7208 4.7: as if "?all" stood at the end
      Decision decision;
      decision.result = Result::neutral;
      decision.record_domain = domain;
      decision.reason = fmt::format("nothing in the record of {} matches {}", domain, question_.client.text());
      co_return decision;
    }
    const auto target = co_await redirect_target(*record->redirect, domain);
    if (!target) co_return Decision::error(target.error(), domain);
    domain = *target;
  }
}

Task<godwit::Result<std::string>> Evaluation::redirect_target(const MacroString& spec, std::string domain) {
  GODWIT_CO_TRY(lookups_.count_term());
  GODWIT_CO_ASSIGN(const auto target, co_await target_of(spec, domain, true));
  if (target) co_return *target;
  co_return fail(Error::syntax(fmt::format("the redirect of {} needs a sender in ASCII", domain), 0));
}

Task<std::expected<Record, Evaluation::Decision>> Evaluation::fetch(std::string domain) {
  Decision nothing;
  // RFC 7208 4.3 for a <domain> out of an include or a redirect
  if (!is_name(domain) || domain.find('.') == std::string::npos) {
    nothing.reason = fmt::format("\"{}\" is not a domain name of several labels", shown(domain));
    co_return std::unexpected(std::move(nothing));
  }
  std::string name = to_presentation(domain);
  auto texts = co_await lookups_.txt(std::move(name));
  // RFC 7208 4.4: "a server failure (RCODE 2) or some other error ... or if the lookup times out": temperror
  if (!texts) co_return std::unexpected(Decision::error(texts.error(), domain));
  std::erase_if(*texts, [](const std::string& text) { return !is_spf_record(text); });
  if (texts->empty()) {
    nothing.reason = fmt::format("{} has no SPF record", domain);
    co_return std::unexpected(std::move(nothing));
  }
  // RFC 7208 4.5: more than one record is permerror
  if (texts->size() > 1) {
    const Error error = Error::syntax(fmt::format("{} has {} SPF records, and may have one", domain, texts->size()), 0);
    co_return std::unexpected(Decision::error(error, domain));
  }
  auto record = parse_record(texts->front());
  if (record) co_return *std::move(record);
  // RFC 7208 4.6: an error anywhere in the record is permerror, before anything of it is evaluated
  Error error = std::move(record.error());
  error.text = fmt::format("the record of {} at byte {}: {}", domain, error.position, error.text);
  co_return std::unexpected(Decision::error(error, domain));
}

Task<std::optional<Evaluation::Decision>> Evaluation::first_match(Record& record, std::string domain) {
  for (const Directive& directive : record.directives) {
    within_.clear();
    const Matched matched = co_await matches(directive, domain);
    if (!matched) {
      Error error = matched.error();
      error.text = fmt::format("{} of {}: {}", shown(directive.text), domain, error.text);
      co_return Decision::error(error, domain);
    }
    if (!*matched) continue;
    Decision decision;
    decision.result = directive.qualifier;
    decision.record_domain = domain;
    decision.mechanism = directive.text;
    decision.reason = fmt::format("{} matches {} of {}{}", question_.client.text(), directive.text, domain, within_);
    decision.exp = std::move(record.exp);
    co_return decision;
  }
  co_return std::nullopt;
}

Task<Evaluation::Matched> Evaluation::matches(const Directive& directive, std::string domain) {
  switch (directive.mechanism) {
    case Mechanism::all: co_return true;
    case Mechanism::ip4:
    case Mechanism::ip6: co_return directive.network.contains(question_.client);
    default: break;
  }
  GODWIT_CO_TRY(lookups_.count_term());
  std::string target = domain;
  if (!directive.domain.pieces.empty()) {
    GODWIT_CO_ASSIGN(const auto expanded, co_await target_of(directive.domain, domain, true));
    if (!expanded) co_return false;
    target = *expanded;
  }
  if (directive.mechanism == Mechanism::include) co_return co_await matches_include(std::move(target));
  // RFC 7208 4.8 leaves open what a target does that is no domain name: here, it matches nothing and is not asked for
  if (!is_name(target)) co_return false;
  switch (directive.mechanism) {
    case Mechanism::a: co_return co_await matches_a(directive, std::move(target));
    case Mechanism::mx: co_return co_await matches_mx(directive, std::move(target));
    case Mechanism::ptr: co_return co_await names_.any_within(std::move(target));
    case Mechanism::exists: co_return co_await matches_exists(std::move(target));
    default: co_return false;
  }
}

Task<Evaluation::Matched> Evaluation::matches_include(std::string target) {
  // RFC 7208 5.2: what the result of the other record does here
  const Decision inner = co_await check(std::move(target));
  const std::string mechanism = inner.mechanism;
  switch (inner.result) {
    case Result::pass: within_ = fmt::format(", by {} of {}{}", mechanism, inner.record_domain, within_); co_return true;
    case Result::fail:
    case Result::softfail:
    case Result::neutral: co_return false;
    case Result::temperror: co_return fail(Error::temporary(Error::Cause::io, inner.reason));
    case Result::permerror:
    case Result::none: break;
  }
  co_return fail(Error::permanent(Error::Cause::syntax, inner.reason));
}

// RFC 7208 5: the high-order bits that the directive names are compared.
bool Evaluation::in_reach(const Directive& directive, const IpAddress& address) const {
  const Network network{address, question_.client.v6 ? directive.cidr6 : directive.cidr4};
  return network.contains(question_.client);
}

Task<Evaluation::Matched> Evaluation::matches_a(const Directive& directive, std::string target) {
  std::string name = to_presentation(target);
  GODWIT_CO_ASSIGN(const auto found, co_await lookups_.addresses(std::move(name), question_.client.v6));
  if (found.empty()) GODWIT_CO_TRY(lookups_.count_void());
  co_return std::ranges::any_of(found, [&](const IpAddress& address) { return in_reach(directive, address); });
}

Task<Evaluation::Matched> Evaluation::matches_mx(const Directive& directive, std::string target) {
  std::string name = to_presentation(target);
  GODWIT_CO_ASSIGN(auto exchanges, co_await lookups_.mx(std::move(name)));
  std::ranges::sort(exchanges);  // by preference: the answer does not depend on the order of the wire
  unsigned asked = 0;
  bool nothing = true;
  for (const dns::Mx& mx : exchanges) {
    if (mx.exchange.empty()) continue;  // null MX (RFC 7505)
    // RFC 7208 4.6.4: "If this limit is exceeded, the 'mx' mechanism MUST produce a 'permerror' result"
    if (asked++ == limits_.mx_names)
      co_return fail(Error::permanent(Error::Cause::limit, fmt::format("{} has more than {} MX hosts", target, limits_.mx_names)));
    std::string host = mx.exchange;
    GODWIT_CO_ASSIGN(const auto found, co_await lookups_.addresses(std::move(host), question_.client.v6));
    if (std::ranges::any_of(found, [&](const IpAddress& address) { return in_reach(directive, address); })) co_return true;
    nothing = nothing && found.empty();
  }
  // RFC 7208 5.4: no implicit MX: the domain's own addresses are not asked for
  if (nothing && (exchanges.empty() || asked > 0)) GODWIT_CO_TRY(lookups_.count_void());
  co_return false;
}

Task<Evaluation::Matched> Evaluation::matches_exists(std::string target) {
  // RFC 7208 5.7: an A look-up, also for an IPv6 client
  std::string name = to_presentation(target);
  GODWIT_CO_ASSIGN(const auto found, co_await lookups_.addresses(std::move(name), false));
  if (found.empty()) GODWIT_CO_TRY(lookups_.count_void());
  co_return !found.empty();
}

MacroValues Evaluation::values(std::string domain, std::string client_name) const {
  MacroValues out;
  out.local = sender_.local;
  out.sender_domain = sender_.domain;
  out.domain = std::move(domain);
  out.client = question_.client;
  out.client_name = std::move(client_name);
  out.helo = question_.helo;
  out.receiver = question_.receiver;
  out.now = clock_.now();
  return out;
}

Task<godwit::Result<std::optional<std::string>>> Evaluation::target_of(const MacroString& spec, std::string domain, bool counted) {
  // RFC 8616 4: terms that include %{s} or %{l} match nothing if the local part is not ASCII; nor does a HELO that is not
  if ((spec.uses('s') || spec.uses('l')) && !is_ascii(sender_.local)) co_return std::nullopt;
  if (spec.uses('h') && !is_ascii(question_.helo)) co_return std::nullopt;
  std::string client_name;
  if (spec.uses('p')) {
    // RFC 7208 4.6.4: the PTR look-up of %{p} counts as a term; the one of "ptr" has done so
    if (counted && !names_.asked()) GODWIT_CO_TRY(lookups_.count_term());
    GODWIT_CO_ASSIGN(client_name, co_await names_.best_for(domain));
  }
  co_return expand_name(spec, values(std::move(domain), std::move(client_name)));
}

Task<std::string> Evaluation::explain(const Decision& decision) {
  // RFC 7208 6.2: whatever goes wrong, it is as if there was no "exp"
  if (limits_.explanation == 0) co_return std::string();
  const std::string domain = decision.record_domain;
  const auto target = co_await target_of(*decision.exp, domain, false);
  if (!target || !*target || !is_name(**target)) co_return std::string();
  std::string name = to_presentation(**target);
  const auto texts = co_await lookups_.txt(std::move(name));
  if (!texts || texts->size() != 1 || texts->front().size() > kMaxRecord) co_return std::string();
  const auto parsed = parse_explanation(texts->front());
  if (!parsed) co_return std::string();
  std::string client_name;
  if (parsed->uses('p')) {
    auto best = co_await names_.best_for(domain);
    client_name = best ? *std::move(best) : "unknown";
  }
  std::string text = expand_text(*parsed, values(domain, std::move(client_name)), limits_.explanation);
  // RFC 7208 6.2: "the explanation string MUST be limited to [US-ASCII]"; it may end up in a reply, so without controls
  if (std::ranges::any_of(text, [](char c) { return c < ' ' || c > '~'; })) text.clear();
  co_return text;
}

}  // namespace godwit::spf
