#include "service/outbound/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "edge/net/happy_eyeballs.h"
#include "service/outbound/addresses.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"

namespace godwit::outbound {
namespace {

std::string name_peer(const routing::Hop& hop, const Endpoint& endpoint) {
  if (!hop.path.empty()) return fmt::format("localhost [{}]", hop.path);
  if (parse_ip(hop.host)) return endpoint.text();
  return fmt::format("{} [{}]:{}", hop.host, endpoint.address.text(), endpoint.port);
}

std::vector<std::uint16_t> tiers(const routing::Site& site) {
  std::vector<std::uint16_t> out;
  for (const routing::Hop& hop : site.hops) out.push_back(hop.tier);
  return out;
}

void tell_connected(const std::string& site, const Connection& connection) {
  const net::TlsInfo* tls = connection.tls();
  log::info("connected", {{"site", site},
                          {"remote", connection.remote()},
                          {"tls", tls ? tls->version : std::string("none")},
                          {"cipher", tls ? tls->cipher : std::string()},
                          {"resumed", tls && tls->resumed}});
}

// What has been tried: the address that answered, and those that failed before it.
void take_out(std::vector<Endpoint>& endpoints, const net::Dialed& dialed) {
  std::vector<Endpoint> left;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const bool failed = std::ranges::find(dialed.failures, i, &net::DialFailure::index) != dialed.failures.end();
    if (i != dialed.index && !failed) left.push_back(endpoints[i]);
  }
  endpoints = std::move(left);
}

// The addresses that did not answer, in one sentence: "could not connect to mx.test [2001:db8::1]:25 (refused), [192.0.2.1]:25 (...)".
queue::Outcome not_connected(const routing::Hop& hop, const std::vector<Endpoint>& endpoints,
                             const std::vector<net::DialFailure>& failures) {
  std::string text = "could not connect to ";
  if (!parse_ip(hop.host)) text += hop.host + " ";
  for (std::size_t i = 0; i < failures.size(); ++i) {
    const Endpoint& endpoint = endpoints[failures[i].index];
    const std::string peer = endpoint.text();
    std::string_view why = failures[i].error.text;
    const std::string prefix = "connect to " + peer + ": ";
    if (why.starts_with(prefix)) why.remove_prefix(prefix.size());
    text += fmt::format("{}{} ({})", i > 0 ? ", " : "", peer, why);
  }
  return unreachable({4, 4, 1}, std::move(text), name_peer(hop, endpoints[failures.front().index]));
}

}  // namespace

Site::Site(const Context& context, PlainHosts& plain_hosts, std::shared_ptr<const routing::Site> description)
    : context_(context), plain_hosts_(plain_hosts), description_(std::move(description)), hops_(tiers(*description_)) {
  look_at_settings();
}

void Site::offer(Job job) {
  Work work(std::move(job));
  look_at_settings();
  if (turned_away(work)) {
    // not from within the caller's call
    post(context_.executor,
         [done = std::move(work.job.done), outcomes = std::move(work.outcomes)]() mutable { done(std::move(outcomes)); });
    let_go_of_settings();
    return;
  }
  waiting_.push_back(std::move(work));
  outbound_metrics().waiting.add(1);
  grow();
}

// Somebody must take what waits: an idle connection, or a new one.
void Site::grow() {
  if (waiting_.empty()) return;
  if (!pace_.may_send(now())) return wait_for_turn();
  if (!idle_.empty()) {
    idle_.back()->wake();
    idle_.pop_back();
    return;
  }
  if (connections_ > 0) {
    const bool has_turn = pace_.turn_after(connections_, now()) == Duration(0);
    const bool wanted = proven_ && opening_ == 0 && waiting_.size() > connections_ && has_turn && now() >= grow_after_;
    if (!wanted || connections_ >= pace_.connections()) return;
  }
  ++connections_;
  ++opening_;
  net::spawn(context_.executor, context_.tasks, "outbound connection", run(shared_from_this()));
}

std::optional<Work> Site::next() {
  look_at_settings();
  if (waiting_.empty() || draining_ || one_too_many()) return std::nullopt;
  const SteadyTime when = now();
  if (!pace_.may_send(when)) {
    wait_for_turn();
    return std::nullopt;
  }
  pace_.sent(when);
  std::optional<Work> work(std::move(waiting_.front()));
  waiting_.pop_front();
  outbound_metrics().waiting.add(-1);
  if (!waiting_.empty() && !idle_.empty()) grow();  // the turn of several may have come at once
  return work;
}

void Site::finished(Work work) {
  learn_from(work);
  record_attempt(context_.trace, work);
  work.job.done(std::move(work.outcomes));
}

// To the front; but what may itself be the cause of the loss must not meet each new connection first.
void Site::give_back(Work work) {
  if (pace_.resting(now()) && turned_away(work)) return finished(std::move(work));
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
    tell_connected(self->description_->name, **opened);
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
  self->let_go_of_settings();
}

Task<> Site::work_on(Connection& connection, std::size_t hop) {
  const auto timer = context_.clock.make_timer(context_.executor);
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [&connection, &timer, this] {
    // the message under way comes to its end, or the next hop would get it twice; cut() is the end of patience
    draining_ = true;
    timer->wake();
    if (context_.tasks.cutting()) connection.cancel();
  });
  ++serving_;
  grow();  // this one has been proved good: if much waits, open the next at once
  while (connection.usable()) {
    const std::size_t most = pace_.limits().messages_per_connection;
    co_await connection.carry(*this, most);
    if (!connection.usable() || draining_ || connection.taken() >= most || one_too_many() || pace_.resting(now())) break;
    if (!co_await wait_for_work(*timer)) break;
  }
  --serving_;
  judge(connection, hop);
  co_await connection.quit();
}

// false: the connection was idle for long enough, or everything ends.
Task<bool> Site::wait_for_work(Timer& timer) {
  if (ready()) co_return true;
  idle_.push_back(&timer);
  const SteadyTime until = now() + context_.settings()->idle_reuse;
  const bool elapsed = co_await timer.wait_until(until);
  std::erase(idle_, &timer);
  co_return !draining_ && (!elapsed || ready());
}

// Tries some hops in order; if none takes us, says why.
Task<Site::Opened> Site::open(std::size_t& hop) {
  const SteadyTime until = context_.clock.steady() + kOpening;
  std::vector<std::size_t> candidates = hops_.candidates(context_.clock.steady(), context_.random);
  if (candidates.size() > kHopsAtOnce) candidates.resize(kHopsAtOnce);
  for (const std::size_t candidate : candidates) {
    bool ourselves = false;
    auto opened = co_await open_hop(candidate, until, ourselves);
    if (opened) {
      hop = candidate;
      co_return opened;
    }
    // While others of our connections work there, the server only wants no more of them.
    const bool others_work = connections_ > opening_;
    if (!others_work)
      hop_failed(candidate, opened.error(), ourselves);
    else
      learn_refused_further(std::move(opened).error());
    if (others_work || ourselves || context_.tasks.stopping() || context_.clock.steady() >= until) break;
  }
  co_return std::unexpected(hops_.hopeless() ? hopeless_ : last_failure_);
}

void Site::hop_failed(std::size_t hop, queue::Outcome why, bool ourselves) {
  SiteVerdict verdict;
  treat(why, classes(), verdict);
  outbound_metrics().connection_failures.add();
  log::warning("hop failed",
               {{"site", description_->name}, {"hop", description_->hops[hop].text()}, {"error", why.text}, {"reply", why.remote_reply}});
  const SteadyTime now = context_.clock.steady();
  const auto settings = context_.settings();
  const bool for_good = why.kind == queue::Outcome::Kind::bounced;
  if (ourselves)
    hops_.failed_from(hop, now, settings->probe);
  else
    hops_.failed(hop, now, settings->probe, for_good);
  dialogues_broke_ = false;
  (for_good ? hopeless_ : last_failure_) = std::move(why);
}

// Each address of the host, until one serves us.
Task<Site::Opened> Site::open_hop(std::size_t hop, SteadyTime until, bool& ourselves) {
  const routing::Hop& to = description_->hops[hop];
  if (!to.path.empty()) co_return co_await open_socket(to);
  routing::Hop asked = to;
  auto addresses = co_await find_addresses(context_, description_, std::move(asked));
  if (!addresses) {
    ourselves = addresses.error().ourselves;
    co_return std::unexpected(std::move(addresses).error().outcome);
  }
  std::vector<Endpoint> endpoints;
  for (const IpAddress& address : *addresses) endpoints.push_back({address, to.port});
  Opened opened;
  do {
    opened = co_await open_first(to, endpoints);
  } while (!opened && !endpoints.empty() && !context_.tasks.stopping() && context_.clock.steady() < until);
  co_return opened;
}

// A Unix socket has one address and no encryption.
Task<Site::Opened> Site::open_socket(const routing::Hop& hop) {
  net::Cancellation cancellation;
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [&cancellation] { cancellation.cancel(); });
  std::string path = hop.path;
  auto dialed = co_await context_.dial_socket(std::move(path), kConnect, &cancellation);
  if (!dialed) co_return std::unexpected(unreachable({4, 4, 1}, "could not " + dialed.error().text, name_peer(hop, {})));
  bool tls_failed = false;
  co_return co_await greet(hop, *std::move(dialed), {}, false, tls_failed);
}

// The first that answers and greets; those that did not are taken out.
Task<Site::Opened> Site::open_first(const routing::Hop& hop, std::vector<Endpoint>& endpoints) {
  auto dialed = co_await net::dial_first(context_.dialer, context_.clock, context_.tasks, endpoints, kConnect);
  if (!dialed) co_return std::unexpected(not_connected(hop, std::exchange(endpoints, {}), dialed.error()));
  const Endpoint endpoint = endpoints[dialed->index];
  take_out(endpoints, *dialed);
  const bool encrypted = !plain_hosts_.contains(name_peer(hop, endpoint), context_.clock.steady());
  bool tls_failed = false;
  auto opened = co_await greet(hop, std::move(dialed->stream), endpoint, encrypted, tls_failed);
  if (!tls_failed || context_.tasks.stopping()) co_return opened;

  const std::string peer = name_peer(hop, endpoint);
  log::warning("tls_failed", {{"remote", peer}, {"error", opened.error().text}, {"next", "in plain text for an hour"}});
  plain_hosts_.add(peer, context_.clock.steady());
  const std::vector<Endpoint> same{endpoint};
  dialed = co_await net::dial_first(context_.dialer, context_.clock, context_.tasks, same, kConnect);
  if (!dialed) co_return std::unexpected(not_connected(hop, same, dialed.error()));
  co_return co_await greet(hop, std::move(dialed->stream), endpoint, false, tls_failed);
}

Task<Site::Opened> Site::greet(const routing::Hop& hop, std::unique_ptr<net::Stream> stream, Endpoint endpoint, bool encrypted,
                               bool& tls_failed) {
  auto connection = std::make_unique<Connection>(std::move(stream), name_peer(hop, endpoint), context_.blobs);
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [raw = connection.get()] { raw->cancel(); });
  auto terms = terms_for(context_, *description_, hop, !encrypted);
  if (!terms) co_return std::unexpected(std::move(terms).error());
  auto greeted = co_await connection->greet(context_.settings()->hostname, *std::move(terms));
  tls_failed = connection->tls_failed();
  if (!greeted) co_return std::unexpected(std::move(greeted).error());
  co_return connection;
}

void Site::opening_failed() {
  const SteadyTime now = context_.clock.steady();
  grow_after_ = now + kGrowAgain;
  // Whoever waits has had his attempt; hops that were not tried, or are awake again by now, are the next one's. Otherwise hops that
  // fail slowly could keep a message for ever.
  if (connections_ > 0) return;
  pace_.went_down(now);
  rest_if_unwanted();
  fail_waiting();
}

// A hop that finished a message works. One that breaks its dialogues before that, again and again, rests as if it did not answer.
void Site::judge(const Connection& connection, std::size_t hop) {
  if (connection.broken()) learn_from_break(connection);
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
  if (connections_ != 1 || !hops_.down(now)) return;
  pace_.went_down(now);
  fail_waiting();
}

void Site::fail_waiting() {
  proven_ = false;
  outbound_metrics().waiting.add(-static_cast<std::int64_t>(waiting_.size()));
  for (Work& work : std::exchange(waiting_, {})) {
    work.decide_open(why_not(work));
    treat(work.outcomes, classes());
    if (!draining_) record_attempt(context_.trace, work);
    work.job.done(std::move(work.outcomes));
  }
}

// What becomes of a message that no connection takes. A connection that failed is everybody's failure; how the dialogue over one
// message broke is not said of another, and neither is what the server replied there.
queue::Outcome Site::why_not(const Work& work) const {
  if (stopping()) return unreachable({4, 3, 2}, "not tried: the server is stopping", "outbound");
  if (pace_.resting(now())) return at_rest();
  if (dialogues_broke_) {
    const std::string_view tried = work.unheard > 0 ? "not answered" : "not tried";
    return unreachable(
        {4, 4, 2},
        fmt::format("{}: {} rests after {} broken dialogues (the last: {})", tried, last_failure_.remote, kLossesInRow, last_failure_.text),
        "");
  }
  if (hops_.hopeless()) return hopeless_;
  queue::Outcome outcome = last_failure_;
  outcome.kind = queue::Outcome::Kind::deferred;
  outcome.site_down = true;
  outcome.retry_after = {};
  return outcome;
}

SiteStatus Site::status() const {
  const SteadyTime now = context_.clock.steady();
  SiteStatus status;
  status.name = description_->name;
  status.waiting = waiting_.size();
  status.connections = connections_;
  status.most_connections = pace_.connections();
  const bool resting = pace_.resting(now);
  status.down = resting || (connections_ == 0 && hops_.down(now));
  if (status.down) status.next_probe = context_.clock.now() + ((resting ? pace_.rests_until() : hops_.next_probe()) - now);
  const queue::Outcome& why = resting ? unwanted_ : hops_.hopeless() ? hopeless_ : last_failure_;
  status.last_error = why.remote_reply.empty() ? why.text : why.text + ": " + why.remote_reply;
  return status;
}

void Site::drain() {
  draining_ = true;
  for (Timer* timer : std::exchange(idle_, {})) timer->wake();
  if (turn_timer_) turn_timer_->wake();
  fail_waiting();
}

bool Site::idle() const {
  const SteadyTime now = context_.clock.steady();
  return connections_ == 0 && waiting_.empty() && !awaiting_turn_ && !hops_.down(now) && pace_.forgettable(now);
}

}  // namespace godwit::outbound
