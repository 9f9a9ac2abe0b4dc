// Hosts that an MX named: their addresses, their order, and those that mail must not go to.

#include "service/outbound/outbound_fixture.h"

namespace godwit::outbound {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Mx : public OutboundTest {
 protected:
  Mx() {
    settings_->forbidden_networks = {*parse_network("127.0.0.0/8"), *parse_network("::1/128")};
    dns_.add_address("a.mx.test", "192.0.2.1");
    dns_.add_address("b.mx.test", "192.0.2.2");
  }
  static Endpoint to(std::string_view address) { return {*parse_ip(address), kPort}; }
  std::shared_ptr<JobResult> send(const std::vector<std::pair<std::string, std::uint16_t>>& hosts) {
    auto result = offer(message({"bob@far.test"}), mx_site(hosts));
    loop_.poll();
    return result;
  }
};

TEST_F(Mx, IsLookedUpInTheDnsAndReached) {
  network_.listen(to("192.0.2.1"), server_);
  const auto result = send({{"a.mx.test", 10}});
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].remote, "a.mx.test [192.0.2.1]:2600");
}

TEST_F(Mx, IPv6First_IPv4WhenItIsSilent) {
  dns_.add_address("a.mx.test", "2001:db8::1");
  network_.black_hole(to("2001:db8::1"));
  network_.listen(to("192.0.2.1"), server_);
  const auto result = send({{"a.mx.test", 10}});
  EXPECT_EQ(summary(*result), "?");
  loop_.advance(250ms);
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
}

TEST_F(Mx, AnAddressThatGreetsBadly_TheNextOfTheSameHost) {
  testing::FakeSmtpServer busy;
  busy.greeting = "421 4.3.2 too busy\r\n";
  dns_.add_address("a.mx.test", "2001:db8::1");
  network_.listen(to("2001:db8::1"), busy);
  network_.listen(to("192.0.2.1"), server_);
  EXPECT_EQ(summary(*send({{"a.mx.test", 10}})), "delivered 2.0.0");
  EXPECT_EQ(busy.dialogues.size(), 1u);
}

TEST_F(Mx, TheBetterHostFails_TheNextIsTried) {
  network_.listen(to("192.0.2.2"), server_);
  EXPECT_EQ(summary(*send({{"a.mx.test", 10}, {"b.mx.test", 20}})), "delivered 2.0.0");
  EXPECT_THAT(network_.dialed, ElementsAre(to("192.0.2.1"), to("192.0.2.2")));
}

TEST_F(Mx, EqualsShareTheLoad) {
  testing::FakeSmtpServer other;
  network_.listen(to("192.0.2.1"), server_);
  network_.listen(to("192.0.2.2"), other);
  settings_->messages_per_connection = 1;
  for (int i = 0; i < 40; ++i) EXPECT_EQ(summary(*send({{"a.mx.test", 10}, {"b.mx.test", 10}})), "delivered 2.0.0");
  EXPECT_GE(server_.messages.size(), 5u);
  EXPECT_GE(other.messages.size(), 5u);
}

TEST_F(Mx, EveryAddressThatFailedIsNamed) {
  dns_.add_address("a.mx.test", "192.0.2.9");
  const auto result = send({{"a.mx.test", 10}});
  EXPECT_EQ(summary(*result), "deferred 4.4.1 down");
  EXPECT_EQ(result->outcomes[0].text,
            "could not connect to a.mx.test 192.0.2.1:2600 (connection refused), 192.0.2.9:2600 (connection refused)");
}

TEST_F(Mx, ForbiddenNetworks_BounceAndAreNeverDialed) {
  dns_.add_address("trap.test", "127.0.0.1");
  dns_.add_address("trap.test", "::1");
  const auto result = send({{"trap.test", 10}});
  EXPECT_EQ(summary(*result), "bounced 5.4.4");
  EXPECT_THAT(result->outcomes[0].text, AllOf(HasSubstr("trap.test has the address 127.0.0.1"), HasSubstr("where mail may not go")));
  EXPECT_EQ(network_.dials, 0u);
}

// Connecting to :: reaches this machine; no list has to say so.
TEST_F(Mx, UnspecifiedAddresses_AreForbiddenAlways) {
  settings_->forbidden_networks.clear();
  dns_.add_address("any6.test", "::");
  dns_.add_address("any4.test", "0.0.0.0");
  EXPECT_EQ(summary(*send({{"any6.test", 10}})), "bounced 5.4.4");
  EXPECT_EQ(summary(*send({{"any4.test", 10}})), "bounced 5.4.4");
  EXPECT_EQ(network_.dials, 0u);
}

// However many hosts there are and however slowly each fails: whoever waits has an outcome after some minutes.
TEST_F(Mx, ManyHostsThatDoNotAnswer_AnAttemptEnds) {
  std::vector<std::pair<std::string, std::uint16_t>> hosts;
  for (int i = 1; i <= 32; ++i) {
    const std::string name = "h" + std::to_string(i) + ".test";
    dns_.add_address(name, "198.51.100." + std::to_string(i));
    network_.black_hole(to("198.51.100." + std::to_string(i)));
    hosts.emplace_back(name, static_cast<std::uint16_t>(i));
  }
  settings_->probe = {std::chrono::seconds(5)};
  const auto result = send(hosts);
  loop_.advance(3min);
  EXPECT_EQ(summary(*result), "deferred 4.4.1 down");
  EXPECT_EQ(network_.dials, 5u);
}

TEST_F(Mx, HostsThatAreSilentAtTheGreeting_AnAttemptEnds) {
  testing::FakeSmtpServer silent;
  silent.greeting = "";
  for (const auto* address : {"192.0.2.1", "192.0.2.2"}) network_.listen(to(address), silent);
  for (int i = 10; i < 18; ++i) {
    dns_.add_address("a.mx.test", "192.0.2." + std::to_string(i));
    network_.listen(to("192.0.2." + std::to_string(i)), silent);
  }
  const auto result = send({{"a.mx.test", 10}, {"b.mx.test", 20}});
  loop_.advance(11min);
  EXPECT_EQ(summary(*result), "deferred 4.4.2 down");
}

TEST_F(Mx, ForbiddenAddressBesideAGoodOne_TheGoodOneIsUsed) {
  dns_.add_address("a.mx.test", "127.0.0.1");
  network_.listen(to("192.0.2.1"), server_);
  EXPECT_EQ(summary(*send({{"a.mx.test", 10}})), "delivered 2.0.0");
  EXPECT_THAT(network_.dialed, ElementsAre(to("192.0.2.1")));
}

TEST_F(Mx, HostWithoutAddress_BouncesOnlyIfNoOtherIsThere) {
  const auto bounced = send({{"gone.test", 10}});
  EXPECT_EQ(summary(*bounced), "bounced 5.4.4");
  EXPECT_THAT(bounced->outcomes[0].text, HasSubstr("the MX gone.test does not exist"));
  EXPECT_EQ(summary(*send({{"gone.test", 10}, {"b.mx.test", 20}})), "deferred 4.4.1 down") << "b may come back";
  network_.listen(to("192.0.2.2"), server_);
  EXPECT_EQ(summary(*send({{"gone.test", 10}, {"b.mx.test", 30}, {"a.mx.test", 40}})), "delivered 2.0.0");
}

TEST_F(Mx, WhatIsHopelessIsAskedAgainAfterTheFirstStep) {
  EXPECT_EQ(summary(*send({{"later.test", 10}})), "bounced 5.4.4");
  dns_.add_address("later.test", "192.0.2.1");
  network_.listen(to("192.0.2.1"), server_);
  EXPECT_EQ(summary(*send({{"later.test", 10}})), "bounced 5.4.4");
  loop_.advance(1min);
  EXPECT_EQ(summary(*send({{"later.test", 10}})), "delivered 2.0.0");
}

TEST_F(Mx, DnsThatDoesNotAnswer_Defers) {
  dns_.fail("a.mx.test");
  const auto result = send({{"a.mx.test", 10}});
  EXPECT_EQ(summary(*result), "deferred 4.4.3 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("the address of a.mx.test could not be looked up"));
}

TEST_F(Mx, SilenceAboutIPv6_CostsLittleWithAnIPv4AtHand) {
  dns_.add_address("half.test", "192.0.2.1");
  dns_.fail("half.test", dns::Type::aaaa);
  network_.listen(to("192.0.2.1"), server_);
  EXPECT_EQ(summary(*send({{"half.test", 10}})), "delivered 2.0.0");
}

TEST_F(Mx, Ourselves_BouncesAndIsNeverDialed) {
  ourselves_ = to("192.0.2.1");
  const auto result = send({{"a.mx.test", 10}});
  EXPECT_EQ(summary(*result), "bounced 5.4.6");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("the MX a.mx.test is this server (192.0.2.1)"));
  EXPECT_EQ(network_.dials, 0u);
}

TEST_F(Mx, OurselvesAsBackup_WaitsForTheBetterHostAndNeverAsksTheWorse) {
  ourselves_ = to("192.0.2.2");
  dns_.add_address("worse.mx.test", "192.0.2.3");
  network_.listen(to("192.0.2.3"), server_);
  EXPECT_EQ(summary(*send({{"a.mx.test", 10}, {"b.mx.test", 20}, {"worse.mx.test", 30}})), "deferred 4.4.1 down");
  EXPECT_THAT(network_.dialed, ElementsAre(to("192.0.2.1")));
}

TEST_F(Mx, RoutesAreExempt) {
  ourselves_ = at(9);
  network_.listen(at(1), server_);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0") << "127.0.0.1 is forbidden to an MX alone";
}

TEST_F(Mx, AnAddressLiteral_NeedsNoDns) {
  network_.listen(to("192.0.2.7"), server_);
  EXPECT_EQ(summary(*send({{"192.0.2.7", 0}})), "delivered 2.0.0");
  EXPECT_EQ(summary(*send({{"127.0.0.1", 0}})), "bounced 5.4.4");
}

}  // namespace
}  // namespace godwit::outbound
