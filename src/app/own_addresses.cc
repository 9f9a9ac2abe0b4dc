#include "app/own_addresses.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace godwit::app {
namespace {

// RFC 6890 2.2.2, RFC 5771, RFC 1112 4: what the Internet does not route to one machine.
constexpr std::string_view kNotGlobal4[] = {"0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
                                            "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
                                            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",   "240.0.0.0/4"};
// RFC 4291 2.4: global unicast is 2000::/3, less what RFC 6890 2.2.3 and RFC 3849 set aside.
constexpr std::string_view kGlobal6 = "2000::/3";
constexpr std::string_view kNotGlobal6[] = {"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"};

bool within(std::string_view network, const IpAddress& address) { return parse_network(network)->contains(address); }

// Of if_inet6's flags: temporary 0x01, duplicate 0x08, deprecated 0x20, tentative 0x40 (linux/if_addr.h).
constexpr unsigned kFleeting = 0x01 | 0x08 | 0x20 | 0x40;

bool read_hex(std::string_view text, unsigned& into) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), into, 16);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool is_global(const IpAddress& address) {
  const auto holds = [&](std::string_view network) { return within(network, address); };
  if (address.v6) return within(kGlobal6, address) && std::ranges::none_of(kNotGlobal6, holds);
  return std::ranges::none_of(kNotGlobal4, holds);
}

std::vector<IpAddress> lasting_ipv6(std::string_view if_inet6) {
  std::vector<IpAddress> found;
  std::istringstream lines{std::string(if_inet6)};
  std::string digits;
  std::string index;
  std::string prefix;
  std::string scope;
  std::string flags;
  std::string name;
  while (lines >> digits >> index >> prefix >> scope >> flags >> name) {
    unsigned bits = 0;
    if (digits.size() != 32 || !read_hex(flags, bits) || (bits & kFleeting) != 0) continue;
    IpAddress address;
    address.v6 = true;
    bool good = true;
    for (std::size_t i = 0; i < 16; ++i) {
      unsigned byte = 0;
      good = good && read_hex(std::string_view(digits).substr(2 * i, 2), byte);
      address.bytes[i] = static_cast<std::uint8_t>(byte);
    }
    if (good) found.push_back(address);
  }
  return found;
}

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr) continue;
    IpAddress address;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in at{};
      std::memcpy(&at, entry->ifa_addr, sizeof at);
      std::memcpy(address.bytes.data(), &at.sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 at{};
      std::memcpy(&at, entry->ifa_addr, sizeof at);
      address.v6 = true;
      std::memcpy(address.bytes.data(), &at.sin6_addr, 16);
    } else {
      continue;
    }
    found.push_back(address);
  }
  freeifaddrs(list);
  return found;
}

OwnAddresses find_own_addresses() {
  std::ifstream file("/proc/net/if_inet6");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  OwnAddresses own;
  own.has_ipv6 = !text.empty();
  std::vector<IpAddress> all = interface_addresses();
  std::erase_if(all, [](const IpAddress& address) { return address.v6; });  // of those the file knows which will last
  std::ranges::copy(lasting_ipv6(text), std::back_inserter(all));
  for (const IpAddress& address : all)
    if (is_global(address) && std::ranges::find(own.global, address) == own.global.end()) own.global.push_back(address);
  return own;
}

std::string reverse_name(const IpAddress& address) {
  const auto& b = address.bytes;
  if (!address.v6) return fmt::format("{}.{}.{}.{}.in-addr.arpa", b[3], b[2], b[1], b[0]);
  std::string name;
  for (std::size_t i = 16; i-- > 0;) name += fmt::format("{:x}.{:x}.", b[i] & 0xf, b[i] >> 4);
  return name + "ip6.arpa";
}

}  // namespace godwit::app
