#pragma once
// One change of an account: reads what it needs from one view, gathers what is to change, and writes it as one batch.
//
// The caller has the account's turn. A writer is for one attempt: when write() says that somebody else was faster, begin with a new one.
// Everything read is of one state of the account, or the batch conflicts: it requires the version of the account's row and puts it anew.

#include <set>
#include <span>

#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {

class AccountWriter {
 public:
  enum class IfNew : std::uint8_t { leave, make };         // an account without any row: its first mailboxes
  enum class Durability : std::uint8_t { durable, lazy };  // lazy: of flags

  AccountWriter(Mailboxes::Impl& impl, directory::AccountId account) : impl_(impl), id_(account) {}
  ~AccountWriter();
  AccountWriter(const AccountWriter&) = delete;
  AccountWriter& operator=(const AccountWriter&) = delete;

  // First of all. What is missing of the rows that count is rebuilt. `not_found`: the account is removed.
  Task<Result<void>> open(IfNew if_new = IfNew::leave, Kept kept = Kept::checked);

  // --- Reading
  store::View& view();
  const AccountRow& account() const { return state_.account; }
  Task<Result<const MailboxRow*>> mailbox(MailboxNumber number);  // `not_found`; never null
  Task<Result<const std::map<MailboxNumber, MailboxRow>*>> mailboxes();
  Task<Result<const Keywords*>> keywords();
  // As read_members(); a page that is at hand is not read again.
  Task<Result<std::vector<Member>>> members(MailboxNumber number, std::vector<UidRange> uids, std::size_t limit);

  // --- Mailboxes: mailboxes() has been read
  MailboxNumber make_mailbox(std::string name, SpecialUse use);  // without the levels above
  void make_parents(std::string_view name);
  void rename_mailbox(MailboxNumber number, std::string name);
  void make_defaults();

  // --- Messages: the mailbox has been read with mailbox()
  Modseq next_modseq() { return ++state_.account.modseq; }
  // A new email; its memberships come with add_message(), the first with modseq `created`. Sets all of the membership but its keywords.
  Task<Result<Membership>> add_email(const NewEmail& email, MessageId message, Modseq created);
  // The caller sees to it that a UID is left: no_uid_left().
  Task<Result<Uid>> add_message(MailboxNumber number, Membership member);
  // Of an email that is in another place too (RemovedFrom::one_place), or was the last of its email: what is kept of that goes by the
  // outbox.
  enum class RemovedFrom : std::uint8_t { one_place, last_place };
  // What a message is in must be at hand before it is removed.
  bool is_at_hand(MailboxNumber number, Uid uid) const;
  Task<Result<void>> load(MailboxNumber number, Uid uid);
  void take_room();  // for one that is to be removed: has_room() knows of it then
  void remove_message(MailboxNumber number, const Member& member, RemovedFrom from);
  void discount_email(std::uint64_t size);  // its last message has gone
  // The pages with messages that these UIDs are in, the first `most` of them; at hand from now on.
  Task<Result<std::vector<std::uint32_t>>> load_pages(MailboxNumber number, const std::vector<UidRange>& uids, std::size_t most);
  MessagePage& page_at_hand(MessagesKey key) { return state_.messages.at(key); }
  MessagePage& change_at_hand(MessagesKey key);
  // Flags of messages in a page that is to change are different now; each gets a modseq.
  struct Update {
    Member* member = nullptr;
    std::uint8_t flags_before = 0;
  };
  void note_updates(MailboxNumber number, const std::vector<Update>& updates);
  // The record of an email that is in no mailbox and is not counted any more.
  Task<Result<void>> erase_email(EmailId id, const EmailRow& row);
  void erase_mailbox(MailboxNumber number);  // an empty one
  // The numbers of keywords, ascending, each once. `add`: those that are new are put in, `limit` when there is no room; else passed over.
  Task<Result<std::vector<KeywordNumber>>> keyword_numbers(std::span<const std::string> names, bool add);

  store::Batch& batch() { return batch_; }
  // Whether the batch takes another message; the limit of the engine is some way off then.
  bool has_room() const;
  bool has_changes() const { return !batch_.empty() || !changed_mailboxes_.empty() || !log_.empty(); }

  // --- Writing
  // false: another writer was faster. Tells who watches the account.
  Task<Result<bool>> write(std::string_view what, Durability durability = Durability::durable);

 private:
  struct Mergeable {  // rows `c` of a mailbox
    std::vector<std::string> keys;
    std::vector<UidRange> uids;
  };
  struct Logged {  // of a mailbox, in the order of the modseqs
    std::vector<std::pair<Modseq, Uid>> changed;
    std::vector<std::pair<Modseq, Tombstone>> expunged;
    std::vector<Gone> orphans;
    std::vector<Gone> left;  // their emails stay
  };

  store::Partition partition() const { return directory::partition_of(id_); }
  Task<Result<void>> load(IfNew if_new, std::optional<AccountState> kept);
  Task<Result<void>> rebuild(IfNew if_new);
  MailboxRow& change(MailboxNumber number);
  Task<Result<UidPage*>> change_page(MailboxNumber number, Uid uid);
  MessagePage& take_page(MessagesKey key, std::string_view value);
  bool are_at_hand(MailboxNumber number, std::uint32_t first, std::uint32_t last) const;
  Task<Result<std::uint32_t>> read_pages(MailboxNumber number, std::uint32_t first, std::uint32_t last, std::size_t most);
  Task<Result<MessagePage*>> message_page(MessagesKey key);
  Task<Result<MessagePage*>> change_messages(MailboxNumber number, Uid uid);
  Task<Result<ThreadId>> find_thread(std::span<const std::uint64_t> hashes, ThreadId own);
  Task<Result<ThreadRow*>> thread_row(std::uint64_t hash);
  Task<> keep_log_short();
  Task<Result<void>> forget_tombstones();
  Task<Result<void>> merge_changes();
  void merge(MailboxNumber number, Mergeable what, bool exists);
  void write_log();
  void write_gone(MailboxNumber number, Logged& logged);
  Task<Result<bool>> overtaken_by_rows();
  void prepare(store::Batch& whole, Durability durability);

  Mailboxes::Impl& impl_;
  directory::AccountId id_;
  std::unique_ptr<store::View> view_;
  AccountState state_;
  store::Batch batch_;
  std::set<MailboxNumber> changed_mailboxes_;
  std::set<PageKey> changed_pages_;
  std::map<std::uint64_t, ThreadRow> threads_;  // that were read, as they will be
  std::set<std::uint64_t> changed_threads_;
  std::set<MessagesKey> changed_messages_;
  std::map<MailboxNumber, Logged> log_;
  std::size_t pending_bytes_ = 0;  // of what prepare() adds, at most
  bool overwrites_ = false;        // a number is to be given that a message has: the counters are wrong
  bool rebuilt_ = false;
  bool untidy_ = false;  // the batch leaves something to tidy()
  bool is_open_ = false;
};

Error no_uid_left();
Error overtaken();
// Of msg-ids, for the rows `t`: the message's own, then the last ones, twenty at most.
std::vector<std::uint64_t> thread_hashes(std::span<const std::string> ids);

}  // namespace godwit::mailbox
