#include "service/outbound/treatment.h"

#include <gmock/gmock.h>

#include "service/outbound/outcomes.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;
using Kind = queue::Outcome::Kind;

constexpr std::string_view kTable = R"(
[class.greylisted]
action = "retry_sooner"
after = "5m"
[class.rate_limited]
action = "slow_site"
[class.blocked_ip]
action = "rest_site"
after = "30m"
[class.in_vain]
action = "bounce"
[[rule]]
class = "greylisted"
replies = ['grey']
[[rule]]
class = "rate_limited"
replies = ['too fast']
[[rule]]
class = "blocked_ip"
replies = ['blocked']
[[rule]]
class = "in_vain"
replies = ['never']
)";

class Treatment : public ::testing::Test {
 protected:
  static queue::Outcome reply(std::uint16_t code, smtp::EnhancedCode status, std::string text) {
    smtp::Reply reply;
    reply.code = code;
    reply.enhanced = status;
    reply.text = std::move(text);
    return refused(Stage::rcpt, reply, "mx.test [192.0.2.1]:25");
  }
  SiteVerdict treat_all() { return treat(outcomes_, *classes_); }

  std::shared_ptr<const ReplyClasses> classes_ = *ReplyClasses::parse({kTable});
  std::vector<queue::Outcome> outcomes_;
};

TEST_F(Treatment, Greylisted_IsTriedAgainAfterItsOwnTime) {
  outcomes_ = {reply(450, {4, 2, 0}, "grey"), reply(550, {5, 2, 0}, "grey")};
  const SiteVerdict verdict = treat_all();
  EXPECT_EQ(outcomes_[0].reply_class, "greylisted");
  EXPECT_EQ(outcomes_[0].retry_after, 5min);
  EXPECT_EQ(outcomes_[1].kind, Kind::bounced);  // 5yz stays 5yz
  EXPECT_EQ(outcomes_[1].retry_after, 0s);
  EXPECT_FALSE(verdict.slow || verdict.rest || verdict.delivered);
}

TEST_F(Treatment, Bounce_MakesATemporaryRefusalPermanent) {
  outcomes_ = {reply(450, {4, 2, 1}, "never"), reply(450, {4, 2, 1}, "some day")};
  treat_all();
  EXPECT_EQ(outcomes_[0].kind, Kind::bounced);
  EXPECT_EQ(outcomes_[0].status.text(), "5.2.1");
  EXPECT_EQ(outcomes_[0].remote_reply, "450 4.2.1 never");
  EXPECT_EQ(outcomes_[1].kind, Kind::deferred);
}

TEST_F(Treatment, Bounce_NotWhereNothingWasSaidAboutTheMessage) {
  smtp::Reply goodbye;
  goodbye.code = 421;
  goodbye.text = "never";
  outcomes_ = {closing(goodbye, "mx.test")};
  treat_all();
  EXPECT_EQ(outcomes_[0].kind, Kind::deferred);
  EXPECT_TRUE(outcomes_[0].site_down);
  EXPECT_EQ(outcomes_[0].reply_class, "in_vain");
}

TEST_F(Treatment, RetrySooner_NotWhereTheSiteIsDown) {
  smtp::Reply goodbye;
  goodbye.code = 421;
  goodbye.text = "grey";
  outcomes_ = {closing(goodbye, "mx.test"), reply(450, {4, 2, 1}, "grey")};
  treat_all();
  EXPECT_EQ(outcomes_[0].reply_class, outcomes_[1].reply_class);
  EXPECT_EQ(outcomes_[0].retry_after, Duration(0));
  EXPECT_GT(outcomes_[1].retry_after, Duration(0));
}

TEST_F(Treatment, SiteActions_AreInTheVerdict) {
  outcomes_ = {reply(250, {2, 0, 0}, "ok")};
  outcomes_[0].kind = Kind::delivered;
  outcomes_.push_back(reply(450, {4, 7, 0}, "too fast"));
  SiteVerdict verdict = treat_all();
  EXPECT_TRUE(verdict.delivered && verdict.slow);
  EXPECT_EQ(verdict.rest, nullptr);
  EXPECT_EQ(outcomes_[0].reply_class, "");
  outcomes_ = {reply(554, {5, 7, 1}, "blocked")};
  verdict = treat_all();
  ASSERT_NE(verdict.rest, nullptr);
  EXPECT_EQ(verdict.rest->after, 30min);
  EXPECT_EQ(verdict.why, &outcomes_[0]);
  EXPECT_EQ(outcomes_[0].kind, Kind::bounced);
}

TEST_F(Treatment, OurOwnDecisions_HaveNoClass) {
  outcomes_ = {unreachable({4, 3, 2}, "not tried: the server is stopping", "outbound"),
               unreadable(Error::temporary(Error::Cause::io, "the disk")), unreachable({4, 4, 1}, "could not connect", "mx.test")};
  treat_all();
  EXPECT_EQ(outcomes_[0].reply_class, "");
  EXPECT_EQ(outcomes_[1].reply_class, "");
  EXPECT_EQ(outcomes_[2].reply_class, "unreachable");
}

TEST_F(Treatment, WhatHasAClass_KeepsItAndActsNoMore) {
  outcomes_ = {reply(450, {4, 7, 0}, "too fast")};
  EXPECT_TRUE(treat_all().slow);
  EXPECT_FALSE(treat_all().slow);
}

TEST_F(Treatment, WithoutATable_ThereAreClassesAndNoActions) {
  outcomes_ = {reply(450, {4, 2, 2}, "blocked, grey, too fast, never")};
  const SiteVerdict verdict = treat(outcomes_, classes_without_table());
  EXPECT_EQ(outcomes_[0].reply_class, "mailbox_full");
  EXPECT_EQ(outcomes_[0].kind, Kind::deferred);
  EXPECT_FALSE(verdict.slow || verdict.rest);
}

}  // namespace
}  // namespace godwit::outbound
