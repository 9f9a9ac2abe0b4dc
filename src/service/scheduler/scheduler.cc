#include "service/scheduler/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/owed_report.h"
#include "state/queue/priority.h"
#include "state/queue/record.h"

namespace godwit::scheduler {
namespace {

// Attempts that route and deliver locally at the same time; those that wait for a site are bounded by the window.
constexpr std::size_t kSlots = 500;
constexpr std::size_t kUrgentSlots = 50;    // beyond them
constexpr std::size_t kPassedOver = 1'000;  // suspended messages in one go
constexpr std::size_t kForcedPart = 8;      // of the window: at most that is for those whose moment has come
constexpr std::size_t kUrgentPart = 8;      // of the window: what is not urgent leaves that free
// Jobs are out for longer than this: what is known is recorded. A round seldom takes so long, so it seldom costs a second write.
constexpr Duration kRecordInterval = std::chrono::seconds(5);

bool is_urgent(const queue::Message& message) { return queue::urgency_of(message.priority) == queue::Urgency::urgent; }

bool is_for_several(const queue::Message& message) {
  const smtp::Domain& first = message.recipients.front().address.domain;
  return std::ranges::any_of(message.recipients, [&](const queue::Recipient& recipient) { return recipient.address.domain != first; });
}

}  // namespace

TheScheduler::TheScheduler(Context context)
    : context_(std::move(context)),
      forgetter_(context_),
      feed_timer_(context_.clock.make_timer(context_.executor)),
      floor_timer_(context_.clock.make_timer(context_.executor)) {}

TheScheduler::~TheScheduler() {
  if (started_) catalogue().listen(nullptr);
}

void TheScheduler::look_at_settings() {
  auto settings = context_.settings();
  if (settings == settings_) return;
  settings_ = std::move(settings);
  lineup_.destinations().set_limits(settings_->window, settings_->site_backlog);
  lineup_.set_shares(settings_->shares);
}

// For one more that is worked on. What is ready in memory makes room.
bool TheScheduler::has_room(bool urgent) const {
  const std::size_t window = settings_->window;
  return window_.in_work() < (urgent ? window : window - window / kUrgentPart);
}

// Just durable, and in memory: nobody is before it, as a rule, and it goes at once.
void TheScheduler::accepted(queue::Message message) {
  const MessageId id = message.id;
  if (stopping() || window_.find(id)) return;  // the next start finds its row; or it has been read before
  look_at_settings();
  look_at_rules();
  message.rows = queue::rows_of_fresh(message);
  const bool urgent = is_urgent(message);
  const Place place = is_for_several(message) ? anywhere() : lineup_.place_of(message.recipients.front().address.domain.text());
  Entry entry;
  entry.message = std::make_shared<queue::Message>(std::move(message));
  const LineUp::Party party = party_of(*entry.message);
  lineup_.remove(id);
  if (slots_ < kSlots && has_room(urgent) && !is_suspended(id) && lineup_.may_go(place, party)) {
    if (window_.in_memory() >= settings_->window) window_.put_out();
    lineup_.destinations().take(place);
    entry.place = place;
    begin(id, window_.insert(id, std::move(entry)));
    return;
  }
  lineup_.line_up(id, place, party, next_moment(entry.message->accepted));
  if (window_.in_memory() < settings_->window) window_.insert(id, std::move(entry));
  pump();
}

void TheScheduler::pump() {
  if (stopping()) return;
  look_at_settings();
  look_at_rules();
  std::size_t passed_over = 0;
  while (slots_ < kSlots + kUrgentSlots && has_room(true)) {
    const bool urgent_only = slots_ >= kSlots || !has_room(false);
    // those whose moment has come, and the others by turns
    forced_next_ = !forced_next_;
    if (!urgent_only && forced_next_ && try_forced()) continue;
    const auto pick = lineup_.pick(urgent_only);
    if (!pick) {
      if (urgent_only || !try_forced()) return;
      continue;
    }
    if (is_suspended(pick->id)) {
      lineup_.undo(pick->place);
      suspend(pick->id, pick->id.time(), queue::kNever);
      if (++passed_over < kPassedOver) continue;
      wake_feed_at(context_.clock.steady());  // others have their turn on the loop first
      return;
    }
    Entry* entry = window_.find(pick->id);
    if (!entry) {
      if (window_.in_memory() >= settings_->window) window_.put_out();
      entry = &window_.insert(pick->id, Entry{});
    }
    GODWIT_CHECK(entry->state == Entry::State::ready);  // what is worked on is in no line
    entry->place = pick->place;
    begin(pick->id, *entry);
  }
}

// A million that wait for a dead site may come to their moment together: they never take the whole window.
bool TheScheduler::try_forced() {
  if (forced_in_work_ >= std::max<std::size_t>(settings_->window / kForcedPart, 1)) return false;
  while (!forced_.empty()) {
    const MessageId id = forced_.front();
    forced_.pop_front();
    Entry* entry = window_.find(id);
    if (entry && entry->state != Entry::State::next && entry->state != Entry::State::ready) continue;  // it has been taken up meanwhile
    lineup_.remove(id);
    if (!entry) {
      if (window_.in_memory() >= settings_->window) window_.put_out();
      entry = &window_.insert(id, Entry{});
    }
    entry->must = true;
    ++forced_in_work_;
    begin(id, *entry);
    return true;
  }
  return false;
}

void TheScheduler::begin(MessageId id, Entry& entry) {
  window_.set(entry, Entry::State::attempting);
  entry.since = context_.clock.now();
  lineup_.destinations().set_in_work(window_.in_work());
  ++slots_;
  ++under_way_;
  net::spawn(context_.executor, context_.tasks, "attempt", attempt(id));
}

void TheScheduler::leave_slot(bool& in_slot) {
  if (!std::exchange(in_slot, false)) return;
  --slots_;
  pump();
}

Task<> TheScheduler::attempt(MessageId id) {
  bool in_slot = true;
  std::shared_ptr<queue::Message> message = window_.find(id)->message;
  if (!message) message = co_await read(id, in_slot);
  if (message) co_await attempt_now(std::move(message), in_slot);
  leave_slot(in_slot);
  leave(id);
}

Task<> TheScheduler::attempt_now(std::shared_ptr<queue::Message> message, bool& in_slot) {
  auto due = due_recipients(*message, context_.clock.now());
  if (message->held || due.empty()) {
    co_await write(*message, {}, {}, true);
    co_return;
  }
  // Reports that are owed come first and alone: their moment is no reason to ask a site that is down.
  const auto owes = [&](std::size_t index) { return queue::owes_report(message->recipients[index]); };
  if (std::ranges::any_of(due, owes)) std::erase_if(due, std::not_fn(owes));
  Entry& entry = *window_.find(message->id);
  Decided kept_back;
  decide_suspended(*message, due, kept_back);
  if (due.empty() && !entry.must) {
    entry.suspended = true;
    co_return;
  }
  Plan plan = co_await make_plan(context_, *message, std::move(due));
  if (entry.must) std::ranges::move(kept_back, std::back_inserter(plan.decided));
  learn(*message, plan);
  if (put_back(*message, plan)) co_return;
  if (plan.is_for_the_dns()) {
    co_await look_up(plan, in_slot);
    learn_from_dns(*message, plan);
    if (put_back(*message, plan)) co_return;
  }
  leave_out_closed(entry, plan);
  Round round(context_, message, std::move(plan));
  offer(entry, round);
  co_await round.deliver_locals();
  leave_slot(in_slot);
  const SteadyTime left = context_.clock.steady();
  if (!round.plan().lookups.empty()) {
    lineup_.destinations().take(dns());
    co_await round.look_up();
    lineup_.back(dns(), context_.clock.steady());
    learn_from_dns(*message, round.plan());
    leave_out_closed(entry, round);
    offer(entry, round);
  }
  if (!round.all_back()) co_await record_meanwhile(*message, round, left + kRecordInterval);
  co_await record(*message, round);
}

// Whoever waits for the DNS waits without a slot.
Task<> TheScheduler::look_up(Plan& plan, bool& in_slot) {
  leave_slot(in_slot);
  lineup_.destinations().take(dns());
  co_await scheduler::look_up(context_, plan);
  lineup_.back(dns(), context_.clock.steady());
}

Task<> TheScheduler::record_meanwhile(queue::Message& message, Round& round, SteadyTime when) {
  const auto timer = context_.clock.make_timer(context_.executor);
  while (!co_await round.wait_for_sites(*timer, when)) {
    if (context_.clock.steady() < when) continue;
    co_await record(message, round);
    when = context_.clock.steady() + kRecordInterval;
  }
}

void TheScheduler::leave(MessageId id) {
  Entry entry = std::move(*window_.find(id));
  window_.erase(id);
  lineup_.destinations().set_in_work(window_.in_work());
  give_back(entry);
  const bool must = entry.must;
  auto asked = std::exchange(entry.asked, std::nullopt);
  if (must && forced_in_work_ > 0) --forced_in_work_;
  if (!stopping()) come_back(id, std::move(entry));
  if (asked && !stopping() && catalogue().find(id)) net::spawn(context_.executor, context_.tasks, "asked", act_late(id, *std::move(asked)));
  end_work();
  pump();
}

// What was asked for while it was being read or kept back, and nobody has done.
Task<> TheScheduler::act_late(MessageId id, Entry::Asked asked) {
  const auto done = co_await act(id, asked.action, std::move(asked.why));
  const std::string name = id.text();
  if (!done) log::error("an action was not carried out", {{"msg", name}, {"error", done.error().text}});
}

void TheScheduler::end_work() {
  if (--under_way_ == 0 && draining_) forgetter_.finish();
}

void TheScheduler::drain() {
  if (std::exchange(draining_, true)) return;
  feed_timer_->wake();
  floor_timer_->wake();
  if (under_way_ == 0) forgetter_.finish();
}

bool TheScheduler::idle() const { return under_way_ == 0 && forgetter_.idle(); }

std::unique_ptr<Scheduler> make_scheduler(Context context) { return std::make_unique<TheScheduler>(std::move(context)); }

}  // namespace godwit::scheduler
