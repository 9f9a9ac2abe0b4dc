#pragma once
// What the parts of Mailboxes share. Private to state/mailbox.

#include <mutex>
#include <unordered_set>

#include "state/mailbox/account_state.h"
#include "state/mailbox/account_turns.h"
#include "state/mailbox/delivery_groups.h"
#include "state/mailbox/derived_cache.h"
#include "state/mailbox/rows.h"
#include "state/mailbox/unproven.h"

namespace godwit::mailbox {

inline constexpr int kAttempts = 10;  // of a batch that another writer overtook

inline constexpr std::size_t kManyLeft = 50'000;  // messages expunged before their rows by email are cleared: each piece looks at all

struct Expunged {
  std::vector<Uid> uids;
  Uid next = 0;  // where the next piece begins; 0: nothing is left
};
// Of the messages that are named: all, those with \Deleted, or those whose email is in another place too.
enum class Doomed : std::uint8_t { all, deleted, copies };
struct Buried {
  bool any = false;
  bool lost = false;  // an email's record was: the account's counters may be wrong
};
struct CopiedPiece {
  Copied copied;
  Uid next = 0;
};
struct AppendedOnce {
  std::optional<Appended> appended;  // nothing: another writer was faster
  std::vector<EmailId> emails;
  UnprovenEmails::Hold hold;  // of theirs, as long as bytes of them are not durable
};
struct FlagsPiece {
  FlagsChanged changed;
  Uid next = 0;
};

// What is known of an account from its last writer: compared with the account's row first, or taken as it is when something is written in
// any case, for the batch asks for that row.
enum class Kept : std::uint8_t { checked, trusted };

struct Mailboxes::Impl {
  Impl(store::Engine& engine_, store::Blobs& blobs_, Clock& clock_) : engine(engine_), blobs(blobs_), clock(clock_) {}

  store::Engine& engine;
  store::Blobs& blobs;
  Clock& clock;
  AccountTurns turns;         // who writes an account's rows
  AccountTurns outbox_turns;  // who applies its outbox: apart, so that deliveries go on meanwhile
  AccountTurns recent_turns;  // who claims recent messages; taken after `turns`
  DeliveryGroups groups;
  AccountStates states;
  UnprovenEmails unproven;
  DerivedCache derived;
  ChangeFeed feed;

  std::mutex postponed_mutex;
  std::unordered_set<directory::AccountId> postponed;  // their outboxes wait for the queue
  std::unordered_set<directory::AccountId> untidy;     // their outboxes have something for tidy()

  // deliver.cc
  Task<> deliver_group(directory::AccountId account, std::vector<std::shared_ptr<Delivery>> deliveries);
  Task<Result<bool>> deliver_once(directory::AccountId account, const std::vector<Delivery*>& open);
  Task<Result<void>> look_for_delivered(directory::AccountId account, std::vector<Delivery*> deliveries);

  // read.cc: the row, rebuilt where it was lost; `view` is of the account, and may be taken anew
  Task<Result<MailboxRow>> read_mailbox(directory::AccountId account, MailboxNumber mailbox, std::unique_ptr<store::View>& view);

  // rebuild.cc; the caller has the account's turn
  Task<Result<std::vector<std::string>>> rebuild_in_turn(directory::AccountId account);
  // rebuilds if they would give a number again that a row has
  Task<Result<void>> mend_counters(directory::AccountId account, std::vector<MailboxNumber> mailboxes);

  // One piece of the work each, in one batch; the caller has the account's turn.
  Task<Result<Expunged>> expunge_piece(directory::AccountId account, MailboxNumber mailbox, const std::vector<UidRange>& uids, Doomed which,
                                       const std::string* and_mailbox);  // its name, if it goes too
  Task<Result<CopiedPiece>> copy_piece(directory::AccountId account, MailboxNumber from, const std::vector<UidRange>& uids,
                                       MailboxNumber to, bool move);
  Task<Result<FlagsPiece>> change_flags_piece(directory::AccountId account, MailboxNumber mailbox, const std::vector<UidRange>& uids,
                                              const FlagChange& change, std::optional<Modseq> unchanged_since, Wanted wanted);
  Task<Result<void>> copy_all(directory::AccountId account, MailboxNumber from, std::vector<UidRange> uids, MailboxNumber to, bool move,
                              Copied& out);
  Task<Result<void>> expunge_all(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids, Doomed which,
                                 Expunged& done);
  Task<Result<void>> rename_inbox(directory::AccountId account, MailboxNumber target);

  // append.cc: one attempt; `proof` holds what its batch has put in, and its first and last email
  Task<Result<AppendedOnce>> append_once(directory::AccountId account, MailboxNumber mailbox, const std::vector<NewMessage>& messages,
                                         Quota quota, Kept kept);
  Task<Result<void>> prove(Mailboxes& mailboxes, directory::AccountId account, const std::vector<NewMessage>& messages, AppendedOnce& done);

  // unproven.cc
  // Before the account is first read in this process: appends that a power cut kept from ending are taken out. What fails is logged and
  // tried again with the next call.
  Task<> settle_appends(directory::AccountId account);
  Task<Result<void>> settle_in_turn(directory::AccountId account);
  // From wherever they are by now; those that are gone are passed over. Their bytes go with apply_outbox(). The caller has the turn.
  Task<Result<void>> take_out(directory::AccountId account, std::vector<EmailId> emails);

  // outbox.cc
  Task<Result<void>> drop_unreadable(directory::AccountId account, std::string key);
  Task<Result<void>> clear_left(directory::AccountId account);
  Task<Result<void>> bury_orphans(directory::AccountId account);
  Task<Result<Buried>> bury_some(directory::AccountId account);
  Task<Result<void>> apply_releases(directory::AccountId account);
  Task<Result<bool>> erase_account(directory::AccountId account);  // true: nothing is left
  Task<Result<void>> sweep_delivered(directory::AccountId account);
  Task<Result<bool>> queue_has(MessageId message);
  Task<Result<bool>> has_reference(store::BlobId blob);
  void set_postponed(directory::AccountId account, bool is_postponed);
  bool is_postponed(directory::AccountId account);
  void set_untidy(directory::AccountId account, bool is_untidy);
  bool is_untidy(directory::AccountId account);
};

inline constexpr std::size_t kMaxPrefix = 48 * 1024;  // a record has 64 KiB
Error prefix_too_large();

// Whether the directory has removed the account (see directory.h, kRemovedKey).
Task<Result<bool>> is_removed(store::View& view);
Error account_gone();
Error mailbox_gone();
// Whether the account has any row: one without its own row or INBOX has lost it, else it is new.
Task<Result<bool>> has_rows(store::View& view);
Task<Result<bool>> has_row(store::View& view, std::string from, std::string_view prefix);
// For a mailbox that is made; `last`: the highest that the account has given, so that none comes twice.
std::uint32_t new_uid_validity(WallTime now, std::uint32_t last);
inline constexpr std::string_view kInboxName = "INBOX";
Result<void> check_name(std::string_view name);  // of a mailbox to be made: `limit`, `denied`
Error too_many_mailboxes();
MailboxNumber find_number(const std::map<MailboxNumber, MailboxRow>& mailboxes, std::string_view name);  // 0: there is none
Mailbox as_mailbox(MailboxNumber number, const MailboxRow& row);

// All rows of a view in a range of keys, a page at a time.
class RangeScan {
 public:
  RangeScan(store::View& view, store::Keyspace keyspace, std::string from, std::string end);
  // The next rows; none at the end.
  Task<Result<std::vector<store::Row>>> next(store::ScanLimit limit = {});

 private:
  store::View& view_;
  store::Keyspace keyspace_;
  std::optional<std::string> from_;
  std::string end_;
};

// All that begin with `prefix`.
class PrefixScan : public RangeScan {
 public:
  PrefixScan(store::View& view, store::Keyspace keyspace, std::string prefix);
};

}  // namespace godwit::mailbox
