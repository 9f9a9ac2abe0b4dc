#include "frontend/adminapi/waiting.h"

#include <gtest/gtest.h>

namespace godwit::adminapi {
namespace {

using queue::Outcome;
using queue::Recipient;

TEST(WhyItWaits, InPlainWords) {
  struct Case {
    Outcome last;
    std::string_view expected;
  };
  const Case cases[] = {
      {{}, "not tried yet"},
      {{Outcome::Kind::deferred,
        {4, 2, 2},
        "the server refused the recipient for now",
        "mx.far.test [192.0.2.1]:25",
        "452 4.2.2 Voll",
        false},
       "the server refused the recipient for now; mx.far.test [192.0.2.1]:25 says: 452 4.2.2 Voll (mailbox full)"},
      {{Outcome::Kind::deferred, {4, 0, 0}, "the server refused the message", "mx.far.test", "451 no", false},
       "the server refused the message; mx.far.test says: 451 no"},
      {{Outcome::Kind::deferred,
        {4, 4, 1},
        "could not connect to mx.far.test [192.0.2.1]:25: refused",
        "mx.far.test [192.0.2.1]:25",
        "",
        true},
       "could not connect to mx.far.test [192.0.2.1]:25: refused"},
      {{Outcome::Kind::deferred, {4, 4, 1}, "connection refused", "mx.far.test [192.0.2.1]:25", "", true},
       "connection refused (mx.far.test [192.0.2.1]:25)"},
      {{Outcome::Kind::deferred, {4, 3, 0}, "the mailbox cannot be written now", "local", "", false}, "the mailbox cannot be written now"},
  };
  for (const Case& one : cases) {
    Recipient recipient;
    recipient.last = one.last;
    EXPECT_EQ(why_it_waits({}, recipient), one.expected);
  }
}

TEST(WhyItWaits, HeldComesFirst_ForWhatIsPending) {
  queue::Message message;
  message.held = true;
  message.held_because = "by the administrator";
  Recipient recipient;
  recipient.last.text = "the next server has taken it";
  EXPECT_EQ(why_it_waits(message, recipient), "held: by the administrator");
  EXPECT_EQ(next_try(message, recipient, {}), "when released");
  recipient.state = Recipient::State::delivered;
  EXPECT_EQ(why_it_waits(message, recipient), "the next server has taken it");
  EXPECT_EQ(next_try(message, recipient, {}), "");
}

TEST(WhyItWaits, BeingTried_IsWhatIsPendingAndWasDue) {
  const WallTime since = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)) + std::chrono::seconds(20 * 3600 + 389);
  queue::Message message;
  Recipient recipient;
  EXPECT_EQ(why_it_waits(message, recipient, since), "being tried now, since 20:06:29");
  recipient.last.text = "connection refused";
  EXPECT_EQ(why_it_waits(message, recipient, since), "being tried now, since 20:06:29; before: connection refused");
  recipient.next_attempt = since + std::chrono::minutes(1);  // on record already, in the same round
  EXPECT_EQ(why_it_waits(message, recipient, since), "connection refused");
  recipient.next_attempt = since;
  recipient.state = Recipient::State::delivered;
  EXPECT_EQ(why_it_waits(message, recipient, since), "connection refused");
  recipient.state = Recipient::State::pending;
  message.held = true;
  message.held_because = "by the administrator";
  EXPECT_EQ(why_it_waits(message, recipient, since), "held: by the administrator");
}

TEST(NextTry, SaysInHowLong) {
  const WallTime now = WallTime(std::chrono::hours(1'000'000));
  Recipient recipient;
  EXPECT_EQ(next_try({}, recipient, now), "now");
  recipient.next_attempt = now + std::chrono::milliseconds(250'900);
  EXPECT_EQ(next_try({}, recipient, now), "in 4m10s");
  recipient.next_attempt = now - std::chrono::minutes(1);
  EXPECT_EQ(next_try({}, recipient, now), "now");
}

}  // namespace
}  // namespace godwit::adminapi
