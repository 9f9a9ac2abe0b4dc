// When the store is full, and when it is no more.

#include "edge/store/space_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "edge/store/test_space.h"

namespace godwit::store {
namespace {

TEST(SpaceGuard, HoldsTheReserveFromTheStart) {
  TestSpace space;
  const SpaceGuard guard(space.make(), 1'000, 100);
  EXPECT_TRUE(space.held());
  EXPECT_FALSE(guard.full());
}

TEST(SpaceGuard, BelowMinFree_IsFull_AndKeepsTheReserve) {
  TestSpace space;
  SpaceGuard guard(space.make(), 1'000, 100);
  space.set_free(999);
  guard.check();
  EXPECT_TRUE(guard.full());
  EXPECT_TRUE(space.held());
}

TEST(SpaceGuard, FullEnds_AboveMinFreeAndReserve_NotBefore) {
  TestSpace space;
  SpaceGuard guard(space.make(), 1'000, 100);
  space.set_free(999);
  guard.check();
  space.set_free(1'099);
  guard.check();
  EXPECT_TRUE(guard.full());
  space.set_free(1'100);
  guard.check();
  EXPECT_FALSE(guard.full());
}

TEST(SpaceGuard, Reserve_IsGivenBackOnce_AndTakenAgainBeforeFullEnds) {
  TestSpace space;
  SpaceGuard guard(space.make(), 1'000, 100);
  space.set_free(0);
  EXPECT_TRUE(guard.give_back_reserve());
  EXPECT_TRUE(guard.full());
  EXPECT_FALSE(space.held());
  EXPECT_FALSE(guard.give_back_reserve());
  space.set_free(1'050);
  guard.check();
  EXPECT_TRUE(guard.full());
  EXPECT_FALSE(space.held());
  space.set_free(1'200);
  guard.check();
  EXPECT_FALSE(guard.full());
  EXPECT_TRUE(space.held());
}

TEST(SpaceGuard, NoRoomForTheReserve_BeginsFull) {
  TestSpace space;
  space.set_free(50);
  SpaceGuard guard(space.make(), 10, 100);
  EXPECT_TRUE(guard.full());
  EXPECT_FALSE(guard.give_back_reserve());
}

TEST(PosixSpace, ReserveIsAFileOfItsSize_TakenOverByTheNextRun) {
  std::string directory = (std::filesystem::temp_directory_path() / "godwit-space-XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const auto space = make_posix_space(directory);
  EXPECT_GT(space->free_bytes().value(), 0u);
  ASSERT_TRUE(space->hold(1 << 20).has_value());
  EXPECT_EQ(std::filesystem::file_size(directory + "/reserve"), 1u << 20);
  EXPECT_TRUE(make_posix_space(directory)->hold(1 << 20).has_value());
  EXPECT_EQ(space->hold(1ull << 60).error().cause, Error::Cause::full);
  EXPECT_FALSE(std::filesystem::exists(directory + "/reserve"));
  EXPECT_TRUE(space->give_back().has_value());
  EXPECT_FALSE(make_posix_space(directory + "/nothing")->free_bytes().has_value());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace godwit::store
