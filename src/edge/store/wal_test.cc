// RocksDB's log files without RocksDB: framing, damage, marks, the torn tail and what may not be cut.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/store/wal_check.h"
#include "edge/store/wal_format.h"
#include "testing/forgetful_disk.h"
#include "testing/seeded_random.h"

namespace godwit::store {
namespace {

using testing::ForgetfulDisk;

// A WriteBatch as RocksDB writes it, with a mark in front and rubbish for rows.
std::string group(std::uint64_t sequence, std::uint32_t count, WalMark mark, std::size_t size = 20) {
  std::string payload;
  for (unsigned i = 0; i < 8; ++i) payload += static_cast<char>(sequence >> 8 * i);
  for (unsigned i = 0; i < 4; ++i) payload += static_cast<char>(count >> 8 * i);
  payload += '\x03';
  payload += static_cast<char>(mark.encode().size());
  payload += mark.encode();
  payload.append(size, 'r');
  return payload;
}

class WalTest : public ::testing::Test {
 protected:
  WalTest() { ignore(disk_.make_directories("/db"), "in memory"); }

  std::uint64_t append(const std::string& name, std::string_view bytes) {
    auto file = disk_.open("/db/" + name, Disk::Open::create_or_open).value();
    const std::uint64_t at = file->size().value();
    GODWIT_CHECK(file->write_at(at, bytes).has_value());
    return at;
  }
  // Groups as a server writes them: each says that everything before it is synced. Gives where each begins.
  std::vector<std::uint64_t> synced_groups(std::uint64_t log, std::uint64_t first, int count, std::size_t size = 20, bool marks = true) {
    std::vector<std::uint64_t> begins;
    WalWriter writer;
    std::uint64_t end = 0;
    WalMark mark;
    for (int i = 0; i < count; ++i) {
      writer.add(group(first + static_cast<std::uint64_t>(i), 1, marks ? mark : WalMark{}, size));
      const std::string bytes = writer.take();
      begins.push_back(append(name_of(log), bytes));
      end += bytes.size();
      mark = {log, end, first + static_cast<std::uint64_t>(i)};
    }
    return begins;
  }
  static std::string name_of(std::uint64_t log) {
    std::string name = std::to_string(log);
    return std::string(6 - name.size(), '0') + name + ".log";
  }
  std::vector<WalPiece> pieces(std::uint64_t log) {
    auto reader = WalReader::open(disk_, "/db/" + name_of(log), static_cast<std::uint32_t>(log)).value();
    std::vector<WalPiece> out;
    while (auto piece = reader.next().value()) out.push_back(*std::move(piece));
    return out;
  }
  WalReport check() { return check_wal(disk_, "/db").value(); }
  void damage(std::uint64_t log, std::uint64_t at) { disk_.flip_bit("/db/" + name_of(log), at); }

  ForgetfulDisk disk_{1};
};

TEST_F(WalTest, Records_OfAllSizes_ComeBack) {
  testing::SeededRandom random(3);
  WalWriter writer;
  std::vector<std::string> expected;
  for (const std::size_t size : {0u, 1u, 7u, 32'754u, 32'761u, 32'762u, 32'768u, 65'536u, 1'000'000u}) {
    expected.push_back(random.text(size));
    writer.add(expected.back());
  }
  for (int i = 0; i < 300; ++i) {
    expected.push_back(random.text(random.below(700)));
    writer.add(expected.back());
  }
  append(name_of(4), writer.take());
  const auto found = pieces(4);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].kind, WalPiece::Kind::record);
    ASSERT_EQ(found[i].payload, expected[i]);
  }
}

TEST_F(WalTest, FlippedBit_CostsOneRecord_AndThoseInItsBlockBehindItAreFound) {
  const auto begins = synced_groups(4, 1, 100);
  damage(4, begins[50] + 30);
  const auto found = pieces(4);
  ASSERT_EQ(found.size(), 100u);
  EXPECT_EQ(found[50].kind, WalPiece::Kind::damage);
  EXPECT_EQ(found[50].begin, begins[50]);
  EXPECT_EQ(found[50].end, begins[51]);
  EXPECT_EQ(found[99].kind, WalPiece::Kind::record);
}

TEST_F(WalTest, FlippedBitInALength_IsFoundToo) {
  const auto begins = synced_groups(4, 1, 100);
  damage(4, begins[50] + 5);
  const auto found = pieces(4);
  EXPECT_EQ(std::ranges::count(found, WalPiece::Kind::damage, &WalPiece::kind), 1);
  EXPECT_EQ(found.size(), 100u);
}

TEST_F(WalTest, FlippedBitInALongRecord_CostsItWhole) {
  const auto begins = synced_groups(4, 1, 5, 100'000);
  damage(4, begins[2] + 70'000);
  const auto found = pieces(4);
  EXPECT_EQ(std::ranges::count(found, WalPiece::Kind::record, &WalPiece::kind), 4);
  for (const auto& piece : found) {
    if (piece.kind == WalPiece::Kind::record) continue;
    EXPECT_GE(piece.begin, begins[2]);
    EXPECT_LE(piece.end, begins[3]);
  }
}

TEST_F(WalTest, HealthyLog_HasNothingToReport) {
  synced_groups(4, 1, 100);
  synced_groups(7, 101, 3);
  const WalReport report = check();
  EXPECT_EQ(report.records, 103u);
  EXPECT_TRUE(report.acknowledged.empty());
  EXPECT_TRUE(report.torn.empty());
  EXPECT_EQ(report.mark.log, 7u);
}

TEST_F(WalTest, EmptyDirectoryAndEmptyFile_AreFine) {
  EXPECT_EQ(check().records, 0u);
  append(name_of(4), "");
  EXPECT_EQ(check().records, 0u);
}

TEST_F(WalTest, DamageBeforeTheMark_IsALoss_WhereverItLies) {
  for (const int which : {0, 10, 48}) {
    disk_.cut();
    disk_.restart();
    ignore(disk_.remove("/db/" + name_of(4)), "of the round before");
    const auto begins = synced_groups(4, 1, 50);
    damage(4, begins[static_cast<std::size_t>(which)] + 20);
    const WalReport report = check();
    ASSERT_EQ(report.acknowledged.size(), 1u) << which;
    EXPECT_EQ(report.acknowledged[0].begin, begins[static_cast<std::size_t>(which)]);
    EXPECT_EQ(report.acknowledged[0].sequence_before, static_cast<std::uint64_t>(which));
    EXPECT_EQ(report.acknowledged[0].sequence_after, static_cast<std::uint64_t>(which) + 2);
    EXPECT_EQ(report.acknowledged[0].text().substr(0, 14), "000004.log at ");
    EXPECT_TRUE(report.torn.empty());
  }
}

TEST_F(WalTest, DamageInAnOlderFile_IsALoss) {
  const auto begins = synced_groups(4, 1, 10);
  synced_groups(5, 11, 2);
  damage(4, begins.back() + 20);
  EXPECT_EQ(check().acknowledged.size(), 1u);
}

TEST_F(WalTest, FileShorterThanItsMark_IsALoss) {
  const auto begins = synced_groups(4, 1, 10);
  synced_groups(5, 11, 2);
  auto file = disk_.open("/db/" + name_of(4), Disk::Open::write_existing).value();
  WalWriter later;
  later.add(group(13, 1, {4, file->size().value(), 10}));
  ignore(disk_.remove("/db/" + name_of(5)), "its marks name itself");
  append(name_of(5), later.take());
  ASSERT_TRUE(file->truncate(begins[7]).has_value());
  EXPECT_EQ(check().acknowledged.size(), 1u);
}

TEST_F(WalTest, TornTail_IsCutWithWhatFollows) {
  synced_groups(4, 1, 10);
  WalWriter lazy;
  const WalMark mark = check().mark;
  std::string bytes;
  // A new block, so that the framing is right.
  for (int i = 0; i < 3; ++i) lazy.add(group(11 + static_cast<std::uint64_t>(i), 1, mark));
  bytes = lazy.take();
  const std::uint64_t at = append(name_of(4), bytes);
  synced_groups(6, 14, 2, 20, false);
  damage(4, at + 25);
  const WalReport report = check();
  EXPECT_TRUE(report.acknowledged.empty());
  ASSERT_EQ(report.torn.size(), 1u);
  ASSERT_TRUE(cut_torn_tail(disk_, "/db", report).has_value());
  EXPECT_EQ(check().records, 10u);
  EXPECT_TRUE(check().torn.empty());
  EXPECT_FALSE(disk_.exists("/db/" + name_of(6)).value());
}

TEST_F(WalTest, HalfAGroupAtTheEnd_IsATornTail) {
  synced_groups(4, 1, 10);
  WalWriter lazy;
  lazy.add(group(11, 1, {}, 50'000));
  append(name_of(4), lazy.take().substr(0, 20'000));
  const WalReport report = check();
  ASSERT_EQ(report.torn.size(), 1u);
  EXPECT_TRUE(report.acknowledged.empty());
}

TEST_F(WalTest, FileThatEndsEarlyBeforeANextOne_IsATornTail) {
  const auto begins = synced_groups(4, 1, 10, 20, false);
  synced_groups(5, 11, 3, 20, false);
  {
    auto file = disk_.open("/db/" + name_of(4), Disk::Open::write_existing).value();
    ASSERT_TRUE(file->truncate(begins[6]).has_value());
  }
  const WalReport report = check();
  EXPECT_TRUE(report.acknowledged.empty());
  ASSERT_EQ(report.torn.size(), 1u);
  ASSERT_TRUE(cut_torn_tail(disk_, "/db", report).has_value());
  EXPECT_EQ(check().records, 6u);
  EXPECT_TRUE(check().torn.empty());
}

TEST_F(WalTest, OlderFilesThatRocksDbDeletedFromTheMiddle_AreNoDamage) {
  synced_groups(4, 1, 10);
  synced_groups(6, 21, 3);
  const WalReport report = check();
  EXPECT_TRUE(report.acknowledged.empty());
  EXPECT_TRUE(report.torn.empty());
}

TEST_F(WalTest, ZeroesAtTheEnd_AreTheEnd) {
  synced_groups(4, 1, 10);
  append(name_of(4), std::string(50'000, '\0'));
  const WalReport report = check();
  EXPECT_TRUE(report.torn.empty());
  EXPECT_TRUE(report.acknowledged.empty());
  EXPECT_EQ(report.records, 10u);
}

TEST_F(WalTest, ZeroesInPlaceOfWhatWasSynced_AreALoss) {
  const auto begins = synced_groups(4, 1, 10);
  synced_groups(5, 11, 2);
  auto file = disk_.open("/db/" + name_of(4), Disk::Open::write_existing).value();
  const std::uint64_t end = file->size().value();
  WalWriter later;
  later.add(group(13, 1, {4, end, 10}));
  ignore(disk_.remove("/db/" + name_of(5)), "its marks name itself");
  append(name_of(5), later.take());
  ASSERT_TRUE(file->write_at(begins[7], std::string(end - begins[7], '\0')).has_value());
  EXPECT_EQ(check().acknowledged.size(), 1u);
}

TEST_F(WalTest, RecordBetweenZeroes_IsFound) {
  const auto begins = synced_groups(4, 1, 10);
  auto file = disk_.open("/db/" + name_of(4), Disk::Open::write_existing).value();
  ASSERT_TRUE(file->write_at(begins[4], std::string(begins[5] - begins[4], '\0')).has_value());
  append(name_of(4), std::string(50'000, '\0'));
  EXPECT_EQ(check().acknowledged.size(), 1u);
  EXPECT_EQ(check().records, 9u);
}

TEST_F(WalTest, Salvage_KeepsWhatVerifies_AndStaysClean) {
  const auto begins = synced_groups(4, 1, 100, 900);
  synced_groups(5, 101, 10);
  damage(4, begins[20] + 100);
  damage(4, begins[60] + 3);
  const WalReport before = check();
  EXPECT_EQ(before.acknowledged.size(), 2u);
  ASSERT_TRUE(salvage_wal(disk_, "/db", before).has_value());
  const WalReport after = check();
  EXPECT_TRUE(after.acknowledged.empty());
  EXPECT_TRUE(after.torn.empty());
  EXPECT_EQ(after.records, 108u);
  EXPECT_TRUE(disk_.exists("/db/damaged/" + name_of(4)).value());
}

TEST_F(WalTest, Salvage_CutOffAnywhere_CanBeRunAgain) {
  for (std::uint64_t n = 1; n < 60; ++n) {
    ForgetfulDisk disk(n);
    ignore(disk.make_directories("/db"), "in memory");
    WalWriter writer;
    WalMark mark;
    std::string bytes;
    for (std::uint64_t i = 1; i <= 40; ++i) {
      writer.add(group(i, 1, mark, 900));
      bytes += writer.take();
      mark = {4, bytes.size(), i};
    }
    {
      auto file = disk.open("/db/000004.log", Disk::Open::create_new).value();
      ASSERT_TRUE(file->write_at(0, bytes).has_value());
      ASSERT_TRUE(file->sync_data().has_value());
      ASSERT_TRUE(disk.sync_directory("/db").has_value());
    }
    disk.flip_bit("/db/000004.log", 10'000);
    const WalReport before = check_wal(disk, "/db").value();
    ASSERT_EQ(before.acknowledged.size(), 1u);
    disk.fail_at(n, ForgetfulDisk::Failure::cut);
    const bool whole = salvage_wal(disk, "/db", before).has_value();
    disk.restart();
    const WalReport again = check_wal(disk, "/db").value();
    ASSERT_TRUE(salvage_wal(disk, "/db", again).has_value());
    EXPECT_EQ(check_wal(disk, "/db").value().records, 39u) << n;
    if (whole) break;
  }
}

}  // namespace
}  // namespace godwit::store
