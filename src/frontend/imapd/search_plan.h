#pragma once
// A search as something that can be worked off: what each key has to look at, cheap ones first, and everything that the session knows
// (message numbers, `*`, `$`, keywords, the time of day, \Recent) put in already.
//
//   plan = SearchPlan::make(key, charset, known)
//   plan.scope(...)                       UIDs beside these cannot match
//   plan.judge([](std::size_t term) ...)  yes, no, or unknown as long as too little has been looked at
//
// Truth has three values here (unknown AND no = no, unknown OR yes = yes), so keys that cost more are asked only where those that cost
// less have not decided.
//
// RFC 9051 and 3501 6.4.4, RFC 5032 (OLDER, YOUNGER), RFC 5182 ($), RFC 7162 3.1.5 (MODSEQ), RFC 8474 (EMAILID, THREADID), RFC 8514
// (SAVED...). Pure; a value; any thread.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "grammar/imap/search_key.h"
#include "grammar/imap/sequence_set.h"
#include "grammar/message/text_search.h"
#include "state/mailbox/email.h"
#include "state/mailbox/flags.h"
#include "state/mailbox/uid_set.h"

namespace godwit::imapd {

enum class Verdict : std::uint8_t { no, yes, unknown };

// What a term looks at, from cheap to dear.
enum class Need : std::uint8_t {
  uid,       // nothing is read
  info,      // the message's row in the mailbox
  email,     // the record of the email
  envelope,  // as it is kept: mailbox::Details::kEnvelope
  header,    // the bytes of the message's header
  body,      // the text of all its parts
};

struct Term {
  enum class Test : std::uint8_t {
    uids,     // one of `uids`
    flag,     // has `flag`
    keyword,  // has `keyword`
    size,     // `low` to `high`, as the numbers that follow
    modseq,
    received,  // internal date
    saved,
    email,
    thread,
    sent,  // the day of the Date field, wherever its writer was: `low` to `high`
    // `needle` in the field
    subject,
    from,
    to,
    cc,
    bcc,
    in_reply_to,
    message_id,
    header,  // any field called `field`, in lower case
    body,
    text,
  };
  Test test = Test::uids;
  Need need = Need::uid;
  std::uint8_t flag = 0;
  mailbox::KeywordNumber keyword = 0;
  std::int64_t low = std::numeric_limits<std::int64_t>::min();  // both included. Times: milliseconds since 1970; `sent`: days
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  imap::NumberSet uids;
  std::string field;
  message::Needle needle{""};

  bool in_range(std::int64_t value) const { return low <= value && value <= high; }
};

class SearchPlan {
 public:
  // What the session knows. What it points to is not used after make().
  struct Known {
    const mailbox::UidSet& view;
    const mailbox::Keywords& keywords;
    const mailbox::UidSet* recent = nullptr;  // null: none
    WallTime now{};
    const imap::NumberSet* saved = nullptr;
  };
  // `charset` of the strings; "": UTF-8. Errors: `unsupported` (a charset that we do not know).
  static Result<SearchPlan> make(const imap::SearchKey& key, std::string_view charset, const Known& known);

  // The dearest that any of its terms needs.
  Need need() const { return need_; }
  bool needs(Need need) const;
  // The terms that need the envelope need what a Heading has of it.
  bool headings_do() const;
  // Nothing else is needed, but UIDs.
  bool only_headings() const;
  bool used_modseq() const { return used_modseq_; }
  const std::vector<Term>& terms() const { return terms_; }

  // UIDs of the view that can match at all.
  std::vector<mailbox::UidRange> scope(const mailbox::UidSet& view) const;

  // `ask(term)` -> Verdict, for the index of a term; asked in order of cost, and only as long as it matters.
  template <class Ask>
  Verdict judge(const Ask& ask) const {
    return judge_node(root_, ask);
  }
  // The terms that are unknown to `ask` and still matter.
  template <class Ask>
  std::vector<std::size_t> open_terms(const Ask& ask) const {
    std::vector<std::size_t> out;
    if (judge_node(root_, ask) == Verdict::unknown) collect(root_, ask, out);
    return out;
  }

 private:
  friend class PlanBuilder;
  struct Node {
    enum class Kind : std::uint8_t { constant, term, all, any } kind = Kind::constant;
    bool value = true;     // of a constant
    bool negated = false;  // of the others
    Need need = Need::uid;
    std::size_t term = 0;
    std::vector<Node> children;  // by need
  };

  static Verdict negate(Verdict verdict) {
    if (verdict == Verdict::unknown) return verdict;
    return verdict == Verdict::yes ? Verdict::no : Verdict::yes;
  }
  template <class Ask>
  static Verdict judge_node(const Node& node, const Ask& ask) {
    if (node.kind == Node::Kind::constant) return node.value ? Verdict::yes : Verdict::no;
    const Verdict verdict = node.kind == Node::Kind::term ? ask(node.term) : judge_children(node, ask);
    return node.negated ? negate(verdict) : verdict;
  }
  template <class Ask>
  static Verdict judge_children(const Node& node, const Ask& ask) {
    const Verdict decisive = node.kind == Node::Kind::all ? Verdict::no : Verdict::yes;
    bool unknown = false;
    for (const Node& child : node.children) {
      const Verdict verdict = judge_node(child, ask);
      if (verdict == decisive) return decisive;
      unknown = unknown || verdict == Verdict::unknown;
    }
    return unknown ? Verdict::unknown : negate(decisive);
  }
  template <class Ask>
  static void collect(const Node& node, const Ask& ask, std::vector<std::size_t>& out) {
    if (node.kind == Node::Kind::term) out.push_back(node.term);
    for (const Node& child : node.children) {
      if (judge_node(child, ask) == Verdict::unknown) collect(child, ask, out);
    }
  }

  Node root_;
  std::vector<Term> terms_;
  Need need_ = Need::uid;
  bool used_modseq_ = false;
};

// An object id of ours (RFC 8474; fetch_values.cc writes them: M and the number of the email, T and that of the thread) as its number.
// Nothing for any other.
std::optional<std::uint64_t> parse_object_id(char kind, std::string_view text);

}  // namespace godwit::imapd
