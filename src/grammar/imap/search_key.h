#pragma once
// What a SEARCH looks for, as a tree: RFC 9051 6.4.4, RFC 3501 6.4.4 (NEW, OLD, RECENT), RFC 5032 (OLDER, YOUNGER), RFC 5182 ($),
// RFC 7162 3.1.5 (MODSEQ), RFC 8474 (EMAILID, THREADID), RFC 8514 (SAVED...). A value, any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/imap/date.h"
#include "grammar/imap/sequence_set.h"

namespace godwit::imap {

// The flag whose mod-sequence RFC 7162 3.1.5 asks for.
enum class EntryType : std::uint8_t { all, priv, shared };

struct SearchKey {
  enum class Kind : std::uint8_t {
    // nothing more
    all,
    answered,
    deleted,
    draft,
    flagged,
    recent,
    seen,
    fresh,  // NEW
    old,
    unanswered,
    undeleted,
    undraft,
    unflagged,
    unseen,
    save_date_supported,
    // text: bytes in the search's charset
    bcc,
    body,
    cc,
    from,
    subject,
    text,
    to,
    header,  // `field` too
    // text: a flag or an object id
    keyword,
    unkeyword,
    email_id,
    thread_id,
    // date
    before,
    on,
    since,
    sent_before,
    sent_on,
    sent_since,
    saved_before,
    saved_on,
    saved_since,
    // number: bytes, seconds, mod-sequence
    larger,
    smaller,
    older,
    younger,
    modseq,  // `field` ("/flags/\Seen") and `entry` if they were given
    // set
    sequence,
    uid,
    // keys
    conjunction,  // (a b c): all of them
    disjunction,  // OR: two
    negation,     // NOT: one
  };

  Kind kind = Kind::all;
  std::string text;
  std::string field;
  Date date{};
  std::uint64_t number = 0;
  EntryType entry = EntryType::all;
  SequenceSet set;
  std::vector<SearchKey> keys;
  bool operator==(const SearchKey&) const = default;
};

}  // namespace godwit::imap
