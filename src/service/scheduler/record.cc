// What the outcomes of a round change: states and next attempts, reports to the sender, and the rows.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "base/units.h"
#include "service/events/report.h"
#include "service/scheduler/bounce.h"
#include "service/scheduler/retry.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/crash_note.h"
#include "state/queue/owed_report.h"

namespace godwit::scheduler {
namespace {

using queue::Message;
using queue::Outcome;
using queue::Recipient;

constexpr Duration kWriteAgain = std::chrono::seconds(1);
constexpr std::uint32_t kReportSteps = 4;

struct Counters {
  metrics::Counter& delivered = outcome("delivered");
  metrics::Counter& deferred = outcome("deferred");
  metrics::Counter& bounced = outcome("bounced");
  metrics::Counter& completed = metrics::counter("godwit_scheduler_completed_total", "Messages that left the queue");
  metrics::Counter& held = metrics::counter("godwit_scheduler_held_total", "Messages that were held");

  static metrics::Counter& outcome(std::string_view what) {
    return metrics::counter("godwit_scheduler_outcomes_total", "Outcomes of attempts, a recipient each", {{"outcome", what}});
  }
};
Counters& counters() {
  static Counters instance;
  return instance;
}

std::string words(const Outcome& outcome) {
  std::string text = outcome.text;
  if (!outcome.remote.empty() && outcome.remote != "local") text += ", says " + outcome.remote;
  if (!outcome.remote_reply.empty()) text += ": " + outcome.remote_reply;
  const std::string comma = outcome.reply_class.empty() ? "" : ", " + outcome.reply_class;
  if (outcome.status.present()) text += fmt::format(" ({}{})", outcome.status.text(), comma);
  return text;
}

void tell(const Context& context, const Message& message, const Recipient& recipient) {
  events::report(context.events, message, recipient);
  const std::string name = message.id.text();
  const std::string rcpt = recipient.address.text();
  const Outcome& last = recipient.last;
  const std::string status = last.status.text();
  std::string detail = fmt::format("{}: {}", rcpt, words(last));
  if (recipient.state == Recipient::State::pending) {
    const std::string next = format_rfc3339(recipient.next_attempt);
    detail += fmt::format("; tried again in {}, at {}", format_duration(recipient.next_attempt - context.clock.now()), next);
    counters().deferred.add();
    context.trace.add(message.id, "deferred", std::move(detail));
    log::info("deferred", {{"msg", name},
                           {"rcpt", rcpt},
                           {"site", last.remote},
                           {"status", status},
                           {"class", last.reply_class},
                           {"reply", last.remote_reply},
                           {"reason", last.text},
                           {"next", next}});
    return;
  }
  const bool delivered = recipient.state == Recipient::State::delivered;
  const std::string_view event = delivered ? "delivered" : "bounced";
  (delivered ? counters().delivered : counters().bounced).add();
  context.trace.add(message.id, event, std::move(detail));
  log::info(event, {{"msg", name},
                    {"rcpt", rcpt},
                    {"site", last.remote},
                    {"status", status},
                    {"class", last.reply_class},
                    {"reply", last.remote_reply},
                    {"reason", last.text}});
}

bool has_pending(const Message& message) {
  return std::ranges::any_of(message.recipients, [](const Recipient& recipient) { return recipient.state == Recipient::State::pending; });
}

bool has_pending_of(const Message& message, const std::vector<std::size_t>& recipients) {
  return std::ranges::any_of(recipients, [&](std::size_t index) { return message.recipients[index].state == Recipient::State::pending; });
}

}  // namespace

Task<> TheScheduler::record(Message& message, Round& round) {
  const bool last = round.all_back();
  std::vector<std::size_t> settled = settle(message, round);
  if (!settled.empty()) co_await report_outcomes(message, std::move(settled));
  if (last) {
    if (co_await report_delays(message)) round.set_changed();
    if (has_pending_of(message, round.plan().held)) {
      hold(message, round.plan().hold_because);
      round.set_changed();
    }
  }
  do {
    if (apply_asked(message, round, last)) round.set_changed();
    if (!round.changed()) co_return;
    // What is given up at a drain stays with the round: a later write must not tell of a local delivery without its handover.
    if (!co_await write(message, round.handovers(), round.delivered(), last)) co_return;
    round.written();
  } while (last && window_.find(message.id)->asked);  // asked during the write: there is no later one
}

// Those that somebody is to be told of are returned: failures, and successes where the sender asked for that.
std::vector<std::size_t> TheScheduler::settle(Message& message, Round& round) {
  const queue::WorkingOn working(message.id);
  const auto settings = context_.settings();
  const WallTime now = context_.clock.now();
  Delays delays(settings->retry, context_.random);
  std::vector<std::size_t> settled;
  std::vector<std::optional<Outcome>> outcomes = round.take_outcomes();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i] || !was_begun(*outcomes[i])) continue;
    Recipient& recipient = message.recipients[i];
    round.set_changed();
    if (queue::owes_report(recipient)) {  // its outcome was told of when it came
      recipient.state = recipient.last.kind == Outcome::Kind::delivered ? Recipient::State::delivered : Recipient::State::bounced;
      settled.push_back(i);
      continue;
    }
    scheduler::apply(recipient, *std::move(outcomes[i]), message, *settings, now, delays);
    if (recipient.state == Recipient::State::bounced || wants_success(recipient)) settled.push_back(i);
    tell(context_, message, recipient);
  }
  return settled;
}

// Jobs that a drain gave back were not: the next start begins them. They may come before the drain of this loop does.
bool TheScheduler::was_begun(const Outcome& outcome) const {
  const bool ending = draining_ || context_.tasks.stopping();
  return !ending || outcome.kind != Outcome::Kind::deferred || !outcome.site_down;
}

// Durable before the queue hears of it. Where the report cannot be kept now, whom it is about waits for it alone (queue::owes_report()),
// for the fourth step of the schedule at most.
Task<> TheScheduler::report_outcomes(Message& message, std::vector<std::size_t> settled) {
  const Reported reported = co_await report(context_, message, Notice::outcome, settled);
  if (reported != Reported::try_again) co_return;
  const auto settings = context_.settings();
  const WallTime now = context_.clock.now();
  Delays delays(settings->retry, context_.random);
  for (const std::size_t index : settled) {
    Recipient& recipient = message.recipients[index];
    recipient.state = Recipient::State::pending;
    recipient.attempts = std::max(recipient.attempts, 1u);  // what expired at a site that was down has none
    recipient.next_attempt = now + delays.after(std::min(++recipient.probes, kReportSteps));
  }
}

// true: somebody was told, or nobody ever will be.
Task<bool> TheScheduler::report_delays(Message& message) {
  const auto settings = context_.settings();
  const WallTime now = context_.clock.now();
  std::vector<std::size_t> late;
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    if (delay_notice_due(message.recipients[i], message, *settings, now)) late.push_back(i);
  if (late.empty()) co_return false;
  const Reported reported = co_await report(context_, message, Notice::delay, late);
  if (reported == Reported::try_again) co_return false;
  for (const std::size_t index : late) message.recipients[index].delay_notice_sent = true;
  co_return true;
}

void TheScheduler::hold(Message& message, std::string why) {
  const std::string name = message.id.text();
  context_.trace.add(message.id, "held", why);
  events::report(context_.events, events::Type::held, message, why);
  log::info("held", {{"msg", name}, {"reason", why}});
  counters().held.add();
  message.held = true;
  message.held_because = std::move(why);
}

// What an administrator asked for while the round is under way. A drop of what is out waits for it to come back.
bool TheScheduler::apply_asked(Message& message, const Round& round, bool last) {
  std::optional<Entry::Asked>& waiting = window_.find(message.id)->asked;
  if (!waiting) return false;
  const bool stays = waiting->action == Action::drop && !last;
  Entry::Asked asked = stays ? *waiting : *std::exchange(waiting, std::nullopt);
  if (asked.action == Action::drop) return drop_what_is_back(message, round, std::move(asked.why));
  if (asked.action == Action::release) return release(message, round, std::move(asked.why));
  if (asked.action != Action::hold || message.held || !has_pending(message)) return false;
  hold(message, std::move(asked.why));
  return true;
}

bool TheScheduler::drop_what_is_back(Message& message, const Round& round, std::string why) {
  bool any = false;
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    if (message.recipients[i].state != Recipient::State::pending || round.is_out(i)) continue;
    message.recipients[i].state = Recipient::State::dropped;
    any = true;
  }
  if (any) events::report(context_.events, events::Type::dropped, message, why);
  if (any) context_.trace.add(message.id, "dropped", std::move(why));
  return any;
}

bool TheScheduler::release(Message& message, const Round& round, std::string why) {
  if (!message.held) return false;
  const WallTime now = context_.clock.now();
  message.held = false;
  message.held_because.clear();
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    if (message.recipients[i].state == Recipient::State::pending && !round.is_out(i)) message.recipients[i].next_attempt = now;
  events::report(context_.events, events::Type::released, message, why);
  context_.trace.add(message.id, "released", std::move(why));
  return true;
}

Task<bool> TheScheduler::write(Message& message, std::vector<queue::Handover> handovers, std::vector<Delivered> delivered, bool last) {
  const std::string name = message.id.text();
  const bool pending = !last || has_pending(message);
  while (true) {
    Result<void> written;
    if (pending)
      written = co_await context_.queue.update(message, handovers, true);
    else
      written = co_await context_.queue.complete(message, handovers);
    if (written) break;
    log::error("the queue could not be written", {{"msg", name}, {"error", written.error().text}});
    if (draining_ || context_.tasks.stopping()) co_return false;
    co_await context_.clock.sleep(kWriteAgain);
  }
  forgetter_.add(std::move(delivered));
  if (!last) co_return true;
  if (!pending) {
    counters().completed.add();
    context_.trace.add(message.id, "completed", "every recipient is done");
    log::info("completed", {{"msg", name}});
  }
  context_.trace.finish(message.id);
  co_return true;
}

}  // namespace godwit::scheduler
