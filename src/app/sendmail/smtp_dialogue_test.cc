// sendmail -bs as a function of its input: what it answers, and what it hands over.

#include "app/sendmail/smtp_dialogue.h"

#include <gmock/gmock.h>

namespace godwit::sendmail {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct Handed {
  submit::Envelope envelope;
  std::string text;
};

// Everything that is said in pieces of `piece` bytes.
class Pipe {
 public:
  explicit Pipe(std::size_t piece = 1'000'000) : piece_(piece) {
    SmtpDialogue::Environment environment;
    environment.hostname = "mx1.example.org";
    environment.max_message_size = 2'000'000;
    environment.max_recipients = 3;
    environment.envelope.login = "ann";
    environment.envelope.author = "Ann Example";
    environment.missing_head = [](const message::HeaderSummary& header, std::uint64_t) {
      return header.message_id == 0 ? "Message-ID: <made@x>\r\n" : "";
    };
    environment.hand_over = [this](const Submission& submission) {
      Handed one{submission.envelope, submission.head};
      const auto read = submission.spool->each(submission.body, [&](std::string_view bytes) -> Result<void> {
        one.text += bytes;
        return {};
      });
      EXPECT_TRUE(read);
      EXPECT_EQ(one.text.size(), submission.envelope.size);
      handed.push_back(std::move(one));
      return answer;
    };
    dialogue = std::make_unique<SmtpDialogue>(std::move(environment));
  }
  std::string say(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += piece_) dialogue->feed(text.substr(i, piece_), out);
    return out;
  }

  std::vector<Handed> handed;
  smtp::Reply answer{250, {2, 0, 0}, "1jmp588dr08et kept"};
  std::unique_ptr<SmtpDialogue> dialogue;

 private:
  std::size_t piece_;
};

// The codes of the replies, "250" for each; lines before the last of a reply left out.
std::vector<std::string> codes(std::string_view replies) {
  std::vector<std::string> out;
  while (!replies.empty()) {
    const std::size_t end = replies.find("\r\n");
    if (replies[3] == ' ') out.emplace_back(replies.substr(0, 3));
    replies.remove_prefix(end + 2);
  }
  return out;
}

constexpr std::string_view kWhole =
    "EHLO client\r\nMAIL FROM:<ann@example.org> SIZE=20 BODY=8BITMIME\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<root>\r\nDATA\r\n"
    "Subject: x\r\n\r\n..dot\r\nh\xe9\r\n.\r\nQUIT\r\n";

TEST(SmtpDialogue, WholeMessage_InAnyPieces) {
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1'000u}) {
    SCOPED_TRACE(piece);
    Pipe pipe(piece);
    EXPECT_EQ(pipe.dialogue->greeting(), "220 mx1.example.org ESMTP Godwit sendmail\r\n");
    const std::string replies = pipe.say(kWhole);
    EXPECT_THAT(codes(replies), ElementsAre("250", "250", "250", "250", "354", "250", "221"));
    EXPECT_THAT(replies, HasSubstr("250-SIZE 2000000\r\n"));
    EXPECT_THAT(replies, HasSubstr("250 2.0.0 1jmp588dr08et kept\r\n"));
    EXPECT_TRUE(pipe.dialogue->ended());
    ASSERT_THAT(pipe.handed, SizeIs(1));
    const Handed& one = pipe.handed[0];
    EXPECT_EQ(one.envelope.from, "ann@example.org");
    EXPECT_THAT(one.envelope.recipients, ElementsAre("bob@example.org", "root"));
    EXPECT_EQ(one.envelope.login, "ann");
    EXPECT_EQ(one.envelope.author, "Ann Example");
    EXPECT_TRUE(one.envelope.eight_bit);
    EXPECT_EQ(one.text, "Message-ID: <made@x>\r\nSubject: x\r\n\r\n.dot\r\nh\xe9\r\n");
  }
}

TEST(SmtpDialogue, LinesMayEndInLf) {
  Pipe pipe(3);
  EXPECT_THAT(codes(pipe.say("HELO c\nMAIL FROM:<>\nRCPT TO:<bob@example.org>\nDATA\nFrom: a\nMessage-ID: <1@x>\n\na\n.\nNOOP\n")),
              ElementsAre("250", "250", "250", "354", "250", "250"));
  ASSERT_THAT(pipe.handed, SizeIs(1));
  EXPECT_EQ(pipe.handed[0].text, "From: a\r\nMessage-ID: <1@x>\r\n\r\na\r\n");
  EXPECT_EQ(pipe.handed[0].envelope.from, "");
  EXPECT_FALSE(pipe.handed[0].envelope.author);
  EXPECT_FALSE(pipe.handed[0].envelope.eight_bit);
}

// Text of a stranger's within the message must not become commands: with CRLF commands the end is <CRLF>.<CRLF> alone.
TEST(SmtpDialogue, NothingElseEndsTheMessageOfACrlfClient) {
  const std::string mail = "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nMessage-ID: <1@x>\r\n\r\n";
  const std::string smuggled = "MAIL FROM:<evil@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n";
  for (const std::string& end : {std::string("\n.\n"), std::string("\n.\r\n"), std::string("\r\n.\n"), std::string("\r.\r"),
                                 std::string("\r.\r\n"), std::string("\r\n.\r"), std::string("\n\r.\r\n"), std::string("\r\0\n.\r\n", 6),
                                 std::string("\r\n.\r\0\n", 6), std::string("\r\n.\0\n", 5)}) {
    for (const std::size_t piece : {1u, 1'000u}) {
      Pipe pipe(piece);
      EXPECT_THAT(codes(pipe.say(mail + "text" + end + "NOOP\r\n")), ElementsAre("250", "250", "354"));
      EXPECT_TRUE(pipe.dialogue->in_message());
      EXPECT_THAT(codes(pipe.say(smuggled)), ElementsAre("250"));
      ASSERT_THAT(pipe.handed, SizeIs(1));
      EXPECT_THAT(pipe.handed[0].text, HasSubstr("MAIL FROM:<evil@b.test>\r\n"));
      EXPECT_EQ(pipe.handed[0].text.find('\0'), std::string::npos);
      for (std::size_t at = 0; (at = pipe.handed[0].text.find_first_of("\r\n", at)) != std::string::npos; at += 2)
        ASSERT_EQ(pipe.handed[0].text.substr(at, 2), "\r\n");
    }
  }
}

// RFC 3461 4: for each recipient his own; where there is none, the command line's.
TEST(SmtpDialogue, WhatIsAskedOfReports_IsHandedOver) {
  Pipe pipe;
  EXPECT_THAT(pipe.say("EHLO x\n"), HasSubstr("250-DSN\r\n"));
  pipe.say(
      "MAIL FROM:<ann> RET=HDRS ENVID=QQ+2B1\nRCPT TO:<root>\n"
      "RCPT TO:<bob@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@b.test\nDATA\nSubject: x\n\nx\n.\n");
  ASSERT_THAT(pipe.handed, SizeIs(1));
  const submit::Envelope& envelope = pipe.handed[0].envelope;
  EXPECT_EQ(envelope.ret, "hdrs");
  EXPECT_EQ(envelope.envid, "QQ+2B1");
  ASSERT_EQ(envelope.for_one.size(), 1u);
  EXPECT_EQ(envelope.for_one.at(1), (submit::Envelope::ForOne{"success,delay", "rfc822;bob@b.test"}));
}

TEST(SmtpDialogue, Refusals) {
  struct Case {
    std::string before;
    std::string line;
    std::string_view reply;
  };
  const std::string mail = "MAIL FROM:<a@b.test>\n";
  const Case cases[] = {
      {"", "RCPT TO:<a@b.test>\n", "503 5.5.1"},
      {"", "DATA\n", "503 5.5.1"},
      {mail, "DATA\n", "554 5.5.1 No valid recipients"},
      {mail, mail, "503 5.5.1"},
      {mail, "RCPT TO:<a@@b>\n", "501 "},
      {mail, "RCPT TO:<>\n", "501 "},
      {mail, "RCPT TO:root\n", "501 "},
      {mail, "RCPT TO:<ro ot>\n", "501 "},
      {mail, "RCPT TO:<gr\xc3\xbcn@b.test>\n", "553 5.6.7"},
      {mail, "RCPT TO:<a@b.test> NOTIFY=NEVER,DELAY\n", "501 5.5.4"},
      {"", "MAIL FROM:<a@b.test> RET=ALL\n", "501 5.5.4"},
      {"", "MAIL FROM:<a@b.test> AUTH=<>\n", "555 5.5.4 AUTH"},
      {"", "MAIL FROM:<a@b.test> SIZE=2000001\n", "552 5.3.4 Message too big; the limit is 2000000 bytes"},
      {"", "MAIL FROM:<a@b.test> FOO=1\n", "555 "},
      {"", "EHLO\n", "501 "},
      {"", "FOO\n", "500 5.5.2"},
      {"", "STARTTLS\n", "502 5.5.1 STARTTLS is not offered on a pipe"},
      {"", "AUTH PLAIN\n", "502 "},
      {"", "EXPN all\n", "502 "},
      {"", std::string("NOOP\0x\n", 7), "500 5.5.2 Control"},
      {"", "NOOP " + std::string(5'000, 'x') + "\n", "500 5.5.2 Line too long"},
      {"", "VRFY root\n", "252 2.5.0"},
      {"", "HELP\n", "214-2.0.0"},
      {mail, "RSET\n", "250 2.0.0"},
      {mail + "EHLO c\n", mail, "250 2.1.0"},
      {mail + "RCPT TO:<a@b.test>\nRSET\n", "DATA\n", "503 "},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.before + one.line);
    Pipe pipe;
    pipe.say(one.before);
    EXPECT_THAT(pipe.say(one.line), StartsWith(std::string(one.reply)));
    EXPECT_THAT(codes(pipe.say("NOOP\n")), ElementsAre("250"));
    EXPECT_THAT(pipe.handed, IsEmpty());
  }
}

TEST(SmtpDialogue, Limits_OfRecipientsSizeAndErrors) {
  Pipe pipe(10'000);
  pipe.say("MAIL FROM:<a@b.test>\n");
  EXPECT_THAT(codes(pipe.say("RCPT TO:<a>\nRCPT TO:<b>\nRCPT TO:<c>\nRCPT TO:<d>\n")), ElementsAre("250", "250", "250", "452"));
  const std::string line = std::string(998, 'x') + "\n";
  std::string body;
  for (int i = 0; i < 2'100; ++i) body += line;
  EXPECT_THAT(codes(pipe.say("DATA\nSubject: x\n\n" + body + ".\n")), ElementsAre("354", "552"));
  EXPECT_THAT(pipe.handed, IsEmpty());
  EXPECT_THAT(pipe.say("DATA\n"), StartsWith("503"));  // the transaction is over
  std::string nonsense;
  for (std::size_t i = 0; i < SmtpDialogue::kMaxErrors; ++i) nonsense += "FOO\n";
  EXPECT_THAT(pipe.say(nonsense), EndsWith("421 4.7.0 Too many errors\r\n"));
  EXPECT_TRUE(pipe.dialogue->ended());
  EXPECT_EQ(pipe.say("NOOP\n"), "");
}

TEST(SmtpDialogue, RefusalOfTheServer_IsTheReplyAndTheNextMessageGoes) {
  Pipe pipe;
  pipe.answer = {550, {5, 1, 1}, "nobody@example.org: No such user here"};
  const std::string mail = "MAIL FROM:<a@b.test>\nRCPT TO:<nobody@example.org>\nDATA\nSubject: x\n\n.\n";
  EXPECT_THAT(pipe.say(mail), EndsWith("550 5.1.1 nobody@example.org: No such user here\r\n"));
  pipe.answer = {250, {2, 0, 0}, "kept"};
  EXPECT_THAT(pipe.say(mail), EndsWith("250 2.0.0 kept\r\n"));
  EXPECT_THAT(pipe.handed, SizeIs(2));
  EXPECT_THAT(codes(pipe.say("RCPT TO:<postmaster>\nMAIL FROM:<root>\nRCPT TO:<Postmaster>\nDATA\n.\n")),
              ElementsAre("503", "250", "250", "354", "250"));
  EXPECT_EQ(pipe.handed[2].envelope.from, "root");
  EXPECT_THAT(pipe.handed[2].envelope.recipients, ElementsAre("Postmaster"));
}

}  // namespace
}  // namespace godwit::sendmail
