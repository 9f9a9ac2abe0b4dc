// RFC 7208 4.6.4: look-ups, void look-ups, names, time; loops; and explanations (6.2), which are fetched within them.
#include <gmock/gmock.h>

#include "check/spf/spf_fixture.h"

namespace godwit::spf {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

std::string repeated(int times, const std::string& term) {
  std::string out = "v=spf1";
  for (int i = 0; i < times; ++i) out += " " + term;
  return out;
}

TEST_F(SpfTest, Lookups_TenArePassed_ElevenArePermerror) {
  dns.add_address("host.example.com", "198.51.100.1");
  EXPECT_EQ(result_of(repeated(10, "a:host.example.com") + " +all"), Result::pass);
  const Verdict verdict = [&] {
    dns.remove("email.example.com");
    record(repeated(11, "a:host.example.com") + " +all");
    return check();
  }();
  EXPECT_EQ(verdict.result, Result::permerror);
  EXPECT_EQ(verdict.lookups, 10u);
  EXPECT_EQ(verdict.reason, "a:host.example.com of email.example.com: more than 10 terms ask the DNS");
  EXPECT_EQ(result_of("v=spf1 ip4:192.0.2.3 " + repeated(11, "a:host.example.com").substr(7)), Result::pass);
}

TEST_F(SpfTest, Lookups_AreOneCount_ThroughIncludesAndRedirects) {
  dns.add_address("host.example.com", "198.51.100.1");
  dns.add_txt("inc.example", repeated(8, "a:host.example.com"));
  dns.add_txt("red.example", "v=spf1 a:host.example.com +all");
  EXPECT_EQ(result_of("v=spf1 include:inc.example a:host.example.com +all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 include:inc.example redirect=red.example"), Result::permerror);
  limits.lookups = 11;
  EXPECT_EQ(result_of("v=spf1 include:inc.example redirect=red.example"), Result::pass);
}

TEST_F(SpfTest, Lookups_PtrMacro_CountsOnce) {
  dns.add_address("unknown.x.example", "127.0.0.2");
  record("v=spf1 ?exists:%{p}.y.example exists:%{p}.x.example -all");
  EXPECT_EQ(check().lookups, 3u);
  EXPECT_EQ(dns.questions("3.2.0.192.in-addr.arpa", dns::Type::ptr), 1u);
}

TEST_F(SpfTest, Loops_OfRedirectsAndIncludes_ArePermerror) {
  EXPECT_EQ(result_of("v=spf1 redirect=email.example.com"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 include:email.example.com +all"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 include:%{d}"), Result::permerror);
  dns.add_txt("other.example", "v=spf1 include:email.example.com redirect=email.example.com");
  EXPECT_EQ(result_of("v=spf1 redirect=other.example"), Result::permerror);
  EXPECT_LT(dns.questions(), 60u);
}

TEST_F(SpfTest, FiftyIncludes_ArePermerror_InAChainAndInARow) {
  std::string row = "v=spf1";
  for (int i = 0; i < 50; ++i) {
    const std::string name = "i" + std::to_string(i) + ".example";
    dns.add_txt(name, "v=spf1 include:i" + std::to_string(i + 1) + ".example -all");
    row += " include:" + name;
  }
  EXPECT_EQ(result_of("v=spf1 include:i0.example +all"), Result::permerror);
  EXPECT_EQ(result_of(row + " +all"), Result::permerror);
  EXPECT_LE(dns.questions(), 2u * 11);
}

TEST_F(SpfTest, VoidLookups_TwoArePassed_ThreeArePermerror) {
  EXPECT_EQ(result_of("v=spf1 a:v1.example exists:v2.example ~all"), Result::softfail);
  EXPECT_EQ(result_of("v=spf1 a:v1.example exists:v2.example mx:v3.example ~all"), Result::permerror);
  EXPECT_THAT(check().reason, HasSubstr("more than 2 terms find nothing in the DNS"));
  limits.void_lookups = 3;
  EXPECT_EQ(result_of("v=spf1 a:v1.example exists:v2.example mx:v3.example ~all"), Result::softfail);
  limits.void_lookups = 0;
  EXPECT_EQ(result_of("v=spf1 a:v1.example ~all"), Result::permerror);
}

TEST_F(SpfTest, VoidLookups_AnMxIsOne_HoweverManyOfItsHostsAre) {
  for (int i = 0; i < 5; ++i) dns.add_mx("mail.example", 10, "none" + std::to_string(i) + ".example");
  EXPECT_EQ(result_of("v=spf1 mx:mail.example a:v1.example ~all"), Result::softfail);
  EXPECT_EQ(result_of("v=spf1 mx:mail.example a:v1.example a:v2.example ~all"), Result::permerror);
}

TEST_F(SpfTest, VoidLookups_TheClientsReverseNames_DoNotCount) {
  for (int i = 0; i < 5; ++i) dns.add_ptr("192.0.2.3", "none" + std::to_string(i) + ".example.com");
  EXPECT_EQ(result_of("v=spf1 ptr:example.com a:v1.example a:v2.example ~all"), Result::softfail);
  client("192.0.2.4");
  EXPECT_EQ(result_of("v=spf1 ptr:example.com exists:%{p}.v0.example a:v1.example ~all"), Result::softfail);
}

TEST_F(SpfTest, MxHosts_TenAreChecked_TheEleventhIsPermerror) {
  for (int i = 0; i < 11; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    dns.add_mx("mail.example", static_cast<std::uint16_t>(100 - i), host);
    dns.add_address(host, "198.51.100." + std::to_string(i));
  }
  record("v=spf1 mx:mail.example -all");
  EXPECT_EQ(result(), Result::permerror);
  EXPECT_THAT(check().reason, HasSubstr("mail.example has more than 10 MX hosts"));
  client("198.51.100.10");  // the lowest preference value comes first
  EXPECT_EQ(result(), Result::pass);
  client("198.51.100.0");
  EXPECT_EQ(result(), Result::permerror);
}

TEST_F(SpfTest, ReverseNames_BeyondTheTenth_AreIgnored) {
  for (int i = 0; i < 11; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example.com";
    dns.add_ptr("192.0.2.3", host);
    if (i >= 9) dns.add_address(host, "192.0.2.3");
  }
  EXPECT_EQ(result_of("v=spf1 ptr:h9.example.com -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 ptr:h10.example.com -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 ptr:example.com -all"), Result::pass);
}

TEST_F(SpfTest, Time_ASilentServer_IsTemperror) {
  record("v=spf1 a:slow.example -all");
  dns.silence("slow.example");
  EXPECT_FALSE(check_within(seconds(4)));
  const auto verdict = check_within(seconds(5));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, Result::temperror);
  EXPECT_EQ(verdict->reason, "a:slow.example of email.example.com: no answer from the DNS about A slow.example within 5000 ms");
}

TEST_F(SpfTest, Time_OfTheWholeCheck_IsLimited) {
  record("v=spf1 ptr:example.com -all");
  for (int i = 0; i < 10; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example.com";
    dns.add_ptr("192.0.2.3", host);
    dns.silence(host);
  }
  EXPECT_FALSE(check_within(std::chrono::milliseconds(19'999)));
  const auto verdict = check_within(seconds(20));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, Result::temperror);  // not the fail of what follows ptr
  EXPECT_THAT(verdict->reason, HasSubstr("the check takes longer than 20000 ms"));
  limits.time = seconds(2);
  EXPECT_EQ(check_within(seconds(2)).value().result, Result::temperror);
}

TEST_F(SpfTest, Time_SlowAnswers_AddUp) {
  for (int i = 0; i < 10; ++i) {
    dns.add_address("h" + std::to_string(i) + ".example", "198.51.100.1");
    dns.delay("h" + std::to_string(i) + ".example", seconds(3));
  }
  record("v=spf1 a:h0.example a:h1.example a:h2.example a:h3.example a:h4.example a:h5.example ~all");
  EXPECT_EQ(check_within(seconds(18)).value().result, Result::softfail);
  dns.remove("email.example.com");
  record("v=spf1 a:h0.example a:h1.example a:h2.example a:h3.example a:h4.example a:h5.example a:h6.example ~all");
  EXPECT_EQ(check_within(seconds(20)).value().result, Result::temperror);
}

TEST_F(SpfTest, Shutdown_IsTemperror_EvenWithinPtr) {
  record("v=spf1 ptr -all");
  dns.silence("3.2.0.192.in-addr.arpa");
  const auto verdict = start();
  dns.stop();
  loop.poll();
  ASSERT_TRUE(*verdict);
  EXPECT_EQ((*verdict)->result, Result::temperror);
}

TEST_F(SpfTest, Explanation_IsExpanded) {
  loop.clock().set(WallTime(seconds(1'700'000'000)));
  record("v=spf1 mx -all exp=explain._spf.%{d}");
  dns.add_txt("explain._spf.email.example.com", "%{c} may not, %{l}! See http://%{d}/why.html?s=%{S}&t=%{t}&p=%{p} says %{r}%_%%");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::fail);
  EXPECT_EQ(verdict.explanation,
            "192.0.2.3 may not, strong-bad! See http://email.example.com/why.html?s=strong-bad%40email.example.com&t=1700000000&p=unknown "
            "says mx.example.net %");
  EXPECT_EQ(verdict.lookups, 1u);  // exp and its %{p} are not counted
}

TEST_F(SpfTest, Explanation_OnlyOfAFail) {
  dns.add_txt("why.example", "because");
  for (const std::string terms : {"~all", "+all", "?all", "", "a:broken..example all:x"}) {
    dns.remove("email.example.com");
    record("v=spf1 exp=why.example " + terms);
    EXPECT_EQ(check().explanation, "") << terms;
  }
  EXPECT_EQ(dns.questions("why.example", dns::Type::txt), 0u);
  EXPECT_EQ(result_of("v=spf1 exp=why.example -all"), Result::fail);
  EXPECT_EQ(check().explanation, "because");
  limits.explanation = 0;
  EXPECT_EQ(check().explanation, "");
}

TEST_F(SpfTest, Explanation_OfTheIncludingRecord_AndOfTheOneRedirectedTo) {
  dns.add_txt("why1.example", "one of %{d}");
  dns.add_txt("why2.example", "two of %{d}");
  dns.add_txt("other.example", "v=spf1 -all exp=why2.example");
  dns.add_txt("yes.example", "v=spf1 +all exp=why2.example");
  record("v=spf1 include:other.example -include:yes.example exp=why1.example");
  EXPECT_EQ(check().explanation, "one of email.example.com");
  dns.remove("email.example.com");
  record("v=spf1 exp=why1.example redirect=other.example");
  EXPECT_EQ(check().explanation, "two of other.example");
  dns.remove("other.example");
  dns.add_txt("other.example", "v=spf1 -all");
  EXPECT_EQ(check().explanation, "");
}

TEST_F(SpfTest, Explanation_ThatCannotBeUsed_IsAsNone) {
  record("v=spf1 -all exp=why.example");
  using std::string_literals::operator""s;
  for (const std::string& text :
       {"%{x}"s, "50%"s, "%{d"s, "tab\there"s, "\xef\xbb\xbf text"s, "line\r\nEvil: yes"s, "nul\0"s, std::string(60'000, 'x')}) {
    dns.remove("why.example");
    dns.add_txt("why.example", text);
    const Verdict verdict = check();
    EXPECT_EQ(verdict.result, Result::fail);
    EXPECT_EQ(verdict.explanation, "") << text.substr(0, 20);
  }
  dns.remove("why.example");
  EXPECT_EQ(check().explanation, "");
  dns.add_txt("why.example", "one");
  dns.add_txt("why.example", "two");
  EXPECT_EQ(check().explanation, "");
  dns.fail("why.example");
  EXPECT_EQ(check().explanation, "");
}

TEST_F(SpfTest, Explanation_SenderBeyondAscii_IsNotQuotedRaw) {
  question.mail_from = "j\xc3\xb6rg@email.example.com";
  record("v=spf1 -all exp=why.example");
  dns.add_txt("why.example", "hello %{l}");
  EXPECT_EQ(check().explanation, "");
  dns.remove("why.example");
  dns.add_txt("why.example", "hello %{L}");
  EXPECT_EQ(check().explanation, "hello j%C3%B6rg");
  question.mail_from = "joe@email.example.com";
  question.helo = "evil\r\n250 ok";
  dns.remove("why.example");
  dns.add_txt("why.example", "hello %{h}");
  EXPECT_EQ(check().explanation, "");
}

TEST_F(SpfTest, Explanation_IsCut) {
  record("v=spf1 -all exp=why.example");
  dns.add_txt("why.example", std::string(5'000, 'x'));
  EXPECT_EQ(check().explanation, std::string(397, 'x') + "...");
}

TEST_F(SpfTest, Explanation_ThatDoesNotCome_IsNotWaitedForBeyondTheLimit) {
  record("v=spf1 -all exp=why.example");
  dns.silence("why.example");
  limits.time = seconds(3);
  const auto verdict = check_within(seconds(3));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, Result::fail);
  EXPECT_EQ(verdict->explanation, "");
}

}  // namespace
}  // namespace godwit::spf
