#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/ip.h"
#include "grammar/smtp/path.h"
#include "service/routing/site.h"

namespace godwit::routing {
namespace {

constexpr std::size_t kMaxSocketPath = 107;  // sun_path

struct Scheme {
  std::string_view name;
  Hop::Protocol protocol;
  std::uint16_t port;
};
constexpr std::array<Scheme, 3> kSchemes{{
    {"smtp", Hop::Protocol::smtp, 25},
    {"smtps", Hop::Protocol::smtps, 465},  // RFC 8314 7.3
    {"lmtp", Hop::Protocol::lmtp, 24},     // "any private mail system"
}};

Error bad_hop(std::string_view text, std::string_view why) {
  return Error::permanent(Error::Cause::syntax, fmt::format("\"{}\" {}", text, why));
}

Result<std::uint16_t> parse_port(std::string_view whole, std::string_view digits) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65'535)
    return fail(bad_hop(whole, "has no port between 1 and 65535 behind the last colon"));
  return static_cast<std::uint16_t>(port);
}

// "host", "host:port", "[v6]", "[v6]:port"
Result<Hop> parse_authority(std::string_view whole, std::string_view authority, const Scheme& scheme) {
  Hop hop;
  hop.protocol = scheme.protocol;
  hop.port = scheme.port;
  std::string_view host = authority;
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return fail(bad_hop(whole, "lacks the ] behind an IPv6 address"));
    host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (!rest.empty()) {
    if (rest.front() != ':') return fail(bad_hop(whole, "has text behind the ]"));
    GODWIT_ASSIGN(hop.port, parse_port(whole, rest.substr(1)));
  }
  if (const auto ip = parse_ip(host)) {
    hop.host = ip->text();
    return hop;
  }
  const auto name = smtp::parse_domain(host);
  if (authority.starts_with('[') || !name || name->is_literal())
    return fail(bad_hop(whole, "names neither a host nor an IP address (an IPv6 address goes in [ ])"));
  hop.host = name->text();
  return hop;
}

Result<Hop> parse_socket(std::string_view whole, std::string_view path, const Scheme& scheme) {
  if (scheme.protocol != Hop::Protocol::lmtp) return fail(bad_hop(whole, "names a Unix socket: only lmtp:// goes there"));
  if (!path.starts_with('/') || path.size() > kMaxSocketPath || path.find('\0') != std::string_view::npos)
    return fail(bad_hop(whole, "names no socket: write lmtp://unix:/absolute/path, of 107 characters at most"));
  Hop hop;
  hop.protocol = scheme.protocol;
  hop.path = std::string(path);
  return hop;
}

}  // namespace

std::string Hop::text() const {
  const std::string_view scheme = kSchemes[static_cast<std::size_t>(protocol)].name;
  if (!path.empty()) return fmt::format("{}://unix:{}", scheme, path);
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", scheme, v6 ? "[" : "", host, v6 ? "]" : "", port);
}

bool Hop::is_loopback() const {
  if (!path.empty() || host == "localhost") return true;
  const auto address = parse_ip(host);
  return address && address->is_loopback();
}

Result<Hop> parse_hop(std::string_view text) {
  const std::size_t colon = text.find("://");
  const std::string name = ascii_lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  const auto scheme = std::ranges::find(kSchemes, name, &Scheme::name);
  if (scheme == kSchemes.end())
    return fail(bad_hop(text,
                        "is no destination: write smtp://host:port, smtps://host:port, lmtp://host:port, lmtp://unix:/path, \"mx\", "
                        "\"local\", \"hold\", \"discard\" or \"reject\""));
  const std::string_view authority = text.substr(colon + 3);
  if (authority.starts_with("unix:")) return parse_socket(text, authority.substr(5), *scheme);
  if (authority.find('/') != std::string_view::npos)
    return fail(bad_hop(text, "has a path: leave away what begins with the / behind the host"));
  if (authority.find('@') != std::string_view::npos)
    return fail(bad_hop(text, "has a user name: write user = and password_file = beside `to`"));
  GODWIT_ASSIGN(Hop hop, parse_authority(text, authority, *scheme));
  // RFC 2033 5: LMTP is never spoken on port 25
  if (hop.protocol == Hop::Protocol::lmtp && hop.port == 25) return fail(bad_hop(text, "is the port of SMTP: LMTP has another, often 24"));
  return hop;
}

std::string_view to_string(Tls level) {
  static constexpr std::array<std::string_view, 4> kLevels{"none", "opportunistic", "encrypt", "verify"};
  return kLevels[static_cast<std::size_t>(level)];
}

Tls tls_level(const Site& site, const Hop& hop, bool starttls) {
  if (site.tls) return *site.tls;
  const bool implicit = hop.protocol == Hop::Protocol::smtps;
  const bool far = !site.by_mx && !hop.is_loopback();
  if (far && (implicit || site.login)) return Tls::verify;
  if (implicit) return Tls::encrypt;
  return starttls && hop.path.empty() ? Tls::opportunistic : Tls::none;
}

}  // namespace godwit::routing
