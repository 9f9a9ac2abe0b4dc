// How fast a site is served: limits, rates, slowing down, rest. Simulated time.

#include <set>

#include "service/outbound/limits.h"
#include "service/outbound/outbound_fixture.h"
#include "service/outbound/reply_class.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Pacing : public OutboundTest {
 protected:
  Pacing() { settings_->classes = ReplyClasses::shipped(); }

  // Limits of the site at 127.0.0.1; others stay as they are.
  void limit(std::size_t connections, std::vector<Rate> rates = {}) {
    auto changed = std::make_shared<Settings>(*settings_);
    changed->sites = {{"127.0.0.1", connections, {}, std::move(rates)}};
    settings_ = std::move(changed);
  }
  std::vector<std::shared_ptr<JobResult>> offer_many(std::size_t count) {
    const auto one = message({"bob@example.net"});
    std::vector<std::shared_ptr<JobResult>> results;
    for (std::size_t i = 0; i < count; ++i) results.push_back(offer(one));
    return results;
  }
  static std::size_t count(const std::vector<std::shared_ptr<JobResult>>& results, std::string_view what) {
    return static_cast<std::size_t>(std::ranges::count_if(results, [&](const auto& result) { return summary(*result) == what; }));
  }
  std::size_t open() const {
    return static_cast<std::size_t>(std::ranges::count(server_.dialogues, false, &testing::FakeSmtpServer::Dialogue::ended));
  }
  SiteStatus status() { return outbound_->status().at(0); }
};

TEST_F(Pacing, Connections_GrowUpToTheLimitOfTheSite) {
  limit(6);
  server_.before_final_reply = [this] { return loop_.clock().sleep(100ms); };
  const auto results = offer_many(500);
  loop_.poll();
  EXPECT_EQ(open(), kFirstConnections);
  loop_.advance(100ms);
  EXPECT_EQ(open(), 5u);
  loop_.advance(3s);
  EXPECT_EQ(open(), 6u);
  EXPECT_EQ(status().most_connections, 6u);
  loop_.advance(30s);
  EXPECT_EQ(count(results, "delivered 2.0.0"), 500u);
  EXPECT_EQ(server_.dialogues.size(), 6u);
}

TEST_F(Pacing, Reload_LimitsHoldForWhatIsOpen) {
  limit(4);
  server_.before_final_reply = [this] { return loop_.clock().sleep(100ms); };
  const auto results = offer_many(300);
  loop_.advance(1s);
  EXPECT_EQ(open(), 4u);
  limit(1);
  loop_.advance(2s);
  EXPECT_EQ(open(), 1u);
  loop_.advance(1min);
  EXPECT_EQ(count(results, "delivered 2.0.0"), 300u);
}

TEST_F(Pacing, MessagesAConnection_FromTheTable) {
  settings_->sites = {{"127.0.0.1", 1, 20, {}}};
  const auto results = offer_many(100);
  loop_.poll();
  EXPECT_EQ(count(results, "delivered 2.0.0"), 100u);
  EXPECT_EQ(server_.dialogues.size(), 5u);
}

TEST_F(Pacing, RateASecond_KeepsMessagesBackForTheirTurn) {
  limit(2, {{10, 1s}});
  const auto results = offer_many(100);
  loop_.poll();
  EXPECT_EQ(server_.messages.size(), 10u);
  loop_.advance(1s);
  EXPECT_EQ(server_.messages.size(), 20u);
  loop_.advance(5s);
  EXPECT_EQ(server_.messages.size(), 70u);
  loop_.advance(3s);
  EXPECT_EQ(count(results, "delivered 2.0.0"), 100u);
  EXPECT_LE(server_.dialogues.size(), 2u);
}

TEST_F(Pacing, RateAnHour_LongTurnsAreWaitedForInTheQueue) {
  limit(2, {{60, 1h}});
  const auto results = offer_many(10);
  loop_.poll();
  EXPECT_EQ(summary(*results[0]), "delivered 2.0.0");
  EXPECT_EQ(summary(*results[1]), "?");  // a minute: here
  for (std::size_t i = 2; i < 10; ++i) {
    ASSERT_EQ(summary(*results[i]), "deferred 4.4.5 down");
    EXPECT_EQ(results[i]->outcomes[0].retry_after, i * 1min);
    EXPECT_EQ(results[i]->outcomes[0].reply_class, "");
    EXPECT_THAT(results[i]->outcomes[0].text, HasSubstr("gets no more than 60/h of our messages"));
  }
  loop_.advance(1min);
  EXPECT_EQ(summary(*results[1]), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues.size(), 2u);  // the first connection was not kept open for so long
}

TEST_F(Pacing, RateAnHour_NobodyIsSentAwayForLongerThanFourHours) {
  limit(1, {{60, 1h}});
  const auto results = offer_many(400);
  loop_.poll();
  EXPECT_EQ(results.back()->outcomes[0].retry_after, 4h);
}

TEST_F(Pacing, RateAndDrain_WhoWaitsComesBack) {
  limit(2, {{10, 1s}});
  const auto results = offer_many(100);
  loop_.poll();
  outbound_->drain();
  loop_.poll();
  EXPECT_EQ(count(results, "delivered 2.0.0"), 10u);
  EXPECT_EQ(count(results, "deferred 4.3.2 down"), 90u);
  EXPECT_EQ(tasks_.running(), 0u);
}

TEST_F(Pacing, RateAndStop_EndsAtOnce) {
  limit(2, {{10, 1s}});
  const auto results = offer_many(100);
  loop_.poll();
  outbound_->drain();
  tasks_.stop();
  loop_.poll();
  EXPECT_EQ(tasks_.running(), 0u);
}

TEST_F(Pacing, Greylisted_ComesBackWithATimeAndAClass) {
  answer("RCPT", "450 4.2.0 <bob@example.net>: Recipient address rejected: Greylisted\r\n");
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.2.0");
  EXPECT_EQ(result->outcomes[0].reply_class, "greylisted");
  EXPECT_EQ(result->outcomes[0].retry_after, 5min);
  EXPECT_THAT(trace_.lines.back(), HasSubstr("Greylisted [greylisted]"));
  EXPECT_EQ(status().most_connections, kFirstConnections);
}

TEST_F(Pacing, RateLimited_FewerConnectionsUntilItIsContent) {
  limit(16);
  server_.before_final_reply = [this] { return loop_.clock().sleep(100ms); };
  // more than five at a time are too many for this server
  server_.on_command = [this](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (!command.starts_with("MAIL") || open() <= 5) return std::nullopt;
    return "450 4.7.0 Too many connections, slow down\r\n";
  };
  auto results = offer_many(200);
  loop_.advance(4s);
  EXPECT_LE(status().most_connections, 8u);
  EXPECT_GT(count(results, "deferred 4.7.0"), 0u);
  const auto more = offer_many(3'000);
  std::size_t refused = 0;
  for (int i = 0; i < 120; ++i) {
    loop_.advance(1s);
    EXPECT_LE(open(), 10u);
    refused = count(more, "deferred 4.7.0");
  }
  EXPECT_EQ(count(more, "?"), 0u);
  EXPECT_LT(refused, 100u);  // a few each time that one connection more is tried
}

TEST_F(Pacing, RateLimitedWithOneConnection_Pauses) {
  limit(1);
  answer("MAIL", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints\r\n!close");
  const auto first = send_one();
  loop_.advance(14s);
  EXPECT_EQ(summary(*first), "?");  // nothing was said about it: another connection shall have it
  EXPECT_EQ(network_.dials, 1u);
  loop_.advance(1s);
  EXPECT_EQ(summary(*first), "deferred 4.7.0 down");
  EXPECT_EQ(first->outcomes[0].reply_class, "rate_limited");
  EXPECT_EQ(network_.dials, 2u);
  const auto second = send_one();
  server_.on_command = nullptr;
  loop_.advance(29s);
  EXPECT_EQ(network_.dials, 2u);
  loop_.advance(1s);
  EXPECT_EQ(summary(*second), "delivered 2.0.0");
}

constexpr auto kSlowDown = "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume\r\n!close";

TEST_F(Pacing, SlowDownForDays_WhoWaitsGoesBackToTheQueue) {
  limit(1);
  answer("MAIL", kSlowDown);
  const auto first = offer_many(50);
  loop_.poll();
  EXPECT_EQ(status().waiting, 4u);  // 15, 30, 45 and 60 seconds
  EXPECT_EQ(count(first, "deferred 4.4.5 down"), 46u);
  std::set<Duration> turns;
  for (const auto& result : first) {
    if (result->calls == 0) continue;
    EXPECT_THAT(result->outcomes[0].text, HasSubstr("has asked us to slow down"));
    EXPECT_EQ(result->outcomes[0].remote, "outbound");
    turns.insert(result->outcomes[0].retry_after);
  }
  EXPECT_EQ(turns.size(), 46u);
  for (int hour = 0; hour < 48; ++hour) {
    offer_many(50);
    loop_.poll();
    EXPECT_LE(status().waiting, 5u);
    loop_.advance(1h);
  }
  EXPECT_EQ(count(first, "?"), 0u);
}

TEST_F(Pacing, ReloadToALowerRate_WhoWaitsIsLookedAtAgain) {
  limit(1, {{10, 1s}});
  const auto results = offer_many(200);
  loop_.poll();
  EXPECT_EQ(status().waiting, 190u);
  limit(1, {{60, 1h}});
  loop_.advance(2s);
  EXPECT_LE(status().waiting, 2u);
  EXPECT_GT(count(results, "deferred 4.4.5 down"), 160u);
  EXPECT_THAT(results.back()->outcomes[0].text, HasSubstr("gets no more than 60/h of our messages"));
  EXPECT_GT(results.back()->outcomes[0].retry_after, 2h);
  loop_.advance(3min);
  EXPECT_EQ(count(results, "?"), 0u);
}

TEST_F(Pacing, PauseAndDrain_EndsAtOnce) {
  limit(1);
  answer("MAIL", kSlowDown);
  const auto results = offer_many(50);
  loop_.poll();
  outbound_->drain();
  loop_.poll();
  EXPECT_EQ(count(results, "?"), 0u);
  EXPECT_EQ(count(results, "deferred 4.3.2 down"), 4u);
  EXPECT_EQ(tasks_.running(), 0u);
}

TEST_F(Pacing, GreetingThatSaysTryAgain_FollowsTheSteps) {
  server_.greeting = "421 4.7.1 Greylisted, please try again later\r\n";
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.3.2 down");
  EXPECT_EQ(result->outcomes[0].reply_class, "greylisted");
  EXPECT_EQ(result->outcomes[0].retry_after, Duration(0));
}

TEST_F(Pacing, BlockedBehindMail_IsCountedOnce) {
  limit(1);
  answer("MAIL", "421 4.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n!close");
  const auto first = send_one();  // on two connections
  EXPECT_EQ(summary(*first), "deferred 4.7.1 down");
  EXPECT_EQ(network_.dials, 2u);
  EXPECT_FALSE(status().down);
  const auto second = send_one();
  EXPECT_EQ(summary(*second), "deferred 4.7.1 down");
  EXPECT_TRUE(status().down);
  EXPECT_EQ(network_.dials, 3u);
}

TEST_F(Pacing, Reload_AnIdleSiteLetsTheOldSettingsGo) {
  send_one();
  loop_.advance(1h);
  const std::weak_ptr<Settings> old = settings_;
  limit(1);
  EXPECT_TRUE(old.expired());
  const auto results = offer_many(20);
  loop_.poll();
  EXPECT_EQ(count(results, "delivered 2.0.0"), 20u);
  EXPECT_EQ(server_.dialogues.size(), 2u);
}

TEST_F(Pacing, Stalls_HalveTheConnections) {
  limit(4);
  server_.extensions = {};
  server_.before_final_reply = [this] { return loop_.clock().sleep(100ms); };
  const auto results = offer_many(20);
  loop_.poll();
  EXPECT_EQ(open(), 4u);
  answer("RCPT", "");  // from now on
  loop_.advance(6min);
  EXPECT_LE(status().most_connections, 2u);
}

TEST_F(Pacing, BlockedIp_ThreeInARowAndTheSiteRests) {
  limit(1);
  answer("MAIL", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n");
  EXPECT_EQ(summary(*send_one()), "bounced 5.7.1");
  EXPECT_EQ(summary(*send_one()), "bounced 5.7.1");
  EXPECT_FALSE(status().down);
  const auto third = offer(message({"a@example.net"}));
  const auto waiting = offer(message({"b@example.net"}));
  loop_.poll();
  EXPECT_EQ(summary(*third), "bounced 5.7.1");
  EXPECT_EQ(summary(*waiting), "deferred 4.7.1 down");
  EXPECT_EQ(waiting->outcomes[0].retry_after, 30min);
  EXPECT_EQ(waiting->outcomes[0].reply_class, "blocked_ip");
  EXPECT_EQ(waiting->outcomes[0].remote_reply, "");
  EXPECT_THAT(waiting->outcomes[0].text,
              HasSubstr("127.0.0.1:2600 refuses us and is left alone for 30m more (it said: 554 5.7.1 Service unavail"));
  EXPECT_TRUE(status().down);
  EXPECT_EQ(status().next_probe, loop_.clock().now() + 30min);
  EXPECT_THAT(status().last_error, HasSubstr("blocked using"));

  loop_.advance(10min);
  const std::size_t dials = network_.dials;
  const auto later = send_one();
  EXPECT_EQ(summary(*later), "deferred 4.7.1 down");
  EXPECT_EQ(later->outcomes[0].retry_after, 20min);
  EXPECT_EQ(network_.dials, dials);

  server_.on_command = nullptr;
  loop_.advance(20min);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_FALSE(status().down);
}

TEST_F(Pacing, BlockedIp_ADeliveryBetweenBeginsTheCountAnew) {
  limit(1);
  const std::string blocked = "550 5.7.1 <x>: Client host [192.0.2.1] blocked using bl.example\r\n";
  for (int i = 0; i < 5; ++i) {
    answer("RCPT", blocked);
    EXPECT_EQ(summary(*send_one()), "bounced 5.7.1");
    EXPECT_EQ(summary(*send_one()), "bounced 5.7.1");
    server_.on_command = nullptr;
    EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  }
  EXPECT_FALSE(status().down);
}

TEST_F(Pacing, BlockedIp_InTheGreeting_RestsAtOnceAndAnAdministratorEndsIt) {
  server_.greeting = "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n";
  const auto first = send_one();
  EXPECT_EQ(summary(*first), "deferred 4.7.1 down");
  EXPECT_EQ(first->outcomes[0].retry_after, 30min);
  loop_.advance(15min);
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.1 down");
  EXPECT_EQ(network_.dials, 1u);
  server_.greeting = "220 mx.peer.test ESMTP\r\n";
  outbound_->probe_now();
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

TEST_F(Pacing, Rest_OfOneSite_IsNotAnotherS) {
  testing::FakeSmtpServer other;
  network_.listen(at(2), other);
  server_.greeting = "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n";
  send_one();
  const auto alive = offer(message({"b@example.org"}), site_of({"127.0.0.2"}));
  loop_.poll();
  EXPECT_EQ(summary(*alive), "delivered 2.0.0");
  loop_.advance(1min);
}

}  // namespace
}  // namespace godwit::outbound
