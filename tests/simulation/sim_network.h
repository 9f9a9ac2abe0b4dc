#pragma once
// The simulated network: which address leads to which server, how long a connection takes, TLS without cryptography, and the day on
// which every connection breaks because our machine has no power.

#include <map>
#include <memory>
#include <vector>

#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "peer.h"
#include "testing/memory_stream.h"

namespace godwit::simulation {

class SimNetwork final : public net::Dialer, public net::TlsConnector {
 public:
  SimNetwork(std::uint64_t seed, SimClock& clock) : clock_(clock), dice_(seed, 2) {}

  void listen(IpAddress at, Peer& peer) { peers_[at] = &peer; }
  // Our machine's end: every connection breaks, and none can be made.
  void unplug();
  void plug() { plugged_ = true; }
  void set_partition(bool cut_off) { partition_ = cut_off; }  // everybody is out of reach; connections stay
  std::size_t open() const { return open_; }
  net::TaskGroup& tasks() { return tasks_; }

  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint to, Duration timeout, net::Cancellation* cancel) override;
  Task<Result<std::unique_ptr<net::Stream>>> connect(std::unique_ptr<net::Stream> plain, std::string server_name, Duration timeout,
                                                     net::Cancellation* cancel) override;

 private:
  static Task<> serve(SimNetwork& network, Peer& peer, std::shared_ptr<net::Stream> stream);

  SimClock& clock_;
  Dice dice_;
  net::TaskGroup tasks_;
  testing::FakeTls tls_;
  std::map<IpAddress, Peer*> peers_;
  std::vector<std::weak_ptr<net::Stream>> ends_;  // of the servers
  std::size_t open_ = 0;
  bool plugged_ = true;
  bool partition_ = false;
};

}  // namespace godwit::simulation
