#pragma once
// SEARCH of one mailbox: RFC 9051 6.4.4 and what extends it (search_plan.h).
//
// A chunk of messages at a time, each key only for those that the cheaper ones leave undecided: flags, sizes and dates from the rows of the
// mailbox alone, envelopes as they are kept, and the bytes of a message last. In between others have their turn on the loop. Memory is
// bounded by what was found (4 bytes a message, 12 with MODSEQ), a chunk of rows and a piece of one message.
//
// A message that cannot be read matches nothing that would have to read it, and the search goes on.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "edge/store/blobs.h"
#include "grammar/imap/search_key.h"
#include "grammar/imap/sequence_set.h"
#include "state/mailbox/mailbox.h"

namespace godwit::imapd {

// What is searched, and what the session knows of it. What it points to outlives the search.
struct Searching {
  mailbox::Mailboxes& mailboxes;
  store::Blobs& blobs;
  directory::AccountId account = 0;
  mailbox::MailboxNumber mailbox = 0;
  const mailbox::UidSet& view;                        // sequence numbers come from it
  std::shared_ptr<const mailbox::Keywords> keywords;  // never null
  const mailbox::UidSet* recent = nullptr;            // null: none
  WallTime now{};
  const imap::NumberSet* saved = nullptr;  // UIDs of `$` (RFC 5182); null: none
  std::function<bool()> stop{};            // asked now and then: nobody waits for the answer any more. May be empty
  bool first_alone = false;                // RETURN (MIN): whoever finds the first message need not look for others
};

struct Found {
  std::vector<mailbox::Uid> uids;        // ascending
  std::vector<mailbox::Modseq> modseqs;  // of each, if `used_modseq`
  mailbox::Modseq highest_modseq = 0;    // of all of them; 0: none found
  bool used_modseq = false;              // MODSEQ stood somewhere in the program (RFC 7162 3.1.5)
};

// `charset`: of the strings in `key`; "" is UTF-8. Errors: `unsupported` for a charset that we do not know (NO [BADCHARSET]), `cancelled`
// when `stop` said so, those of Mailboxes.
Task<Result<Found>> search(Searching searching, imap::SearchKey key, std::string charset);

}  // namespace godwit::imapd
