#include "check/dmarc/evaluate.h"

#include <gtest/gtest.h>

#include "check/dmarc/walk.h"
#include "testing/fake_resolver.h"
#include "testing/test_loop.h"

namespace godwit::dmarc {
namespace {

struct DmarcTest : ::testing::Test {
  void record(const std::string& domain, std::string_view text) { dns.add_txt("_dmarc." + domain, text); }
  void from(std::string value) { question.from = {std::move(value)}; }
  void author(const std::string& domain) { from("Joe <joe@" + domain + ">"); }
  void spf(std::string domain, spf::Result result = spf::Result::pass) {
    spf::Verdict verdict;
    verdict.result = result;
    verdict.domain = std::move(domain);
    question.spf = verdict;
  }
  dkim::Verdict& dkim(std::string domain, dkim::Result result = dkim::Result::pass) {
    dkim::Verdict verdict;
    verdict.result = result;
    verdict.domain = std::move(domain);
    verdict.selector = "s";
    question.dkim.push_back(verdict);
    return question.dkim.back();
  }
  Verdict check() { return loop.run(evaluate(dns, question, options)); }
  Result result() { return check().result; }
  std::string organizational(std::string domain) {
    Walker walker(dns, std::chrono::seconds(1));
    return loop.run(walker.walk(std::move(domain))).organizational_domain;
  }

  testing::TestLoop loop;
  testing::FakeResolver dns{loop.clock()};
  Question question;
  Options options;
};

TEST(WalkTargets, AtMostEight) {
  // RFC 9989 4.10
  EXPECT_EQ(walk_targets("a.b.c.d.e.f.g.h.i.j.mail.example.com"),
            (std::vector<std::string>{"a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
                                      "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com"}));
  EXPECT_EQ(walk_targets("a.b.c.d.e.f.example.com").size(), 8u);
  EXPECT_EQ(walk_targets("com"), std::vector<std::string>{"com"});
  EXPECT_EQ(walk_targets(""), std::vector<std::string>{});
}

TEST_F(DmarcTest, OrganizationalDomain_Rfc9989Examples) {
  // RFC 9989 4.10.2
  EXPECT_EQ(organizational("a.mail.example.com"), "a.mail.example.com");
  record("mail.example.com", "v=DMARC1; p=none");
  record("example.com", "v=DMARC1; p=none");
  EXPECT_EQ(organizational("a.mail.example.com"), "example.com");
  dns.remove("_dmarc.mail.example.com");
  record("mail.example.com", "v=DMARC1; p=none; psd=n");
  EXPECT_EQ(organizational("a.mail.example.com"), "mail.example.com");
  record("test", "v=DMARC1; p=none; psd=y");
  EXPECT_EQ(organizational("a.mail.example.test"), "example.test");
  EXPECT_EQ(organizational("test"), "test");
}

TEST_F(DmarcTest, AlignedDkim_Passes) {
  record("example.org", "v=DMARC1; p=reject");
  author("example.org");
  dkim("example.org");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::pass);
  EXPECT_TRUE(verdict.dkim_aligned);
  EXPECT_FALSE(verdict.spf_aligned);
  EXPECT_EQ(verdict.disposition, Policy::none);
  EXPECT_EQ(verdict.questions, 1u);
  EXPECT_EQ(authres::format({"mx.test", "", {verdict.method_result()}}),
            "Authentication-Results: mx.test;\r\n\tdmarc=pass (p=reject dis=none) header.from=example.org\r\n");
}

TEST_F(DmarcTest, RelaxedAndStrict) {
  record("example.org", "v=DMARC1; p=reject; adkim=s");
  author("news.example.org");
  dkim("mail.example.org");
  EXPECT_EQ(result(), Result::fail);
  spf("bounce.example.org");
  EXPECT_EQ(result(), Result::pass);
  question.dkim[0].domain = "news.example.org";
  EXPECT_TRUE(check().dkim_aligned);
}

TEST_F(DmarcTest, NotAligned_FailsAndPolicyFollows) {
  record("example.org", "v=DMARC1; p=quarantine; sp=reject");
  author("example.org");
  spf("evil.test");
  dkim("notexample.org");
  Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::fail);
  EXPECT_EQ(verdict.disposition, Policy::quarantine);
  EXPECT_EQ(verdict.published_by, "p");
  author("sub.example.org");
  verdict = check();
  EXPECT_EQ(verdict.disposition, Policy::reject);
  EXPECT_EQ(verdict.published_by, "sp");
  EXPECT_EQ(verdict.record_domain, "example.org");
  EXPECT_EQ(dns.questions("_dmarc.evil.test", dns::Type::txt), 0u);  // it cannot be aligned, so nobody is asked
}

TEST_F(DmarcTest, WhatDoesNotPass_DoesNotAlign) {
  record("example.org", "v=DMARC1; p=reject");
  author("example.org");
  spf("example.org", spf::Result::softfail);
  EXPECT_EQ(result(), Result::fail);
  dkim("example.org").testing = true;
  EXPECT_EQ(result(), Result::fail);
  dkim("example.org").unsigned_bytes = 7;
  EXPECT_EQ(result(), Result::fail);
  options.trust_partial_bodies = true;
  EXPECT_EQ(result(), Result::pass);
}

TEST_F(DmarcTest, NonexistentSubdomain_TakesNp) {
  record("example.org", "v=DMARC1; p=none; sp=quarantine; np=reject");
  author("ghost.example.org");
  Verdict verdict = check();
  EXPECT_EQ(verdict.published_by, "np");
  EXPECT_EQ(verdict.exists, false);
  EXPECT_EQ(verdict.disposition, Policy::reject);
  dns.add_mx("ghost.example.org", 10, "mx.example.org");
  verdict = check();
  EXPECT_EQ(verdict.published_by, "sp");
  EXPECT_EQ(verdict.exists, true);
  dns.remove("ghost.example.org");
  dns.fail("ghost.example.org");
  EXPECT_EQ(result(), Result::temperror);
}

TEST_F(DmarcTest, PublicSuffixRecord_Applies) {
  // RFC 9989 4.10.1: the PSD comes last
  record("bank.test", "v=DMARC1; p=reject; sp=quarantine; psd=y");
  record("deep.a.bank.test", "v=DMARC1; p=none");
  author("x.deep.a.bank.test");
  Verdict verdict = check();
  EXPECT_EQ(verdict.organizational_domain, "a.bank.test");
  EXPECT_EQ(verdict.record_domain, "bank.test");
  EXPECT_EQ(verdict.disposition, Policy::quarantine);
  spf("b.bank.test");  // another organisation under the same suffix
  EXPECT_EQ(result(), Result::fail);
  spf("mail.a.bank.test");
  EXPECT_EQ(result(), Result::pass);
}

TEST_F(DmarcTest, TestMode_IsOneLevelMilder) {
  record("example.org", "v=DMARC1; p=reject; t=y");
  author("example.org");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.published, Policy::reject);
  EXPECT_EQ(verdict.disposition, Policy::quarantine);
  EXPECT_EQ(verdict.overrides, (std::vector<Override>{{"policy_test_mode", "t=y"}}));
}

TEST_F(DmarcTest, LocalPolicy_OverridesAndSaysSo) {
  record("example.org", "v=DMARC1; p=reject");
  author("example.org");
  options.local.most = Policy::quarantine;
  EXPECT_EQ(check().disposition, Policy::quarantine);
  EXPECT_EQ(check().overrides[0].type, "local_policy");
  options.local.exempt = {"example.org"};
  EXPECT_EQ(check().disposition, Policy::none);
  options.local.forwarder = "arc=pass i=2 lists.example.net";
  EXPECT_EQ(check().overrides, (std::vector<Override>{{"trusted_forwarder", "arc=pass i=2 lists.example.net"}}));
  EXPECT_EQ(result(), Result::fail);
}

TEST_F(DmarcTest, NoRecord_None) {
  author("example.org");
  EXPECT_EQ(check().reason, Reason::no_record);
  record("example.org", "v=DMARC1; p=none");
  record("example.org", "v=DMARC1; p=reject");
  dns.add_txt("_dmarc.example.org", "v=spf1 -all");
  EXPECT_EQ(check().reason, Reason::no_record);
  EXPECT_NE(check().text.find("2 DMARC records"), std::string::npos);
}

TEST_F(DmarcTest, FaultyPolicy_IsNoneIfSomebodyHears) {
  // RFC 9989 4.10.1
  record("a.test", "v=DMARC1; p=blok");
  author("a.test");
  EXPECT_EQ(check().reason, Reason::unusable_record);
  record("b.test", "v=DMARC1; p=reject; sp=blok; rua=mailto:a@b.test");
  author("b.test");
  EXPECT_EQ(result(), Result::fail);
  EXPECT_EQ(check().disposition, Policy::none);
}

TEST_F(DmarcTest, Authors_OneDomainOrNone) {
  record("example.org", "v=DMARC1; p=reject");
  question.from = {"a@example.org", "b@example.org"};
  EXPECT_EQ(check().reason, Reason::several_authors);
  EXPECT_EQ(check().disposition, Policy::reject);
  from("a@example.org, b@evil.test");
  EXPECT_EQ(check().reason, Reason::several_authors);
  from("a@example.org, B <b@EXAMPLE.org>");
  EXPECT_EQ(check().author_domain, "example.org");
  for (const std::string_view text : {"", "nobody", "Undisclosed:;", "a@[192.0.2.1]", "a@", "a@example.org.", "@example.org", "<>"}) {
    from(std::string(text));
    EXPECT_EQ(check().reason, Reason::no_author) << text;
  }
  question.from.clear();
  EXPECT_EQ(result(), Result::permerror);
  EXPECT_EQ(check().disposition, Policy::none);
  options.local.no_author = Policy::quarantine;
  EXPECT_EQ(check().disposition, Policy::quarantine);
}

TEST_F(DmarcTest, ULabels_BecomeALabels) {
  record("xn--mller-kva.test", "v=DMARC1; p=reject");
  author("M\xc3\x9cller.test");
  spf("xn--mller-kva.test");
  EXPECT_EQ(check().author_domain, "xn--mller-kva.test");
  EXPECT_EQ(result(), Result::pass);
}

TEST_F(DmarcTest, DnsFailure_TemperrorUnlessSureAnyway) {
  author("mail.example.org");
  dns.fail("_dmarc.example.org");
  EXPECT_EQ(result(), Result::temperror);
  EXPECT_EQ(check().disposition, Policy::none);
  record("mail.example.org", "v=DMARC1; p=reject");
  EXPECT_EQ(result(), Result::fail);
  spf("other.example.org");
  EXPECT_EQ(result(), Result::temperror);
  dkim("mail.example.org");
  EXPECT_EQ(result(), Result::pass);
  question.dkim[0].result = dkim::Result::temperror;
  question.spf.reset();
  EXPECT_EQ(result(), Result::temperror);
}

TEST_F(DmarcTest, DeadDns_IsNotAskedForever) {
  record("example.org", "v=DMARC1; p=reject");
  author("example.org");
  for (int i = 0; i < 30; ++i) {
    const std::string name = "m" + std::to_string(i) + ".example.org";
    dkim(name);
    dns.fail("_dmarc." + name);
  }
  dns.fail("_dmarc.org");
  const Verdict verdict = check();
  EXPECT_EQ(verdict.result, Result::temperror);
  EXPECT_LE(verdict.questions, 8u);
}

TEST_F(DmarcTest, FailureReports_AsAskedFor) {
  record("example.org", "v=DMARC1; p=none; ruf=mailto:f@example.org; fo=1:s");
  author("example.org");
  dkim("example.org");
  EXPECT_TRUE(check().wants_failure_report());
  spf("example.org");
  EXPECT_FALSE(check().wants_failure_report());
  spf("evil.test", spf::Result::fail);
  EXPECT_TRUE(check().wants_failure_report());
  author("sub.unknown.test");
  EXPECT_FALSE(check().wants_failure_report());
}

}  // namespace
}  // namespace godwit::dmarc
