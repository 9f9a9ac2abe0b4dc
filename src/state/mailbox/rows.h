#pragma once
// Keys and records of an account's partition (docs/formats/mailbox.md). Pure functions and values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/mailbox/mailbox.h"
#include "state/mailbox/uid_page.h"

namespace godwit::mailbox {

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
  std::optional<std::uint64_t> tombstones{};  // in the log; nothing: an earlier release did not count them
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

// A message in a mailbox, packed: what a listing of a mailbox reads, and nothing else.
struct Membership {
  EmailId email = 0;
  Modseq modseq = 0;
  std::uint64_t size = 0;
  std::uint8_t flags = 0;
  bool dated = false;  // false: a row of an earlier release, without the dates
  WallTime saved{};
  WallTime received{};
  std::vector<KeywordNumber> keywords{};  // ascending
};

// Entry of the change log. Expunged ones stay as tombstones.
struct Change {
  enum class Kind : std::uint8_t { created = 1, updated = 2, expunged = 3 };  // on disk: do not change
  Kind kind = Kind::created;
  MailboxNumber mailbox = 0;
  Uid uid = 0;
  EmailId email = 0;
  Modseq created = 0;
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
inline constexpr std::string_view kAllMemberships = "s";
inline constexpr std::string_view kAllByEmail = "b";
inline constexpr std::string_view kAllPages = "p";
inline constexpr std::string_view kAllChanges = "c";
inline constexpr std::string_view kAllThreads = "t";
inline constexpr std::string_view kAllKeywords = "k";
inline constexpr std::string_view kAllSubscriptions = "n";
inline constexpr std::string_view kAllRecents = "r";
inline constexpr std::string_view kAllDetails = "d";
inline constexpr std::string_view kAllReleases = "b";  // keyspace outbox
std::string mailbox_key(MailboxNumber mailbox);
std::string email_key(EmailId email);
std::string memberships_prefix(MailboxNumber mailbox);
std::string membership_key(MailboxNumber mailbox, Uid uid);
std::string by_email_prefix(EmailId email);
std::string by_email_key(EmailId email, MailboxNumber mailbox, Uid uid);
std::string pages_prefix(MailboxNumber mailbox);
std::string page_key(MailboxNumber mailbox, std::uint16_t page);
std::string change_key(Modseq modseq);
std::string thread_key(std::uint64_t hash);
std::string keyword_key(KeywordNumber keyword);
std::string subscription_key(std::string_view name);
std::string recent_key(MailboxNumber mailbox);
std::string details_key(EmailId email);
std::string release_key(EmailId email);                                    // keyspace outbox
std::string delivered_key(MessageId message, std::string_view recipient);  // keyspace delivered
std::string blob_refs_prefix(store::BlobId blob);                          // keyspace blob_refs: references of mailboxes

struct MembershipKey {
  MailboxNumber mailbox = 0;
  Uid uid = 0;
  auto operator<=>(const MembershipKey&) const = default;
};
Result<MembershipKey> parse_membership_key(std::string_view key);
struct ByEmailKey {
  EmailId email = 0;
  MembershipKey membership;
  auto operator<=>(const ByEmailKey&) const = default;  // the order of the keys
};
Result<ByEmailKey> parse_by_email_key(std::string_view key);
Result<std::uint64_t> parse_number_key(std::string_view key);   // 'e', 'c', 'd', 't' and the outbox's 'b'
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
std::string encode(const Membership& membership);
std::string encode(const Change& change);
std::string encode(const BlobRelease& release);
std::string encode(const ThreadRow& row);
std::string encode_recent(Uid uid);
std::string encode_delivered(Uid uid, EmailId email);
Result<AccountRow> decode_account(std::string_view value);
Result<MailboxRow> decode_mailbox(std::string_view value);
Result<EmailRow> decode_email(std::string_view value);
Result<Membership> decode_membership(std::string_view value);
Result<Change> decode_change(std::string_view value);
Result<BlobRelease> decode_release(std::string_view value);
Result<ThreadRow> decode_thread(std::string_view value);
Result<Uid> decode_recent(std::string_view value);
Result<Mailboxes::Delivered> decode_delivered(std::string_view value);

}  // namespace godwit::mailbox
