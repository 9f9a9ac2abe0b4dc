// Administration: an action on one message, never beside an attempt of it.

#include <fmt/format.h>

#include "base/log.h"
#include "service/events/report.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/owed_report.h"

namespace godwit::scheduler {
namespace {

std::string_view to_string(Scheduler::Action action) {
  switch (action) {
    case Scheduler::Action::retry: return "retry";
    case Scheduler::Action::hold: return "hold";
    case Scheduler::Action::release: return "release";
    case Scheduler::Action::drop: return "drop";
  }
  return "unknown";
}

// For record.cc to do. It is being tried this moment: there is nothing to try or to release, unless an earlier hold has taken effect.
void ask(Entry& entry, Scheduler::Action action, std::string why) {
  using Action = Scheduler::Action;
  const bool held = entry.message && entry.message->held;
  if (action == Action::hold || action == Action::drop || (action == Action::release && held))
    entry.asked = Entry::Asked{action, std::move(why)};
  else if (!held)
    entry.asked.reset();
}

}  // namespace

std::optional<WallTime> TheScheduler::attempting_since(MessageId id) {
  const Entry* entry = window_.find(id);
  if (!entry || entry->state != Entry::State::attempting) return std::nullopt;
  return entry->since;
}

Task<Result<bool>> TheScheduler::act(MessageId id, Action action, std::string why) {
  Entry* entry = window_.find(id);
  if (entry && entry->state == Entry::State::acting)
    co_return fail(Error::temporary(Error::Cause::conflict, "another action on this message is under way; try again"));
  const std::string name = id.text();
  if (entry && entry->state == Entry::State::attempting) {
    log::info("asked", {{"msg", name}, {"action", to_string(action)}, {"reason", why}});
    ask(*entry, action, std::move(why));
    co_return true;
  }
  lineup_.remove(id);  // where it goes on is seen when this is done
  if (!entry) entry = &window_.insert(id, Entry{});
  window_.set(*entry, Entry::State::acting);
  ++under_way_;
  auto result = co_await act_alone(id, action, std::move(why));
  if (result && *result) log::info("asked", {{"msg", name}, {"action", to_string(action)}});
  entry = window_.find(id);
  const bool goes_on = entry->message != nullptr;
  if (goes_on) {
    ready_again(*entry);
    end_work();
  } else {
    leave(id);
  }
  co_return result;
}

// Leaves the message in its entry when it is to be tried at once.
Task<Result<bool>> TheScheduler::act_alone(MessageId id, Action action, std::string why) {
  std::shared_ptr<queue::Message> message = std::exchange(window_.find(id)->message, nullptr);
  if (!message) {
    auto loaded = co_await context_.queue.load(id);
    if (!loaded) co_return std::unexpected(std::move(loaded).error());
    if (!*loaded) co_return false;
    message = std::make_shared<queue::Message>(**std::move(loaded));
  }
  auto done = co_await perform(*message, action, std::move(why));
  const bool ended = done && action == Action::drop;
  if (!ended && !message->held) window_.find(id)->message = message;
  if (!done) co_return std::unexpected(std::move(done).error());
  if (ended) {  // it is gone even if this fails: who asked is told, no more
    GODWIT_CO_TRY(co_await context_.queue.sync());
  }
  co_return true;
}

Task<Result<void>> TheScheduler::perform(queue::Message& message, Action action, std::string why) {
  const WallTime now = context_.clock.now();
  if (action == Action::drop) {
    GODWIT_CO_TRY(co_await context_.queue.complete(message, {}));
    events::report(context_.events, events::Type::dropped, message, why);
    context_.trace.add(message.id, "dropped", std::move(why));
    context_.trace.finish(message.id);
    co_return Result<void>();
  }
  if (action == Action::retry && message.held) {
    context_.trace.add(message.id, "held", "asked to try again, but it is held: release it first");
    co_return Result<void>();
  }
  if (action == Action::hold) {
    if (message.held) co_return Result<void>();
    hold(message, std::move(why));
    auto written = co_await context_.queue.update(message, {});
    if (!written) message.held = false;
    co_return written;
  }
  for (queue::Recipient& recipient : message.recipients)
    if (recipient.state == queue::Recipient::State::pending) recipient.next_attempt = now;
  if (action == Action::release && message.held) events::report(context_.events, events::Type::released, message, why);
  context_.trace.add(message.id, action == Action::release ? "released" : "retry", std::move(why));
  if (action == Action::retry || !message.held) co_return Result<void>();
  const std::string because = std::exchange(message.held_because, {});
  message.held = false;
  auto written = co_await context_.queue.update(message, {});
  if (!written) {
    message.held = true;
    message.held_because = because;
  }
  co_return written;
}

Task<Result<bool>> TheScheduler::change(MessageId id, Change change) {
  Entry* entry = window_.find(id);
  if (entry && (entry->state == Entry::State::acting || entry->state == Entry::State::attempting))
    co_return fail(
        Error::temporary(Error::Cause::conflict, fmt::format("{} is being tried this moment; try again, or hold it first", id.text())));
  lineup_.remove(id);
  if (!entry) entry = &window_.insert(id, Entry{});
  window_.set(*entry, Entry::State::acting);
  ++under_way_;
  auto result = co_await change_alone(id, std::move(change));
  leave(id);
  co_return result;
}

// The message leaves memory: its card says where it goes on.
Task<Result<bool>> TheScheduler::change_alone(MessageId id, Change change) {
  std::shared_ptr<queue::Message> message = std::exchange(window_.find(id)->message, nullptr);
  if (!message) {
    auto loaded = co_await context_.queue.load(id);
    if (!loaded) co_return std::unexpected(std::move(loaded).error());
    if (!*loaded) co_return false;
    message = std::make_shared<queue::Message>(**std::move(loaded));
  }
  GODWIT_CO_TRY(apply(*message, change));
  GODWIT_CO_TRY(co_await context_.queue.update(*message, {}));
  co_return true;
}

Result<void> TheScheduler::apply(queue::Message& message, const Change& change) {
  using What = Change::What;
  const WallTime now = context_.clock.now();
  const bool all = change.what == What::retry || change.what == What::release;
  bool found = false;
  for (queue::Recipient& recipient : message.recipients) {
    if (recipient.state != queue::Recipient::State::pending || queue::owes_report(recipient)) continue;
    if (!all && !(change.what == What::reroute ? change.recipients.matches(recipient) : recipient.address == change.old_address)) continue;
    found = true;
    if (change.what == What::reroute) recipient.next_hop = change.next_hop;
    if (change.what == What::readdress) {
      if (recipient.original.empty()) recipient.original = recipient.address.text();
      recipient.address = change.new_address;
      recipient.attempts = recipient.probes = 0;
    }
    recipient.next_attempt = now;
  }
  if (!found && change.what == What::readdress)
    return fail(Error::permanent(Error::Cause::not_found,
                                 fmt::format("{} waits for no recipient {}", message.id.text(), change.old_address.text())));
  switch (change.what) {
    case What::retry: context_.trace.add(message.id, "retry", change.why); break;
    case What::release:
      message.held = false;
      message.held_because.clear();
      context_.trace.add(message.id, "released", change.why);
      break;
    case What::reroute:
      context_.trace.add(message.id, "rerouted",
                         fmt::format("to {}: {}", change.next_hop.empty() ? "where the routes say" : change.next_hop, change.why));
      break;
    case What::readdress:
      context_.trace.add(message.id, "readdressed",
                         fmt::format("{} is {} now: {}", change.old_address.text(), change.new_address.text(), change.why));
      break;
  }
  return {};
}

// At once, whatever the line-up says.
void TheScheduler::ready_again(Entry& entry) {
  window_.set(entry, Entry::State::next);
  forced_.push_back(entry.message->id);
  pump();
}

}  // namespace godwit::scheduler
