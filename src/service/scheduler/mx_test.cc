// Recipients whose domain the DNS knows: who waits for it, and who does not.

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SchedulerMx : public SchedulerFixture {
 protected:
  SchedulerMx() {
    dns.add_mx("one.test", 10, "mx.one.test");
    dns.add_mx("two.test", 10, "mx.one.test");
  }
  void settle() { loop.advance(1ms); }
};

TEST_F(SchedulerMx, GoesToTheHostOfTheMx) {
  const MessageId id = send({"a@one.test"});
  settle();
  EXPECT_EQ(sites.deliveries(id, "a@one.test"), 1u);
  EXPECT_EQ(sites.attempts[0].site, "mx.one.test");
}

TEST_F(SchedulerMx, DomainsOfOneProviderShareAJob) {
  send({"a@one.test", "b@two.test", "c@one.test"});
  settle();
  EXPECT_EQ(sites.delivered(), 3u);
  EXPECT_EQ(sites.jobs, 1u);
}

TEST_F(SchedulerMx, SilentDnsOfOneDomain_DoesNotCloseItsProvider) {
  send({"a@one.test"});
  send({"b@two.test"});
  settle();
  loop.advance(48h);  // nothing is remembered
  dns.silence("one.test");
  send({"a@one.test"});
  loop.advance(2min);
  const MessageId id = send({"b@two.test"});
  settle();
  EXPECT_EQ(sites.deliveries(id, "b@two.test"), 1u);
}

TEST_F(SchedulerMx, AnswerIsRemembered) {
  for (int i = 0; i < 5; ++i) send({"a@one.test"});
  settle();
  EXPECT_EQ(sites.delivered(), 5u);
  EXPECT_EQ(dns.questions("one.test", dns::Type::mx), 1u);
}

TEST_F(SchedulerMx, DomainThatDoesNotExist_Bounces) {
  const MessageId id = send({"a@nowhere.test"});
  settle();
  EXPECT_THAT(trace.last("bounced"), HasSubstr("5.1.2"));
  ASSERT_EQ(inbox("anna@local.test").size(), 1u);
  EXPECT_THAT(inbox("anna@local.test")[0], HasSubstr("The domain nowhere.test does not exist"));
  EXPECT_EQ(sites.deliveries(id, "a@nowhere.test"), 0u);
}

TEST_F(SchedulerMx, NullMx_BouncesWithItsOwnStatus) {
  dns.add_mx("none.test", 0, "");
  send({"a@none.test"});
  settle();
  EXPECT_THAT(trace.last("bounced"), HasSubstr("5.1.10"));
}

TEST_F(SchedulerMx, SilentDns_UsesUpNoAttempts_AndTheMailGoesWhenItIsBack) {
  dns.silence("one.test");
  const MessageId id = send({"a@one.test"});
  loop.advance(10min);
  EXPECT_THAT(trace.last("deferred"), HasSubstr("the DNS does not say where mail for one.test goes"));
  EXPECT_THAT(trace.last("deferred"), HasSubstr("4.4.3"));
  const auto message = loop.run(queue->load(id));
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->recipients[0].attempts, 0u);
  EXPECT_GE((*message)->recipients[0].probes, 2u);
  dns.recover("one.test");
  loop.advance(20min);
  EXPECT_EQ(sites.deliveries(id, "a@one.test"), 1u);
}

TEST_F(SchedulerMx, LocalRecipientOfTheSameMessageDoesNotWaitForTheDns) {
  dns.silence("one.test");
  send({"anna@local.test", "a@one.test"}, "bert@local.test");
  EXPECT_EQ(inbox("anna@local.test").size(), 1u);
  loop.advance(6s);
  dns.recover("one.test");
  loop.advance(2min);
  EXPECT_EQ(inbox("anna@local.test").size(), 1u) << "once";
  EXPECT_EQ(sites.delivered(), 1u);
}

// A queue full of mail for domains that nobody answers for must not keep anything else from its way.
TEST_F(SchedulerMx, DeadDnsWithThousandsOfDomains_LocalAndRoutedMailGoOn) {
  settings.window = 100;
  dns.silence_all();
  for (int i = 0; i < 1'000; ++i) send({"a@d" + std::to_string(i) + ".test"});
  const MessageId routed = send({"x@far.test"});
  send({"anna@local.test"}, "bert@local.test");
  loop.poll();
  EXPECT_EQ(sites.deliveries(routed, "x@far.test"), 1u);
  EXPECT_EQ(inbox("anna@local.test").size(), 1u);
  dns.silence_all(false);
  for (int i = 0; i < 1'000; ++i) dns.add_mx("d" + std::to_string(i) + ".test", 1, "mx.one.test");
  loop.advance(30min);
  EXPECT_EQ(sites.delivered(), 1'001u);
}

TEST_F(SchedulerMx, AliasToTheWorld_IsForwardedByMx) {
  const auto added = loop.run(directory->add_alias(address("out@local.test"), {address("a@one.test")}));
  ASSERT_TRUE(added) << added.error().text;
  const MessageId id = send({"out@local.test"});
  settle();
  EXPECT_EQ(sites.deliveries(id, "a@one.test"), 1u);
}

TEST_F(SchedulerMx, ShutdownDoesNotWaitForTheDns_AndNothingIsLost) {
  dns.silence("one.test");
  const MessageId id = send({"a@one.test"});
  dns.stop();
  loop.poll();
  restart();
  const auto message = loop.run(queue->load(id));
  ASSERT_TRUE(message && *message);
}

}  // namespace
}  // namespace godwit::scheduler
