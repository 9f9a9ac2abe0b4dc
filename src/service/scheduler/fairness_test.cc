// Who is next when there is more than goes at once: shares, urgency, sites that are down, suspensions.

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"
#include "state/queue/priority.h"
#include "state/queue/rules.h"

namespace godwit::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class FairnessTest : public SchedulerFixture {
 protected:
  MessageId send_for(std::string tenant, std::string sender, std::string recipient, int priority = 0) {
    auto what = make({std::move(recipient)}, std::move(sender));
    what.tenant = std::move(tenant);
    what.priority = queue::keep_priority(priority);
    return *send(std::move(what));
  }
  // A site that takes so many each 10 ms.
  void pass(Duration duration, std::size_t each) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      sites.let_go(each);
      loop.advance(10ms);
    }
  }
  std::size_t delivered_to(std::string_view recipient) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sites.attempts, [&](const auto& each) { return each.recipient == recipient && each.kind == Outcome::Kind::delivered; }));
  }
  std::size_t tried_at(std::string_view site) const {
    return static_cast<std::size_t>(std::ranges::count(sites.attempts, site, &FakeSites::Attempt::site));
  }
  void suspend(queue::Rule rule) {
    const auto added = loop.run(queue->add_rule(std::move(rule)));
    ASSERT_TRUE(added) << added.error().text;
    number = added->number;
    loop.poll();
  }
  void resume() {
    ASSERT_TRUE(loop.run(queue->remove_rule(number)));
    loop.advance(61s);  // the scheduler looks at least so often
  }
  std::uint64_t number = 0;
};

TEST_F(FairnessTest, UrgentAmongThousandsOfOthers_LeavesWithinASecond) {
  sites.hold("far.test");
  for (int i = 0; i < 3'000; ++i) send_for("local.test", "bulk@local.test", "bulk@far.test");
  pass(500ms, 3);
  EXPECT_LT(delivered_to("bulk@far.test"), 200u);
  send_for("local.test", "bulk@local.test", "urgent@far.test", 4);
  pass(1s, 3);
  EXPECT_EQ(delivered_to("urgent@far.test"), 1u);
  EXPECT_LT(delivered_to("bulk@far.test"), 500u);
}

TEST_F(FairnessTest, OtherTenantAndSenderWithTen_GoOnBesideThousands) {
  settings.window = 200;  // most of them are known by id alone
  sites.hold("far.test");
  for (int i = 0; i < 1'000; ++i) send_for("big.test", "bulk@big.test", "bulk@far.test");
  for (int i = 0; i < 10; ++i) {
    send_for("big.test", "few@big.test", "few@far.test");
    send_for("small.test", "s@small.test", "small@far.test");
  }
  pass(500ms, 3);
  EXPECT_EQ(delivered_to("few@far.test"), 10u);
  EXPECT_EQ(delivered_to("small@far.test"), 10u);
  for (int i = 0; i < 2'100 && queue->totals().messages > 0; ++i) pass(10ms, 30);
  EXPECT_EQ(delivered_to("bulk@far.test"), 1'000u);
  expect_queue_empty();
}

TEST_F(FairnessTest, WeightsFourToOne_GiveFourToOne) {
  settings.shares = {{"big.test", 4}};
  sites.hold("far.test");
  for (int i = 0; i < 1'000; ++i) {
    send_for("big.test", "a@big.test", "big@far.test");
    send_for("small.test", "a@small.test", "small@far.test");
  }
  pass(1s, 2);
  const std::size_t big = delivered_to("big@far.test");
  const std::size_t small = delivered_to("small@far.test");
  pass(2s, 2);  // what was offered at first was there before there was a choice
  const auto ratio = static_cast<double>(delivered_to("big@far.test") - big) / static_cast<double>(delivered_to("small@far.test") - small);
  EXPECT_NEAR(ratio, 4, 0.4);
}

// Whatever urgent mail keeps coming: of a hundred messages one is of those that can wait.
TEST_F(FairnessTest, NonUrgentMailIsNeverStarved) {
  sites.hold("far.test");
  for (int i = 0; i < 50; ++i) send_for("local.test", "l@local.test", "low@far.test", -4);
  for (int i = 0; i < 1'200; ++i) send_for("local.test", "u@local.test", "urgent@far.test", 4);
  pass(2s, 3);
  const std::size_t low = delivered_to("low@far.test");
  for (int i = 0; i < 600; ++i) send_for("local.test", "u@local.test", "urgent@far.test", 4);
  pass(3s, 3);
  EXPECT_GE(delivered_to("urgent@far.test"), 1'000u);
  EXPECT_GE(delivered_to("low@far.test"), std::min<std::size_t>(50, low + 5));
}

TEST_F(FairnessTest, DeadSiteWithThousands_CostsNextToNothingAndSlowsNobody) {
  settings.delay_notice = 10 * 24h;
  sites.answers("dead.test", [](const std::string&) { return down(); });
  for (int i = 0; i < 1'000; ++i) send_for("big.test", "bulk@big.test", "x@dead.test");
  loop.advance(1s);
  EXPECT_LE(tried_at("dead.test"), 64u);
  const auto tried = tried_at("dead.test");
  const auto writes = engine.writes();
  loop.advance(3 * 24h);
  EXPECT_LE(tried_at("dead.test") - tried, 64u + 30u);          // a probe each four hours
  EXPECT_LE(engine.writes() - writes, 3u * 24 * 60 * 2 + 500);  // the floor of ids, and the probes
  for (int i = 0; i < 20; ++i) {
    send_for("small.test", "s@small.test", "small@far.test");
    EXPECT_EQ(delivered_to("small@far.test"), static_cast<std::size_t>(i) + 1);
  }
  // it is back: gently, and then all of it
  sites.answers("dead.test", [](const std::string&) { return took(); });
  loop.advance(5h);
  EXPECT_EQ(delivered_to("x@dead.test"), 1'000u);
  expect_queue_empty();
}

// Never tried, as others found their site dead: the sender hears in time, and no attempt was used up.
TEST_F(FairnessTest, WhoWaitsForADeadSite_GetsHisNoticeAndHisBounceInTime) {
  settings.site_backlog = 2;
  sites.answers("dead.test", [](const std::string&) { return down(); });
  std::vector<MessageId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(send({"x@dead.test"}));
  loop.advance(4h - 1min);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(0));
  loop.advance(3min);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(20));
  EXPECT_EQ(load(ids[19])->recipients[0].attempts, 0u);
  loop.advance(5 * 24h - 4h);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(40));
  EXPECT_THAT(inbox("anna@local.test").back(), HasSubstr("Action: failed"));
  expect_queue_empty();
}

TEST_F(FairnessTest, Recovery_IsGentle) {
  settings.delay_notice = 10 * 24h;
  sites.answers("dead.test", [](const std::string&) { return down(); });
  for (int i = 0; i < 500; ++i) send_for("big.test", "bulk@big.test", "x@dead.test");
  loop.advance(10h);
  sites.hold("dead.test");
  sites.answers("dead.test", [](const std::string&) { return took(); });
  for (int i = 0; i < 300 && sites.waiting() == 0; ++i) loop.advance(1min);
  EXPECT_EQ(sites.waiting(), 1u);
  sites.let_go(1);
  loop.poll();
  EXPECT_EQ(sites.waiting(), 2u);
  sites.let_go(2);
  loop.poll();
  EXPECT_EQ(sites.waiting(), 4u);
}

// Another tenant's mail to the same site is none of that.
TEST_F(FairnessTest, ATenantThatIsKeptBack_KeepsNobodyElseBack) {
  const auto kept_back = [] {
    Outcome outcome = down();
    outcome.remote = "outbound";
    outcome.retry_after = 30min;
    return outcome;
  };
  sites.answers("far.test", [&](const std::string& rcpt) { return rcpt[0] == 'k' ? kept_back() : took(); });
  for (int i = 0; i < 300; ++i) send_for("kept.test", "a@kept.test", "k@far.test");
  for (int i = 0; i < 50; ++i) send_for("free.test", "a@free.test", "f@far.test");
  loop.advance(1s);
  EXPECT_EQ(delivered_to("f@far.test"), 50u);
  EXPECT_LT(tried_at("far.test"), 50u + 100u);
}

TEST_F(FairnessTest, SendersOfOneDomainWithDifferentWays_DoNotWaitForEachOther) {
  std::vector<routing::Route> all = routes;
  routing::Route way{"two.test", {"smtp://dead.test:25"}};
  way.sender = {"*@dead-way.test"};
  all.push_back(way);
  all.push_back({"two.test", {"smtp://far.test:25"}});
  set_routes(all);
  sites.answers("dead.test", [](const std::string&) { return down(); });
  for (int i = 0; i < 100; ++i) send_for("t", "a@dead-way.test", "x@two.test");
  loop.advance(1min);
  const MessageId other = send_for("t", "a@other.test", "y@two.test");
  loop.advance(1s);
  EXPECT_EQ(sites.deliveries(other, "y@two.test"), 1u);
  EXPECT_LT(tried_at("dead.test"), 100u);
}

TEST_F(FairnessTest, OtherRoutes_AreTriedAtOnce) {
  settings.delay_notice = 10 * 24h;
  sites.answers("dead.test", [](const std::string&) { return down(); });
  for (int i = 0; i < 100; ++i) send_for("t", "a@local.test", "x@dead.test");
  loop.advance(20h);
  std::vector<routing::Route> all = routes;
  std::erase_if(all, [](const routing::Route& route) { return route.domain == "dead.test"; });
  all.push_back({"dead.test", {"smtp://far.test:25"}});
  set_routes(all);
  send_for("t", "a@local.test", "y@slow.test");  // somebody looks at the routes
  loop.advance(5h);
  EXPECT_EQ(delivered_to("x@dead.test"), 100u);
}

TEST_F(FairnessTest, PartlyDown_TheRestWaitsWithoutAnAttempt) {
  sites.answers("dead.test", [](const std::string&) { return down(); });
  send({"first@dead.test"});
  const MessageId id = send({"a@far.test", "b@dead.test"});
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_EQ(load(id)->recipients[1].probes, 0u);
  EXPECT_EQ(load(id)->recipients[1].attempts, 0u);
  sites.answers("dead.test", [](const std::string&) { return took(); });
  loop.advance(10min);
  EXPECT_EQ(sites.deliveries(id, "b@dead.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  expect_queue_empty();
}

// The first of its recipients is not the only one who counts.
TEST_F(FairnessTest, FirstRecipientsSiteIsDown_TheOthersHaveTheirMail) {
  sites.answers("dead.test", [](const std::string&) { return down(); });
  send({"first@dead.test"});
  const MessageId id = send({"b@dead.test", "a@far.test"});
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  restart();
  const MessageId next = send({"b@dead.test", "c@far.test"});
  EXPECT_EQ(sites.deliveries(next, "c@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
}

TEST_F(FairnessTest, OneSiteDownAndOneDeferring_EachHasItsOwnTime) {
  sites.answers("dead.test", [](const std::string&) { return down(); });
  sites.answers("far.test", [](const std::string&) { return later(); });
  settings.delay_notice = 10 * 24h;
  send({"first@dead.test"});
  loop.advance(30h);
  const MessageId id = send({"a@far.test", "b@dead.test"});
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_EQ(load(id)->recipients[1].attempts, 0u);
}

TEST_F(FairnessTest, Restart_WithFreshAndWaiting_AllGoOn) {
  sites.answers("slow.test", [](const std::string&) { return later(); });
  for (int i = 0; i < 300; ++i) send_for("t", "a@local.test", "w@slow.test");
  scheduler->drain();
  for (int i = 0; i < 800; ++i) send_for("t", "a@local.test", "f@far.test");
  settings.window = 100;
  restart();
  loop.advance(1s);
  EXPECT_EQ(delivered_to("f@far.test"), 800u);
  EXPECT_EQ(delivered_to("w@slow.test"), 0u);
  sites.answers("slow.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(delivered_to("w@slow.test"), 300u);
  expect_queue_empty();
}

TEST_F(FairnessTest, StormOfDeferrals_AttemptsAreBoundedAndOthersUnaffected) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  for (int i = 0; i < 150; ++i) send_for("t", "a@local.test", "x@far.test");
  for (int hour = 0; hour < 4; ++hour) {
    loop.advance(1h - 1s);
    const MessageId other = send_for("o", "b@local.test", "o@slow.test");
    loop.advance(1s);
    EXPECT_EQ(sites.deliveries(other, "o@slow.test"), 1u);
  }
  // at once, 1 min, 6, 21, 51, 111, 231, and the moment of the delay notice
  EXPECT_LE(tried_at("far.test"), 150u * 8);
  EXPECT_GE(tried_at("far.test"), 150u * 6);
}

TEST_F(FairnessTest, Suspended_IsNotTriedUntilItIsResumed) {
  queue::Rule rule;
  rule.filter.tenant = "kept.test";
  rule.why = "complaints";
  suspend(rule);
  for (int i = 0; i < 30; ++i) {
    send_for("kept.test", "a@kept.test", "k@far.test");
    send_for("free.test", "a@free.test", "f@far.test");
  }
  loop.advance(3h);
  EXPECT_EQ(delivered_to("k@far.test"), 0u);
  EXPECT_EQ(delivered_to("f@far.test"), 30u);
  resume();
  EXPECT_EQ(delivered_to("k@far.test"), 30u);
  expect_queue_empty();
}

TEST_F(FairnessTest, Suspended_GetsOlderAndHearsOfIt) {
  queue::Rule rule;
  rule.filter.tenant = "kept.test";
  rule.why = "complaints";
  suspend(rule);
  const MessageId id = send_for("kept.test", "anna@local.test", "k@far.test");
  loop.advance(4h + 2min);
  ASSERT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_THAT(inbox("anna@local.test")[0], HasSubstr("complaints"));
  EXPECT_EQ(load(id)->recipients[0].attempts, 0u);
  loop.advance(5 * 24h);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(2));
  EXPECT_EQ(sites.jobs, 0u);
  expect_queue_empty();
}

TEST_F(FairnessTest, SuspendedDomain_KeepsNoOtherRecipientBack) {
  queue::Rule rule;
  rule.filter.domain = "slow.test";
  suspend(rule);
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@slow.test", "b@far.test"});
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "b@far.test"), 1u);
  EXPECT_EQ(tried_at("slow.test"), 0u);
  resume();
  EXPECT_EQ(sites.deliveries(id, "a@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(FairnessTest, SuspendedSite_KeepsItsMailAndNoOther) {
  queue::Rule rule;
  rule.site = "*far.test*";
  rule.until = now() + 2h;
  suspend(rule);
  const MessageId kept = send({"a@far.test"});
  const MessageId both = send({"b@far.test", "b@slow.test"});
  loop.advance(1h);
  EXPECT_EQ(sites.deliveries(both, "b@slow.test"), 1u);
  EXPECT_EQ(tried_at("far.test"), 0u);
  loop.advance(62min);
  EXPECT_EQ(sites.deliveries(kept, "a@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(both, "b@far.test"), 1u);
  expect_queue_empty();
}

}  // namespace
}  // namespace godwit::scheduler
