#include "state/mailbox/change_feed.h"

#include <algorithm>

namespace godwit::mailbox {

struct ChangeFeed::Account {
  std::atomic<std::uint64_t> changes = 0;
  std::vector<std::shared_ptr<Watch::State>> watches;
};

struct ChangeFeed::Watch::State {
  std::shared_ptr<Account> account;
  Executor executor;
  std::function<void()> call;
  std::atomic<bool> posted = false;
  bool gone = false;  // on the executor alone
};

ChangeFeed::Watch::Watch(ChangeFeed& feed, directory::AccountId account, std::shared_ptr<State> state)
    : feed_(feed), account_(account), state_(std::move(state)) {}

ChangeFeed::Watch::~Watch() {
  state_->gone = true;
  const std::lock_guard lock(feed_.mutex_);
  const auto entry = feed_.accounts_.find(account_);
  std::erase(entry->second->watches, state_);
  if (entry->second->watches.empty()) feed_.accounts_.erase(entry);
}

std::uint64_t ChangeFeed::Watch::changes() const { return state_->account->changes.load(std::memory_order_acquire); }

std::unique_ptr<ChangeFeed::Watch> ChangeFeed::watch(directory::AccountId account, Executor executor, std::function<void()> call) {
  auto state = std::make_shared<Watch::State>();
  state->executor = std::move(executor);
  state->call = std::move(call);
  const std::lock_guard lock(mutex_);
  auto& entry = accounts_[account];
  if (!entry) {
    entry = std::make_shared<Account>();
    entry->changes = changes_;
  }
  state->account = entry;
  entry->watches.push_back(state);
  return std::unique_ptr<Watch>(new Watch(*this, account, std::move(state)));
}

void ChangeFeed::changed(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto entry = accounts_.find(account);
  if (entry == accounts_.end()) return;
  entry->second->changes.store(changes_, std::memory_order_release);
  for (const auto& state : entry->second->watches) {
    if (state->posted.exchange(true)) continue;
    post(state->executor, [state] {
      state->posted = false;  // before the call: what changes from now on is told again
      if (!state->gone) state->call();
    });
  }
}

}  // namespace godwit::mailbox
