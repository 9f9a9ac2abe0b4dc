#include "service/outbound/pace.h"

#include <gmock/gmock.h>

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;

class PaceTest : public ::testing::Test {
 protected:
  void limit(std::size_t connections, std::vector<Rate> rates = {}) { pace_.set_limits({connections, 1'000, std::move(rates)}, now_); }
  void deliver(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pace_.delivered(now_);
  }
  // Messages that go from now on until `length` is over, each as soon as it may.
  std::size_t sent_within(Duration length) {
    const SteadyTime end = now_ + length;
    std::size_t count = 0;
    while ((now_ = pace_.next(now_)) < end) {
      pace_.sent(now_);
      ++count;
    }
    now_ = end;
    return count;
  }

  Pace pace_;
  SteadyTime now_{1'000'000s};
};

TEST_F(PaceTest, Connections_FourAtOnceAndMoreAsItDelivers) {
  limit(6);
  EXPECT_EQ(pace_.connections(), 4u);
  deliver(3);
  EXPECT_EQ(pace_.connections(), 4u);
  deliver(1);
  EXPECT_EQ(pace_.connections(), 5u);
  deliver(4);
  EXPECT_EQ(pace_.connections(), 5u);
  deliver(1);
  EXPECT_EQ(pace_.connections(), 6u);
  deliver(100);
  EXPECT_EQ(pace_.connections(), 6u);
  limit(1);
  EXPECT_EQ(pace_.connections(), 1u);
}

TEST_F(PaceTest, Turn_IncludesThePauses) {
  limit(1);
  EXPECT_EQ(pace_.turn_after(100, now_), 0s);
  pace_.slow_down(1, now_);
  EXPECT_EQ(pace_.turn_after(0, now_), 15s);
  EXPECT_EQ(pace_.turn_after(3, now_), 60s);
  EXPECT_EQ(pace_.interval(), 15s);
  EXPECT_TRUE(pace_.pausing(now_));
  now_ += 15s;
  EXPECT_EQ(pace_.turn_after(0, now_), 0s);
  EXPECT_EQ(pace_.turn_after(1, now_), 15s);
  pace_.delivered(now_);
  EXPECT_EQ(pace_.turn_after(100, now_), 0s);
  EXPECT_FALSE(pace_.pausing(now_));
}

TEST_F(PaceTest, SlowDown_HalvesOnceForABurst) {
  limit(16);
  deliver(200);
  EXPECT_EQ(pace_.connections(), 16u);
  pace_.slow_down(16, now_);
  EXPECT_EQ(pace_.connections(), 8u);
  pace_.slow_down(16, now_ + 1s);
  EXPECT_EQ(pace_.connections(), 8u);
  now_ += 5s;
  pace_.slow_down(8, now_);
  EXPECT_EQ(pace_.connections(), 4u);
  now_ += 5s;
  pace_.slow_down(2, now_);  // no more than are open
  EXPECT_EQ(pace_.connections(), 1u);
  EXPECT_TRUE(pace_.may_send(now_));
}

TEST_F(PaceTest, SlowDown_WithOneLeft_PausesThatDouble) {
  limit(4);
  for (const Duration pause : {15s, 30s, 60s, 120s, 240s, 300s, 300s}) {
    pace_.slow_down(1, now_);
    EXPECT_FALSE(pace_.may_send(now_));
    EXPECT_EQ(pace_.next(now_), now_ + pause);
    now_ += pause;
    EXPECT_TRUE(pace_.may_send(now_));
  }
  now_ += 10s;
  deliver(1);  // it goes well again
  pace_.slow_down(1, now_);
  EXPECT_EQ(pace_.next(now_), now_ + 15s);
}

TEST_F(PaceTest, AfterTrouble_OneMoreEachTenSecondsIfSomethingIsDelivered) {
  limit(20);
  deliver(300);
  pace_.went_down(now_);
  EXPECT_EQ(pace_.connections(), 1u);
  deliver(1'000);
  EXPECT_EQ(pace_.connections(), 1u);
  now_ += 1h;
  EXPECT_EQ(pace_.connections(), 1u);
  deliver(1'000);
  EXPECT_EQ(pace_.connections(), 2u);
  for (std::size_t i = 3; i <= 20; ++i) {
    now_ += 10s;
    deliver(50);
    EXPECT_EQ(pace_.connections(), i);
  }
  now_ += 10s;
  deliver(50);
  EXPECT_EQ(pace_.connections(), 20u);
}

TEST_F(PaceTest, BrokenDialogue_ShrinksWithoutAPause) {
  limit(4);
  pace_.shrink(4, now_);
  EXPECT_EQ(pace_.connections(), 2u);
  now_ += 5s;
  pace_.shrink(1, now_);
  EXPECT_EQ(pace_.connections(), 1u);
  EXPECT_TRUE(pace_.may_send(now_));
}

TEST_F(PaceTest, FurtherConnectionRefused_KeepsToThoseThatWork) {
  limit(10);
  pace_.keep_to(3, now_);
  EXPECT_EQ(pace_.connections(), 3u);
  now_ += 10s;
  deliver(1);
  EXPECT_EQ(pace_.connections(), 4u);
}

TEST_F(PaceTest, RateASecond_IsHeldWithinABurstOfASecond) {
  limit(4, {{50, 1s}});
  EXPECT_EQ(sent_within(1s), 99u);  // what was saved up, and what came
  EXPECT_EQ(sent_within(1s), 50u);
  EXPECT_EQ(sent_within(10s), 500u);
}

TEST_F(PaceTest, RateAnHour_IsSpread) {
  limit(4, {{100, 1h}});
  EXPECT_EQ(sent_within(1min), 3u);
  EXPECT_EQ(sent_within(9min), 15u);
  EXPECT_NEAR(static_cast<double>(sent_within(50min)), 83, 1);
  limit(4, {{3'600, 1h}});
  EXPECT_EQ(sent_within(1min), 119u);  // a minute's worth saved up
  EXPECT_EQ(sent_within(10min), 600u);
}

TEST_F(PaceTest, TwoRates_BothHold) {
  limit(4, {{10, 1s}, {60, 1min}});
  EXPECT_EQ(sent_within(1s), 19u);
  EXPECT_LE(sent_within(59s), 101u);
  EXPECT_EQ(sent_within(10min), 600u);
}

TEST_F(PaceTest, Turn_IsHowLongTheRateTakesForThoseBefore) {
  limit(4, {{10, 1s}});
  EXPECT_EQ(pace_.turn_after(0, now_), 0s);
  EXPECT_EQ(pace_.turn_after(9, now_), 0s);
  EXPECT_EQ(pace_.turn_after(10, now_), 100ms);
  EXPECT_EQ(pace_.turn_after(110, now_), 10'100ms);
  limit(4);
  EXPECT_EQ(pace_.turn_after(1'000'000, now_), 0s);
}

TEST_F(PaceTest, Interval_IsThatOfTheLowestRate) {
  limit(4, {{10, 1s}, {60, 1h}});
  EXPECT_EQ(pace_.interval(), 1min);
  limit(4);
  EXPECT_EQ(pace_.interval(), 0s);
}

TEST_F(PaceTest, Reload_ChangesRatesAndKeepsWhatWasLearnt) {
  limit(8, {{10, 1s}});
  pace_.went_down(now_);
  EXPECT_EQ(sent_within(1s), 19u);
  limit(8, {{10, 1s}});
  EXPECT_FALSE(pace_.may_send(now_ - 1ms));  // the same rate goes on where it is
  limit(16, {{20, 1s}});
  EXPECT_EQ(pace_.connections(), 1u);
  EXPECT_EQ(sent_within(1s), 39u);
}

TEST_F(PaceTest, Rest_StopsAllAndWakeEndsIt) {
  limit(4);
  pace_.rest(30min, now_);
  EXPECT_TRUE(pace_.resting(now_ + 29min));
  EXPECT_EQ(pace_.next(now_), now_ + 30min);
  EXPECT_FALSE(pace_.resting(now_ + 30min));
  EXPECT_EQ(pace_.connections(), 1u);
  pace_.wake();
  EXPECT_TRUE(pace_.may_send(now_));
}

TEST_F(PaceTest, Forgettable_OnlyWhenNothingIsKnown) {
  limit(4, {{10, 1s}});
  EXPECT_TRUE(pace_.forgettable(now_));
  pace_.sent(now_);
  EXPECT_FALSE(pace_.forgettable(now_));
  EXPECT_TRUE(pace_.forgettable(now_ + 1s));
  pace_.slow_down(4, now_);
  EXPECT_FALSE(pace_.forgettable(now_ + 5min));
  EXPECT_TRUE(pace_.forgettable(now_ + 10min));
  pace_.rest(30min, now_);
  EXPECT_FALSE(pace_.forgettable(now_ + 29min));
}

}  // namespace
}  // namespace godwit::outbound
