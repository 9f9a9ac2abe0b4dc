#pragma once
// FETCH: what was asked for of many messages, written as responses (RFC 9051 6.4.5, 7.5.2; RFC 7162 3.1.4). Memory stays bounded
// whatever is asked for: messages are read some at a time, bodies in pieces of 64 KiB.
//
// Which messages, what the tagged response says, and what other sessions have done meanwhile is the session's. \Seen too: it asks
// needs_seen() and not_seen(), sets the flag, and fetches then with `newly_seen`.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/imapd/output.h"
#include "grammar/imap/dialect.h"
#include "grammar/imap/fetch_item.h"
#include "state/mailbox/mailbox.h"

namespace godwit::imapd {

class DecodingPlace;  // decoding_place.h

struct Fetching {
  mailbox::Mailboxes& mailboxes;
  store::Blobs& blobs;
  Output& out;
  directory::AccountId account = 0;
  mailbox::MailboxNumber mailbox = 0;
  imap::Dialect dialect;
  std::shared_ptr<const mailbox::Keywords> keywords;
  std::function<Task<std::shared_ptr<const mailbox::Keywords>>()> fresh_keywords{};  // asked for when a message has one that is newer
  const mailbox::UidSet* recent = nullptr;  // \Recent for this session; null: none. Not in IMAP4rev2
  bool with_modseq = false;                 // CONDSTORE is on: MODSEQ goes with FLAGS
  DecodingPlace* decoding = nullptr;        // where the session's last partial BINARY left off; outlives the FETCH
  std::vector<mailbox::Uid> newly_seen;     // ascending: FLAGS go with these even if nobody asked (RFC 9051 6.4.5)
};

struct Numbered {
  std::uint32_t sequence = 0;
  mailbox::Uid uid = 0;
};

struct FetchResult {
  std::size_t gone = 0;           // expunged meanwhile: nothing was written of them
  std::size_t unreadable = 0;     // an item or more was left out, because the message could not be read
  bool unknown_encoding = false;  // RFC 3516 4.3: BINARY was left out, NO [UNKNOWN-CTE]
  bool composite = false;         // RFC 9051 6.4.5: BINARY of what is no leaf was left out
  mailbox::Modseq highest = 0;    // of the messages that were told of
  std::optional<Error> error;     // the mailbox could not be read: messages from there on are missing
};

// Whether fetching these sets \Seen.
bool needs_seen(const std::vector<imap::FetchItem>& items);
// Which of the messages (ascending) are there without \Seen. `changed_since`: of those that fetch() would show.
Task<Result<std::vector<mailbox::Uid>>> not_seen(mailbox::Mailboxes& mailboxes, directory::AccountId account,
                                                 mailbox::MailboxNumber mailbox, std::vector<Numbered> messages,
                                                 std::optional<mailbox::Modseq> changed_since = std::nullopt);

// Writes "* n FETCH (...)" for each of `messages` (ascending), items in the order asked for, UID first if `with_uid`. `changed_since`: only
// those with a greater modseq, and MODSEQ with them (RFC 7162 3.1.4.1). Flushes what is large; the rest is left in `out`. When a message
// cannot be read on in the middle of its bytes, the output is given up (Output::broken()).
Task<FetchResult> fetch(Fetching fetching, std::vector<imap::FetchItem> items, bool with_uid, std::vector<Numbered> messages,
                        std::optional<mailbox::Modseq> changed_since);

// Whether each keyword of the message has its name there: else the table was read before the message.
bool is_known(const mailbox::Keywords& keywords, const mailbox::MessageInfo& message);
// "(\Seen $Forwarded \Recent)".
void append_flags_of(std::string& out, const mailbox::MessageInfo& message, const mailbox::Keywords& keywords, bool recent,
                     const imap::Dialect& dialect);

}  // namespace godwit::imapd
