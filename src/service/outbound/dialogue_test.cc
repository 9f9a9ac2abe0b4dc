// One dialogue: what the client says, and what it makes of the answers.

#include "service/outbound/outbound_fixture.h"

namespace godwit::outbound {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Dialogue = OutboundTest;

TEST_F(Dialogue, Plain_DeliversWhatWasGiven) {
  const auto result = send_one("Subject: x\r\n\r\n.hidden\r\n..two\r\nend");
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].remote, "127.0.0.1:2600");
  EXPECT_EQ(result->outcomes[0].remote_reply, "250 2.0.0 Ok");
  ASSERT_EQ(server_.messages.size(), 1u);
  EXPECT_EQ(server_.messages[0].from, "<anna@example.org> SIZE=62");
  EXPECT_THAT(server_.messages[0].to, ElementsAre("<bob@example.net>"));
  EXPECT_EQ(server_.messages[0].body, "Received: by mx.example.org\r\nSubject: x\r\n\r\n.hidden\r\n..two\r\nend\r\n");
  EXPECT_THAT(trace_.lines, ElementsAre("attempt: 127.0.0.1:2600, <bob@example.net>: the next server has taken it: 250 2.0.0 Ok"));
}

TEST_F(Dialogue, Pipelining_CommandsGoInOneWriteAndTheNextMessageBehindTheBody) {
  settings_->connections_per_site = 1;
  const auto first = offer(message({"a@example.net", "b@example.net"}));
  const auto second = offer(message({"c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*first), "delivered 2.0.0, delivered 2.0.0");
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
  ASSERT_EQ(server_.dialogues.size(), 1u);
  const auto& reads = server_.dialogues[0].reads;
  ASSERT_EQ(reads.size(), 4u);
  EXPECT_EQ(reads[0], "EHLO mx.example.org\r\n");
  EXPECT_EQ(reads[1], "MAIL FROM:<anna@example.org> SIZE=50\r\nRCPT TO:<a@example.net>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  EXPECT_EQ(reads[2],
            "Received: by mx.example.org\r\nSubject: x\r\n\r\nHello\r\n.\r\n"
            "MAIL FROM:<anna@example.org> SIZE=50\r\nRCPT TO:<c@example.net>\r\nDATA\r\n");
  EXPECT_EQ(reads[3], "Received: by mx.example.org\r\nSubject: x\r\n\r\nHello\r\n.\r\n");
}

// RFC 1122 4.2.3.4: a server under Nagle's algorithm holds the next reply of a group back until the one before is acknowledged.
TEST_F(Dialogue, Pipelining_RepliesThatComeOneAtATime_AreAcknowledgedAtOnceWhileMoreAreOutstanding) {
  server_.reply_by_reply = true;
  settings_->connections_per_site = 1;
  EXPECT_EQ(summary(*offer(message({"a@example.net", "b@example.net"}))), "?");
  loop_.poll();
  ASSERT_EQ(server_.messages.size(), 1u);
  EXPECT_EQ(server_.dialogues[0].acknowledged, 3u);  // MAIL, RCPT, RCPT; behind the answer to DATA nothing is outstanding
}

TEST_F(Dialogue, Pipelining_ReplyToTheBodyAlone_IsAcknowledgedAtOnceForThoseOfTheNextMessage) {
  server_.reply_by_reply = true;
  settings_->connections_per_site = 1;
  const auto first = offer(message({"a@example.net"}));
  const auto second = offer(message({"b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues[0].acknowledged, 5u);  // MAIL, RCPT; the first body, MAIL, RCPT
}

TEST_F(Dialogue, Pipelining_RepliesInOnePacket_NeedNoAcknowledgement) {
  EXPECT_EQ(summary(*offer(message({"a@example.net", "b@example.net"}))), "?");
  loop_.poll();
  ASSERT_EQ(server_.messages.size(), 1u);
  EXPECT_EQ(server_.dialogues[0].acknowledged, 0u);
}

TEST_F(Dialogue, NoPipelining_OneCommandAtATime) {
  server_.extensions = {"SIZE"};
  settings_->connections_per_site = 1;
  const auto first = offer(message({"a@example.net", "b@example.net"}));
  const auto second = offer(message({"c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*first), "delivered 2.0.0, delivered 2.0.0");
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
  for (const std::string& read : server_.dialogues[0].reads)
    if (!read.starts_with("Received")) EXPECT_EQ(std::ranges::count(read, '\n'), 1) << read;
}

TEST_F(Dialogue, OldServer_IsGreetedWithHelo) {
  answer("EHLO", "502 5.5.1 What is EHLO?\r\n");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(server_.messages[0].from, "<anna@example.org>");
  EXPECT_EQ(server_.dialogues[0].commands[1], "HELO mx.example.org");
}

TEST_F(Dialogue, ByteByByteAndMultiLine_AreUnderstood) {
  server_.byte_by_byte = true;
  server_.greeting = "220-mx.peer.test welcomes\r\n220-you\r\n220 all\r\n";
  answer("RCPT", "250-2.1.5 one\r\n250-2.1.5 two\r\n250 2.1.5 three\r\n");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

TEST_F(Dialogue, NullReversePath_IsEmptyBrackets) {
  auto bounce = message({"anna@example.org"});
  bounce->reverse_path = smtp::ReversePath();
  EXPECT_EQ(summary(*offer(bounce)), "?");
  loop_.poll();
  EXPECT_EQ(server_.messages[0].from, "<> SIZE=50");
}

TEST_F(Dialogue, EachRecipient_HasItsOwnAnswer) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command == "RCPT TO:<a@example.net>") return "550 5.1.1 No such user\r\n";
    if (command == "RCPT TO:<b@example.net>") return "450 4.2.1 Busy\r\n";
    return std::nullopt;
  };
  const auto result = offer(message({"a@example.net", "b@example.net", "c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.1.1, deferred 4.2.1, delivered 2.0.0");
  EXPECT_EQ(result->outcomes[0].remote_reply, "550 5.1.1 No such user");
  EXPECT_THAT(server_.messages[0].to, ElementsAre("<c@example.net>"));
  EXPECT_EQ(trace_.lines.size(), 3u);
}

TEST_F(Dialogue, AllRefusedAnd354_SendsALoneDot) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command.starts_with("RCPT")) return "550 no\r\n";
    if (command == "DATA") return "354 go on anyway\r\n";
    return std::nullopt;
  };
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  const auto next = offer(message({"c@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.0.0, bounced 5.0.0");
  EXPECT_EQ(server_.messages[0].body, "");
  EXPECT_EQ(summary(*next), "bounced 5.0.0");
}

TEST_F(Dialogue, AllRefusedAndDataRefused_ResetsAndGoesOn) {
  for (const bool pipelining : {true, false}) {
    server_ = {};
    if (!pipelining) server_.extensions = {"SIZE"};
    server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
      if (command == "RCPT TO:<a@example.net>") return "550 5.1.1 no\r\n";
      return std::nullopt;
    };
    settings_->connections_per_site = 1;
    const auto first = offer(message({"a@example.net"}));
    const auto second = offer(message({"b@example.net"}));
    loop_.poll();
    EXPECT_EQ(summary(*first), "bounced 5.1.1");
    EXPECT_EQ(summary(*second), "delivered 2.0.0");
    EXPECT_EQ(std::ranges::count(server_.dialogues[0].commands, "RSET"), 1);
    EXPECT_EQ(std::ranges::count(server_.dialogues[0].commands, "DATA"), pipelining ? 2 : 1);
    loop_.advance(std::chrono::minutes(1));  // the idle connection goes
  }
}

TEST_F(Dialogue, MailRefused_ConcernsEveryRecipient) {
  answer("MAIL", "550 5.1.8 Sender domain does not exist\r\n");
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.1.8, bounced 5.1.8");
  answer("MAIL", "451 4.3.0 Later\r\n");
  EXPECT_EQ(summary(*send_one()), "deferred 4.3.0");
}

TEST_F(Dialogue, DataRefused_ConcernsTheAcceptedOnes) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command == "RCPT TO:<a@example.net>") return "550 5.1.1 no\r\n";
    if (command == "DATA") return "451 4.3.2 Not now\r\n";
    return std::nullopt;
  };
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "bounced 5.1.1, deferred 4.3.2");
}

TEST_F(Dialogue, FinalReply_ConcernsTheAcceptedOnes) {
  server_.on_command = [](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command == "RCPT TO:<a@example.net>") return "450 4.2.0 later\r\n";
    if (command == ".") return "554 5.7.1 Spam\r\n";
    return std::nullopt;
  };
  const auto result = offer(message({"a@example.net", "b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "deferred 4.2.0, bounced 5.7.1");
  EXPECT_EQ(result->outcomes[1].text, "the server refused the message");
}

TEST_F(Dialogue, TooManyRecipients_TheRestFollowsAtOnce) {
  std::size_t accepted = 0;
  for (const std::string reply : {"452 4.5.3 Too many recipients\r\n", "552 Too many recipients\r\n"}) {
    accepted = 0;
    server_.messages.clear();
    server_.on_command = [&](const std::string& command, std::size_t) -> std::optional<std::string> {
      if (command == ".") accepted = 0;
      if (command.starts_with("RCPT") && ++accepted > 100) return reply;
      return std::nullopt;
    };
    std::vector<std::string> to;
    for (int i = 0; i < 250; ++i) to.push_back("user" + std::to_string(i) + "@example.net");
    const auto result = offer(message(to));
    loop_.poll();
    ASSERT_EQ(result->calls, 1);
    for (const queue::Outcome& outcome : result->outcomes) EXPECT_EQ(outcome.kind, queue::Outcome::Kind::delivered);
    EXPECT_EQ(server_.messages.size(), 3u);
  }
}

TEST_F(Dialogue, Rcpt552_IsTemporaryUnlessItSaysWhy) {
  answer("RCPT", "552 Too many\r\n");
  EXPECT_EQ(summary(*send_one()), "deferred 4.5.3");
  answer("RCPT", "552 5.2.2 Mailbox full\r\n");
  EXPECT_EQ(summary(*send_one()), "bounced 5.2.2");
}

TEST_F(Dialogue, BigBody_GoesInPieces) {
  std::string body = "Subject: big\r\n\r\n";
  while (body.size() < 1'000'000) body += ".line that begins with a dot and is long enough to be one\r\n";
  EXPECT_EQ(summary(*send_one(body)), "delivered 2.0.0");
  EXPECT_EQ(server_.messages[0].body, "Received: by mx.example.org\r\n" + body);
}

TEST_F(Dialogue, TooLargeForTheServer_BouncesWithoutBeingOffered) {
  server_.extensions = {"PIPELINING", "SIZE 60"};
  EXPECT_EQ(summary(*send_one(std::string(100, 'x') + "\r\n")), "bounced 5.3.4");
  EXPECT_EQ(server_.dialogues[0].commands.size(), 1u);
  EXPECT_EQ(summary(*send_one("small\r\n")), "delivered 2.0.0");
}

TEST_F(Dialogue, EightBit_IsDeclaredOrBounced) {
  auto eight = message({"bob@example.net"},
                       "Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9f"
                       "e\r\n");
  eight->body_8bit = true;
  const auto declared = offer(eight);
  loop_.poll();
  EXPECT_EQ(summary(*declared), "delivered 2.0.0");
  EXPECT_THAT(server_.messages[0].from, HasSubstr(" BODY=8BITMIME"));
  loop_.advance(std::chrono::minutes(1));
  server_.extensions = {"PIPELINING"};
  const auto bounced = offer(eight);
  auto plain = message({"bob@example.net"}, "Subject: x\r\n\r\nplain after all\r\n");
  plain->body_8bit = true;
  const auto sent = offer(plain);
  loop_.poll();
  EXPECT_EQ(summary(*bounced), "bounced 5.6.3");
  EXPECT_EQ(summary(*sent), "delivered 2.0.0");
}

TEST_F(Dialogue, Smtputf8_IsDeclaredOrBounced) {
  const std::string header = "Subject: \xc3\xa9t\xc3\xa9\r\n";
  auto international = message({"jos\xc3\xa9@example.net", "bob@example.net"}, header + "\r\nx\r\n");
  international->smtputf8 = true;
  const auto declared = offer(international);
  loop_.poll();
  EXPECT_EQ(summary(*declared), "delivered 2.0.0, delivered 2.0.0");
  EXPECT_THAT(server_.messages[0].from, HasSubstr(" SMTPUTF8"));
  loop_.advance(std::chrono::minutes(1));
  server_.extensions = {"PIPELINING", "8BITMIME"};
  const auto bounced = offer(international);
  auto address_alone = message({"jos\xc3\xa9@example.net", "bob@example.net"}, "Subject: x\r\n\r\n" + header);
  address_alone->smtputf8 = true;
  const auto half = offer(address_alone);
  loop_.poll();
  EXPECT_EQ(summary(*bounced), "bounced 5.6.7, bounced 5.6.7");
  EXPECT_EQ(summary(*half), "bounced 5.6.7, delivered 2.0.0");
}

TEST_F(Dialogue, Dsn_IsPassedOnWhereOffered) {
  server_.extensions.push_back("DSN");
  auto sent = message({"bob@example.net"});
  sent->envid = "QQ314159";
  sent->ret = queue::Message::Return::headers;
  sent->recipients[0].orcpt = "rfc822;bob@example.net";
  sent->recipients[0].notify = {true, false, true, true, false};
  offer(sent);
  loop_.poll();
  EXPECT_THAT(server_.messages[0].from, HasSubstr(" RET=HDRS ENVID=QQ314159"));
  EXPECT_THAT(server_.messages[0].to, ElementsAre("<bob@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.net"));
}

// RFC 3461 5.2.1 and 5.2.2: who offers DSN has taken over to report success, nobody else has.
TEST_F(Dialogue, Dsn_TheOutcomeSaysWhoReports) {
  auto sent = message({"bob@example.net"});
  sent->recipients[0].notify = {true, false, true, false, false};
  sent->envid = "x";
  const auto without = offer(sent);
  loop_.poll();
  EXPECT_EQ(without->outcomes.at(0).success, queue::Outcome::Success::relayed);
  EXPECT_THAT(server_.messages[0].to, ElementsAre("<bob@example.net>"));
  EXPECT_THAT(server_.messages[0].from, Not(HasSubstr("ENVID")));
  loop_.advance(std::chrono::minutes(1));
  server_.extensions.push_back("DSN");
  const auto with = offer(sent);
  loop_.poll();
  EXPECT_EQ(with->outcomes.at(0).success, queue::Outcome::Success::passed_on);
}

// RFC 3461 5.2.1 (d), RFC 6533 3: an alias that led here is named as the sender knows it; UTF-8 alone where SMTPUTF8 is in use.
TEST_F(Dialogue, Dsn_OrcptOfAliasesAndBeyondAscii) {
  server_.extensions = {"PIPELINING", "DSN"};
  auto sent = message({"bob@example.net", "carl@example.net", "dora@example.net"});
  sent->recipients[0].original = "team+x@example.org";
  sent->recipients[1].orcpt = "utf-8;j\xc3\xb6rg@example.org";
  sent->recipients[2].notify = {true, false, false, false, false};  // what is left of SUCCESS alone behind an alias of several
  offer(sent);
  loop_.poll();
  EXPECT_THAT(server_.messages[0].to,
              ElementsAre("<bob@example.net> ORCPT=rfc822;team+2Bx@example.org", "<carl@example.net> ORCPT=utf-8;j\\x{F6}rg@example.org",
                          "<dora@example.net> NOTIFY=NEVER"));
}

TEST_F(Dialogue, DamagedBytes_BounceAndCostNobodyElse) {
  auto damaged = message({"bob@example.net"});
  blobs_.damage_blob(damaged->blob);
  settings_->connections_per_site = 1;
  const auto first = offer(damaged);
  const auto second = offer(message({"carl@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*first), "bounced 5.3.0");
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues.size(), 1u);
}

TEST_F(Dialogue, BareLineFeed_IsNeverSent) {
  EXPECT_EQ(summary(*send_one("Subject: x\r\n\r\nfirst\n.\nMAIL FROM:<>\r\n")), "bounced 5.3.0");
  EXPECT_TRUE(server_.messages.empty());
}

TEST_F(Dialogue, DamageInTheMiddle_EndsTheDialogueWithoutTheDot) {
  const std::string body = std::string(70'000, 'x') + "\r\n" + std::string(70'000, 'y') + "\n" + "z\r\n";
  EXPECT_EQ(summary(*send_one(body)), "bounced 5.3.0");
  EXPECT_TRUE(server_.messages.empty());
  loop_.poll();
  EXPECT_TRUE(server_.dialogues[0].ended);
}

}  // namespace
}  // namespace godwit::outbound
