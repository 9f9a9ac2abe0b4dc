#include "service/scheduler/scheduler.h"

#include <algorithm>

#include "base/log.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/record.h"

namespace godwit::scheduler {
namespace {

// Attempts that route and deliver locally at the same time; those that wait for a site are bounded by the window.
constexpr std::size_t kSlots = 500;
// Messages that wait for the DNS share the window as those that wait for a site do: a resolver that does not answer never takes all.
const std::string kDns = "(DNS)";
// Jobs are out for longer than this: what is known is recorded. A round seldom takes so long, so it seldom costs a second write.
constexpr Duration kRecordInterval = std::chrono::seconds(5);

}  // namespace

TheScheduler::TheScheduler(Context context)
    : context_(std::move(context)),
      forgetter_(context_),
      feed_timer_(context_.clock.make_timer(context_.executor)),
      floor_timer_(context_.clock.make_timer(context_.executor)) {}

void TheScheduler::start() {
  window_.set_shards(context_.queue.used_shards(), context_.loop, context_.loops);
  on_stop_ = std::make_unique<net::TaskGroup::OnStop>(context_.tasks, context_.executor, [this] { drain(); });
  net::spawn(context_.executor, context_.tasks, "queue feed", feed());
  net::spawn(context_.executor, context_.tasks, "queue forget", forgetter_.run());
  if (context_.loop == 0) net::spawn(context_.executor, context_.tasks, "id floor", keep_id_floor());
}

std::size_t TheScheduler::room() const {
  const std::size_t window = context_.settings()->window;
  return window_.in_memory() < window ? window - window_.in_memory() : 0;
}

void TheScheduler::accepted(queue::Message message) {
  if (draining_ || window_.is_known(message.id)) return;  // the next start finds its row; or a read was quicker
  if (room() == 0) {
    window_.put_off(message.id);
    starved_ = true;
    return;
  }
  message.rows = queue::rows_of_fresh(message);
  take(std::make_shared<queue::Message>(std::move(message)));
}

void TheScheduler::take(std::shared_ptr<queue::Message> message) {
  const MessageId id = message->id;
  Entry entry;
  entry.message = std::move(message);
  window_.insert(id, std::move(entry));
  window_.push_ready(id);
  pump();
}

void TheScheduler::pump() {
  while (!draining_ && slots_ < kSlots) {
    Entry* entry = window_.pop_ready();
    if (!entry) return;
    entry->state = Entry::State::attempting;
    entry->since = context_.clock.now();
    ++slots_;
    ++under_way_;
    net::spawn(context_.executor, context_.tasks, "attempt", attempt(entry->message));
  }
}

void TheScheduler::leave_slot(bool& in_slot) {
  if (!std::exchange(in_slot, false)) return;
  --slots_;
  pump();
}

Task<> TheScheduler::attempt(std::shared_ptr<queue::Message> message) {
  bool in_slot = true;
  const MessageId id = message->id;
  co_await attempt_now(std::move(message), in_slot);
  leave_slot(in_slot);
  leave(id);
}

Task<> TheScheduler::attempt_now(std::shared_ptr<queue::Message> message, bool& in_slot) {
  auto due = due_recipients(*message, context_.clock.now());
  if (message->held || due.empty()) {
    co_await write(*message, {}, {}, true);
    co_return;
  }
  Plan plan = co_await make_plan(context_, *message, std::move(due));
  if (park_if_busy(*message, plan)) co_return;
  if (plan.is_for_the_dns()) {
    leave_slot(in_slot);
    sites_.job_out(kDns);
    co_await look_up(context_, plan);
    job_done(kDns);
    if (park_if_busy(*message, plan)) co_return;
  }
  Round round(context_, message, std::move(plan));
  offer(round);
  co_await round.deliver_locals();
  leave_slot(in_slot);
  const SteadyTime left = context_.clock.steady();
  if (!round.plan().lookups.empty()) {
    sites_.job_out(kDns);
    co_await round.look_up();
    job_done(kDns);
    offer(round);
  }
  if (!round.all_back()) co_await record_meanwhile(*message, round, left + kRecordInterval);
  co_await record(*message, round);
}

Task<> TheScheduler::record_meanwhile(queue::Message& message, Round& round, SteadyTime when) {
  const auto timer = context_.clock.make_timer(context_.executor);
  while (!co_await round.wait_for_sites(*timer, when)) {
    if (context_.clock.steady() < when) continue;
    co_await record(message, round);
    when = context_.clock.steady() + kRecordInterval;
  }
}

void TheScheduler::offer(Round& round) {
  for (const Plan::Remote& remote : round.not_offered()) sites_.job_out(remote.site->name);
  round.offer([this](const std::string& site) { job_done(site); });
}

// A message of which nothing has been done yet and that has to wait for one thing alone.
bool TheScheduler::park_if_busy(const queue::Message& message, const Plan& plan) {
  if (!plan.is_for_one_site() && !plan.is_for_the_dns()) return false;
  const std::string& site = plan.is_for_the_dns() ? kDns : plan.remotes[0].site->name;
  if (!sites_.must_park(site, context_.settings()->window)) return false;
  Entry* entry = window_.find(message.id);
  if (entry->asked) return false;
  sites_.park(site, message.id);
  window_.park(*entry);
  return true;
}

void TheScheduler::job_done(const std::string& site) {
  if (sites_.job_back(site, context_.settings()->window)) wake_feed();
}

void TheScheduler::leave(MessageId id) {
  const Entry* entry = window_.find(id);
  if (entry->state != Entry::State::parked) window_.erase(id);
  // Rows are read in pages, so not for every message that leaves; slow sites may keep the window from getting emptier than this.
  if (starved_ && room() >= std::max<std::size_t>(context_.settings()->window / 8, 1)) wake_feed();
  end_work();
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
