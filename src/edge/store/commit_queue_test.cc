// The commit thread: groups, bounds, failures.

#include "edge/store/commit_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace godwit::store {
namespace {

class FakeSink final : public CommitSink {
 public:
  bool commit(WriteGroup group, bool sync) override {
    if (blocked) gate.acquire();
    groups.push_back(group.size());
    for (const auto& write : group) bytes += write->batch.bytes();
    synced_groups += sync ? 1 : 0;
    return !fail;
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
  std::counting_semaphore<> gate{0};
  std::vector<std::size_t> groups;
  std::size_t bytes = 0;
  int synced_groups = 0;
  std::size_t settled_writes = 0;
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

TEST(CommitQueue, WhatWaits_BecomesOneGroup_SyncedIfOneIsDurable) {
  FakeSink sink;
  std::atomic<int> ok{0};
  std::atomic<int> unknown{0};
  sink.blocked = true;
  {
    CommitQueue queue(sink, 10);
    queue.push(one(10, Batch::Durability::lazy, ok, unknown));
    while (!queue.has_room()) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) queue.push(one(10, i == 20 ? Batch::Durability::durable : Batch::Durability::lazy, ok, unknown));
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
    for (int i = 0; i < 20; ++i) queue.push(one(1'000'000, Batch::Durability::lazy, ok, unknown));
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
    for (; queue.has_room(); ++pushed) queue.push(one(1'000'000, Batch::Durability::lazy, ok, unknown));
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
    queue.push(one(10, Batch::Durability::durable, ok, unknown));
    while (unknown == 0) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) queue.push(one(10, Batch::Durability::durable, ok, unknown));
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
  queue.push(one(10, Batch::Durability::lazy, ok, unknown));
  while (sink.syncs == 0 || sink.marks == 0) std::this_thread::yield();
  EXPECT_EQ(ok, 1);
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
      queue.push(std::move(write));
    }
  }
  EXPECT_EQ(versions, (std::vector<RowVersion>{11, 11, 12, 12}));
}

}  // namespace
}  // namespace godwit::store
