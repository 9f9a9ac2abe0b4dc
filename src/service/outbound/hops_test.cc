#include "service/outbound/hops.h"

#include <gmock/gmock.h>

#include "testing/seeded_random.h"

namespace godwit::outbound {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const std::vector<Duration> kProbe = {1min, 5min, 15min};
constexpr SteadyTime kStart{std::chrono::hours(1)};
testing::SeededRandom random(5);

TEST(Hops, FailedOne_RestsForTheStepsOfTheSchedule) {
  Hops hops({0, 1});
  EXPECT_THAT(hops.candidates(kStart, random), ElementsAre(0, 1));
  hops.failed(0, kStart, kProbe);
  EXPECT_THAT(hops.candidates(kStart, random), ElementsAre(1));
  EXPECT_FALSE(hops.down(kStart));
  EXPECT_THAT(hops.candidates(kStart + 47s, random), ElementsAre(1));
  EXPECT_THAT(hops.candidates(kStart + 48s, random), ElementsAre(0, 1));  // the last fifth counts as over
  hops.failed(0, kStart + 1min, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 4min, random), ElementsAre(1));
  for (int i = 0; i < 5; ++i) hops.failed(0, kStart, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 11min, random), ElementsAre(1));  // the last step repeats
  EXPECT_THAT(hops.candidates(kStart + 15min, random), ElementsAre(0, 1));
  hops.succeeded(0);
  EXPECT_THAT(hops.candidates(kStart, random), ElementsAre(0, 1));
}

TEST(Hops, AllFailed_IsDownUntilTheFirstMayBeTried) {
  Hops hops({0, 1});
  hops.failed(0, kStart, kProbe);
  hops.failed(1, kStart + 10s, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 20s, random), IsEmpty());
  EXPECT_TRUE(hops.down(kStart + 20s));
  EXPECT_EQ(hops.next_probe(), kStart + 1min);
  EXPECT_THAT(hops.candidates(kStart + 50s, random), ElementsAre(0));
}

TEST(Hops, NoSchedule_RestsAMinute) {
  Hops hops({0});
  hops.failed(0, kStart, {});
  EXPECT_EQ(hops.next_probe(), kStart + 1min);
}

TEST(Hops, EqualsTakeTurnsAtRandom_TiersKeepTheirOrder) {
  const Hops hops({10, 10, 20});
  bool first[2] = {false, false};
  for (int i = 0; i < 100; ++i) {
    const auto order = hops.candidates(kStart, random);
    ASSERT_EQ(order.size(), 3u);
    EXPECT_EQ(order[2], 2u);
    first[order[0]] = true;
  }
  EXPECT_TRUE(first[0] && first[1]);
}

TEST(Hops, HopelessIsOnlyWhatFailedForGoodEverywhere) {
  Hops hops({10, 20});
  EXPECT_FALSE(hops.hopeless());
  hops.failed(0, kStart, kProbe, true);
  hops.failed(1, kStart, kProbe);
  EXPECT_FALSE(hops.hopeless());
  hops.failed(1, kStart, kProbe, true);
  EXPECT_TRUE(hops.hopeless());
  hops.succeeded(0);
  EXPECT_FALSE(hops.hopeless());
}

TEST(Hops, WakeAll_EndsEveryRest_AndTheNextIsAsLongAsItWouldHaveBeen) {
  Hops hops({10, 20});
  hops.failed(0, kStart, kProbe);
  hops.failed(1, kStart, kProbe);
  hops.wake_all();
  EXPECT_FALSE(hops.down(kStart));
  hops.failed(0, kStart, kProbe);
  hops.failed(1, kStart, kProbe);
  EXPECT_EQ(hops.next_probe(), kStart + 5min);
}

TEST(Hops, FailedFrom_TakesAlongWhatIsNotBetter) {
  Hops hops({5, 10, 10, 20});
  hops.failed_from(2, kStart, kProbe);
  EXPECT_THAT(hops.candidates(kStart, random), ElementsAre(0));
  EXPECT_FALSE(hops.hopeless());
}

}  // namespace
}  // namespace godwit::outbound
