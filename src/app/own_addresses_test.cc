#include "app/own_addresses.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::app {
namespace {

TEST(OwnAddresses, Global_IsWhatTheInternetRoutes) {
  for (const auto* text : {"8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "223.255.255.255",
                           "2a01:4f8::1", "2606:4700::1111"}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(is_global(*parse_ip(text)));
  }
  for (const auto* text : {"0.0.0.0",   "10.1.2.3",    "100.64.0.1", "127.0.0.1",   "169.254.1.1", "172.16.0.1",      "172.31.255.255",
                           "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",   "255.255.255.255", "::1",
                           "::",        "fe80::1",     "fd00::1",    "ff02::1",     "2001:db8::1", "2001::1",         "2002:c000:204::1"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(is_global(*parse_ip(text)));
  }
}

TEST(OwnAddresses, IfInet6_TemporaryAndBroken_AreLeftOut) {
  const auto found = lasting_ipv6(
      "00000000000000000000000000000001 01 80 10 80       lo\n"
      "2a0104f8000000000000000000000001 02 40 00 80     eth0\n"
      "2a0104f800000000aaaaaaaaaaaaaaaa 02 40 00 01     eth0\n"  // temporary
      "2a0104f800000000bbbbbbbbbbbbbbbb 02 40 00 a0     eth0\n"  // deprecated
      "2a0104f800000000cccccccccccccccc 02 40 00 40     eth0\n"  // tentative
      "2a0104f8 02 40 00 80     eth0\n"
      "zz0104f800000000cccccccccccccccc 02 40 00 80     eth0\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text(), "::1");
  EXPECT_EQ(found[1].text(), "2a01:4f8::1");
  EXPECT_TRUE(lasting_ipv6("").empty());
}

TEST(OwnAddresses, ThisMachine_GivesGlobalOnesAlone) {
  const OwnAddresses own = find_own_addresses();
  EXPECT_TRUE(std::ranges::all_of(own.global, is_global));
}

TEST(OwnAddresses, ReverseName) {
  EXPECT_EQ(reverse_name(*parse_ip("203.0.113.5")), "5.113.0.203.in-addr.arpa");
  // RFC 3596 2.5
  EXPECT_EQ(reverse_name(*parse_ip("4321:0:1:2:3:4:567:89ab")), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
}

}  // namespace
}  // namespace godwit::app
