#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "service/routing/router.h"

namespace godwit::routing {
namespace {

constexpr std::uint16_t kSmtpPort = 25;

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
Result<Hop> parse_authority(std::string_view whole, std::string_view authority) {
  Hop hop;
  hop.port = kSmtpPort;
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

}  // namespace

std::string Hop::text() const {
  static constexpr std::string_view kSchemes[] = {"smtp", "smtps", "lmtp"};
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", kSchemes[static_cast<std::size_t>(protocol)], v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Result<Hop> parse_hop(std::string_view text) {
  const std::size_t colon = text.find("://");
  const std::string scheme = ascii_lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (scheme == "smtps" || scheme == "lmtp")
    return fail(Error::permanent(Error::Cause::unsupported,
                                 fmt::format("\"{}\": {}:// is not understood in this release; smtp://host:port is", text, scheme)));
  if (scheme != "smtp") return fail(bad_hop(text, "is no destination: write smtp://host:port, \"local\", \"hold\" or \"reject\""));
  const std::string_view authority = text.substr(colon + 3);
  if (authority.find('/') != std::string_view::npos)
    return fail(bad_hop(text, "has a path: leave away what begins with the / behind the host"));
  if (authority.find('@') != std::string_view::npos)
    return fail(bad_hop(text, "has a user name: authentication to a next hop is not understood in this release"));
  return parse_authority(text, authority);
}

}  // namespace godwit::routing
