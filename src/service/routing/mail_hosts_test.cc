#include "service/routing/mail_hosts.h"

#include <gtest/gtest.h>

#include <set>

#include "testing/fake_resolver.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::routing {
namespace {

class MailHostsTest : public ::testing::Test {
 protected:
  // "a 10, b 20", "implicit a 0", "550 5.1.2 ...", "error ..."
  std::string find(std::string_view domain) {
    auto found = loop_.run(find_mail_hosts(dns_, random_, *smtp::parse_domain(domain), {"mx.our.test"}));
    if (!found) return "error " + found.error().text;
    if (const auto* no = std::get_if<Refused>(&*found)) return no->reply.one_line();
    last_ = std::get<MailHosts>(*found);
    std::string text = last_.implicit ? "implicit " : "";
    for (const MailHost& host : last_.hosts) text += (text.ends_with("0") ? ", " : "") + host.name + " " + std::to_string(host.preference);
    return text;
  }

  testing::TestLoop loop_;
  testing::FakeResolver dns_{loop_.clock()};
  testing::SeededRandom random_{1};
  MailHosts last_;
};

TEST_F(MailHostsTest, ByPreference) {
  dns_.add_mx("a.test", 20, "backup.test");
  dns_.add_mx("a.test", 10, "first.test");
  EXPECT_EQ(find("a.test"), "first.test 10, backup.test 20");
  EXPECT_FALSE(last_.secure);
  dns_.set_security("a.test", dns::Security::secure);
  find("a.test");
  EXPECT_TRUE(last_.secure);
}

TEST_F(MailHostsTest, Equals_AreShuffled) {
  for (const char* name : {"a.mx.test", "b.mx.test", "c.mx.test"}) dns_.add_mx("a.test", 10, name);
  std::set<std::string> firsts;
  for (int i = 0; i < 100; ++i) {
    find("a.test");
    firsts.insert(last_.hosts.front().name);
  }
  EXPECT_EQ(firsts.size(), 3u);
}

TEST_F(MailHostsTest, Site_IsTheSameForAllDomainsOfOneSet_WhateverTheNumbers) {
  dns_.add_mx("a.test", 10, "one.mx.test");
  dns_.add_mx("a.test", 10, "two.mx.test");
  dns_.add_mx("a.test", 20, "three.mx.test");
  dns_.add_mx("b.test", 1, "two.mx.test");
  dns_.add_mx("b.test", 1, "one.mx.test");
  dns_.add_mx("b.test", 5, "three.mx.test");
  dns_.add_mx("c.test", 1, "three.mx.test");
  dns_.add_mx("c.test", 5, "one.mx.test");
  dns_.add_mx("c.test", 5, "two.mx.test");
  find("a.test");
  const std::string site = last_.site();
  EXPECT_EQ(site, "one.mx.test,two.mx.test;three.mx.test");
  find("b.test");
  EXPECT_EQ(last_.site(), site);
  find("c.test");
  EXPECT_NE(last_.site(), site) << "another order of preference is another site";
}

TEST_F(MailHostsTest, NullMx_Refuses_ButMeansNothingBesideOthers) {
  dns_.add_mx("no.test", 0, "");
  dns_.add_mx("odd.test", 0, "");
  dns_.add_mx("odd.test", 10, "mx.test");
  EXPECT_EQ(find("no.test"), "556 5.1.10 The domain no.test takes no mail (null MX)");
  EXPECT_EQ(find("odd.test"), "mx.test 10");
}

TEST_F(MailHostsTest, NoMx_TheDomainsOwnAddressesStandIn) {
  dns_.add_address("v4.test", "192.0.2.1");
  dns_.add_address("v6.test", "2001:db8::1");
  dns_.add_txt("text.test", "no address");
  EXPECT_EQ(find("v4.test"), "implicit v4.test 0");
  EXPECT_EQ(find("v6.test"), "implicit v6.test 0");
  EXPECT_EQ(find("text.test"), "550 5.1.2 The domain text.test has neither an MX nor an address: nothing takes its mail");
  EXPECT_EQ(find("nowhere.test"), "550 5.1.2 The domain nowhere.test does not exist");
}

TEST_F(MailHostsTest, FailingDns_IsTemporary) {
  dns_.fail("a.test", "SERVFAIL");
  dns_.add_txt("b.test", "exists");
  dns_.fail("b.test", dns::Type::a);
  dns_.add_txt("c.test", "exists");
  dns_.fail("c.test", dns::Type::aaaa);
  dns_.add_address("e.test", "2001:db8::1");
  dns_.fail("e.test", dns::Type::a);
  for (const char* domain : {"a.test", "b.test", "c.test"})
    EXPECT_TRUE(find(domain).starts_with("error the DNS does not say where mail for " + std::string(domain))) << domain;
  EXPECT_EQ(find("e.test"), "implicit e.test 0") << "one family is enough";
}

TEST_F(MailHostsTest, SilentDns_CostsItsTimeOut) {
  using Result = std::optional<Result<std::variant<MailHosts, Refused>>>;
  dns_.silence("a.test");
  Result found;
  auto ask = [](dns::Resolver& dns, Random& random, Result& into) -> Task<> {
    into = co_await find_mail_hosts(dns, random, *smtp::parse_domain("a.test"), {});
  };
  loop_.start(ask(dns_, random_, found));
  loop_.advance(dns::kLookupTimeout);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->error().kind, Error::Kind::temporary);
}

TEST_F(MailHostsTest, Ourselves_AndWhatStandsBehindUs_AreLeftOut) {
  dns_.add_mx("a.test", 10, "better.test");
  dns_.add_mx("a.test", 20, "MX.our.test.");
  dns_.add_mx("a.test", 20, "equal.test");
  dns_.add_mx("a.test", 30, "worse.test");
  dns_.add_mx("circle.test", 10, "mx.our.test");
  dns_.add_mx("circle.test", 20, "backup.test");
  dns_.add_address("mx.our.test", "192.0.2.1");
  EXPECT_EQ(find("a.test"), "better.test 10");
  EXPECT_TRUE(find("circle.test").starts_with("550 5.4.6 The MX of circle.test is this server"));
  EXPECT_TRUE(find("mx.our.test").starts_with("550 5.4.6 "));
}

TEST_F(MailHostsTest, ExchangesThatAreNoHosts_DoNotCount) {
  dns_.add_mx("a.test", 10, "192.0.2.1");
  EXPECT_TRUE(find("a.test").starts_with("550 5.4.4 The MX records of a.test name no host"));
  dns_.add_mx("a.test", 20, "mx.test");
  EXPECT_EQ(find("a.test"), "mx.test 20");
  dns_.add_mx("b.test", 10, "mail_1.mx.test");
  EXPECT_EQ(find("b.test"), "mail_1.mx.test 10") << "no host name by the letter, but there are such";
}

TEST_F(MailHostsTest, TwoHundredMx_AreCutToTheBest) {
  for (int i = 0; i < 200; ++i) dns_.add_mx("a.test", static_cast<std::uint16_t>(200 - i), "mx" + std::to_string(i) + ".test");
  find("a.test");
  ASSERT_EQ(last_.hosts.size(), kMostMailHosts);
  EXPECT_EQ(last_.hosts.front().name, "mx199.test");
}

}  // namespace
}  // namespace godwit::routing
