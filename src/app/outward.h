#pragma once
// All that leads out of the machine, wired once: the resolver, the TLS of a client, and for each loop its MX sites and its pools
// of connections. Made by the House; its parts refer to the clock, random, blobs and trace that they are given.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "edge/dns/resolver.h"
#include "edge/net/loop.h"
#include "service/outbound/outbound.h"
#include "service/routing/mx_sites.h"

namespace godwit::app {

class Outward {
 public:
  struct Context {
    net::LoopPool& loops;
    net::TaskGroup& tasks;
    store::Blobs& blobs;
    trace::Trace& trace;
    Clock& clock;
    Random& random;
    std::shared_ptr<dns::Resolver> resolver;  // null: the world's
    BlockingPool* blocking = nullptr;         // for the keys of logins
  };
  // Errors name [dns] servers and the mend.
  static Result<std::unique_ptr<Outward>> create(const Config& config, Context context);
  ~Outward();

  // In force for the next question and connection; [dns] is fixed at the start.
  void set_settings(const Config& config);

  routing::MxSites& mx_sites(std::size_t loop);
  // A site lives on one loop; the job's outcomes come home to the loop that offers it. On loop `from`.
  void offer(std::size_t from, outbound::Job job);
  // `queue retry` and `queue release`: sites that rest are tried with the job that follows. At most once a second, so that a command
  // about thousands of messages looks at the sites once. Any thread.
  void probe_now();
  void drain(std::size_t loop);  // on that loop
  void stop_resolver();          // any thread: every lookup ends at once
  Task<std::vector<outbound::SiteStatus>> sites();

 private:
  struct Impl;
  explicit Outward(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::app
