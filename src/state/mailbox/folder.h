#pragma once
// A mailbox as its account sees it: name, special use, counts. Values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/mailbox/email.h"

namespace godwit::mailbox {

inline constexpr char kDelimiter = '/';
inline constexpr std::size_t kMaxName = 1'000;            // bytes of UTF-8, all levels
inline constexpr std::size_t kMaxMailboxes = 10'000;      // an account
inline constexpr std::size_t kMaxSubscriptions = 10'000;  // an account

// RFC 6154 2, RFC 8457 4. on disk: do not change
enum class SpecialUse : std::uint8_t { none = 0, archive = 1, drafts = 2, junk = 3, sent = 4, trash = 5, important = 6 };
std::string_view to_string(SpecialUse use);                               // "\\Archive"; "" for none
std::optional<SpecialUse> parse_special_use(std::string_view attribute);  // in any case; nothing for \All, \Flagged and unknown ones

struct Mailbox {
  MailboxNumber number = 0;
  std::string name;  // UTF-8, levels divided by kDelimiter; "INBOX" in capitals
  SpecialUse special_use = SpecialUse::none;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Modseq highest_modseq = 1;  // at least 1: RFC 7162 3.1.2.1
  std::uint32_t total = 0;
  std::uint32_t unseen = 0;
  std::uint32_t deleted = 0;  // with the flag \Deleted
  std::uint64_t bytes = 0;
  std::uint64_t deleted_bytes = 0;
};

// Everything that LIST and LSUB need, from one view.
struct Folders {
  std::vector<Mailbox> mailboxes;          // by name, in the order of the bytes; INBOX first
  std::vector<std::string> subscriptions;  // names, in the order of the bytes; some may be of no mailbox (RFC 9051 6.3.7)

  const Mailbox* find(std::string_view name) const;  // null: no such mailbox
  bool has_children(std::string_view name) const;    // a mailbox below that name
  bool is_subscribed(std::string_view name) const;
};

// What an account may hold; 0 = no limit.
struct Quota {
  std::uint64_t bytes = 0;
  std::uint64_t emails = 0;
  bool none() const { return bytes == 0 && emails == 0; }
};

struct Usage {
  std::uint64_t bytes = 0;  // of all emails, each once
  std::uint64_t emails = 0;
  std::uint32_t mailboxes = 0;
};

}  // namespace godwit::mailbox
