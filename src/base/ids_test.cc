#include "base/ids.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace godwit {
namespace {

using namespace std::chrono_literals;

TEST(MessageId, Text_SortsAsTimeAndRoundTrips) {
  testing::ManualClock clock;
  MessageIdSource source(clock, 1023, WallTime{});
  const MessageId first = source.next();
  clock.set(clock.now() + 1ms);
  const MessageId second = source.next();
  EXPECT_LT(first.text(), second.text());
  EXPECT_EQ(first.text().size(), 13u);
  EXPECT_EQ(first.shard(), 1023);
  EXPECT_EQ(second.time(), clock.now());
  EXPECT_EQ(parse_message_id(first.text()).value(), first);
  EXPECT_FALSE(parse_message_id("hello"));
}

TEST(MessageIdSource, ClockStepsBack_IdsGoOnGrowing) {
  testing::ManualClock clock;
  MessageIdSource source(clock, 3, WallTime{});
  MessageId last = source.next();
  clock.set(clock.now() - 1h);
  for (int i = 0; i < 20'000; ++i) {  // more than one millisecond's counter
    const MessageId next = source.next();
    ASSERT_LT(last, next);
    ASSERT_EQ(next.shard(), 3);
    last = next;
  }
}

TEST(MessageIdSource, Floor_IsPassed) {
  testing::ManualClock clock;
  MessageIdSource source(clock, 0, clock.now() + 1h);
  EXPECT_GE(source.next().time(), clock.now() + 1h);
}

}  // namespace
}  // namespace godwit
