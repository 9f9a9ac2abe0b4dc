#include "service/outbound/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/log.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"

namespace godwit::outbound {
namespace {

std::string name_peer(const routing::Hop& hop, const Endpoint& endpoint) {
  if (parse_ip(hop.host)) return endpoint.text();
  return fmt::format("{} [{}]:{}", hop.host, endpoint.address.text(), endpoint.port);
}

}  // namespace

Site::Site(const Context& context, std::shared_ptr<const routing::Site> description)
    : context_(context), description_(std::move(description)), hops_(description_->hops.size()) {}

void Site::offer(Job job) {
  Work work(std::move(job));
  if (stopping() || (connections_ == 0 && hops_.down(context_.clock.steady()))) {
    work.decide_open(why_not(work));
    // not from within the caller's call
    post(context_.executor,
         [done = std::move(work.job.done), outcomes = std::move(work.outcomes)]() mutable { done(std::move(outcomes)); });
    return;
  }
  waiting_.push_back(std::move(work));
  outbound_metrics().waiting.add(1);
  grow();
}

// Somebody must take what waits: an idle connection, or a new one.
void Site::grow() {
  if (waiting_.empty()) return;
  if (!idle_.empty()) {
    idle_.back()->wake();
    idle_.pop_back();
    return;
  }
  if (connections_ > 0) {
    const bool wanted = proven_ && opening_ == 0 && waiting_.size() > connections_ && context_.clock.steady() >= grow_after_;
    if (!wanted || connections_ >= context_.settings()->connections_per_site) return;
  }
  ++connections_;
  ++opening_;
  net::spawn(context_.executor, context_.tasks, "outbound connection", run(shared_from_this()));
}

std::optional<Work> Site::next() {
  if (waiting_.empty() || draining_) return std::nullopt;
  std::optional<Work> work(std::move(waiting_.front()));
  waiting_.pop_front();
  outbound_metrics().waiting.add(-1);
  return work;
}

void Site::finished(Work work) {
  record_attempt(context_.trace, work);
  work.job.done(std::move(work.outcomes));
}

// To the front; but what may itself be the cause of the loss must not meet each new connection first.
void Site::give_back(Work work) {
  if (work.unheard > 0)
    waiting_.push_back(std::move(work));
  else
    waiting_.push_front(std::move(work));
  outbound_metrics().waiting.add(1);
}

// The life of one connection.
Task<> Site::run(std::shared_ptr<Site> self) {
  std::size_t hop = 0;
  auto opened = co_await self->open(hop);
  --self->opening_;
  if (opened) {
    self->proven_ = true;
    outbound_metrics().connections.add();
    outbound_metrics().open.add(1);
    co_await self->work_on(**opened, hop);
    outbound_metrics().open.add(-1);
    --self->connections_;
  } else {
    --self->connections_;
    self->opening_failed();
  }
  if (self->stopping()) self->fail_waiting();
  self->grow();
}

Task<> Site::work_on(Connection& connection, std::size_t hop) {
  const auto timer = context_.clock.make_timer(context_.executor);
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [&connection, &timer, this] {
    draining_ = true;
    connection.cancel();
    timer->wake();
  });
  grow();  // this one has been proved good: if much waits, open the next at once
  while (connection.usable()) {
    const auto settings = context_.settings();
    co_await connection.carry(*this, settings->messages_per_connection);
    if (!connection.usable() || draining_ || connection.taken() >= settings->messages_per_connection) break;
    if (!co_await wait_for_work(*timer)) break;
  }
  judge(connection, hop);
  co_await connection.quit();
}

// false: the connection was idle for long enough, or everything ends.
Task<bool> Site::wait_for_work(Timer& timer) {
  if (!waiting_.empty()) co_return true;
  idle_.push_back(&timer);
  const SteadyTime until = context_.clock.steady() + context_.settings()->idle_reuse;
  const bool elapsed = co_await timer.wait_until(until);
  std::erase(idle_, &timer);
  co_return !draining_ && (!elapsed || !waiting_.empty());
}

// Tries the hops in order; the last failure is the answer if none takes us.
Task<Site::Opened> Site::open(std::size_t& hop) {
  for (const std::size_t candidate : hops_.candidates(context_.clock.steady())) {
    auto opened = co_await open_hop(description_->hops[candidate]);
    if (opened) {
      hop = candidate;
      co_return opened;
    }
    outbound_metrics().connection_failures.add();
    last_failure_ = std::move(opened).error();
    last_failure_.site_down = true;
    dialogues_broke_ = false;
    log::warning("hop failed", {{"site", description_->name},
                                {"hop", description_->hops[candidate].text()},
                                {"error", last_failure_.text},
                                {"reply", last_failure_.remote_reply}});
    // While others of our connections work there, the server only wants no more of them.
    if (connections_ > opening_) break;
    hops_.failed(candidate, context_.clock.steady(), context_.settings()->probe);
    if (context_.tasks.stopping()) break;
  }
  co_return std::unexpected(last_failure_);
}

Task<Site::Opened> Site::open_hop(const routing::Hop& hop) {
  std::vector<IpAddress> addresses;
  if (const auto ip = parse_ip(hop.host)) {
    addresses.push_back(*ip);
  } else {
    auto resolved = co_await context_.resolve(hop.host);
    if (!resolved)
      co_return std::unexpected(
          unreachable({4, 4, 3}, fmt::format("{} could not be looked up: {}", hop.host, resolved.error().text), hop.text()));
    addresses = *std::move(resolved);
  }
  Opened opened = std::unexpected(unreachable({4, 4, 3}, fmt::format("{} has no address", hop.host), hop.text()));
  for (const IpAddress& address : addresses | std::views::take(kAddresses)) {
    opened = co_await open_address(hop, address);
    if (opened || context_.tasks.stopping()) break;
  }
  co_return opened;
}

Task<Site::Opened> Site::open_address(const routing::Hop& hop, IpAddress address) {
  const Endpoint endpoint{address, hop.port};
  const std::string remote = name_peer(hop, endpoint);
  auto stream = co_await context_.dialer.dial(endpoint, kConnect);
  if (!stream)
    co_return std::unexpected(unreachable({4, 4, 1}, fmt::format("could not connect to {}: {}", remote, stream.error().text), remote));
  auto connection = std::make_unique<Connection>(*std::move(stream), remote, context_.blobs);
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [raw = connection.get()] { raw->cancel(); });
  auto greeted = co_await connection->greet(context_.settings()->hostname);
  if (!greeted) co_return std::unexpected(std::move(greeted).error());
  co_return connection;
}

void Site::opening_failed() {
  const SteadyTime now = context_.clock.steady();
  grow_after_ = now + kGrowAgain;
  if (connections_ == 0 && hops_.down(now)) fail_waiting();
}

// A hop that finished a message works. One that breaks its dialogues before that, again and again, rests as if it did not answer.
void Site::judge(const Connection& connection, std::size_t hop) {
  if (connection.settled() > 0) {
    losses_ = 0;
    hops_.succeeded(hop);
    return;
  }
  if (!connection.broken() || ++losses_ < kLossesInRow) return;
  losses_ = 0;
  last_failure_ = *connection.broken();
  dialogues_broke_ = true;
  const SteadyTime now = context_.clock.steady();
  hops_.failed(hop, now, context_.settings()->probe);
  if (connections_ == 1 && hops_.down(now)) fail_waiting();
}

void Site::fail_waiting() {
  proven_ = false;
  outbound_metrics().waiting.add(-static_cast<std::int64_t>(waiting_.size()));
  for (Work& work : std::exchange(waiting_, {})) {
    work.decide_open(why_not(work));
    if (!draining_) record_attempt(context_.trace, work);
    work.job.done(std::move(work.outcomes));
  }
}

// What becomes of a message that no connection takes. A connection that failed is everybody's failure; how the dialogue over one
// message broke is not said of another, and neither is what the server replied there.
queue::Outcome Site::why_not(const Work& work) const {
  if (stopping()) return unreachable({4, 3, 2}, "not tried: the server is stopping", "outbound");
  if (dialogues_broke_) {
    const std::string_view tried = work.unheard > 0 ? "not answered" : "not tried";
    return unreachable(
        {4, 4, 2},
        fmt::format("{}: {} rests after {} broken dialogues (the last: {})", tried, last_failure_.remote, kLossesInRow, last_failure_.text),
        "");
  }
  queue::Outcome outcome = last_failure_;
  outcome.kind = queue::Outcome::Kind::deferred;
  outcome.site_down = true;
  return outcome;
}

SiteStatus Site::status() const {
  const SteadyTime now = context_.clock.steady();
  SiteStatus status;
  status.name = description_->name;
  status.waiting = waiting_.size();
  status.connections = connections_;
  status.down = connections_ == 0 && hops_.down(now);
  if (status.down) status.next_probe = context_.clock.now() + (hops_.next_probe() - now);
  status.last_error = last_failure_.remote_reply.empty() ? last_failure_.text : last_failure_.text + ": " + last_failure_.remote_reply;
  return status;
}

void Site::drain() {
  draining_ = true;
  for (Timer* timer : std::exchange(idle_, {})) timer->wake();
  fail_waiting();
}

bool Site::idle() const { return connections_ == 0 && waiting_.empty() && !hops_.down(context_.clock.steady()); }

}  // namespace godwit::outbound
