// Power cuts under a real engine: whatever subset of unsynced pages the disk keeps, what was acknowledged as durable is
// there after the restart, and each partition is a prefix of its writes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/bytes.h"
#include "edge/store/rocksdb_engine.h"
#include "edge/store/test_space.h"
#include "testing/every_power_cut.h"
#include "testing/forgetful_disk.h"
#include "testing/rocksdb_on_disk.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::store {
namespace {

using testing::ForgetfulDisk;
using testing::SeededRandom;
using testing::TestLoop;

constexpr Partition kPartitions = 3;

// One life of the server on a disk that outlives it.
class Life {
 public:
  explicit Life(std::shared_ptr<ForgetfulDisk> disk, std::shared_ptr<SpaceGuard> space = nullptr)
      : disk_(std::move(disk)), space_(std::move(space)) {}

  Result<void> open() {
    RocksDbSettings settings;
    settings.path = "/rows";
    settings.space = space_;
    settings.memtables = 1 << 20;
    settings.block_cache = 1 << 20;
    settings.disk = disk_;
    settings.file_system = testing::make_rocksdb_on_disk(disk_, [disk = disk_] { return disk->is_cut(); });
    settings.on_fatal = [disk = disk_](const std::string& why) { EXPECT_TRUE(disk->is_cut()) << why; };
    GODWIT_ASSIGN(engine_, RocksDbEngine::open(std::move(settings), pool_));
    return {};
  }
  Engine& engine() { return *engine_; }
  TestLoop& loop() { return loop_; }

 private:
  std::shared_ptr<ForgetfulDisk> disk_;
  std::shared_ptr<SpaceGuard> space_;
  BlockingPool pool_{1};
  TestLoop loop_;
  std::unique_ptr<RocksDbEngine> engine_;
};

// Each write of a partition has the next number; it puts its row, erases an older one and raises the counter.
struct Ledger {
  std::map<Partition, std::uint64_t> started;
  std::map<Partition, std::uint64_t> durable;  // acknowledged as synced, so all before it too
};

std::string row_name(std::uint64_t number) {
  std::string key = "row";
  append_be64(key, number);
  return key;
}

Batch numbered(std::uint64_t number, Batch::Durability durability, std::size_t size) {
  Batch batch;
  batch.require_absent(Keyspace::mailbox, row_name(number));
  batch.put(Keyspace::mailbox, row_name(number), std::string(size, static_cast<char>('a' + number % 26)));
  batch.put(Keyspace::fresh, row_name(number), "beside");
  if (number > 20) batch.erase(Keyspace::mailbox, row_name(number - 20));
  batch.add(Keyspace::server, "count", 1);
  batch.durability = durability;
  return batch;
}

void run_until_cut(Life& life, ForgetfulDisk& disk, Ledger& ledger, SeededRandom& random) {
  for (int i = 0; i < 60 && !disk.is_cut(); ++i) {
    const auto partition = static_cast<Partition>(random.below(kPartitions));
    const auto durability = random.below(3) == 0 ? Batch::Durability::durable : Batch::Durability::lazy;
    const std::uint64_t number = ledger.started[partition] + 1;
    Batch batch = numbered(number, durability, random.below(9) == 0 ? 30'000 : random.below(200));
    ledger.started[partition] = number;
    const WriteDone done = life.loop().run(life.engine().write(partition, std::move(batch)));
    if (!done.ok() || disk.is_cut()) break;
    if (durability == Batch::Durability::durable) ledger.durable[partition] = number;
  }
}

// Every partition is the state after some number of its writes, at least the durable ones.
void expect_prefixes(Life& life, Ledger& ledger, std::uint64_t seed) {
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    const auto counter = life.loop().run(life.engine().get(partition, Keyspace::server, "count")).value();
    const std::uint64_t last = counter ? read_be64(counter->value) : 0;
    EXPECT_GE(last, ledger.durable[partition]) << "acknowledged and lost; seed " << seed;
    EXPECT_LE(last, ledger.started[partition]) << "seed " << seed;
    auto view = life.engine().read(partition);
    const Page rows = life.loop().run(view->scan(Keyspace::mailbox, "", "")).value();
    const std::uint64_t first = last > 20 ? last - 19 : 1;
    ASSERT_EQ(rows.rows.size(), last - first + 1) << "not a prefix; seed " << seed;
    for (std::uint64_t number = first; number <= last; ++number) EXPECT_EQ(rows.rows[number - first].key, row_name(number));
    const Page beside = life.loop().run(view->scan(Keyspace::fresh, "", "")).value();
    EXPECT_EQ(beside.rows.size(), last) << "half a batch; seed " << seed;
    ledger.started[partition] = last;
    ledger.durable[partition] = last;  // what a restart has shown does not go away again
  }
}

// The n-th changing operation is the last one; another life each time, on the same disk, so that cuts while opening and
// cuts of what an earlier cut has left are met too.
class RocksDbPowerCutSeed : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RocksDbPowerCutSeed, WhatWasAcknowledged_IsThere_AndEachPartitionIsAPrefix) {
  const std::uint64_t seed = GetParam();
  SeededRandom random(seed);
  auto disk = std::make_shared<ForgetfulDisk>(seed);
  Ledger ledger;
  for (int life_number = 0; life_number < 25; ++life_number) {
    {
      Life life(disk);
      const auto opened = life.open();
      ASSERT_TRUE(opened.has_value()) << opened.error().text << "; seed " << seed;
      expect_prefixes(life, ledger, seed);
      disk->fail_at(1 + random.below(90), ForgetfulDisk::Failure::cut);
      run_until_cut(life, *disk, ledger, random);
      if (random.below(4) == 0) ignore(life.loop().run(life.engine().sync()), "fails after a cut");
    }
    disk->fail_at(0, ForgetfulDisk::Failure::cut);
    disk->cut();
    disk->restart();
    if (random.below(3) != 0) continue;
    disk->fail_at(1 + random.below(40), ForgetfulDisk::Failure::cut);  // and once more while it opens
    ignore(Life(disk).open(), "cut off");
    disk->fail_at(0, ForgetfulDisk::Failure::cut);
    disk->cut();
    disk->restart();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RocksDbPowerCutSeed, ::testing::Range<std::uint64_t>(1, testing::every_power_cut() ? 7 : 3));

TEST(RocksDbPowerCut, EveryOperationOfTheFirstStart_CanBeTheLast) {
  const std::uint64_t step = testing::every_power_cut() ? 1 : 3;
  for (std::uint64_t n = 1;; n += step) {
    auto disk = std::make_shared<ForgetfulDisk>(n);
    disk->fail_at(n, ForgetfulDisk::Failure::cut);
    bool opened_whole = false;
    {
      Life life(disk);
      opened_whole = life.open().has_value() && !disk->is_cut();
    }
    if (opened_whole) break;
    disk->restart();
    Life again(disk);
    const auto opened = again.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text << "; operation " << n;
    ASSERT_TRUE(again.loop().run(again.engine().write(1, numbered(1, Batch::Durability::durable, 10))).ok());
  }
}

TEST(RocksDbPowerCut, LazyWrites_SurviveOnceASyncHasReturned) {
  auto disk = std::make_shared<ForgetfulDisk>(5);
  {
    Life life(disk);
    ASSERT_TRUE(life.open().has_value());
    for (std::uint64_t i = 1; i <= 5; ++i) {
      ASSERT_TRUE(life.loop().run(life.engine().write(1, numbered(i, Batch::Durability::lazy, 10))).ok());
    }
    ASSERT_TRUE(life.loop().run(life.engine().sync()).has_value());
    disk->cut();
  }
  disk->restart();
  Life life(disk);
  ASSERT_TRUE(life.open().has_value());
  EXPECT_EQ(read_be64(life.loop().run(life.engine().get(1, Keyspace::server, "count")).value()->value), 5u);
}

TEST(RocksDbFullDisk, EnospcInTheLog_GivesTheReserveBack_AndNobodyNotices) {
  auto disk = std::make_shared<ForgetfulDisk>(5);
  TestSpace space;
  auto guard = std::make_shared<SpaceGuard>(space.make(), 1'000, 100);
  Life life(disk, guard);
  ASSERT_TRUE(life.open().has_value());
  ASSERT_TRUE(life.loop().run(life.engine().write(1, numbered(1, Batch::Durability::durable, 10))).ok());
  disk->fail_at(1, ForgetfulDisk::Failure::full);
  ASSERT_TRUE(life.loop().run(life.engine().write(1, numbered(2, Batch::Durability::durable, 10))).ok());
  EXPECT_FALSE(space.held());
  EXPECT_TRUE(life.engine().full());
  Batch growth;
  growth.put(Keyspace::fresh, "mail", "x");
  growth.refuse_when_full = true;
  EXPECT_EQ(life.loop().run(life.engine().write(1, std::move(growth))).outcome, WriteOutcome::full);
  disk->fail_at(1, ForgetfulDisk::Failure::full);  // without a reserve: waits a moment, then goes on
  EXPECT_TRUE(life.loop().run(life.engine().write(1, numbered(3, Batch::Durability::durable, 10))).ok());
}

}  // namespace
}  // namespace godwit::store
