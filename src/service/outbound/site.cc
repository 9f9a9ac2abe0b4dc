#include "service/outbound/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"
#include "state/queue/priority.h"

namespace godwit::outbound {
namespace {

std::vector<std::uint16_t> tiers(const routing::Site& site) {
  std::vector<std::uint16_t> out;
  for (const routing::Hop& hop : site.hops) out.push_back(hop.tier);
  return out;
}

void tell_connected(const std::string& site, const Source* source, const Connection& connection) {
  const net::TlsInfo* tls = connection.tls();
  log::info("connected", {{"site", site},
                          {"source", source ? std::string_view(source->name) : std::string_view()},
                          {"remote", connection.remote()},
                          {"tls", tls ? tls->version : std::string("none")},
                          {"cipher", tls ? tls->cipher : std::string()},
                          {"resumed", tls && tls->resumed}});
}

}  // namespace

// The messages of one connection.
class Site::Line final : public JobSource {
 public:
  Line(Site& site, std::optional<bool> over_v6) : site_(site), over_v6_(over_v6), last_resort_(family_refused()) {}

  // The site has come to want the other family: this connection has carried its last message.
  bool at_end() const { return !last_resort_ && family_refused(); }
  std::optional<Work> next() override {
    if (at_end()) return std::nullopt;
    auto work = site_.next();
    if (work) work->over_v6 = over_v6_;
    return work;
  }
  void finished(Work work) override { site_.finished(std::move(work)); }
  void give_back(Work work) override { site_.give_back(std::move(work)); }

 private:
  bool family_refused() const { return over_v6_ && site_.family_refused(*over_v6_); }

  Site& site_;
  std::optional<bool> over_v6_;
  bool last_resort_;  // opened over a refused family, as the other one leads nowhere
};

Site::Site(const Context& context, PlainHosts& plain_hosts, SiteOwner& owner, std::shared_ptr<const routing::Site> description,
           std::shared_ptr<const Source> source)
    : context_(context),
      plain_hosts_(plain_hosts),
      owner_(owner),
      description_(std::move(description)),
      source_(std::move(source)),
      hops_(tiers(*description_)) {
  look_at_settings();
}

void Site::offer(Job job, std::shared_ptr<WarmupLedger::Place> place) {
  Work work(std::move(job));
  work.source = source_;
  work.place = std::move(place);
  look_at_settings();
  if (turned_away(work)) {
    // not from within the caller's call
    post(context_.executor,
         [done = std::move(work.job.done), outcomes = std::move(work.outcomes)]() mutable { done(std::move(outcomes)); });
    let_go_of_settings();
    return;
  }
  enqueue(std::move(work));
  grow();
}

// The more urgent first, equals in their order.
void Site::enqueue(Work work) {
  const int priority = queue::priority_of(work.job.message->priority);
  auto place = waiting_.end();
  while (place != waiting_.begin() && queue::priority_of(std::prev(place)->job.message->priority) < priority) --place;
  waiting_.insert(place, std::move(work));
  outbound_metrics().waiting.add(1);
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
  std::optional<Work> work;
  while (!work) {
    if (waiting_.empty() || draining_ || one_too_many()) return std::nullopt;
    if (!pace_.may_send(now())) {
      wait_for_turn();
      return std::nullopt;
    }
    work = std::move(waiting_.front());
    waiting_.pop_front();
    outbound_metrics().waiting.add(-1);
    if (tenant_stopped(*work)) work.reset();
  }
  pace_.sent(now());
  if (!waiting_.empty() && !idle_.empty()) grow();  // the turn of several may have come at once
  return work;
}

void Site::finished(Work work) {
  const SiteVerdict verdict = treat(work.outcomes, classes());
  stop_tenant(work, verdict);
  if (take_other_family(work)) return;
  learn_from(verdict);
  if (verdict.delivered && work.place) work.place->keep();
  record_attempt(context_.trace, work);
  work.job.done(std::move(work.outcomes));
}

// To the front; but what may itself be the cause of the loss must not meet each new connection first.
void Site::give_back(Work work) {
  if (pace_.resting(now()) && move_elsewhere(work)) return;
  if (pace_.resting(now()) && turned_away(work)) return finished(std::move(work));
  if (work.unheard > 0) return enqueue(std::move(work));
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
    if (self->source_) self->owner_.source_works(*self->source_);
    tell_connected(self->description_->name, self->source_.get(), **opened);
    outbound_metrics().connections.add();
    outbound_metrics().open.add(1);
    co_await self->work_on(**opened, hop);
    outbound_metrics().open.add(-1);
    --self->connections_;
  } else {
    --self->connections_;
    if (self->way_failed_)
      self->source_failed();
    else
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
  Line line(*this, connection.over_v6());
  while (connection.usable()) {
    const std::size_t most = pace_.limits().messages_per_connection;
    co_await connection.carry(line, most);
    if (!connection.usable() || draining_ || line.at_end() || connection.taken() >= most || one_too_many() || pace_.resting(now())) break;
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
    if (move_elsewhere(work)) continue;
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
  if (source_) status.source = source_->name;
  status.group = pace_.limits().group;
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
