// The serialiser: decisions against batches under way, what it keeps and what it lets go.

#include "edge/store/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "base/bytes.h"

namespace godwit::store {
namespace {

constexpr Partition kPart = 9;

class FakeRows final : public CommittedRows {
 public:
  Lookup look(Partition partition, Keyspace keyspace, std::string_view key) override {
    ++looks;
    EXPECT_EQ(partition, kPart);
    const auto row = rows.find({keyspace, std::string(key)});
    return row == rows.end() ? Lookup{} : row->second;
  }
  std::map<std::pair<Keyspace, std::string>, Lookup> rows;
  int looks = 0;
};

class SerialiserTest : public ::testing::Test {
 protected:
  Decision decide(const Batch& batch) { return serialiser_.decide(kPart, batch, rows_); }
  // Decides, and accepts what may be written.
  WriteOutcome write(Batch batch) {
    Decision decision = decide(batch);
    if (decision.outcome == WriteOutcome::ok) accept(std::move(batch), std::move(decision.sums));
    return decision.outcome;
  }
  void accept(Batch batch, std::vector<std::int64_t> sums = {}) {
    auto& write = writes_.emplace_back(std::make_unique<PendingWrite>(PendingWrite{kPart, std::move(batch), {}, {}}));
    write->done.version = ++version_;
    write->done.sums = std::move(sums);
    serialiser_.accept(*write);
  }
  void commit() {
    serialiser_.committed(*writes_.front());
    writes_.pop_front();
  }
  static Batch put(std::string key, std::string value = "v") {
    Batch batch;
    batch.put(Keyspace::mailbox, std::move(key), std::move(value));
    return batch;
  }
  static Batch requiring(std::string key, std::optional<RowVersion> version = std::nullopt) {
    Batch batch;
    batch.require(Keyspace::mailbox, std::move(key), version);
    return batch;
  }

  Serialiser serialiser_;
  FakeRows rows_;
  std::deque<std::unique_ptr<PendingWrite>> writes_;
  RowVersion version_ = 100;
};

TEST_F(SerialiserTest, PutsAndErases_NeedNoReads) {
  EXPECT_EQ(write(put("a")), WriteOutcome::ok);
  Batch batch;
  batch.erase(Keyspace::mailbox, "a");
  batch.erase_range(Keyspace::mailbox, "b", "c");
  EXPECT_EQ(write(std::move(batch)), WriteOutcome::ok);
  EXPECT_EQ(rows_.looks, 0);
}

TEST_F(SerialiserTest, PendingRow_CountsUntilItIsCommitted_ThenTheDatabaseDoes) {
  accept(put("a"));
  EXPECT_EQ(decide(requiring("a")).outcome, WriteOutcome::conflict);
  EXPECT_EQ(decide(requiring("a", 101)).outcome, WriteOutcome::ok);
  EXPECT_EQ(rows_.looks, 0);
  commit();
  EXPECT_TRUE(serialiser_.idle());
  EXPECT_EQ(decide(requiring("a")).outcome, WriteOutcome::ok) << "the fake database never got it";
  EXPECT_EQ(rows_.looks, 1);
}

TEST_F(SerialiserTest, LaterPendingRow_OutlivesTheCommitOfAnEarlierOne) {
  accept(put("a"));
  accept(put("a"));
  EXPECT_EQ(decide(requiring("a", 102)).outcome, WriteOutcome::ok);
  commit();
  EXPECT_EQ(decide(requiring("a", 102)).outcome, WriteOutcome::ok);
  EXPECT_EQ(decide(requiring("a", 101)).outcome, WriteOutcome::conflict);
}

TEST_F(SerialiserTest, KeyspaceLookedAtLate_IsIndexedWhole) {
  accept(put("a"));
  Batch other;
  other.put(Keyspace::outbox, "o", "v");
  accept(std::move(other));
  EXPECT_EQ(decide(requiring("a")).outcome, WriteOutcome::conflict);
  Batch outbox;
  outbox.require_absent(Keyspace::outbox, "o");
  EXPECT_EQ(decide(outbox).outcome, WriteOutcome::conflict);
  EXPECT_EQ(decide(requiring("a")).outcome, WriteOutcome::conflict);
  commit();
  commit();
  EXPECT_TRUE(serialiser_.idle());
}

TEST_F(SerialiserTest, EraseRange_HidesPendingAndCommittedRows) {
  rows_.rows[{Keyspace::mailbox, "m5"}] = {Lookup::Kind::found, 7, {}};
  accept(put("m1"));
  Batch range;
  range.erase_range(Keyspace::mailbox, "m", "n");
  accept(std::move(range));
  accept(put("m9"));
  EXPECT_EQ(decide(requiring("m1")).outcome, WriteOutcome::ok);
  EXPECT_EQ(decide(requiring("m5")).outcome, WriteOutcome::ok);
  EXPECT_EQ(decide(requiring("m9")).outcome, WriteOutcome::conflict);
  EXPECT_EQ(rows_.looks, 0);
}

TEST_F(SerialiserTest, RowsThatAreNotCached_AreNamedAllAtOnce) {
  rows_.rows[{Keyspace::mailbox, "a"}] = {Lookup::Kind::not_cached, 0, {}};
  rows_.rows[{Keyspace::mailbox, "b"}] = {Lookup::Kind::not_cached, 0, {}};
  Batch batch;
  batch.require_absent(Keyspace::mailbox, "a");
  batch.require_absent(Keyspace::mailbox, "x");
  batch.add(Keyspace::mailbox, "b", 1);
  const Decision decision = decide(batch);
  EXPECT_EQ(decision.outcome, WriteOutcome::ok);
  ASSERT_EQ(decision.uncached.size(), 2u);
  EXPECT_EQ(decision.uncached[0].key, "a");
  EXPECT_EQ(decision.uncached[1].key, "b");
}

TEST_F(SerialiserTest, CertainConflict_NeedsNoDisk) {
  rows_.rows[{Keyspace::mailbox, "a"}] = {Lookup::Kind::not_cached, 0, {}};
  accept(put("b"));
  Batch batch;
  batch.require_absent(Keyspace::mailbox, "a");
  batch.require_absent(Keyspace::mailbox, "b");
  EXPECT_EQ(decide(batch).outcome, WriteOutcome::conflict);
}

TEST_F(SerialiserTest, RowThatCannotBeRead_IsUnknown) {
  rows_.rows[{Keyspace::mailbox, "a"}] = {Lookup::Kind::failed, 0, {}};
  EXPECT_EQ(decide(requiring("a")).outcome, WriteOutcome::unknown);
}

TEST_F(SerialiserTest, Adds_StackAndMixWithOtherKeyspaces) {
  rows_.rows[{Keyspace::mailbox, "n"}] = {Lookup::Kind::found, 7, 40};
  for (int i = 1; i <= 3; ++i) {
    Batch batch;
    batch.add(Keyspace::outbox, "other", 10);
    batch.add(Keyspace::mailbox, "n", 1);
    const Decision decision = decide(batch);
    EXPECT_EQ(decision.sums, (std::vector<std::int64_t>{10 * i, 40 + i}));
    accept(std::move(batch), decision.sums);
  }
}

TEST_F(SerialiserTest, Lease_IsReadOnceAndForgottenWhenItsRowChanges) {
  rows_.rows[{Keyspace::server, "lease/shard"}] = {Lookup::Kind::found, 7, 3};
  Batch fenced;
  fenced.fence("shard", 3);
  fenced.put(Keyspace::fresh, "m", "v");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(write(Batch(fenced)), WriteOutcome::ok);
  EXPECT_EQ(rows_.looks, 1);
  Batch taken;
  taken.add(Keyspace::server, "lease/shard", 1);
  EXPECT_EQ(write(std::move(taken)), WriteOutcome::ok);
  EXPECT_EQ(write(Batch(fenced)), WriteOutcome::fenced);
  Batch in_one;
  in_one.add(Keyspace::server, "lease/shard", 1);
  in_one.fence("shard", 5);
  EXPECT_EQ(write(std::move(in_one)), WriteOutcome::ok);
  while (!writes_.empty()) commit();
}

}  // namespace
}  // namespace godwit::store
