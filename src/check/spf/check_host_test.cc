// What records mean: RFC 7208 4.3 to 6.1, RFC 8616 4.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "check/spf/spf_fixture.h"

namespace godwit::spf {
namespace {

using ::testing::HasSubstr;

TEST_F(SpfTest, Initial_MalformedDomains_AreNone_WithoutAQuestion) {
  for (const std::string domain : {"localhost", "[192.0.2.3]", "a..example.com", ".example.com", "", "exa mple.com", "ex\\046mple.com"}) {
    question.mail_from = "joe@" + domain;
    const Verdict verdict = check();
    EXPECT_EQ(verdict.result, Result::none) << domain;
    EXPECT_TRUE(verdict.domain.empty());
    EXPECT_THAT(verdict.reason, HasSubstr("is not a domain name of several labels"));
  }
  question.mail_from = std::string("joe@exa\0mple.com", 16);
  EXPECT_EQ(result(), Result::none);
  question.mail_from = "joe@" + std::string(64, 'a') + ".example.com";
  EXPECT_EQ(result(), Result::none);
  EXPECT_EQ(dns.questions(), 0u);
}

TEST_F(SpfTest, Lookup_NoRecord_IsNone_AndAFailureTemperror) {
  EXPECT_EQ(result(), Result::none);
  record("v=spf10 -all");
  record("something else");
  const Verdict none = check();
  EXPECT_EQ(none.result, Result::none);
  EXPECT_EQ(none.domain, "email.example.com");
  EXPECT_EQ(none.record_domain, "");
  EXPECT_EQ(none.reason, "email.example.com has no SPF record");
  dns.fail("email.example.com", "SERVFAIL from somewhere");
  const Verdict failed = check();
  EXPECT_EQ(failed.result, Result::temperror);
  EXPECT_EQ(failed.reason, "SERVFAIL from somewhere");
}

TEST_F(SpfTest, Lookup_SeveralRecords_ArePermerror) {
  record("v=spf1 -all");
  record("\x96 not one");
  EXPECT_EQ(result(), Result::fail);
  record("V=sPf1 +all");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::permerror);
  EXPECT_EQ(verdict.reason, "email.example.com has 2 SPF records, and may have one");
}

TEST_F(SpfTest, Lookup_FollowsCname) {
  dns.add_cname("email.example.com", "elsewhere.example");
  dns.add_txt("elsewhere.example", "v=spf1 +all");
  EXPECT_EQ(result(), Result::pass);
}

TEST_F(SpfTest, Evaluation_ErrorsAnywhere_ArePermerror) {
  const Verdict verdict = [&] {
    record("v=spf1 ip4:192.0.2.3 -all moo");
    return check();
  }();
  EXPECT_EQ(verdict.result, Result::permerror);
  EXPECT_EQ(verdict.record_domain, "email.example.com");
  EXPECT_EQ(verdict.reason, "the record of email.example.com at byte 26: \"moo\": not a mechanism");
  EXPECT_EQ(result_of("v=spf1 a:%{d}.example\x01.com +all"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 " + std::string(60'000, ' ') + "+all"), Result::permerror);
}

TEST_F(SpfTest, Evaluation_Verdict_TellsMechanismAndDomains) {
  question.mail_from = "joe@Email.Example.COM";
  record("v=spf1 ip4:198.51.100.0/24 +IP4:192.0.2.0/24 -all");
  const Verdict pass = check();
  EXPECT_EQ(pass.result, Result::pass);
  EXPECT_EQ(pass.domain, "email.example.com");
  EXPECT_EQ(pass.record_domain, "email.example.com");
  EXPECT_EQ(pass.mechanism, "+IP4:192.0.2.0/24");
  EXPECT_EQ(pass.reason, "192.0.2.3 matches +IP4:192.0.2.0/24 of email.example.com");
  EXPECT_EQ(pass.lookups, 0u);
  client("203.0.113.1");
  EXPECT_EQ(check().mechanism, "-all");
  EXPECT_EQ(result(), Result::fail);
}

TEST_F(SpfTest, Evaluation_Default_IsNeutral) {
  record("v=spf1");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::neutral);
  EXPECT_EQ(verdict.mechanism, "");
  EXPECT_EQ(verdict.reason, "nothing in the record of email.example.com matches 192.0.2.3");
  EXPECT_EQ(result_of("v=spf1 default=pass"), Result::neutral);
}

TEST_F(SpfTest, Evaluation_Qualifiers) {
  EXPECT_EQ(result_of("v=spf1 all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 +all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 ~all"), Result::softfail);
  EXPECT_EQ(result_of("v=spf1 ?all"), Result::neutral);
  EXPECT_EQ(result_of("v=spf1 redirect=nowhere.example ~all a:nowhere.example"), Result::softfail);
}

TEST_F(SpfTest, A_ComparesPrefixes_OfTheClientsFamily) {
  dns.add_address("host.example.com", "192.0.2.129");
  dns.add_address("host.example.com", "2001:db8:1234::dead:beef");
  EXPECT_EQ(result_of("v=spf1 a:host.example.com -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com/24 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com/25//0 -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com/0 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 a:none.example.com/0 -all"), Result::fail);
  client("2001:db8:1234::cafe:babe");
  EXPECT_EQ(result_of("v=spf1 a:host.example.com/0 -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com//64 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com//128 -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com//99 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 a:host.example.com//100 -all"), Result::fail);
}

TEST_F(SpfTest, Client_MappedInIpv6_IsIpv4) {
  dns.add_address("email.example.com", "192.0.2.3");
  IpAddress mapped;
  mapped.v6 = true;
  mapped.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 3};
  question.client = mapped;
  record("v=spf1 ip6:::ffff:192.0.2.3 ip6:::/0 a -all");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.mechanism, "a");
  EXPECT_EQ(result_of("v=spf1 ip4:192.0.2.3 -all"), Result::pass);
  client("2001:db8::1");
  EXPECT_EQ(result_of("v=spf1 ip6:::/0 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 ip4:0.0.0.0/0 -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 ip6:2001:db8::/33 -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 ip6:2001:db8:8000::/33 -all"), Result::fail);
}

TEST_F(SpfTest, Mx_ChecksTheHosts_NeverTheDomainItself) {
  dns.add_address("email.example.com", "192.0.2.3");
  record("v=spf1 mx -all");
  EXPECT_EQ(result(), Result::fail);
  dns.add_mx("email.example.com", 10, "a.example.com");
  dns.add_mx("email.example.com", 20, "b.example.com");
  dns.add_address("a.example.com", "198.51.100.1");
  dns.add_address("b.example.com", "192.0.2.3");
  EXPECT_EQ(check().mechanism, "mx");
  dns.fail("b.example.com", dns::Type::a);
  EXPECT_EQ(result(), Result::temperror);
}

TEST_F(SpfTest, Mx_Null_MatchesNothing) {
  dns.add_mx("email.example.com", 0, "");
  record("v=spf1 mx/0 mx/0 mx/0 mx/0 ?all");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::neutral);
  EXPECT_EQ(verdict.lookups, 4u);
}

TEST_F(SpfTest, Ptr_NeedsAValidatedNameWithinTheTarget) {
  dns.add_ptr("192.0.2.3", "Mail.Example.com");
  record("v=spf1 ptr:example.COM -all");
  EXPECT_EQ(result(), Result::fail);  // not validated
  dns.add_address("mail.example.com", "192.0.2.3");
  EXPECT_EQ(result(), Result::pass);
  EXPECT_EQ(result_of("v=spf1 ptr:mail.example.com. -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 ptr:il.example.com -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 ptr:deep.mail.example.com -all"), Result::fail);
  EXPECT_EQ(result_of("v=spf1 ptr -all"), Result::fail);
}

TEST_F(SpfTest, Ptr_ErrorsOfTheDns_AreNoMatch) {
  record("v=spf1 ptr:example.com ?all");
  dns.fail("3.2.0.192.in-addr.arpa");
  EXPECT_EQ(result(), Result::neutral);
  dns.recover("3.2.0.192.in-addr.arpa");
  dns.add_ptr("192.0.2.3", "broken.example.com");
  dns.add_ptr("192.0.2.3", "loop.example.com");
  dns.add_ptr("192.0.2.3", "mail.example.com");
  dns.fail("broken.example.com");
  dns.add_cname("loop.example.com", "loop.example.com");
  dns.add_address("mail.example.com", "192.0.2.3");
  EXPECT_EQ(result(), Result::pass);
}

TEST_F(SpfTest, Exists_AsksForA_ForIpv6ClientsToo) {
  dns.add_address("there.example.com", "127.0.0.2");
  dns.add_address("six.example.com", "2001:db8::1");
  EXPECT_EQ(result_of("v=spf1 exists:there.example.com -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 exists:six.example.com -all"), Result::fail);
  client("2001:db8::1");
  EXPECT_EQ(result_of("v=spf1 exists:there.example.com -all"), Result::pass);
  EXPECT_EQ(result_of("v=spf1 exists:six.example.com -all"), Result::fail);
  dns.fail("there.example.com");
  EXPECT_EQ(result_of("v=spf1 exists:there.example.com -all"), Result::temperror);
}

TEST_F(SpfTest, Macros_MakeTheNamesThatAreAsked) {
  dns.add_address("3.2.0.192.bad.strong._spf.example.com", "127.0.0.2");
  dns.add_address("a\\\\b.example.com", "127.0.0.2");
  record("v=spf1 exists:%{ir}.%{lr-}._spf.%{d2} -all");
  EXPECT_EQ(result(), Result::pass);
  EXPECT_EQ(result_of("v=spf1 exists:a\\b.example.com -all"), Result::pass);
  question.helo = "";
  EXPECT_EQ(result_of("v=spf1 a:%{h}/0 -all"), Result::fail);  // no name, no question
  EXPECT_EQ(dns.questions("", dns::Type::a), 0u);
}

TEST_F(SpfTest, Macros_P_IsTheBestValidatedName) {
  dns.add_ptr("192.0.2.3", "other.example.net");
  dns.add_ptr("192.0.2.3", "mx.email.example.com");
  for (const auto* name : {"other.example.net", "mx.email.example.com"}) dns.add_address(name, "192.0.2.3");
  dns.add_address("mx.email.example.com._p.example.com", "127.0.0.2");
  dns.add_address("email.example.com._p.example.com", "127.0.0.3");
  record("v=spf1 exists:%{p}._p.example.com -all");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.lookups, 2u);
  EXPECT_EQ(dns.questions("mx.email.example.com._p.example.com", dns::Type::a), 1u);
  dns.add_ptr("192.0.2.3", "email.example.com");
  dns.add_address("email.example.com", "192.0.2.3");
  EXPECT_EQ(result(), Result::pass);
  EXPECT_EQ(dns.questions("email.example.com._p.example.com", dns::Type::a), 1u);
  dns.fail("3.2.0.192.in-addr.arpa");
  EXPECT_EQ(result(), Result::fail);
  EXPECT_EQ(dns.questions("unknown._p.example.com", dns::Type::a), 1u);
}

TEST_F(SpfTest, Include_TurnsResultsIntoMatches) {
  const std::vector<std::pair<std::string, Result>> cases = {
      {"v=spf1 +all", Result::pass},         {"v=spf1 -all", Result::softfail},
      {"v=spf1 ~all", Result::softfail},     {"v=spf1 ?all", Result::softfail},
      {"v=spf1 +all/32", Result::permerror}, {"v=spf1 a:broken.example", Result::temperror},
      {"not a record", Result::permerror},   {"v=spf1 redirect=nowhere.example", Result::permerror}};
  dns.fail("broken.example");
  for (const auto& [other, expected] : cases) {
    dns.remove("other.example");
    dns.add_txt("other.example", other);
    EXPECT_EQ(result_of("v=spf1 include:other.example ~all"), expected) << other;
  }
  EXPECT_EQ(result_of("v=spf1 include:nowhere.example ~all"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 include:a..b ~all"), Result::permerror);
}

TEST_F(SpfTest, Include_KeepsTheSender_AndTellsWhatMatchedInside) {
  dns.add_txt("one.example", "v=spf1 include:two.example -all");
  dns.add_txt("two.example", "v=spf1 exists:%{l}.%{o}.%{d} -all");
  dns.add_address("strong-bad.email.example.com.two.example", "127.0.0.2");
  record("v=spf1 ?include:one.example -all");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::neutral);
  EXPECT_EQ(verdict.record_domain, "email.example.com");
  EXPECT_EQ(verdict.mechanism, "?include:one.example");
  EXPECT_EQ(verdict.lookups, 3u);
  EXPECT_EQ(verdict.reason,
            "192.0.2.3 matches ?include:one.example of email.example.com, by include:two.example of one.example, "
            "by exists:%{l}.%{o}.%{d} of two.example");
}

TEST_F(SpfTest, Redirect_TakesTheOtherRecord_AsTheDomainsOwn) {
  dns.add_txt("other.example", "v=spf1 a -all");
  dns.add_address("other.example", "192.0.2.3");
  record("v=spf1 redirect=other.example");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.domain, "email.example.com");
  EXPECT_EQ(verdict.record_domain, "other.example");
  EXPECT_EQ(verdict.lookups, 2u);
  EXPECT_EQ(result_of("v=spf1 redirect=other.example ?all"), Result::neutral);
  EXPECT_EQ(result_of("v=spf1 redirect=nowhere.example"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 redirect=other..example"), Result::permerror);
  EXPECT_EQ(result_of("v=spf1 redirect=%{d1}"), Result::permerror);
  dns.fail("other.example");
  EXPECT_EQ(result_of("v=spf1 redirect=other.example"), Result::temperror);
}

TEST_F(SpfTest, Targets_ThatAreNoNames_MatchNothing_Unasked) {
  const std::string label(64, 'a');
  for (const std::string& target : {std::string("mail.example...com"), label + ".example.com", std::string(".com")}) {
    EXPECT_EQ(result_of(fmt::format("v=spf1 a:{0}/0 mx:{0} exists:{0} -all", target)), Result::fail) << target;
  }
  EXPECT_EQ(dns.questions(), 3u);
}

TEST_F(SpfTest, NullSender_IsPostmasterAtHelo) {
  question.mail_from = "";
  dns.add_txt("mx.example.org", "v=spf1 exists:%{s}.x.example -all");
  dns.add_address("postmaster@mx.example.org.x.example", "127.0.0.2");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.identity, Identity::mail_from);
  EXPECT_EQ(verdict.domain, "mx.example.org");
}

TEST_F(SpfTest, Utf8Sender_DomainInALabels_LocalPartMatchesNothing) {
  question.mail_from =
      "j\xc3\xb6rg@b\xc3\xbc"
      "cher.example";
  dns.add_txt("xn--bcher-kva.example", "v=spf1 exists:%{l}.%{o} exists:%{L}.%{d} include:%{s}.example exists:%{o}.x.example -all");
  dns.add_address("xn--bcher-kva.example.x.example", "127.0.0.2");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_EQ(verdict.domain, "xn--bcher-kva.example");
  EXPECT_EQ(verdict.mechanism, "exists:%{o}.x.example");
  EXPECT_EQ(dns.questions(), 2u);
  dns.remove("xn--bcher-kva.example");
  dns.add_txt("xn--bcher-kva.example", "v=spf1 redirect=%{l}.%{d}");
  EXPECT_EQ(result(), Result::permerror);
  question.mail_from = "joe@\xff.example";
  EXPECT_EQ(result(), Result::none);
}

TEST_F(SpfTest, Both_HeloFail_IsConclusive) {
  dns.add_txt("mx.example.org", "v=spf1 -all");
  record("v=spf1 +all");
  const Verdicts verdicts = loop.run(check_helo_and_mail_from(dns, loop.clock(), question));
  EXPECT_EQ(verdicts.helo.result, Result::fail);
  EXPECT_FALSE(verdicts.mail_from);
  EXPECT_EQ(verdicts.deciding().identity, Identity::helo);
  EXPECT_EQ(dns.questions(), 1u);
}

TEST_F(SpfTest, Both_OtherwiseMailFromDecides) {
  dns.add_txt("mx.example.org", "v=spf1 +all");
  record("v=spf1 ~all");
  const Verdicts verdicts = loop.run(check_helo_and_mail_from(dns, loop.clock(), question));
  EXPECT_EQ(verdicts.helo.result, Result::pass);
  EXPECT_EQ(verdicts.helo.domain, "mx.example.org");
  EXPECT_EQ(verdicts.deciding().result, Result::softfail);
  EXPECT_EQ(verdicts.deciding().identity, Identity::mail_from);
}

TEST_F(SpfTest, Both_NullSender_AsksOnce) {
  question.mail_from = "";
  dns.add_txt("mx.example.org", "v=spf1 +all");
  const Verdicts verdicts = loop.run(check_helo_and_mail_from(dns, loop.clock(), question));
  ASSERT_TRUE(verdicts.mail_from);
  EXPECT_EQ(verdicts.mail_from->result, Result::pass);
  EXPECT_EQ(verdicts.mail_from->identity, Identity::mail_from);
  EXPECT_EQ(dns.questions(), 1u);
}

}  // namespace
}  // namespace godwit::spf
