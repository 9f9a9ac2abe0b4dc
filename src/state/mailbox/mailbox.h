#pragma once
// The mailboxes of accounts: delivery exactly once, UIDs, flags, modseq, snapshots for readers, expunge.
//
// Layout (docs/formats/mailbox.md): mailboxes by number; an immutable record an email; a membership row a
// message in a mailbox; one row a mailbox with counts, uidnext, uidvalidity, highest modseq; pages of UIDs; one change log
// and one modseq an account. Everything that changes together is one batch of the account's partition; writers of one
// account are serialised, deliveries that wait together share a batch. Any loop; owned by the application.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "edge/store/blobs.h"
#include "edge/store/engine.h"
#include "state/directory/directory.h"

namespace godwit::mailbox {

using Uid = std::uint32_t;
using MailboxNumber = std::uint32_t;
using EmailId = std::uint64_t;
using Modseq = std::uint64_t;
inline constexpr MailboxNumber kInbox = 1;

// Flags packed in a membership row. on disk: do not change
enum Flag : std::uint8_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };

struct NewEmail {
  std::string prefix;  // header fields in front of the blob: Return-Path, Delivered-To, Received ...
  store::BlobId blob;  // durable already
  std::uint64_t blob_size = 0;
  WallTime received{};  // internal date
};

struct MessageInfo {
  Uid uid = 0;
  EmailId email = 0;
  std::uint64_t size = 0;  // prefix + blob, octets as sent to a reader
  std::uint8_t flags = 0;
  Modseq modseq = 0;
};

struct Snapshot {
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Modseq highest_modseq = 0;
  std::vector<MessageInfo> messages;  // by uid
};

struct Email {  // what a reader needs to stream one message
  std::string prefix;
  store::BlobId blob;
  std::uint64_t blob_size = 0;
  WallTime received{};
};

class Mailboxes {
 public:
  Mailboxes(store::Engine& engine, store::Blobs& blobs, Clock& clock, Random& random);
  ~Mailboxes();

  // Puts one message into INBOX, once for (message, recipient) however often it is called: durable when it returns.
  // `already`: an earlier call had done it. `not_found`: the account is gone. `limit`: the prefix is over 48 KiB.
  struct Delivered {
    Uid uid = 0;
    EmailId email = 0;
    bool already = false;
  };
  Task<Result<Delivered>> deliver(directory::AccountId account, MessageId message, std::string recipient, NewEmail email);
  // The queue's completion is durable: the `delivered` row is not needed any more. Lazy. Also lets go of a blob that the
  // reader expunged before the queue had handed it over.
  Task<> forget_delivery(directory::AccountId account, MessageId message, std::string recipient);

  // INBOX before its first message is empty, with uid_validity 0. `not_found`: no such account or mailbox.
  Task<Result<Snapshot>> snapshot(directory::AccountId account, MailboxNumber mailbox);
  Task<Result<Email>> email(directory::AccountId account, EmailId id);
  // Removes messages that are still there; others are passed over; returns how many it removed. Durable. A thousand at a time:
  // after an error some may be gone already. Blobs go through the account's outbox.
  Task<Result<std::size_t>> expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<Uid> uids);

  // Applies what is left in the outboxes (at the start, after Directory::remove_account; expunge() does it by itself): drops
  // references and blobs, erases removed accounts. Idempotent. A blob that the queue still names waits for forget_delivery()
  // or the next call.
  Task<Result<void>> apply_outbox(directory::AccountId account);
  // The same for many, in the background of a start; also erases `delivered` rows that a crash left behind. A failure is logged
  // and the rest goes on. Returns how many failed.
  Task<std::size_t> apply_outboxes(std::vector<directory::AccountId> accounts);

  // Recounts counters, UID pages and references against the rows; one sentence a difference. For `store verify`.
  Task<Result<std::vector<std::string>>> verify(directory::AccountId account);

  // Makes counts, uidnext, modseq and UID pages anew from the rows of the messages where they are missing or wrong; messages stay as
  // they are. UIDVALIDITY is new where the mailbox's row was lost. One sentence a change. Durable. deliver(), snapshot() and
  // expunge() do it by themselves when a row is missing; for `store repair`.
  Task<Result<std::vector<std::string>>> rebuild(directory::AccountId account);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The reference row of a mailbox's record to a blob (keyspace blob_refs, the blob's partition): blob key | 'm' | account | email.
// The queue puts it in the batch that erases its own row, so a handed-over blob is never without an owner.
std::string blob_ref_key(store::BlobId blob, directory::AccountId account, EmailId email);

}  // namespace godwit::mailbox
