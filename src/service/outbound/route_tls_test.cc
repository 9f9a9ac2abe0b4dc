// What a route demands of TLS: mail waits rather than go without.

#include "service/outbound/outbound_fixture.h"
#include "service/routing/mx_sites.h"

namespace godwit::outbound {
namespace {

using routing::Tls;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class RouteTls : public OutboundTest {
 protected:
  RouteTls() {
    names_["relay.test"] = {at(1).address};
    settings_->verifying = verifying_;
    demand(Tls::encrypt);
  }
  void demand(std::optional<Tls> level, const std::string& hop = "smtp://relay.test:2600") {
    auto site = route_site({hop});
    site->tls = level;
    site->name += level ? " tls=" + std::string(routing::to_string(*level)) : "";
    site_ = site;
  }
  void offer_starttls() {
    server_.extensions.push_back("STARTTLS");
    answer("STARTTLS", "220 2.0.0 go ahead\r\n");
  }
  bool anything_sent_in_plain_text() const {
    for (const auto& dialogue : server_.dialogues)
      for (const std::string& command : dialogue.commands)
        if (command.starts_with("MAIL") || command.starts_with("AUTH")) return true;
    return false;
  }

  std::shared_ptr<testing::FakeTls> verifying_ = std::make_shared<testing::FakeTls>();
};

TEST_F(RouteTls, Encrypt_TakesStarttlsWhosoeverItIs) {
  offer_starttls();
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it over TLSv1.3");
  EXPECT_THAT(tls_.server_names, ElementsAre("relay.test"));
  EXPECT_THAT(verifying_->server_names, IsEmpty());
}

TEST_F(RouteTls, Encrypt_ServerWithoutStarttls_Waits) {
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.4 down");
  EXPECT_EQ(result->outcomes[0].text,
            "relay.test [127.0.0.1]:2600 does not offer STARTTLS; tls = \"encrypt\" keeps the mail here until that is mended");
  EXPECT_THAT(server_.dialogues[0].commands, ElementsAre("EHLO mx.example.org", "QUIT"));
  EXPECT_EQ(server_.dialogues.size(), 1u);
}

TEST_F(RouteTls, Encrypt_ServerThatThenDoesNotWantTo_Waits) {
  offer_starttls();
  answer("STARTTLS", "454 4.7.0 not now\r\n");
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.4 down");
  EXPECT_EQ(result->outcomes[0].remote_reply, "454 4.7.0 not now");
  EXPECT_FALSE(anything_sent_in_plain_text());
}

TEST_F(RouteTls, Encrypt_HandshakeFails_NoPlainTextEver) {
  offer_starttls();
  tls_.fail_next = true;
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.5 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("offers STARTTLS, and it fails: TLS handshake failed; tls = \"encrypt\" keeps"));
  EXPECT_EQ(server_.dialogues.size(), 1u) << "no second connection in plain text";
  EXPECT_FALSE(anything_sent_in_plain_text());
  loop_.advance(2min);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0") << "nor is it remembered as a server without TLS";
  EXPECT_EQ(tls_.server_names.size(), 2u);
}

// The server failed at TLS for a route without demands, and is spoken to in plain text for an hour: not for this one.
TEST_F(RouteTls, Encrypt_IsNotMovedByWhatOtherRoutesRemember) {
  offer_starttls();
  demand(Tls::opportunistic);
  tls_.fail_next = true;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  demand(Tls::encrypt);
  const auto result = send_one();
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it over TLSv1.3");
}

TEST_F(RouteTls, Encrypt_ClosedInsteadOfAnAnswer_Waits) {
  offer_starttls();
  answer("STARTTLS", "!close");
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.5 down");
  EXPECT_FALSE(anything_sent_in_plain_text());
}

TEST_F(RouteTls, Encrypt_PlainTextBehindTheAnswer_Waits) {
  offer_starttls();
  answer("STARTTLS", "220 2.0.0 go ahead\r\n250 mx.peer.test\r\n");
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.5 down");
  EXPECT_FALSE(anything_sent_in_plain_text());
}

TEST_F(RouteTls, Encrypt_FallsBackToAHopThatCan) {
  testing::FakeSmtpServer second;
  second.extensions = {"STARTTLS"};
  second.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    return command == "STARTTLS" ? std::optional<std::string>("220 go ahead\r\n") : std::nullopt;
  };
  network_.listen(at(2), second);
  auto site = route_site({"smtp://127.0.0.1:2600", "smtp://127.0.0.2:2600"});
  site->tls = Tls::encrypt;
  site_ = site;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(second.messages.size(), 1u);
  outbound_->drain();
  loop_.advance(1min);
  EXPECT_FALSE(anything_sent_in_plain_text());
}

TEST_F(RouteTls, Verify_AsksTheVerifyingContextForTheHostsName) {
  offer_starttls();
  demand(Tls::verify);
  const auto result = send_one();
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it over TLSv1.3, certificate verified");
  EXPECT_THAT(verifying_->server_names, ElementsAre("relay.test"));
  EXPECT_THAT(tls_.server_names, IsEmpty());
}

TEST_F(RouteTls, Verify_WithANameOfItsOwn) {
  offer_starttls();
  auto site = route_site({"smtp://127.0.0.1:2600"});
  site->tls = Tls::verify;
  site->tls_name = "cert.relay.test";
  site_ = site;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(verifying_->server_names, ElementsAre("cert.relay.test"));
}

TEST_F(RouteTls, Verify_CertificateThatDoesNot_Waits) {
  offer_starttls();
  demand(Tls::verify);
  verifying_->fail_next = true;
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.5 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("tls = \"verify\" keeps the mail here until that is mended"));
  EXPECT_FALSE(anything_sent_in_plain_text());
}

TEST_F(RouteTls, Verify_WithoutTrustedCertificates_Waits) {
  settings_->verifying = nullptr;
  offer_starttls();
  demand(Tls::verify);
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.5 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("install ca-certificates"));
}

TEST_F(RouteTls, None_StaysInPlainTextWhateverIsOffered) {
  offer_starttls();
  demand(Tls::none);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(server_.dialogues[0].commands, Not(Contains("STARTTLS")));
}

TEST_F(RouteTls, Opportunistic_CountsWhereOutboundStarttlsIsOff) {
  settings_->starttls = false;
  offer_starttls();
  demand(Tls::opportunistic);
  EXPECT_EQ(send_one()->outcomes[0].text, "the next server has taken it over TLSv1.3");
  demand(std::nullopt);
  EXPECT_EQ(send_one()->outcomes[0].text, "the next server has taken it");
}

// The handshake comes before the greeting.
TEST_F(RouteTls, Smtps_IsVerifiedWithoutAWord) {
  offer_starttls();
  demand(std::nullopt, "smtps://relay.test:2600");
  const auto result = send_one();
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it over TLSv1.3, certificate verified");
  EXPECT_THAT(verifying_->server_names, ElementsAre("relay.test"));
  EXPECT_THAT(server_.dialogues[0].commands, Not(Contains("STARTTLS")));
}

TEST_F(RouteTls, Smtps_HandshakeFails_Waits) {
  demand(std::nullopt, "smtps://127.0.0.1:2600");
  tls_.fail_next = true;
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.5 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("has an encrypted port, and it fails: TLS handshake failed; smtps:// has no plain text"));
  EXPECT_EQ(server_.dialogues.size(), 1u);
  EXPECT_THAT(server_.dialogues[0].commands, IsEmpty());
}

TEST_F(RouteTls, Mx_OfARouteThatDemandsEncryption) {
  server_.extensions.clear();
  dns_.add_address("mx.far.test", "127.0.0.1");
  const auto site = mx_site({{"mx.far.test", 10}});
  site_ = routing::secured(site, Tls::encrypt, "");
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.4 down");
  site_ = site;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0") << "another pool, which knows of no demand";
}

}  // namespace
}  // namespace godwit::outbound
