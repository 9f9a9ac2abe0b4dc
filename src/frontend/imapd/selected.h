#pragma once
// The selected mailbox as this session's client knows it: which UID has which sequence number, and up to which modseq it has been told.
// What others do meanwhile waits in the store until a moment at which the client may hear of it (session_news.cc).
//
// A value of the session.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "grammar/imap/sequence_set.h"
#include "state/mailbox/mailbox.h"

namespace godwit::imapd {

inline constexpr std::uint64_t kNothingSeen = UINT64_MAX;  // of Selected::seen: the next news are looked for in any case

struct Selected {
  mailbox::MailboxNumber number = 0;
  std::string name;
  std::uint32_t uid_validity = 0;
  bool read_only = false;

  mailbox::UidSet view;                               // as the client counts them
  mailbox::Uid highest_uid = 0;                       // that was ever in the view: what comes beyond it is new
  mailbox::Modseq modseq = 0;                         // changes up to here are in the view, or wait in `gone`
  mailbox::Modseq known = 0;                          // the client knows all changes up to here
  bool held_back = false;                             // it was told so, because it had seen higher ones
  std::uint64_t seen = 0;                             // of the watch: nothing has changed since
  std::vector<mailbox::Uid> gone;                     // expunged, still in the view: the client could not be told yet. Ascending
  std::unordered_set<mailbox::Modseq> told;           // changes of this session's own making that its client knows
  std::shared_ptr<const mailbox::Keywords> keywords;  // never null
  std::size_t keywords_told = 0;                      // of them stood in the last FLAGS response
  mailbox::UidSet recent;                             // \Recent in this session: those that it claimed. Not in IMAP4rev2
  imap::NumberSet saved;                              // UIDs of SEARCH RETURN (SAVE): RFC 5182
};

// UIDs that a sequence set of the client stands for: message numbers (`uid` false) or UIDs. Nothing for a message number that
// there is not (RFC 9051 9: BAD).
std::optional<std::vector<mailbox::UidRange>> resolve(const Selected& selected, const imap::SequenceSet& set, bool uid);

// Whether one of `uids` (ascending) lies in the ranges.
bool holds_any(const std::vector<mailbox::UidRange>& ranges, const std::vector<mailbox::Uid>& uids);

imap::NumberSet to_number_set(const std::vector<mailbox::Uid>& uids);

}  // namespace godwit::imapd
