#include "grammar/message/envelope.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

// name|route|mailbox|host, groups as {name ... }
std::string shown(const std::vector<EnvelopeAddress>& list) {
  std::string out;
  for (const auto& a : list) {
    if (!out.empty()) out += " ";
    if (a.kind == EnvelopeAddress::Kind::group_begin)
      out += "{" + a.mailbox;
    else if (a.kind == EnvelopeAddress::Kind::group_end)
      out += "}";
    else
      out += a.name + "|" + a.route + "|" + a.mailbox + "|" + a.host;
  }
  return out;
}

std::string shown(std::string_view text) { return shown(parse_envelope_addresses(text)); }

TEST(ParseEnvelopeAddresses, AsRfc5322) {
  EXPECT_EQ(shown("Mary Smith <mary@x.test>, jdoe@example.org, \"Who?\" <one@y.test>"),
            "Mary Smith||mary|x.test ||jdoe|example.org Who?||one|y.test");
  EXPECT_EQ(shown("a@b.test (John Doe)"), "John Doe||a|b.test");
  EXPECT_EQ(shown("\"a, b\" <c@d>, \"x@y\"@z"), "a, b||c|d ||x@y|z");
  EXPECT_EQ(shown("Mary <@a.test,@b.test:mary@c.test>, x@y"), "Mary|@a.test,@b.test|mary|c.test ||x|y");
  EXPECT_EQ(shown("a@[IPv6:::1], b@[192.0.2.1]"), "||a|[IPv6:::1] ||b|[192.0.2.1]");
  EXPECT_EQ(shown("=?utf-8?q?J=C3=BCrgen?= <j@x>"), "=?utf-8?q?J=C3=BCrgen?=||j|x");
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown(" , ,(only a comment), "), "");
}

TEST(ParseEnvelopeAddresses, Groups) {
  EXPECT_EQ(shown("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
            "{A Group Ed Jones||c|a.test ||joe|where.test John||jdoe|one.test }");
  EXPECT_EQ(shown("Undisclosed recipients:;"), "{Undisclosed recipients }");
  EXPECT_EQ(shown("undisclosed-recipients: ;, a@b"), "{undisclosed-recipients } ||a|b");
  EXPECT_EQ(shown("a@b, \"x: y\": c@d; e@f"), "||a|b {x: y ||c|d } ||e|f");
  EXPECT_EQ(shown("one: a@b, two: c@d;"), "{one ||a|b } {two ||c|d }");  // the first was not closed
  EXPECT_EQ(shown("one: a@b"), "{one ||a|b }");
  EXPECT_EQ(shown("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;"), "{Hidden recipients }");
}

TEST(ParseEnvelopeAddresses, Broken_OneDoesNotHurtTheOthers) {
  EXPECT_EQ(shown("root, a@b"), "||root| ||a|b");
  EXPECT_EQ(shown("John Doe, a@b"), "John Doe||| ||a|b");
  EXPECT_EQ(shown("John [x] <a@b>, c@d"), "John [x]||a|b ||c|d");
  EXPECT_EQ(shown("<a@b, c@d"), "||a|b ||c|d");
  EXPECT_EQ(shown("a..b@c, .d@e"), "||a..b|c ||.d|e");
  EXPECT_EQ(shown("<a@b@c>"), "||a@b|c");
  EXPECT_EQ(shown("x <>, a@b"), "x||| ||a|b");
  EXPECT_EQ(shown("\"open <a@b>, c@d"), "open||a|b ||c|d");
  EXPECT_EQ(shown("(open a@b, c@d"), "||(open a|b ||c|d");
  EXPECT_EQ(shown("a@b; c@d"), "||a|b ||c|d");
  EXPECT_EQ(shown("a@"), "||a|");
  EXPECT_EQ(shown("@b"), "|||b");
  EXPECT_EQ(shown("M\xfcller <m@x>"), "M\xfcller||m|x");
}

TEST(ParseEnvelopeAddresses, LimitsAndTime) {
  std::string many;
  while (many.size() < kMaxEnvelopeText) many += "a@b,";
  EXPECT_EQ(parse_envelope_addresses(many).size(), kMaxEnvelopeAddresses);
  std::string groups;
  while (groups.size() < kMaxEnvelopeText) groups += "g:";
  const auto parsed = parse_envelope_addresses(groups);
  EXPECT_LE(parsed.size(), kMaxEnvelopeAddresses);
  EXPECT_EQ(parsed.back().kind, EnvelopeAddress::Kind::group_end);
  for (const char* piece : {"(", "\"", "<", "[", "\\", ":", ";", ",", "< ", "(a)", "<@a,", "a ", "@", "\" ", "(\""}) {
    std::string text;
    while (text.size() < 64 * 1024) text += piece;
    EXPECT_LE(parse_envelope_addresses(text).size(), kMaxEnvelopeAddresses) << piece;
  }
}

TEST(ParseEnvelope, Rfc3501Section8) {
  const auto envelope = parse_envelope(
      "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
      "From: Terry Gray <gray@cac.washington.edu>\r\n"
      "Subject: IMAP4rev1 WG mtg summary and\r\n minutes\r\n"
      "To: imap@cac.washington.edu\r\n"
      "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
      "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
      "MIME-Version: 1.0\r\n\r\nSubject: not here\r\n");
  EXPECT_EQ(envelope.date, "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)");
  EXPECT_EQ(envelope.subject, "IMAP4rev1 WG mtg summary and minutes");
  EXPECT_EQ(shown(envelope.from), "Terry Gray||gray|cac.washington.edu");
  EXPECT_EQ(shown(envelope.sender_or_from()), shown(envelope.from));
  EXPECT_EQ(shown(envelope.reply_to_or_from()), shown(envelope.from));
  EXPECT_EQ(shown(envelope.to), "||imap|cac.washington.edu");
  EXPECT_EQ(shown(envelope.cc), "||minutes|CNRI.Reston.VA.US John Klensin||KLENSIN|MIT.EDU");
  EXPECT_TRUE(envelope.bcc.empty());
  EXPECT_FALSE(envelope.in_reply_to);
  EXPECT_EQ(envelope.message_id, "<B27397-0100000@cac.washington.edu>");
}

TEST(ParseEnvelope, AbsentEmptyAndTwice) {
  EXPECT_EQ(parse_envelope(""), Envelope{});
  const auto envelope = parse_envelope(
      "garbage\nSubject:\nsubject: second\nTo: a@b\nTO: c@d\nCc:\nCc: e@f\nSender:  \nFrom: x@y\nReply-To : r@s\n folded@z\nDate: "
      "one\0two\n\n");
  EXPECT_EQ(envelope.subject, "");
  EXPECT_EQ(shown(envelope.to), "||a|b ||c|d");
  EXPECT_EQ(shown(envelope.cc), "||e|f");
  EXPECT_EQ(shown(envelope.sender_or_from()), "||x|y");
  EXPECT_EQ(envelope.reply_to.size(), 1U);
  EXPECT_EQ(parse_envelope(std::string("Subject: a\0b\rc\r\n", 16)).subject, "abc");
  EXPECT_EQ(parse_envelope("\r\nSubject: a\r\n"), Envelope{});
}

TEST(ParseEnvelope, Bounded) {
  const auto envelope =
      parse_envelope("Subject: " + std::string(100'000, 'x') + "\r\nFrom: " + std::string(100'000, 'y') + "\r\nTo: a@b\r\n");
  EXPECT_LE(envelope.subject->size(), 32U * 1024);
  EXPECT_LE(envelope.from.at(0).mailbox.size(), 64U * 1024);
  EXPECT_EQ(shown(envelope.to), "||a|b");
}

TEST(ParseMessageIds, Rfc5322Section364) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(parse_message_ids("<1234@local.machine.example>"), Ids{"1234@local.machine.example"});
  EXPECT_EQ(parse_message_ids("<a@b> <c@d>\r\n\t<e@f>,<g@h>"), (Ids{"a@b", "c@d", "e@f", "g@h"}));
  EXPECT_EQ(parse_message_ids("Your message of Monday <a@b> (was <no>)"), (Ids{"a@b", "no"}));
  EXPECT_EQ(parse_message_ids("<1234   @   local(blah)  .machine .example>"), Ids{"1234@local.machine.example"});
  EXPECT_EQ(parse_message_ids("<\"a b\"@c>"), Ids{"a b@c"});
  EXPECT_EQ(parse_message_ids("<open <a@b>"), Ids{"a@b"});
  EXPECT_EQ(parse_message_ids("<> none <"), Ids{});
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += "<a@b>";
  EXPECT_EQ(parse_message_ids(many).size(), kMaxMessageIds);
}

}  // namespace
}  // namespace godwit::message
