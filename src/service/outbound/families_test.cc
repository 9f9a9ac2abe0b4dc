// What is refused over IPv6 and taken over IPv4.

#include "service/outbound/sources_fixture.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;

class Families : public Sources {
 protected:
  Families() {
    dns_.add_address("mx.peer.test", "::1");
    network_.listen(kSix, six_);
  }
  ~Families() override {  // six_ goes before the rest
    outbound_->drain();
    loop_.advance(1min);
  }
  static std::optional<std::string> refuse(const std::string& command, std::string_view prefix, std::string reply) {
    return command.starts_with(prefix) ? std::optional(std::move(reply)) : std::nullopt;
  }
  const Endpoint kSix{*parse_ip("::1"), kPort};
  testing::FakeSmtpServer six_;
};

TEST_F(Families, RefusedOverIpv6_IsTriedOverIpv4BeforeItIsGivenUp) {
  for (const char* verb : {"MAIL", "RCPT", "."}) {
    SCOPED_TRACE(verb);
    six_.on_command = [verb](const std::string& command, std::size_t) {
      return refuse(command, verb, "550 5.7.26 we take nothing over IPv6\r\n");
    };
    const auto site = mx_site({{"mx.peer.test", 10}});
    auto fresh = std::make_shared<routing::Site>(*site);
    fresh->name += verb;
    trace_.lines.clear();
    const auto first = offer(message({"bob@peer.test", "eve@peer.test"}), fresh);
    loop_.poll();
    EXPECT_EQ(summary(*first), "delivered 2.0.0, delivered 2.0.0");
    EXPECT_EQ(trace_.lines.front(),
              "attempt: mx.peer.test [::1]:2600: refused over IPv6, next over IPv4: 550 5.7.26 we take nothing over IPv6");
    const auto before = six_.dialogues.size();
    const auto second = offer(message({"bob@peer.test"}), fresh);
    loop_.poll();
    EXPECT_EQ(summary(*second), "delivered 2.0.0");
    EXPECT_EQ(six_.dialogues.size(), before) << "it is remembered";
  }
}

TEST_F(Families, RefusedInTheGreeting_IsRemembered) {
  six_.greeting = "554 5.7.1 nobody comes over IPv6\r\n";
  offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(server_.messages.size(), 1u);
  loop_.advance(5min);
  offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(server_.messages.size(), 2u);
  EXPECT_EQ(six_.dialogues.size(), 1u);
}

TEST_F(Families, RefusedOverBoth_IsWhatItIs) {
  six_.on_command = [](const std::string& command, std::size_t) { return refuse(command, "MAIL", "550 5.7.1 you are blocked\r\n"); };
  server_.on_command = six_.on_command;
  const auto result = offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.7.1");
  EXPECT_EQ(six_.dialogues.size(), 1u);
  EXPECT_EQ(server_.dialogues.size(), 1u);
}

TEST_F(Families, TheOtherFamilyDoesNotAnswer_ItIsGivenUp) {
  six_.on_command = [](const std::string& command, std::size_t) { return refuse(command, "MAIL", "550 5.7.1 not over IPv6\r\n"); };
  network_.refuse(at(1));
  const auto result = offer(message({"bob@peer.test"}));
  loop_.advance(1s);
  EXPECT_EQ(summary(*result), "bounced 5.7.1");
  EXPECT_LE(six_.dialogues.size(), 2u);
}

TEST_F(Families, OneAddressAlone_NothingIsTriedTwice) {
  dns_.add_address("six.test", "::1");
  six_.on_command = [](const std::string& command, std::size_t) { return refuse(command, "MAIL", "550 5.7.1 not over IPv6\r\n"); };
  const auto result = offer(message({"bob@six.test"}), mx_site({{"six.test", 10}}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.7.1");
  EXPECT_EQ(six_.dialogues.size(), 1u);
}

}  // namespace
}  // namespace godwit::outbound
