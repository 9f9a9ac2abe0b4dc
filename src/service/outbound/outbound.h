#pragma once
// SMTP client: takes messages to a site over a small pool of reused, pipelined connections.
//
// A Job is some recipients of one message for one site. It is offered on the site's loop; its outcomes (one a recipient,
// in order) are given to `done` on the same loop. Sites live on loop hash(name) % loops: the scheduler posts over.
// With sources (source.h) a site is served from each of them by itself: connections, pace, rest and "down" are of a source and a site.
// Which source takes a message: the first of its pool, in the message's own order (in_order()), that the site does not refuse, that works,
// and whose warm-up has room.
// How fast a site is served: pace.h. Who cannot be served soon, as the site's rate is lower, comes back deferred with the time of his turn.
// A site whose hops all refuse to connect is `down`: jobs come back deferred with site_down at once until the probe time; bounced,
// if no hop can ever take mail as the DNS is now.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "edge/dns/resolver.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "edge/store/blobs.h"
#include "service/outbound/site_limits.h"
#include "service/routing/router.h"
#include "state/queue/message.h"
#include "state/trace/trace.h"

namespace godwit::outbound {

class ReplyClasses;
class TenantStops;
class WarmupLedger;
struct Egress;

struct Settings {
  std::string hostname;                         // EHLO name
  std::size_t connections_per_site = 4;         // where `sites` says nothing
  std::size_t messages_per_connection = 1'000;  // likewise
  std::vector<SiteRule> sites;                  // the first that matches counts
  std::shared_ptr<const ReplyClasses> classes;  // null: classes by status alone, no actions
  Duration idle_reuse = std::chrono::seconds(30);
  bool starttls = true;                               // where it is offered: opportunistic, whoever's certificate (RFC 7435)
  std::vector<Network> forbidden_networks;            // where no MX may lead
  std::map<std::string, std::string> passwords;       // of routes, by their password_file
  std::shared_ptr<net::TlsConnector> verifying = {};  // TLS with a look at the certificate; null: no trusted ones
  std::shared_ptr<const Egress> egress = {};          // sources and pools (source.h); null: none, the system chooses the address
  std::vector<Duration> probe = {std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::minutes(15)};  // [queue] retry
};

struct Job {
  std::shared_ptr<const routing::Site> site;
  std::shared_ptr<const queue::Message> message;
  std::vector<std::size_t> recipients;  // indices into message->recipients
  std::function<void(std::vector<queue::Outcome>)> done;
  unsigned moves = 0;  // from source to source, without an attempt
};

struct SiteStatus {
  std::string name;
  std::string source = {};  // from which it is served: "" the system's choice
  std::string group = {};   // of the table of limits: "google"
  std::size_t waiting = 0;
  std::size_t connections = 0;
  std::size_t most_connections = 0;  // that it gets as things are
  bool down = false;                 // or at rest, as it does not want us
  WallTime next_probe{};
  std::string last_error;
};

// All sites of one loop. Used on that loop alone.
class Outbound {
 public:
  virtual ~Outbound() = default;
  virtual void offer(Job job) = 0;
  virtual std::vector<SiteStatus> status() const = 0;
  // An administrator says that it is worth trying: what rests is tried with the next job.
  virtual void probe_now() = 0;
  // No new dialogues; those under way finish their message, QUIT and end. Jobs not begun come back deferred.
  virtual void drain() = 0;
};

struct Context {
  net::Dialer& dialer;
  net::TlsConnector& tls;
  std::function<Task<Result<std::vector<IpAddress>>>(std::string host)> resolve;  // hosts of routes
  dns::Resolver& resolver;                                                        // hosts of MX records
  std::function<bool(const Endpoint&)> is_ourselves;                              // DESIGN.md: an address and port we listen on
  store::Blobs& blobs;
  Clock& clock;
  Random& random;
  trace::Trace& trace;
  net::TaskGroup& tasks;
  Executor executor;
  std::function<std::shared_ptr<const Settings>()> settings;
  // Of a Unix socket (net::dial_unix).
  std::function<Task<Result<std::unique_ptr<net::Stream>>>(std::string path, Duration timeout, net::Cancellation* cancel)> dial_socket = {};
  BlockingPool* blocking = nullptr;           // derives the keys of logins; null: the loop does
  std::shared_ptr<WarmupLedger> warmup = {};  // null: no ceilings for sources that warm up
  std::shared_ptr<TenantStops> tenants = {};  // null: nobody is stopped
};
std::unique_ptr<Outbound> make_outbound(Context context);

}  // namespace godwit::outbound
