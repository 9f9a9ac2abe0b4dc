#pragma once
// THE ONE WAY OUT: decides who is tried when, routes each recipient, and records every outcome in the queue.
//
// One Scheduler a loop, owning the shards s with s % loops == its index. Fresh messages come from intake (accepted()); what else is
// queued is known from the queue's catalogue, and read from its rows when its turn comes (lineup.h).
// Retry times: retry.h. Bounces and delay notices: bounce.h, handed to intake.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "edge/net/task_group.h"
#include "service/delivery/delivery.h"
#include "service/intake/intake.h"
#include "service/outbound/outbound.h"
#include "service/routing/mx_sites.h"
#include "service/routing/router.h"
#include "state/mailbox/mailbox.h"
#include "state/queue/queue.h"
#include "state/trace/trace.h"

namespace godwit::dsn {
class Texts;
}

namespace godwit::events {
class Stream;
}

namespace godwit::scheduler {

struct Settings {
  std::string hostname;
  std::vector<Duration> retry;  // DESIGN.md: 1m 5m 15m 30m 1h 2h 4h, the last repeats
  Duration expire = std::chrono::days(5);
  Duration delay_notice = std::chrono::hours(4);
  std::size_t window = 10'000;                          // messages in memory a loop
  std::size_t site_backlog = 64;                        // messages in work for one site, at least: twice what its connections carry
  std::map<std::string, unsigned, std::less<>> shares;  // of tenants; one that is not in it has 1
  std::shared_ptr<const dsn::Texts> texts;              // of reports; null: as shipped
};

struct Context {
  queue::Queue& queue;
  mailbox::Mailboxes& mailboxes;
  store::Blobs& blobs;
  trace::Trace& trace;
  intake::Intake& intake;  // for bounces
  Clock& clock;
  Random& random;
  net::TaskGroup& tasks;
  Executor executor;
  std::size_t loop = 0;
  std::size_t loops = 1;
  std::function<std::shared_ptr<const routing::Router>()> router;
  routing::MxSites& mx;  // of this loop
  std::function<std::shared_ptr<const Settings>()> settings;
  // Gives a job to the site's loop and its outcomes back to ours.
  std::function<void(outbound::Job)> offer;
  events::Stream* events = nullptr;  // null: switched off
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual void start() = 0;                           // reads fresh and due rows of its shards
  virtual void accepted(queue::Message message) = 0;  // just durable; on this loop
  virtual void drain() = 0;                           // no new attempts; those under way are recorded
  virtual bool idle() const = 0;                      // nothing under way

  // Administration; on this loop, for a message of one of its shards. false: no such message. While it is being tried
  // (attempting_since()), hold and drop are only noted: hold takes effect within seconds, drop as well but for the recipients
  // that are out at their sites, whose turn is when they come back undelivered.
  enum class Action : std::uint8_t { retry, hold, release, drop };
  virtual Task<Result<bool>> act(MessageId id, Action action, std::string why) = 0;
  // As act(), for many messages: what it makes of a message is written, and the message is found again by its row, so that a million take
  // no more memory than one. `conflict` while it is being tried. Also what only rows can tell:
  struct Change {
    enum class What : std::uint8_t { retry, release, reroute, readdress };
    What what = What::retry;
    queue::Filter recipients;   // reroute: those of them that match
    std::string next_hop;       // reroute: "smtp://host:25"; "": where the routes say
    smtp::Address old_address;  // readdress: `not_found` unless it is pending
    smtp::Address new_address;
    std::string why;
  };
  virtual Task<Result<bool>> change(MessageId id, Change change) = 0;
  // The queue's rules have changed: looked at now instead of in a while. On this loop.
  virtual void rules_changed() = 0;
  // Since when it is being tried; nothing: it is not. On this loop.
  virtual std::optional<WallTime> attempting_since(MessageId id) = 0;
};

std::unique_ptr<Scheduler> make_scheduler(Context context);

}  // namespace godwit::scheduler
