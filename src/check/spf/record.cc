#include "check/spf/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace godwit::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";

bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; }

std::unexpected<Error> error(std::string rule, std::size_t position = 0) { return fail(Error::syntax(std::move(rule), position)); }

std::optional<Mechanism> mechanism_of(std::string_view name) {
  using enum Mechanism;
  static constexpr std::array<std::pair<std::string_view, Mechanism>, 8> kNames{
      {{"all", all}, {"include", include}, {"a", a}, {"mx", mx}, {"ptr", ptr}, {"ip4", ip4}, {"ip6", ip6}, {"exists", exists}}};
  const auto found = std::ranges::find_if(kNames, [name](const auto& row) { return ascii_iequals(row.first, name); });
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Result> qualifier_of(char c) {
  switch (c) {
    case '+': return Result::pass;
    case '-': return Result::fail;
    case '~': return Result::softfail;
    case '?': return Result::neutral;
    default: return std::nullopt;
  }
}

// RFC 7208 5.6 ip4-cidr-length, ip6-cidr-length, behind the slash: no leading zeros.
godwit::Result<std::uint8_t> parse_cidr(std::string_view digits, unsigned most) {
  const bool plain = !digits.empty() && digits.size() <= 3 && std::ranges::all_of(digits, is_digit);
  if (!plain || (digits.size() > 1 && digits.front() == '0')) return error("a prefix length is a number without leading zeros");
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  if (value > most) return error(fmt::format("a prefix length is at most {}", most));
  return static_cast<std::uint8_t>(value);
}

// Takes "/" and digits off the end of `text`; nothing if it does not end so.
std::optional<std::string_view> take_cidr(std::string_view& text) {
  auto begin = text.size();
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  if (begin == text.size() || begin == 0 || text[begin - 1] != '/') return std::nullopt;
  const std::string_view digits = text.substr(begin);
  text.remove_suffix(digits.size() + 1);
  return digits;
}

// RFC 7208 5.6: dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]. Read from the end: a domain-spec may hold
// slashes too, but ends in none of them.
godwit::Result<void> take_dual_cidr(std::string_view& text, Directive& directive) {
  auto last = take_cidr(text);
  if (!last) return {};
  if (text.ends_with('/')) {
    text.remove_suffix(1);
    GODWIT_ASSIGN(directive.cidr6, parse_cidr(*last, 128));
    last = take_cidr(text);
  }
  if (!last) return {};
  GODWIT_ASSIGN(directive.cidr4, parse_cidr(*last, 32));
  return {};
}

// Behind the name of the mechanism: nothing (where `optional`), or ":" and a domain-spec.
godwit::Result<void> parse_target(std::string_view text, bool optional, Directive& directive) {
  if (text.empty()) return optional ? godwit::Result<void>() : error("a domain is missing");
  if (!text.starts_with(':')) return error("a colon and a domain follow here");
  text.remove_prefix(1);
  if (parse_ip(text)) return error("an address is written with ip4 or ip6");
  GODWIT_ASSIGN(directive.domain, parse_domain_spec(text));
  return {};
}

// RFC 7208 5.6: qnum knows no leading zeros, and no part may be left out.
std::optional<IpAddress> parse_ip4(std::string_view text) {
  IpAddress address;
  for (std::size_t part = 0; part < 4; ++part) {
    const auto dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto value = parse_cidr(text.substr(0, dot), 255);
    if (!value) return std::nullopt;
    address.bytes[part] = *value;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return address;
}

// RFC 4291 2.2, all three forms.
std::optional<IpAddress> parse_ip6(std::string_view text) {
  const auto parsed = parse_ip(text);
  if (!parsed || text.find(':') == std::string_view::npos) return std::nullopt;
  if (parsed->v6) return *parsed;
  // RFC 7208 5: IPv4 addresses are listed with "ip4" only; a mapped address here stays what is written, and matches no client
  IpAddress mapped;
  mapped.v6 = true;
  mapped.bytes[10] = mapped.bytes[11] = 0xff;
  std::copy_n(parsed->bytes.begin(), 4, mapped.bytes.begin() + 12);
  return mapped;
}

godwit::Result<void> parse_network(std::string_view text, Directive& directive) {
  const bool v6 = directive.mechanism == Mechanism::ip6;
  if (!text.starts_with(':')) return error("a colon and an address follow here");
  text.remove_prefix(1);
  const auto cidr = take_cidr(text);
  const auto address = v6 ? parse_ip6(text) : parse_ip4(text);
  if (!address) return error(v6 ? "not an IPv6 address" : "not an IPv4 address of four numbers");
  directive.network.address = *address;
  directive.network.prefix = v6 ? 128 : 32;
  if (!cidr) return {};
  GODWIT_ASSIGN(directive.network.prefix, parse_cidr(*cidr, directive.network.prefix));
  return {};
}

// RFC 7208 4.6.1 directive; `name` is what stands before the first character that no name has.
godwit::Result<Directive> parse_directive(std::string_view term, std::optional<Result> qualifier, std::string_view name,
                                          std::string_view rest) {
  const auto mechanism = mechanism_of(name);
  if (!mechanism) return error("not a mechanism");
  Directive directive;
  directive.mechanism = *mechanism;
  directive.qualifier = qualifier.value_or(Result::pass);
  directive.text = term;
  switch (*mechanism) {
    case Mechanism::all:
      if (!rest.empty()) return error("nothing follows \"all\"");
      break;
    case Mechanism::include:
    case Mechanism::exists: GODWIT_TRY(parse_target(rest, false, directive)); break;
    case Mechanism::ptr: GODWIT_TRY(parse_target(rest, true, directive)); break;
    case Mechanism::a:
    case Mechanism::mx:
      GODWIT_TRY(take_dual_cidr(rest, directive));
      GODWIT_TRY(parse_target(rest, true, directive));
      break;
    case Mechanism::ip4:
    case Mechanism::ip6: GODWIT_TRY(parse_network(rest, directive)); break;
  }
  return directive;
}

// RFC 7208 6: redirect and exp once each; others are ignored, but are macro-strings.
godwit::Result<void> parse_modifier(std::string_view name, std::string_view value, Record& record) {
  const bool redirect = ascii_iequals(name, "redirect");
  if (!redirect && !ascii_iequals(name, "exp")) {
    GODWIT_TRY(parse_macro_string(value));
    return {};
  }
  auto& modifier = redirect ? record.redirect : record.exp;
  if (modifier) return error("redirect and exp stand in a record once");
  GODWIT_ASSIGN(modifier, parse_domain_spec(value));
  return {};
}

godwit::Result<void> parse_term(std::string_view term, Record& record) {
  const auto qualifier = qualifier_of(term.front());
  const std::string_view body = term.substr(qualifier ? 1 : 0);
  const auto end = std::min(static_cast<std::size_t>(std::ranges::find_if_not(body, is_name_char) - body.begin()), body.size());
  const std::string_view name = body.substr(0, end);
  const std::string_view rest = body.substr(end);
  if (name.empty() || !is_alpha(name.front())) return error("a term begins with a letter");
  // RFC 7208 4.6.1: "Modifiers always contain an equals ('=') character immediately after the name"
  if (!qualifier && rest.starts_with('=')) return parse_modifier(name, rest.substr(1), record);
  GODWIT_ASSIGN(Directive directive, parse_directive(term, qualifier, name, rest));
  record.directives.push_back(std::move(directive));
  return {};
}

}  // namespace

bool is_spf_record(std::string_view txt) {
  return ascii_iequals(txt.substr(0, kVersion.size()), kVersion) && (txt.size() == kVersion.size() || txt[kVersion.size()] == ' ');
}

godwit::Result<Record> parse_record(std::string_view text) {
  GODWIT_CHECK(is_spf_record(text));
  if (text.size() > kMaxRecord)
    return fail(Error::permanent(Error::Cause::limit, fmt::format("the record has more than {} bytes", kMaxRecord)));
  Record record;
  std::size_t position = kVersion.size();
  for (;;) {
    position = text.find_first_not_of(' ', position);
    if (position == std::string_view::npos) return record;
    const std::size_t end = std::min(text.find(' ', position), text.size());
    const std::string_view term = text.substr(position, end - position);
    if (const auto parsed = parse_term(term, record); !parsed)
      return error(fmt::format("\"{}\": {}", shown(term), parsed.error().text), position);
    position = end;
  }
}

std::string shown(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace godwit::spf
