#pragma once
// Loops: single-threaded executors, one a core, and the sockets that are dealt to them.
//
// LoopPool is owned by the application; run() starts the threads, stop() ends them. A connection stays on its loop.
// Coroutines that had not ended by stop() are destroyed with the pool: what they refer to, their TaskGroup too,
// outlives the pool; streams and listeners do not.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/net/stream.h"
#include "edge/net/task_group.h"

namespace godwit::net {

class LoopPool {
 public:
  // 0 = one a core.
  explicit LoopPool(std::size_t loops);
  ~LoopPool();

  std::size_t size() const;
  Executor executor(std::size_t loop) const;
  std::size_t current() const;  // the loop of the calling thread; GODWIT_CHECKs that it is one

  void run();   // starts a thread a loop and returns
  void stop();  // ends the loops after what is ready, joins the threads; not from a loop

  std::size_t deal();  // the loop of the next connection: each in turn; any thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Called on the loop that the connection was dealt to.
using OnConnection = std::function<void(std::size_t loop, std::unique_ptr<Stream>)>;

// A listening socket: backlog 4,096, TCP_NODELAY on what it accepts. Accepting starts with start(), once, and ends with close();
// EMFILE and the like pause it for 100 ms instead of spinning.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void start(OnConnection on_connection) = 0;
  virtual void close() = 0;                      // from any thread; no call-back begins after it returned on the listener's own loop
  virtual const Endpoint& endpoint() const = 0;  // with the port that was given for 0
};

// Errors name the address and what to do ("port 25 is taken by another program", "needs CAP_NET_BIND_SERVICE").
Result<std::unique_ptr<Listener>> listen_tcp(LoopPool& loops, Endpoint at);
// Replaces a socket file that nobody answers on, and removes its own when it closes; `mode` as for chmod.
Result<std::unique_ptr<Listener>> listen_unix(LoopPool& loops, const std::string& path, unsigned mode);

// Dials TCP with TCP_NODELAY; the stream belongs to the loop of the calling coroutine.
std::unique_ptr<Dialer> make_tcp_dialer();

// Addresses of a host name by the system's resolver, on a thread; an IP address comes back as itself.
// (MX and everything else of the DNS is dns::Resolver's.)
Task<Result<std::vector<IpAddress>>> resolve_host(std::string host);

// Raises RLIMIT_NOFILE to its hard limit; returns the limit.
std::size_t raise_file_limit();

}  // namespace godwit::net
