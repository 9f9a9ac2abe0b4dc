#pragma once
// What writers of an account know of it, and where it is kept between their batches, so that a busy account is not read again for each.
//
// Kept states are hints: every batch requires the version of the account's row, so an old one costs a conflict and no more.
// AccountStates: any thread; owned by Mailboxes.

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "state/mailbox/rows.h"

namespace godwit::mailbox {

struct AccountState {
  AccountRow account;
  std::optional<store::RowVersion> version;  // of the account's row, which every change of the account puts anew; nothing: it is new
  std::map<MailboxNumber, MailboxRow> mailboxes;
  bool all_mailboxes = false;  // else those that were asked for, and INBOX
  std::map<PageKey, UidPage> pages;
  std::map<MessagesKey, MessagePage> messages;
  std::uint64_t merge_changes_at = 0;        // how many rows `c` there are when it is worth another look
  std::shared_ptr<const Keywords> keywords;  // null: not read yet
};

class AccountStates {
 public:
  static constexpr std::size_t kMax = 1'024;         // accounts
  static constexpr std::size_t kMaxMailboxes = 256;  // of an account that is kept
  static constexpr std::size_t kMaxPages = 16;
  static constexpr std::size_t kMaxMessagePages = 4;       // of each account ...
  static constexpr std::size_t kMaxPagesOfOne = 256;       // ... or so many, of the last used ones ...
  static constexpr std::size_t kMaxPagesTogether = 2'048;  // ... as long as they are no more together; 100 bytes a message, 64 a page

  std::optional<AccountState> take(directory::AccountId account);
  void put(directory::AccountId account, AccountState state);

  // Whether this process has written the account's rows: until then modseqs may have been lost by the one before it.
  bool is_ours(directory::AccountId account);
  void set_ours(directory::AccountId account);

 private:
  void forget_pages(AccountState& state);
  void make_room_for_pages(std::size_t pages);

  using Entries = std::list<std::pair<directory::AccountId, AccountState>>;  // the last used in front

  std::mutex mutex_;
  Entries entries_;
  std::unordered_map<directory::AccountId, Entries::iterator> by_account_;
  std::unordered_set<directory::AccountId> ours_;
  std::size_t pages_ = 0;  // of messages, in the accounts that have more than kMaxMessagePages
};

}  // namespace godwit::mailbox
