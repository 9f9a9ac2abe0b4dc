#pragma once
// The mailboxes of accounts: their tree, delivery exactly once, UIDs, flags, modseqs, copies and moves, what has changed since.
//
// Layout (docs/formats/mailbox.md): mailboxes by number; an immutable record an email; a membership row a message in a mailbox; one row a
// mailbox with counts, uidnext, uidvalidity, highest modseq; pages of UIDs; one change log and one modseq an account. Everything that
// changes together is one batch of the account's partition; writers of one account are serialised, deliveries that wait together share a
// batch. Any loop; owned by the application.
//
// What returns is durable, flags apart: a change of flags is handed to the operating system and synced within 100 ms (it survives the end
// of the process; a power cut may take back the last ones, and no modseq is ever given twice for all that).
//
// Errors everywhere: `not_found` when the account, the mailbox or the email is gone; `conflict` (temporary) when other writers were
// always faster; `full` when growth is refused because the disk is full; `io`, `corrupt` from the store.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "edge/store/blobs.h"
#include "edge/store/engine.h"
#include "state/directory/directory.h"
#include "state/mailbox/change_feed.h"
#include "state/mailbox/derived.h"
#include "state/mailbox/details.h"
#include "state/mailbox/email.h"
#include "state/mailbox/flags.h"
#include "state/mailbox/folder.h"
#include "state/mailbox/uid_set.h"

namespace godwit::mailbox {

struct Snapshot {
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Modseq highest_modseq = 0;
  std::vector<MessageInfo> messages;  // by uid
};

// What has become of a mailbox since a modseq.
struct Changes {
  Modseq modseq = 0;                  // the mailbox is known up to here
  std::vector<MessageInfo> messages;  // come or changed since, and still there; by uid
  std::vector<Uid> expunged;          // ascending; also of messages that came and went since
  bool complete = true;               // false: so long ago that not all of the expunged are remembered; compare with uids()
};

struct NewMessage {
  NewEmail email;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  store::BlobWriter* bytes = nullptr;  // finished, not synced yet: its sync goes on beside the rows'; null: the blob is durable
};

struct Appended {
  bool over_quota = false;  // nothing was appended
  std::uint32_t uid_validity = 0;
  std::vector<Uid> uids;  // in the order of the messages
};

struct Copied {
  std::uint32_t uid_validity = 0;  // of the target
  std::vector<Uid> from;           // ascending; messages that were still there
  std::vector<Uid> to;             // as many
};

struct FlagsChanged {
  struct Stored {
    Uid uid = 0;
    Modseq modseq = 0;
    Modseq before = 0;  // the change; the same where nothing has changed
  };
  std::vector<Stored> stored;         // by uid: all that were asked for and are there, `refused` apart
  std::vector<MessageInfo> messages;  // the same as they are now, if that was wanted
  std::vector<Uid> refused;           // RFC 7162 3.1.3: changed since, so left alone
  // The highest modseq of the mailbox before and after; 0 before: others changed it in between.
  Modseq highest_before = 0;
  Modseq highest_after = 0;
};

class Mailboxes {
 public:
  Mailboxes(store::Engine& engine, store::Blobs& blobs, Clock& clock, Random& random);
  ~Mailboxes();

  // --- Delivery (deliver.cc)

  // Puts one message into INBOX, once for (message, recipient) however often it is called.
  // `already`: an earlier call had done it. `limit`: the prefix is over 48 KiB.
  struct Delivered {
    Uid uid = 0;
    EmailId email = 0;
    bool already = false;
  };
  Task<Result<Delivered>> deliver(directory::AccountId account, MessageId message, std::string recipient, NewEmail email);
  // The queue's completion is durable: the `delivered` row is not needed any more. Lazy. Also lets go of a blob that the
  // reader expunged before the queue had handed it over.
  Task<> forget_delivery(directory::AccountId account, MessageId message, std::string recipient);

  // --- The tree (folders.cc). Names are UTF-8 as check_new_mailbox() of grammar/imap lets them through.

  // Makes INBOX and Archive, Drafts, Junk, Sent, Trash (each with its special use, subscribed) where the account has never had them. Once
  // an account; then it costs one read. The first delivery does the same.
  Task<Result<void>> open_account(directory::AccountId account);
  Task<Result<Folders>> folders(directory::AccountId account);
  Task<Result<Mailbox>> find(directory::AccountId account, std::string name);
  Task<Result<Mailbox>> status(directory::AccountId account, MailboxNumber mailbox);
  // Makes the levels above too (RFC 9051 6.3.4). `conflict` (permanent): there is one of that name, or of that special use; `limit`.
  Task<Result<Mailbox>> create(directory::AccountId account, std::string name, SpecialUse use);
  // With its messages; those below it stay. `denied`: INBOX.
  Task<Result<void>> remove(directory::AccountId account, std::string name);
  // With all that is below it, subscriptions too; makes the levels above. INBOX (RFC 9051 6.3.6): its messages move into a new mailbox of
  // that name, what is below stays. `conflict` (permanent): there is one of the new name; `denied`: it lies below the old one; `limit`: a
  // name would get too long.
  Task<Result<void>> rename(directory::AccountId account, std::string from, std::string to);
  Task<Result<void>> subscribe(directory::AccountId account, std::string name, bool subscribed);  // any name, twice too; `limit`
  Task<Result<Usage>> usage(directory::AccountId account);
  // Whether one more message of so many bytes fits. Others may come between this and the message; delivery does not ask.
  Task<Result<bool>> has_room(directory::AccountId account, std::uint64_t bytes, Quota quota);

  // --- Reading (read.cc, details.cc)

  // INBOX before its first message is empty, with uid_validity 0. For POP3.
  Task<Result<Snapshot>> snapshot(directory::AccountId account, MailboxNumber mailbox);
  Task<Result<UidSet>> uids(directory::AccountId account, MailboxNumber mailbox);
  // The messages of these UIDs (ascending, disjoint) that are there, by uid. All at once: give a thousand at a time.
  Task<Result<std::vector<MessageInfo>>> messages(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids);
  Task<Result<Changes>> changes(directory::AccountId account, MailboxNumber mailbox, Modseq since);
  // The first message without \Seen: nothing if there is none, or none among the first 10,000.
  Task<Result<std::optional<Uid>>> first_unseen(directory::AccountId account, MailboxNumber mailbox);
  Task<Result<std::shared_ptr<const Keywords>>> keywords(directory::AccountId account);
  Task<Result<Email>> email(directory::AccountId account, EmailId id);
  // In the order of `ids`; nothing for one that is gone. Details are kept for the next time. An email whose bytes cannot be read fails
  // alone.
  Task<Result<std::vector<std::optional<Email>>>> emails(directory::AccountId account, std::vector<EmailId> ids);
  Task<Result<std::vector<Result<Details>>>> details(directory::AccountId account, std::vector<EmailId> ids, std::uint8_t want);
  // derived.cc. `uids` (ascending, disjoint) are of one page; what is returned holds those of them that are in the listing and still there,
  // and may hold others, gone ones too. `listing` and `derivation` outlive the call.
  Task<Result<Listing>> listing(directory::AccountId account, MailboxNumber mailbox);
  Task<Result<std::shared_ptr<const DerivedPage>>> derived(const Listing& listing, std::vector<UidRange> uids,
                                                           const Derivation& derivation);
  // RFC 3501 2.3.2 \Recent: messages from this UID on have come since a session last claimed them. `claim`: they are that session's now.
  Task<Result<Uid>> first_recent(directory::AccountId account, MailboxNumber mailbox, bool claim);

  // --- Changing (append.cc, copy.cc, flags.cc, expunge.cc)

  // All or none (RFC 3502). The blobs were written by the account's partition with owner 0, and are pinned by their writers until this
  // returns; then they are durable too. Others may see the messages a moment before. `limit`: too many keywords; `full`, `io`: the bytes
  // could not be kept, and the messages have been taken out again.
  Task<Result<Appended>> append(directory::AccountId account, MailboxNumber mailbox, std::vector<NewMessage> messages, Quota quota);
  // Bytes are shared. A thousand at a time, in one batch, with `move` they leave `from` in it. After an error nothing has been copied
  // (others may have seen the first thousands come and go), but the first thousands may have been moved. UIDs ascend with those they come
  // from.
  Task<Result<Copied>> copy(directory::AccountId account, MailboxNumber from, std::vector<UidRange> uids, MailboxNumber to, bool move);
  // `limit`: too many keywords. Not durable (above).
  enum class Wanted : std::uint8_t { messages, numbers };
  Task<Result<FlagsChanged>> change_flags(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                          FlagChange change, std::optional<Modseq> unchanged_since, Wanted wanted = Wanted::messages);
  // Removes messages that are still there, with `only_deleted` those with \Deleted; returns which. A thousand at a time: after an error
  // some may be gone already. Bytes are given back by tidy().
  Task<Result<std::vector<Uid>>> expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                         bool only_deleted);

  ChangeFeed& feed();

  // --- Upkeep

  // What expunge(), remove() and copy() left for later: the records and bytes of emails that are in no mailbox any more. Call it when the
  // client has its answer; at once if there is nothing. A failure is logged, and the next call or start goes on.
  Task<> tidy(directory::AccountId account);
  // At a start, before the first byte of this process goes to `blobs`: takes out appends that a power cut kept from ending. A sync mark of
  // this process would vouch for their bytes at the next start. Reads a row an account. A failure is logged and tried again when the
  // account is opened. Returns how many failed.
  Task<std::size_t> settle_appends(std::vector<directory::AccountId> accounts);

  // Applies what is left in the outboxes (at the start, after Directory::remove_account; what tidy() does too): drops
  // references and blobs, erases removed accounts. Idempotent. A blob that the queue still names waits for forget_delivery()
  // or the next call.
  Task<Result<void>> apply_outbox(directory::AccountId account);
  // The same for many, in the background of a start; also erases `delivered` rows that a crash left behind. A failure is logged
  // and the rest goes on. Returns how many failed.
  Task<std::size_t> apply_outboxes(std::vector<directory::AccountId> accounts);

  // Recounts counters, UID pages and references against the rows; one sentence a difference. For `store verify`.
  Task<Result<std::vector<std::string>>> verify(directory::AccountId account);

  // Makes counts, uidnext, modseq and UID pages anew from the rows of the messages where they are missing or wrong; messages stay as
  // they are. UIDVALIDITY is new where the mailbox's row was lost. One sentence a change. Durable. What needs a row that is missing does
  // it by itself; for `store repair`.
  Task<Result<std::vector<std::string>>> rebuild(directory::AccountId account);

 private:
  friend class AccountWriter;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The reference row of a mailbox's record to a blob (keyspace blob_refs, the blob's partition): blob key | 'm' | account | email.
// The queue puts it in the batch that erases its own row, so a handed-over blob is never without an owner.
std::string blob_ref_key(store::BlobId blob, directory::AccountId account, EmailId email);

}  // namespace godwit::mailbox
