// The power goes at every single write and sync, and what was acknowledged is there afterwards; and many threads at once.
#include <gtest/gtest.h>

#include <thread>

#include "edge/store/segments_fixture.h"

namespace godwit::store {
namespace {

struct Ledger {
  std::map<BlobId, std::string> given;  // ids that finish() gave, synced or not
  std::set<BlobId> ended;               // of them: synced, or refused because the disk was full
  bool stopped = false;
};

// One client: bodies of several sizes, some dropped again.
Task<> write_some(SegmentWorld* world, Ledger* ledger, std::uint64_t seed, int* running) {
  constexpr std::size_t kSizes[] = {0, 300, 4000, 8192, 8193, 20'000, 40'000};
  std::optional<BlobId> last;
  for (std::uint64_t i = 0; i < 7; ++i) {
    const std::string body = make_body(seed * 100 + i, kSizes[(i + seed) % 7]);
    const auto writer = world->blobs->begin(kFirstShardPartition + static_cast<Partition>(seed), seed);
    bool ok = true;
    for (std::size_t at = 0; ok && at < body.size(); at += 6000) {
      const std::string part = body.substr(at, 6000);
      const auto appended = co_await writer->append(part);
      ok = appended.has_value();
    }
    if (!ok) break;
    const auto id = co_await writer->finish();
    if (!id) break;
    EXPECT_TRUE(ledger->given.emplace(*id, body).second) << "an id was given twice";
    const auto synced = co_await writer->synced();
    if (synced || synced.error().cause == Error::Cause::full) ledger->ended.insert(*id);
    if (!synced) break;
    world->owners.live.insert(*id);
    world->bodies[*id] = body;
    if (last && i % 3 != 0) world->drop(*last);
    last = *id;
  }
  --*running;
}

void run_until_the_cut(SegmentWorld& world, Ledger& ledger) {
  for (std::uint64_t round = 0; round < 2 && !world.fatal; ++round) {
    int running = 3;
    for (std::uint64_t client = 0; client < 3; ++client) world.loop.start(write_some(&world, &ledger, round * 3 + client, &running));
    world.loop.run_until([&] { return running == 0; });
    world.maintain(3);
  }
}

void check_after_the_cut(SegmentWorld& world, Ledger& ledger) {
  world.blobs.reset();
  world.disk.restart();
  world.engine.crash_forgetting_all();
  world.engine.restart();
  world.fatal = false;
  world.open();
  for (const BlobDamage& one : world.blobs->damage()) EXPECT_FALSE(one.acknowledged) << one.where << ": " << one.what;
  world.expect_all_readable();
  for (const auto& [id, body] : ledger.given) {
    const auto got = world.get(id);
    if (got) {
      EXPECT_TRUE(*got == body) << id.text() << " gives somebody else's bytes";
      continue;
    }
    EXPECT_EQ(got.error().cause, Error::Cause::not_found) << id.text() << ": " << got.error().text;
    if (!ledger.ended.contains(id)) EXPECT_FALSE(world.blobs->was_synced(id)) << id.text() << " is vouched for and not there";
  }
  EXPECT_TRUE(world.verify().empty());
  int running = 1;
  world.loop.start(write_some(&world, &ledger, 90, &running));
  world.loop.run_until([&] { return running == 0; });
  world.maintain(3);
  world.expect_all_readable();
  world.reopen();
  for (const BlobDamage& one : world.blobs->damage()) EXPECT_FALSE(one.acknowledged) << one.where << ": " << one.what;
  world.expect_all_readable();
}

TEST(SegmentsPowerCut, AtEveryWrite_WhatWasSyncedIsThere) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", the power goes at write " + std::to_string(n));
      SegmentWorld world(seed * 10'000 + n);
      world.settings.prewrite = false;
      world.settings.idle_mark = Duration(seed == 1 ? 60'000 : 1);
      Ledger ledger;
      world.disk.fail_at(n, testing::ForgetfulDisk::Failure::cut);
      if (world.try_open()) run_until_the_cut(world, ledger);
      const bool cut = world.disk.is_cut();
      check_after_the_cut(world, ledger);
      if (::testing::Test::HasFailure()) return;
      if (!cut) break;
      if (seed > 1) n += seed * 2;  // the first seed tries each, the others jump
    }
  }
}

TEST(SegmentsPowerCut, AtTheRecoveryItself_NothingIsLost) {
  for (std::uint64_t n = 1; n < 40; ++n) {
    SCOPED_TRACE(n);
    SegmentWorld world(n);
    Ledger ledger;
    world.disk.fail_at(60 + n * 3, testing::ForgetfulDisk::Failure::cut);
    world.open();
    run_until_the_cut(world, ledger);
    world.blobs.reset();
    world.disk.restart();
    world.disk.fail_at(n % 12 + 1, testing::ForgetfulDisk::Failure::cut);
    if (world.try_open()) run_until_the_cut(world, ledger);
    check_after_the_cut(world, ledger);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SegmentsPowerCut, FailedWriteOrSync_NothingUnsyncedCountsAsKept) {
  for (std::uint64_t n = 5; n < 120; n += 3) {
    SCOPED_TRACE(n);
    SegmentWorld world(n);
    Ledger ledger;
    world.open();
    world.disk.fail_at(n, testing::ForgetfulDisk::Failure::io_error);
    run_until_the_cut(world, ledger);
    check_after_the_cut(world, ledger);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SegmentsPowerCut, NoSpaceAtAnyWrite_NothingIsLostAndNothingIsFatal) {
  for (std::uint64_t n = 1; n < 120; n += 2) {
    SCOPED_TRACE(n);
    SegmentWorld world(n);
    Ledger ledger;
    world.open();
    world.disk.fail_at(n, testing::ForgetfulDisk::Failure::full);
    run_until_the_cut(world, ledger);
    world.maintain(3);
    world.expect_all_readable();
    check_after_the_cut(world, ledger);
    if (::testing::Test::HasFailure()) return;
  }
}

// A thread is a loop with its clients; owners and ledgers are its own.
void be_a_loop(SegmentWorld* world, testing::TestLoop& loop, std::uint64_t seed, std::atomic<int>* failures) {
  std::map<BlobId, std::string> mine;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const std::string body = make_body(seed * 1000 + i, (i * 977) % 30'000);
    const auto id = loop.run(put_blob(*world->blobs, kFirstShardPartition + static_cast<Partition>(seed), seed, body));
    if (!id) {
      ++*failures;
      continue;
    }
    mine[*id] = body;
    if (i % 4 == 3) {
      world->blobs->drop(mine.begin()->first);
      mine.erase(mine.begin());
    }
    for (const auto& [other, expected] : mine) {
      if (other.offset % 5 != i % 5) continue;
      const auto got = loop.run(get_blob(*world->blobs, other));
      if (!got || *got != expected) ++*failures;
    }
  }
}

class Everything final : public BlobOwners {
 public:
  Task<Result<bool>> is_live(BlobId, std::uint64_t) override { co_return true; }
};

TEST(SegmentsThreads, ManyLoopsAndUpkeep_DoNotDisturbEachOther) {
  std::vector<testing::TestLoop> loops(3);  // outlive the threads that post to them
  SegmentWorld world(1, 3);
  world.settings.ram_pool_bytes = 200'000;
  world.open();
  Everything owners;
  world.blobs->set_owners(&owners);
  std::atomic<int> failures{0};
  std::atomic<int> running{3};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      be_a_loop(&world, loops[i], i + 1, &failures);
      --running;
    });
  }
  while (running > 0) {
    world.maintain();
    ignore(world.loop.run(world.blobs->verify()), "for the company");
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(world.verify().empty());
}

}  // namespace
}  // namespace godwit::store
