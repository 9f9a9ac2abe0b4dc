#pragma once
// How fast a site is served: how many connections may be open, and when the next message may go.
//
// Connections. The first four at once, more as messages are taken (one for as many deliveries as there are connections). A site
// that says "slow down" or breaks off gets half of them; with one left, it gets pauses that double. From there, and after an outage,
// one more every ten seconds, and only if something was delivered meanwhile.
// Rates. A token bucket each; what is saved up lasts a second for "n/s" and a minute for the others, so that an hour's mail does not
// go in its first minute.
// Rest. Nothing goes at all.
// Time comes with each call: pure. One loop.

#include <optional>
#include <vector>

#include "service/outbound/site_limits.h"

namespace godwit::outbound {

class Pace {
 public:
  void set_limits(SiteLimits limits, SteadyTime now);
  const SiteLimits& limits() const { return limits_; }

  std::size_t connections() const;  // that may be open: 1 up to the limit
  bool may_send(SteadyTime now) const { return next(now) <= now; }
  SteadyTime next(SteadyTime now) const;  // when the next message may go
  // How long rates and pauses keep one waiting before whom `before` others go; zero without them.
  Duration turn_after(std::size_t before, SteadyTime now) const;
  Duration interval() const;  // between two messages in the long run, at the lowest of the rates, or pausing
  // The site has asked for pauses, and nothing has shown since that it needs them no more.
  bool pausing(SteadyTime now) const { return pause_ > Duration(0) || now < paused_until_; }
  void sent(SteadyTime now);

  bool delivered(SteadyTime now);  // true: there may be one connection more
  // The site asked for less: `open` connections were too many. A burst of such replies counts once.
  void slow_down(std::size_t open, SteadyTime now);
  // Something broke: fewer connections, without a pause.
  void shrink(std::size_t open, SteadyTime now);
  // Another connection was refused while `open` work.
  void keep_to(std::size_t open, SteadyTime now);
  // Nobody answers: it begins anew with one.
  void went_down(SteadyTime now);

  void rest(Duration length, SteadyTime now);
  bool resting(SteadyTime now) const { return now < rests_until_; }
  SteadyTime rests_until() const { return rests_until_; }
  void wake();  // an administrator says that it is worth trying: no rest, no pause

  // Nothing is known that a new one would not know.
  bool forgettable(SteadyTime now) const;

 private:
  struct Bucket {
    Rate rate;
    double most = 0;
    double tokens = 0;  // at `filled`
    SteadyTime filled{};

    double tokens_at(SteadyTime now) const;
    SteadyTime has(double wanted, SteadyTime now) const;
  };

  bool counts(SteadyTime now);
  void begin_ramp(std::size_t connections, SteadyTime now);

  SiteLimits limits_;
  std::vector<Bucket> buckets_;
  std::size_t allowed_ = 0;
  std::size_t deliveries_ = 0;  // since the last connection more
  bool gentle_ = false;         // a step every ten seconds
  SteadyTime stepped_{};
  std::optional<SteadyTime> slowed_;
  Duration pause_{};
  SteadyTime paused_until_{};
  SteadyTime rests_until_{};
};

}  // namespace godwit::outbound
