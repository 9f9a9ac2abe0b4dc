#pragma once
// The stream of events and its sinks, wired once. Owned by the House; outlives what reports to it.

#include <memory>
#include <optional>

#include "app/config.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "edge/net/loop.h"
#include "edge/store/disk.h"
#include "service/events/sinks.h"
#include "state/queue/queue.h"

namespace godwit::app {

class Outlets {
 public:
  struct Context {
    net::LoopPool& loops;
    net::TaskGroup& tasks;
    store::Disk& disk;
    BlockingPool& pool;
    Clock& clock;
    Random& random;
  };
  // Nobody listens yet. Without [events] there is no stream.
  static Result<std::unique_ptr<Outlets>> open(const Config& config, Context context);

  static std::unique_ptr<Outlets> none();  // offline: nothing is told

  events::Stream* stream() { return stream_.get(); }
  // From now on these are told; the loops run. Errors leave everything as it was.
  Result<void> set(const Config& config);
  // What is queued and was not told of, after the start.
  void tell_again(queue::Queue& queue);
  std::vector<events::SinkStatus> status() const;
  void stop();  // after everybody who reports

 private:
  Outlets() = default;

  std::optional<Context> context_;
  std::string directory_;
  std::unique_ptr<net::Dialer> dialer_ = net::make_tcp_dialer();
  std::unique_ptr<events::Stream> stream_;
  std::unique_ptr<events::Sinks> sinks_;
};

}  // namespace godwit::app
