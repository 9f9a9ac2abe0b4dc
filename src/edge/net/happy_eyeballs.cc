#include "edge/net/happy_eyeballs.h"

#include <deque>
#include <optional>
#include <utility>

namespace godwit::net {
namespace {

// Shared by the attempts and the one who waits for them.
struct Race {
  Race(Dialer& of, std::unique_ptr<Timer> waiting, std::size_t count) : dialer(of), timer(std::move(waiting)), cancellations(count) {}

  void end_all() {
    over = true;
    for (Cancellation& each : cancellations) each.cancel();
    timer->wake();
  }

  Dialer& dialer;
  std::unique_ptr<Timer> timer;  // of the one who waits
  std::deque<Cancellation> cancellations;
  std::optional<Dialed> winner;
  std::vector<DialFailure> failures;
  std::size_t running = 0;
  bool over = false;
};

Task<> attempt(std::shared_ptr<Race> race, Endpoint to, std::size_t index, Duration timeout) {
  auto stream = co_await race->dialer.dial(to, timeout, &race->cancellations[index]);
  --race->running;
  if (!stream)
    race->failures.push_back({index, std::move(stream).error()});
  else if (race->over || race->winner)
    (*stream)->close();
  else
    race->winner = Dialed{*std::move(stream), index, race->failures};
  race->timer->wake();
}

}  // namespace

std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> families[2];
  for (const IpAddress& address : addresses) families[address.v6 ? 0 : 1].push_back(address);
  std::vector<IpAddress> out;
  for (std::size_t i = 0; out.size() < addresses.size(); ++i)
    for (const auto& family : families)
      if (i < family.size()) out.push_back(family[i]);
  return out;
}

Task<std::expected<Dialed, std::vector<DialFailure>>> dial_first(Dialer& dialer, Clock& clock, TaskGroup& tasks,
                                                                 std::vector<Endpoint> endpoints, Duration timeout) {
  const auto executor = co_await this_executor();
  const auto race = std::make_shared<Race>(dialer, clock.make_timer(executor), endpoints.size());
  const TaskGroup::OnStop on_stop(tasks, executor, [race] { race->end_all(); });
  std::size_t begun = 0;
  while (!race->winner && !race->over && (begun < endpoints.size() || race->running > 0)) {
    const std::size_t failed = race->failures.size();
    if (begun < endpoints.size()) {
      ++race->running;
      spawn(executor, tasks, "dial", attempt(race, endpoints[begun], begun, timeout));
      ++begun;
    }
    const Duration wait = begun < endpoints.size() ? kAttemptDelay : timeout + kAttemptDelay;
    const SteadyTime until = clock.steady() + wait;
    while (!race->winner && !race->over && race->failures.size() == failed)
      if (co_await race->timer->wait_until(until)) break;
  }
  race->end_all();
  if (race->winner) co_return *std::exchange(race->winner, std::nullopt);
  if (race->failures.empty() || tasks.stopping())
    race->failures.push_back({begun == 0 ? 0 : begun - 1, Error::temporary(Error::Cause::cancelled, "the server is stopping")});
  co_return std::unexpected(std::move(race->failures));
}

}  // namespace godwit::net
