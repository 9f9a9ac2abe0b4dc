#include "service/scheduler/retry.h"

#include <gmock/gmock.h>

#include "state/queue/queue_fixture.h"
#include "testing/seeded_random.h"

namespace godwit::scheduler {
namespace {

using queue::Outcome;
using queue::Recipient;
using namespace std::chrono_literals;

class RetryTest : public ::testing::Test {
 protected:
  RetryTest() {
    settings.retry = {1min, 5min, 15min, 30min, 1h, 2h, 4h};
    message.accepted = WallTime(1'800'000'000'000ms);
    message.reverse_path = smtp::ReversePath(queue::testing::address("anna@local.test"));
    recipient = queue::testing::recipient("x@far.test");
  }

  static Outcome deferred(bool site_down = false) {
    return {Outcome::Kind::deferred, {4, 2, 0}, "greylisted", "mx", "451 4.2.0 later", site_down};
  }
  void take(Outcome outcome, Duration after) {
    Delays delays(settings.retry, random);
    apply(recipient, std::move(outcome), message, settings, message.accepted + after, delays);
  }
  Duration next() const { return recipient.next_attempt - message.accepted; }

  Settings settings;
  queue::Message message;
  Recipient recipient;
  godwit::testing::SeededRandom random{1};
};

TEST_F(RetryTest, Steps_AreFollowedAndTheLastRepeatsWithinATenth) {
  const std::vector<Duration> steps = {1min, 5min, 15min, 30min, 1h, 2h, 4h, 4h, 4h};
  for (std::uint32_t failures = 1; failures <= steps.size(); ++failures) {
    for (int i = 0; i < 200; ++i) {
      const Duration delay = retry_delay(settings.retry, failures, random);
      EXPECT_GE(delay, steps[failures - 1] * 9 / 10);
      EXPECT_LE(delay, steps[failures - 1] * 11 / 10);
    }
  }
}

TEST_F(RetryTest, Jitter_SpreadsAndRepeatsForASeed) {
  godwit::testing::SeededRandom one(42);
  godwit::testing::SeededRandom two(42);
  std::set<Duration> seen;
  for (int i = 0; i < 100; ++i) {
    const Duration delay = retry_delay(settings.retry, 7, one);
    EXPECT_EQ(delay, retry_delay(settings.retry, 7, two));
    seen.insert(delay);
  }
  EXPECT_GT(seen.size(), 90u);
}

TEST_F(RetryTest, WhoFailedTogether_WaitsEquallyLong) {
  Delays delays(settings.retry, random);
  EXPECT_EQ(delays.after(3), delays.after(3));
  EXPECT_NE(delays.after(3), Delays(settings.retry, random).after(3));
}

TEST_F(RetryTest, TinySteps_StillLetTimePass) {
  settings.retry = {0ms};
  EXPECT_GT(retry_delay(settings.retry, 1, random), 0ms);
}

TEST_F(RetryTest, Delivered_IsDone) {
  Outcome outcome{Outcome::Kind::delivered, {2, 0, 0}, "ok", "mx", "250 ok", false};
  take(outcome, 1min);
  EXPECT_EQ(recipient.state, Recipient::State::delivered);
  EXPECT_EQ(recipient.attempts, 1u);
}

TEST_F(RetryTest, SiteDown_BurnsNoAttemptButFollowsTheSteps) {
  take(deferred(), 0min);
  EXPECT_EQ(recipient.attempts, 1u);
  for (const Duration step : {Duration(1min), Duration(5min), Duration(15min)}) {
    take(deferred(true), 10min);
    EXPECT_EQ(recipient.attempts, 1u);
    EXPECT_GE(next(), 10min + step * 9 / 10);
    EXPECT_LE(next(), 10min + step * 11 / 10);
  }
  EXPECT_EQ(recipient.probes, 3u);
  take(deferred(), 1h);
  EXPECT_EQ(recipient.attempts, 2u);
  EXPECT_EQ(recipient.probes, 0u);
  EXPECT_LE(next(), 1h + Duration(5min) * 11 / 10);
}

TEST_F(RetryTest, TimeOfItsOwn_IsSoonerThanTheStepForTheFirstAttemptsAndNeverLater) {
  Outcome grey = deferred();
  grey.retry_after = 5min;
  for (std::uint32_t attempt = 1; attempt <= kSoonerAttempts; ++attempt) {
    take(grey, 10min);
    EXPECT_EQ(recipient.attempts, attempt);
    EXPECT_LE(next(), attempt == 1 ? 10min + 66s : 16min);
    EXPECT_GE(next(), attempt == 1 ? 10min + 54s : 14min + 30s);
  }
  message.accepted -= 6h;  // past the delay notice
  recipient.delay_notice_sent = true;
  take(grey, 6h);
  EXPECT_GE(next(), 6h + Duration(4h) * 9 / 10);
}

TEST_F(RetryTest, TimeOfItsOwn_OfASiteThatIsLeftAloneIsNoProbe) {
  Outcome rests = deferred(true);
  rests.retry_after = 30min;
  for (int i = 0; i < 20; ++i) {
    take(rests, 1h);
    EXPECT_EQ(recipient.attempts, 0u);
    EXPECT_EQ(recipient.probes, 1u);
    EXPECT_GE(next(), 90min);
    EXPECT_LE(next(), 96min);
  }
  take(deferred(true), 1h);  // then it is down: the second step
  EXPECT_EQ(recipient.probes, 2u);
  EXPECT_LE(next(), 1h + Duration(5min) * 11 / 10);
}

TEST_F(RetryTest, TimeOfItsOwn_NeverGoesBeyondTheExpiryAndIsSharedByARound) {
  Outcome rests = deferred(true);
  rests.retry_after = 10h;
  recipient.delay_notice_sent = true;
  take(rests, 115h);
  EXPECT_EQ(next(), 120h);
  Delays delays(settings.retry, random);
  EXPECT_EQ(delays.asked(5min), delays.asked(5min));
}

TEST_F(RetryTest, DelayNoticeAndExpiry_AreAttemptsAtTheirMoment) {
  recipient.attempts = 6;
  take(deferred(), 3h + 50min);
  EXPECT_EQ(next(), 4h);
  recipient.delay_notice_sent = true;
  take(deferred(), 4h);
  EXPECT_GT(next(), 7h);
  take(deferred(), 119h);
  EXPECT_EQ(next(), 120h);
}

TEST_F(RetryTest, NobodyWantsADelayNotice_NoAttemptForItsSake) {
  recipient.attempts = 6;
  recipient.notify = {true, false, false, true, false};
  take(deferred(), 3h + 50min);
  EXPECT_GT(next(), 7h);
  recipient.notify = {};
  message.reverse_path = {};
  take(deferred(), 3h + 50min);
  EXPECT_GT(next(), 7h);
}

TEST_F(RetryTest, Expired_BouncesWithTheLastReason) {
  take(deferred(), 120h);
  EXPECT_EQ(recipient.state, Recipient::State::bounced);
  EXPECT_EQ(recipient.last.status.text(), "4.4.7");
  EXPECT_THAT(recipient.last.text, ::testing::HasSubstr("5d"));
  EXPECT_THAT(recipient.last.text, ::testing::HasSubstr("greylisted"));
  EXPECT_EQ(recipient.last.remote_reply, "451 4.2.0 later");
}

TEST_F(RetryTest, Notify_IsHonoured) {
  struct Case {
    std::string_view name;
    queue::Notify notify;
    bool failure;
    bool delay;
  };
  const Case cases[] = {{"none given", {}, true, true},
                        {"NEVER", {true, true, false, false, false}, false, false},
                        {"FAILURE", {true, false, false, true, false}, true, false},
                        {"DELAY", {true, false, false, false, true}, false, true},
                        {"SUCCESS", {true, false, true, false, false}, false, false}};
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    recipient.notify = each.notify;
    EXPECT_EQ(wants_failure(recipient), each.failure);
    EXPECT_EQ(wants_delay(recipient), each.delay);
  }
}

}  // namespace
}  // namespace godwit::scheduler
