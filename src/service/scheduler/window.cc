#include "service/scheduler/window.h"

#include "base/result.h"

namespace godwit::scheduler {

Entry* Window::find(MessageId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Window::is_ready(MessageId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.state == Entry::State::ready;
}

Entry& Window::insert(MessageId id, Entry entry) {
  const auto [place, is_new] = entries_.emplace(id, std::move(entry));
  GODWIT_CHECK(is_new);
  if (place->second.state == Entry::State::ready) {
    ++ready_;
    if (came_.size() > 2 * ready_ + 64) std::erase_if(came_, [this](MessageId each) { return !is_ready(each); });
    came_.push_back(id);
  }
  return place->second;
}

void Window::erase(MessageId id) {
  const auto found = entries_.find(id);
  GODWIT_CHECK(found != entries_.end());
  if (found->second.state == Entry::State::ready) --ready_;
  entries_.erase(found);
}

void Window::set(Entry& entry, Entry::State state) {
  GODWIT_CHECK(state != Entry::State::ready);
  if (entry.state == Entry::State::ready) --ready_;
  entry.state = state;
}

bool Window::put_out() {
  while (!came_.empty()) {
    const MessageId id = came_.front();
    came_.pop_front();
    if (!is_ready(id)) continue;
    erase(id);
    return true;
  }
  return false;
}

}  // namespace godwit::scheduler
