#include "state/mailbox/account_state.h"

namespace godwit::mailbox {

std::optional<AccountState> AccountStates::take(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto found = by_account_.find(account);
  if (found == by_account_.end()) return std::nullopt;
  std::optional<AccountState> state(std::move(found->second->second));
  if (state->messages.size() > kMaxMessagePages) pages_ -= state->messages.size();
  entries_.erase(found->second);
  by_account_.erase(found);
  return state;
}

void AccountStates::put(directory::AccountId account, AccountState state) {
  if (state.mailboxes.size() > kMaxMailboxes) return;
  if (state.pages.size() > kMaxPages) state.pages.clear();
  if (state.messages.size() > kMaxPagesOfOne) state.messages.clear();
  const std::lock_guard lock(mutex_);
  if (by_account_.contains(account)) return;
  if (state.messages.size() > kMaxMessagePages) {
    make_room_for_pages(state.messages.size());
    pages_ += state.messages.size();
  }
  entries_.emplace_front(account, std::move(state));
  by_account_.emplace(account, entries_.begin());
  if (entries_.size() <= kMax) return;
  forget_pages(entries_.back().second);
  by_account_.erase(entries_.back().first);
  entries_.pop_back();
}

void AccountStates::forget_pages(AccountState& state) {
  if (state.messages.size() <= kMaxMessagePages) return;
  pages_ -= state.messages.size();
  state.messages.clear();
}

void AccountStates::make_room_for_pages(std::size_t pages) {
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && pages_ + pages > kMaxPagesTogether; ++entry) forget_pages(entry->second);
}

bool AccountStates::is_ours(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  return ours_.contains(account);
}

void AccountStates::set_ours(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  ours_.insert(account);
}

}  // namespace godwit::mailbox
