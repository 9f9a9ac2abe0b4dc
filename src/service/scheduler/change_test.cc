// What an administrator changes about messages that wait, and rules: seen from the sites.

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using namespace std::chrono_literals;
using What = Scheduler::Change::What;

class ChangeTest : public SchedulerFixture {
 protected:
  Result<bool> change(MessageId id, Scheduler::Change what) {
    auto done = loop.run(scheduler->change(id, std::move(what)));
    loop.poll();
    return done;
  }
  static Scheduler::Change to_hop(std::string hop, std::string domain = "") {
    Scheduler::Change what;
    what.what = What::reroute;
    what.next_hop = std::move(hop);
    what.recipients.domain = std::move(domain);
    return what;
  }
  queue::Rule lay_down(queue::Rule rule) {
    auto made = loop.run(queue->add_rule(std::move(rule)));
    scheduler->rules_changed();
    loop.poll();
    return *made;
  }
  void end(const queue::Rule& rule) {
    EXPECT_TRUE(loop.run(queue->remove_rule(rule.number)));
    scheduler->rules_changed();
    loop.poll();
  }
  static queue::Rule suspension(std::string domain) {
    queue::Rule rule;
    rule.filter.domain = std::move(domain);
    return rule;
  }
};

TEST_F(ChangeTest, Rerouted_LeavesByTheOtherHop_AlsoAfterARestart) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("other.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  ASSERT_TRUE(change(id, to_hop("smtp://other.test:26", "far.test")));
  EXPECT_EQ(sites.attempts.back().site, "other.test");
  restart();
  sites.answers("other.test", [](const std::string&) { return took(); });
  loop.advance(10min);
  EXPECT_EQ(sites.attempts.back().site, "other.test");
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  // what others of the domain do is not changed
  const MessageId next = send({"c@far.test"});
  EXPECT_EQ(sites.attempts.back().site, "far.test");
  EXPECT_TRUE(load(next));
}

TEST_F(ChangeTest, ReroutedBack_FollowsTheRoutes) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("other.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  ASSERT_TRUE(change(id, to_hop("smtp://other.test:26")));
  sites.answers("far.test", [](const std::string&) { return took(); });
  ASSERT_TRUE(change(id, to_hop("")));
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  expect_queue_empty();
}

TEST_F(ChangeTest, Readdressed_GoesToTheNewRecipientAlone) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  Scheduler::Change what;
  what.what = What::readdress;
  what.old_address = address("nobody@far.test");
  what.new_address = address("anna@local.test");
  EXPECT_EQ(change(id, what).error().cause, Error::Cause::not_found);
  what.old_address = address("a@far.test");
  ASSERT_TRUE(change(id, what));
  loop.poll();
  EXPECT_EQ(inbox("anna@local.test").size(), 1u);
  expect_queue_empty();
  EXPECT_FALSE(change(id, what).value());
}

TEST_F(ChangeTest, WhileItIsTried_IsAConflict) {
  sites.hold("slow.test");
  const MessageId id = send({"a@slow.test"});
  EXPECT_EQ(change(id, to_hop("smtp://other.test:26")).error().cause, Error::Cause::conflict);
  sites.let_go();
  loop.poll();
}

TEST_F(ChangeTest, RetryAndRelease_ByRow) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  sites.answers("far.test", [](const std::string&) { return took(); });
  ASSERT_TRUE(change(id, {}));
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);

  queue::Message held = make({"b@far.test"});
  held.held = true;
  ASSERT_TRUE(accept(held));
  Scheduler::Change what;
  what.what = What::release;
  ASSERT_TRUE(change(held.id, what));
  EXPECT_EQ(sites.deliveries(held.id, "b@far.test"), 1u);
  expect_queue_empty();
}

TEST_F(ChangeTest, Suspended_IsNotTried_UntilResumed_AndOthersGo) {
  const queue::Rule rule = lay_down(suspension("far.test"));
  const MessageId id = send({"a@far.test"});
  const MessageId other = send({"b@other.test"});
  loop.advance(1h);
  EXPECT_TRUE(sites.attempts.empty() || sites.attempts.back().message == other);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 0u);
  end(rule);
  loop.advance(1s);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
}

TEST_F(ChangeTest, SuspendedForATime_GoesByItself) {
  queue::Rule rule = suspension("far.test");
  rule.until = now() + 2h;
  lay_down(rule);
  const MessageId id = send({"a@far.test"});
  loop.advance(119min);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 0u);
  loop.advance(3min);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
}

TEST_F(ChangeTest, Suspended_ExpiresAllTheSame_AndItsSenderIsToldWhy) {
  queue::Rule rule = suspension("far.test");
  rule.why = "too many complaints";
  lay_down(rule);
  send({"a@far.test"});
  loop.advance(6 * 24h);
  EXPECT_TRUE(sites.attempts.empty());
  const auto told = inbox("anna@local.test");
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told.back(), ::testing::HasSubstr("too many complaints"));
  expect_queue_empty();
}

TEST_F(ChangeTest, SuspendedSite_KeepsItsMail) {
  queue::Rule rule;
  rule.site = "*far.test*";
  const queue::Rule made = lay_down(rule);
  const MessageId id = send({"a@far.test", "anna@local.test"});
  loop.advance(30min);
  EXPECT_EQ(inbox("anna@local.test").size(), 1u);
  EXPECT_TRUE(sites.attempts.empty());
  end(made);
  loop.advance(1s);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
}

}  // namespace
}  // namespace godwit::scheduler
