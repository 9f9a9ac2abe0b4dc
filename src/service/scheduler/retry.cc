#include "service/scheduler/retry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "state/queue/owed_report.h"

namespace godwit::scheduler {

using queue::Outcome;
using queue::Recipient;

namespace {

Outcome expired(Outcome last, const Settings& settings) {
  Outcome outcome = std::move(last);
  outcome.kind = Outcome::Kind::bounced;
  outcome.status = {4, 4, 7};
  outcome.text = fmt::format("not delivered for {}, given up; the last reason: {}", format_duration(settings.expire),
                             outcome.text.empty() ? "unknown" : outcome.text);
  return outcome;
}

}  // namespace

Duration retry_delay(std::span<const Duration> steps, std::uint32_t failures, Random& random) {
  GODWIT_CHECK(!steps.empty());
  const std::size_t index = std::min<std::size_t>(std::max<std::uint32_t>(failures, 1) - 1, steps.size() - 1);
  const Duration step = std::max(steps[index], Duration(1));
  const Duration tenth = step / 10;
  return step - tenth + Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(tenth.count()) * 2 + 1)));
}

Duration Delays::after(std::uint32_t failures) {
  const auto [place, is_new] = drawn_.try_emplace(failures);
  if (is_new) place->second = retry_delay(steps_, failures, random_);
  return place->second;
}

Duration Delays::asked(Duration time) {
  const auto [place, is_new] = asked_.try_emplace(time);
  if (is_new) place->second = time + Duration(static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(time.count()) / 5 + 1)));
  return place->second;
}

WallTime expires(const queue::Message& message, const Settings& settings) { return message.accepted + settings.expire; }

bool wants_failure(const Recipient& recipient) { return !recipient.notify.given || (!recipient.notify.never && recipient.notify.failure); }

bool wants_delay(const Recipient& recipient) { return !recipient.notify.given || (!recipient.notify.never && recipient.notify.delay); }

// RFC 3461 5.2.1: what a server with DSN has taken over is its business
bool wants_success(const Recipient& recipient) {
  return recipient.last.kind == Outcome::Kind::delivered && recipient.last.success != Outcome::Success::passed_on &&
         recipient.notify.given && recipient.notify.success && !recipient.notify.never;
}

bool delay_notice_due(const Recipient& recipient, const queue::Message& message, const Settings& settings, WallTime now) {
  return recipient.state == Recipient::State::pending && !recipient.delay_notice_sent && !queue::owes_report(recipient) &&
         wants_delay(recipient) && !message.reverse_path.is_null() && now >= message.accepted + settings.delay_notice;
}

void apply(Recipient& recipient, Outcome outcome, const queue::Message& message, const Settings& settings, WallTime now, Delays& delays) {
  const bool deferred = outcome.kind == Outcome::Kind::deferred;
  const Duration asked = deferred ? outcome.retry_after : Duration(0);
  if (deferred && outcome.site_down) {
    // nobody has probed the site while it is left alone or waited for
    recipient.probes = asked > Duration(0) ? std::max(recipient.probes, 1u) : recipient.probes + 1;
  } else {
    ++recipient.attempts;
    recipient.probes = 0;
  }
  if (deferred && now >= expires(message, settings)) outcome = expired(std::move(outcome), settings);
  recipient.last = std::move(outcome);
  if (recipient.last.kind == Outcome::Kind::delivered) recipient.state = Recipient::State::delivered;
  if (recipient.last.kind == Outcome::Kind::bounced) recipient.state = Recipient::State::bounced;
  if (recipient.state != Recipient::State::pending) return;

  const std::uint32_t failures = recipient.probes > 0 ? recipient.probes : recipient.attempts;
  const bool by_outcome = asked > Duration(0) && (recipient.probes > 0 || recipient.attempts <= kSoonerAttempts);
  Duration delay = delays.after(failures);
  if (by_outcome) delay = recipient.probes > 0 ? delays.asked(asked) : std::min(delay, delays.asked(asked));  // sooner, never later
  recipient.next_attempt = std::min(now + delay, expires(message, settings));
  const WallTime notice = message.accepted + settings.delay_notice;
  const bool notice_to_come = now < notice && delay_notice_due(recipient, message, settings, notice);
  if (notice_to_come) recipient.next_attempt = std::min(recipient.next_attempt, notice);
}

}  // namespace godwit::scheduler
