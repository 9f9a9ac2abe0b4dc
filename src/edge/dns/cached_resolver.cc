#include "edge/dns/cached_resolver.h"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/metrics.h"

namespace godwit::dns {
namespace {

metrics::Counter& cache_hits() {
  static auto& counter = metrics::counter("godwit_dns_cache_hits_total", "DNS lookups answered from the cache");
  return counter;
}
metrics::Counter& joined() {
  static auto& counter = metrics::counter("godwit_dns_joined_total", "DNS lookups that joined an equal one under way");
  return counter;
}
metrics::Counter& started() {
  static auto& counter = metrics::counter("godwit_dns_lookups_total", "DNS lookups that left the cache");
  return counter;
}
metrics::Counter& failures() {
  static auto& counter = metrics::counter("godwit_dns_failures_total", "DNS lookups that ended without an answer, time-outs apart");
  return counter;
}
metrics::Counter& timeouts() {
  static auto& counter = metrics::counter("godwit_dns_timeouts_total", "DNS lookups that somebody stopped waiting for");
  return counter;
}
metrics::Gauge& in_flight_gauge() {
  static auto& gauge = metrics::gauge("godwit_dns_in_flight", "DNS lookups under way");
  return gauge;
}

std::string in_words(Duration duration) {
  if (duration.count() % 1'000 == 0) return fmt::format("{} s", duration.count() / 1'000);
  return fmt::format("{} ms", duration.count());
}

Response cancelled() { return failure(Error::Cause::cancelled, "the server is shutting down"); }

// What one asker waits with; its coroutine alone owns it, and it is touched on the asker's loop alone.
struct Slot {
  std::unique_ptr<Timer> timer;
  std::shared_ptr<const Response> response;
};

struct Waiter {
  Executor executor;
  std::weak_ptr<Slot> slot;  // locked on the asker's loop alone: the last owner may be who locks it
  const Slot* id;
};

void answer(const std::vector<Waiter>& waiters, const std::shared_ptr<const Response>& response) {
  for (const Waiter& waiter : waiters) {
    post(waiter.executor, [weak = waiter.slot, response] {
      const auto slot = weak.lock();
      if (!slot) return;
      slot->response = response;
      slot->timer->wake();
    });
  }
}

}  // namespace

struct CachedResolver::Core : std::enable_shared_from_this<Core> {
  struct Flight {
    std::uint64_t id = 0;
    SteadyTime started;
    std::vector<Waiter> waiters;
  };
  // Takes an asker off its flight, however its coroutine ends.
  struct Seat {
    ~Seat() {
      if (!slot->response) core->leave(question, *slot);
    }
    Core* core;
    const Question& question;
    std::shared_ptr<Slot> slot;
  };

  Core(std::unique_ptr<Upstream> from, Clock& with, const CacheLimits& limits, std::size_t most)
      : clock(with), cache(limits), max_in_flight(most), upstream(std::move(from)) {}

  static Task<Response> look_up(std::shared_ptr<Core> core, Question question, Duration timeout);
  std::optional<Response> join(const Question& question, Waiter waiter);
  void complete(const Question& question, std::uint64_t id, Response response);
  void leave(const Question& question, const Slot& slot);
  void stop();

  Clock& clock;
  AnswerCache cache;
  const std::size_t max_in_flight;
  mutable std::mutex mutex;
  std::unordered_map<Question, Flight, QuestionHash> flights;
  std::uint64_t next_id = 1;
  bool stopping = false;
  std::unique_ptr<Upstream> upstream;
};

Task<Response> CachedResolver::Core::look_up(std::shared_ptr<Core> core, Question question, Duration timeout) {
  if (auto hit = core->cache.find(question, core->clock.steady())) {
    cache_hits().add();
    co_return *std::move(hit);
  }
  auto executor = co_await this_executor();
  const Seat seat{core.get(), question, std::make_shared<Slot>(core->clock.make_timer(executor), nullptr)};
  const SteadyTime deadline = core->clock.steady() + timeout;
  if (auto refused = core->join(question, Waiter{executor, seat.slot, seat.slot.get()})) co_return *std::move(refused);
  co_await seat.slot->timer->wait_until(deadline);
  if (seat.slot->response) co_return *seat.slot->response;
  timeouts().add();
  co_return failure(Error::Cause::timed_out, fmt::format("no answer from the DNS about {} within {}", question.text(), in_words(timeout)));
}

// An answer only where there is nothing to wait for. The Upstream is called without the lock: it may answer at once.
std::optional<Response> CachedResolver::Core::join(const Question& question, Waiter waiter) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return cancelled();
    const SteadyTime now = clock.steady();
    auto found = flights.find(question);
    if (found == flights.end()) {
      if (flights.size() >= max_in_flight) return failure(Error::Cause::limit, "too many DNS lookups are under way");
      found = flights.try_emplace(question).first;
      in_flight_gauge().add(1);
    } else if (now - found->second.started <= kLostAfter) {
      found->second.waiters.push_back(std::move(waiter));
      joined().add();
      return std::nullopt;
    }
    id = next_id++;
    found->second.id = id;
    found->second.started = now;
    found->second.waiters.push_back(std::move(waiter));
  }
  started().add();
  upstream->start(question, [weak = weak_from_this(), question, id](Response response) {
    if (const auto core = weak.lock()) core->complete(question, id, std::move(response));
  });
  return std::nullopt;
}

void CachedResolver::Core::complete(const Question& question, std::uint64_t id, Response response) {
  if (response.failed()) failures().add();
  const auto shared = std::make_shared<const Response>(std::move(response));
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex);
    const auto found = flights.find(question);
    if (found == flights.end() || found->second.id != id) return;
    cache.store(question, *shared, clock.steady());
    waiters = std::move(found->second.waiters);
    flights.erase(found);
    in_flight_gauge().add(-1);
  }
  answer(waiters, shared);
}

void CachedResolver::Core::leave(const Question& question, const Slot& slot) {
  const std::lock_guard lock(mutex);
  const auto found = flights.find(question);
  if (found == flights.end()) return;
  std::erase_if(found->second.waiters, [&](const Waiter& waiter) { return waiter.id == &slot; });
}

void CachedResolver::Core::stop() {
  std::unordered_map<Question, Flight, QuestionHash> ended;
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    ended.swap(flights);
    in_flight_gauge().add(-static_cast<std::int64_t>(ended.size()));
  }
  const auto response = std::make_shared<const Response>(cancelled());
  for (const auto& [question, flight] : ended) answer(flight.waiters, response);
}

CachedResolver::CachedResolver(std::unique_ptr<Upstream> upstream, Clock& clock, const CacheLimits& limits, std::size_t max_in_flight)
    : core_(std::make_shared<Core>(std::move(upstream), clock, limits, max_in_flight)) {}

CachedResolver::~CachedResolver() {
  core_->stop();
  core_->upstream.reset();
}

Task<Response> CachedResolver::resolve(Question question, Duration timeout) { return Core::look_up(core_, std::move(question), timeout); }

void CachedResolver::stop() { core_->stop(); }

std::size_t CachedResolver::in_flight() const {
  const std::lock_guard lock(core_->mutex);
  return core_->flights.size();
}

const AnswerCache& CachedResolver::cache() const { return core_->cache; }

}  // namespace godwit::dns
