// Rounds that one slow site holds open: what is known is on record long before they end.

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using queue::Recipient;
using store::Keyspace;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;
using State = Recipient::State;

class LongRound : public SchedulerFixture {
 protected:
  LongRound() { sites.hold("slow.test"); }

  State state(MessageId id, std::size_t recipient) { return load(id)->recipients[recipient].state; }
  void let_go() {
    sites.let_go();
    loop.poll();
  }
  void expect_queue_empty() {
    EXPECT_EQ(queue->totals().messages, 0u);
    EXPECT_EQ(queue->totals().recipients, 0u);
    EXPECT_EQ(queue->totals().held, 0u);
    for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting, Keyspace::due}) EXPECT_EQ(engine.rows(keyspace), 0u);
  }
};

TEST_F(LongRound, QuickSite_IsOnRecordAndNotTriedAgainAfterACrash) {
  const MessageId id = send({"s@slow.test", "q@far.test"});
  loop.advance(4s);
  EXPECT_EQ(state(id, 1), State::pending);
  loop.advance(2s);
  EXPECT_EQ(state(id, 1), State::delivered);
  EXPECT_EQ(state(id, 0), State::pending);
  EXPECT_EQ(load(id)->recipients[0].attempts, 0u);
  EXPECT_LE(load(id)->recipients[0].next_attempt, now() - 6s);
  EXPECT_EQ(queue->totals().recipients, 1u);
  power_cut(Loss::none);
  EXPECT_EQ(sites.waiting(), 1u);  // the slow one, and it alone
  EXPECT_EQ(sites.jobs, 3u);
  let_go();
  EXPECT_EQ(sites.deliveries(id, "q@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, WithoutACrash_EachOutcomeIsRecordedOnce) {
  sites.answers("far.test", [](const std::string& rcpt) { return rcpt[0] == 'q' ? took() : later(); });
  const MessageId id = send({"q@far.test", "s@slow.test", "d@far.test", "anna@local.test"});
  loop.advance(40s);
  EXPECT_EQ(load(id)->recipients[2].attempts, 1u);
  EXPECT_THAT(load(id)->recipients[2].last.remote_reply, HasSubstr("451 4.2.0 later"));
  EXPECT_GT(load(id)->recipients[2].next_attempt, now());
  let_go();
  EXPECT_EQ(load(id)->recipients[2].attempts, 1u);
  EXPECT_EQ(trace.count("deferred"), 1u);
  EXPECT_EQ(trace.count("delivered"), 3u);
  EXPECT_EQ(queue->totals().recipients, 1u);
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(1min);
  EXPECT_EQ(trace.count("delivered"), 4u);
  EXPECT_EQ(sites.deliveries(id, "q@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
}

// Its row is due all the time; nobody else takes it up.
TEST_F(LongRound, DeferredAndDueMeanwhile_WaitsForTheEnd) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"d@far.test", "s@slow.test"});
  loop.advance(20min);
  const MessageId other = send({"d@far.test"});  // makes the feed read the due index
  loop.advance(2min);
  EXPECT_EQ(sites.waiting(), 1u);
  EXPECT_EQ(std::ranges::count(sites.attempts, id, &FakeSites::Attempt::message), 1);
  EXPECT_GE(std::ranges::count(sites.attempts, other, &FakeSites::Attempt::message), 2);
  sites.answers("far.test", [](const std::string&) { return took(); });
  let_go();
  loop.advance(1s);
  EXPECT_EQ(sites.deliveries(id, "d@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  loop.advance(1h);
  expect_queue_empty();
}

TEST_F(LongRound, LocalCopy_ComesOnceHoweverItEnds) {
  for (const Loss loss : {Loss::all, Loss::some, Loss::none}) {
    const auto of_crashes = engine.rows(Keyspace::delivered);
    send({"anna@local.test", "s@slow.test"});
    EXPECT_EQ(engine.rows(Keyspace::delivered), of_crashes + 1);
    loop.advance(8s);
    EXPECT_EQ(engine.rows(Keyspace::delivered), of_crashes);  // recorded and synced, so no longer needed
    power_cut(loss);
    sites.let_go();
    loop.poll();
    sites.hold("slow.test");
    expect_queue_empty();
  }
  EXPECT_THAT(inbox("anna@local.test"), AllOf(SizeIs(3), ::testing::Each(HasSubstr("hello"))));
  EXPECT_THAT(blobs.ids(), SizeIs(3));
}

TEST_F(LongRound, Bounce_GoesOutWhileAnotherJobIsOut) {
  sites.answers("far.test", [](const std::string&) { return never(); });
  const MessageId id = send({"b@far.test", "s@slow.test", "nobody@local.test"});
  loop.advance(6s);
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("; b@far.test"), HasSubstr("; nobody@local.test"))));
  EXPECT_EQ(state(id, 0), State::bounced);
  power_cut(Loss::none);
  let_go();
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, DelayNotice_IsOneForTheWholeRound) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("slow.test", [](const std::string&) { return later(); });
  send({"d@far.test", "s@slow.test"});
  loop.advance(5h);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  let_go();
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("; d@far.test"), HasSubstr("; s@slow.test"))));
}

TEST_F(LongRound, Drop_TakesAllButWhatIsOut) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("slow.test", [](const std::string&) { return later(); });
  const MessageId id = send({"d@far.test", "s@slow.test"});
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  EXPECT_TRUE(scheduler->attempting_since(id));
  loop.advance(6s);
  EXPECT_EQ(state(id, 0), State::dropped);
  EXPECT_EQ(state(id, 1), State::pending);
  let_go();
  EXPECT_FALSE(scheduler->attempting_since(id));
  EXPECT_EQ(sites.attempts.size(), 2u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  EXPECT_THAT(blobs.ids(), IsEmpty());
  expect_queue_empty();
}

TEST_F(LongRound, DropOfWhatIsOut_DoesNotUndoADelivery) {
  const MessageId id = send({"s@slow.test"});
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  loop.advance(6s);
  EXPECT_EQ(state(id, 0), State::pending);
  let_go();
  EXPECT_EQ(trace.count("delivered"), 1u);
  EXPECT_EQ(trace.count("dropped"), 0u);
  expect_queue_empty();
}

TEST_F(LongRound, DropTakenBackByARetry_ReachesOnlyWhatWasDroppedBefore) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("slow.test", [](const std::string&) { return later(); });
  const MessageId id = send({"d@far.test", "s@slow.test"});
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  loop.advance(6s);
  EXPECT_TRUE(act(id, Scheduler::Action::retry));
  let_go();
  EXPECT_EQ(state(id, 0), State::dropped);
  EXPECT_EQ(state(id, 1), State::pending);
  EXPECT_EQ(queue->totals().recipients, 1u);
}

// It is back, but not taken yet: not for the drop that is being recorded.
TEST_F(LongRound, OutcomeThatComesDuringARecord_IsTakenByTheNext) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"d@far.test", "s@slow.test"});
  loop.advance(4s);
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  engine.hold();
  loop.advance(1500ms);
  EXPECT_EQ(engine.held(), 1u);
  let_go();
  engine.release();
  loop.poll();
  EXPECT_EQ(trace.count("delivered"), 1u);
  EXPECT_EQ(trace.count("dropped"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, DropDuringTheLastRecord_IsNotForgotten) {
  sites.answers("slow.test", [](const std::string&) { return later(); });
  const MessageId id = send({"s@slow.test"});
  engine.hold();
  let_go();
  EXPECT_EQ(engine.held(), 1u);
  EXPECT_TRUE(act(id, Scheduler::Action::drop));
  engine.release();
  loop.poll();
  EXPECT_EQ(trace.count("dropped"), 1u);
  expect_queue_empty();
  loop.advance(1h);
  EXPECT_EQ(sites.attempts.size(), 1u);
}

TEST_F(LongRound, Hold_IsOnRecordAtOnceAndOutlivesTheRound) {
  sites.answers("slow.test", [](const std::string&) { return later(); });
  const MessageId id = send({"q@far.test", "s@slow.test"});
  EXPECT_TRUE(act(id, Scheduler::Action::hold));
  loop.advance(6s);
  EXPECT_TRUE(load(id)->held);
  EXPECT_EQ(queue->totals().held, 1u);
  let_go();
  loop.advance(24h);
  EXPECT_TRUE(load(id)->held);
  EXPECT_EQ(sites.attempts.size(), 2u);
  sites.answers("slow.test", [](const std::string&) { return took(); });
  EXPECT_TRUE(act(id, Scheduler::Action::release));
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  EXPECT_EQ(trace.count("held"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, HeldAndReleasedWhileAJobIsOut_GoesOn) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  sites.answers("slow.test", [](const std::string&) { return later(); });
  const MessageId id = send({"d@far.test", "s@slow.test"});
  EXPECT_TRUE(act(id, Scheduler::Action::hold));
  loop.advance(6s);
  EXPECT_TRUE(load(id)->held);
  EXPECT_TRUE(act(id, Scheduler::Action::release));
  EXPECT_TRUE(act(id, Scheduler::Action::retry));
  loop.advance(6s);
  EXPECT_FALSE(load(id)->held);
  EXPECT_EQ(queue->totals().held, 0u);
  sites.answers("far.test", [](const std::string&) { return took(); });
  let_go();
  sites.answers("slow.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "d@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, NothingNew_IsNotWritten) {
  sites.hold("dead.test");
  send({"q@far.test", "a@dead.test", "s@slow.test"});
  loop.advance(4s);
  auto writes = engine.writes();
  loop.advance(2s);
  EXPECT_EQ(engine.writes(), writes + 1);
  loop.advance(3s);
  EXPECT_EQ(engine.writes(), writes + 1);
  sites.let_go(1);  // not more often than each five seconds
  loop.poll();
  EXPECT_EQ(engine.writes(), writes + 1);
  loop.advance(2s);
  EXPECT_EQ(engine.writes(), writes + 2);
  EXPECT_EQ(queue->totals().recipients, 1u);
  let_go();
  EXPECT_EQ(engine.writes(), writes + 3);
  expect_queue_empty();
}

TEST_F(LongRound, AttemptingSince_SaysWhen) {
  const WallTime begin = now();
  const MessageId id = send({"q@far.test", "s@slow.test"});
  loop.advance(30s);
  EXPECT_EQ(scheduler->attempting_since(id), begin);
  let_go();
  EXPECT_EQ(scheduler->attempting_since(id), std::nullopt);
}

// Outcomes of jobs given back by a site's loop may come before this loop has heard of the end.
TEST_F(LongRound, GivenBackBeforeOurDrain_IsNoAttempt) {
  const MessageId id = send({"s@slow.test", "q@far.test"});
  tasks->stop();
  sites.give_back();
  loop.poll();
  EXPECT_EQ(load(id)->recipients[0].attempts + load(id)->recipients[0].probes, 0u);
  EXPECT_EQ(state(id, 1), State::delivered);
  EXPECT_EQ(trace.count("deferred"), 0u);
  restart();
  let_go();
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "q@far.test"), 1u);
}

TEST_F(LongRound, RecordGivenUpAtADrain_KeepsTheHandoverForTheNext) {
  send({"anna@local.test", "s@slow.test"});
  loop.advance(4s);
  scheduler->drain();
  engine.fail_at(1, godwit::testing::MemoryEngine::Failure::full);
  loop.advance(2s);
  EXPECT_EQ(engine.rows(Keyspace::fresh), 1u);
  let_go();
  expect_queue_empty();
  EXPECT_EQ(engine.rows(Keyspace::blob_refs), 1u);
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(HasSubstr("hello")));
}

TEST_F(LongRound, RecordThatFails_IsWrittenLater) {
  const MessageId id = send({"anna@local.test", "s@slow.test"});
  loop.advance(4s);
  engine.fail_at(1, godwit::testing::MemoryEngine::Failure::full);
  loop.advance(1s);
  let_go();
  EXPECT_EQ(engine.rows(Keyspace::fresh), 1u);
  loop.advance(2s);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  EXPECT_THAT(blobs.ids(), SizeIs(1));
  expect_queue_empty();
}

TEST_F(LongRound, AliasFollowed_IsOnRecordWithTheFirstOutcome) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("all@local.test"), {address("q@far.test"), address("s@slow.test")})));
  const MessageId id = send({"all@local.test"});
  loop.advance(6s);
  ASSERT_THAT(load(id)->recipients, SizeIs(2));
  EXPECT_EQ(state(id, 0), State::delivered);
  ASSERT_TRUE(loop.run(directory->remove_alias(address("all@local.test"), {})));
  power_cut(Loss::none);
  let_go();
  EXPECT_EQ(sites.deliveries(id, "q@far.test"), 1u);
  EXPECT_EQ(sites.deliveries(id, "s@slow.test"), 1u);
  expect_queue_empty();
}

TEST_F(LongRound, PowerCutAtEveryWrite_NothingIsLostAndLocalMailComesOnce) {
  for (std::uint64_t n = 1; n <= 16; ++n) {
    for (const auto failure : {godwit::testing::MemoryEngine::Failure::lost, godwit::testing::MemoryEngine::Failure::applied}) {
      SCOPED_TRACE(::testing::Message() << "write " << n);
      sites.hold("slow.test");
      engine.fail_at(n, failure);
      const std::string mark = "mark-" + std::to_string(n) + "-" + std::to_string(static_cast<int>(failure)) + ".";
      const auto id =
          send(make({"bert@local.test", "q@far.test", "nobody@local.test", "s@slow.test"}), "Subject: " + mark + "\r\n\r\nx\r\n");
      loop.advance(12s);
      if (!engine.crashed()) let_go();
      loop.advance(2s);
      power_cut(static_cast<Loss>(n % 3));
      let_go();
      loop.advance(10min);
      expect_queue_empty();
      const auto count = [&](std::string_view account) {
        return std::ranges::count_if(inbox(account), [&](const std::string& text) { return text.contains(mark); });
      };
      if (!id) continue;
      EXPECT_EQ(count("bert@local.test"), 1);
      EXPECT_GE(count("anna@local.test"), 1);
      EXPECT_GE(sites.deliveries(*id, "q@far.test"), 1u);
      EXPECT_GE(sites.deliveries(*id, "s@slow.test"), 1u);
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace godwit::scheduler
