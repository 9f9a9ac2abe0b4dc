// The commit thread: groups, bounds, failures.

#include "edge/store/commit_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace godwit::store {
namespace {

class FakeSink final : public CommitSink {
 public:
  Outcome commit(WriteGroup group, How how) override {
    if (how == How::no_sync_no_wait && busy) return Outcome::would_wait;
    if (blocked) gate.acquire();
    groups.push_back(group.size());
    for (const auto& write : group) bytes += write->batch.bytes();
    synced_groups += how == How::sync ? 1 : 0;
    committed_by = std::this_thread::get_id();
    return fail ? Outcome::failed : Outcome::yes;
  }
  bool sync() override {
    ++syncs;
    return true;
  }
  void settled(WriteGroup group) override { settled_writes += group.size(); }
  bool mark() override {
    ++marks;
    return true;
  }
  void tick() override { ++ticks; }

  std::atomic<bool> blocked{false};
  std::atomic<bool> fail{false};
  std::atomic<bool> busy{false};  // would make a pusher wait
  std::counting_semaphore<> gate{0};
  std::vector<std::size_t> groups;
  std::size_t bytes = 0;
  int synced_groups = 0;
  std::size_t settled_writes = 0;
  std::thread::id committed_by;
  std::atomic<int> syncs{0};
  std::atomic<int> marks{0};
  std::atomic<int> ticks{0};
};

std::unique_ptr<PendingWrite> one(std::size_t size, Batch::Durability durability, std::atomic<int>& ok, std::atomic<int>& unknown) {
  auto write = std::make_unique<PendingWrite>();
  write->batch.durability = durability;
  for (std::size_t left = size; left > 0;) {
    const std::size_t piece = std::min(left, kMaxValue);
    write->batch.put(Keyspace::mailbox, "", std::string(piece, 'x'));
    left -= piece;
  }
  write->answer = [&](const WriteStep& step) { step.done.ok() ? ++ok : ++unknown; };
  return write;
}

// As an engine does.
void push(CommitQueue& queue, std::unique_ptr<PendingWrite> write) {
  if (queue.push(std::move(write))) queue.commit_own();
}

TEST(CommitQueue, WhatWaits_BecomesOneGroup_SyncedIfOneIsDurable) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  sink.blocked = true;
  {
    CommitQueue queue(sink, 10);
    push(queue, one(10, Batch::Durability::durable, ok, unknown));
    while (!queue.has_room()) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) push(queue, one(10, i == 20 ? Batch::Durability::durable : Batch::Durability::lazy, ok, unknown));
    sink.blocked = false;
    sink.gate.release(3);
  }
  EXPECT_EQ(ok, 51);
  EXPECT_LE(sink.groups.size(), 3u);
  EXPECT_GE(sink.synced_groups, 1);
  EXPECT_EQ(sink.settled_writes, 51u);
  EXPECT_GE(sink.marks, 1);
}

TEST(CommitQueue, Groups_HoldFourMebibytes) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  sink.blocked = true;
  {
    CommitQueue queue(sink, 0);
    for (int i = 0; i < 20; ++i) push(queue, one(1'000'000, Batch::Durability::lazy, ok, unknown));
    sink.blocked = false;
    sink.gate.release(20);
  }
  EXPECT_EQ(ok, 20);
  for (const std::size_t size : sink.groups) EXPECT_LE(size, 4u);
}

TEST(CommitQueue, FullQueue_MakesWritersWait) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  std::atomic<int> let_in{0};
  sink.blocked = true;
  {
    CommitQueue queue(sink, 0);
    int pushed = 0;
    for (; queue.has_room(); ++pushed) push(queue, one(1'000'000, Batch::Durability::lazy, ok, unknown));
    EXPECT_NEAR(pushed, 67, 2);
    queue.when_room([&] { ++let_in; });
    EXPECT_EQ(let_in, 0);
    sink.blocked = false;
    sink.gate.release(100);
    while (let_in == 0) std::this_thread::yield();
    EXPECT_TRUE(queue.has_room());
  }
  EXPECT_EQ(let_in, 1);
}

TEST(CommitQueue, AfterAFailure_NothingIsWrittenAndEverybodyHearsUnknown) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  sink.fail = true;
  {
    CommitQueue queue(sink, 0);
    push(queue, one(10, Batch::Durability::durable, ok, unknown));
    while (unknown == 0) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) push(queue, one(10, Batch::Durability::durable, ok, unknown));
  }
  EXPECT_EQ(ok, 0);
  EXPECT_EQ(unknown, 6);
  EXPECT_EQ(sink.groups.size(), 1u);
  EXPECT_EQ(sink.settled_writes, 6u) << "the serialisers let go of them all the same";
  EXPECT_EQ(sink.syncs, 0);
}

TEST(CommitQueue, LazyWrites_AreSyncedSoonWithoutAnother) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  push(queue, one(10, Batch::Durability::lazy, ok, unknown));
  while (sink.syncs == 0 || sink.marks == 0) std::this_thread::yield();
  EXPECT_EQ(ok, 1);
}

void wait_until_it_sleeps() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

TEST(CommitQueue, SmallLazyWrite_IsCommittedByWhoPushedIt_WhileTheThreadSleeps) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  wait_until_it_sleeps();
  ASSERT_TRUE(queue.push(one(10, Batch::Durability::lazy, ok, unknown)));
  EXPECT_EQ(ok, 0);
  EXPECT_FALSE(queue.push(one(10, Batch::Durability::lazy, ok, unknown))) << "one at a time commits";
  EXPECT_FALSE(queue.push(one(10, Batch::Durability::durable, ok, unknown)));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(ok, 0) << "the thread waits for the pusher";
  queue.commit_own();
  EXPECT_GE(ok, 1);
  while (ok < 3) std::this_thread::yield();
}

TEST(CommitQueue, OwnWrite_IsSyncedInTime) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  wait_until_it_sleeps();
  const auto begin = std::chrono::steady_clock::now();
  push(queue, one(10, Batch::Durability::lazy, ok, unknown));
  EXPECT_EQ(sink.committed_by, std::this_thread::get_id());
  EXPECT_EQ(sink.syncs, 0);
  while (sink.syncs == 0 || sink.marks == 0) std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(600)) << "not at the next tick, a second later";
}

TEST(CommitQueue, EngineThatWouldMakeThePusherWait_LeavesItToTheThread) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  wait_until_it_sleeps();
  sink.busy = true;
  push(queue, one(10, Batch::Durability::lazy, ok, unknown));
  while (ok == 0) std::this_thread::yield();
  EXPECT_NE(sink.committed_by, std::this_thread::get_id());
  EXPECT_EQ(sink.settled_writes, 1u);
}

TEST(CommitQueue, WriteThatMayHaveToWaitForRoom_IsTheThreads) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  wait_until_it_sleeps();
  EXPECT_FALSE(queue.push(one(10, Batch::Durability::lazy, ok, unknown), CommitQueue::By::thread));
  while (ok == 0) std::this_thread::yield();
}

TEST(CommitQueue, LargeLazyWrite_IsTheThreads) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  CommitQueue queue(sink, 0);
  wait_until_it_sleeps();
  EXPECT_FALSE(queue.push(one(CommitQueue::kOwnBytes, Batch::Durability::lazy, ok, unknown)));
}

TEST(CommitQueue, ManyPushers_EachIsAnsweredOnce) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  constexpr int kEach = 2'000;
  {
    CommitQueue queue(sink, 0);
    std::vector<std::jthread> pushers;
    for (int i = 0; i < 4; ++i) {
      pushers.emplace_back([&, i] {
        for (int k = 0; k < kEach; ++k)
          push(queue, one(10, i == 0 && k % 100 == 0 ? Batch::Durability::durable : Batch::Durability::lazy, ok, unknown));
      });
    }
  }
  EXPECT_EQ(ok, 4 * kEach);
  EXPECT_EQ(sink.settled_writes, 4u * kEach);
}

TEST(CommitQueue, Versions_GrowWithBatchesThatChangeRowsAlone) {
  FakeSink sink;
  std::vector<RowVersion> versions;
  {
    CommitQueue queue(sink, 10);
    for (int i = 0; i < 4; ++i) {
      auto write = std::make_unique<PendingWrite>();
      if (i % 2 == 0) write->batch.put(Keyspace::mailbox, "k", "v");
      if (i == 1) write->batch.erase_range(Keyspace::mailbox, "b", "a");
      if (i == 3) write->batch.require_absent(Keyspace::mailbox, "x");
      write->answer = [&](const WriteStep& step) { versions.push_back(step.done.version); };
      push(queue, std::move(write));
    }
  }
  EXPECT_EQ(versions, (std::vector<RowVersion>{11, 11, 12, 12}));
}

}  // namespace
}  // namespace godwit::store
