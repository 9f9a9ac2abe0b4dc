#include "service/events/sinks.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/log.h"
#include "base/metrics.h"
#include "service/events/place.h"

namespace godwit::events {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(250);  // how often an idle sink looks at the stream
constexpr std::size_t kParcelBytes = 1 << 20;               // of the stream
constexpr Duration kLongestWait = std::chrono::hours(1);

struct Metrics {
  explicit Metrics(const std::string& name)
      : sent(metrics::counter("godwit_events_sent_total", "Events that a sink's receiver has taken", {{"sink", name}})),
        failures(
            metrics::counter("godwit_events_sink_failures_total", "Attempts to hand events to a receiver that failed", {{"sink", name}})),
        behind(metrics::gauge("godwit_events_sink_behind_seconds", "Age of the oldest event that a receiver has not taken",
                              {{"sink", name}})) {}
  metrics::Counter& sent;
  metrics::Counter& failures;
  metrics::Gauge& behind;
};

// One sink at work.
struct Worker {
  Worker(std::unique_ptr<Sink> s, std::shared_ptr<Worker> b) : sink(std::move(s)), before(std::move(b)), metrics(sink->name()) {}

  const std::unique_ptr<Sink> sink;
  std::shared_ptr<Worker> before;  // of the same name: ends first
  std::atomic<bool> leaving{false};
  std::atomic<bool> ended{false};
  std::unique_ptr<Timer> timer;  // its loop's
  Metrics metrics;

  mutable std::mutex mutex;
  SinkStatus status;
};

}  // namespace

struct Sinks::Impl {
  explicit Impl(SinksContext c) : context(std::move(c)) {}

  SinksContext context;
  mutable std::mutex mutex;
  std::vector<std::shared_ptr<Worker>> workers;

  static Task<> run(std::shared_ptr<Impl> self, std::shared_ptr<Worker> worker);
  Task<> work(Worker& worker);
  Task<> pause(Worker& worker, Duration duration) const { co_await worker.timer->wait_until(context.clock.steady() + duration); }
  bool over(const Worker& worker) const { return worker.leaving || context.tasks.stopping(); }
  Task<bool> hand_over(Worker& worker, const Parcel& parcel, WallTime oldest, std::size_t& most);
  static void note_taken(Worker& worker, const Parcel& parcel, WallTime now);
  void note_failure(Worker& worker, const Verdict& verdict, WallTime oldest, Duration wait) const;
};

Duration wait_after(unsigned failures, Random& random) {
  const Duration step =
      std::min<Duration>(kLongestWait, std::chrono::seconds(1) * (1u << std::min(failures - std::min(failures, 1u), 12u)));
  const auto tenth = static_cast<std::uint64_t>(step.count() / 10);
  return step - Duration(tenth) + Duration(static_cast<Duration::rep>(random.below(2 * tenth + 1)));
}

void Sinks::Impl::note_taken(Worker& worker, const Parcel& parcel, WallTime now) {
  worker.metrics.sent.add(parcel.events);
  worker.metrics.behind.set(0);
  const std::lock_guard lock(worker.mutex);
  if (worker.status.failures > 0)
    log::info("events_taken_again", {{"sink", worker.status.name}, {"after_failures", worker.status.failures}});
  worker.status.sent += parcel.events;
  worker.status.failures = 0;
  worker.status.waiting_since = {};
  worker.status.next_try = {};
  worker.status.last_success = now;
}

void Sinks::Impl::note_failure(Worker& worker, const Verdict& verdict, WallTime oldest, Duration wait) const {
  const WallTime now = context.clock.now();
  worker.metrics.failures.add();
  worker.metrics.behind.set(std::chrono::duration_cast<std::chrono::seconds>(now - oldest).count());
  const std::lock_guard lock(worker.mutex);
  SinkStatus& status = worker.status;
  ++status.failures;
  status.last_error = verdict.why;
  status.last_error_at = now;
  status.waiting_since = oldest;
  status.stopped = verdict.kind == Verdict::Kind::never;
  status.next_try = status.stopped ? WallTime{} : now + wait;
  log::warning(status.stopped ? "events_refused_for_good" : "events_not_taken",
               {{"sink", status.name}, {"error", verdict.why}, {"failures", status.failures}});
}

// false: it is over, or the parcel must be packed anew.
Task<bool> Sinks::Impl::hand_over(Worker& worker, const Parcel& parcel, WallTime oldest, std::size_t& most) {
  for (unsigned failures = 1; !over(worker); ++failures) {
    const Verdict verdict = co_await worker.sink->deliver(parcel);
    if (verdict.kind == Verdict::Kind::taken) {
      note_taken(worker, parcel, context.clock.now());
      most = worker.sink->batch();
      co_return true;
    }
    if (over(worker)) break;
    const Duration wait = std::max(wait_after(failures, context.random), verdict.wait);
    note_failure(worker, verdict, oldest, wait);
    if (verdict.kind == Verdict::Kind::smaller && parcel.events > 1) {
      most = parcel.events / 2;
      co_return false;
    }
    if (verdict.kind == Verdict::Kind::never) {
      while (!over(worker)) co_await pause(worker, kLongestWait);
      break;
    }
    const SteadyTime until = context.clock.steady() + wait;
    while (!over(worker) && context.clock.steady() < until) co_await worker.timer->wait_until(until);
  }
  co_return false;
}

Task<> Sinks::Impl::work(Worker& worker) {
  const std::string path = (context.directory / place_name(worker.sink->name())).string();
  std::unique_ptr<Place> place;
  while (!place && !over(worker)) {
    auto opened = co_await context.pool.run([this, &path] { return Place::open(context.disk, path); });
    if (opened) {
      place = *std::move(opened);
    } else {
      note_failure(worker, {Verdict::Kind::later, opened.error().text}, context.clock.now(), kLongestWait);
      co_await pause(worker, std::chrono::minutes(1));
    }
  }
  if (!place) co_return;
  Position position = place->position().value_or(context.stream.end());
  std::size_t most = worker.sink->batch();
  Position saved{};
  struct Packed {
    Stream::Batch batch;
    Parcel parcel;
  };
  while (!over(worker)) {
    {
      const std::lock_guard lock(worker.mutex);
      worker.status.position = position;
    }
    if (position != saved && (position == context.stream.end() || saved == Position{})) {
      const auto done = co_await context.pool.run([&place, position] { return place->save(position); });
      if (!done) log::warning("events_place_not_saved", {{"sink", worker.sink->name()}, {"error", done.error().text}});
      saved = position;
    }
    if (position == context.stream.end()) {
      co_await pause(worker, kLook);
      continue;
    }
    auto packed = co_await context.pool.run([this, &worker, position, most]() -> Result<Packed> {
      GODWIT_ASSIGN(auto batch, context.stream.read(position, most, kParcelBytes, worker.sink->types()));
      auto parcel = worker.sink->pack(batch);
      return Packed{std::move(batch), std::move(parcel)};
    });
    if (!packed) {
      note_failure(worker, {Verdict::Kind::later, packed.error().text}, context.clock.now(), kLook);
      co_await pause(worker, std::chrono::seconds(10));
      continue;
    }
    if (packed->batch.gap) {
      log::error("events_lost_to_a_sink",
                 {{"sink", worker.sink->name()}, {"why", "the stream is full or they are too old; see [events] keep and max_size"}});
      const std::lock_guard lock(worker.mutex);
      ++worker.status.gaps;
    }
    if (packed->parcel.events > 0 && !co_await hand_over(worker, packed->parcel, packed->batch.events.front().time, most)) continue;
    position = packed->batch.next;
    if (packed->parcel.events == 0) continue;
    const auto done = co_await context.pool.run([&place, position] { return place->save(position); });
    if (!done) log::warning("events_place_not_saved", {{"sink", worker.sink->name()}, {"error", done.error().text}});
    saved = position;
  }
}

Task<> Sinks::Impl::run(std::shared_ptr<Impl> self, std::shared_ptr<Worker> worker) {
  auto executor = co_await this_executor();
  worker->timer = self->context.clock.make_timer(executor);
  {
    const net::TaskGroup::OnStop on_stop(self->context.tasks, executor, [raw = worker.get()] {
      raw->sink->cancel();
      raw->timer->wake();
    });
    while (worker->before && !worker->before->ended && !self->over(*worker)) co_await self->pause(*worker, kLook);
    worker->before.reset();
    co_await self->work(*worker);
  }
  worker->timer.reset();
  worker->ended = true;
}

Sinks::Sinks(SinksContext context) : impl_(std::make_shared<Impl>(std::move(context))) {}
Sinks::~Sinks() = default;

void Sinks::set(std::vector<std::unique_ptr<Sink>> sinks) {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::shared_ptr<Worker>> now;
  const auto end = [&](const std::shared_ptr<Worker>& worker) {
    worker->leaving = true;
    post(impl_->context.executor, [worker] {
      worker->sink->cancel();
      if (worker->timer) worker->timer->wake();
    });
  };
  for (auto& sink : sinks) {
    const auto same =
        std::ranges::find_if(impl_->workers, [&](const auto& worker) { return worker && worker->sink->name() == sink->name(); });
    std::shared_ptr<Worker> before;
    if (same != impl_->workers.end()) before = std::exchange(*same, nullptr);
    bool stopped = false;
    if (before) {
      const std::lock_guard of_worker(before->mutex);
      stopped = before->status.stopped;
    }
    if (before && !stopped && before->sink->fingerprint() == sink->fingerprint()) {
      before->sink->reopen();
      now.push_back(std::move(before));
      continue;
    }
    if (before) end(before);
    auto worker = std::make_shared<Worker>(std::move(sink), std::move(before));
    worker->status.kind = worker->sink->kind();
    worker->status.name = worker->sink->name();
    worker->status.target = worker->sink->target();
    now.push_back(worker);
    net::spawn(impl_->context.executor, impl_->context.tasks, "event_sink", Impl::run(impl_, worker));
  }
  for (const auto& worker : impl_->workers)
    if (worker) end(worker);
  impl_->workers = std::move(now);
}

std::vector<SinkStatus> Sinks::status() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<SinkStatus> out;
  for (const auto& worker : impl_->workers) {
    const std::lock_guard of_worker(worker->mutex);
    out.push_back(worker->status);
  }
  return out;
}

}  // namespace godwit::events
