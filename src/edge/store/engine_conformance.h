#pragma once
// What every engine must do: a typed GoogleTest suite. For tests alone.
//
//   struct Harness {                       // default-constructible, one fresh engine each
//     store::Engine& engine();
//     void reopen();                       // ends the engine and opens it again on the same data
//     void set_full(bool full);
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(RocksDb, EngineConformance, Harness);

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "edge/store/engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::store {

template <class Harness>
class EngineConformance : public ::testing::Test {
 protected:
  static constexpr Partition kPart = 70'000;
  static constexpr Keyspace kSpace = Keyspace::mailbox;

  Engine& engine() { return harness_.engine(); }

  WriteDone write(Batch batch, Partition partition = kPart) { return loop_.run(engine().write(partition, std::move(batch))); }
  WriteDone put(std::string key, std::string value, Partition partition = kPart, Keyspace keyspace = kSpace) {
    Batch batch;
    batch.put(keyspace, std::move(key), std::move(value));
    return write(std::move(batch), partition);
  }
  std::optional<Row> get(std::string key, Partition partition = kPart, Keyspace keyspace = kSpace) {
    return loop_.run(engine().get(partition, keyspace, std::move(key))).value();
  }
  std::string value(std::string key, Partition partition = kPart, Keyspace keyspace = kSpace) {
    auto row = get(std::move(key), partition, keyspace);
    return row ? row->value : "(absent)";
  }
  Page scan(std::string from, std::string to, ScanLimit limit = {}, Direction direction = Direction::forward, Partition partition = kPart) {
    auto view = engine().read(partition);
    return loop_.run(view->scan(kSpace, std::move(from), std::move(to), limit, direction)).value();
  }
  static std::vector<std::string> keys(const Page& page) {
    std::vector<std::string> out;
    for (const auto& row : page.rows) out.push_back(row.key);
    return out;
  }

  // Calls write() for all before the first is answered, in order; gives the outcomes in the same order.
  std::vector<WriteDone> write_stacked(std::vector<Batch> batches, Partition partition = kPart) {
    std::vector<WriteDone> done(batches.size());
    std::size_t answered = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) loop_.start(write_into(engine(), partition, std::move(batches[i]), done[i], answered));
    loop_.run_until([&] { return answered == done.size(); });
    return done;
  }
  static Task<> write_into(Engine& engine, Partition partition, Batch batch, WriteDone& done, std::size_t& answered) {
    done = co_await engine.write(partition, std::move(batch));
    ++answered;
  }
  static Task<> add_many(Engine& engine, Partition partition, std::string key, int times, std::vector<std::int64_t>& sums) {
    for (int i = 0; i < times; ++i) {
      Batch batch;
      batch.add(kSpace, key, 1);
      batch.durability = i % 2 == 0 ? Batch::Durability::lazy : Batch::Durability::durable;
      const WriteDone done = co_await engine.write(partition, std::move(batch));
      GODWIT_CHECK(done.ok());
      sums.push_back(done.sums.at(0));
    }
  }

  testing::TestLoop loop_;
  Harness harness_;
};

TYPED_TEST_SUITE_P(EngineConformance);

TYPED_TEST_P(EngineConformance, Put_ThenGet_GivesValueAndVersion) {
  const WriteDone done = this->put("key", "value");
  ASSERT_TRUE(done.ok());
  EXPECT_GT(done.version, 0u);
  const auto row = this->get("key");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->key, "key");
  EXPECT_EQ(row->value, "value");
  EXPECT_EQ(row->version, done.version);
  EXPECT_FALSE(this->get("kez"));
  EXPECT_FALSE(this->get(""));
}

TYPED_TEST_P(EngineConformance, KeysAndValues_EmptyOrWithNuls_ComeBackUnchanged) {
  const std::string nuls("a\0b\0", 4);
  const std::string high = "\xff\xff";
  for (const auto& key : {std::string(), nuls, high, std::string(kMaxKey, 'k')}) {
    for (const auto& value : {std::string(), nuls, high, std::string(kMaxValue, 'v')}) {
      ASSERT_TRUE(this->put(key, value).ok());
      EXPECT_EQ(this->value(key), value);
    }
  }
  EXPECT_EQ(this->scan("", "").rows.size(), 4u);
}

TYPED_TEST_P(EngineConformance, PartitionsAndKeyspaces_AreApart) {
  ASSERT_TRUE(this->put("k", "one", 1).ok());
  ASSERT_TRUE(this->put("k", "two", 2).ok());
  ASSERT_TRUE(this->put("k", "last", 0xffffffff).ok());
  ASSERT_TRUE(this->put("k", "other", 1, Keyspace::outbox).ok());
  EXPECT_EQ(this->value("k", 1), "one");
  EXPECT_EQ(this->value("k", 2), "two");
  EXPECT_EQ(this->value("k", 1, Keyspace::outbox), "other");
  EXPECT_EQ(this->value("k", 3), "(absent)");
  for (const Partition partition : {Partition{1}, Partition{2}, Partition{0xffffffff}}) {
    EXPECT_EQ(this->scan("", "", {}, Direction::forward, partition).rows.size(), 1u);
    EXPECT_EQ(this->scan("", "", {}, Direction::reverse, partition).rows.size(), 1u);
  }
  Batch batch;
  batch.erase_range(this->kSpace, "", "");
  ASSERT_TRUE(this->write(std::move(batch), 1).ok());
  EXPECT_EQ(this->value("k", 1), "(absent)");
  EXPECT_EQ(this->value("k", 1, Keyspace::outbox), "other");
  EXPECT_EQ(this->value("k", 2), "two");
  Batch last;
  last.erase_range(this->kSpace, "a", "");
  ASSERT_TRUE(this->write(std::move(last), 0xffffffff).ok());
  EXPECT_EQ(this->value("k", 0xffffffff), "(absent)");
}

TYPED_TEST_P(EngineConformance, EveryKeyspace_HoldsRows) {
  for (std::size_t i = 0; i < kKeyspaces; ++i) ASSERT_TRUE(this->put("k", std::to_string(i), this->kPart, static_cast<Keyspace>(i)).ok());
  for (std::size_t i = 0; i < kKeyspaces; ++i) EXPECT_EQ(this->value("k", this->kPart, static_cast<Keyspace>(i)), std::to_string(i));
}

TYPED_TEST_P(EngineConformance, Batch_AppliesInOrder) {
  Batch batch;
  batch.put(this->kSpace, "a", "1");
  batch.put(this->kSpace, "a", "2");
  batch.put(this->kSpace, "b", "1");
  batch.erase(this->kSpace, "b");
  batch.put(this->kSpace, "c1", "old");
  batch.erase_range(this->kSpace, "c", "d");
  batch.put(this->kSpace, "c2", "new");
  batch.erase(this->kSpace, "never was");
  ASSERT_TRUE(this->write(std::move(batch)).ok());
  EXPECT_EQ(this->keys(this->scan("", "")), (std::vector<std::string>{"a", "c2"}));
  EXPECT_EQ(this->value("a"), "2");
}

TYPED_TEST_P(EngineConformance, EmptyBatch_IsOk) {
  EXPECT_TRUE(this->write(Batch()).ok());
  Batch lazy;
  lazy.durability = Batch::Durability::lazy;
  EXPECT_TRUE(this->write(std::move(lazy)).ok());
}

TYPED_TEST_P(EngineConformance, Require_ThatDoesNotHold_WritesNothing) {
  const RowVersion version = this->put("row", "1").version;
  const auto attempt = [&](std::string key, std::optional<RowVersion> required) {
    Batch batch;
    batch.put(this->kSpace, "before", "x");
    batch.require(this->kSpace, std::move(key), required);
    batch.put(this->kSpace, "after", "x");
    batch.add(this->kSpace, "sum", 5);
    return this->write(std::move(batch)).outcome;
  };
  EXPECT_EQ(attempt("row", std::nullopt), WriteOutcome::conflict);
  EXPECT_EQ(attempt("row", version + 1), WriteOutcome::conflict);
  EXPECT_EQ(attempt("row", version - 1), WriteOutcome::conflict);
  EXPECT_EQ(attempt("nothing", version), WriteOutcome::conflict);
  EXPECT_EQ(this->keys(this->scan("", "")), (std::vector<std::string>{"row"}));
  EXPECT_EQ(attempt("row", version), WriteOutcome::ok);
  EXPECT_EQ(attempt("nothing", std::nullopt), WriteOutcome::ok);
  EXPECT_EQ(this->keys(this->scan("", "")), (std::vector<std::string>{"after", "before", "row", "sum"}));
}

TYPED_TEST_P(EngineConformance, Require_SeesEarlierOperationsOfItsBatch) {
  Batch put_first;
  put_first.put(this->kSpace, "a", "1");
  put_first.require_absent(this->kSpace, "a");
  EXPECT_EQ(this->write(std::move(put_first)).outcome, WriteOutcome::conflict);
  const RowVersion version = this->put("a", "1").version;
  Batch erased;
  erased.require(this->kSpace, "a", version);
  erased.erase(this->kSpace, "a");
  erased.require_absent(this->kSpace, "a");
  erased.put(this->kSpace, "a", "2");
  EXPECT_EQ(this->write(std::move(erased)).outcome, WriteOutcome::ok);
  Batch range;
  range.erase_range(this->kSpace, "a", "b");
  range.require_absent(this->kSpace, "a");
  range.add(this->kSpace, "a", 3);
  const WriteDone done = this->write(std::move(range));
  EXPECT_EQ(done.outcome, WriteOutcome::ok);
  EXPECT_EQ(done.sums, (std::vector<std::int64_t>{3}));
}

TYPED_TEST_P(EngineConformance, StackedRequires_OneWins) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Batch> batches(10);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      batches[i].require_absent(this->kSpace, "the one" + std::to_string(round));
      batches[i].put(this->kSpace, "the one" + std::to_string(round), std::to_string(i));
      batches[i].durability = i % 3 == 0 ? Batch::Durability::durable : Batch::Durability::lazy;
    }
    const auto done = this->write_stacked(std::move(batches));
    EXPECT_EQ(done[0].outcome, WriteOutcome::ok);
    EXPECT_EQ(std::ranges::count(done, WriteOutcome::conflict, &WriteDone::outcome), 9);
    EXPECT_EQ(this->value("the one" + std::to_string(round)), "0");
  }
}

TYPED_TEST_P(EngineConformance, Require_IsDecidedAgainstUncommittedBatches) {
  const RowVersion version = this->put("row", "1").version;
  std::vector<Batch> batches(7);
  batches[0].put(this->kSpace, "fresh", "x");        // ok
  batches[1].require_absent(this->kSpace, "fresh");  // conflict: 0 waits before it
  batches[2].require(this->kSpace, "row", version);  // ok
  batches[2].put(this->kSpace, "row", "2");
  batches[3].require(this->kSpace, "row", version);         // conflict: 2 has put it anew
  batches[4].erase(this->kSpace, "row");                    // ok
  batches[5].require_absent(this->kSpace, "row");           // ok
  batches[5].require(this->kSpace, "fresh", std::nullopt);  // conflict
  batches[6].require_absent(this->kSpace, "row");           // ok
  const auto done = this->write_stacked(std::move(batches));
  std::vector<WriteOutcome> outcomes;
  for (const auto& one : done) outcomes.push_back(one.outcome);
  using enum WriteOutcome;
  EXPECT_EQ(outcomes, (std::vector<WriteOutcome>{ok, conflict, ok, conflict, ok, conflict, ok}));
  EXPECT_EQ(this->value("row"), "(absent)");
}

TYPED_TEST_P(EngineConformance, EraseRange_IsSeenByStackedRequires) {
  const RowVersion version = this->put("m/1", "1").version;
  std::vector<Batch> batches(5);
  batches[0].put(this->kSpace, "m/2", "2");
  batches[1].erase_range(this->kSpace, "m/", "m0");
  batches[2].require(this->kSpace, "m/1", version);  // conflict
  batches[3].require_absent(this->kSpace, "m/1");
  batches[3].require_absent(this->kSpace, "m/2");
  batches[3].put(this->kSpace, "m/2", "again");
  batches[4].require_absent(this->kSpace, "m/2");  // conflict
  const auto done = this->write_stacked(std::move(batches));
  EXPECT_EQ(done[2].outcome, WriteOutcome::conflict);
  EXPECT_EQ(done[3].outcome, WriteOutcome::ok);
  EXPECT_EQ(done[4].outcome, WriteOutcome::conflict);
  EXPECT_EQ(this->keys(this->scan("", "")), (std::vector<std::string>{"m/2"}));
  EXPECT_EQ(this->value("m/2"), "again");
}

TYPED_TEST_P(EngineConformance, Add_GivesTheSumAfterTheWrite) {
  Batch batch;
  batch.add(this->kSpace, "a", 5);
  batch.add(this->kSpace, "b", -7);
  batch.add(this->kSpace, "a", 1);
  EXPECT_EQ(this->write(std::move(batch)).sums, (std::vector<std::int64_t>{5, -7, 6}));
  std::string expected;
  append_be64(expected, static_cast<std::uint64_t>(std::int64_t{-7}));
  EXPECT_EQ(this->value("b"), expected);
  Batch again;
  again.add(this->kSpace, "b", 7);
  EXPECT_EQ(this->write(std::move(again)).sums, (std::vector<std::int64_t>{0}));
  EXPECT_EQ(this->value("b"), std::string(8, '\0'));
}

TYPED_TEST_P(EngineConformance, Add_ByManyCoroutines_LosesNone) {
  constexpr int kCoroutines = 40;
  constexpr int kTimes = 25;
  std::vector<std::vector<std::int64_t>> sums(kCoroutines);
  for (auto& mine : sums) this->loop_.start(this->add_many(this->engine(), this->kPart, "counter", kTimes, mine));
  this->loop_.run_until([&] { return std::ranges::all_of(sums, [](const auto& mine) { return mine.size() == kTimes; }); });
  std::vector<std::int64_t> all;
  for (const auto& mine : sums) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(all);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], static_cast<std::int64_t>(i + 1));
}

TYPED_TEST_P(EngineConformance, Add_FromManyThreads_LosesNone) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 50;
  std::vector<std::vector<std::int64_t>> sums(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : sums) {
      threads.emplace_back([this, &mine] {
        testing::TestLoop loop;
        loop.run(this->add_many(this->engine(), this->kPart, "counter", kTimes, mine));
      });
    }
  }
  std::int64_t highest = 0;
  for (const auto& mine : sums) highest = std::max(highest, mine.back());
  EXPECT_EQ(highest, kThreads * kTimes);
}

TYPED_TEST_P(EngineConformance, Fence_LetsTheHolderOfTheLeaseWriteAlone) {
  const auto fenced = [&](std::uint64_t epoch, std::string name = "shard") {
    Batch batch;
    batch.fence(std::move(name), epoch);
    batch.put(this->kSpace, "k", std::to_string(epoch));
    return this->write(std::move(batch)).outcome;
  };
  EXPECT_EQ(fenced(1), WriteOutcome::fenced);
  const std::uint64_t first = this->loop_.run(this->engine().acquire_lease(this->kPart, "shard")).value();
  EXPECT_EQ(fenced(first), WriteOutcome::ok);
  EXPECT_EQ(fenced(first, "another"), WriteOutcome::fenced);
  const std::uint64_t second = this->loop_.run(this->engine().acquire_lease(this->kPart, "shard")).value();
  EXPECT_GT(second, first);
  EXPECT_EQ(fenced(first), WriteOutcome::fenced);
  EXPECT_EQ(this->value("k"), std::to_string(first));
  EXPECT_EQ(fenced(second), WriteOutcome::ok);

  std::vector<Batch> batches(3);
  batches[0].fence("shard", second);
  batches[1].add(Keyspace::server, "lease/shard", 1);
  batches[2].fence("shard", second);
  const auto done = this->write_stacked(std::move(batches));
  EXPECT_EQ(done[0].outcome, WriteOutcome::ok);
  EXPECT_EQ(done[2].outcome, WriteOutcome::fenced);

  this->harness_.reopen();
  EXPECT_EQ(fenced(second), WriteOutcome::fenced);
  EXPECT_EQ(fenced(second + 1), WriteOutcome::ok);
  Batch dropped;
  dropped.erase(Keyspace::server, "lease/shard");
  ASSERT_TRUE(this->write(std::move(dropped)).ok());
  EXPECT_EQ(fenced(second + 1), WriteOutcome::fenced);
}

TYPED_TEST_P(EngineConformance, Scan_KeepsBoundsAndOrder) {
  for (const auto* key : {"a", "b", "ba", "bb", "c", "d"}) ASSERT_TRUE(this->put(key, key).ok());
  ASSERT_TRUE(this->put("a", "below", this->kPart - 1).ok());
  ASSERT_TRUE(this->put("a", "above", this->kPart + 1).ok());
  using Keys = std::vector<std::string>;
  EXPECT_EQ(this->keys(this->scan("", "")), (Keys{"a", "b", "ba", "bb", "c", "d"}));
  EXPECT_EQ(this->keys(this->scan("b", "c")), (Keys{"b", "ba", "bb"}));
  EXPECT_EQ(this->keys(this->scan("aa", "bb")), (Keys{"b", "ba"}));
  EXPECT_EQ(this->keys(this->scan("c", "")), (Keys{"c", "d"}));
  EXPECT_EQ(this->keys(this->scan("x", "")), Keys{});
  EXPECT_EQ(this->keys(this->scan("c", "b")), Keys{});
  EXPECT_EQ(this->keys(this->scan("c", "c")), Keys{});
  EXPECT_EQ(this->keys(this->scan("", "", {}, Direction::reverse)), (Keys{"d", "c", "bb", "ba", "b", "a"}));
  EXPECT_EQ(this->keys(this->scan("b", "c", {}, Direction::reverse)), (Keys{"bb", "ba", "b"}));
  EXPECT_EQ(this->keys(this->scan("bb", "", {}, Direction::reverse)), (Keys{"d", "c", "bb"}));
  EXPECT_EQ(this->keys(this->scan("c", "b", {}, Direction::reverse)), Keys{});
  EXPECT_FALSE(this->scan("", "").next);
}

TYPED_TEST_P(EngineConformance, Scan_ResumesWhereItStopped) {
  testing::SeededRandom random(7);
  Batch batch;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    std::string key;
    append_be32(key, static_cast<std::uint32_t>(random.u64()));
    expected.push_back(key);
    batch.put(this->kSpace, key, std::string(random.below(50), 'v'));
  }
  std::ranges::sort(expected);
  ASSERT_TRUE(this->write(std::move(batch)).ok());
  for (const ScanLimit limit :
       {ScanLimit{1, 1 << 20}, ScanLimit{7, 1 << 20}, ScanLimit{1'000, 100}, ScanLimit{1'000, 1}, ScanLimit{200, 1 << 20}}) {
    std::vector<std::string> forward;
    for (std::optional<std::string> from = ""; from;) {
      const Page page = this->scan(*from, "", limit);
      ASSERT_LE(page.rows.size(), limit.rows);
      ASSERT_FALSE(page.rows.empty() && page.next) << "a page that goes on has rows";
      for (const auto& row : page.rows) forward.push_back(row.key);
      from = page.next;
    }
    EXPECT_EQ(forward, expected);
    std::vector<std::string> reverse;
    for (std::optional<std::string> to = ""; to;) {
      const Page page = this->scan("", *to, limit, Direction::reverse);
      for (const auto& row : page.rows) reverse.push_back(row.key);
      to = page.next;
    }
    std::ranges::reverse(reverse);
    EXPECT_EQ(reverse, expected);
  }
}

TYPED_TEST_P(EngineConformance, View_IsASnapshot) {
  ASSERT_TRUE(this->put("a", "1").ok());
  ASSERT_TRUE(this->put("b", "1").ok());
  auto view = this->engine().read(this->kPart);
  Batch batch;
  batch.put(this->kSpace, "a", "2");
  batch.erase(this->kSpace, "b");
  batch.put(this->kSpace, "c", "2");
  ASSERT_TRUE(this->write(std::move(batch)).ok());
  EXPECT_EQ(this->loop_.run(view->get(this->kSpace, "a")).value()->value, "1");
  EXPECT_TRUE(this->loop_.run(view->get(this->kSpace, "b")).value());
  EXPECT_FALSE(this->loop_.run(view->get(this->kSpace, "c")).value());
  EXPECT_EQ(this->keys(this->loop_.run(view->scan(this->kSpace, "", "")).value()), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(this->keys(this->scan("", "")), (std::vector<std::string>{"a", "c"}));
}

TYPED_TEST_P(EngineConformance, Versions_GrowOverBatchesAndReopening) {
  RowVersion last = 0;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) {
      const WriteDone done = this->put("k", "v");
      ASSERT_GT(done.version, last);
      last = done.version;
    }
    this->harness_.reopen();
    ASSERT_EQ(this->get("k")->version, last);
  }
}

TYPED_TEST_P(EngineConformance, Writes_AreThereAfterReopening) {
  Batch durable;
  for (int i = 0; i < 100; ++i) durable.put(this->kSpace, "durable" + std::to_string(i), std::to_string(i));
  ASSERT_TRUE(this->write(std::move(durable)).ok());
  Batch lazy;
  lazy.put(this->kSpace, "lazy", "here");
  lazy.erase(this->kSpace, "durable0");
  lazy.durability = Batch::Durability::lazy;
  ASSERT_TRUE(this->write(std::move(lazy)).ok());
  ASSERT_TRUE(this->loop_.run(this->engine().sync()).has_value());
  this->harness_.reopen();
  EXPECT_EQ(this->value("lazy"), "here");
  EXPECT_EQ(this->value("durable0"), "(absent)");
  EXPECT_EQ(this->scan("", "").rows.size(), 100u);
}

TYPED_TEST_P(EngineConformance, Full_RefusesGrowthAlone) {
  this->harness_.set_full(true);
  EXPECT_TRUE(this->engine().full());
  Batch growth;
  growth.put(this->kSpace, "mail", "x");
  growth.refuse_when_full = true;
  EXPECT_EQ(this->write(Batch(growth)).outcome, WriteOutcome::full);
  EXPECT_EQ(this->value("mail"), "(absent)");
  EXPECT_TRUE(this->put("delivery", "x").ok());
  this->harness_.set_full(false);
  EXPECT_FALSE(this->engine().full());
  EXPECT_TRUE(this->write(Batch(growth)).ok());
}

TYPED_TEST_P(EngineConformance, Batch_OfOneMebibyte_IsTaken) {
  Batch batch;
  while (batch.bytes() + kMaxValue + 3 <= kMaxBatch)
    batch.put(this->kSpace, std::to_string(100 + batch.operations().size()), std::string(kMaxValue, 'x'));
  const std::size_t rows = batch.operations().size();
  ASSERT_TRUE(this->write(std::move(batch)).ok());
  EXPECT_EQ(this->scan("", "", {1'000, 8 << 20}).rows.size(), rows);
}

TYPED_TEST_P(EngineConformance, BeyondTheLimits_IsABrokenInvariant) {
  EXPECT_DEATH(this->put(std::string(kMaxKey + 1, 'k'), ""), "kMaxKey");
  EXPECT_DEATH(this->put("", std::string(kMaxValue + 1, 'v')), "kMaxValue");
  Batch batch;
  for (int i = 0; i < 17; ++i) batch.put(this->kSpace, std::to_string(i), std::string(kMaxValue, 'x'));
  EXPECT_DEATH(this->write(std::move(batch)), "kMaxBatch");
}

REGISTER_TYPED_TEST_SUITE_P(EngineConformance, Put_ThenGet_GivesValueAndVersion, KeysAndValues_EmptyOrWithNuls_ComeBackUnchanged,
                            PartitionsAndKeyspaces_AreApart, EveryKeyspace_HoldsRows, Batch_AppliesInOrder, EmptyBatch_IsOk,
                            Require_ThatDoesNotHold_WritesNothing, Require_SeesEarlierOperationsOfItsBatch, StackedRequires_OneWins,
                            Require_IsDecidedAgainstUncommittedBatches, EraseRange_IsSeenByStackedRequires, Add_GivesTheSumAfterTheWrite,
                            Add_ByManyCoroutines_LosesNone, Add_FromManyThreads_LosesNone, Fence_LetsTheHolderOfTheLeaseWriteAlone,
                            Scan_KeepsBoundsAndOrder, Scan_ResumesWhereItStopped, View_IsASnapshot, Versions_GrowOverBatchesAndReopening,
                            Writes_AreThereAfterReopening, Full_RefusesGrowthAlone, Batch_OfOneMebibyte_IsTaken,
                            BeyondTheLimits_IsABrokenInvariant);

}  // namespace godwit::store
