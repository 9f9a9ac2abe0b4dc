#pragma once
// SMTP client: takes messages to a site over a small pool of reused, pipelined connections.
//
// A Job is some recipients of one message for one site. It is offered on the site's loop; its outcomes (one a recipient,
// in order) are given to `done` on the same loop. Sites live on loop hash(name) % loops: the scheduler posts over.
// A site whose hops all refuse to connect is `down`: jobs come back deferred with site_down at once until the probe time; bounced,
// if no hop can ever take mail as the DNS is now.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "edge/dns/resolver.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "edge/store/blobs.h"
#include "service/routing/router.h"
#include "state/queue/message.h"
#include "state/trace/trace.h"

namespace godwit::outbound {

struct Settings {
  std::string hostname;  // EHLO name
  std::size_t connections_per_site = 4;
  std::size_t messages_per_connection = 1'000;
  Duration idle_reuse = std::chrono::seconds(30);
  bool starttls = true;                     // where it is offered: opportunistic, whoever's certificate (RFC 7435)
  std::vector<Network> forbidden_networks;  // where no MX may lead
  std::vector<Duration> probe = {std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::minutes(15)};  // [queue] retry
};

struct Job {
  std::shared_ptr<const routing::Site> site;
  std::shared_ptr<const queue::Message> message;
  std::vector<std::size_t> recipients;  // indices into message->recipients
  std::function<void(std::vector<queue::Outcome>)> done;
};

struct SiteStatus {
  std::string name;
  std::size_t waiting = 0;
  std::size_t connections = 0;
  bool down = false;
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
};
std::unique_ptr<Outbound> make_outbound(Context context);

}  // namespace godwit::outbound
