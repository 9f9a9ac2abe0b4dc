#include "service/routing/mx_sites.h"

#include <gmock/gmock.h>

#include "testing/fake_resolver.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::routing {
namespace {

using namespace std::chrono_literals;

class MxSitesTest : public ::testing::Test {
 protected:
  MxSitesTest() {
    settings_->own_names = {"mx.us.test"};
    dns_.add_mx("far.test", 10, "a.mx.test");
    dns_.add_mx("far.test", 10, "b.mx.test");
    dns_.add_mx("far.test", 20, "c.mx.test");
  }
  static smtp::Domain domain(std::string_view text) { return *smtp::parse_domain(text); }
  std::shared_ptr<const Site> site(std::string_view text) {
    const auto found = loop_.run(sites_.find(domain(text)));
    EXPECT_TRUE(found);
    const auto* site = found ? std::get_if<std::shared_ptr<const Site>>(&*found) : nullptr;
    return site ? *site : nullptr;
  }
  std::size_t asked(std::string_view text) const { return dns_.questions(text, dns::Type::mx); }

  testing::TestLoop loop_;
  testing::FakeResolver dns_{loop_.clock()};
  testing::SeededRandom random_{3};
  std::shared_ptr<MxSites::Settings> settings_ = std::make_shared<MxSites::Settings>();
  MxSites sites_{dns_, loop_.clock(), random_, [this] { return std::shared_ptr<const MxSites::Settings>(settings_); }};
};

TEST_F(MxSitesTest, TheHostsBecomeHopsWithTheirPreferenceAsTier) {
  const auto found = site("far.test");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "a.mx.test,b.mx.test;c.mx.test");
  EXPECT_TRUE(found->by_mx);
  ASSERT_EQ(found->hops.size(), 3u);
  EXPECT_EQ(found->hops[0].tier, 10);
  EXPECT_EQ(found->hops[2].host, "c.mx.test");
  EXPECT_EQ(found->hops[2].tier, 20);
  EXPECT_EQ(found->hops[2].port, 25);
}

TEST_F(MxSitesTest, WhatARouteSays_IsPartOfTheName) {
  const auto plain = site("far.test");
  EXPECT_EQ(secured(plain, {}, ""), plain);
  const auto pooled = secured(plain, {}, "", "bulk");
  EXPECT_EQ(pooled->name, plain->name + " pool=bulk");
  EXPECT_EQ(pooled->pool, "bulk");
  EXPECT_FALSE(pooled->tls);
  EXPECT_EQ(secured(plain, Tls::encrypt, "", "bulk")->name, plain->name + " tls=encrypt pool=bulk");
}

TEST_F(MxSitesTest, IsRememberedForItsTtlAndAMinuteAtMost) {
  EXPECT_EQ(sites_.remembered(domain("far.test")), nullptr);
  const auto first = site("far.test");
  EXPECT_EQ(sites_.remembered(domain("far.test")), first);
  EXPECT_EQ(site("far.test"), first);
  EXPECT_EQ(asked("far.test"), 1u);
  loop_.advance(61s);
  EXPECT_EQ(sites_.remembered(domain("far.test")), nullptr);
  site("far.test");
  EXPECT_EQ(asked("far.test"), 2u);
  dns_.set_ttl("far.test", 2s);
  loop_.advance(61s);
  site("far.test");
  loop_.advance(3s);
  EXPECT_EQ(sites_.remembered(domain("far.test")), nullptr);
}

TEST_F(MxSitesTest, AReloadAsksAnew) {
  site("far.test");
  settings_ = std::make_shared<MxSites::Settings>(*settings_);
  settings_->port = 2525;
  EXPECT_EQ(sites_.remembered(domain("far.test")), nullptr);
  EXPECT_EQ(site("far.test")->name, "a.mx.test,b.mx.test;c.mx.test:2525");
}

TEST_F(MxSitesTest, DomainsOfOneProviderShareASite) {
  dns_.add_mx("other.test", 5, "c.mx.test");
  dns_.add_mx("other.test", 1, "b.mx.test");
  dns_.add_mx("other.test", 1, "a.mx.test");
  EXPECT_EQ(site("other.test")->name, site("far.test")->name);
}

TEST_F(MxSitesTest, ARefusalAndAnErrorAreNotRemembered) {
  const auto refused = loop_.run(sites_.find(domain("nowhere.test")));
  ASSERT_TRUE(refused);
  EXPECT_TRUE(std::holds_alternative<Refused>(*refused));
  dns_.fail("broken.test");
  EXPECT_FALSE(loop_.run(sites_.find(domain("broken.test"))));
  dns_.recover("broken.test");
  dns_.add_mx("broken.test", 1, "a.mx.test");
  EXPECT_TRUE(site("broken.test"));
}

TEST_F(MxSitesTest, AnAddressLiteralIsItsOwnHost) {
  const auto found = site("[192.0.2.7]");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hops[0].host, "192.0.2.7");
  EXPECT_EQ(dns_.questions(), 0u);
}

TEST_F(MxSitesTest, OurselvesAreLeftOut) {
  dns_.add_mx("backup.test", 10, "a.mx.test");
  dns_.add_mx("backup.test", 20, "mx.us.test");
  dns_.add_mx("backup.test", 30, "c.mx.test");
  EXPECT_EQ(site("backup.test")->name, "a.mx.test");
}

}  // namespace
}  // namespace godwit::routing
