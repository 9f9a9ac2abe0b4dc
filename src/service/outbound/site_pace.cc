// The part of a site that minds how fast it is served: turns, fewer connections, rest.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"
#include "service/outbound/site.h"

namespace godwit::outbound {

const ReplyClasses& Site::classes() const { return settings_ && settings_->classes ? *settings_->classes : classes_without_table(); }

// After a reload its limits hold within a second.
void Site::look_at_settings() {
  const SteadyTime when = now();
  if (settings_ && when - looked_at_settings_ < kLookAtSettings) return;
  looked_at_settings_ = when;
  auto current = context_.settings();
  if (current == settings_) return;
  settings_ = std::move(current);
  const std::string_view host = description_->hops.empty() ? std::string_view() : std::string_view(description_->hops.front().host);
  SiteLimits limits;
  limits.connections = settings_->connections_per_site;
  limits.messages_per_connection = settings_->messages_per_connection;
  pace_.set_limits(limits_of(host, settings_->sites, std::move(limits)), when);
  if (source_ && settings_->egress)
    if (auto source = settings_->egress->find(source_->name)) source_ = std::move(source);
  send_back_late();
}

// What a reload replaced must not live on because of a site that has nothing to do. pace_ keeps the limits.
void Site::let_go_of_settings() {
  if (connections_ == 0 && waiting_.empty()) settings_ = nullptr;
}

// true: it is not for us to take this now, and its outcomes say why.
bool Site::turned_away(Work& work) {
  const SteadyTime when = now();
  if (stopping() || pace_.resting(when) || (connections_ == 0 && hops_.down(when))) {
    work.decide_open(why_not(work));
    treat(work.outcomes, classes());
    return true;
  }
  const Duration turn = pace_.turn_after(waiting_.size(), when);
  if (turn <= kPatience) return false;
  work.decide_open(later_turn(when + turn));
  return true;
}

// Whoever has long to wait waits in the queue, where time is counted and the sender told of the delay. Each has a turn of his own, so
// that they do not all come back together.
queue::Outcome Site::later_turn(SteadyTime earliest) {
  const SteadyTime when = now();
  last_turn_ = std::min(std::max(earliest, last_turn_ + pace_.interval()), when + kLongestTurn);
  std::string why;
  if (pace_.pausing(when)) {
    why = "has asked us to slow down";
  } else {
    for (const Rate& rate : pace_.limits().rates) why += (why.empty() ? "gets no more than " : " and ") + rate.text();
    why += " of our messages";
  }
  queue::Outcome outcome = unreachable({4, 4, 5}, fmt::format("not tried: {} {}", description_->name, why), "outbound");
  outcome.retry_after = last_turn_ - when;
  return outcome;
}

// The site has become slower: the turns of those who wait are looked at again.
void Site::send_back_late() {
  if (stopping()) return;
  const SteadyTime when = now();
  std::size_t keep = 0;
  while (keep < waiting_.size() && pace_.turn_after(keep, when) <= kPatience) ++keep;
  for (std::size_t i = keep; i < waiting_.size(); ++i) {
    Work& work = waiting_[i];
    work.decide_open(later_turn(when + pace_.turn_after(i, when)));
    // not from within offer(), which may have looked at the settings
    post(context_.executor,
         [done = std::move(work.job.done), outcomes = std::move(work.outcomes)]() mutable { done(std::move(outcomes)); });
  }
  outbound_metrics().waiting.add(-static_cast<std::int64_t>(waiting_.size() - keep));
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(keep), waiting_.end());
}

void Site::wait_for_turn() {
  if (std::exchange(awaiting_turn_, true)) return;
  net::spawn(context_.executor, context_.tasks, "outbound turn", wake_at_turn(shared_from_this()));
}

Task<> Site::wake_at_turn(std::shared_ptr<Site> self) {
  const auto timer = self->context_.clock.make_timer(self->context_.executor);
  const net::TaskGroup::OnStop on_stop(self->context_.tasks, self->context_.executor, [raw = timer.get()] { raw->wake(); });
  self->turn_timer_ = timer.get();
  while (!self->stopping() && !self->waiting_.empty()) {
    const SteadyTime now = self->now();
    const SteadyTime until = self->pace_.next(now);
    if (until <= now) break;
    co_await timer->wait_until(until);
  }
  self->turn_timer_ = nullptr;
  self->awaiting_turn_ = false;
  if (self->stopping())
    self->fail_waiting();
  else
    self->grow();
}

void Site::probe_now() {
  hops_.wake_all();
  pace_.wake();
  blocked_ = 0;
  if (turn_timer_) turn_timer_->wake();
}

// What became of a message, for the next ones.
void Site::learn_from(const SiteVerdict& verdict) {
  const SteadyTime when = now();
  if (verdict.slow) {
    pace_.slow_down(serving_, when);
    log::info("site slowed", {{"site", description_->name}, {"connections", pace_.connections()}});
    send_back_late();
  }
  if (verdict.delivered) {
    blocked_ = 0;
    if (!verdict.slow && pace_.delivered(when)) grow();
  } else if (verdict.rest && ++blocked_ >= kBlockedInRow) {
    queue::Outcome why = *verdict.why;
    rest(*verdict.rest, std::move(why));
  }
}

// A dialogue that ended in the middle of a message. Servers close connections that were idle, or have carried enough: that alone
// says nothing.
void Site::learn_from_break(const Connection& connection) {
  queue::Outcome broken = *connection.broken();
  SiteVerdict verdict;
  treat(broken, classes(), verdict);
  if (verdict.slow) {
    pace_.slow_down(serving_ + 1, now());
    send_back_late();
  } else if (connection.timed_out() || connection.settled() == 0) {
    pace_.shrink(serving_ + 1, now());
  }
  // what its message was told is counted there
  if (verdict.rest && connection.given_back() && connection.settled() == 0 && ++blocked_ >= kBlockedInRow)
    rest(*verdict.rest, std::move(broken));
}

// Others of our connections work; the server only wants no more of them.
void Site::learn_refused_further(queue::Outcome why) {
  SiteVerdict verdict;
  treat(why, classes(), verdict);
  last_failure_ = std::move(why);
  pace_.keep_to(connections_ - opening_, now());
}

// Every hop that was tried failed, and the last of them said that it does not want us at all: no message could help it.
void Site::rest_if_unwanted() {
  const ReplyClass* as = last_failure_.remote_reply.empty() ? nullptr : classes().find(last_failure_.reply_class);
  if (as && (as->action == Action::rest_site || as->action == Action::suspend_source)) rest(*as, last_failure_);
}

void Site::rest(const ReplyClass& as, queue::Outcome why) {
  const Duration length = as.after;
  begin_rest(length, std::move(why));
  if (source_ && as.action == Action::rest_site) owner_.rest_by_all(description_, *source_, length, unwanted_);
  log::warning("site rests", {{"site", description_->name},
                              {"source", source_ ? std::string_view(source_->name) : std::string_view()},
                              {"class", unwanted_.reply_class},
                              {"remote", unwanted_.remote},
                              {"reply", unwanted_.remote_reply},
                              {"for", format_duration(length)}});
  fail_waiting();
}

// For those that were not tried because of it: what the server said of others stands in the words, not as an answer to them.
queue::Outcome Site::at_rest() const {
  const Duration left = pace_.rests_until() - now();
  queue::Outcome outcome =
      unreachable({4, 7, 1},
                  fmt::format("not tried: {} refuses us and is left alone for {} more (it said: {})", unwanted_.remote,
                              format_duration(std::max<Duration>(left, std::chrono::seconds(1))), unwanted_.remote_reply),
                  "");
  outcome.reply_class = unwanted_.reply_class;
  outcome.retry_after = left;
  return outcome;
}

}  // namespace godwit::outbound
