#include "base/ip.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace godwit {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned width(const IpAddress& address) { return address.v6 ? 128 : 32; }

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return fail(Error::syntax("expected a port from 0 to 65535", 0));
  return port;
}

}  // namespace

bool IpAddress::is_loopback() const {
  if (!v6) return bytes[0] == 127;
  return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == 0; });
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN];
  GODWIT_CHECK(inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out) != nullptr);
  return out;
}

std::string IpAddress::literal() const { return fmt::format("[{}{}]", v6 ? "IPv6:" : "", text()); }

Result<IpAddress> parse_ip(std::string_view text) {
  const std::string copy(text);
  IpAddress out;
  const bool clean = copy.size() == std::strlen(copy.c_str());  // inet_pton would stop at a NUL
  if (clean && inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) return out;
  if (!clean || inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) != 1)
    return fail(Error::syntax(fmt::format("\"{}\" is not an IP address", text), 0));
  out.v6 = true;
  if (std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin())) {
    IpAddress v4;
    std::copy_n(out.bytes.begin() + 12, 4, v4.bytes.begin());
    return v4;
  }
  return out;
}

bool Network::contains(const IpAddress& other) const {
  if (other.v6 != address.v6) return false;
  const unsigned whole = prefix / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin())) return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || (address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0;
}

std::string Network::text() const { return fmt::format("{}/{}", address.text(), prefix); }

Result<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  GODWIT_ASSIGN(const IpAddress address, parse_ip(text.substr(0, slash)));
  Network network{address, width(address)};
  if (slash == std::string_view::npos) return network;
  const auto bits = parse_port(text.substr(slash + 1));
  if (!bits || *bits > width(address))
    return fail(Error::syntax(fmt::format("\"{}\": the number behind / must be 0 to {}", text, width(address)), slash + 1));
  network.prefix = *bits;
  for (unsigned bit = network.prefix; bit < width(address); ++bit)
    if (address.bytes[bit / 8] >> (7 - bit % 8) & 1)
      return fail(Error::syntax(fmt::format("\"{}\" has bits set behind its prefix of {}", text, network.prefix), 0));
  return network;
}

bool contains(std::span<const Network> networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

std::string Endpoint::text() const {
  return address.v6 ? fmt::format("[{}]:{}", address.text(), port) : fmt::format("{}:{}", address.text(), port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Error::syntax(fmt::format("\"{}\" has no port; write ADDRESS:PORT", text), text.size()));
  auto host = text.substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  GODWIT_ASSIGN(const IpAddress address, parse_ip(host));
  if (address.v6 && !brackets) return fail(Error::syntax(fmt::format("\"{}\": write an IPv6 address in brackets, [::]:25", text), 0));
  GODWIT_ASSIGN(const std::uint16_t port, parse_port(text.substr(colon + 1)));
  return Endpoint{address, port};
}

}  // namespace godwit
