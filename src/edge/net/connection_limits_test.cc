#include "edge/net/connection_limits.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"

namespace godwit::net {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip(text); }

TEST(ConnectionLimits, PerAddress_CountsAndGivesBack) {
  ConnectionLimits limits(100, 2);
  auto first = std::make_optional(*limits.admit(ip("192.0.2.1"), false));
  auto second = std::make_optional(*limits.admit(ip("192.0.2.1"), false));
  EXPECT_EQ(limits.admit(ip("192.0.2.1"), false).error(), ConnectionLimits::Refusal::per_address);
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), true)) << "exempt";
  EXPECT_TRUE(limits.admit(ip("192.0.2.2"), false));
  second.reset();
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), false));
  first.reset();
  EXPECT_EQ(limits.open(), 0u);
}

TEST(ConnectionLimits, InAll_TheExemptHaveAReserve) {
  struct Case {
    std::size_t in_all, reserve;
  };
  for (const Case& c : {Case{2, 10}, Case{300, 30}}) {
    SCOPED_TRACE(c.in_all);
    ConnectionLimits limits(c.in_all, 1'000);
    std::vector<ConnectionLimits::Ticket> tickets;
    for (std::size_t i = 0; i < c.in_all; ++i) tickets.push_back(*limits.admit(ip("192.0.2.1"), false));
    EXPECT_EQ(limits.admit(ip("192.0.2.2"), false).error(), ConnectionLimits::Refusal::in_all);
    for (std::size_t i = 0; i < c.reserve; ++i) {
      auto ticket = limits.admit(ip("127.0.0.1"), true);
      ASSERT_TRUE(ticket) << i;
      tickets.push_back(*std::move(ticket));
    }
    EXPECT_EQ(limits.admit(ip("127.0.0.1"), true).error(), ConnectionLimits::Refusal::in_all);
    EXPECT_EQ(limits.open(), c.in_all + c.reserve);
    tickets.pop_back();
    EXPECT_FALSE(limits.admit(ip("192.0.2.2"), false)) << "a free place of the reserve is not everybody's";
    EXPECT_TRUE(limits.admit(ip("127.0.0.1"), true));
  }
}

TEST(ConnectionLimits, Ipv6_IsCountedByNetwork) {
  ConnectionLimits limits(100, 1);
  const auto first = limits.admit(ip("2001:db8:1:2::1"), false);
  EXPECT_FALSE(limits.admit(ip("2001:db8:1:2:ffff::9"), false));
  EXPECT_TRUE(limits.admit(ip("2001:db8:1:3::1"), false));
}

TEST(ConnectionLimits, Set_AppliesToTheNext) {
  ConnectionLimits limits(100, 1);
  const auto first = limits.admit(ip("192.0.2.1"), false);
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), false));
  limits.set(100, 2);
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), false));
}

TEST(ConnectionLimits, UnderLoad_FromThreeQuarters) {
  ConnectionLimits limits(4, 4);
  std::vector<ConnectionLimits::Ticket> tickets;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limits.under_load());
    tickets.push_back(*limits.admit(ip("192.0.2.1"), false));
  }
  EXPECT_TRUE(limits.under_load());
}

TEST(ConnectionLimits, Threads_LoseNothing) {
  ConnectionLimits limits(1'000'000, 1'000'000);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&limits, t] {
        for (int i = 0; i < 5'000; ++i) {
          const IpAddress address{false, {10, 0, static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(i)}};
          ignore(limits.admit(address, false), "given back at once");
        }
      });
    }
  }
  EXPECT_EQ(limits.open(), 0u);
}

}  // namespace
}  // namespace godwit::net
