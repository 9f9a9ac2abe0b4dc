#include "testing/forgetful_disk.h"

#include <gtest/gtest.h>

#include <set>

namespace godwit::testing {
namespace {

using Open = store::Disk::Open;

class ForgetfulDiskTest : public ::testing::Test {
 protected:
  ForgetfulDiskTest() { EXPECT_TRUE(disk_.make_directories("/d")); }
  std::unique_ptr<store::File> open(const std::string& path, Open how = Open::create_or_open) { return *disk_.open(path, how); }
  ForgetfulDisk disk_{7};
};

TEST_F(ForgetfulDiskTest, Restart_SyncedBytes_AreThere) {
  auto file = open("/d/a");
  ASSERT_TRUE(file->write_at(0, "synced"));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  disk_.restart();
  EXPECT_EQ(disk_.contents("/d/a"), "synced");
  EXPECT_FALSE(file->write_at(0, "x")) << "a file from before the cut is dead";
}

TEST_F(ForgetfulDiskTest, Restart_UnsyncedPages_AnySubsetIsKept) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    ForgetfulDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    auto file = *disk.open("/d/a", Open::create_new);
    ASSERT_TRUE(file->write_at(0, std::string(3 * ForgetfulDisk::kPage, 'o')));
    ASSERT_TRUE(file->sync_data());
    ASSERT_TRUE(disk.sync_directory("/d"));
    ASSERT_TRUE(file->write_at(0, std::string(3 * ForgetfulDisk::kPage, 'n')));
    EXPECT_EQ(disk.unsynced_pages("/d/a"), 3u);
    disk.restart();
    const std::string bytes = disk.contents("/d/a");
    std::string outcome;
    for (std::size_t page = 0; page < 3; ++page) {
      const std::string part = bytes.substr(page * ForgetfulDisk::kPage, ForgetfulDisk::kPage);
      EXPECT_EQ(part, std::string(ForgetfulDisk::kPage, part[0])) << "a page is kept or lost as a whole";
      outcome += part[0];
    }
    outcomes.insert(outcome);
  }
  EXPECT_EQ(outcomes.size(), 8u);
}

TEST_F(ForgetfulDiskTest, Restart_NameNeverSynced_MayBeLost) {
  int there = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ForgetfulDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    auto file = *disk.open("/d/a", Open::create_new);
    ASSERT_TRUE(file->sync_data());
    disk.restart();
    there += *disk.exists("/d/a") ? 1 : 0;
  }
  EXPECT_GT(there, 20);
  EXPECT_LT(there, 80);
}

TEST_F(ForgetfulDiskTest, Rename_Unsynced_IsOldOrNewNeverBoth) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ForgetfulDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    auto file = *disk.open("/d/new", Open::create_new);
    ASSERT_TRUE(file->write_at(0, "x"));
    ASSERT_TRUE(file->sync_data());
    ASSERT_TRUE(disk.sync_directory("/d"));
    ASSERT_TRUE(disk.rename("/d/new", "/d/current"));
    disk.restart();
    EXPECT_NE(*disk.exists("/d/new"), *disk.exists("/d/current"));
  }
}

TEST_F(ForgetfulDiskTest, FailAt_NthChange_FailsAsAsked) {
  auto file = open("/d/a");
  disk_.fail_at(2, ForgetfulDisk::Failure::full);
  EXPECT_TRUE(file->write_at(0, "1"));
  const auto full = file->write_at(0, "2");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().cause, Error::Cause::full);
  EXPECT_TRUE(file->write_at(0, "3"));
  disk_.fail_at(1, ForgetfulDisk::Failure::cut);
  EXPECT_FALSE(file->sync_data());
  EXPECT_TRUE(disk_.is_cut());
  EXPECT_FALSE(disk_.exists("/d/a"));
}

TEST_F(ForgetfulDiskTest, FailedSync_LaterSyncDoesNotBringItBack) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 50 && !lost; ++seed) {
    ForgetfulDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    auto file = *disk.open("/d/a", Open::create_new);
    ASSERT_TRUE(disk.sync_directory("/d"));
    ASSERT_TRUE(file->write_at(0, "bytes"));
    disk.fail_at(1, ForgetfulDisk::Failure::io_error);
    ASSERT_FALSE(file->sync_data());
    ASSERT_TRUE(file->sync_data());
    disk.restart();
    lost = disk.contents("/d/a") != "bytes";
  }
  EXPECT_TRUE(lost);
}

TEST_F(ForgetfulDiskTest, Budget_WhenSpent_IsFullUntilFilesGo) {
  disk_.set_budget(10'000);
  auto file = open("/d/a");
  EXPECT_TRUE(file->allocate(8'000));
  EXPECT_EQ(*disk_.free_bytes("/d"), 2'000u);
  const auto refused = file->write_at(9'990, "more than fits");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Error::Cause::full);
  EXPECT_TRUE(disk_.remove("/d/a"));
  EXPECT_TRUE(open("/d/b")->allocate(10'000));
}

TEST_F(ForgetfulDiskTest, FlipBit_OutlivesARestart) {
  auto file = open("/d/a");
  ASSERT_TRUE(file->write_at(0, "aaa"));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(disk_.sync_directory("/d"));
  disk_.flip_bit("/d/a", 1, 1);
  disk_.restart();
  EXPECT_EQ(disk_.contents("/d/a"), "aca");
}

TEST_F(ForgetfulDiskTest, Directories_ListRemoveAndNames) {
  ASSERT_TRUE(disk_.make_directories("/d/x/y"));
  open("/d/b");
  open("/d//a/");
  EXPECT_EQ(*disk_.list("/d"), (std::vector<std::string>{"a", "b", "x"}));
  EXPECT_TRUE(*disk_.is_directory("/d/x/"));
  EXPECT_FALSE(disk_.remove("/d/x"));
  EXPECT_TRUE(disk_.remove("/d/x/y"));
  EXPECT_FALSE(disk_.open("/d/none", Open::read));
  EXPECT_FALSE(disk_.open("/d/a", Open::create_new));
  EXPECT_FALSE(disk_.open("/nowhere/a", Open::create_new));
  const auto reader = open("/d/a", Open::read);
  EXPECT_FALSE(reader->write_at(0, "x"));
}

}  // namespace
}  // namespace godwit::testing
