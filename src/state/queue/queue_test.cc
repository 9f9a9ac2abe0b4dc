#include "state/queue/queue.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "edge/net/loop.h"
#include "edge/net/task_group.h"
#include "state/queue/queue_fixture.h"
#include "state/queue/record.h"

namespace godwit::queue {
namespace {

using store::Keyspace;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::QueueFixture;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class QueueTest : public QueueFixture {};

TEST_F(QueueTest, OrdinaryMessage_CostsOnePutAndOneDelete) {
  const auto before = engine.writes();
  const Message message = accepted();
  EXPECT_EQ(engine.writes() - before, 1u);
  EXPECT_EQ(engine.dump(shard(0), Keyspace::fresh).size(), 1u);
  ASSERT_TRUE(complete(*load(message.id)));
  EXPECT_EQ(engine.writes() - before, 2u);
  EXPECT_EQ(engine.rows(Keyspace::fresh), 0u);
  EXPECT_THAT(blobs.dropped(), ElementsAre(message.blob));
}

TEST_F(QueueTest, Accepted_SurvivesAPowerCut) {
  const Message message = accepted(40);
  crash_and_open();
  const auto back = load(message.id);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->recipients.size(), 40u);
  EXPECT_EQ(back->recipients[39].address, message.recipients[39].address);
  EXPECT_THAT(fresh_ids(), ElementsAre(message.id));
}

TEST_F(QueueTest, WhileBytesAreUnsynced_NothingIsVisible) {
  blobs.hold_syncs(true);
  Message message = this->message();
  bool done = false;
  loop.start([](QueueTest& self, Message& into, bool& flag) -> Task<> {
    const auto result = co_await self.write(into);
    flag = result.has_value();
  }(*this, message, done));
  loop.poll();
  EXPECT_EQ(engine.rows(Keyspace::fresh), 1u);  // the row is beside it, not after it
  EXPECT_FALSE(done);
  EXPECT_THAT(fresh_ids(), IsEmpty());
  EXPECT_FALSE(load(message.id));
  EXPECT_THAT(*loop.run(queue->list(std::nullopt, 10)), IsEmpty());
  blobs.hold_syncs(false);
  loop.poll();
  EXPECT_TRUE(done);
  EXPECT_THAT(fresh_ids(), ElementsAre(message.id));
}

TEST_F(QueueTest, BytesFail_RowIsErasedDurablyBeforeTheError) {
  blobs.fail_syncs(true);
  Message message = this->message(40);
  EXPECT_FALSE(accept(message));
  EXPECT_EQ(engine.rows(Keyspace::fresh), 0u);
  EXPECT_THAT(blobs.dropped(), ElementsAre(message.blob));
  crash_and_open();
  EXPECT_THAT(fresh_ids(), IsEmpty());
  EXPECT_EQ(queue->totals().messages, 0u);
}

TEST_F(QueueTest, StoreFull_IsSaidAndNothingIsKept) {
  Message message = this->message();
  engine.fail_at(1, godwit::testing::MemoryEngine::Failure::full);
  const auto result = accept(message);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause, Error::Cause::full);
  EXPECT_THAT(fresh_ids(), IsEmpty());
  EXPECT_THAT(blobs.ids(), IsEmpty());
}

TEST_F(QueueTest, FullStore_StillCompletesAndUpdates) {
  const Message one = accepted();
  const Message two = accepted();
  engine.set_full(true);
  Message held = *load(two.id);
  held.held = true;
  EXPECT_TRUE(complete(*load(one.id)));
  EXPECT_TRUE(update(held));
}

TEST_F(QueueTest, AcceptsEndOutOfOrder_EachIsFoundAfterItsEnd) {
  Message first = message();
  Message second = message();
  ASSERT_TRUE(accept(second));
  EXPECT_THAT(fresh_ids(), ElementsAre(second.id));
  ASSERT_TRUE(accept(first));
  EXPECT_THAT(fresh_ids(), ElementsAre(first.id, second.id));
}

TEST_F(QueueTest, Fresh_PagesThroughMessagesOfAllSizes) {
  std::vector<MessageId> ids;
  for (std::size_t i = 0; i < 30; ++i) ids.push_back(accepted(i % 3 == 0 ? 50 : 1).id);
  std::vector<MessageId> seen;
  std::optional<MessageId> after;
  while (true) {
    const auto page = *loop.run(queue->fresh(0, after, 7));
    for (const Message& each : page) {
      seen.push_back(each.id);
      EXPECT_EQ(each.recipients.size(), (seen.size() - 1) % 3 == 0 ? 50u : 1u);
      after = each.id;
    }
    if (page.size() < 7) break;
  }
  EXPECT_EQ(seen, ids);
}

TEST_F(QueueTest, Update_MovesToWaitingAndTheIndex) {
  Message message = *load(accepted(20).id);
  for (Recipient& rcpt : message.recipients) rcpt.next_attempt = now() + 5min;
  message.recipients[17].next_attempt = now() + 1min;
  message.recipients[3].state = Recipient::State::delivered;
  ASSERT_TRUE(update(message, {{"ref"}}));
  EXPECT_EQ(engine.rows(Keyspace::fresh), 0u);
  EXPECT_EQ(engine.rows(Keyspace::waiting), 2u);
  EXPECT_EQ(engine.rows(Keyspace::blob_refs), 1u);
  EXPECT_TRUE(due(now()).entries.empty());
  EXPECT_EQ(due(now()).next, now() + 1min);
  const auto entries = due(now() + 1min).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].id, message.id);
  crash_and_open();
  const auto back = load(message.id);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->recipients[3].state, Recipient::State::delivered);
  EXPECT_EQ(back->recipients[17].next_attempt, now() + 1min);
  EXPECT_EQ(queue->totals().recipients, 19u);
  ASSERT_TRUE(complete(*back));
  EXPECT_EQ(engine.rows(Keyspace::waiting) + engine.rows(Keyspace::due), 0u);
  EXPECT_THAT(blobs.dropped(), IsEmpty());  // a mailbox has it
}

TEST_F(QueueTest, OneRecipientOfAThousand_RewritesOnePage) {
  Message message = *load(accepted(1'000).id);
  for (Recipient& rcpt : message.recipients) rcpt.next_attempt = now() + 1min;
  ASSERT_TRUE(update(message));
  const auto rows_before = engine.dump(shard(0), Keyspace::waiting);
  ASSERT_EQ(rows_before.size(), 63u);
  for (const bool loaded_again : {false, true}) {
    if (loaded_again) message = *load(message.id);
    const auto before = engine.dump(shard(0), Keyspace::waiting);
    message.recipients[500].attempts += 1;
    ASSERT_TRUE(update(message));
    const auto after = engine.dump(shard(0), Keyspace::waiting);
    std::size_t rewritten = 0;
    for (std::size_t i = 0; i < before.size(); ++i) rewritten += before[i].version != after[i].version;
    EXPECT_EQ(rewritten, 1u);
  }
  EXPECT_EQ(engine.rows(Keyspace::due), 1u);
}

TEST_F(QueueTest, StateLargerThanABatch_IsWrittenInSeveral) {
  Message message = *load(accepted(2'000).id);
  for (Recipient& rcpt : message.recipients) {
    rcpt.attempts = 1;
    rcpt.next_attempt = now() + 1min;
    rcpt.last.remote_reply.assign(kMaxOutcomeText, 'r');
    rcpt.last.text.assign(kMaxOutcomeText, 't');
  }
  const auto before = engine.writes();
  ASSERT_TRUE(update(message));
  EXPECT_GT(engine.writes() - before, 3u);
  EXPECT_EQ(load(message.id)->recipients.size(), 2'000u);
  EXPECT_EQ(load(message.id)->recipients[1'999].last.text.size(), kMaxOutcomeText);
  ASSERT_TRUE(complete(message));
  EXPECT_EQ(engine.rows(Keyspace::waiting), 0u);
}

TEST_F(QueueTest, LargeMoveCutOff_LeavesTheFreshMessageWhole) {
  Message message = *load(accepted(2'000).id);
  for (Recipient& rcpt : message.recipients) {
    rcpt.attempts = 1;
    rcpt.last.text.assign(kMaxOutcomeText, 't');
  }
  engine.fail_at(3, godwit::testing::MemoryEngine::Failure::lost);
  EXPECT_FALSE(update(message));
  EXPECT_FALSE(message.rows.waiting);
  engine.crash_keeping_all();
  queue.reset();
  engine.restart();
  EXPECT_GT(engine.rows(Keyspace::waiting), 0u);
  open();
  EXPECT_EQ(engine.rows(Keyspace::waiting), 0u);
  const auto back = load(message.id);
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->rows.waiting);
  EXPECT_EQ(back->recipients.size(), 2'000u);
}

TEST_F(QueueTest, Due_GoesOnBehindAnEntry) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 10; ++i) {
    Message message = *load(accepted().id);
    message.recipients[0].next_attempt = now() + (i < 5 ? 1s : 2s);
    ASSERT_TRUE(update(message));
    ids.push_back(message.id);
  }
  std::vector<MessageId> seen;
  std::optional<DueEntry> after;
  for (int round = 0; round < 4; ++round) {
    const Queue::Due page = due(now() + 2s, 3, after);
    for (const DueEntry& entry : page.entries) seen.push_back(entry.id);
    after = page.entries.back();
    EXPECT_EQ(page.next.has_value(), round < 3);
  }
  EXPECT_EQ(seen, ids);
}

TEST_F(QueueTest, Held_IsNeverDueButListedAndCounted) {
  Message message = *load(accepted().id);
  message.held = true;
  message.held_because = "by the administrator";
  ASSERT_TRUE(update(message));
  const Queue::Due never = due(now() + 24h * 365 * 50);
  EXPECT_TRUE(never.entries.empty());
  EXPECT_FALSE(never.next);
  EXPECT_EQ(queue->totals().held, 1u);
  reopen();
  EXPECT_EQ(queue->totals().held, 1u);
  Message back = *load(message.id);
  EXPECT_TRUE(back.held);
  back.held = false;
  back.recipients[0].next_attempt = now();
  ASSERT_TRUE(update(back));
  EXPECT_EQ(due(now()).entries.size(), 1u);
  EXPECT_EQ(engine.rows(Keyspace::due), 1u);
  EXPECT_EQ(queue->totals().held, 0u);
}

TEST_F(QueueTest, HeldFromTheFirst_IsOneWriteAndNeverFresh) {
  const auto before = engine.writes();
  Message message = this->message(16);
  message.held = true;
  message.held_because = "its route says hold";
  ASSERT_TRUE(accept(message));
  EXPECT_EQ(engine.writes() - before, 1u);
  EXPECT_THAT(fresh_ids(), IsEmpty());
  EXPECT_EQ(engine.rows(Keyspace::waiting), 1u);
  EXPECT_EQ(engine.rows(Keyspace::due), 1u);
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_EQ(queue->totals().recipients, 16u);
  const Queue::Due never = due(now() + 24h * 365 * 50);
  EXPECT_TRUE(never.entries.empty());
  EXPECT_FALSE(never.next);
  crash_and_open();
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_EQ(queue->totals().messages, 1u);
  EXPECT_THAT(*loop.run(queue->list(std::nullopt, 10)), SizeIs(1));
  Message back = *load(message.id);
  EXPECT_TRUE(back.held);
  EXPECT_EQ(back.held_because, "its route says hold");

  back.held = false;  // released
  back.recipients[0].next_attempt = now();
  ASSERT_TRUE(update(back));
  EXPECT_EQ(due(now()).entries.size(), 1u);
  EXPECT_EQ(engine.rows(Keyspace::due), 1u);
  EXPECT_EQ(queue->totals().held, 0u);
  ASSERT_TRUE(complete(*load(message.id)));
  for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting, Keyspace::due}) EXPECT_EQ(engine.rows(keyspace), 0u);
  EXPECT_THAT(blobs.dropped(), ElementsAre(message.blob));
}

TEST_F(QueueTest, HeldFromTheFirst_WithPages_IsFresh) {
  Message message = this->message(17);
  message.held = true;
  ASSERT_TRUE(accept(message));
  EXPECT_FALSE(message.rows.waiting);
  EXPECT_THAT(fresh_ids(), ElementsAre(message.id));
  EXPECT_TRUE(load(message.id)->held);
  EXPECT_EQ(queue->totals().held, 1u);
}

TEST_F(QueueTest, HeldFromTheFirst_WhileBytesAreUnsynced_IsInvisible) {
  blobs.hold_syncs(true);
  Message message = this->message();
  message.held = true;
  bool done = false;
  loop.start([](QueueTest& self, Message& into, bool& flag) -> Task<> {
    const auto result = co_await self.write(into);
    flag = result.has_value();
  }(*this, message, done));
  loop.poll();
  EXPECT_EQ(engine.rows(Keyspace::waiting), 1u);  // the rows are beside the bytes, not after them
  EXPECT_FALSE(done);
  EXPECT_FALSE(load(message.id));
  EXPECT_THAT(*loop.run(queue->list(std::nullopt, 10)), IsEmpty());
  EXPECT_EQ(queue->totals().held, 0u);
  blobs.hold_syncs(false);
  loop.poll();
  EXPECT_TRUE(done);
  EXPECT_TRUE(load(message.id)->held);
}

TEST_F(QueueTest, HeldFromTheFirst_BytesFail_NothingIsLeft) {
  blobs.fail_syncs(true);
  Message message = this->message();
  message.held = true;
  EXPECT_FALSE(accept(message));
  EXPECT_EQ(engine.rows(Keyspace::waiting), 0u);
  EXPECT_EQ(engine.rows(Keyspace::due), 0u);
  EXPECT_THAT(blobs.dropped(), ElementsAre(message.blob));
  EXPECT_EQ(queue->totals().held, 0u);
}

TEST_F(QueueTest, Totals_AreTheSameAfterARestart) {
  accepted(3);
  Message moved = *load(accepted(20).id);
  moved.recipients[0].state = Recipient::State::bounced;
  moved.recipients[1].next_attempt = now() + 1h;
  ASSERT_TRUE(update(moved));
  Message done = accepted();
  ASSERT_TRUE(complete(*load(done.id)));
  const Queue::Totals before = queue->totals();
  EXPECT_EQ(before.messages, 2u);
  EXPECT_EQ(before.recipients, 22u);
  EXPECT_EQ(before.bytes, 2 * done.size);
  reopen();
  const Queue::Totals after = queue->totals();
  EXPECT_EQ(after.messages, before.messages);
  EXPECT_EQ(after.recipients, before.recipients);
  EXPECT_EQ(after.held, before.held);
  EXPECT_EQ(after.bytes, before.bytes);
}

TEST_F(QueueTest, List_MergesFreshAndWaitingOfAllShardsInOrder) {
  reopen(3);
  std::vector<MessageId> ids;
  for (std::size_t i = 0; i < 12; ++i) {
    loop.advance(1ms);
    Message each = message(i % 4 == 0 ? 20 : 1, i % 3);
    ASSERT_TRUE(accept(each));
    ids.push_back(each.id);
    if (i % 2 == 0) {
      Message moved = *load(each.id);
      ASSERT_TRUE(update(moved));
    }
  }
  std::ranges::sort(ids);
  reopen(1);  // shards of loops that are gone are still owned
  std::vector<MessageId> seen;
  std::optional<MessageId> after;
  while (true) {
    const auto page = *loop.run(queue->list(after, 5));
    for (const Message& each : page) seen.push_back(each.id);
    if (page.size() < 5) break;
    after = page.back().id;
  }
  EXPECT_EQ(seen, ids);
  EXPECT_THAT(queue->used_shards(), ElementsAre(0, 1, 2));
}

TEST_F(QueueTest, Fenced_WhenANewerEpochHasTheShard) {
  Queue newer(engine, blobs, loop.clock());
  ASSERT_TRUE(loop.run(newer.open(1)));
  Message message = this->message();
  const auto result = accept(message);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause, Error::Cause::conflict);
  EXPECT_EQ(engine.rows(Keyspace::fresh), 0u);
}

TEST_F(QueueTest, CrashAtEveryWrite_WhatWasAcknowledgedIsThere) {
  for (std::uint64_t n = 1; n < 40; ++n) {
    for (const auto failure : {godwit::testing::MemoryEngine::Failure::lost, godwit::testing::MemoryEngine::Failure::applied}) {
      engine.fail_at(n, failure);
      std::vector<MessageId> kept;
      for (int i = 0; i < 12 && !engine.crashed(); ++i) {
        Message each = message(i % 3 == 0 ? 30 : 1);
        each.held = i % 5 == 3;
        if (!accept(each)) break;
        kept.push_back(each.id);
        if (i % 4 == 1) {
          auto loaded = loop.run(queue->load(each.id));
          if (!loaded || !*loaded) break;
          (*loaded)->recipients[0].next_attempt = now() + 1h;
          if (!update(**loaded)) break;
        }
        if (i % 4 == 2) {
          auto loaded = loop.run(queue->load(each.id));
          if (!loaded || !*loaded) break;
          kept.pop_back();
          if (!complete(**loaded)) break;
        }
      }
      crash_and_open();
      const auto all = *loop.run(queue->list(std::nullopt, 1'000));
      for (const MessageId id : kept) {
        EXPECT_TRUE(std::ranges::find(all, id, &Message::id) != all.end()) << "write " << n;
        const auto back = load(id);
        ASSERT_TRUE(back);
        EXPECT_TRUE(loop.run(blobs.size(back->blob)));
      }
      for (const Message& each : all) ASSERT_TRUE(complete(*load(each.id)));
      EXPECT_EQ(queue->totals().messages, 0u);
      for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting, Keyspace::due}) EXPECT_EQ(engine.rows(keyspace), 0u);
    }
  }
}

// Several loops, each with its shard, on threads of their own.
TEST(QueueThreads, LoopsWorkSideBySide) {
  constexpr std::size_t kLoops = 4;
  godwit::testing::MemoryEngine engine;
  std::array<godwit::testing::MemoryBlobs, kLoops> blobs;  // one loop each
  const auto clock = make_system_clock();
  godwit::testing::MemoryBlobs shared;
  Queue queue(engine, shared, *clock);
  godwit::testing::TestLoop opener;
  ASSERT_TRUE(opener.run(queue.open(kLoops)));
  net::TaskGroup group;
  net::LoopPool loops(kLoops);
  std::atomic<std::size_t> done{0};
  const auto work = [](Queue& each_queue, godwit::testing::MemoryBlobs& bytes, std::size_t loop,
                       std::atomic<std::size_t>& count) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      Message message;
      message.id = each_queue.next_id(loop);
      message.recipients.push_back(testing::recipient("a@example.net"));
      auto writer = bytes.begin(Queue::partition_of(message.id), message.id.value);
      message.blob = *co_await writer->finish();
      const auto kept = co_await each_queue.accept(message, *writer);
      EXPECT_TRUE(kept);
      auto loaded = co_await each_queue.load(message.id);
      EXPECT_TRUE(loaded && *loaded);
      if (i % 2 == 0) {
        const auto updated = co_await each_queue.update(**loaded, {}, true);
        EXPECT_TRUE(updated);
      } else {
        const auto completed = co_await each_queue.complete(**loaded, {{"ref"}});
        EXPECT_TRUE(completed);
      }
      if (i % 50 == 0) {
        const auto listed = co_await each_queue.list(std::nullopt, 20);
        EXPECT_TRUE(listed);
      }
    }
    ++count;
  };
  for (std::size_t i = 0; i < kLoops; ++i) net::spawn(loops.executor(i), group, "work", work(queue, blobs[i], i, done));
  loops.run();
  while (done < kLoops) std::this_thread::yield();
  loops.stop();
  EXPECT_EQ(queue.totals().messages, kLoops * 100);
}

}  // namespace
}  // namespace godwit::queue
