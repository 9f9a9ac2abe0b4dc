#include "frontend/smtpd/connection_limits.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace godwit::smtpd {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip(text); }

TEST(ConnectionLimits, PerAddress_CountsAndGivesBack) {
  ConnectionLimits limits(100, 2);
  std::string_view why;
  auto first = limits.admit(ip("192.0.2.1"), false, why);
  auto second = limits.admit(ip("192.0.2.1"), false, why);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), false, why));
  EXPECT_EQ(why, "Too many connections from your address");
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), true, why)) << "exempt";
  EXPECT_TRUE(limits.admit(ip("192.0.2.2"), false, why));
  second.reset();
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), false, why));
  first.reset();
  EXPECT_EQ(limits.open(), 0u);
}

TEST(ConnectionLimits, InAll_AlsoForTheExempt) {
  ConnectionLimits limits(2, 10);
  std::string_view why;
  const auto first = limits.admit(ip("192.0.2.1"), false, why);
  EXPECT_FALSE(limits.under_load() && limits.open() == 0);
  const auto second = limits.admit(ip("192.0.2.2"), true, why);
  EXPECT_FALSE(limits.admit(ip("127.0.0.1"), true, why));
  EXPECT_EQ(why, "Too many connections, try again later");
  EXPECT_EQ(limits.open(), 2u);
}

TEST(ConnectionLimits, Ipv6_IsCountedByNetwork) {
  ConnectionLimits limits(100, 1);
  std::string_view why;
  const auto first = limits.admit(ip("2001:db8:1:2::1"), false, why);
  EXPECT_FALSE(limits.admit(ip("2001:db8:1:2:ffff::9"), false, why));
  EXPECT_TRUE(limits.admit(ip("2001:db8:1:3::1"), false, why));
}

TEST(ConnectionLimits, Set_AppliesToTheNext) {
  ConnectionLimits limits(100, 1);
  std::string_view why;
  const auto first = limits.admit(ip("192.0.2.1"), false, why);
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), false, why));
  limits.set(100, 2);
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), false, why));
}

TEST(ConnectionLimits, UnderLoad_FromThreeQuarters) {
  ConnectionLimits limits(4, 4);
  std::string_view why;
  std::vector<ConnectionLimits::Ticket> tickets;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limits.under_load());
    tickets.push_back(*limits.admit(ip("192.0.2.1"), false, why));
  }
  EXPECT_TRUE(limits.under_load());
}

TEST(ConnectionLimits, Threads_LoseNothing) {
  ConnectionLimits limits(1'000'000, 1'000'000);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&limits, t] {
        std::string_view why;
        for (int i = 0; i < 5'000; ++i) {
          const IpAddress address{false, {10, 0, static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(i)}};
          ignore(limits.admit(address, false, why), "given back at once");
        }
      });
    }
  }
  EXPECT_EQ(limits.open(), 0u);
}

}  // namespace
}  // namespace godwit::smtpd
