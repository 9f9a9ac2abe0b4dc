#include "frontend/imapd/envelope_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::imapd {
namespace {

std::string envelope(std::string_view header, const imap::Dialect& dialect = {}) {
  std::string out;
  append_envelope(out, message::parse_envelope(header), dialect);
  return out;
}

constexpr std::string_view kNobody = " NIL NIL NIL NIL NIL NIL NIL NIL)";  // behind date and subject

TEST(EnvelopeText, Rfc9051Section8_Example) {
  EXPECT_EQ(envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                     "From: Terry Gray <gray@cac.washington.edu>\r\n"
                     "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
                     "To: imap@cac.washington.edu\r\n"
                     "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                     "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
                     "MIME-Version: 1.0\r\n\r\n"),
            R"x(("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" )x"
            R"x((("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) )x"
            R"x((("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) )x"
            R"x(((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL )x"
            R"x("<B27397-0100000@cac.washington.edu>"))x");
}

TEST(EnvelopeText, EmptyHeader_IsAllNil) { EXPECT_EQ(envelope(""), "(NIL NIL" + std::string(kNobody)); }

TEST(EnvelopeText, EmptyFields_AreEmptyStrings) {
  EXPECT_EQ(envelope("Date:\r\nSubject: \r\nIn-Reply-To:\r\nMessage-ID:\r\n\r\n"), R"x(("" "" NIL NIL NIL NIL NIL NIL "" ""))x");
}

TEST(EnvelopeText, AllFields) {
  EXPECT_EQ(envelope("Message-ID: <msg@id>\r\nIn-Reply-To: <reply@to.id>\r\nDate: d\r\nSubject: s\r\nFrom: F <f@x>\r\nTo: T <t@x>\r\n"
                     "Cc: C <c@x>\r\nBcc: B <b@x>\r\nSender: S <s@x>\r\nReply-To: R <r@x>\r\n\r\n"),
            R"x(("d" "s" (("F" NIL "f" "x")) (("S" NIL "s" "x")) (("R" NIL "r" "x")) (("T" NIL "t" "x")) (("C" NIL "c" "x")) )x"
            R"x((("B" NIL "b" "x")) "<reply@to.id>" "<msg@id>"))x");
}

TEST(EnvelopeText, EmptySenderAndReplyTo_FallBackToFrom) {
  EXPECT_EQ(envelope("From: user@domain (Real Name)\r\nSender: \r\nReply-To: \r\n\r\n"),
            R"x((NIL NIL (("Real Name" NIL "user" "domain")) (("Real Name" NIL "user" "domain")) (("Real Name" NIL "user" "domain")) )x"
            "NIL NIL NIL NIL NIL)");
}

TEST(EnvelopeText, Groups_BeginAndEnd) {
  EXPECT_EQ(envelope("To: group: g1@d1.org, g2@d2.org;, group2: g3@d3.org;\r\nCc: group:;, group2: (foo) ;\r\n\r\n"),
            R"x((NIL NIL NIL NIL NIL ((NIL NIL "group" NIL)(NIL NIL "g1" "d1.org")(NIL NIL "g2" "d2.org")(NIL NIL NIL NIL))x"
            R"x((NIL NIL "group2" NIL)(NIL NIL "g3" "d3.org")(NIL NIL NIL NIL)) )x"
            R"x(((NIL NIL "group" NIL)(NIL NIL NIL NIL)(NIL NIL "group2" NIL)(NIL NIL NIL NIL)) NIL NIL NIL))x");
}

TEST(EnvelopeText, Route) {
  EXPECT_EQ(envelope("To: <@route:user@domain>\r\n\r\n"), R"x((NIL NIL NIL NIL NIL ((NIL "@route" "user" "domain")) NIL NIL NIL NIL))x");
}

TEST(EnvelopeText, BrokenMailboxes_AreNoGroups) {
  message::Envelope broken;
  broken.to.push_back({.kind = message::EnvelopeAddress::Kind::mailbox, .name = "", .route = "", .mailbox = "undisclosed", .host = ""});
  broken.to.push_back({.kind = message::EnvelopeAddress::Kind::mailbox, .name = "", .route = "", .mailbox = "", .host = ""});
  broken.to.push_back({.kind = message::EnvelopeAddress::Kind::group_begin, .name = "", .route = "", .mailbox = "", .host = ""});
  broken.to.push_back({.kind = message::EnvelopeAddress::Kind::group_end, .name = "", .route = "", .mailbox = "", .host = ""});
  std::string out;
  append_envelope(out, broken, {});
  EXPECT_EQ(out, R"x((NIL NIL NIL NIL NIL ((NIL NIL "undisclosed" "")(NIL NIL "" "")(NIL NIL "" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL))x");
}

TEST(EnvelopeText, EncodedWords_StayRaw) {
  EXPECT_EQ(envelope("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"), R"x((NIL "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=")x" + std::string(kNobody));
}

TEST(EnvelopeText, QuotesAreEscaped_FoldingIsGone) {
  EXPECT_EQ(envelope("Subject: a \"b\" \\c\r\n d\r\n\r\n"), R"x((NIL "a \"b\" \\c d")x" + std::string(kNobody));
}

TEST(EnvelopeText, EightBit_IsALiteralUnlessTheDialectHasUtf8) {
  EXPECT_EQ(envelope("Subject: Gr\xC3\xBC\r\n\r\n"), "(NIL {4}\r\nGr\xC3\xBC" + std::string(kNobody));
  EXPECT_EQ(envelope("Subject: Gr\xC3\xBC\r\n\r\n", {.utf8_accept = true, .rev2 = false}), "(NIL \"Gr\xC3\xBC\"" + std::string(kNobody));
  EXPECT_EQ(envelope("Subject: Gr\xFC\r\n\r\n", {.utf8_accept = false, .rev2 = true}), "(NIL {3}\r\nGr\xFC" + std::string(kNobody));
}

TEST(EnvelopeText, LongSubject_IsALiteral) {
  const std::string subject(2'000, 'x');
  EXPECT_EQ(envelope("Subject: " + subject + "\r\n\r\n"), "(NIL {2000}\r\n" + subject + std::string(kNobody));
}

TEST(EnvelopeText, TextNil_IsQuoted) { EXPECT_EQ(envelope("Subject: NIL\r\n\r\n"), "(NIL \"NIL\"" + std::string(kNobody)); }

}  // namespace
}  // namespace godwit::imapd
