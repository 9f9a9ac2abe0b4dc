#pragma once
// When a recipient is tried again, and what an outcome makes of it. Pure functions of message, outcome, time and randomness.
//
// The schedule is [queue] retry: the n-th failed attempt is followed by its n-th step, the last repeats, each up to a tenth
// earlier or later, so that what failed together does not come back together. While a site is down its recipients step
// through the same list by the number of probes, without using up attempts. The moments of the delay notice and of the
// expiry are attempts too: the sender is told what is true then. An outcome may name a time of its own (Outcome::retry_after): a
// greylisted recipient, for its first attempts, unless the schedule is sooner; a site that is not to be tried before. Then it is that long,
// up to a fifth longer.

#include <cstdint>
#include <map>
#include <span>

#include "base/clock.h"
#include "base/random.h"
#include "service/scheduler/scheduler.h"
#include "state/queue/message.h"

namespace godwit::scheduler {

// So often a time of the outcome's own stands in place of the schedule: whoever is greylisted for longer is not greylisted.
inline constexpr std::uint32_t kSoonerAttempts = 12;

// `failures` counts from 1.
Duration retry_delay(std::span<const Duration> steps, std::uint32_t failures, Random& random);

// The delays of one round: recipients that have failed equally often wait equally long, so that they stay together and the
// bytes go to their site once.
class Delays {
 public:
  Delays(std::span<const Duration> steps, Random& random) : steps_(steps), random_(random) {}
  Duration after(std::uint32_t failures);
  Duration asked(Duration time);  // a time of the outcome's own

 private:
  std::span<const Duration> steps_;
  Random& random_;
  std::map<std::uint32_t, Duration> drawn_;
  std::map<Duration, Duration> asked_;
};

// Takes the outcome into `recipient`: its state, attempts or probes, and the next attempt. A deferral at or after the expiry
// becomes a bounce (4.4.7, RFC 3463 3.5: delivery time expired) with the last reason in it.
void apply(queue::Recipient& recipient, queue::Outcome outcome, const queue::Message& message, const Settings& settings, WallTime now,
           Delays& delays);

WallTime expires(const queue::Message& message, const Settings& settings);
// The sender gets a delay notice for this recipient, once, when it is still pending `delay_notice` after it was accepted.
bool delay_notice_due(const queue::Recipient& recipient, const queue::Message& message, const Settings& settings, WallTime now);

// RFC 3461 4.1 and 5.2: whether NOTIFY lets us tell the sender. A null reverse path is never told (RFC 5321 6.1).
bool wants_failure(const queue::Recipient& recipient);
bool wants_delay(const queue::Recipient& recipient);
// RFC 3461 5.2: delivered or relayed, and the sender asked to hear of it from us.
bool wants_success(const queue::Recipient& recipient);

}  // namespace godwit::scheduler
