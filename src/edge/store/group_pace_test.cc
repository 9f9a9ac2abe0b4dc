#include "edge/store/group_pace.h"

#include <gtest/gtest.h>

namespace godwit::store {
namespace {

using namespace std::chrono_literals;

class GroupPaceTest : public ::testing::Test {
 protected:
  // true: the next group waited for more. `waiting` is asked only then.
  bool gather(std::invocable auto waiting) {
    bool asked = false;
    std::unique_lock lock(mutex_);
    pace_.gather(
        lock, work_,
        [&] {
          asked = true;
          return waiting();
        },
        stopping_);
    EXPECT_TRUE(lock.owns_lock());
    return asked;
  }
  static std::size_t one() { return 1; }
  // Only what ends a wait early can end this one.
  void begin_far_away(std::size_t writes) { pace_.begin(GroupPace::Clock::now() + 1h, writes); }

  GroupPace pace_;
  std::mutex mutex_;
  std::condition_variable work_;
  bool stopping_ = false;
};

TEST_F(GroupPaceTest, First_DoesNotWait) { EXPECT_FALSE(gather(one)); }

TEST_F(GroupPaceTest, Few_DoNotWait) {
  begin_far_away(GroupPace::kMany - 1);
  EXPECT_FALSE(gather(one));
}

TEST_F(GroupPaceTest, FewAfterMany_DoNotWait) {
  begin_far_away(GroupPace::kMany);
  begin_far_away(1);
  EXPECT_FALSE(gather(one));
}

TEST_F(GroupPaceTest, SlowSync_IsWaitEnough) {
  pace_.begin(GroupPace::Clock::now() - GroupPace::kDistance, GroupPace::kMany);
  EXPECT_FALSE(gather(one));
}

TEST_F(GroupPaceTest, OthersCome_GroupsBeginTheDistanceApart) {
  const auto begun = GroupPace::Clock::now();
  pace_.begin(begun, GroupPace::kMany);
  std::size_t came = 0;
  EXPECT_TRUE(gather([&] { return ++came; }));
  EXPECT_TRUE(came >= GroupPace::kEnough || GroupPace::Clock::now() - begun >= GroupPace::kDistance);
}

TEST_F(GroupPaceTest, NobodyComes_EndsTheWait) {
  begin_far_away(GroupPace::kMany);
  EXPECT_TRUE(gather(one));
}

TEST_F(GroupPaceTest, Enough_EndsTheWait) {
  begin_far_away(GroupPace::kMany);
  EXPECT_TRUE(gather([] { return GroupPace::kEnough; }));
}

TEST_F(GroupPaceTest, Stopping_EndsTheWait) {
  begin_far_away(GroupPace::kMany);
  stopping_ = true;
  std::size_t came = 0;
  EXPECT_TRUE(gather([&] { return ++came; }));
  EXPECT_LT(came, GroupPace::kEnough);
}

}  // namespace
}  // namespace godwit::store
