#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "edge/store/disk.h"

namespace godwit::store {
namespace {

class DiskPosixTest : public ::testing::Test {
 protected:
  DiskPosixTest() {
    std::string pattern = ::testing::TempDir() + "godwit-disk-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~DiskPosixTest() override {
    const auto names = disk_->list(root_);
    if (names) {
      for (const std::string& name : *names) ignore(disk_->remove(root_ + "/" + name), "left for the system to clean");
    }
    ignore(disk_->remove(root_), "left for the system to clean");
  }
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  std::string root_;
};

TEST_F(DiskPosixTest, File_WriteReadTruncate_BehavesAsTheManualSays) {
  auto file = disk_->open(root_ + "/a", Disk::Open::create_new);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(5, "hello"));
  const std::vector<std::string_view> parts(1500, "ab");
  ASSERT_TRUE((*file)->write_parts(10, parts));
  ASSERT_TRUE((*file)->sync_data());
  EXPECT_EQ(*(*file)->size(), 3010u);
  std::array<char, 12> buffer{};
  EXPECT_EQ(*(*file)->read_at(0, buffer), 12u);
  EXPECT_EQ(std::string_view(buffer.data(), 12), std::string_view("\0\0\0\0\0helloab", 12));
  EXPECT_EQ(*(*file)->read_at(3008, buffer), 2u);
  EXPECT_EQ(*(*file)->read_at(5000, buffer), 0u);
  ASSERT_TRUE((*file)->truncate(4));
  EXPECT_EQ(*(*file)->size(), 4u);
  ASSERT_TRUE((*file)->allocate(8192));
  EXPECT_EQ(*(*file)->size(), 8192u);
}

TEST_F(DiskPosixTest, WriteZeroes_WhereAlignedAndWhereNot_LeavesTheRestAlone) {
  auto file = disk_->open(root_ + "/a", Disk::Open::create_new);
  ASSERT_TRUE(file);
  const std::string before(1 << 20, 'x');
  ASSERT_TRUE((*file)->write_at(0, before));
  ASSERT_TRUE((*file)->write_zeroes(4096, 600 * 1024));
  ASSERT_TRUE((*file)->write_zeroes(1'000'001, 10));
  std::string after(before.size(), '?');
  EXPECT_EQ(*(*file)->read_at(0, after), before.size());
  std::string expected = before;
  expected.replace(4096, 600 * 1024, 600 * 1024, '\0');
  expected.replace(1'000'001, 10, 10, '\0');
  EXPECT_TRUE(after == expected);
  ASSERT_TRUE((*file)->write_zeroes(2 << 20, 8192));  // beyond the end: the file grows
  EXPECT_EQ(*(*file)->size(), (2u << 20) + 8192u);
}

TEST_F(DiskPosixTest, Names_OpenRenameRemoveList) {
  const auto missing = disk_->open(root_ + "/none", Disk::Open::read);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().cause, Error::Cause::not_found);
  ASSERT_TRUE(disk_->open(root_ + "/b", Disk::Open::create_or_open));
  ASSERT_TRUE(disk_->open(root_ + "/a", Disk::Open::create_or_open));
  const auto again = disk_->open(root_ + "/a", Disk::Open::create_new);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().cause, Error::Cause::conflict);
  EXPECT_EQ(*disk_->list(root_), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(disk_->rename(root_ + "/a", root_ + "/b"));
  EXPECT_FALSE(*disk_->exists(root_ + "/a"));
  ASSERT_TRUE(disk_->sync_directory(root_));
  ASSERT_TRUE(disk_->make_directories(root_ + "/x/y"));
  EXPECT_TRUE(*disk_->is_directory(root_ + "/x/y"));
  EXPECT_FALSE(*disk_->is_directory(root_ + "/b"));
  EXPECT_FALSE(disk_->remove(root_ + "/x"));
  ASSERT_TRUE(disk_->remove(root_ + "/x/y"));
  ASSERT_TRUE(disk_->remove(root_ + "/x"));
  EXPECT_GT(*disk_->free_bytes(root_), 0u);
}

}  // namespace
}  // namespace godwit::store
