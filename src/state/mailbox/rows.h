#pragma once
// Keys and records of an account's partition (docs/formats/mailbox.md). Pure functions and values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/mailbox/mailbox.h"
#include "state/mailbox/message_page.h"
#include "state/mailbox/uid_page.h"

namespace godwit::mailbox {

// of the rows of an account; those of an earlier release (0) are converted before anything else. on disk: do not change
inline constexpr std::uint32_t kLayout = 1;

// So many are reserved by a durable batch for lazy ones: a `STORE 1:*` over a large mailbox takes one of each message.
inline constexpr Modseq kReservedModseqs = 1'000'000;

struct AccountRow {
  Modseq modseq = 0;
  EmailId last_email = 0;
  MailboxNumber last_mailbox = 0;
  std::uint64_t emails = 0;
  std::uint64_t bytes = 0;
  std::uint32_t last_uid_validity = 0;
  Modseq reserved_modseq = 0;  // what is not synced has modseqs up to here
  Modseq floor = 0;            // the log remembers no expunge at or below it
  bool defaults_made = false;
  std::uint64_t tombstones = 0;  // in the log
  std::uint64_t changes = 0;     // rows `c`
  std::uint32_t layout = kLayout;
  EmailId unproven_email = 0;  // bytes of the emails from here on may not have been durable yet; 0: of all were (unproven.h)
};

struct MailboxRow {
  std::string name;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Modseq highest_modseq = 0;
  std::uint32_t total = 0;
  std::uint32_t unseen = 0;
  std::uint64_t bytes = 0;
  SpecialUse special_use = SpecialUse::none;
  std::uint32_t deleted = 0;
  std::uint64_t deleted_bytes = 0;
};

struct EmailRow {
  Email email;
  Modseq created = 0;
  MessageId message;
  std::vector<std::uint64_t> threads{};  // hashes of the msg-ids that find its thread: rows `t`
};

// What one batch has changed in a mailbox: these may have come or changed since, and no others. Later changes of the same messages do not
// take it back, and merging makes it name more: whoever reads it looks at the messages.
struct ChangedRow {
  MailboxNumber mailbox = 0;
  std::vector<UidRange> uids;  // ascending, disjoint
};

// What one batch has expunged from a mailbox.
struct Tombstone {
  Uid uid = 0;
  EmailId email = 0;
  Modseq created = 0;  // of the email
  bool operator==(const Tombstone&) const = default;
};
struct ExpungedRow {
  MailboxNumber mailbox = 0;
  std::vector<Tombstone> messages;
};

// Outbox: messages that have gone, and what is still to go. `o`: they were the last of their emails; what is kept of those. `l`: their
// emails stay in other places; the rows that list them by email.
struct Gone {
  EmailId email = 0;
  Uid uid = 0;
  bool operator==(const Gone&) const = default;
};
struct GoneRow {
  MailboxNumber mailbox = 0;
  std::vector<Gone> messages;
};

struct BlobRelease {
  store::BlobId blob;
  MessageId message;
};

// The thread of a msg-id, and how many emails have it in their records.
struct ThreadRow {
  ThreadId thread = 0;
  std::uint32_t emails = 0;
};

// on disk: do not change
inline constexpr std::string_view kAccountKey = "a";
inline constexpr std::string_view kAllMailboxes = "m";
inline constexpr std::string_view kAllEmails = "e";
inline constexpr std::string_view kAllMessages = "g";
inline constexpr std::string_view kAllByEmail = "b";
inline constexpr std::string_view kAllPages = "p";
inline constexpr std::string_view kAllChanged = "c";
inline constexpr std::string_view kAllExpunged = "x";
inline constexpr std::string_view kAllThreads = "t";
inline constexpr std::string_view kAllKeywords = "k";
inline constexpr std::string_view kAllSubscriptions = "n";
inline constexpr std::string_view kAllRecents = "r";
inline constexpr std::string_view kAllDetails = "d";
inline constexpr std::string_view kAllReleases = "b";  // keyspace outbox
inline constexpr std::string_view kAllOrphans = "o";   // keyspace outbox
inline constexpr std::string_view kAllLeft = "l";      // keyspace outbox
std::string mailbox_key(MailboxNumber mailbox);
std::string email_key(EmailId email);
std::string messages_prefix(MailboxNumber mailbox);
std::string messages_key(MailboxNumber mailbox, std::uint32_t page);  // MessagePage::page_of(uid)
std::string by_email_prefix(EmailId email);
std::string by_email_key(EmailId email, MailboxNumber mailbox, Uid uid);
std::string pages_prefix(MailboxNumber mailbox);
std::string page_key(MailboxNumber mailbox, std::uint16_t page);
std::string changed_key(Modseq modseq);   // the highest of its messages
std::string expunged_key(Modseq modseq);  // and here
std::string thread_key(std::uint64_t hash);
std::string keyword_key(KeywordNumber keyword);
std::string subscription_key(std::string_view name);
std::string recent_key(MailboxNumber mailbox);
std::string details_key(EmailId email);
std::string release_key(EmailId email);                                    // keyspace outbox
std::string orphans_key(Modseq modseq);                                    // keyspace outbox
std::string left_key(Modseq modseq);                                       // keyspace outbox
std::string delivered_key(MessageId message, std::string_view recipient);  // keyspace delivered
std::string blob_refs_prefix(store::BlobId blob);                          // keyspace blob_refs: references of mailboxes

struct Place {  // of a message
  MailboxNumber mailbox = 0;
  Uid uid = 0;
  auto operator<=>(const Place&) const = default;
};
struct MessagesKey {
  MailboxNumber mailbox = 0;
  std::uint32_t page = 0;
  auto operator<=>(const MessagesKey&) const = default;
};
Result<MessagesKey> parse_messages_key(std::string_view key);
struct ByEmailKey {
  EmailId email = 0;
  Place place;
  auto operator<=>(const ByEmailKey&) const = default;  // the order of the keys
};
Result<ByEmailKey> parse_by_email_key(std::string_view key);
Result<std::uint64_t> parse_number_key(std::string_view key);   // 'e', 'c', 'x', 'd', 't' and the outbox's 'b', 'o', 'l'
Result<MailboxNumber> parse_mailbox_key(std::string_view key);  // and 'r'
struct PageKey {
  MailboxNumber mailbox = 0;
  std::uint16_t page = 0;
  auto operator<=>(const PageKey&) const = default;
};
Result<PageKey> parse_page_key(std::string_view key);
Result<KeywordNumber> parse_keyword_key(std::string_view key);

std::string encode(const AccountRow& row);
std::string encode(const MailboxRow& row);
std::string encode(const EmailRow& row);
std::string encode(const ChangedRow& row);
std::string encode(const ExpungedRow& row);
std::string encode(const GoneRow& row);
std::string encode(const BlobRelease& release);
std::string encode(const ThreadRow& row);
std::string encode_recent(Uid uid);
std::string encode_delivered(Uid uid, EmailId email);
Result<AccountRow> decode_account(std::string_view value);
Result<MailboxRow> decode_mailbox(std::string_view value);
Result<EmailRow> decode_email(std::string_view value);
Result<ChangedRow> decode_changed(std::string_view value);
Result<ExpungedRow> decode_expunged(std::string_view value);
Result<GoneRow> decode_gone(std::string_view value);
Result<BlobRelease> decode_release(std::string_view value);
Result<ThreadRow> decode_thread(std::string_view value);
Result<Uid> decode_recent(std::string_view value);
Result<Mailboxes::Delivered> decode_delivered(std::string_view value);

}  // namespace godwit::mailbox
