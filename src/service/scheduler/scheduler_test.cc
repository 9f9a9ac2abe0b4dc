#include "service/scheduler/scheduler.h"

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using store::Keyspace;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class SchedulerTest : public SchedulerFixture {};

TEST_F(SchedulerTest, TwoLocalRecipients_ShareOneBlob) {
  const MessageId id = send({"anna@local.test", "bert@local.test"});
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_THAT(inbox("bert@local.test"), ElementsAre(HasSubstr("hello")));
  expect_queue_empty();
  EXPECT_EQ(engine.rows(Keyspace::blob_refs), 2u);
  EXPECT_THAT(blobs.ids(), SizeIs(1));
  EXPECT_EQ(trace.count("delivered"), 2u);
  EXPECT_EQ(trace.count("completed"), 1u);
  EXPECT_EQ(trace.all.front().first, id);
  EXPECT_EQ(engine.rows(Keyspace::delivered), 2u);
  loop.advance(2s);  // the completion is on stable storage now
  EXPECT_EQ(engine.rows(Keyspace::delivered), 0u);
}

TEST_F(SchedulerTest, RemoteRecipients_AreGroupedBySite) {
  const MessageId id = send({"a@far.test", "b@far.test", "c@slow.test", "d@far.test", "anna@local.test"});
  EXPECT_EQ(sites.jobs, 2u);
  EXPECT_EQ(sites.delivered(), 4u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
  EXPECT_EQ(sites.deliveries(id, "d@far.test"), 1u);
  EXPECT_EQ(engine.rows(Keyspace::blob_refs), 1u);
}

TEST_F(SchedulerTest, NothingLeftOver_TheBlobIsDropped) {
  send({"a@far.test"});
  EXPECT_THAT(blobs.ids(), IsEmpty());
  expect_queue_empty();
}

TEST_F(SchedulerTest, Greylisted_IsTriedAgainAtItsOwnTimeAndTheClassIsTold) {
  int tries = 0;
  sites.answers("far.test", [&](const std::string&) {
    if (++tries > 2) return took();
    queue::Outcome grey = later();
    grey.reply_class = "greylisted";
    grey.retry_after = 5min;
    return grey;
  });
  const WallTime begin = now();
  const MessageId id = send({"a@far.test"});
  EXPECT_EQ(load(id)->recipients[0].last.reply_class, "greylisted");
  EXPECT_EQ(load(id)->recipients[0].last.retry_after, 0ms);  // it is in the next attempt
  loop.advance(1h);
  ASSERT_EQ(sites.attempts.size(), 3u);
  EXPECT_LE(sites.attempts[1].time - begin, 2min) << "the first step of the schedule is sooner";
  EXPECT_GE(sites.attempts[2].time - begin, 5min);
  EXPECT_LE(sites.attempts[2].time - begin, 8min);
  EXPECT_THAT(trace.last("deferred"), HasSubstr("451 4.2.0 later (4.2.0, greylisted); tried again in 4m"));
}

TEST_F(SchedulerTest, FiveDaysOfRetries_AtTheStepsOfTheScheduleThenABounce) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const WallTime begin = now();
  send({"a@far.test"});
  loop.advance(6 * 24h);
  std::vector<Duration> times;
  for (const auto& attempt : sites.attempts) times.push_back(attempt.time - begin);
  const std::vector<Duration> steps = {1min, 5min, 15min, 30min, 1h, 2h};
  ASSERT_GT(times.size(), 30u);
  EXPECT_EQ(times[0], 0ms);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_GE(times[i + 1] - times[i], steps[i] * 9 / 10) << i;
    EXPECT_LE(times[i + 1] - times[i], steps[i] * 11 / 10) << i;
  }
  EXPECT_EQ(times[7], 4h);  // the delay notice's moment
  for (std::size_t i = 8; i + 1 < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], Duration(4h) * 9 / 10) << i;
    EXPECT_LE(times[i] - times[i - 1], Duration(4h) * 11 / 10) << i;
  }
  EXPECT_EQ(times.back(), 5 * 24h);
  // For this seed, to the millisecond.
  EXPECT_THAT(std::vector(times.begin() + 1, times.begin() + 4), ElementsAre(60'822ms, 388'964ms, 1'230'059ms));
  expect_queue_empty();
  const auto mail = inbox("anna@local.test");
  ASSERT_THAT(mail, SizeIs(2));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("Action: delayed"), HasSubstr("451 4.2.0 later"), HasSubstr("Will-Retry-Until:")));
  EXPECT_THAT(mail[1],
              AllOf(HasSubstr("Return-Path: <>"), HasSubstr("Action: failed"), HasSubstr("Status: 4.4.7"), HasSubstr("451 4.2.0 later")));
  EXPECT_THAT(mail[1], AllOf(HasSubstr("rfc822; a@far.test"), HasSubstr("Remote-MTA: dns; mx.far.test"), HasSubstr("hello")));
}

TEST_F(SchedulerTest, Restart_ResumesAtTheDueTimeAndNotBefore) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test", "b@far.test"});
  restart();
  EXPECT_EQ(sites.jobs, 1u);
  loop.advance(50s);
  EXPECT_EQ(sites.jobs, 1u);
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(20s);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "b@far.test"), 1u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, FreshAtAPowerCut_IsTriedAfterTheRestart) {
  auto what = make({"anna@local.test", "a@far.test"});
  ASSERT_TRUE(accept(what));  // kept, and the power went before the scheduler heard of it
  power_cut();
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(what.id, "a@far.test"), 1u);
}

TEST_F(SchedulerTest, PowerCutAfterDelivery_LocalMailComesOnceRemoteTwiceAtMost) {
  const MessageId id = send({"anna@local.test", "a@far.test"});
  power_cut();  // the lazy completion is lost
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 2u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, SiteDown_BurnsNoAttempts) {
  sites.answers("dead.test", [](const std::string&) { return down(); });
  const MessageId id = send({"a@dead.test"});
  loop.advance(1h);
  const auto waiting = load(id);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->recipients[0].attempts, 0u);
  EXPECT_EQ(waiting->recipients[0].probes, 5u);
  sites.answers("dead.test", [](const std::string&) { return took(); });
  loop.advance(2h);
  expect_queue_empty();
}

TEST_F(SchedulerTest, PartialFailure_EachRecipientHasItsOwnFate) {
  sites.answers("far.test", [](const std::string& rcpt) { return rcpt[0] == 'a' ? took() : rcpt[0] == 'b' ? later() : never(); });
  const MessageId id = send({"a@far.test", "b@far.test", "c@far.test", "d@far.test"});
  const auto left = load(id);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->recipients[0].state, queue::Recipient::State::delivered);
  EXPECT_EQ(left->recipients[1].state, queue::Recipient::State::pending);
  EXPECT_EQ(left->recipients[2].state, queue::Recipient::State::bounced);
  const auto mail = inbox("anna@local.test");
  ASSERT_THAT(mail, SizeIs(1));  // one bounce for both
  EXPECT_THAT(mail[0],
              AllOf(HasSubstr("c@far.test"), HasSubstr("d@far.test"), Not(HasSubstr("; a@far.test")), Not(HasSubstr("; b@far.test"))));
  EXPECT_THAT(trace.last("deferred"), HasSubstr("tried again in"));
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "b@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
}

TEST_F(SchedulerTest, AThousandRecipients_OneJobAndOneBounceARound) {
  std::vector<std::string> names;
  for (int i = 0; i < 1'000; ++i) names.push_back("r" + std::to_string(i) + "@far.test");
  int round = 0;
  sites.answers("far.test", [&](const std::string& rcpt) {
    const int number = std::stoi(rcpt.substr(1));
    if (number % 100 == 0) return never();
    return round == 0 && number % 2 == 1 ? later() : took();
  });
  const MessageId id = send(names);
  EXPECT_EQ(sites.jobs, 1u);
  round = 1;
  loop.advance(2min);
  EXPECT_EQ(sites.jobs, 2u);  // what failed together is tried together
  std::size_t delivered = 0;
  for (const auto& name : names) delivered += sites.deliveries(id, name);
  EXPECT_EQ(delivered, 990u);
  EXPECT_EQ(sites.attempts.size(), 1'500u);
  const auto mail = inbox("anna@local.test");
  ASSERT_THAT(mail, SizeIs(1));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("; r0@far.test"), HasSubstr("; r900@far.test")));
  expect_queue_empty();
}

TEST_F(SchedulerTest, OneDeadSiteAndOneAlive_TheLiveOneIsNotKeptWaiting) {
  sites.answers("dead.test", [](const std::string&) { return down(); });
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("r" + std::to_string(i) + (i % 2 == 0 ? "@dead.test" : "@far.test"));
  const MessageId id = send(names);
  EXPECT_EQ(sites.delivered(), 50u);
  loop.advance(3 * 24h);
  for (int i = 1; i < 100; i += 2) EXPECT_EQ(sites.deliveries(id, names[static_cast<std::size_t>(i)]), 1u);
  EXPECT_EQ(load(id)->recipients[0].attempts, 0u);
  EXPECT_EQ(queue->totals().recipients, 50u);
  loop.advance(3 * 24h);
  expect_queue_empty();
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(2));  // one delay notice and one bounce, for fifty
}

TEST_F(SchedulerTest, HoldRoute_HoldsUntilReleasedToAnotherRoute) {
  const MessageId id = send({"a@hold.test", "anna@local.test"});
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_TRUE(load(id)->held);
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_EQ(trace.count("held"), 1u);
  loop.advance(10 * 24h);
  EXPECT_TRUE(load(id)->held);
  restart();
  EXPECT_TRUE(act(id, Scheduler::Action::retry));
  EXPECT_TRUE(load(id)->held);
  set_routes({{"hold.test", {"smtp://far.test:25"}}});
  EXPECT_TRUE(act(id, Scheduler::Action::release));
  EXPECT_EQ(sites.deliveries(id, "a@hold.test"), 1u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
}

TEST_F(SchedulerTest, Actions_HoldRetryReleaseDrop) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  EXPECT_EQ(sites.jobs, 1u);
  EXPECT_TRUE(act(id, Scheduler::Action::retry));
  EXPECT_EQ(sites.jobs, 2u);
  EXPECT_TRUE(act(id, Scheduler::Action::hold));
  loop.advance(3h);
  EXPECT_EQ(sites.jobs, 2u);
  EXPECT_TRUE(act(id, Scheduler::Action::release));
  EXPECT_EQ(sites.jobs, 3u);
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  expect_queue_empty();
  EXPECT_THAT(blobs.ids(), IsEmpty());
  EXPECT_FALSE(act(id, Scheduler::Action::retry));
  EXPECT_FALSE(act({12345}, Scheduler::Action::drop));
  loop.advance(24h);
  EXPECT_EQ(sites.jobs, 3u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  power_cut();
  expect_queue_empty();
}

Task<> drop_one(Scheduler& scheduler, MessageId id, std::optional<Result<bool>>& answer) {
  std::string why = "by a test";
  answer = co_await scheduler.act(id, Scheduler::Action::drop, std::move(why));
}

// The store fails once the rows have gone: it has ended all the same, and is not tried nor ended again.
TEST_F(SchedulerTest, DropThatCannotBeSynced_IsOver) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@far.test"});
  ASSERT_EQ(sites.jobs, 1u);
  net::TaskGroup asked;
  std::optional<Result<bool>> answer;
  engine.hold();
  net::spawn(loop.executor(), asked, "drop", drop_one(*scheduler, id, answer));
  loop.poll();
  engine.release(1);
  loop.poll();
  ASSERT_EQ(engine.held(), 1u);  // the sync
  engine.crash_keeping_all();
  loop.poll();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
  EXPECT_EQ(sites.jobs, 1u);
  EXPECT_EQ(queue->totals().messages, 0u);
  EXPECT_EQ(trace.count("dropped"), 1u);
  power_cut(Loss::none);
  expect_queue_empty();
}

TEST_F(SchedulerTest, ActionsDuringAnAttempt_AreDoneAtItsEnd) {
  sites.hold("far.test");
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId held = send({"a@far.test"});
  const MessageId dropped = send({"a@far.test"});
  const MessageId delivered = send({"b@slow.test", "b@far.test"});
  EXPECT_TRUE(act(held, Scheduler::Action::hold));
  EXPECT_TRUE(act(dropped, Scheduler::Action::drop));
  EXPECT_TRUE(act(delivered, Scheduler::Action::hold));
  sites.answers("far.test", [](const std::string& rcpt) { return rcpt[0] == 'a' ? later() : took(); });
  sites.let_go();
  loop.poll();
  EXPECT_TRUE(load(held)->held);
  EXPECT_FALSE(load(dropped));
  EXPECT_FALSE(load(delivered));
  EXPECT_EQ(queue->totals().messages, 1u);
}

TEST_F(SchedulerTest, AliasFoundAtTheAttempt_IsFollowed) {
  const auto done = loop.run(directory->add_alias(address("all@local.test"), {address("anna@local.test"), address("x@far.test")}));
  ASSERT_TRUE(done);
  const MessageId id = send({"all@local.test", "bert@local.test"});
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(id, "x@far.test"), 1u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, AliasOfRecipientsThatAreThereAlready_GivesOneCopyEach) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("all@local.test"), {address("anna@local.test")})));
  send({"anna@local.test", "all@local.test"}, "bert@local.test");
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_THAT(inbox("bert@local.test"), IsEmpty());
  expect_queue_empty();
}

TEST_F(SchedulerTest, AliasExpansion_SurvivesARestart) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("all@local.test"), {address("x@far.test"), address("y@far.test")})));
  sites.answers("far.test", [](const std::string& rcpt) { return rcpt[0] == 'x' ? took() : later(); });
  const MessageId id = send({"all@local.test"});
  ASSERT_TRUE(loop.run(directory->remove_alias(address("all@local.test"), {})));
  sites.answers("far.test", [](const std::string&) { return took(); });
  restart();
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "x@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "y@far.test"), 1u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  expect_queue_empty();
}

TEST_F(SchedulerTest, AliasLoop_Bounces) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("one@local.test"), {address("two@local.test")})));
  ASSERT_TRUE(loop.run(directory->add_alias(address("two@local.test"), {address("one@local.test")})));
  send({"one@local.test"});
  expect_queue_empty();
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(HasSubstr("5.4.6")));
}

TEST_F(SchedulerTest, Overflow_WindowIsBoundedAndNothingIsForgotten) {
  settings.window = 20;
  sites.hold("far.test");
  sites.hold("slow.test");
  std::vector<MessageId> ids;
  for (int i = 0; i < 70; ++i) ids.push_back(send({i % 2 == 0 ? "a@far.test" : "a@slow.test"}));
  EXPECT_LE(sites.most_at_once, 20u);
  for (int i = 0; i < 500 && sites.delivered() < ids.size(); ++i) {
    sites.let_go(1);
    loop.poll();
    EXPECT_LE(sites.waiting(), 20u);
  }
  loop.advance(2min);
  sites.let_go();
  loop.poll();
  for (const MessageId id : ids) EXPECT_EQ(sites.deliveries(id, "a@far.test") + sites.deliveries(id, "a@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, OverflowOfLocalMail_DrainsByItself) {
  settings.window = 8;
  std::vector<queue::Message> messages;
  for (int i = 0; i < 60; ++i) {
    messages.push_back(make({"anna@local.test"}));
    ASSERT_TRUE(accept(messages.back()));
  }
  std::ranges::reverse(messages);  // accepts may end in any order
  for (auto& each : messages) scheduler->accepted(std::move(each));
  loop.poll();
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(60));
  expect_queue_empty();
}

TEST_F(SchedulerTest, SlowSite_DoesNotStopTheOthers) {
  settings.window = 40;
  sites.hold("slow.test");
  std::vector<MessageId> slow;
  for (int i = 0; i < 200; ++i) slow.push_back(send({"a@slow.test"}));
  EXPECT_LE(sites.waiting(), 20u);
  for (int i = 0; i < 100; ++i) {
    const MessageId quick = send({"b@far.test"});
    loop.advance(1s);
    EXPECT_EQ(sites.deliveries(quick, "b@far.test"), 1u) << i;
  }
  for (int i = 0; i < 400; ++i) {
    sites.let_go(1);
    loop.poll();
    EXPECT_LE(sites.waiting(), 40u);
  }
  for (const MessageId id : slow) EXPECT_EQ(sites.deliveries(id, "a@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, ParkedMessages_ObeyTheAdministratorAndARestart) {
  settings.window = 4;
  sites.hold("slow.test");
  std::vector<MessageId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(send({"a@slow.test"}));
  EXPECT_TRUE(act(ids[8], Scheduler::Action::hold));
  EXPECT_TRUE(act(ids[9], Scheduler::Action::drop));
  EXPECT_TRUE(act(ids[10], Scheduler::Action::retry));
  restart();
  for (int i = 0; i < 100; ++i) {
    sites.let_go(1);
    loop.poll();
  }
  sites.let_go();
  loop.poll();
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(sites.deliveries(ids[i], "a@slow.test"), i == 8 || i == 9 ? 0u : 1u) << i;
  EXPECT_TRUE(load(ids[8])->held);
  EXPECT_EQ(queue->totals().messages, 1u);
}

TEST_F(SchedulerTest, Drain_GivesBackWithoutCountingAnAttempt) {
  sites.hold("far.test");
  const MessageId id = send({"a@far.test"});
  restart();
  EXPECT_EQ(sites.waiting(), 1u);
  EXPECT_EQ(load(id)->recipients[0].attempts + load(id)->recipients[0].probes, 0u);
  sites.let_go();
  loop.poll();
  expect_queue_empty();
}

TEST_F(SchedulerTest, AcceptedWhileDraining_WaitsForTheNextStart) {
  scheduler->drain();
  const MessageId id = send({"a@far.test"});
  EXPECT_EQ(sites.jobs, 0u);
  restart();
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
}

TEST_F(SchedulerTest, QueueCannotBeWritten_TheOutcomeIsKeptAndWrittenLater) {
  auto what = make({"a@far.test"});
  ASSERT_TRUE(accept(what));
  engine.fail_at(1, godwit::testing::MemoryEngine::Failure::full);
  scheduler->accepted(what);
  loop.poll();
  EXPECT_EQ(sites.deliveries(what.id, "a@far.test"), 1u);
  EXPECT_EQ(engine.rows(Keyspace::fresh), 1u);
  loop.advance(5s);
  EXPECT_EQ(sites.deliveries(what.id, "a@far.test"), 1u);
  expect_queue_empty();
}

TEST_F(SchedulerTest, IdleServer_HoldsNoMessagesAndWritesLittle) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  for (int i = 0; i < 50; ++i) send({"a@far.test"});
  loop.advance(5 * 24h - 1h);
  const auto writes = engine.writes();
  loop.advance(10min);
  EXPECT_LT(engine.writes() - writes, 80u);  // the floor of ids twice a minute, and attempts that fall due
}

// The power goes at every write of a mixed run: what was accepted is delivered, bounced or still queued, and after enough
// time each recipient has had its mail, local ones once.
TEST_F(SchedulerTest, PowerCutAtEveryWrite_NothingIsLostAndLocalMailComesOnce) {
  for (std::uint64_t n = 1; n <= 75; ++n) {
    for (const auto failure : {godwit::testing::MemoryEngine::Failure::lost, godwit::testing::MemoryEngine::Failure::applied}) {
      SCOPED_TRACE(::testing::Message() << "write " << n);
      sites.answers("far.test", [count = 0](const std::string&) mutable { return ++count % 3 == 0 ? later() : took(); });
      engine.fail_at(n, failure);
      std::vector<std::pair<MessageId, std::string>> kept;
      for (int i = 0; i < 8 && !engine.crashed(); ++i) {
        const std::string mark =
            "mark-" + std::to_string(n) + "-" + std::to_string(static_cast<int>(failure)) + "-" + std::to_string(i) + ".";
        auto what = make(i % 2 == 0 ? std::vector<std::string>{"bert@local.test", "x@far.test"}
                                    : std::vector<std::string>{"bert@local.test", "nobody@local.test"});
        const auto done = send(std::move(what), "Subject: " + mark + "\r\n\r\nbody\r\n");
        if (done) kept.emplace_back(*done, mark);
        loop.advance(500ms);
      }
      loop.advance(2s);
      power_cut(static_cast<Loss>(n % 3));
      loop.advance(10min);
      expect_queue_empty();
      const auto bert = inbox("bert@local.test");
      const auto anna = inbox("anna@local.test");
      for (std::size_t i = 0; i < kept.size(); ++i) {
        EXPECT_EQ(std::ranges::count_if(bert, [&](const std::string& text) { return text.contains(kept[i].second); }), 1) << i;
        const bool bounces = std::ranges::none_of(sites.attempts, [&](const auto& each) { return each.message == kept[i].first; });
        const auto bounced = std::ranges::count_if(anna, [&](const std::string& text) { return text.contains(kept[i].second); });
        if (bounces)
          EXPECT_GE(bounced, 1) << i;
        else
          EXPECT_GE(sites.deliveries(kept[i].first, "x@far.test"), 1u) << i;
      }
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace godwit::scheduler
