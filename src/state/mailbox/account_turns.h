#pragma once
// One after the other, per account: who changes an account's rows waits for a turn. First come, first served.
//
// Any thread; whoever waits resumes on its own loop. Owned by Mailboxes; outlives its turns.

#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/task.h"
#include "state/directory/directory.h"

namespace godwit::mailbox {

class AccountTurns {
 public:
  // Ends at its destruction.
  class Turn {
   public:
    Turn(AccountTurns& turns, directory::AccountId account) : turns_(&turns), account_(account) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), account_(other.account_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->end(account_);
    }

   private:
    AccountTurns* turns_;
    directory::AccountId account_;
  };

  Task<Turn> acquire(directory::AccountId account);

 private:
  bool begin(directory::AccountId account);
  void end(directory::AccountId account);

  std::mutex mutex_;
  std::unordered_map<directory::AccountId, std::deque<Resume<std::monostate>>> taken_;  // and who waits
};

}  // namespace godwit::mailbox
