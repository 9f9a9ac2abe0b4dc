// Who is queued, and when he is due: the catalogue tells, the line-up keeps it, one timer waits for the first of them.

#include <algorithm>

#include "base/log.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/owed_report.h"
#include "state/queue/priority.h"
#include "state/queue/record.h"

namespace godwit::scheduler {
namespace {

constexpr std::size_t kAtOnce = 1'000;  // messages that fall due, before others have their turn on the loop
constexpr Duration kAgainAfterError = std::chrono::seconds(1);
constexpr Duration kUnreadable = std::chrono::hours(1);
// The wall clock may be set while the timer counts on: look at least this often.
constexpr Duration kLongestWait = std::chrono::seconds(60);
constexpr Duration kFloorInterval = std::chrono::seconds(15);
// A message is accepted a little after its id was made. An attempt that comes too early all the same knows the right moment.
constexpr Duration kAfterId = std::chrono::minutes(1);

}  // namespace

void TheScheduler::start() {
  look_at_settings();
  look_at_routes();
  first_of_run_ = context_.queue.next_id(context_.loop);
  started_ = true;
  catalogue().listen(this);
  catalogue().each([this](const queue::Card& card) {
    if (!card.held && !window_.find(card.id) && !lineup_.contains(card.id)) line_up(card, nullptr);
  });
  net::spawn(context_.executor, context_.tasks, "queue fill", context_.queue.fill(context_.loop, [this] { return stopping(); }));
  on_stop_ = std::make_unique<net::TaskGroup::OnStop>(context_.tasks, context_.executor, [this] { drain(); });
  net::spawn(context_.executor, context_.tasks, "queue feed", feed());
  net::spawn(context_.executor, context_.tasks, "queue forget", forgetter_.run());
  if (context_.loop == 0) net::spawn(context_.executor, context_.tasks, "id floor", keep_id_floor());
  pump();
}

// What is worked on is looked at when that ends; what intake has just accepted comes from there, with the message itself.
void TheScheduler::changed(const queue::Card& card, const queue::Card* before) {
  if (stopping()) return;
  const Entry* entry = window_.find(card.id);
  if (entry && entry->state != Entry::State::ready) return;
  if (!before && card.fresh && first_of_run_ && card.id > *first_of_run_) return;
  if (entry) window_.erase(card.id);  // it is no longer what its row says
  if (card.held)
    lineup_.remove(card.id);
  else
    line_up(card, nullptr);
  pump();
}

void TheScheduler::gone(const queue::Card& card) {
  lineup_.remove(card.id);
  const Entry* entry = window_.find(card.id);
  if (entry && entry->state == Entry::State::ready) window_.erase(card.id);
}

// The first moment after now at which something has to be done about it wherever it goes.
WallTime TheScheduler::next_moment(WallTime accepted) const {
  const WallTime now = context_.clock.now();
  const WallTime notice = accepted + settings_->delay_notice;
  const WallTime expiry = accepted + settings_->expire;
  return now < notice ? std::min(notice, expiry) : std::max(expiry, now);
}

// `message`, if it is at hand, knows its moments better.
void TheScheduler::line_up(const queue::Card& card, const queue::Message* message) {
  const WallTime accepted = message ? message->accepted : card.id.time() + kAfterId;
  const WallTime now = context_.clock.now();
  if (card.due > now) {
    const auto owed = [&](const queue::Recipient& recipient) {
      return queue::owes_report(recipient) && recipient.next_attempt == card.due;
    };
    const bool is_moment = message && (card.due == accepted + settings_->delay_notice || card.due == accepted + settings_->expire ||
                                       std::ranges::any_of(message->recipients, owed));  // a report needs no site
    lineup_.wait(card.id, card.due, is_moment);
    wake_feed_at(context_.clock.steady() + (card.due - now));
    return;
  }
  const queue::Names& names = catalogue().names();
  const LineUp::Party party{names.text(card.tenant), names.text(card.sender), queue::urgency_of(card.priority)};
  // One site that is down must not keep back what is for another: where it goes is seen when it is planned.
  const Place place = card.several ? anywhere() : lineup_.place_of(names.text(card.domain));
  lineup_.line_up(card.id, place, party, next_moment(accepted));
}

// Nothing but its moments until the rules are others, or `next` if some of it waits for that.
void TheScheduler::suspend(MessageId id, WallTime accepted, WallTime next) {
  const Entry* entry = window_.find(id);
  if (entry && entry->state == Entry::State::ready) window_.erase(id);
  const WallTime moment = next_moment(accepted + kAfterId);
  lineup_.wait(id, std::min(moment, next), moment <= next);
  suspended_.push_back(id);
}

bool TheScheduler::is_suspended(MessageId id) {
  if (!rules_ || rules_->empty()) return false;
  const queue::Card* card = catalogue().find(id);
  return card && rules_->suspended(catalogue().names(), *card, context_.clock.now()) != nullptr;
}

// With other rules, or when the time of one is over, everybody who was kept back is looked at anew.
void TheScheduler::look_at_rules() {
  const std::uint64_t version = context_.queue.rules_version();
  if (rules_ && version == rules_version_ && (rules_until_ == queue::kNever || context_.clock.now() < rules_until_)) return;
  const WallTime now = context_.clock.now();
  rules_version_ = version;
  rules_ = context_.queue.rules();
  rules_until_ = queue::kNever;
  for (const queue::Rule& rule : rules_->all())
    if (rule.until && *rule.until > now) rules_until_ = std::min(rules_until_, *rule.until);
  if (rules_until_ != queue::kNever) wake_feed_at(context_.clock.steady() + (rules_until_ - now));
  resuming_ = suspended_.size();
  if (resuming_ > 0) wake_feed_at(context_.clock.steady());
  for (const std::string& site : std::exchange(suspended_sites_, {})) lineup_.alive(lineup_.destinations().of_site(site));
}

// true: there are more.
bool TheScheduler::resume() {
  for (std::size_t i = 0; i < kAtOnce && resuming_ > 0; ++i, --resuming_) {
    const MessageId id = suspended_.front();
    suspended_.pop_front();
    const queue::Card* card = lineup_.contains(id) ? catalogue().find(id) : nullptr;
    if (card && !card->held && !window_.find(id)) line_up(*card, nullptr);
  }
  return resuming_ > 0;
}

LineUp::Party TheScheduler::party_of(const queue::Message& message) {
  LineUp::Party party;
  party.tenant = message.tenant;
  party.urgency = queue::urgency_of(message.priority);
  sender_text_ = message.identity.empty() ? message.reverse_path.text() : message.identity;
  party.sender = sender_text_;
  return party;
}

// Of those that are not due.
WallTime TheScheduler::next_attempt(const queue::Message& message) const {
  WallTime first = queue::kNever;
  for (const queue::Recipient& recipient : message.recipients)
    if (recipient.state == queue::Recipient::State::pending && recipient.next_attempt > context_.clock.now())
      first = std::min(first, recipient.next_attempt);
  return first;
}

// After an attempt or an action: where its rows say; or at the site that takes nothing now, and then nothing has been done.
void TheScheduler::come_back(MessageId id, Entry entry) {
  const queue::Card* card = catalogue().find(id);
  if (!card || card->held) return;
  if (entry.suspended) {
    suspend(id, entry.message->accepted, next_attempt(*entry.message));
  } else if (entry.again > Duration(0)) {
    lineup_.wait(id, context_.clock.now() + entry.again, false);
    wake_feed_at(context_.clock.steady() + entry.again);
  } else if (entry.state == Entry::State::acting && card->due <= context_.clock.now()) {
    // where it goes now is seen when it is planned: maybe not where its domain's mail has to wait
    const queue::Names& names = catalogue().names();
    const LineUp::Party party{names.text(card->tenant), names.text(card->sender), queue::urgency_of(card->priority)};
    lineup_.line_up(id, anywhere(), party, next_moment(id.time() + kAfterId));
  } else if (entry.site.empty()) {
    line_up(*card, entry.message.get());
  } else {
    const Place place = lineup_.destinations().of_site(entry.site);
    lineup_.line_up(id, place, party_of(*entry.message), std::min(next_moment(entry.message->accepted), next_attempt(*entry.message)));
    if (lineup_.destinations().closed(place) || window_.in_memory() >= settings_->window) return;
    Entry ready;
    ready.message = std::move(entry.message);
    window_.insert(id, std::move(ready));
  }
}

Task<> TheScheduler::feed() {
  while (!draining_) {
    look_at_rules();
    look_at_routes();
    const bool more_due = take_due();
    const bool more = resume() || more_due;
    feed_at_ = SteadyTime::max();
    pump();  // which may want to go on
    const SteadyTime now = context_.clock.steady();
    feed_at_ = std::min(feed_at_, now + (more ? Duration(0) : kLongestWait));
    if (rules_until_ != queue::kNever) feed_at_ = std::min(feed_at_, now + std::max(rules_until_ - context_.clock.now(), Duration(0)));
    if (const auto due = lineup_.next_due(); due && !more)
      feed_at_ = std::min(feed_at_, now + std::max(*due - context_.clock.now(), Duration(0)));
    if (const auto again = lineup_.next_reopening()) feed_at_ = std::min(feed_at_, std::max(*again, now));
    const SteadyTime until = feed_at_;
    co_await feed_timer_->wait_until(until);
  }
}

// true: there are more.
bool TheScheduler::take_due() {
  if (stopping()) return false;
  look_at_settings();
  lineup_.reopen(context_.clock.steady());
  const WallTime now = context_.clock.now();
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    const auto due = lineup_.take_due(now);
    if (!due) return false;
    const queue::Card* card = catalogue().find(due->id);
    if (!card || card->held) continue;
    if (due->must)
      forced_.push_back(due->id);
    else
      line_up(*card, nullptr);
  }
  return true;
}

void TheScheduler::wake_feed_at(SteadyTime when) {
  if (when >= feed_at_) return;
  feed_at_ = when;
  feed_timer_->wake();
}

// Null: it is not there, or cannot be read for good. A store that does not answer is asked until it does: what an administrator has asked
// for meanwhile is not forgotten.
Task<std::shared_ptr<queue::Message>> TheScheduler::read(MessageId id, bool& in_slot) {
  while (!stopping()) {
    auto loaded = co_await context_.queue.load(id);
    if (loaded && *loaded) {
      auto message = std::make_shared<queue::Message>(**std::move(loaded));
      window_.find(id)->message = message;
      co_return message;
    }
    const std::string name = id.text();
    if (!loaded) log::error("the queue could not be read", {{"msg", name}, {"error", loaded.error().text}});
    if (loaded || loaded.error().kind != Error::Kind::temporary) break;
    leave_slot(in_slot);
    co_await context_.clock.sleep(kAgainAfterError);
  }
  window_.find(id)->again = kUnreadable;
  co_return nullptr;
}

Task<> TheScheduler::keep_id_floor() {
  while (!draining_) {
    const auto renewed = co_await context_.queue.renew_id_floor();
    if (!renewed) log::warning("the floor of message ids could not be raised", {{"error", renewed.error().text}});
    if (draining_) break;
    co_await floor_timer_->wait_until(context_.clock.steady() + kFloorInterval);
  }
}

}  // namespace godwit::scheduler
