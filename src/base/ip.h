#pragma once
// IP addresses, networks and endpoints as values, apart from any socket.

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // an IPv4 address takes the first four

  auto operator<=>(const IpAddress&) const = default;
  bool is_loopback() const;
  bool is_unspecified() const;  // 0.0.0.0, ::
  std::string text() const;     // "192.0.2.1", "2001:db8::1"
  std::string literal() const;  // RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]"
};

// IPv4-mapped IPv6 addresses come out as IPv4.
Result<IpAddress> parse_ip(std::string_view text);

struct Network {
  IpAddress address;
  unsigned prefix = 0;

  bool contains(const IpAddress& other) const;
  std::string text() const;
};

// "192.0.2.0/24", "2001:db8::/32", or one address. Bits behind the prefix must be zero.
Result<Network> parse_network(std::string_view text);
bool contains(std::span<const Network> networks, const IpAddress& address);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
  std::string text() const;  // "192.0.2.1:25", "[2001:db8::1]:25"
};

Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace godwit
