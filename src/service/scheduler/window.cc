#include "service/scheduler/window.h"

#include <algorithm>

namespace godwit::scheduler {
namespace {

bool before(const queue::DueEntry& a, const queue::DueEntry& b) { return a.due != b.due ? a.due < b.due : a.id < b.id; }

MessageId just_before(MessageId id) { return {id.value == 0 ? 0 : id.value - 1}; }

}  // namespace

void Window::set_shards(const std::vector<Shard>& shards, std::size_t loop, std::size_t loops) {
  cursors_.clear();
  for (const Shard shard : shards) {
    if (shard % loops != loop) continue;
    cursors_.emplace_back();
    cursors_.back().shard = shard;
  }
}

Cursor* Window::cursor_of(MessageId id) {
  const auto found = std::ranges::find(cursors_, id.shard(), &Cursor::shard);
  return found == cursors_.end() ? nullptr : &*found;
}

Entry* Window::find(MessageId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

Entry& Window::insert(MessageId id, Entry entry) {
  const auto [place, is_new] = entries_.emplace(id, std::move(entry));
  GODWIT_CHECK(is_new);
  ++in_memory_;
  return place->second;
}

void Window::erase(MessageId id) {
  const auto found = entries_.find(id);
  GODWIT_CHECK(found != entries_.end() && found->second.state != Entry::State::parked);
  entries_.erase(found);
  --in_memory_;
  if (reading_) ended_.insert(id);
}

void Window::park(Entry& entry) {
  entry.state = Entry::State::parked;
  entry.message.reset();
  --in_memory_;
}

void Window::unpark(Entry& entry, std::shared_ptr<queue::Message> message) {
  GODWIT_CHECK(entry.state == Entry::State::parked);
  entry.state = Entry::State::ready;
  entry.message = std::move(message);
  ++in_memory_;
}

Entry* Window::pop_ready() {
  while (!ready_.empty()) {
    Entry* entry = find(ready_.front());
    ready_.pop_front();
    if (entry && entry->state == Entry::State::ready) return entry;  // else something else has taken it up meanwhile
  }
  return nullptr;
}

void Window::put_off(MessageId id) {
  Cursor* cursor = cursor_of(id);
  if (!cursor) return;
  cursor->fresh_left = true;
  if (cursor->fresh_after) cursor->fresh_after = std::min(*cursor->fresh_after, just_before(id));
  cursor->fresh_noted = cursor->fresh_noted ? std::min(*cursor->fresh_noted, id) : id;
}

void Window::note_due(MessageId id, WallTime due) {
  Cursor* cursor = cursor_of(id);
  if (!cursor) return;
  const queue::DueEntry entry{due, id};
  cursor->next_due = cursor->next_due ? std::min(*cursor->next_due, due) : due;
  if (cursor->due_after && !before(*cursor->due_after, entry)) cursor->due_after = queue::DueEntry{due, just_before(id)};
  if (!cursor->due_noted || before(entry, *cursor->due_noted)) cursor->due_noted = entry;
}

void Window::begin_read(Cursor& cursor) {
  reading_ = true;
  cursor.fresh_noted.reset();
  cursor.due_noted.reset();
}

void Window::end_read(Cursor& cursor) {
  reading_ = false;
  ended_.clear();
  if (cursor.fresh_noted) put_off(*cursor.fresh_noted);
  if (cursor.due_noted) note_due(cursor.due_noted->id, cursor.due_noted->due);
}

bool Window::fresh_left() const { return std::ranges::any_of(cursors_, &Cursor::fresh_left); }

std::optional<WallTime> Window::next_due() const {
  std::optional<WallTime> first;
  for (const Cursor& cursor : cursors_)
    if (cursor.next_due && (!first || *cursor.next_due < *first)) first = cursor.next_due;
  return first;
}

}  // namespace godwit::scheduler
