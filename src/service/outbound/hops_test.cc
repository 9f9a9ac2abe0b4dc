#include "service/outbound/hops.h"

#include <gmock/gmock.h>

namespace godwit::outbound {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const std::vector<Duration> kProbe = {1min, 5min, 15min};
constexpr SteadyTime kStart{std::chrono::hours(1)};

TEST(Hops, FailedOne_RestsForTheStepsOfTheSchedule) {
  Hops hops(2);
  EXPECT_THAT(hops.candidates(kStart), ElementsAre(0, 1));
  hops.failed(0, kStart, kProbe);
  EXPECT_THAT(hops.candidates(kStart), ElementsAre(1));
  EXPECT_FALSE(hops.down(kStart));
  EXPECT_THAT(hops.candidates(kStart + 47s), ElementsAre(1));
  EXPECT_THAT(hops.candidates(kStart + 48s), ElementsAre(0, 1));  // the last fifth counts as over
  hops.failed(0, kStart + 1min, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 4min), ElementsAre(1));
  for (int i = 0; i < 5; ++i) hops.failed(0, kStart, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 11min), ElementsAre(1));  // the last step repeats
  EXPECT_THAT(hops.candidates(kStart + 15min), ElementsAre(0, 1));
  hops.succeeded(0);
  EXPECT_THAT(hops.candidates(kStart), ElementsAre(0, 1));
}

TEST(Hops, AllFailed_IsDownUntilTheFirstMayBeTried) {
  Hops hops(2);
  hops.failed(0, kStart, kProbe);
  hops.failed(1, kStart + 10s, kProbe);
  EXPECT_THAT(hops.candidates(kStart + 20s), IsEmpty());
  EXPECT_TRUE(hops.down(kStart + 20s));
  EXPECT_EQ(hops.next_probe(), kStart + 1min);
  EXPECT_THAT(hops.candidates(kStart + 50s), ElementsAre(0));
}

TEST(Hops, NoSchedule_RestsAMinute) {
  Hops hops(1);
  hops.failed(0, kStart, {});
  EXPECT_EQ(hops.next_probe(), kStart + 1min);
}

}  // namespace
}  // namespace godwit::outbound
