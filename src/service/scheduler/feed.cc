// Reading rows: fresh messages after a start or an overflow, waiting ones when they are due, parked ones when their site has room.

#include <algorithm>

#include "base/log.h"
#include "service/scheduler/scheduler_impl.h"
#include "state/queue/record.h"

namespace godwit::scheduler {
namespace {

constexpr std::size_t kPage = 256;
constexpr Duration kAgainAfterError = std::chrono::seconds(1);
// The wall clock may be set while the timer counts on: look at least this often.
constexpr Duration kLongestWait = std::chrono::seconds(60);
constexpr Duration kFloorInterval = std::chrono::seconds(15);

void report_error(std::string_view what, const Error& error) {
  log::error("the queue could not be read", {{"what", what}, {"error", error.text}});
}

}  // namespace

Task<> TheScheduler::feed() {
  while (!draining_) {
    const bool ok = co_await read_rows();
    if (draining_) break;
    Duration wait = ok ? kLongestWait : kAgainAfterError;
    const auto due = window_.next_due();
    if (ok && due && !starved_) wait = std::clamp(*due - context_.clock.now(), Duration(0), kLongestWait);
    co_await feed_timer_->wait_until(context_.clock.steady() + wait);
  }
}

void TheScheduler::wake_feed() { feed_timer_->wake(); }

// false: the store did not answer; try again soon. starved_: there is more than the window takes.
Task<bool> TheScheduler::read_rows() {
  starved_ = false;
  bool ok = co_await read_parked();
  for (Cursor& cursor : window_.cursors()) {
    if (ok) ok = co_await read_due(cursor);
    if (ok) ok = co_await read_fresh(cursor);
  }
  co_return ok;
}

Task<bool> TheScheduler::read_parked() {
  if (sites_.parked() > 0 && room() == 0) starved_ = true;
  for (const MessageId id : sites_.unpark(context_.settings()->window, room())) {
    Entry* entry = window_.find(id);
    if (!entry || entry->state != Entry::State::parked) continue;
    auto loaded = co_await context_.queue.load(id);
    entry = window_.find(id);
    if (!entry || entry->state != Entry::State::parked) continue;
    if (loaded && *loaded) {
      window_.unpark(*entry, std::make_shared<queue::Message>(**std::move(loaded)));
      window_.push_ready(id);
      pump();
      continue;
    }
    // It must come back by its row, or it would wait for the next start.
    if (!loaded) report_error("parked", loaded.error());
    window_.unpark(*entry, nullptr);
    window_.erase(id);
    window_.put_off(id);
    window_.note_due(id, WallTime{});
    if (!loaded) co_return false;
  }
  co_return true;
}

Task<bool> TheScheduler::read_fresh(Cursor& cursor) {
  while (cursor.fresh_left && !draining_) {
    const std::size_t limit = std::min(room(), kPage);
    if (limit == 0) {
      starved_ = true;
      co_return true;
    }
    window_.begin_read(cursor);
    auto messages = co_await context_.queue.fresh(cursor.shard, cursor.fresh_after, limit);
    if (!messages) {
      window_.end_read(cursor);
      report_error("fresh", messages.error());
      co_return false;
    }
    cursor.fresh_left = messages->size() == limit;
    for (queue::Message& message : *messages) {
      const MessageId id = message.id;
      cursor.fresh_after = id;
      if (window_.is_known(id)) continue;
      if (room() == 0)
        window_.put_off(id);
      else
        take(std::make_shared<queue::Message>(std::move(message)));
    }
    window_.end_read(cursor);
  }
  co_return true;
}

Task<bool> TheScheduler::read_due(Cursor& cursor) {
  bool more = true;
  while (more && !draining_ && cursor.next_due && *cursor.next_due <= context_.clock.now()) {
    if (room() == 0) {
      starved_ = true;
      co_return true;
    }
    window_.begin_read(cursor);
    const bool ok = co_await read_due_page(cursor, more);
    window_.end_read(cursor);
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> TheScheduler::read_due_page(Cursor& cursor, bool& more) {
  const std::size_t limit = std::min(room(), kPage);
  auto due = co_await context_.queue.due(cursor.shard, context_.clock.now(), limit, cursor.due_after);
  if (!due) {
    report_error("due", due.error());
    co_return false;
  }
  cursor.next_due = due->next;
  for (const queue::DueEntry& entry : due->entries) {
    if (!window_.is_known(entry.id)) {
      if (room() == 0) {
        cursor.next_due = entry.due;
        co_return true;
      }
      auto message = co_await context_.queue.load(entry.id);
      if (!message) {
        report_error("message", message.error());
        cursor.next_due = entry.due;
        // One message that cannot be read must not stop those behind it.
        if (message.error().kind == Error::Kind::temporary) co_return false;
      } else if (*message && !window_.is_known(entry.id)) {
        take(std::make_shared<queue::Message>(**std::move(message)));
      }
    }
    cursor.due_after = entry;
  }
  cursor.next_due = due->next;
  more = due->entries.size() == limit;
  co_return true;
}

void TheScheduler::note_due(const queue::Message& message) {
  if (message.rows.due == queue::kNever) return;
  const auto planned = window_.next_due();
  window_.note_due(message.id, message.rows.due);
  if (!planned || message.rows.due < *planned) wake_feed();
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
