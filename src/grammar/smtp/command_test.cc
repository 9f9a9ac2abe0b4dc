#include "grammar/smtp/command.h"

#include <gtest/gtest.h>

#include <limits>
#include "grammar/smtp/dsn_parameters.h"

namespace godwit::smtp {
namespace {

TEST(SplitCommand, VerbAndArguments) {
  const auto mail = split_command("mAiL FROM:<a@b>  \t");
  EXPECT_EQ(mail.verb, Verb::mail);
  EXPECT_EQ(mail.arguments, "FROM:<a@b>");
  EXPECT_EQ(mail.offset, 5U);
  EXPECT_EQ(split_command("QUIT").verb, Verb::quit);
  EXPECT_EQ(split_command("QUIT ").arguments, "");
  EXPECT_EQ(split_command("QUITX").verb, Verb::unknown);
  EXPECT_EQ(split_command("").verb, Verb::unknown);
  EXPECT_EQ(split_command(" QUIT").verb, Verb::unknown);
  EXPECT_EQ(split_command("GET / HTTP/1.1").name, "GET");
  EXPECT_EQ(to_string(Verb::starttls), "STARTTLS");
  EXPECT_EQ(to_string(Verb::unknown), "unknown");
}

TEST(ParseHello, Rfc5321Section4_1_4_NoNameIsRefusedForBeingBad) {
  struct Case {
    const char* name;
    bool well_formed;
  };
  for (const Case c : {Case{"bar.com", true},
                       {"[192.0.2.1]", true},
                       {"[IPv6:2001:db8::1]", true},
                       {"MY_PC", false},
                       {"[::1]", false},
                       {"localhost", true},
                       {"<x>", false}}) {
    const auto hello = parse_hello(c.name);
    ASSERT_TRUE(hello) << c.name;
    EXPECT_EQ(hello->name, c.name);
    EXPECT_EQ(hello->well_formed, c.well_formed) << c.name;
  }
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\tb"), std::string("é.example"), std::string("a\0b", 3), std::string(256, 'a')})
    EXPECT_FALSE(parse_hello(bad)) << bad;
}

TEST(ParseMail, Rfc5321Examples) {
  EXPECT_EQ(parse_mail("FROM:<userx@y.foo.org>")->path.text(), "userx@y.foo.org");
  EXPECT_TRUE(parse_mail("FROM:<>")->path.is_null());
  EXPECT_EQ(parse_mail("from:<Smith@bar.com> BODY=8BITMIME")->body, Body::eight_bit_mime);
  EXPECT_EQ(parse_mail(R"(FROM:<"a > \" b"@bar.com>)")->path.address().local.text(), R"(a > " b)");
}

TEST(ParseMail, SpaceAfterTheColon_IsTaken) {
  EXPECT_EQ(parse_mail("FROM: <a@b.example>")->path.text(), "a@b.example");
  EXPECT_EQ(parse_rcpt("TO:  <a@b.example>")->address.text(), "a@b.example");
}

TEST(ParseMail, Parameters) {
  const auto mail = parse_mail("FROM:<a@b.example> size=1000 BODY=7bit SMTPUTF8 RET=HDRS ENVID=QQ314159+20x AUTH=<>");
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->size, 1000U);
  EXPECT_EQ(mail->body, Body::seven_bit);
  EXPECT_TRUE(mail->smtputf8);
  EXPECT_EQ(mail->ret, Ret::headers);
  EXPECT_EQ(mail->envid, "QQ314159+20x");
  EXPECT_TRUE(mail->auth_given);
  EXPECT_EQ(parse_mail("FROM:<> SIZE=99999999999999999999")->size, std::numeric_limits<std::uint64_t>::max());
}

TEST(ParseMail, Rfc6531Section3_5_Utf8NeedsTheParameter) {
  EXPECT_EQ(parse_mail("FROM:<ἱ@b.example> SMTPUTF8")->path.address().local.text(), "ἱ");
  EXPECT_EQ(parse_mail("FROM:<ἱ@b.example>").error().reply().one_line(), "553 5.6.7 An address beyond ASCII needs SMTPUTF8");
  EXPECT_FALSE(parse_mail("FROM:<a@bücher.example>"));
  EXPECT_TRUE(parse_rcpt("TO:<a@bücher.example>")->needs_smtputf8);
  EXPECT_FALSE(parse_rcpt("TO:<a@b.example>")->needs_smtputf8);
}

TEST(ParseMail, Mistakes_SayWhatAndWhere) {
  struct Case {
    const char* input;
    std::uint16_t code;
    std::size_t position;
  };
  const std::vector<Case> cases{
      {"", 501, 0},
      {"FROM", 501, 0},
      {"FROM <a@b>", 501, 0},
      {"TO:<a@b>", 501, 0},
      {"FROM:", 501, 5},
      {"FROM:   ", 501, 8},
      {"FROM:a@b.example", 501, 5},
      {"FROM:<a@b.example", 501, 17},
      {"FROM:<\"a@b.example>", 501, 19},
      {"FROM:<a>", 501, 7},
      {"FROM:<a@b_c>", 501, 9},
      {"FROM:<postmaster>", 501, 16},
      {"FROM:<a@b>SIZE=1", 501, 10},
      {"FROM:<a@b>  SIZE=1", 501, 11},
      {"FROM:<a@b> =1", 501, 11},
      {"FROM:<a@b> -SIZE=1", 501, 11},
      {"FROM:<a@b> SIZE", 501, 15},
      {"FROM:<a@b> SIZE=", 501, 16},
      {"FROM:<a@b> SIZE=-1", 501, 16},
      {"FROM:<a@b> SIZE=1x", 501, 16},
      {"FROM:<a@b> SIZE=111111111111111111111", 501, 16},
      {"FROM:<a@b> SIZE=1=2", 501, 16},
      {"FROM:<a@b> SIZE=1 SIZE=2", 501, 18},
      {"FROM:<a@b> BODY=9BIT", 501, 16},
      {"FROM:<a@b> BODY=BINARYMIME", 501, 16},
      {"FROM:<a@b> SMTPUTF8=yes", 501, 20},
      {"FROM:<a@b> RET=SOME", 501, 15},
      {"FROM:<a@b> ENVID=a+4", 501, 18},
      {"FROM:<a@b> AUTH", 501, 15},
      {"FROM:<a@b> X-FOO=1", 555, 11},
      {"FROM:<a@b> NOTIFY=NEVER", 555, 11},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.input);
    const auto mail = parse_mail(c.input);
    ASSERT_FALSE(mail);
    EXPECT_EQ(mail.error().code, c.code);
    EXPECT_EQ(mail.error().position, c.position) << mail.error().rule;
  }
  EXPECT_EQ(parse_mail("FROM:<a@b> X-FOO=1").error().reply().one_line(), "555 5.5.4 The parameter X-FOO is not known here");
  EXPECT_EQ(parse_mail("FROM:<a@b_c>").error().reply().one_line(),
            "501 5.1.7 Syntax error: a domain has letters, digits, hyphens and dots (character 10 of the argument)");
}

TEST(ParseRcpt, Rfc5321Section4_1_1_3_Postmaster) {
  for (const char* text : {"TO:<postmaster>", "to:<PostMaster>"}) {
    const auto rcpt = parse_rcpt(text);
    ASSERT_TRUE(rcpt);
    EXPECT_TRUE(rcpt->postmaster);
    EXPECT_TRUE(rcpt->address.domain.empty());
  }
  EXPECT_FALSE(parse_rcpt("TO:<Postmaster@example.org>")->postmaster);
  EXPECT_FALSE(parse_rcpt("TO:<root>"));
  EXPECT_FALSE(parse_rcpt("TO:<>"));
}

TEST(ParseRcpt, Rfc5321Section3_6_1_SourceRouteIsIgnored) {
  EXPECT_EQ(parse_rcpt("TO:<@hosta.int,@jkl.org:userc@d.bar.org>")->address.text(), "userc@d.bar.org");
}

// RFC 3461 section 10: its examples
TEST(ParseRcpt, Rfc3461Parameters) {
  const auto bob = parse_rcpt("TO:<Bob@Example.COM> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob@Example.COM");
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->notify, (Notify{.given = true, .never = false, .success = true, .failure = true, .delay = false}));
  EXPECT_EQ(bob->orcpt, "rfc822;Bob@Example.COM");
  EXPECT_TRUE(parse_rcpt("TO:<Dana@Ivory.EDU> NOTIFY=NEVER")->notify.never);
  EXPECT_TRUE(parse_rcpt("TO:<a@b> notify=delay")->notify.delay);
  EXPECT_TRUE(parse_rcpt("TO:<a@b> ORCPT=utf-8;ἱ@b"));
  for (const char* bad :
       {"NOTIFY=", "NOTIFY", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SOMETIMES", "NOTIFY=SUCCESS,", "NOTIFY=,", "NOTIFY=DELAY NOTIFY=DELAY",
        "ORCPT=a@b", "ORCPT=rfc822;", "ORCPT=;a", "ORCPT=rfc822;a+4g", "ORCPT=rfc822;ἱ", "SIZE=1"})
    EXPECT_FALSE(parse_rcpt(std::string("TO:<a@b> ") + bad)) << bad;
  EXPECT_FALSE(parse_rcpt("TO:<a@b> ORCPT=rfc822;" + std::string(500, 'a')));
}

// RFC 3461 5.4: what must be taken at least
TEST(ParseRcpt, Rfc3461Section5_4_Lengths) {
  EXPECT_TRUE(parse_mail("FROM:<a@b> ENVID=" + std::string(100, 'e')));
  EXPECT_FALSE(parse_mail("FROM:<a@b> ENVID=" + std::string(101, 'e')));
  EXPECT_TRUE(parse_rcpt("TO:<a@b> ORCPT=rfc822;" + std::string(493, 'o')));
  EXPECT_FALSE(parse_rcpt("TO:<a@b> ORCPT=rfc822;" + std::string(494, 'o')));
  EXPECT_TRUE(parse_rcpt("TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY,SUCCESS"));
}

// RFC 3461 4.2, 4.4: printable once decoded; the type is an atom
TEST(ParseRcpt, Rfc3461Section4_2_WhatIsEncodedIsPrintable) {
  EXPECT_TRUE(parse_rcpt("TO:<a@b> ORCPT=x-my_type;a+20b"));
  EXPECT_TRUE(parse_rcpt("TO:<a@b> ORCPT=utf-8;j\\x{F6}rg@b"));
  for (const char* bad :
       {"ORCPT=rfc822;a+0D+0AX:1", "ORCPT=rfc822;a+00", "ORCPT=rfc822;a+E9", "ORCPT=r(c;a", "ORCPT=utf-8;a b", "ORCPT=utf-8;a\x80"})
    EXPECT_FALSE(parse_rcpt(std::string("TO:<a@b> ") + bad)) << bad;
  for (const char* bad : {"ENVID=a+0D", "ENVID=a+7F", "ENVID=a+C3+A9", "ENVID=a+2b"})
    EXPECT_FALSE(parse_mail(std::string("FROM:<a@b> ") + bad)) << bad;
}

TEST(DsnParameters, ThereAndBack) {
  for (const char* text : {"NEVER", "SUCCESS", "FAILURE,DELAY", "SUCCESS,FAILURE,DELAY"})
    EXPECT_EQ(format_notify(*parse_notify(text)), text);
  EXPECT_EQ(format_notify({}), "");
  EXPECT_EQ(format_notify({.given = true}), "NEVER");  // what is left of SUCCESS alone, behind an alias of several
  EXPECT_EQ(orcpt_of("bob+x@example.net"), "rfc822;bob+2Bx@example.net");
  EXPECT_EQ(orcpt_of("j\xc3\xb6rg+x@example.net"), "utf-8;j\xc3\xb6rg\\x{2B}x@example.net");
  EXPECT_TRUE(check_orcpt(orcpt_of("j\xc3\xb6rg+x@example.net")));
  EXPECT_EQ(orcpt_in_ascii("utf-8;j\xc3\xb6rg\xf0\x9f\x98\x80@b"), "utf-8;j\\x{F6}rg\\x{1F600}@b");
  EXPECT_EQ(orcpt_in_ascii("rfc822;a+2Bb"), "rfc822;a+2Bb");
  std::string longest = "utf-8;";
  while (longest.size() + 2 <= kMaxOrcpt) longest += "\xc3\xb6";
  EXPECT_EQ(orcpt_in_ascii(longest), std::nullopt);
}

TEST(ParseAuth, Rfc4954Section4) {
  EXPECT_EQ(parse_auth("plain")->mechanism, "PLAIN");
  EXPECT_FALSE(parse_auth("PLAIN")->initial_response);
  EXPECT_EQ(parse_auth("PLAIN dGVzdAB0ZXN0ADEyMzQ=")->initial_response, std::string("test\0test\0001234", 14));
  EXPECT_EQ(parse_auth("EXTERNAL =")->initial_response, "");
  EXPECT_EQ(parse_auth("PLAIN dGVz*").error().reply().one_line(),
            "501 5.5.2 Syntax error: the initial response is not base64 (character 7 of the argument)");
  for (const char* bad : {"", "PL/AIN", "PLAIN  ", "PLAIN =x", "PLAIN dGVz dGVz", "ABCDEFGHIJKLMNOPQRSTU", " PLAIN"})
    EXPECT_FALSE(parse_auth(bad)) << bad;
}

TEST(ParseBdat, Rfc3030Section2) {
  EXPECT_EQ(parse_bdat("86 LAST")->size, 86U);
  EXPECT_TRUE(parse_bdat("86 last")->last);
  EXPECT_FALSE(parse_bdat("1000")->last);
  EXPECT_TRUE(parse_bdat("0 LAST")->last);
  for (const char* bad : {"", "x", "-1", "10 ", "10 FIRST", "10LAST", "99999999999999999999999"}) EXPECT_FALSE(parse_bdat(bad)) << bad;
}

TEST(ParseCommand, EveryVerb) {
  EXPECT_EQ(std::get<Hello>(parse_command("EHLO bar.com")->arguments).name, "bar.com");
  EXPECT_EQ(std::get<Mail>(parse_command("MAIL FROM:<>")->arguments).path.text(), "");
  EXPECT_EQ(std::get<Rcpt>(parse_command("RCPT TO:<a@b>")->arguments).address.text(), "a@b");
  EXPECT_EQ(std::get<Text>(parse_command("VRFY Crispin")->arguments).text, "Crispin");
  EXPECT_EQ(std::get<Text>(parse_command("NOOP what ever")->arguments).text, "what ever");
  EXPECT_EQ(std::get<Text>(parse_command("FOO bar")->arguments).text, "bar");
  EXPECT_EQ(parse_command("HELP")->verb, Verb::help);
  for (const char* line : {"DATA", "RSET", "QUIT", "STARTTLS"}) EXPECT_TRUE(parse_command(line)) << line;
  for (const char* line : {"DATA x", "RSET x", "QUIT x", "STARTTLS x", "VRFY", "EXPN", "EHLO", "HELO", "AUTH", "BDAT", "MAIL", "RCPT"})
    EXPECT_FALSE(parse_command(line)) << line;
  EXPECT_EQ(parse_command("MAIL FROM:a@b").error().position, 10U);  // of the line
}

TEST(Xtext, Rfc3461Section4_ThereAndBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(xtext_encode("Bob+x@e=f g"), "Bob+2Bx@e+3Df+20g");
  EXPECT_EQ(*xtext_decode(xtext_encode(all)), all);
  for (const char* bad : {"+", "+4", "+4g", "+2b", "a=b", "a b", "a\x7f", "é"}) EXPECT_FALSE(xtext_decode(bad)) << bad;
}

}  // namespace
}  // namespace godwit::smtp
