#include "grammar/dsn/report.h"

#include <gmock/gmock.h>

#include "grammar/dsn/address_type.h"
#include "grammar/dsn/explain.h"
#include "grammar/dsn/original.h"
#include "grammar/dsn/report_structure.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Time kNoon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(12);

Input failed_input() {
  Input input;
  input.reporting_mta = "mx1.example.org";
  input.to = "anna@example.org";
  input.date = kNoon;
  input.message_id = "dsn-1";
  input.boundary = "b0undary";
  input.arrival = kNoon - std::chrono::hours(1);
  Recipient recipient;
  recipient.address = "bob@example.net";
  recipient.status = "5.1.1";
  recipient.remote_mta = "mx.example.net";
  recipient.diagnostic = "550 5.1.1 No such user";
  input.recipients.push_back(recipient);
  input.original = "Subject: Lunch\r\nMessage-ID: <1@example.org>\r\nFrom: anna@example.org\r\n\r\nSee you at noon.\r\n";
  return input;
}

Structure structure_of(const Report& report) {
  Structure structure;
  EXPECT_EQ(structure_fault(report.bytes, structure), "") << report.bytes;
  EXPECT_EQ(structure.parts.size(), 3u) << report.bytes;
  structure.parts.resize(3);
  return structure;
}

TEST(Report, Failed_SaysWhatHappenedToWhom) {
  const Report report = build_report(failed_input());
  const Structure s = structure_of(report);
  EXPECT_THAT(s.header, HasSubstr("From: \"Mail Delivery System\" <MAILER-DAEMON@mx1.example.org>\r\n"));
  EXPECT_THAT(s.header, HasSubstr("To: <anna@example.org>\r\n"));
  EXPECT_THAT(s.header, HasSubstr("Subject: Not delivered: bob@example.net (no such mailbox)\r\n"));
  EXPECT_THAT(s.header, HasSubstr("Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"));
  EXPECT_THAT(s.header, HasSubstr("Message-ID: <dsn-1@mx1.example.org>\r\n"));
  EXPECT_THAT(s.header, HasSubstr("In-Reply-To: <1@example.org>\r\n"));
  EXPECT_THAT(s.header, HasSubstr("Auto-Submitted: auto-replied\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("Your message \"Lunch\" of Sun, 22 Nov 2026 11:00:00"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("There is no mailbox with this address."));
  EXPECT_THAT(s.parts[0].body, HasSubstr("The server mx.example.net said: 550 5.1.1 No such user"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("What you can do: Check the address"));
  EXPECT_EQ(s.parts[1].body,
            "Reporting-MTA: dns; mx1.example.org\r\nArrival-Date: Sun, 22 Nov 2026 11:00:00 +0000\r\n\r\n"
            "Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.net\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n");
  EXPECT_THAT(s.parts[2].header, HasSubstr("text/rfc822-headers"));
  EXPECT_EQ(s.parts[2].body, "Subject: Lunch\r\nMessage-ID: <1@example.org>\r\nFrom: anna@example.org\r\n");
  EXPECT_FALSE(report.eight_bit);
  EXPECT_FALSE(report.smtputf8);
}

TEST(Report, Delayed_SaysUntilWhenAndThatNothingNeedBeDone) {
  Input input = failed_input();
  input.recipients[0].action = Action::delayed;
  input.recipients[0].status = "4.4.1";
  input.recipients[0].diagnostic.clear();
  input.recipients[0].will_retry_until = kNoon + std::chrono::days(5);
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.header, HasSubstr("Subject: Delayed, still being tried: bob@example.net\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("You need not do anything"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("27 Nov 2026"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Action: delayed\r\nStatus: 4.4.1\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Will-Retry-Until: Fri, 27 Nov 2026 12:00:00 +0000\r\n"));
}

TEST(Report, Success_HasNoAdvice) {
  for (const Action action : {Action::delivered, Action::relayed, Action::expanded}) {
    Input input = failed_input();
    input.recipients[0].action = action;
    input.recipients[0].status = "2.1.5";
    const Structure s = structure_of(build_report(input));
    EXPECT_THAT(s.parts[1].body, HasSubstr("Action: " + std::string(to_string(action)) + "\r\nStatus: 2.1.5"));
    EXPECT_THAT(s.parts[0].body, Not(HasSubstr("What you can do")));
  }
}

TEST(Report, SeveralRecipients_EachHasItsBlock) {
  Input input = failed_input();
  input.recipients.push_back(input.recipients[0]);
  input.recipients[1].address = "carl@example.net";
  input.recipients.push_back(input.recipients[0]);
  input.recipients[2].action = Action::delayed;
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.header, HasSubstr("Subject: Not delivered: 2 of 3 recipients\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("\r\n\r\nFinal-Recipient: rfc822; carl@example.net\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Status: 4.0.0"));  // 5.1.1 cannot be the status of a delay
}

TEST(Report, OurOwnWords_AreASentence) {
  Input input = failed_input();
  input.recipients[0].explanation = "the server refused the recipient";
  input.recipients.push_back(input.recipients[0]);
  input.recipients[1].explanation = "";
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.header, HasSubstr("Subject: Not delivered: 2 recipients\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("        The server refused the recipient.\r\n"));
}

TEST(Report, HostileRemoteWords_CannotAddFieldsOrEndAPart) {
  Input input = failed_input();
  input.recipients[0].diagnostic = "550 no\r\nBcc: everybody@example.org\r\n\r\n--b0undary--\r\nevil\x01\xff";
  input.recipients[0].remote_mta = "mx\r\nX-Evil: 1";
  input.recipients[0].address = "bob@example.net\r\nX-Evil: 2";
  input.recipients[0].orcpt = "rfc822;bob\r\nX-Evil: 3+0D+0AX-Evil: 4";
  input.envid = "id+0D+0AX-Evil:5";
  input.reporting_mta = "mx1.example.org\r\nX-Evil: 6";
  input.to = "anna@example.org>\r\nX-Evil: 7";
  input.message_id = "a\r\nX-Evil: 8";
  const Report report = build_report(input);
  const Structure s = structure_of(report);
  EXPECT_NE(s.boundary, "b0undary");
  EXPECT_THAT(report.bytes, Not(HasSubstr("\r\nX-Evil")));
  EXPECT_THAT(report.bytes, Not(HasSubstr("\r\nBcc")));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Original-Envelope-Id: id X-Evil:5\r\n"));
}

TEST(Report, RemoteMtaByAddress_IsALiteral) {
  for (const std::string_view remote : {"192.0.2.1:2600", "192.0.2.1"}) {
    Input input = failed_input();
    input.recipients[0].remote_mta = remote;
    EXPECT_THAT(structure_of(build_report(input)).parts[1].body, HasSubstr("Remote-MTA: dns; [192.0.2.1]\r\n"));
  }
}

TEST(Report, OrcptAndEnvid_AreDecodedFromXtext) {
  Input input = failed_input();
  input.envid = "QQ+2B314159";
  input.recipients[0].orcpt = "rfc822;bob+2Btag@example.net";
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Original-Envelope-Id: QQ+314159\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Original-Recipient: rfc822; bob+tag@example.net\r\nFinal-Recipient"));
}

// RFC 3461 6.3 (a): the very value
TEST(Report, EnvidWithSpaces_IsWhatItWas) {
  Input input = failed_input();
  input.envid = "a+20+20b";
  EXPECT_THAT(structure_of(build_report(input)).parts[1].body, HasSubstr("Original-Envelope-Id: a  b\r\n"));
}

// RFC 3464 2.2.4, 2.3.6, 2.3.8
TEST(Report, WhereItCameFromAndWhatIsKnownHere_IsNoted) {
  Input input = failed_input();
  input.received_from = {"client.example", "[192.0.2.7]"};
  input.recipients[0].diagnostic.clear();
  input.recipients[0].remote_mta.clear();
  input.recipients[0].explanation = "the alias leads back to itself";
  input.recipients[0].log_id = "1jmp588dr08et";
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.parts[1].body, HasSubstr("\r\nReceived-From-MTA: dns; client.example ([192.0.2.7])\r\nArrival-Date: "));
  EXPECT_THAT(s.parts[1].body, HasSubstr("\r\nDiagnostic-Code: X-Godwit; the alias leads back to itself\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("\r\nFinal-Log-ID: 1jmp588dr08et\r\n"));
  input.received_from = {"evil\r\nX-Evil: 1 (", "[\r\nX-Evil]"};
  EXPECT_THAT(build_report(input).bytes, Not(HasSubstr("\r\nX-Evil")));
  EXPECT_EQ(build_report(input).message_id, "<dsn-1@mx1.example.org>");
}

TEST(Report, SeveralActions_AreOneReport) {
  Input input = failed_input();
  for (const Action action : {Action::delivered, Action::relayed, Action::expanded}) {
    input.recipients.push_back(input.recipients[0]);
    input.recipients.back().action = action;
    input.recipients.back().status = "2.1.5";
  }
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.header, HasSubstr("Subject: Not delivered: bob@example.net (no such mailbox)\r\n"));
  for (const std::string_view words :
       {"could not be\r\ndelivered", "was delivered to\r\nthis recipient", "was handed over", "passed on to its"})
    EXPECT_THAT(s.parts[0].body, HasSubstr(std::string(words)));
  for (const std::string_view action : {"failed", "delivered", "relayed", "expanded"})
    EXPECT_THAT(s.parts[1].body, HasSubstr("Action: " + std::string(action) + "\r\n"));
}

TEST(Report, FullOriginal_IsReturnedWhole) {
  Input input = failed_input();
  input.original_is_full = true;
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.parts[2].header, HasSubstr("message/rfc822"));
  EXPECT_EQ(s.parts[2].body, input.original);
}

TEST(Report, FullOriginalWith8Bit_NeedsBody8BitMime) {
  Input input = failed_input();
  input.original =
      "Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9f"
      "e\r\n";
  input.original_is_full = true;
  const Report report = build_report(input);
  const Structure s = structure_of(report);
  EXPECT_TRUE(report.eight_bit);
  EXPECT_FALSE(report.smtputf8);
  EXPECT_THAT(s.parts[2].header, HasSubstr("Content-Transfer-Encoding: 8bit"));
}

TEST(Report, FullOriginalUnfit_FallsBackToTheHeaders) {
  const std::string long_line(1'200, 'x');
  for (const std::string& body : {long_line + "\r\n", std::string("bare\nLF\r\n"), std::string("n\0l\r\n", 5), std::string("no end")}) {
    const std::string original = "Subject: Lunch\r\n\r\n" + body;
    Input input = failed_input();
    input.original = original;
    input.original_is_full = true;
    const Structure s = structure_of(build_report(input));
    EXPECT_EQ(s.parts[2].body, "Subject: Lunch\r\n");
  }
}

TEST(Report, InternationalHeaders_AsciiSenderGetsSevenBit) {
  Input input = failed_input();
  input.recipients[0].address = "jos\xc3\xa9@example.net";
  input.recipients[0].orcpt = "utf-8;jos\\x{E9}@example.net";
  input.original = "Subject: \xc3\xa9t\xc3\xa9\r\n\r\n";
  const Report report = build_report(input);
  const Structure s = structure_of(report);
  EXPECT_TRUE(is_ascii(report.bytes));
  EXPECT_FALSE(report.smtputf8);
  EXPECT_THAT(s.header, HasSubstr("Subject: =?utf-8?B?"));
  EXPECT_THAT(s.parts[1].header, HasSubstr("message/global-delivery-status"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Original-Recipient: utf-8; jos=C3=A9@example.net\r\n"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Final-Recipient: utf-8; jos=C3=A9@example.net\r\n"));
  EXPECT_THAT(s.parts[2].header, HasSubstr("message/global-headers"));
}

TEST(Report, InternationalSender_GetsUtf8AsItIs) {
  Input input = failed_input();
  input.to = "jos\xc3\xa9@example.org";
  input.recipients[0].diagnostic = "550 inconn\xc3\xbc";
  const Report report = build_report(input);
  const Structure s = structure_of(report);
  EXPECT_TRUE(report.smtputf8);
  EXPECT_TRUE(report.eight_bit);
  EXPECT_THAT(s.header, HasSubstr("To: <jos\xc3\xa9@example.org>\r\n"));
  EXPECT_THAT(s.parts[1].header, HasSubstr("message/global-delivery-status"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("550 inconn\xc3\xbc"));
}

// RFC 6533 4.4: the old types where they lose nothing, and only there.
TEST(Report, Utf8AnywhereDecidesTheTypeOfItsPartAlone) {
  struct Case {
    std::string_view name, address, diagnostic, original, status_type, original_type;
  };
  constexpr std::string_view kPlain = "Subject: Lunch\r\n\r\n";
  const Case cases[] = {
      {"nothing", "bob@example.net", "550 no", kPlain, "message/delivery-status", "text/rfc822-headers"},
      {"address", "b\xc3\xb6@example.net", "550 no", kPlain, "message/global-delivery-status", "text/rfc822-headers"},
      {"diagnostic", "bob@example.net", "550 n\xc3\xb6", kPlain, "message/global-delivery-status", "text/rfc822-headers"},
      {"diagnostic in Latin-1", "bob@example.net", "550 n\xf6", kPlain, "message/delivery-status", "text/rfc822-headers"},
      {"header", "bob@example.net", "550 no", "Subject: \xc3\xb6\r\n\r\n", "message/delivery-status", "message/global-headers"},
      {"header in Latin-1", "bob@example.net", "550 no", "Subject: \xf6\r\n\r\n", "message/delivery-status", "text/rfc822-headers"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Input input = failed_input();
    input.recipients[0].address = one.address;
    input.recipients[0].diagnostic = one.diagnostic;
    input.original = one.original;
    const Report report = build_report(input);
    const Structure s = structure_of(report);
    EXPECT_TRUE(is_ascii(report.bytes));
    EXPECT_FALSE(report.eight_bit || report.smtputf8);
    EXPECT_THAT(s.parts[1].header, HasSubstr("Content-Type: " + std::string(one.status_type) + "\r\n"));
    EXPECT_THAT(s.parts[2].header, HasSubstr("Content-Type: " + std::string(one.original_type) + "\r\n"));
    input.original_is_full = true;
    const bool global = one.original_type == "message/global-headers";
    EXPECT_THAT(structure_of(build_report(input)).parts[2].header,
                HasSubstr(global ? "Content-Type: message/global\r\n" : "Content-Type: message/rfc822\r\n"));
  }
}

TEST(Report, ToThePostmaster_SaysWhyAndGivesNoAdvice) {
  Input input = failed_input();
  input.to = "postmaster@example.org";
  input.to_postmaster_because = "the message has no sender.\r\nX-Evil: 1";
  const Report report = build_report(input);
  const Structure s = structure_of(report);
  EXPECT_THAT(s.header, HasSubstr("Subject: For the postmaster: Not delivered: bob@example.net (no such\r\n mailbox)\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("You get this as its postmaster: the message has no sender. X-Evil: 1\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("The message \"Lunch\" of"));
  EXPECT_THAT(s.parts[0].body, Not(HasSubstr("What you can do")));
  EXPECT_THAT(s.parts[0].body, Not(HasSubstr("our message")));
}

TEST(Report, EightBitHeadersWithoutSmtputf8_AreQuotedPrintable) {
  Input input = failed_input();
  input.original = "Subject: \xe9t\xe9\r\n\r\n";
  const Structure s = structure_of(build_report(input));
  EXPECT_THAT(s.parts[2].header, HasSubstr("text/rfc822-headers"));
  EXPECT_EQ(s.parts[2].body, "Subject: =E9t=E9\r\n");
}

TEST(Report, RelayDenied_IsToldFromOtherRefusals) {
  EXPECT_EQ(explain("5.7.1", "554 5.7.1 Relay access denied").reason, "relaying denied");
  EXPECT_EQ(explain("5.7.1", "554 5.7.1 Spam").reason, "refused");
  EXPECT_EQ(explain("5.2.2", "").reason, "mailbox full");
  EXPECT_EQ(explain("4.2.2", "").reason, "mailbox full");
  EXPECT_EQ(explain("5.1.10", "").reason, "domain takes no mail");
  EXPECT_EQ(explain("5.1.99", "").reason, "bad address");
  EXPECT_EQ(explain("4.7.1", "450 4.7.1 Greylisted").reason, "asked to try later");
  EXPECT_EQ(explain("", "").reason, "delivery failed");
  EXPECT_EQ(explain("5.9.9", "").reason, "delivery failed");
}

TEST(Original, HeaderSection_EndsAtTheEmptyLineOrTheLastWholeLine) {
  EXPECT_EQ(header_section("A: b\r\n\r\nbody\r\n", 100), "A: b\r\n");
  EXPECT_EQ(header_section("A: b\r\nC: d", 100), "A: b\r\n");
  EXPECT_EQ(header_section("A: b\r\nC: d\r\n\r\n", 8), "A: b\r\n");
  EXPECT_EQ(header_section("\r\nbody", 100), "");
  EXPECT_EQ(header_section("body", 100), "");
}

TEST(Original, FieldValue_IsUnfolded) {
  EXPECT_EQ(field_value("A: b\r\nsubject : one\r\n two\r\nC: d\r\n", "Subject"), "one two");
  EXPECT_EQ(field_value("A: b\r\n", "Subject"), "");
  EXPECT_EQ(message_id_of("Message-Id: <a b@c>\r\n"), "");
  EXPECT_EQ(message_id_of("Message-Id:\r\n <ab@c>\r\n"), "<ab@c>");
}

TEST(Original, UnwantedAnswer_IsToldByItsFields) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Subject: x\r\nPrecedence: bulk\r\n", "Precedence: bulk"},
      {"precedence:  LIST \r\n", "precedence: list"},
      {"Precedence: junk (mail)\r\n", "Precedence: junk"},
      {"Precedence: first-class\r\n", ""},
      {"Auto-Submitted: auto-generated\r\n", "Auto-Submitted: auto-generated"},
      {"Auto-Submitted:\r\n (on\r\n vacation) auto-replied; owner-email=\"a@b\"\r\n", "Auto-Submitted: auto-replied"},
      {"Auto-Submitted: no\r\n", ""},
      {"Auto-Submitted: No; x=y\r\n", ""},
      {"Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n", "Auto-Submitted: auto-replied"},
      {"Auto-Submitted:\r\n", ""},
      {"Auto-Submitted: (((\r\nList-Id: <l.example.org>\r\n", "List-Id"},
      {"List-Unsubscribe: <mailto:x@y>\r\n", "List-Unsubscribe"},
      {"X-List-Id: x\r\nSubject: List-Id: Precedence: bulk\r\n List-Id: folded\r\n", ""},
      {"", ""},
  };
  for (const auto& [headers, expected] : cases) {
    SCOPED_TRACE(headers);
    EXPECT_EQ(unwanted_answer_because(headers), expected);
  }
}

TEST(AddressType, Encodings) {
  EXPECT_EQ(decode_xtext("a+2Bb"), "a+b");
  EXPECT_EQ(decode_xtext("a+2"), "a+2");
  EXPECT_EQ(decode_xtext("a+zzb"), "a+zzb");
  EXPECT_EQ(typed_address("jos\xc3\xa9@x"), "utf-8; jos\xc3\xa9@x");
  EXPECT_EQ(typed_address("jose@x"), "rfc822; jose@x");
  EXPECT_EQ(typed_orcpt("utf-8;jos\\x{E9}@x"), "utf-8; jos\xc3\xa9@x");
  EXPECT_EQ(typed_orcpt("utf-8;\\x{1F600}\\x{D800}\\x{"), "utf-8; \xf0\x9f\x98\x80\\x{D800}\\x{");
  EXPECT_EQ(typed_orcpt("x400;c=us"), "x400; c=us");
  EXPECT_EQ(typed_orcpt("nonsense"), "unknown; nonsense");
}

TEST(WireText, QuotedPrintable_KeepsItsRules) {
  EXPECT_EQ(quoted_printable("a=b \r\n"), "a=3Db=20\r\n");
  EXPECT_EQ(quoted_printable("a\nb\rc"), "a=0Ab=0Dc");
  const std::string out = quoted_printable(std::string(200, 'x'));
  EXPECT_EQ(out, std::string(75, 'x') + "=\r\n" + std::string(75, 'x') + "=\r\n" + std::string(50, 'x'));
}

TEST(WireText, OneLine_CutsAndReplaces) {
  EXPECT_EQ(one_line("  a\r\n\tb \x7f c ", 100, false), "a b c");
  EXPECT_EQ(one_line("\xc3\xa9\xff", 100, true), "\xc3\xa9?");
  EXPECT_EQ(one_line("\xc3\xa9", 100, false), "?");
  EXPECT_EQ(one_line("abcdef", 3, false), "abc...");
  EXPECT_EQ(one_line("ab\xc3\xa9", 3, true), "ab...");
  EXPECT_LE(one_line(std::string(5'000, 'x'), 5'000, false).size(), 600u);
}

}  // namespace
}  // namespace godwit::dsn
