// Opportunistic encryption (RFC 3207, RFC 7435): taken where it is offered, never in the way of the mail.

#include "service/outbound/outbound_fixture.h"

namespace godwit::outbound {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

class StartTls : public OutboundTest {
 protected:
  StartTls() {
    server_.extensions.push_back("STARTTLS");
    answer("STARTTLS", "220 2.0.0 go ahead\r\n");
  }
  // The commands of a dialogue up to the first MAIL.
  std::vector<std::string> opening(std::size_t dialogue) const {
    std::vector<std::string> commands;
    for (const std::string& command : server_.dialogues.at(dialogue).commands) {
      if (command.starts_with("MAIL")) break;
      commands.push_back(command);
    }
    return commands;
  }
};

TEST_F(StartTls, Offered_IsTakenAndEhloSaidAgain) {
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it over TLSv1.3");
  EXPECT_THAT(opening(0), ElementsAre("EHLO mx.example.org", "STARTTLS", "EHLO mx.example.org"));
  EXPECT_THAT(tls_.server_names, ElementsAre("127.0.0.1"));
}

TEST_F(StartTls, NotOffered_PlainText) {
  server_.extensions.pop_back();
  const auto result = send_one();
  EXPECT_EQ(result->outcomes[0].text, "the next server has taken it");
  EXPECT_THAT(opening(0), ElementsAre("EHLO mx.example.org"));
}

TEST_F(StartTls, SwitchedOff_IsNotTaken) {
  settings_->starttls = false;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(opening(0), ElementsAre("EHLO mx.example.org"));
}

TEST_F(StartTls, OfferedAndNotMeant_GoesOnInPlainText) {
  answer("STARTTLS", "454 4.7.0 TLS not available\r\n");
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_THAT(opening(0), ElementsAre("EHLO mx.example.org", "STARTTLS"));
}

TEST_F(StartTls, HandshakeFails_ANewConnectionDoesWithout_AndItIsRemembered) {
  tls_.fail_next = true;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues.size(), 2u);
  EXPECT_THAT(opening(1), ElementsAre("EHLO mx.example.org"));

  settings_->messages_per_connection = 1;
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(tls_.server_names.size(), 1u) << "for an hour nobody tries again";
  loop_.advance(61min);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(tls_.server_names.size(), 2u);
}

// RFC 3207 6: what somebody put behind the 220 would be taken for an answer of the encrypted server.
TEST_F(StartTls, PlainTextBehindTheAnswer_IsNoAnswer) {
  answer("STARTTLS", "220 2.0.0 go ahead\r\n250 mx.peer.test\r\n");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(tls_.server_names.size(), 0u);
  EXPECT_THAT(opening(1), ElementsAre("EHLO mx.example.org"));
}

TEST_F(StartTls, ClosedInsteadOfAnAnswer_ANewConnectionDoesWithout) {
  answer("STARTTLS", "!close");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(opening(1), ElementsAre("EHLO mx.example.org"));
  EXPECT_EQ(tls_.server_names.size(), 0u);
}

// TLS 1.3: the server has looked at what we offered only after our side of the handshake is done (it demands a client certificate).
TEST_F(StartTls, ClosedBeforeTheFirstReplyBehindTheHandshake_ANewConnectionDoesWithout) {
  server_.on_command = [hellos = 0](const std::string& command, std::size_t dialogue) mutable -> std::optional<std::string> {
    if (dialogue == 0 && command.starts_with("EHLO") && ++hellos == 2) return "!close";
    if (command == "STARTTLS") return "220 2.0.0 go ahead\r\n";
    return std::nullopt;
  };
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(tls_.server_names.size(), 1u);
  EXPECT_THAT(opening(1), ElementsAre("EHLO mx.example.org"));
}

TEST_F(StartTls, RefusedWith421_IsTheServersLastWord) {
  answer("STARTTLS", "421 4.3.2 going down\r\n!close");
  EXPECT_EQ(summary(*send_one()), "deferred 4.3.2 down");
}

// RFC 3207 4.2: what was offered in plain text counts no more.
TEST_F(StartTls, WhatWasOfferedBeforeIsForgotten) {
  server_.on_command = [this](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command != "STARTTLS") return std::nullopt;
    server_.extensions = {"8BITMIME"};
    return "220 2.0.0 go ahead\r\n";
  };
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(server_.dialogues[0].reads, ::testing::Contains("DATA\r\n")) << "no PIPELINING any more";
}

}  // namespace
}  // namespace godwit::outbound
