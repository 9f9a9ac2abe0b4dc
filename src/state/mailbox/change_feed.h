#pragma once
// Who watches an account hears that something in it has changed: wakes IDLE, and lets a session that is up to date not look.
//
// Memory alone: the changes themselves are read with Mailboxes::changes(). Any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "state/directory/directory.h"
#include "state/mailbox/email.h"

namespace godwit::mailbox {

class ChangeFeed {
 public:
  // One who watches. Its call comes on its executor, at most one at a time on the way; none after the destruction, which happens on that
  // same executor.
  class Watch {
   public:
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // Grows with each change of the account; never goes back, for a later watch neither. What was read after this was read is not older
    // than it.
    std::uint64_t changes() const;

   private:
    friend class ChangeFeed;
    struct State;
    Watch(ChangeFeed& feed, directory::AccountId account, std::shared_ptr<State> state);
    ChangeFeed& feed_;
    directory::AccountId account_;
    std::shared_ptr<State> state_;
  };

  std::unique_ptr<Watch> watch(directory::AccountId account, Executor executor, std::function<void()> call);
  // For who writes an account's rows: after the write is done.
  void changed(directory::AccountId account);

 private:
  struct Account;
  std::mutex mutex_;
  std::uint64_t changes_ = 0;                                                    // of all accounts
  std::unordered_map<directory::AccountId, std::shared_ptr<Account>> accounts_;  // that are watched
};

}  // namespace godwit::mailbox
