#include "frontend/imapd/search_plan.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "grammar/message/charset.h"

namespace godwit::imapd {
namespace {

using Key = imap::SearchKey;
using Kind = imap::SearchKey::Kind;
using Test = Term::Test;

constexpr std::int64_t kDayMs = 24ll * 60 * 60 * 1000;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t day_of(const imap::Date& date) { return std::chrono::sys_days(date).time_since_epoch().count(); }

std::int64_t clamped(std::uint64_t number) {
  return number > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(number);
}

// The days that a key of dates means, both included.
struct Days {
  std::int64_t first = std::numeric_limits<std::int64_t>::min();
  std::int64_t last = kMost;
};

Days days_of(Kind kind, const imap::Date& date) {
  const std::int64_t day = day_of(date);
  switch (kind) {
    case Kind::before:
    case Kind::sent_before:
    case Kind::saved_before: return {.last = day - 1};
    case Kind::on:
    case Kind::sent_on:
    case Kind::saved_on: return {.first = day, .last = day};
    default: return {.first = day};
  }
}

}  // namespace

class PlanBuilder {
 public:
  PlanBuilder(SearchPlan& plan, std::string_view charset, const SearchPlan::Known& known) : plan_(plan), charset_(charset), known_(known) {}

  using Node = SearchPlan::Node;

  Node node(const Key& key) {
    switch (key.kind) {
      case Kind::conjunction: return group(Node::Kind::all, key.keys);
      case Kind::disjunction: return group(Node::Kind::any, key.keys);
      case Kind::negation: return negated(node(key.keys.front()));
      case Kind::fresh: {  // RFC 3501 6.4.4: NEW is (RECENT UNSEEN)
        std::vector<Node> both;
        both.push_back(recent());
        both.push_back(negated(flag(mailbox::kSeen)));
        return combined(Node::Kind::all, std::move(both));
      }
      default: return leaf(key);
    }
  }

 private:
  Node leaf(const Key& key) {
    if (key.kind <= Kind::save_date_supported) return flag_key(key.kind);
    if (key.kind >= Kind::bcc && key.kind <= Kind::header) return text_key(key);
    if (key.kind >= Kind::keyword && key.kind <= Kind::thread_id) return named_key(key);
    if (key.kind >= Kind::before && key.kind <= Kind::saved_since) return date_key(key);
    if (key.kind >= Kind::larger && key.kind <= Kind::modseq) return number_key(key);
    return uids(set_of(key));
  }

  Node flag_key(Kind kind) {
    switch (kind) {
      case Kind::answered: return flag(mailbox::kAnswered);
      case Kind::deleted: return flag(mailbox::kDeleted);
      case Kind::draft: return flag(mailbox::kDraft);
      case Kind::flagged: return flag(mailbox::kFlagged);
      case Kind::seen: return flag(mailbox::kSeen);
      case Kind::unanswered: return negated(flag(mailbox::kAnswered));
      case Kind::undeleted: return negated(flag(mailbox::kDeleted));
      case Kind::undraft: return negated(flag(mailbox::kDraft));
      case Kind::unflagged: return negated(flag(mailbox::kFlagged));
      case Kind::unseen: return negated(flag(mailbox::kSeen));
      case Kind::recent: return recent();
      case Kind::old: return negated(recent());
      default: return constant(true);  // ALL; SAVEDATESUPPORTED, for every mailbox of ours has them (RFC 8514 4.3)
    }
  }

  Node flag(mailbox::Flag which) {
    Term term;
    term.test = Test::flag;
    term.need = Need::info;
    term.flag = which;
    return add(std::move(term));
  }

  Node recent() {
    std::vector<imap::NumberRange> ranges;
    if (known_.recent != nullptr)
      for (const auto& range : known_.recent->ranges()) ranges.push_back({range.first, range.last});
    return uids(imap::NumberSet::of(std::move(ranges)));
  }

  Node text_key(const Key& key) {
    Term term;
    const std::string text = message::to_utf8(key.text, charset_);
    switch (key.kind) {
      case Kind::bcc: term.test = Test::bcc; break;
      case Kind::cc: term.test = Test::cc; break;
      case Kind::from: term.test = Test::from; break;
      case Kind::to: term.test = Test::to; break;
      case Kind::subject: term.test = Test::subject; break;
      case Kind::body: term.test = Test::body; break;
      case Kind::text: term.test = Test::text; break;
      default: term.field = ascii_lower(std::string_view(key.field)); term.test = test_of_header(term.field, text);
    }
    const bool whole = term.test == Test::body || term.test == Test::text;
    // every message has a body and a text, if only empty ones
    if (whole && text.empty()) return constant(true);
    term.need = whole ? Need::body : term.test == Test::header ? Need::header : Need::envelope;
    term.needle = message::Needle(text);
    return add(std::move(term));
  }

  // HEADER of fields that a message has once (RFC 5322 3.6) and the envelope keeps whole. Addresses are kept taken apart: only whether
  // there is such a field could be told, and not even that of an empty one.
  static Test test_of_header(std::string_view field, std::string_view text) {
    if (text.empty()) return Test::header;
    if (field == "subject") return Test::subject;
    if (field == "message-id") return Test::message_id;
    if (field == "in-reply-to") return Test::in_reply_to;
    return Test::header;
  }

  Node named_key(const Key& key) {
    Term term;
    if (key.kind == Kind::keyword || key.kind == Kind::unkeyword) {
      const auto number = known_.keywords.find(key.text);
      if (!number) return constant(key.kind == Kind::unkeyword);
      term.test = Test::keyword;
      term.need = Need::info;
      term.keyword = *number;
      Node found = add(std::move(term));
      return key.kind == Kind::keyword ? found : negated(std::move(found));
    }
    const bool email = key.kind == Kind::email_id;
    const auto id = parse_object_id(email ? 'M' : 'T', key.text);
    if (!id) return constant(false);
    term.test = email ? Test::email : Test::thread;
    term.need = email ? Need::info : Need::email;
    term.low = term.high = clamped(*id);
    return add(std::move(term));
  }

  Node date_key(const Key& key) {
    Term term;
    const Days days = days_of(key.kind, key.date);
    if (key.kind >= Kind::sent_before && key.kind <= Kind::sent_since) {
      term.test = Test::sent;
      term.need = Need::envelope;
      term.low = days.first;
      term.high = days.last;
      return add(std::move(term));
    }
    // RFC 9051 6.4.4: "disregarding time and timezone"; ours is UTC. Years are four digits, so nothing overflows.
    term.test = key.kind >= Kind::saved_before ? Test::saved : Test::received;
    term.need = Need::info;
    if (days.first != Days{}.first) term.low = days.first * kDayMs;
    if (days.last != kMost) term.high = days.last * kDayMs + kDayMs - 1;
    return add(std::move(term));
  }

  Node number_key(const Key& key) {
    Term term;
    term.need = Need::info;
    term.test = Test::size;
    const std::int64_t number = clamped(key.number);
    switch (key.kind) {
      case Kind::larger:
        if (number == kMost) return constant(false);
        term.low = number + 1;
        break;
      case Kind::smaller: term.high = number - 1; break;
      case Kind::modseq:  // RFC 7162 3.1.5: one modseq for all flags, so the entry's name does not matter
        term.test = Test::modseq;
        term.low = number;
        plan_.used_modseq_ = true;
        break;
      default: within(term, key.kind, number);
    }
    return add(std::move(term));
  }

  // RFC 5032 2: exact to the second, the target time itself included.
  void within(Term& term, Kind kind, std::int64_t seconds) const {
    term.test = Test::received;
    const std::int64_t now = std::chrono::floor<std::chrono::seconds>(known_.now).time_since_epoch().count();
    const std::int64_t target = (now - seconds) * 1000;
    if (kind == Kind::older)
      term.high = target + 999;
    else
      term.low = target;
  }

  // Message numbers become the UIDs that have them. Numbers that are not there match nothing.
  imap::NumberSet set_of(const Key& key) const {
    if (key.set.saved) return known_.saved ? *known_.saved : imap::NumberSet();
    if (key.kind == Kind::uid) return key.set.resolve(known_.view.last());
    const std::uint32_t count = known_.view.count();
    std::vector<imap::NumberRange> ranges;
    for (const auto& range : key.set.resolve(count).ranges()) {
      if (range.first > count) break;
      ranges.push_back({known_.view.at(range.first), known_.view.at(std::min(range.last, count))});
    }
    return imap::NumberSet::of(std::move(ranges));
  }

  Node uids(imap::NumberSet set) {
    if (set.empty()) return constant(false);
    Term term;
    term.uids = std::move(set);
    return add(std::move(term));
  }

  Node add(Term term) {
    Node out;
    out.kind = Node::Kind::term;
    out.need = term.need;
    out.term = plan_.terms_.size();
    plan_.terms_.push_back(std::move(term));
    return out;
  }

  static Node constant(bool value) {
    Node out;
    out.value = value;
    return out;
  }

  static Node negated(Node node) {
    if (node.kind == Node::Kind::constant)
      node.value = !node.value;
    else
      node.negated = !node.negated;
    return node;
  }

  Node group(Node::Kind kind, const std::vector<Key>& keys) {
    std::vector<Node> nodes;
    nodes.reserve(keys.size());
    for (const Key& key : keys) nodes.push_back(node(key));
    return combined(kind, std::move(nodes));
  }

  static Node combined(Node::Kind kind, std::vector<Node> nodes) {
    const bool decisive = kind == Node::Kind::any;
    Node out;
    out.kind = kind;
    for (Node& each : nodes) {
      if (each.kind == Node::Kind::constant) {
        if (each.value == decisive) return constant(decisive);
        continue;
      }
      if (each.kind == kind && !each.negated) {
        for (Node& inner : each.children) out.children.push_back(std::move(inner));
      } else {
        out.children.push_back(std::move(each));
      }
    }
    if (out.children.empty()) return constant(!decisive);
    if (out.children.size() == 1) {
      Node only = std::move(out.children.front());
      return only;
    }
    std::ranges::sort(out.children, {}, &Node::need);
    out.need = out.children.back().need;
    return out;
  }

  SearchPlan& plan_;
  std::string_view charset_;
  const SearchPlan::Known& known_;
};

Result<SearchPlan> SearchPlan::make(const imap::SearchKey& key, std::string_view charset, const Known& known) {
  if (charset.empty()) charset = "UTF-8";
  if (!message::is_known_charset(charset)) {
    return fail(Error::permanent(Error::Cause::unsupported, "there is no such charset here"));
  }
  SearchPlan plan;
  plan.root_ = PlanBuilder(plan, charset, known).node(key);
  plan.need_ = plan.root_.need;
  return plan;
}

bool SearchPlan::headings_do() const {
  return std::ranges::none_of(terms_, [](const Term& term) {
    return term.need == Need::envelope && term.test != Test::sent && term.test != Test::subject && term.test != Test::message_id;
  });
}

bool SearchPlan::only_headings() const {
  const auto is_known = [](const Term& term) { return term.need == Need::uid || term.need == Need::envelope; };
  return need_ == Need::envelope && headings_do() && std::ranges::all_of(terms_, is_known);
}

bool SearchPlan::needs(Need need) const {
  if (root_.kind == Node::Kind::constant) return false;
  return std::ranges::any_of(terms_, [need](const Term& term) { return term.need == need; });
}

std::vector<mailbox::UidRange> SearchPlan::scope(const mailbox::UidSet& view) const {
  if (root_.kind == Node::Kind::constant) return root_.value ? view.ranges() : std::vector<mailbox::UidRange>();
  std::vector<mailbox::UidRange> out = view.ranges();
  const auto narrow = [&](const Node& node) {
    if (node.kind != Node::Kind::term || node.negated || terms_[node.term].test != Term::Test::uids) return;
    mailbox::UidSet within;
    for (const auto& range : out) within.add(range);
    std::vector<mailbox::UidRange> wanted;
    for (const auto& range : terms_[node.term].uids.ranges()) wanted.push_back({range.first, range.last});
    out = within.intersect(wanted);
  };
  narrow(root_);
  if (root_.kind == Node::Kind::all && !root_.negated) {
    for (const Node& child : root_.children) narrow(child);
  }
  return out;
}

std::optional<std::uint64_t> parse_object_id(char kind, std::string_view text) {
  if (text.size() < 2 || text.front() != kind) return std::nullopt;
  text.remove_prefix(1);
  if (text.front() == '0') return std::nullopt;  // we write none: two spellings would be two ids
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace godwit::imapd
