#include "service/outbound/pace.h"

#include <algorithm>
#include <cmath>

#include "service/outbound/limits.h"

namespace godwit::outbound {

double Pace::Bucket::tokens_at(SteadyTime now) const {
  const auto passed = static_cast<double>(std::max(Duration(0), now - filled).count());
  return std::min(most, tokens + passed * static_cast<double>(rate.count) / static_cast<double>(rate.per.count()));
}

// When there are (or, beyond what can be saved up, would have been) so many tokens.
SteadyTime Pace::Bucket::has(double wanted, SteadyTime now) const {
  const double missing = wanted - tokens_at(now);
  // a token is there a hair before its millisecond, or rounding would ask for one more
  if (missing <= 1e-6) return now;
  return now + Duration(static_cast<Duration::rep>(
                   std::ceil((missing - 1e-6) * static_cast<double>(rate.per.count()) / static_cast<double>(rate.count))));
}

void Pace::set_limits(SiteLimits limits, SteadyTime now) {
  if (allowed_ == 0) allowed_ = kFirstConnections;
  if (limits.rates != limits_.rates) {
    buckets_.clear();
    for (const Rate& rate : limits.rates) {
      const double saved = static_cast<double>(rate.count) * std::min(1.0, 60'000.0 / static_cast<double>(rate.per.count()));
      const double most = std::max(1.0, saved);
      buckets_.push_back({rate, most, most, now});
    }
  }
  limits_ = std::move(limits);
}

std::size_t Pace::connections() const { return std::clamp<std::size_t>(allowed_, 1, std::max<std::size_t>(limits_.connections, 1)); }

SteadyTime Pace::next(SteadyTime now) const {
  SteadyTime when = std::max({now, paused_until_, rests_until_});
  for (const Bucket& bucket : buckets_) when = std::max(when, bucket.has(1, now));
  return when;
}

Duration Pace::turn_after(std::size_t before, SteadyTime now) const {
  SteadyTime when = std::max(now, paused_until_) + pause_ * static_cast<Duration::rep>(before);
  for (const Bucket& bucket : buckets_) when = std::max(when, bucket.has(static_cast<double>(before) + 1, now));
  return when - now;
}

Duration Pace::interval() const {
  Duration longest = pause_;
  for (const Bucket& bucket : buckets_) longest = std::max(longest, bucket.rate.per / static_cast<Duration::rep>(bucket.rate.count));
  return longest;
}

void Pace::sent(SteadyTime now) {
  for (Bucket& bucket : buckets_) {
    bucket.tokens = std::max(0.0, bucket.tokens_at(now) - 1);
    bucket.filled = now;
  }
}

bool Pace::delivered(SteadyTime now) {
  ++deliveries_;
  const bool step = gentle_ ? now - stepped_ >= kRampStep : deliveries_ >= allowed_;
  if (!step) return false;
  deliveries_ = 0;
  stepped_ = now;
  pause_ = {};
  if (allowed_ >= limits_.connections) {
    gentle_ = false;
    return false;
  }
  ++allowed_;
  return true;
}

void Pace::begin_ramp(std::size_t connections, SteadyTime now) {
  allowed_ = std::max<std::size_t>(connections, 1);
  gentle_ = true;
  deliveries_ = 0;
  stepped_ = now;
}

bool Pace::counts(SteadyTime now) {
  if (slowed_ && now - *slowed_ < kSlowAgain) return false;
  slowed_ = now;
  return true;
}

void Pace::slow_down(std::size_t open, SteadyTime now) {
  if (!counts(now)) return;
  if (std::min(open, connections()) <= 1) {
    pause_ = pause_ == Duration(0) ? kFirstPause : std::min<Duration>(pause_ * 2, kLongestPause);
    paused_until_ = now + pause_;
  }
  begin_ramp(std::min(open, connections()) / 2, now);
}

void Pace::shrink(std::size_t open, SteadyTime now) {
  if (counts(now)) begin_ramp(std::min(open, connections()) / 2, now);
}

void Pace::keep_to(std::size_t open, SteadyTime now) { begin_ramp(std::min(open, connections()), now); }

void Pace::went_down(SteadyTime now) { begin_ramp(1, now); }

void Pace::rest(Duration length, SteadyTime now) {
  rests_until_ = std::max(rests_until_, now + length);
  begin_ramp(1, now);
}

void Pace::wake() {
  paused_until_ = {};
  pause_ = {};
  rests_until_ = {};
}

bool Pace::forgettable(SteadyTime now) const {
  const bool saved = std::ranges::all_of(buckets_, [&](const Bucket& bucket) { return bucket.tokens_at(now) >= bucket.most; });
  return saved && now >= paused_until_ && now >= rests_until_ && (!gentle_ || now - stepped_ >= kPaceKept);
}

}  // namespace godwit::outbound
