// LMTP (RFC 2033): a reply for each recipient behind the dot.

#include "service/outbound/outbound_fixture.h"

namespace godwit::outbound {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class Lmtp : public OutboundTest {
 protected:
  Lmtp() {
    server_.lmtp = true;
    site_ = route_site({"lmtp://127.0.0.1:2600"});
  }
  // What the server says behind the dot.
  void final_replies(std::string replies) { answer(".", std::move(replies)); }
};

TEST_F(Lmtp, Delivers_WithLhloAndAReplyForEachRecipient) {
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.0.0, delivered 2.0.0");
  ASSERT_EQ(server_.messages.size(), 1u);
  EXPECT_THAT(server_.messages[0].to, ElementsAre("<a@example.net>", "<b@example.net>"));
  EXPECT_EQ(server_.dialogues[0].commands[0], "LHLO mx.example.org");
}

TEST_F(Lmtp, EachRecipientHasItsOwnFate) {
  final_replies("250 2.1.5 delivered\r\n452 4.2.2 over quota\r\n550 5.7.1 not this one\r\n");
  const auto result = offer(message({"a@example.net", "b@example.net", "c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.1.5, deferred 4.2.2, bounced 5.7.1");
  EXPECT_EQ(result->outcomes[1].remote_reply, "452 4.2.2 over quota");
}

TEST_F(Lmtp, RecipientsRefusedAtRcpt_HaveNoFinalReply) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command.starts_with("RCPT TO:<b@")) return "550 5.1.1 no such user\r\n";
    if (command == ".") return "250 2.0.0 one\r\n451 4.3.0 two\r\n";
    return std::nullopt;
  };
  const auto result = offer(message({"a@example.net", "b@example.net", "c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.0.0, bounced 5.1.1, deferred 4.3.0");
}

TEST_F(Lmtp, LostInTheMiddleOfTheReplies_OnlyTheRestIsTriedAgain) {
  final_replies("250 2.0.0 one\r\n!close");
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.0.0, deferred 4.4.2 down");
}

TEST_F(Lmtp, SaysThatItClosesInTheMiddleOfTheReplies_OnlyTheRestIsTriedAgain) {
  final_replies("550 5.2.1 one\r\n421 4.3.2 going down\r\n!close");
  const auto result = offer(message({"a@example.net", "b@example.net", "c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.2.1, deferred 4.3.2 down, deferred 4.3.2 down");
}

TEST_F(Lmtp, RepliesThatDoNotCome_AreWaitedForAndThenTriedAgain) {
  final_replies("250 2.0.0 one\r\n");
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "?");
  loop_.advance(11min);
  EXPECT_EQ(summary(*result), "delivered 2.0.0, deferred 4.4.2 down");
}

TEST_F(Lmtp, ReplyThatIsNone_EndsTheDialogue) {
  final_replies("250 2.0.0 one\r\n354 what\r\n");
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.0.0, deferred 4.5.0");
}

TEST_F(Lmtp, NextMessage_WaitsForTheLastReply) {
  settings_->connections_per_site = 1;
  const auto first = offer(message({"a@example.net", "b@example.net"}));
  const auto second = offer(message({"c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*first), "delivered 2.0.0, delivered 2.0.0");
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
  ASSERT_EQ(server_.dialogues.size(), 1u) << "the connection is used again";
  EXPECT_THAT(server_.dialogues[0].reads, Contains(StartsWith("MAIL FROM:<anna@example.org> SIZE=50\r\nRCPT TO:<c@")))
      << "its commands are no part of the write before";
}

// RFC 2033 4.2: DATA without a recipient must fail. One that does not leaves nothing to count replies by.
TEST_F(Lmtp, DataTakenForNobody_EndsTheDialogue) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command.starts_with("RCPT")) return "550 5.1.1 no such user\r\n";
    if (command == "DATA") return "354 go ahead\r\n";
    return std::nullopt;
  };
  EXPECT_EQ(summary(*send_one()), "bounced 5.1.1");
  EXPECT_TRUE(server_.dialogues[0].ended);
  EXPECT_THAT(server_.dialogues[0].commands, Not(Contains(".")));
}

TEST_F(Lmtp, ServerThatGreetsWithOurName_IsNoLoop) {
  server_.greeting = "220 mx.example.org Dovecot ready.\r\n";
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

// RFC 2033 4.1: there is no older LHLO to go back to.
TEST_F(Lmtp, ServerOfSmtp_IsNotTakenForOne) {
  server_.lmtp = false;
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.3.2 down");
  EXPECT_THAT(server_.dialogues[0].commands, ElementsAre("LHLO mx.example.org", "QUIT"));
}

TEST_F(Lmtp, StartTls_IsTakenAsInSmtp) {
  server_.extensions.push_back("STARTTLS");
  answer("STARTTLS", "220 2.0.0 go ahead\r\n");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(tls_.server_names.size(), 1u);
  EXPECT_EQ(server_.dialogues[0].commands[2], "LHLO mx.example.org");
}

TEST_F(Lmtp, UnixSocket_IsReached) {
  site_ = route_site({"lmtp://unix:/run/lmtp"});
  server_.extensions.push_back("STARTTLS");
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].remote, "localhost [/run/lmtp]");
  EXPECT_THAT(server_.dialogues[0].commands, Not(Contains("STARTTLS"))) << "nobody listens in";
}

TEST_F(Lmtp, UnixSocketThatIsNotThere_WaitsAndFallsBack) {
  site_ = route_site({"lmtp://unix:/run/gone"});
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.4.1 down");
  EXPECT_EQ(result->outcomes[0].text, "could not connect to /run/gone: there is no such socket");
  site_ = route_site({"lmtp://unix:/run/gone", "lmtp://127.0.0.1:2600"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

}  // namespace
}  // namespace godwit::outbound
