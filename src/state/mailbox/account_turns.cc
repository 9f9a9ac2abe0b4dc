#include "state/mailbox/account_turns.h"

namespace godwit::mailbox {

Task<AccountTurns::Turn> AccountTurns::acquire(directory::AccountId account) {
  if (!begin(account)) {
    co_await suspend<std::monostate>([this, account](Resume<std::monostate> resume) {
      const std::lock_guard lock(mutex_);
      const auto [entry, is_free] = taken_.try_emplace(account);
      if (is_free)
        resume({});
      else
        entry->second.push_back(std::move(resume));
    });
  }
  co_return Turn(*this, account);
}

bool AccountTurns::begin(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  return taken_.try_emplace(account).second;
}

void AccountTurns::end(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto entry = taken_.find(account);
  if (entry->second.empty()) {
    taken_.erase(entry);
    return;
  }
  Resume<std::monostate> next = std::move(entry->second.front());
  entry->second.pop_front();
  next({});
}

}  // namespace godwit::mailbox
