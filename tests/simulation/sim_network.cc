#include "sim_network.h"

#include <algorithm>
#include <utility>

namespace godwit::simulation {

void SimNetwork::unplug() {
  plugged_ = false;
  for (const auto& weak : std::exchange(ends_, {}))
    if (const auto end = weak.lock()) end->close();
}

Task<> SimNetwork::serve(SimNetwork& network, Peer& peer, std::shared_ptr<net::Stream> stream) {
  co_await peer.serve(std::move(stream));
  --network.open_;
}

Task<Result<std::unique_ptr<net::Stream>>> SimNetwork::dial(Endpoint to, Duration timeout, net::Cancellation* cancel) {
  auto executor = co_await this_executor();
  const auto found = peers_.find(to.address);
  const Trouble trouble = found == peers_.end() ? Trouble::refuse : found->second->mood().trouble;
  const bool silent = trouble == Trouble::black_hole || partition_;
  const auto timer = clock_.make_timer(executor);
  {
    const net::Cancellation::Armed armed(cancel, [&timer] { timer->wake(); });
    const Duration wait = silent ? timeout : dice_.between(Duration(1), Duration(200));
    if (!co_await timer->wait_until(clock_.steady() + wait)) co_return fail(Error::temporary(Error::Cause::cancelled, "cancelled"));
  }
  if (!plugged_) co_return fail(Error::temporary(Error::Cause::closed, "network is unreachable"));
  if (silent) co_return fail(Error::temporary(Error::Cause::timed_out, "timed out"));
  if (trouble == Trouble::refuse) co_return fail(Error::temporary(Error::Cause::closed, "connection refused"));
  testing::MemoryStreamOptions options;
  options.server = to;
  auto streams = testing::make_memory_streams(clock_, options);
  std::shared_ptr<net::Stream> theirs = std::move(streams.first);
  std::erase_if(ends_, [](const auto& weak) { return weak.expired(); });
  ends_.push_back(theirs);
  ++open_;
  net::spawn(executor, tasks_, "peer", serve(*this, *found->second, std::move(theirs)));
  co_return std::move(streams.second);
}

Task<Result<std::unique_ptr<net::Stream>>> SimNetwork::connect(std::unique_ptr<net::Stream> plain, std::string server_name,
                                                               Duration timeout, net::Cancellation* cancel) {
  const auto found = peers_.find(plain->remote().address);
  if (found != peers_.end() && found->second->fails_handshakes())
    co_return fail(Error::temporary(Error::Cause::io, "TLS handshake failed"));
  co_return co_await tls_.connect(std::move(plain), std::move(server_name), timeout, cancel);
}

}  // namespace godwit::simulation
