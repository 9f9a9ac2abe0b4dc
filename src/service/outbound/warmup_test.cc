// Ceilings of new sources. Simulated time.

#include "service/outbound/sources_fixture.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Warmup : public Sources {
 protected:
  void warm_up(std::vector<std::string> cold, std::vector<std::string> warm, std::string_view table = "daily = [2, 4]") {
    std::vector<Pool::Member> members;
    for (const std::string& name : cold) {
      auto made = source(name);
      made->warmup = std::chrono::floor<std::chrono::days>(loop_.clock().now());
      members.push_back({made, 1});
    }
    for (const std::string& name : warm) members.push_back({source(name), 1});
    configure(std::move(members));
    auto egress = std::make_shared<Egress>(*settings_->egress);
    egress->warmup = *WarmupSchedule::parse({table});
    settings_->egress = std::move(egress);
  }
  std::size_t send(std::size_t count) {
    std::size_t delivered = 0;
    for (std::size_t i = 0; i < count; ++i) {
      last_ = offer(message({"bob@peer.test"}));
      loop_.poll();
      delivered += summary(*last_) == "delivered 2.0.0" ? 1 : 0;
    }
    return delivered;
  }
  std::shared_ptr<JobResult> last_;
};

TEST_F(Warmup, Ceiling_GrowsFromDayToDay_AndEnds) {
  warm_up({"a"}, {});
  EXPECT_EQ(send(5), 2u);
  EXPECT_EQ(summary(*last_), "deferred 4.4.5 down");
  EXPECT_THAT(last_->outcomes[0].text, HasSubstr("mx.peer.test gets no more today from a, still warming up"));
  const auto left = last_->outcomes[0].retry_after;
  EXPECT_GT(left, 0s);
  EXPECT_LE(left, 24h);
  loop_.advance(left);
  EXPECT_EQ(send(6), 4u);
  loop_.advance(24h);
  EXPECT_EQ(send(20), 20u);
}

TEST_F(Warmup, WhatIsOver_GoesFromTheWarmOnes) {
  warm_up({"a"}, {"b"});
  EXPECT_EQ(send(20), 20u);
  EXPECT_EQ(warmup_->sent("a", "mx.peer.test"), 2u);
}

TEST_F(Warmup, RefusedMessages_DoNotCount) {
  warm_up({"a"}, {});
  answer("RCPT", "450 4.2.0 later\r\n");
  EXPECT_EQ(send(5), 0u);
  EXPECT_EQ(summary(*last_), "deferred 4.2.0");
  EXPECT_EQ(warmup_->sent("a", "mx.peer.test"), 0u);
}

TEST_F(Warmup, SitesOfOneProvider_CountTogether) {
  warm_up({"a"}, {}, "daily = [2]\n[[site]]\nmatch = \"*.peer.test\"\ndaily = [3]");
  dns_.add_address("mx2.peer.test", "127.0.0.1");
  EXPECT_EQ(send(2), 2u);
  site_ = mx_site({{"mx2.peer.test", 10}});
  EXPECT_EQ(send(2), 1u);
  EXPECT_EQ(warmup_->sent("a", "*.peer.test"), 3u);
}

TEST_F(Warmup, NotBegun_SendsNothing) {
  warm_up({"a"}, {"b"});
  auto later = std::make_shared<Source>(*settings_->egress->find("a"));
  later->warmup = *later->warmup + std::chrono::days(3);
  configure({{later, 1000}, {settings_->egress->find("b"), 1}});
  EXPECT_EQ(send(5), 5u);
  EXPECT_EQ(dialers_["a"]->dials, 0u);
}

TEST(WarmupLedger, TextAndBack) {
  const auto ledger = std::make_shared<WarmupLedger>();
  EXPECT_FALSE(ledger->changed());
  const auto today = std::chrono::sys_days(std::chrono::days(20'000));
  for (int i = 0; i < 3; ++i) ledger->take("a", {"*.google.com", 10}, today)->keep();
  ledger->take("b", {"mx.test", 10}, today)->keep();
  EXPECT_EQ(ledger->take("a", {"*.google.com", 3}, today), nullptr);
  EXPECT_TRUE(ledger->changed());
  EXPECT_EQ(ledger->text(), "godwit warmup 1 20000\n3 a *.google.com\n1 b mx.test\n");
  EXPECT_FALSE(ledger->changed());

  const auto again = std::make_shared<WarmupLedger>();
  ASSERT_TRUE(again->read(ledger->text()));
  EXPECT_EQ(again->sent("a", "*.google.com"), 3u);
  EXPECT_EQ(again->text(), ledger->text());
  EXPECT_NE(again->take("a", {"*.google.com", 1}, today + std::chrono::days(1)), nullptr) << "a new day";
  for (const char* bad :
       {"", "x", "godwit warmup 1 ", "godwit warmup 1 20000", "godwit warmup 1 x\n", "godwit warmup 1 20000\n3 a\n",
        "godwit warmup 1 20000\nx a b\n", "godwit warmup 1 20000\n\n", "godwit warmup 2 20000\n", "godwit warmup 1 99999999\n"})
    EXPECT_FALSE(again->read(bad)) << bad;
}

TEST(WarmupSchedule, ShippedAndMistakes) {
  const auto shipped = WarmupSchedule::shipped();
  EXPECT_EQ(shipped->ceiling("mx.example.net", std::chrono::days(0))->messages, 50u);
  EXPECT_EQ(shipped->ceiling("MX.example.net", std::chrono::days(0))->site, "mx.example.net");
  EXPECT_EQ(shipped->ceiling("aspmx.l.google.com", std::chrono::days(1))->site, "*.google.com");
  EXPECT_EQ(shipped->ceiling("mx.example.net", std::chrono::days(-1))->messages, 0u);
  EXPECT_FALSE(shipped->ceiling("mx.example.net", std::chrono::days(60)));
  EXPECT_THAT(WarmupSchedule::parse({"daily = 3"}).error().text, HasSubstr("1:9: daily: expected a list of numbers"));
  EXPECT_THAT(WarmupSchedule::parse({"daily = [0]"}).error().text, HasSubstr("each number must be one from 1"));
  EXPECT_THAT(WarmupSchedule::parse({"daily = []"}).error().text, HasSubstr("a number for each day"));
  EXPECT_THAT(WarmupSchedule::parse({"[[site]]\nmatch = \"*\""}).error().text, HasSubstr("daily: is missing"));
  EXPECT_THAT(WarmupSchedule::load("/nowhere/x.toml").error().text, HasSubstr("cannot read /nowhere/x.toml"));
}

}  // namespace
}  // namespace godwit::outbound
