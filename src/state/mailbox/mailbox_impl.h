#pragma once
// What the parts of Mailboxes share. Private to state/mailbox.

#include <mutex>
#include <unordered_set>

#include "state/mailbox/account_turns.h"
#include "state/mailbox/delivery_groups.h"
#include "state/mailbox/rows.h"

namespace godwit::mailbox {

inline constexpr int kAttempts = 10;  // of a batch that another writer overtook

struct Mailboxes::Impl {
  Impl(store::Engine& engine_, store::Blobs& blobs_, Clock& clock_) : engine(engine_), blobs(blobs_), clock(clock_) {}

  store::Engine& engine;
  store::Blobs& blobs;
  Clock& clock;
  AccountTurns turns;         // who writes an account's rows
  AccountTurns outbox_turns;  // who applies its outbox: apart, so that deliveries go on meanwhile
  DeliveryGroups groups;

  std::mutex postponed_mutex;
  std::unordered_set<directory::AccountId> postponed;  // their outboxes wait for the queue

  // deliver.cc
  Task<> deliver_group(directory::AccountId account, std::vector<std::shared_ptr<Delivery>> deliveries, std::optional<AccountState>& state);
  Task<Result<AccountState>> load_state(directory::AccountId account);
  Task<Result<std::optional<AccountState>>> read_state(directory::AccountId account);  // nothing: a row of it is missing
  Task<Result<void>> look_for_delivered(directory::AccountId account, std::vector<Delivery*> deliveries);

  // rebuild.cc; the caller has the account's turn
  Task<Result<std::vector<std::string>>> rebuild_in_turn(directory::AccountId account);
  Task<Result<void>> mend_counters(directory::AccountId account);  // rebuilds if they would give a number again that a row has

  // expunge.cc
  Task<Result<std::size_t>> expunge_some(directory::AccountId account, MailboxNumber mailbox, std::vector<Uid> uids);

  // outbox.cc
  Task<Result<void>> apply_releases(directory::AccountId account);
  Task<Result<bool>> erase_account(directory::AccountId account);  // true: nothing is left
  Task<Result<void>> sweep_delivered(directory::AccountId account);
  Task<Result<bool>> queue_has(MessageId message);
  Task<Result<bool>> has_reference(store::BlobId blob);
  void set_postponed(directory::AccountId account, bool is_postponed);
  bool is_postponed(directory::AccountId account);
};

// Whether the directory has removed the account (see directory.h, kRemovedKey).
Task<Result<bool>> is_removed(store::View& view);
Error account_gone();
// Whether the account has any row: one without its own row or INBOX has lost it, else it is new.
Task<Result<bool>> has_rows(store::View& view);
std::uint32_t new_uid_validity(WallTime now);

// All rows of a view that begin with `prefix`, a page at a time.
class PrefixScan {
 public:
  PrefixScan(store::View& view, store::Keyspace keyspace, std::string prefix);
  // The next rows; none at the end.
  Task<Result<std::vector<store::Row>>> next(store::ScanLimit limit = {});

 private:
  store::View& view_;
  store::Keyspace keyspace_;
  std::optional<std::string> from_;
  std::string end_;
};

}  // namespace godwit::mailbox
