// The RocksDB engine: the suite that every engine passes, and what is its own.

#include "edge/store/rocksdb_engine.h"

#include <atomic>
#include <cstdlib>
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "edge/store/engine_conformance.h"
#include "edge/store/test_space.h"

namespace godwit::store {
namespace {

using testing::SeededRandom;
using testing::TestLoop;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "godwit-store-XXXXXX").string();
    GODWIT_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class RocksDbHarness {
 public:
  RocksDbHarness() { open(); }
  Engine& engine() { return *engine_; }
  RocksDbEngine& rocksdb() { return *engine_; }
  void reopen() {
    engine_.reset();
    open();
  }
  void close() { engine_.reset(); }
  Result<void> try_open() {
    GODWIT_ASSIGN(engine_, RocksDbEngine::open(settings(), pool_));
    return {};
  }
  void set_full(bool full) {
    space_.set_free(full ? 0 : 1 << 30);
    guard_->check();
  }
  RocksDbSettings settings() {
    RocksDbSettings settings;
    settings.path = directory_.path() + "/rows";
    settings.space = guard_;
    settings.memtables = memtables;
    settings.block_cache = block_cache;
    return settings;
  }

  std::uint64_t memtables = 8 << 20;
  std::uint64_t block_cache = 8 << 20;

 private:
  void open() {
    const auto opened = try_open();
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().text.c_str());
    GODWIT_CHECK(opened.has_value());
  }

  TemporaryDirectory directory_;
  TestSpace space_;
  std::shared_ptr<SpaceGuard> guard_ = std::make_shared<SpaceGuard>(space_.make(), 1'000, 100);
  BlockingPool pool_{2};
  std::unique_ptr<RocksDbEngine> engine_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(RocksDb, EngineConformance, RocksDbHarness);

Batch one_put(std::string key, std::string value, Batch::Durability durability = Batch::Durability::durable) {
  Batch batch;
  batch.put(Keyspace::mailbox, std::move(key), std::move(value));
  batch.durability = durability;
  return batch;
}

// The small cache and the small memtables push rows out to tables and make reads go to the disk.
void fill(TestLoop& loop, Engine& engine, int batches) {
  SeededRandom random(5);
  for (int i = 0; i < batches; ++i) {
    Batch batch;
    for (int row = 0; row < 100; ++row) batch.put(Keyspace::mailbox, std::to_string(1'000'000 + i * 100 + row), random.text(1'000));
    batch.durability = Batch::Durability::lazy;
    GODWIT_CHECK(loop.run(engine.write(70'000 + static_cast<Partition>(i % 3), std::move(batch))).ok());
  }
}

class SmallRocksDb : public ::testing::Test {
 protected:
  SmallRocksDb() {
    harness_.memtables = 1 << 20;
    harness_.block_cache = 64 << 10;
    harness_.reopen();
  }
  TestLoop loop_;
  RocksDbHarness harness_;
};

TEST_F(SmallRocksDb, RowsOnDisk_AreReadAndDecidedUpon) {
  fill(loop_, harness_.engine(), 150);
  harness_.reopen();
  for (int i = 0; i < 100; ++i) {
    const int number = i * 7'919 % 15'000;
    const Partition partition = 70'000 + static_cast<Partition>(number / 100 % 3);
    const std::string key = std::to_string(1'000'000 + number);
    const auto row = loop_.run(harness_.engine().get(partition, Keyspace::mailbox, key)).value();
    ASSERT_TRUE(row) << key;
    EXPECT_EQ(row->value.size(), 1'000u);
    Batch batch;
    batch.require(Keyspace::mailbox, key, row->version);
    batch.require_absent(Keyspace::mailbox, key + "x");
    batch.add(Keyspace::mailbox, "count", 1);
    batch.put(Keyspace::mailbox, key, "changed");
    batch.durability = Batch::Durability::lazy;
    const WriteDone done = loop_.run(harness_.engine().write(partition, std::move(batch)));
    EXPECT_TRUE(done.ok()) << to_string(done.outcome);
    Batch again;
    again.require(Keyspace::mailbox, key, row->version);
    EXPECT_EQ(loop_.run(harness_.engine().write(partition, std::move(again))).outcome, WriteOutcome::conflict);
  }
}

// After a start most tables are not open: a read that looks at the cache alone must not take that for absence.
TEST_F(SmallRocksDb, EveryRowOnDisk_IsFound) {
  fill(loop_, harness_.engine(), 150);
  harness_.reopen();
  int missing = 0;
  for (int number = 14'999; number >= 0; --number) {
    const Partition partition = 70'000 + static_cast<Partition>(number / 100 % 3);
    const std::string key = std::to_string(1'000'000 + number);
    if (!loop_.run(harness_.engine().get(partition, Keyspace::mailbox, key)).value()) ++missing;
    if (number % 50 != 0) continue;
    Batch batch;
    batch.require_absent(Keyspace::mailbox, key);
    EXPECT_EQ(loop_.run(harness_.engine().write(partition, std::move(batch))).outcome, WriteOutcome::conflict);
  }
  EXPECT_EQ(missing, 0);
}

TEST_F(SmallRocksDb, Scan_OfRowsOnDisk_SeesAll) {
  fill(loop_, harness_.engine(), 150);
  harness_.reopen();
  for (const Direction direction : {Direction::forward, Direction::reverse}) {
    auto view = harness_.engine().read(70'001);
    std::size_t rows = 0;
    std::string from;
    std::string to;
    for (bool more = true; more;) {
      const Page page = loop_.run(view->scan(Keyspace::mailbox, from, to, {700, 1 << 20}, direction)).value();
      rows += page.rows.size();
      more = page.next.has_value();
      if (more) (direction == Direction::forward ? from : to) = *page.next;
    }
    EXPECT_EQ(rows, 5'000u);
  }
}

TEST_F(SmallRocksDb, Verify_OfAHealthyStore_FindsNothing) {
  fill(loop_, harness_.engine(), 50);
  const auto found = loop_.run(harness_.rocksdb().verify());
  ASSERT_TRUE(found.has_value()) << found.error().text;
  EXPECT_THAT(*found, ::testing::IsEmpty());
}

std::vector<std::filesystem::path> files(const std::string& directory, const std::string& extension) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == extension && entry.file_size() > 0) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

void flip_bit(const std::filesystem::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 4));
}

TEST_F(SmallRocksDb, FlippedBitInATable_IsReportedAtTheStart) {
  fill(loop_, harness_.engine(), 50);
  harness_.close();
  const std::string path = harness_.settings().path;
  ASSERT_FALSE(files(path, ".sst").empty());
  flip_bit(files(path, ".sst").front(), 5'000);
  const auto opened = harness_.try_open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().cause, Error::Cause::corrupt);
  EXPECT_THAT(opened.error().text, ::testing::HasSubstr(files(path, ".sst").front().filename().string()));
  EXPECT_THAT(opened.error().text, ::testing::HasSubstr("run `godwit store repair`"));
}

TEST_F(SmallRocksDb, FlippedBitInATableOfALargeStore_DoesNotDelayTheStart_AndIsFoundInTheBackground) {
  fill(loop_, harness_.engine(), 50);
  harness_.close();
  RocksDbSettings settings = harness_.settings();
  settings.verify_at_start = 0;
  flip_bit(files(settings.path, ".sst").front(), 5'000);
  BlockingPool pool(1);
  auto opened = RocksDbEngine::open(settings, pool);
  ASSERT_TRUE(opened.has_value()) << opened.error().text;
  const auto found = loop_.run((*opened)->verify());  // behind the background's work on the only thread
  ASSERT_EQ(found->size(), 1u);
  EXPECT_THAT(found->front(), ::testing::HasSubstr(files(settings.path, ".sst").front().filename().string()));
}

TEST_F(SmallRocksDb, Repair_OfADamagedTable_LosesTheRowsOfABlock_AndNamesThem) {
  fill(loop_, harness_.engine(), 100);
  const RowVersion version = loop_.run(harness_.engine().write(9, one_put("last", "x"))).version;
  harness_.reopen();
  harness_.close();
  const std::string path = harness_.settings().path;
  const auto tables = files(path, ".sst");
  ASSERT_FALSE(tables.empty());  // one or several, as compaction came
  const auto largest = *std::ranges::max_element(tables, {}, [](const auto& table) { return std::filesystem::file_size(table); });
  ASSERT_GT(std::filesystem::file_size(largest), 200'000u);
  for (const std::uint64_t at : {40'000u, 200'000u}) flip_bit(largest, at);
  ASSERT_FALSE(harness_.try_open().has_value());
  const auto lines = repair_rocksdb(harness_.settings());
  ASSERT_TRUE(lines.has_value()) << lines.error().text;
  EXPECT_THAT(*lines, ::testing::Contains(::testing::HasSubstr("keyspace mailbox: the rows from ")));
  ASSERT_TRUE(harness_.try_open().has_value());
  std::size_t found = 0;
  for (int number = 0; number < 10'000; ++number) {
    const auto row = loop_.run(
        harness_.engine().get(70'000 + static_cast<Partition>(number / 100 % 3), Keyspace::mailbox, std::to_string(1'000'000 + number)));
    ASSERT_TRUE(row.has_value()) << row.error().text;
    found += row->has_value() ? 1 : 0;
  }
  EXPECT_LT(found, 10'000u);
  EXPECT_GT(found, 9'900u);
  EXPECT_EQ(loop_.run(harness_.engine().get(9, Keyspace::mailbox, "last")).value()->version, version);
  EXPECT_GT(loop_.run(harness_.engine().write(9, one_put("last", "y"))).version, version) << "versions are never used twice";
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
}

TEST(RocksDbEngine, Repair_OfADamagedLog_KeepsTheRest) {
  TestLoop loop;
  RocksDbHarness harness;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(loop.run(harness.engine().write(5, one_put(std::to_string(i), "value"))).ok());
  harness.close();
  const auto log = files(harness.settings().path, ".log").front();
  flip_bit(log, std::filesystem::file_size(log) / 2);
  ASSERT_FALSE(harness.try_open().has_value());
  const auto lines = repair_rocksdb(harness.settings());
  ASSERT_TRUE(lines.has_value()) << lines.error().text;
  ASSERT_EQ(lines->size(), 1u);
  EXPECT_THAT(lines->front(), ::testing::HasSubstr("the changes "));
  ASSERT_TRUE(harness.try_open().has_value());
  auto view = harness.engine().read(5);
  EXPECT_EQ(loop.run(view->scan(Keyspace::mailbox, "", "")).value().rows.size(), 199u);
  EXPECT_THAT(repair_rocksdb({}).value(), ::testing::IsEmpty()) << "no store there";
}

TEST(RocksDbEngine, Repair_WithoutCurrent_RebuildsTheListOfTables) {
  TestLoop loop;
  RocksDbHarness harness;
  ASSERT_TRUE(loop.run(harness.engine().write(5, one_put("k", "value"))).ok());
  harness.reopen();
  harness.close();
  std::filesystem::remove(harness.settings().path + "/CURRENT");
  ASSERT_FALSE(harness.try_open().has_value());
  const auto lines = repair_rocksdb(harness.settings());
  ASSERT_TRUE(lines.has_value()) << lines.error().text;
  EXPECT_THAT(lines->front(), ::testing::HasSubstr("the list of tables was rebuilt"));
  ASSERT_TRUE(harness.try_open().has_value());
  EXPECT_EQ(loop.run(harness.engine().get(5, Keyspace::mailbox, "k")).value()->value, "value");
}

TEST(RocksDbEngine, FlippedBitInASyncedLog_IsReportedAtTheStart) {
  for (const double where : {0.1, 0.5, 0.95}) {
    TestLoop loop;
    RocksDbHarness harness;
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(loop.run(harness.engine().write(5, one_put(std::to_string(i), "value"))).ok());
    harness.close();
    const auto logs = files(harness.settings().path, ".log");
    ASSERT_EQ(logs.size(), 1u);
    flip_bit(logs[0], static_cast<std::uint64_t>(where * static_cast<double>(std::filesystem::file_size(logs[0]))));
    const auto opened = harness.try_open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().text, ::testing::HasSubstr(logs[0].filename().string() + " at "));
    EXPECT_THAT(opened.error().text, ::testing::HasSubstr("run `godwit store repair`"));
  }
}

TEST(RocksDbEngine, TornTailOfTheLog_IsCutAndTheRestIsThere) {
  TestLoop loop;
  RocksDbHarness harness;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(loop.run(harness.engine().write(5, one_put(std::to_string(i), "value"))).ok());
  harness.close();
  std::ofstream(files(harness.settings().path, ".log").front(), std::ios::app | std::ios::binary) << "half a record that was never synced";
  ASSERT_TRUE(harness.try_open().has_value());
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(loop.run(harness.engine().get(5, Keyspace::mailbox, std::to_string(i))).value());
}

TEST(RocksDbEngine, LostCurrentFile_IsNotAnEmptyStore) {
  TestLoop loop;
  RocksDbHarness harness;
  ASSERT_TRUE(loop.run(harness.engine().write(5, one_put("k", "value"))).ok());
  harness.close();
  std::filesystem::remove(harness.settings().path + "/CURRENT");
  EXPECT_FALSE(harness.try_open().has_value());
}

TEST(RocksDbEngine, SecondOpener_IsRefused) {
  RocksDbHarness harness;
  BlockingPool pool(1);
  const auto second = RocksDbEngine::open(harness.settings(), pool);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().text, ::testing::HasSubstr("lock"));
}

Task<> write_and_count(Engine& engine, Partition partition, Batch batch, std::atomic<int>& ok) {
  const WriteDone done = co_await engine.write(partition, std::move(batch));
  if (done.ok()) ++ok;
}

TEST(RocksDbEngine, QueueIsBounded_AndWritersWaitForRoom) {
  TestLoop loop;
  RocksDbHarness harness;
  std::atomic<int> ok{0};
  constexpr int kWrites = 150;  // of 1 MiB each: more than the queue takes
  for (int i = 0; i < kWrites; ++i) {
    Batch batch;
    for (int row = 0; row < 15; ++row) batch.put(Keyspace::mailbox, std::to_string(row), std::string(kMaxValue, 'x'));
    batch.durability = Batch::Durability::lazy;
    loop.start(write_and_count(harness.engine(), 5, std::move(batch), ok));
  }
  loop.run_until([&] { return ok == kWrites; });
}

TEST(RocksDbEngine, ManyThreadsAndPartitions_KeepTheirOrder) {
  RocksDbHarness harness;
  {
    std::vector<std::jthread> threads;
    for (Partition partition = 0; partition < 4; ++partition) {
      threads.emplace_back([&harness, partition] {
        TestLoop loop;
        std::atomic<int> ok{0};
        for (int i = 0; i < 300; ++i) {
          Batch batch = one_put("last", std::to_string(i), i % 7 == 0 ? Batch::Durability::durable : Batch::Durability::lazy);
          if (i % 3 == 0) batch.erase(Keyspace::mailbox, "last but one");
          if (i % 5 == 0) batch.add(Keyspace::mailbox, "sum", 1);
          loop.start(write_and_count(harness.engine(), partition, std::move(batch), ok));
          if (i % 16 == 0) loop.poll();
        }
        loop.run_until([&] { return ok == 300; });
        const auto last = loop.run(harness.engine().get(partition, Keyspace::mailbox, "last")).value();
        EXPECT_EQ(last->value, "299");
      });
    }
  }
}

}  // namespace
}  // namespace godwit::store
