// The memory engine of tests: the suite that every engine passes, and what it forgets in a crash.

#include "edge/store/engine_conformance.h"
#include "testing/memory_engine.h"

namespace godwit::store {
namespace {

using testing::MemoryEngine;
using testing::SeededRandom;
using testing::TestLoop;

class MemoryHarness {
 public:
  Engine& engine() { return engine_; }
  void reopen() {
    engine_.crash_keeping_all();
    engine_.restart();
  }
  void set_full(bool full) { engine_.set_full(full); }

 private:
  MemoryEngine engine_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, EngineConformance, MemoryHarness);

Batch numbered(int number, Batch::Durability durability) {
  Batch batch;
  batch.put(Keyspace::mailbox, std::to_string(100 + number), "x");
  batch.durability = durability;
  return batch;
}

constexpr auto kLazy = Batch::Durability::lazy;
constexpr auto kDurable = Batch::Durability::durable;

Task<> write_one(MemoryEngine& engine, Partition partition, Batch batch, std::vector<WriteOutcome>& outcomes) {
  const WriteDone done = co_await engine.write(partition, std::move(batch));
  outcomes.push_back(done.outcome);
}

TEST(MemoryEngine, Crash_ForgetsUnsyncedLazyWritesAlone) {
  TestLoop loop;
  MemoryEngine engine;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop.run(engine.write(5, numbered(i, kLazy))).ok());
  ASSERT_TRUE(loop.run(engine.write(5, numbered(3, kDurable))).ok());
  ASSERT_TRUE(loop.run(engine.write(5, numbered(4, kLazy))).ok());
  ASSERT_TRUE(loop.run(engine.write(6, numbered(5, kLazy))).ok());
  EXPECT_EQ(engine.unsynced(), 2u);
  engine.crash_forgetting_all();
  EXPECT_EQ(loop.run(engine.write(5, numbered(9, kDurable))).outcome, WriteOutcome::unknown);
  EXPECT_FALSE(loop.run(engine.get(5, Keyspace::mailbox, "100")).has_value());
  engine.restart();
  EXPECT_EQ(engine.dump(5, Keyspace::mailbox).size(), 4u);
  EXPECT_EQ(engine.dump(6, Keyspace::mailbox).size(), 0u);
}

TEST(MemoryEngine, Crash_KeepsAPrefixOfEachPartition) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    TestLoop loop;
    MemoryEngine engine;
    SeededRandom random(seed);
    int durable = -1;
    for (int i = 0; i < 20; ++i) {
      const auto how = random.below(6) == 0 ? kDurable : kLazy;
      if (how == kDurable) durable = i;
      ASSERT_TRUE(loop.run(engine.write(5, numbered(i, how))).ok());
    }
    engine.crash_at_random(random);
    engine.restart();
    const auto rows = engine.dump(5, Keyspace::mailbox);
    EXPECT_GE(static_cast<int>(rows.size()), durable + 1);
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].key, std::to_string(100 + i));
  }
}

TEST(MemoryEngine, Sync_MakesEverythingDurable) {
  TestLoop loop;
  MemoryEngine engine;
  ASSERT_TRUE(loop.run(engine.write(5, numbered(1, kLazy))).ok());
  ASSERT_TRUE(loop.run(engine.sync()).has_value());
  engine.crash_forgetting_all();
  engine.restart();
  EXPECT_EQ(engine.rows(Keyspace::mailbox), 1u);
}

TEST(MemoryEngine, HeldWrites_AreAnsweredWhenReleased) {
  TestLoop loop;
  MemoryEngine engine;
  std::vector<WriteOutcome> outcomes;
  engine.hold();
  for (int i = 0; i < 3; ++i) loop.start(write_one(engine, 5, numbered(i, kDurable), outcomes));
  loop.poll();
  EXPECT_EQ(engine.held(), 3u);
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(engine.rows(Keyspace::mailbox), 0u);
  engine.release(1);
  loop.poll();
  EXPECT_EQ(outcomes.size(), 1u);
  engine.release();
  loop.poll();
  EXPECT_EQ(outcomes, std::vector<WriteOutcome>(3, WriteOutcome::ok));
  EXPECT_EQ(engine.rows(Keyspace::mailbox), 3u);
}

TEST(MemoryEngine, CrashWithHeldWrites_MayHaveAppliedThem) {
  for (std::size_t kept = 0; kept <= 3; ++kept) {
    TestLoop loop;
    MemoryEngine engine;
    std::vector<WriteOutcome> outcomes;
    ASSERT_TRUE(loop.run(engine.write(5, numbered(0, kLazy))).ok());
    engine.hold();
    for (int i = 1; i < 3; ++i) loop.start(write_one(engine, 5, numbered(i, kDurable), outcomes));
    loop.poll();
    engine.crash([&](Partition, std::size_t unsynced) {
      EXPECT_EQ(unsynced, 3u);
      return kept;
    });
    loop.poll();
    EXPECT_EQ(outcomes, std::vector<WriteOutcome>(2, WriteOutcome::unknown));
    engine.restart();
    EXPECT_EQ(engine.rows(Keyspace::mailbox), kept);
  }
}

TEST(MemoryEngine, FailAt_FailsTheWriteThatIsNamed) {
  TestLoop loop;
  for (const auto failure : {MemoryEngine::Failure::lost, MemoryEngine::Failure::applied}) {
    MemoryEngine engine;
    engine.fail_at(2, failure);
    EXPECT_TRUE(loop.run(engine.write(5, numbered(0, kDurable))).ok());
    EXPECT_EQ(loop.run(engine.write(5, numbered(1, kDurable))).outcome, WriteOutcome::unknown);
    EXPECT_EQ(loop.run(engine.write(5, numbered(2, kDurable))).outcome, WriteOutcome::unknown);
    EXPECT_TRUE(engine.crashed());
    engine.crash_forgetting_all();
    engine.restart();
    EXPECT_EQ(engine.rows(Keyspace::mailbox), failure == MemoryEngine::Failure::applied ? 2u : 1u);
  }
  MemoryEngine engine;
  engine.fail_at(1, MemoryEngine::Failure::full);
  EXPECT_EQ(loop.run(engine.write(5, numbered(0, kDurable))).outcome, WriteOutcome::full);
  EXPECT_TRUE(loop.run(engine.write(5, numbered(1, kDurable))).ok());
  engine.fail_at(1, MemoryEngine::Failure::hang);
  std::vector<WriteOutcome> outcomes;
  loop.start(write_one(engine, 5, numbered(2, kDurable), outcomes));
  loop.start(write_one(engine, 5, numbered(3, kDurable), outcomes));
  loop.poll();
  EXPECT_EQ(engine.held(), 2u);
}

TEST(MemoryEngine, OnWrite_MayCrashTheEngine) {
  TestLoop loop;
  MemoryEngine engine;
  engine.on_write([&](std::uint64_t number) {
    if (number == 3) engine.crash_forgetting_all();
  });
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(loop.run(engine.write(5, numbered(i, kDurable))).ok());
  EXPECT_EQ(loop.run(engine.write(5, numbered(2, kDurable))).outcome, WriteOutcome::unknown);
  engine.restart();
  EXPECT_EQ(engine.rows(Keyspace::mailbox), 2u);
}

}  // namespace
}  // namespace godwit::store
